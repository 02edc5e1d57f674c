package media

import (
	"strings"
	"testing"
)

// FuzzRefusal: a storage's word is a plain one, or none, however the XML nests.
func FuzzRefusal(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`, `<Error><Code>@evil</Code></Error>`, `<Error><Code>a</Code><Code>b</Code></Error>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><Error><Code>&a;</Code></Error>`, `<Code>` + strings.Repeat("<a>", 12000), `<Error xmlns="x"><Code>NoSuchBucket</Code>`, `<Code><Code>`,
	} {
		f.Add([]byte(s), 403)
	}
	f.Fuzz(func(t *testing.T, body []byte, code int) {
		word := wordOf(body)
		if word != "" && !plainWord.MatchString(word) {
			t.Errorf("%q", word)
		}
		if whyRefused(code, word) == noReason {
			t.Errorf("no reason for %d %q", code, word)
		}
	})
}
