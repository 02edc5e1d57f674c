package backups

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
)

// Outcomes of reading a backup to its end.
const (
	outcomeNone    = ""        // not tested
	outcomeWhole   = "whole"   // read to the end, and the end is there
	outcomeDamaged = "damaged" // it cannot be restored as it is
	outcomeSlow    = "slow"    // the time was over
	outcomeDenied  = "denied"  // no permission
	outcomeNoTool  = "no tool" // what is needed to read it is not here, or too old
	outcomeForeign = "foreign" // encrypted, or of a kind that is not known
	outcomeGone    = "gone"    // it changed while it was read
)

// What is known of .env.production, or of the media, inside a backup; "" is
// nothing.
const (
	holdsIt = "has"
	lacksIt = "lacks"
)

// tested is how reading a backup to its end went; it is remembered, so that
// each is read once.
type tested struct {
	ID      string    `json:"id"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"`
	// Made is the time of the backup.
	Made time.Time     `json:"made"`
	Took time.Duration `json:"took"`
	// Tool is what was or would be needed, Said its last words when it failed;
	// text from outside.
	Tool string `json:"tool,omitempty"`
	Said string `json:"said,omitempty"`
	Path string `json:"path,omitempty"`
	// Cut tells that the end of plain SQL was not there.
	Cut bool `json:"cut,omitempty"`
	// Unsure tells that only the compression was proven, not what is inside.
	Unsure bool `json:"unsure,omitempty"`
	// Env and Media tell whether .env.production and the media are inside.
	Env   string `json:"env,omitempty"`
	Media string `json:"media,omitempty"`
	// Inside is what was counted on the way.
	Inside contents `json:"inside,omitzero"`
	// Bad tells that what is inside was found to be the wrong data.
	Bad bool `json:"bad,omitempty"`
	// Short tells that there was too little time for a verdict on slowness.
	Short bool `json:"-"`
}

// keeps tells whether a test's outcome is one to remember.
func (t tested) keeps() bool {
	switch t.Outcome {
	case outcomeWhole, outcomeDamaged, outcomeForeign, outcomeNoTool, outcomeDenied:
		return true
	case outcomeSlow:
		return !t.Short
	}
	return false
}

const (
	// reserve is kept of a look's time for saying what was seen (own).
	reserve = 2 * time.Second
	// wholeNight is how long a test must have had to count as too slow; a
	// shorter one is tried again (own: at the 6 MB/s that pg_restore was
	// measured at, some 4 GB).
	wholeNight = 10 * time.Minute
	// listLimit bounds a name in the list of a tar, in bytes (own).
	listLimit = 16 << 10
)

// ready tells what a backup would be read with, or why it cannot be; it costs
// nothing.
func (c *check) ready(a artefact) (words []string, t tested) {
	t = tested{ID: a.ID, Made: a.Time, Path: a.Path}
	switch {
	case errors.Is(a.Unread, fs.ErrPermission):
		t.Outcome = outcomeDenied
		return nil, t
	case a.Unread != nil:
		t.Outcome, t.Said = outcomeGone, a.Unread.Error()
		return nil, t
	}
	switch a.Header.Form {
	case formPlain:
		words = []string{"cat", "--", a.Path}
	case formCustom, formFolder:
		words = []string{"pg_restore", "-f", "-", a.Path}
	case formTar:
		words = []string{"tar", "-tf", a.Path}
	case formGzip, formZstd, formXz, formBzip2:
		words = []string{a.Header.Form, "-dc", "--", a.Path}
		if a.Header.Tarred {
			words = []string{"tar", "-tf", a.Path}
		}
	default:
		t.Outcome = outcomeForeign
		return nil, t
	}
	if a.Header.Form != formPlain {
		t.Tool = words[0]
	}
	if words[0] == "pg_restore" {
		words[0] = c.pgRestore()
	}
	for _, tool := range []string{words[0], a.Header.Form} {
		if tool == words[0] || slices.Contains([]string{formGzip, formZstd, formXz, formBzip2}, tool) {
			if _, err := child.Find(c.path, tool); err != nil {
				t.Outcome, t.Tool = outcomeNoTool, filepath.Base(tool)
				return nil, t
			}
		}
	}
	return words, t
}

// pgRestore is the newest pg_restore: an older one cannot read the dumps of a
// newer pg_dump. Debian's wrapper picks by cluster, and is passed by.
func (c *check) pgRestore() string {
	if c.path == nil {
		best, newest := "", -1
		for _, pattern := range []string{"/usr/lib/postgresql/*/bin/pg_restore", "/usr/pgsql-*/bin/pg_restore"} {
			found, _ := filepath.Glob(pattern) // the pattern is ours and right
			for _, f := range found {
				digits := strings.Trim(strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(f))), "pgsql-"), "/")
				if n, err := strconv.Atoi(digits); err == nil && n > newest {
					best, newest = f, n
				}
			}
		}
		if best != "" {
			return best
		}
	}
	return "pg_restore"
}

