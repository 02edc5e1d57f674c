package domain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sababan/sababan/checks"
)

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
