package backups

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// logTail is how much of the end of a log is read, in bytes; logLines how
	// many of its last lines are looked at (own: what a job says when it ends).
	logTail, logLines = 64 << 10, 20
)

// logState is what is remembered of a job's log, so that each of its runs is
// judged once and a new one replaces the verdict of the last.
type logState struct {
	Inode uint64 `json:"inode,omitempty"`
	Size  int64  `json:"size,omitempty"`
	// Trouble is the last line that tells of an error, made harmless; "" where
	// there is none.
	Trouble string    `json:"trouble,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// readLog judges what was written to a log since the last look, once it is
// quiet: half of a run is no run.
func readLog(path string, last logState, now time.Time) (logState, error) {
	f, err := checks.OpenFile(path)
	if err != nil {
		return last, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return last, err
	}
	_, inode := whereIs(info)
	from := last.Size
	switch {
	case inode == last.Inode && info.Size() == last.Size, now.Sub(info.ModTime()).Abs() < quiet:
		return last, nil
	case inode != last.Inode, info.Size() < last.Size:
		from = 0
	}
	if info.Size() == 0 {
		return logState{Inode: inode, Trouble: last.Trouble, At: last.At}, nil // rotated
	}
	from = max(from, info.Size()-logTail)
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return last, err
	}
	return logState{Inode: inode, Size: info.Size(), Trouble: logTrouble(text), At: info.ModTime()}, nil
}

var (
	// trouble are words by which jobs tell that something failed.
	trouble = regexp.MustCompile(`(?i)\b(error|errors|fatal|failed|failure|panic|aborted|cannot|can't|could not|unable to|no space left|permission denied|no such file|not found|timed out|refused|killed|traceback)\b|エラー|失敗`)
	// noTrouble are phrases with such words that say the contrary.
	noTrouble = regexp.MustCompile(`(?i)\b(no|0|zero|without)( \w+)? (errors?|failures?|failed)\b|\b(errors?|failures?|failed)\s*[:=]\s*(0|none|no|false)\b|\bnot? failed\b|エラー(は)?(なし|ありません|0)|失敗(は)?(なし|ありません|0)`)
	// inAddress is a user's name and password in an address.
	inAddress = regexp.MustCompile(`://[^/\s@]*@`)
	// inSetting is a password as a word of a command or a setting.
	inSetting = regexp.MustCompile(`(?i)((?:password|passwd|passphrase|secret|token|_key)\s*[=:]\s*)\S+`)
)

// logTrouble is the last of the last lines that tells of an error.
func logTrouble(text []byte) string {
	lines := bytes.Split(bytes.TrimRight(text, "\r\n \t"), []byte("\n"))
	lines = lines[max(0, len(lines)-logLines):]
	for i := len(lines) - 1; i >= 0; i-- {
		line := string(lines[i][:min(len(lines[i]), 2<<10)])
		if trouble.MatchString(noTrouble.ReplaceAllString(line, "")) {
			return checks.Quote(withoutSecrets(line))
		}
	}
	return ""
}

func withoutSecrets(line string) string {
	line = inAddress.ReplaceAllString(line, "://")
	return strings.TrimSpace(inSetting.ReplaceAllString(line, "$1…"))
}

// judgeLog makes the finding of a source's log.
func (r *round) judgeLog(ctx context.Context, s *seen) {
	if s.Source.Log == "" {
		return
	}
	type answer struct {
		state logState
		err   error
	}
	got, err := within(ctx, r.c, "log "+s.label(), func(context.Context) answer {
		state, err := readLog(s.Source.Log, s.known.Log, r.now)
		return answer{state, err}
	})
	if err = errors.Join(err, got.err); err != nil {
		advice := checks.Advice{}
		if errors.Is(err, fs.ErrPermission) {
			advice = mendDenied(s.Source.Log)
		}
		r.blind(s, codeLog, blindLog(*s, err), advice)
		return
	}
	s.known.Log = got.state
	if got.state.Trouble != "" {
		r.finding(s, codeLog, verdict{checks.Warning, "an error at its end"}, logText(*s), logAdvice(*s))
	}
}
