package fallback

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// secretLimit bounds a file that holds one secret (own).
const secretLimit = 4096

// credentials is where systemd puts what it keeps for a service: the folder is
// closed to others, the files in it are open to the group.
const credentials = "/run/credentials/"

// A credential is a secret that stands in the address, or in a file that is read
// at the moment of use.
type credential struct {
	words checks.Secret
	file  string
	held  bool // the file is one that systemd guards
}

// credentialOf takes name or name_file from the settings of an address.
func (o Options) credentialOf(q url.Values, name string) (credential, error) {
	words, file := q.Get(name), q.Get(name+"_file")
	switch {
	case words != "" && file != "":
		return credential{}, fmt.Errorf("has both %s and %s_file; one is enough", name, name)
	case file != "" && !strings.HasPrefix(file, "/"):
		return credential{}, fmt.Errorf("%s_file should be a whole path, for example \"/etc/sababan/%s\"", name, name)
	}
	c := credential{words: checks.NewSecret(words), file: file}
	if file != "" && o.SecretFile != nil {
		c.file = o.SecretFile(file)
	}
	c.held = c.file != file || strings.HasPrefix(c.file, credentials)
	return c, nil
}

func (c credential) empty() bool { return c.words.Empty() && c.file == "" }

// read returns the secret; the error names the file and never what is in it.
func (c credential) read() (checks.Secret, error) {
	if c.file == "" {
		return c.words, nil
	}
	problem := func(why string) (checks.Secret, error) {
		return checks.Secret{}, fmt.Errorf("%s %s", checks.QuoteName(c.file), why)
	}
	// Asked before opening: opening a pipe waits for a writer.
	info, err := os.Stat(c.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem("does not exist")
	case err != nil:
		return problem("may not be looked at")
	case !info.Mode().IsRegular():
		return problem("is not an ordinary file")
	case info.Mode().Perm()&0o077 != 0 && !c.held:
		return problem("can be read by others; close it: chmod 600")
	}
	f, err := checks.OpenFile(c.file)
	if err != nil {
		return problem("may not be read")
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	words := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return problem("cannot be read")
	case len(text) > secretLimit || words == "" || !utf8.ValidString(words) || strings.ContainsFunc(words, unicode.IsControl):
		return problem("does not hold one line of text")
	}
	return checks.NewSecret(words), nil
}
