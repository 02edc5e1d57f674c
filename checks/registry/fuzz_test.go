package registry

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// FuzzRDAP: what a registry says becomes a date of our time, known states, and
// a name in one harmless line; and it is the same when it was remembered.
func FuzzRDAP(f *testing.F) {
	const honest = `{"objectClassName":"domain","ldhName":"EXAMPLE.COM","status":["client transfer prohibited","clientHold","redemption period","pending delete"],` +
		`"events":[{"eventAction":"registration","eventDate":"1995-08-14T04:00:00Z"},{"eventAction":"expiration","eventDate":"2027-08-13T04:00:00Z"}],` +
		`"entities":[{"roles":["registrar"],"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Example Registrar @evil"]]]}]}`
	for _, s := range []string{
		honest, honest[:200], strings.ReplaceAll(honest, "EXAMPLE.COM", "example.net"), `{"events":"x","status":["server hold",7]}`,
		`{"ldhName":"example.com","entities":[{"roles":["registrar"],"vcardArray":["vcard",[["fn",{},"text",["a"]],["fn"],7]]}]}`,
		`{"ldhName":"example.com","events":[{"eventAction":"EXPIRATION","eventDate":"9999-12-31T00:00:00Z"},{"eventAction":"expiration","eventDate":"31/03/2027"}]}`,
		strings.Repeat(`{"entities":[`, 200), `[]`, `null`, `{"services":[[["com","co.jp"],["https://r.example/","http://plain.example/","https://u:p@e.example/"]]]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		said, err := readRDAP(body, "example.com")
		if err != nil {
			if said.Registrar != "" || said.Held != nil || !said.Expires.IsZero() {
				t.Errorf("beside %v stands %+v", err, said)
			}
		}
		if y := said.Expires.Year(); !said.Expires.IsZero() && (y < 1990 || y >= 2200) {
			t.Errorf("%v", said.Expires)
		}
		if checks.Quote(said.Registrar) != said.Registrar || utf8.RuneCountInString(said.Registrar) > 61 || checks.Live(said.Registrar) {
			t.Errorf("%q", said.Registrar)
		}
		if len(said.Held) > 5 {
			t.Errorf("%v", said.Held)
		}
		var again Registration
		if raw, err := json.Marshal(said); err != nil || json.Unmarshal(raw, &again) != nil || !again.Expires.Equal(said.Expires) || !slices.Equal(again.Held, said.Held) || again.Registrar != said.Registrar {
			t.Errorf("%+v is remembered as %+v", said, again)
		}
		bases, _ := basesIn(body, "co.jp")
		for _, b := range bases {
			if !strings.HasPrefix(b, "https://") || !strings.HasSuffix(b, "/") || len(bases) > 2 {
				t.Errorf("%q", bases)
			}
		}
	})
}