// test reads a backup to its end, once, and counts what is inside on the way;
// name is that of the database which counts where there are several.
func (c *check) test(ctx context.Context, a artefact, name string) tested {
	words, t := c.ready(a)
	if t.Outcome != outcomeNone {
		return t
	}
	began := time.Now()
	switch {
	case t.Tool == "tar":
		list := &names{}
		c.run(ctx, words, list, &t)
		if t.Outcome == outcomeWhole {
			t.Env, t.Media = held(list.env), held(list.media)
		}
	case t.Tool == "pg_restore":
		s := newScan(began)
		c.run(ctx, words, s, &t)
		if t.Outcome == outcomeWhole {
			t.Inside = s.result(name)
		}
	default:
		e, s := &ends{}, newScan(began)
		c.run(ctx, words, io.MultiWriter(e, s), &t)
		if t.Outcome == outcomeWhole && e.judge(&t) {
			t.Inside = s.result(name)
		}
	}
	t.At, t.Took = time.Now(), time.Since(began)
	// Whoever rotates backups may have taken it away underneath.
	if now, ok := look(a.Path, t.At); !ok || !a.Folder && now.ID != a.ID {
		return tested{ID: a.ID, Made: a.Time, Path: a.Path, Outcome: outcomeGone}
	}
	return t
}

// run runs a tool over a backup and tells what came of it.
func (c *check) run(ctx context.Context, words []string, sink io.Writer, t *tested) {
	left := wholeNight
	if until, ok := ctx.Deadline(); ok {
		left = time.Until(until) - reserve
	}
	if left <= 0 {
		t.Outcome, t.Short = outcomeSlow, true
		return
	}
	o, err := child.Run(ctx, child.Command{Words: words, Path: c.path, Sink: sink, Timeout: left, Idle: true})
	t.Said, t.Short = lastWords(o.Trouble(), t.Tool), left < wholeNight
	switch {
	case errors.Is(err, child.ErrMissing):
		t.Outcome = outcomeNoTool
	case errors.Is(err, child.ErrDeadline), errors.Is(err, context.Canceled):
		t.Outcome, t.Said = outcomeSlow, ""
	case err != nil:
		// Only what it read can have made it crash; killed it may have been by
		// anybody.
		t.Outcome, t.Said = outcomeGone, checks.Quote(err.Error())
		if strings.Contains(t.Said, "segmentation fault") || strings.Contains(t.Said, "aborted") {
			t.Outcome = outcomeDamaged
		}
	case o.Code == 0:
		t.Outcome, t.Said = outcomeWhole, ""
	default:
		t.Outcome = complaint(string(o.Err))
	}
}

// lastWords are a tool's, without its own name before them.
func lastWords(said, tool string) string {
	said = strings.TrimPrefix(said, tool+": ")
	return checks.Quote(strings.TrimPrefix(said, "error: "))
}

// complaints are failures that are not the backup's fault, by what the tools
// say in the C locale; the first that fits counts.
var complaints = []struct{ words, outcome string }{
	{"Cannot exec", outcomeNoTool},         // tar: the decompressor
	{"unsupported version", outcomeNoTool}, // pg_restore: of a newer pg_dump
	{"this build does not", outcomeNoTool}, // pg_restore: the compression
	{"error while loading shared", outcomeNoTool},
	{"out of memory", outcomeNoTool},
	{"Permission denied", outcomeDenied},
}

// complaint tells what a tool's failure means: most are the backup's fault, but
// not those that are the tool's own.
func complaint(said string) string {
	for _, c := range complaints {
		if strings.Contains(said, c.words) {
			return c.outcome
		}
	}
	return outcomeDamaged
}

// ends keeps the beginning and the end of a stream.
type ends struct{ head, tail []byte }

func (e *ends) Write(b []byte) (int, error) {
	e.head = append(e.head, b[:min(len(b), headLimit-len(e.head))]...)
	e.tail = append(e.tail, b[max(0, len(b)-tailLimit):]...)
	if over := len(e.tail) - tailLimit; over > 0 {
		e.tail = append(e.tail[:0], e.tail[over:]...)
	}
	return len(b), nil
}

// judge tells what was inside a file that could be read to its end, and
// whether it is SQL with its end.
func (e *ends) judge(t *tested) bool {
	plain, cluster := isPlain(e.head)
	switch {
	case len(e.head) == 0:
		t.Outcome, t.Said = outcomeDamaged, "empty"
	case plain && !endsWell(e.tail, cluster):
		t.Outcome, t.Cut = outcomeDamaged, true
	case plain:
		t.Env, t.Media = lacksIt, lacksIt
		return true
	default:
		t.Unsure = true
		if bytes.HasPrefix(e.head, []byte("PGDMP")) {
			t.Env, t.Media = lacksIt, lacksIt
		}
	}
	return false
}

// names reads the list of a tar as it comes, looking for a few names.
type names struct {
	line       []byte
	env, media bool
}

func held(yes bool) string {
	if yes {
		return holdsIt
	}
	return lacksIt
}

func (n *names) Write(b []byte) (int, error) {
	size := len(b)
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		part := b
		if end >= 0 {
			part = b[:end]
		}
		n.line = append(n.line, part[:min(len(part), max(0, listLimit-len(n.line)))]...)
		if end < 0 {
			break
		}
		n.env = n.env || filepath.Base(string(n.line)) == envFile
		n.media = n.media || isMedia(string(n.line))
		n.line, b = n.line[:0], b[end+1:]
	}
	return size, nil
}
