package packages

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
)

// logTail is how much of the log of unattended-upgrades is read, in bytes
// (own: some weeks of it).
const logTail = 64 << 10

// switchedOn asks apt's own configuration, in whatever way it is written.
func (c *check) switchedOn(ctx context.Context) (bool, error) {
	o, err := child.Run(ctx, child.Command{
		Words: []string{"apt-config", "dump", "APT::Periodic"},
		Path:  c.path, Env: c.aptEnvironment(), Timeout: 10 * time.Second,
	})
	if err != nil {
		return false, err
	}
	if o.Code != 0 {
		return false, &refused{"apt-config", firstComplaint(o.Err)}
	}
	return parsePeriodic(string(o.Out)), nil
}

var periodic = regexp.MustCompile(`(?m)^APT::Periodic::(Enable|Unattended-Upgrade) "([^"]*)";$`)

// parsePeriodic tells from `apt-config dump` whether updates install
// themselves. A number is an interval in days, 0 is never.
func parsePeriodic(dump string) bool {
	enabled, upgrade := "1", "0"
	for _, m := range periodic.FindAllStringSubmatch(dump, -1) {
		if m[1] == "Enable" {
			enabled = m[2]
		} else {
			upgrade = m[2]
		}
	}
	return enabled != "0" && upgrade != "0" && upgrade != ""
}

// A run is the last of unattended-upgrades.
type run struct {
	Began time.Time
	// Error is its first complaint; text from outside.
	Error string
}

// lastRun reads the log of unattended-upgrades; the zero run is that it says
// nothing.
func (c *check) lastRun() (run, error) {
	var found run
	for _, name := range []string{"unattended-upgrades.log", "unattended-upgrades.log.1"} {
		f, err := checks.OpenFile(c.at("/var/log/unattended-upgrades/" + name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return run{}, err
		}
		tail, err := tailOf(f, logTail)
		_ = f.Close()
		if err != nil {
			return run{}, err
		}
		if found = parseRuns(string(tail)); !found.Began.IsZero() {
			break
		}
	}
	return found, nil
}

func tailOf(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-limit)
	return io.ReadAll(io.NewSectionReader(f, from, limit))
}

var logLine = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ (\w+) (.*)$`)

// parseRuns reads the log, whose times are those of this machine.
func parseRuns(text string) run {
	var last run
	for _, line := range strings.Split(text, "\n") {
		m := logLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		at, err := time.ParseInLocation("2006-01-02 15:04:05", m[1], time.Local)
		if err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(m[3], "Starting unattended upgrades script"):
			last = run{Began: at}
		case m[2] == "ERROR" && !last.Began.IsZero() && last.Error == "":
			last.Error = checks.Quote(m[3])
		}
	}
	return last
}

// judgeAutomatic tells how updates install themselves. Where the log says
// nothing, what is switched on counts as running.
func judgeAutomatic(installed, on bool, last run, now time.Time) string {
	switch {
	case !installed || !on:
		return automaticOff
	case last.Error != "":
		return automaticFailing
	case !last.Began.IsZero() && now.Sub(last.Began) > automaticRhythm:
		return automaticStopped
	}
	return automaticOn
}
