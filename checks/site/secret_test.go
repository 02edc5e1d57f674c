package site

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
)

func TestOnlyAFileOfOursIsTakenForASecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]SecretFault{
		write("good", "correct horse ä\r\n", 0o600):               "",
		write("open", "x", 0o640):                                 SecretOpen,
		write("empty", "\n\n", 0o600):                             SecretEmpty,
		write("lines", "a\nb\n", 0o600):                           SecretLines,
		write("large", strings.Repeat("x", secretLimit+1), 0o600): SecretLarge,
		filepath.Join(dir, "absent"):                              SecretAbsent,
		dir:                                                       SecretOdd,
		pipe:                                                      SecretOdd,
	} {
		got, err := ReadSecret(path)
		if want == "" {
			if err != nil || got.Reveal() != "correct horse ä" {
				t.Errorf("%s: %q, %v", path, got.Reveal(), err)
			}
			continue
		}
		if !errors.Is(err, want) || !got.Empty() {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		for _, l := range []checks.Lang{checks.English, checks.Japanese} {
			if want.Text().In(l) == "" {
				t.Errorf("%s has no words", want)
			}
		}
	}
}
