package systemd

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/sababan/sababan/checks"
)

// journalPatience bounds how long the journal may take to be searched (own):
// its words are a help, the look must not wait for them.
const journalPatience = 2 * time.Second

// journalLimit bounds what is read of it, in bytes (own).
const journalLimit = 64 << 10

// Journal returns the last lines that a unit's own processes have written since
// an instant (the zero time is the boot), oldest first, made harmless; none
// where they may not be read.
func (m *Manager) Journal(ctx context.Context, unit string, since time.Time, lines int) []string {
	ctx, cancel := context.WithTimeout(ctx, journalPatience)
	defer cancel()
	words := []string{
		"journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=MESSAGE,_PID", "--boot",
		"--lines=" + strconv.Itoa(lines+managerLines), "--unit=" + unit,
	}
	if !since.IsZero() {
		words = append(words, "--since=@"+strconv.FormatInt(since.Unix(), 10))
	}
	out, err := m.host.command(ctx, journalLimit, words...)
	if err != nil || out.Code != 0 {
		return nil
	}
	var said []string
	for line := range bytes.Lines(out.Out) {
		var entry struct {
			Message any    `json:"MESSAGE"` // a list of bytes where it is no plain text
			PID     string `json:"_PID"`
		}
		if json.Unmarshal(line, &entry) != nil || entry.PID == "1" {
			continue
		}
		if q := checks.Quote(message(entry.Message)); q != "" {
			said = append(said, q)
		}
	}
	return said[max(0, len(said)-lines):]
}

// managerLines is how many lines systemd itself writes about the end of a run
// and the next one's begin (own).
const managerLines = 8

func message(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b []byte
		for _, n := range v {
			if f, ok := n.(float64); ok && f >= 0 && f < 256 {
				b = append(b, byte(f))
			}
		}
		return string(b)
	}
	return ""
}
