package mail

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// secretLimit bounds a file that holds one password (own).
const secretLimit = 4096

// credentials is where systemd puts what it keeps for a service: the folder is
// closed to others, the files in it are open to the group.
const credentials = "/run/credentials/"

// A secretFault is why a file with a password cannot be used.
type secretFault string

const (
	fileAbsent secretFault = "absent"
	fileClosed secretFault = "closed" // to us, or a folder above it is
	fileOdd    secretFault = "odd"    // no ordinary file, or cannot be read
	fileOpen   secretFault = "open"   // to others
	fileLarge  secretFault = "large"
	fileEmpty  secretFault = "empty"
	fileLines  secretFault = "lines" // more than one, or no text
)

func (f secretFault) Error() string { return "password file: " + string(f) }

// readSecret reads a password at the moment of use, from a file that nobody
// else may read. Its error is a [secretFault].
func readSecret(path string) (checks.Secret, error) {
	// Asked before opening: opening a pipe waits for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return checks.Secret{}, fileFault(err)
	}
	if !info.Mode().IsRegular() {
		return checks.Secret{}, fileOdd
	}
	f, err := checks.OpenFile(path)
	if err != nil {
		return checks.Secret{}, fileFault(err)
	}
	defer func() { _ = f.Close() }()
	if info, err = f.Stat(); err != nil {
		return checks.Secret{}, fileFault(err)
	}
	if info.Mode().Perm()&0o077 != 0 && !strings.HasPrefix(filepath.Clean(path), credentials) {
		return checks.Secret{}, fileOpen
	}
	text, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	switch {
	case err != nil:
		return checks.Secret{}, fileOdd
	case len(text) > secretLimit:
		return checks.Secret{}, fileLarge
	}
	words := strings.TrimRight(string(bytes.TrimPrefix(text, []byte("\uFEFF"))), "\r\n")
	switch {
	case words == "":
		return checks.Secret{}, fileEmpty
	case !utf8.ValidString(words) || strings.ContainsFunc(words, unicode.IsControl):
		return checks.Secret{}, fileLines
	}
	return checks.NewSecret(words), nil
}

func fileFault(err error) secretFault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileAbsent
	case errors.Is(err, fs.ErrPermission):
		return fileClosed
	}
	return fileOdd
}

// secretWord is the fault that an error of readSecret is.
func secretWord(err error) secretFault {
	var f secretFault
	if errors.As(err, &f) {
		return f
	}
	return fileOdd
}
