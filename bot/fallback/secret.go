package fallback

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A credential is a secret that stands in the address, or in a file that is read
// at the moment of use.
type credential struct {
	words checks.Secret
	file  string
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
	return c, nil
}

func (c credential) empty() bool { return c.words.Empty() && c.file == "" }

// read returns the secret; the error names the file and never what is in it.
func (c credential) read() (checks.Secret, error) {
	if c.file == "" {
		return c.words, nil
	}
	words, err := site.ReadSecret(c.file)
	if err == nil {
		return words, nil
	}
	fault := site.SecretFaultOf(err)
	why := checks.QuoteName(c.file) + " " + fault.Text().En
	for _, mend := range fault.Advice(c.file).Mend {
		why += "; fix it: " + mend.String()
	}
	return checks.Secret{}, errors.New(why)
}
