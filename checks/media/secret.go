package media

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// secretLimit bounds a file that holds one key (own).
const secretLimit = 4096

// credentials is where systemd puts what it keeps for a service: the folder is
// closed to others, the files in it are open to the group.
const credentials = "/run/credentials/"

// readSecret reads a key at the moment of use, from a file that nobody
// else may read. Its error is one sentence that never shows the key.
func readSecret(path string) (checks.Secret, error) {
	words, err := readKey(path)
	if err != nil {
		return checks.Secret{}, fmt.Errorf("%s %w", checks.QuoteName(path), err)
	}
	return checks.NewSecret(words), nil
}

func readKey(path string) (string, error) {
	// Asked before opening: opening a pipe waits for a writer.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return "", errors.New("may not be looked at: a folder above it is closed")
	case err != nil:
		return "", errors.New("cannot be looked at")
	case !info.Mode().IsRegular():
		return "", errors.New("is not an ordinary file")
	}
	f, err := checks.OpenFile(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", errors.New("may not be read")
	case err != nil:
		return "", errors.New("cannot be opened")
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return "", errors.New("cannot be looked at")
	}
	if info.Mode().Perm()&0o077 != 0 && !strings.HasPrefix(filepath.Clean(path), credentials) {
		return "", errors.New("can be read by others; mend it: " + checks.Sh("sudo", "chmod", "600", path).String())
	}
	text, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	switch {
	case err != nil:
		return "", errors.New("cannot be read")
	case len(text) > secretLimit:
		return "", errors.New("is too large for a key")
	}
	words := strings.TrimRight(string(bytes.TrimPrefix(text, []byte("\uFEFF"))), "\r\n")
	switch {
	case words == "":
		return "", errors.New("is empty")
	case !utf8.ValidString(words) || strings.ContainsFunc(words, unicode.IsControl):
		return "", errors.New("holds more than one line, or something that is no text")
	}
	return words, nil
}
