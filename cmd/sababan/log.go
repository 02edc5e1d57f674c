package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// What the log may be written as.
const (
	textLog = "text"
	jsonLog = "json"
)

// newLog writes to w: lines of text, or of JSON. To the journal, text goes
// without a time, which is stamped there, and with the severity that journald
// reads (sd-daemon(3): "<3>" is an error).
func newLog(w io.Writer, getenv func(string) string, format string) *slog.Logger {
	if format == jsonLog {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	if !isJournal(w, getenv) {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	line := &journalLine{out: w}
	return slog.New(journalLog{line: line, Handler: slog.NewTextHandler(&line.text, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		},
	})})
}

// isJournal tells whether w is the journal: systemd names its socket by device
// and inode in $JOURNAL_STREAM (systemd.exec(5)). The variable alone does not
// prove it: children inherit it whose output goes elsewhere.
func isJournal(w io.Writer, getenv func(string) string) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// A journalLine is one line on its way to the journal.
type journalLine struct {
	mu   sync.Mutex
	text bytes.Buffer
	out  io.Writer
}

// A journalLog puts the severity before each line that its handler writes.
type journalLog struct {
	slog.Handler
	line *journalLine
}

func (l journalLog) Handle(ctx context.Context, r slog.Record) error {
	l.line.mu.Lock()
	defer l.line.mu.Unlock()
	l.line.text.Reset()
	l.line.text.WriteString(journalMark(r.Level))
	if err := l.Handler.Handle(ctx, r); err != nil {
		return err
	}
	_, err := l.line.out.Write(l.line.text.Bytes())
	return err
}

func (l journalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return journalLog{l.Handler.WithAttrs(attrs), l.line}
}

func (l journalLog) WithGroup(name string) slog.Handler {
	return journalLog{l.Handler.WithGroup(name), l.line}
}

// journalMark is a level as syslog(3) numbers it.
func journalMark(level slog.Level) string {
	n := 7
	switch {
	case level >= slog.LevelError:
		n = 3
	case level >= slog.LevelWarn:
		n = 4
	case level >= slog.LevelInfo:
		n = 6
	}
	return "<" + strconv.Itoa(n) + ">"
}

// tellError writes the error that a command ends with.
func tellError(env environment, err error) {
	text := fmt.Sprintf("sababan: %v\n", err)
	if isJournal(env.stderr, env.getenv) {
		mark := journalMark(slog.LevelError)
		text = mark + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+mark) + "\n"
	}
	_, _ = io.WriteString(env.stderr, text) // there is nowhere else to tell it
}
