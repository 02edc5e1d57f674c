package domain

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/miekg/dns"

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
		var again registration
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

// FuzzNameServer: whatever a name server answers, names come sorted and once,
// and DNSSEC is judged without believing a signature that is none.
func FuzzNameServer(f *testing.F) {
	pack := func(rrs ...string) []byte {
		m := new(dns.Msg).SetQuestion("example.com.", dns.TypeNS)
		m.Response = true
		for _, s := range rrs {
			rr, err := dns.NewRR(s)
			if err != nil {
				f.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		raw, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		return raw
	}
	f.Add(pack("example.com. 60 IN NS b.example.", "Example.com. 60 IN NS A.example.", "other.com. 60 IN NS c.example."))
	f.Add(pack("example.com. 60 IN SOA a.example. b.example. 2026112201 1 2 3 4", "example.com. 60 IN DS 12345 13 2 "+strings.Repeat("ab", 32)))
	f.Add(pack("example.com. 60 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==", "example.com. 60 IN RRSIG DNSKEY 13 2 3600 20270101000000 20260101000000 2371 example.com. AAAA"))
	f.Add(pack(`example.com. 60 IN CAA 0 issue "letsencrypt.org; x=@y"`, `example.com. 60 IN CAA 128 issuewild ";"`))
	f.Add([]byte{0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1, 0xc0, 12})
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return // more does not fit into an answer
		}
		var m dns.Msg
		if m.Unpack(raw) != nil {
			return
		}
		names := namesIn(append(m.Answer, m.Ns...), "example.com.")
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%q", names)
		}
		ds := dsIn(m.Answer, "example.com.")
		if p := prove(ds, m.Answer, m.Answer, "example.com.", now); p.verdict == sound && p.until.Before(now) {
			t.Errorf("%+v", p)
		}
		_, _ = soaIn(m.Answer, "example.com.")
		var caa []*dns.CAA
		for _, rr := range m.Answer {
			if c, ok := rr.(*dns.CAA); ok {
				caa = append(caa, c)
			}
		}
		p := permission{host: "example.com", issuer: "Let's Encrypt", zone: "example.com"}
		p.judge(caa)
		if p.forbidden && slices.Contains(p.allowed, "letsencrypt.org") {
			t.Errorf("%+v", p)
		}
		if text := textCAA(p); checks.Live(text.En) || checks.Live(text.Ja) {
			t.Errorf("%q", text)
		}
	})
}
