package checks_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

func TestOnlyWhatItShouldBeIsOpenedAndNothingIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, pipe := range []string{"pipe", "talked to"} {
		if err := syscall.Mkfifo(at(pipe), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Somebody holds its other end and says nothing.
	writer, err := os.OpenFile(at("talked to"), os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for link, to := range map[string]string{"to file": "file", "to folder": "folder", "to pipe": "pipe", "to nothing": "nothing", "round": "round"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name         string
		file, folder error
	}{
		{at("file"), nil, syscall.ENOTDIR},
		{at("to file"), nil, syscall.ENOTDIR},
		{at("folder"), checks.ErrNoFile, nil},
		{at("to folder"), checks.ErrNoFile, nil},
		{at("pipe"), checks.ErrNoFile, syscall.ENOTDIR},
		{at("talked to"), checks.ErrNoFile, syscall.ENOTDIR},
		{at("to pipe"), checks.ErrNoFile, syscall.ENOTDIR},
		{at("nothing"), fs.ErrNotExist, fs.ErrNotExist},
		{at("to nothing"), fs.ErrNotExist, fs.ErrNotExist},
		{at("round"), syscall.ELOOP, syscall.ELOOP},
		{at("file/below"), syscall.ENOTDIR, syscall.ENOTDIR},
		{"/dev/zero", checks.ErrNoFile, syscall.ENOTDIR},
		{"/dev/tty", checks.ErrNoFile, syscall.ENOTDIR},
		{"", fs.ErrNotExist, fs.ErrNotExist},
	} {
		for what, one := range map[string]struct {
			open func(string) (*os.File, error)
			want error
		}{"file": {checks.OpenFile, c.file}, "folder": {checks.OpenFolder, c.folder}} {
			type opened struct {
				f   *os.File
				err error
			}
			came := make(chan opened, 1)
			go func() {
				f, err := one.open(c.name)
				came <- opened{f, err}
			}()
			select {
			case got := <-came:
				if !errors.Is(got.err, one.want) {
					t.Errorf("%s as a %s: %v, want %v", c.name, what, got.err, one.want)
				}
				if got.f != nil {
					_ = got.f.Close()
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s as a %s is waited for", c.name, what)
			}
		}
	}
	f, err := checks.OpenFile(at("to file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != "text" || err != nil {
		t.Errorf("%q %v", text, err)
	}
}
