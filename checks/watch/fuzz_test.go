package watch

import (
	"hash/maphash"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/sababan/sababan/checks/api"
)

// FuzzNames: of a name server's answer only that to our own question counts, and
// it is kept for a day at most.
func FuzzNames(f *testing.F) {
	name := dnsmessage.MustNewName("friend.test.")
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	answered := q
	answered.Response = true
	answered.Answers = []dnsmessage.Resource{
		{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1 << 31}, Body: &dnsmessage.AResource{A: [4]byte{5, 9, 1, 1}}},
		{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 5}, Body: &dnsmessage.CNAMEResource{CNAME: name}},
		{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1}}},
	}
	raw, err := answered.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:40])
	f.Add([]byte{0, 7, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1, 0xc0, 12, 0, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, cut, err := parse(raw, q)
		if err != nil && cut {
			t.Error("cut, and a mistake")
		}
		if err != nil || cut {
			return
		}
		if a.ttl < 0 || a.ttl > longestTTL || len(a.addrs) > len(raw)/4 {
			t.Errorf("%+v", a)
		}
		if raw[0] != 0 || raw[1] != 7 || raw[2]&0x80 == 0 {
			t.Error("an answer to another question is believed")
		}
	})
}

// FuzzServersAnswer: whatever another server says of itself, it is looked for at
// names only, never at an address or a port of its choice, and a friend's sign of
// life never comes out of the future.
func FuzzServersAnswer(f *testing.F) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, s := range []string{
		`{"version":"4.5.2","configuration":{"urls":{"streaming":"wss://streaming.test"}}}`, `{"version":"4.5.2","urls":{"streaming_api":"wss://127.0.0.1"}}`,
		`{"version":"x","urls":{"streaming_api":"wss://[::1]:6379/"}}`, `{"version":"1","configuration":{"urls":{"streaming":"wss://2130706433"}}}`, `{"version":"1","configuration":{"urls":{"streaming":"wss://friend.test@10.0.0.1"}}}`,
		`{"fields":[{"name":"` + BeatField + `","value":"<p>` + Beat(now) + `</p>"}]}`, `{"fields":[{"name":"` + BeatField + `","value":"` + Beat(now.Add(time.Hour)) + `"}]}`,
		strings.Repeat(`{"a":`, 200), `{"version":`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &prober{seed: maphash.MakeSeed(), now: func() time.Time { return now }}
		target := &target{Domain: Domain{Name: "friend.test"}, door: door{host: "friend.test"}}
		got := p.instance(reply{code: http.StatusOK, body: body}, target)
		if got.state == well && api.Depth(body) > depthLimit {
			t.Error("it is read though it is too deep")
		}
		if d := target.elsewhere; d != nil {
			if host, ok := hostName(d.host); !ok || host != d.host || net.ParseIP(d.host) != nil || d.host == "friend.test" || strings.ContainsAny(d.host, ":/@") {
				t.Errorf("door %q", d.host)
			}
		}
		fr := &friend{}
		fr.read(body, now)
		if fr.last.After(now.Add(beatAhead)) || fr.seen.state == well && fr.last.IsZero() {
			t.Errorf("%+v", fr)
		}
	})
}
