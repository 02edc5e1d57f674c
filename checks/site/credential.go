package site

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/sababan/sababan/checks"
)

// credentialLimit bounds what is read to tell whether a credential is blank, in
// bytes (own); those that are used are read whole, as [ReadSecret] does.
const credentialLimit = 64

// Credential is where systemd put a secret of that name, or "". One that is
// blank stands for none: the unit makes it so where there was no file.
func Credential(folder, name string) string {
	if folder == "" {
		return ""
	}
	path := filepath.Join(folder, name)
	f, err := checks.OpenFile(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	begin := make([]byte, credentialLimit)
	n, _ := f.Read(begin)
	if len(bytes.TrimSpace(begin[:n])) == 0 && n < credentialLimit {
		return ""
	}
	return path
}

// SecretFile is where the secret of a file is read: systemd's credential of
// the file's name, where there is one, else the file itself. A file that
// others may read stays what is read, and will be refused: that it was copied
// to a closed place mends nothing.
func (s *Site) SecretFile(path string) string {
	held := Credential(s.Credentials, filepath.Base(path))
	if held == "" || path == "" {
		return path
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return path
	}
	return held
}
