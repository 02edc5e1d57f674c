package checks

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
)

func TestASecretThatComesBackIsMaskedHoweverItIsWritten(t *testing.T) {
	for _, words := range []string{"hunter2", "p&ss w/rd%=", "パスワード", "abcd", strings.Repeat("x", 100)} {
		s := NewSecret(words)
		said := []string{
			"ERR unknown command `HELLO`, with args beginning with: `2`, `AUTH`, `default`, `" + words + "`",
			words + words,
			"redis://:" + url.QueryEscape(words) + "@host/0", "https://u:" + url.PathEscape(words) + "@host/",
			"503 AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00me\x00"+words)),
		}
		for before := range 7 {
			for after := range 4 {
				said = append(said, "502 unrecognized: "+base64.StdEncoding.EncodeToString([]byte("abcdefg"[:before]+words+"hij"[:after])))
			}
		}
		for _, text := range said {
			got := s.Hide(text)
			for _, form := range written(words) {
				if strings.Contains(got, form) {
					t.Errorf("%q is told as %q, with %q", text, got, form)
				}
			}
			if !strings.Contains(got, masked) {
				t.Errorf("%q: nothing is masked: %q", text, got)
			}
		}
		if got := s.Hide("an ordinary answer, 535 5.7.8"); got != "an ordinary answer, 535 5.7.8" {
			t.Errorf("%q", got)
		}
	}
	if got := HideAll("the key is abc and hunter2", Secret{}, NewSecret("abc"), NewSecret("hunter2")); got != "the key is abc and "+masked {
		t.Errorf("%q", got)
	}
}
