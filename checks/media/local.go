package media

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/hang"
)

const (
	// diskTime bounds one question to the folder of media (own).
	diskTime = 5 * time.Second
	// leftFor is after how long a test file that is still there was left behind
	// by a look that was cut off (own), and leftLimit how many are looked for.
	leftFor   = 10 * time.Minute
	leftLimit = 200
)

// ownFolder is the bot's own, below that of the media of this machine; "" where
// that is not known.
func (v *visit) ownFolder() string {
	if v.place.folder == "" {
		return ""
	}
	return path.Join("/", v.site.Root, v.place.folder, folder)
}

// tryHere makes the trip with a file on this machine: written into the bot's own
// folder, got by its public name, deleted, and asked for once more.
func (v *visit) tryHere(ctx context.Context) trip {
	var t trip
	own := v.ownFolder()
	if own == "" {
		return t
	}
	name := strings.ToLower(v.name()) + ".txt"
	body := []byte("A test by sababan, deleted at once. " + v.name() + "\n")
	t.put = v.onDisk(ctx, own, func(root *os.Root) error {
		sweep(root, v.now)
		return write(root, name, body)
	})
	if t.put.state == unseen && errors.Is(t.put.err, errNoFolder) && !v.memory.Stood {
		t.put = step{} // nobody has set it up
		return t
	}
	if t.put.state != well {
		return t
	}
	v.memory.Stood = true
	address := at(v.place.public, folder+name)
	t.get = get(ctx, v.wireTo(), address)
	if t.get.state == well && !bytes.Equal(t.get.body, body) {
		t.get.state, t.get.why = ill, otherThing
	}
	t.del = v.onDisk(ctx, own, func(root *os.Root) error { return root.Remove(name) })
	if t.del.state == well && t.get.state == well {
		t.again = get(ctx, v.wireTo(), address)
		if t.again.state == well && !bytes.Equal(t.again.body, body) {
			t.again.state, t.again.why = ill, notThere // whatever is shown for what is not there
		}
	}
	return t
}

// errNoFolder says that the bot's own folder cannot be entered.
var errNoFolder = errors.New("no folder of its own")

// onDisk does something in a folder that may be on a dead mount.
func (v *visit) onDisk(ctx context.Context, own string, do func(*os.Root) error) step {
	began := time.Now()
	_, err := hang.Ask(ctx, &v.calls, own, diskTime, func() (struct{}, error) {
		root, err := os.OpenRoot(own)
		if err != nil {
			return struct{}{}, errors.Join(errNoFolder, err)
		}
		defer func() { _ = root.Close() }() // nothing is written by it
		return struct{}{}, do(root)
	})
	s := step{state: well, took: time.Since(began), err: err}
	switch {
	case err == nil:
	case errors.Is(err, hang.ErrSlow), errors.Is(err, hang.ErrPending):
		s.state, s.why = ill, mute
	case errors.Is(err, fs.ErrNotExist):
		s.state, s.why = unseen, noFolder
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		// Of the bot alone, perhaps: its service sees all but a few folders read-only.
		s.state, s.why = unseen, noRight
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		s.state, s.why = ill, full
	default:
		s.state, s.why = ill, broken
	}
	return s
}

// write makes a file that the web server may read, whatever the umask.
func write(root *os.Root, name string, body []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Chmod(0o644), f.Sync())
	if err = errors.Join(err, f.Close()); err != nil {
		_ = root.Remove(name) // what is wrong is said already
	}
	return err
}

// testFile is the name of one.
var testFile = regexp.MustCompile(`^[a-z0-9]{20,40}\.txt$`)

// sweep removes test files that an earlier look has left behind.
func sweep(root *os.Root, now time.Time) {
	dir, err := root.Open(".")
	if err != nil {
		return
	}
	defer func() { _ = dir.Close() }() // it was only read
	names, _ := dir.Readdirnames(leftLimit)
	for _, name := range names {
		if !testFile.MatchString(name) {
			continue
		}
		if info, err := root.Lstat(name); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > leftFor {
			_ = root.Remove(name) // it is tried again at the next look
		}
	}
}

// judgeAgain judges whether a file is shown after its end.
func (v *visit) judgeAgain() {
	switch s := v.trip.again; {
	case v.place.kind != localKind, v.trip.put.state == untried, v.place.busts:
	case s.state == untried:
		v.unseen(textNotTried(), codeCached)
	case s.state == well:
		v.find(codeCached, checks.Warning, checks.Week, textCached(v.place.public.Host), adviceCached())
	case s.code != 403 && s.code != 404 && s.code != 410:
		v.unseen(textUnseen(s), codeCached)
	}
}
