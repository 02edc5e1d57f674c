package site

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

// secretLimit bounds a file that holds one password, or one key (own).
const secretLimit = 4096

// credentials is where systemd puts what it keeps for a service: the folder is
// closed to others, the files in it are open to the group.
const credentials = "/run/credentials/"

// A SecretFault is why a file with a secret cannot be used.
type SecretFault string

// The faults.
const (
	SecretAbsent SecretFault = "absent"
	SecretClosed SecretFault = "closed" // to us, or a folder above it is
	SecretOdd    SecretFault = "odd"    // no ordinary file, or cannot be read
	SecretOpen   SecretFault = "open"   // to others
	SecretLarge  SecretFault = "large"
	SecretEmpty  SecretFault = "empty"
	SecretLines  SecretFault = "lines" // more than one, or no text
)

func (f SecretFault) Error() string { return "file of a secret: " + string(f) }

// ReadSecret reads a secret at the moment of use, from a file that nobody else
// may read. Its error is a [SecretFault].
func ReadSecret(path string) (checks.Secret, error) {
	// Asked before opening: opening a pipe waits for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return checks.Secret{}, fileFault(err)
	}
	if !info.Mode().IsRegular() {
		return checks.Secret{}, SecretOdd
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
		return checks.Secret{}, SecretOpen
	}
	text, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	switch {
	case err != nil:
		return checks.Secret{}, SecretOdd
	case len(text) > secretLimit:
		return checks.Secret{}, SecretLarge
	}
	words := strings.TrimRight(string(bytes.TrimPrefix(text, []byte("\uFEFF"))), "\r\n")
	switch {
	case words == "":
		return checks.Secret{}, SecretEmpty
	case !utf8.ValidString(words) || strings.ContainsFunc(words, unicode.IsControl):
		return checks.Secret{}, SecretLines
	}
	return checks.NewSecret(words), nil
}

func fileFault(err error) SecretFault {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return SecretAbsent
	case errors.Is(err, fs.ErrPermission):
		return SecretClosed
	}
	return SecretOdd
}

// SecretFaultOf is the fault that an error of [ReadSecret] is.
func SecretFaultOf(err error) SecretFault {
	var f SecretFault
	if errors.As(err, &f) {
		return f
	}
	return SecretOdd
}

// Text is what is wrong, behind the name of the file.
func (f SecretFault) Text() checks.Text {
	switch f {
	case SecretAbsent:
		return checks.Text{En: "does not exist", Ja: "ファイルがありません"}
	case SecretClosed:
		return checks.Text{En: "may not be read by sababan", Ja: "読む権限がありません"}
	case SecretOpen:
		return checks.Text{En: "can be read by others", Ja: "ほかのユーザーからも読めます"}
	case SecretLarge:
		return checks.Text{En: "is far too large", Ja: "ファイルが大きすぎます"}
	case SecretEmpty:
		return checks.Text{En: "is empty", Ja: "空です"}
	case SecretLines:
		return checks.Text{En: "holds more than one line", Ja: "1行のテキストではありません"}
	}
	return checks.Text{En: "is not an ordinary file that can be read", Ja: "読める通常のファイルではありません"}
}

// Advice is what to do about it.
func (f SecretFault) Advice(file string) checks.Advice {
	a := checks.Advice{Look: checks.Written("sudo", "ls", "-l", file)}
	if f == SecretOpen {
		if mend := checks.Written("sudo", "chmod", "600", file); mend != nil {
			a.Mend = []checks.Shell{mend}
		}
	}
	return a
}
