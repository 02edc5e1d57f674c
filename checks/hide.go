package checks

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// hidden is the length from which on a secret is looked for in a text, in bytes
// (own: a shorter one is a syllable of ordinary words).
const hidden = 4

// Hide masks the secret where a text from outside repeats it: as it is, as in an
// address, or inside the base64 of what was sent. Servers that do not know a
// command often answer with the whole line.
func (s Secret) Hide(text string) string {
	words := s.Reveal()
	if len(words) < hidden {
		return text
	}
	for _, form := range written(words) {
		text = strings.ReplaceAll(text, form, masked)
	}
	return text
}

// written is how a secret may stand in a text, the longest first.
func written(words string) []string {
	forms := []string{url.QueryEscape(words), url.PathEscape(words), words}
	// Behind other bytes base64 has one of three forms; the letters at either
	// end are made of the neighbours as well, and are left out.
	for before := range 3 {
		code := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), words...))
		first, last := (before*8+5)/6, (before+len(words))*8/6
		forms = append(forms, code[first:last])
	}
	return forms
}

// HideAll hides several secrets.
func HideAll(text string, secrets ...Secret) string {
	for _, s := range secrets {
		text = s.Hide(text)
	}
	return text
}

// Hush is an error that tells itself without the secrets. What is inside is
// found as before; whoever tells its words hides them as well.
func Hush(err error, secrets ...Secret) error {
	if err == nil {
		return nil
	}
	return &hushed{err, secrets}
}

type hushed struct {
	err     error
	secrets []Secret
}

func (e *hushed) Error() string { return HideAll(e.err.Error(), e.secrets...) }

func (e *hushed) Unwrap() error { return e.err }
