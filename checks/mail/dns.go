package mail

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dmarc"
)

// A resolver asks the DNS; [*net.Resolver] is one.
type resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// A condition is what is the matter with a record; "" where nothing is.
type condition string

const (
	absent    condition = "absent"
	several   condition = "several"   // where one may be
	malformed condition = "malformed" // cannot be understood
	tooDeep   condition = "deep"      // takes more questions than SPF allows
	omits     condition = "omits"     // does not name an address that sends
	withdrawn condition = "withdrawn" // a key that is empty
	weak      condition = "weak"      // a key that is too short
	nowhere   condition = "nowhere"   // a mail server without an address
	refusing  condition = "refusing"  // the domain says that it takes no mail
	astray    condition = "astray"    // a reverse name that does not lead back
	listed    condition = "listed"
	unasked   condition = "unasked"  // was not asked, or there was nothing to ask
	unanswer  condition = "unanswer" // no answer, or none that can be trusted
)

// bad tells whether it is a fault, and not only something that is not known.
func (c condition) bad() bool { return c != "" && c != unasked && c != unanswer }

// A record is what was seen of one.
type record struct {
	Is condition `json:"is,omitempty"`
	// Name is what was asked for, Detail what of it is the matter: addresses.
	Name   string   `json:"name,omitempty"`
	Detail []string `json:"detail,omitempty"`
}

// records are the answers of the DNS.
type records struct {
	At      time.Time         `json:"at"`
	SPF     record            `json:"spf,omitzero"`
	DKIM    record            `json:"dkim,omitzero"`
	DMARC   record            `json:"dmarc,omitzero"`
	MX      record            `json:"mx,omitzero"`
	Reverse map[string]record `json:"reverse,omitempty"` // by address
	Lists   map[string]record `json:"lists,omitempty"`   // by list
}

func (r records) each(yield func(record) bool) {
	for _, one := range []record{r.SPF, r.DKIM, r.DMARC, r.MX} {
		if !yield(one) {
			return
		}
	}
	for _, all := range []map[string]record{r.Reverse, r.Lists} {
		for _, one := range all {
			if !yield(one) {
				return
			}
		}
	}
}

// troubled tells whether it is worth to ask again soon.
func (r records) troubled() bool {
	for one := range r.each {
		if one.Is.bad() {
			return true
		}
	}
	return false
}

// evidence is what the messages of the past have told about how mail is sent.
type evidence struct {
	envelopes []string // domains that SPF was asked for
	keys      []key
	hops      []string // addresses that handed messages over
}

func (m memory) evidence() evidence {
	var e evidence
	for _, b := range m.Boxes {
		if b.Last.Envelope != "" {
			e.envelopes = append(e.envelopes, b.Last.Envelope)
		}
		if b.Last.Hop != "" {
			e.hops = append(e.hops, b.Last.Hop)
		}
		e.keys = append(e.keys, b.Last.Keys...)
	}
	for _, list := range []*[]string{&e.envelopes, &e.hops} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return e
}

// lookUp asks for every record at once.
func (c *check) lookUp(ctx context.Context, a about, m memory) records {
	e := m.evidence()
	ours := sending(a.sendsBy, e.hops)
	r := records{At: time.Now(), Reverse: map[string]record{}, Lists: map[string]record{}}
	n := asker{c.around.names}
	var all sync.WaitGroup
	var mu sync.Mutex
	if d := a.from.domain; d != "" {
		all.Go(func() { r.SPF = n.spf(ctx, envelope(d, e.envelopes), a.helo(), ours) })
		all.Go(func() { r.DKIM = n.dkim(ctx, d, e.keys) })
		all.Go(func() { r.DMARC = n.dmarc(ctx, d) })
		all.Go(func() { r.MX = n.mx(ctx, d) })
	}
	for _, ip := range ours {
		all.Go(func() {
			one := n.reverse(ctx, ip)
			mu.Lock()
			defer mu.Unlock()
			r.Reverse[ip] = one
		})
	}
	for _, list := range a.set.lists {
		if len(ours) == 0 {
			break
		}
		all.Go(func() {
			one := n.list(ctx, list, ours)
			mu.Lock()
			defer mu.Unlock()
			r.Lists[list] = one
		})
	}
	all.Wait()
	return r
}

// envelope is the domain whose SPF record counts: the one that mailboxes were
// seen to ask for, else that of the sender.
func envelope(from string, seen []string) string {
	if len(seen) > 0 && !slices.Contains(seen, from) {
		return seen[0]
	}
	return from
}

// An asker asks the DNS.
type asker struct{ names resolver }

// answered tells an answer, also one that there is nothing, from none.
func answered(err error) bool {
	var dns *net.DNSError
	return err == nil || errors.As(err, &dns) && dns.IsNotFound
}

// txt are the texts of a name that begin with a word.
func (n asker) txt(ctx context.Context, name, begin string) ([]string, bool) {
	all, err := n.names.LookupTXT(ctx, name+".")
	if !answered(err) {
		return nil, false
	}
	var out []string
	for _, one := range all {
		if len(one) >= len(begin) && strings.EqualFold(one[:len(begin)], begin) {
			out = append(out, one)
		}
	}
	return out, true
}

// nobody is an address that sends nothing (RFC 5737): a record that takes too
// many questions, or cannot be understood, shows so for it as well.
const nobody = "192.0.2.1"

func (n asker) spf(ctx context.Context, domain, helo string, ours []string) record {
	r := record{Name: domain}
	found, ok := n.txt(ctx, domain, "v=spf1")
	switch {
	case !ok:
		r.Is = unanswer
	case len(found) == 0:
		r.Is = absent
	case len(found) > 1:
		r.Is = several
	}
	if r.Is != "" {
		return r
	}
	for _, ip := range append(slices.Clone(ours), nobody) {
		got, err := spf.CheckHostWithSender(net.ParseIP(ip), helo, "postmaster@"+domain, spf.WithContext(ctx), spf.WithResolver(n.names))
		switch {
		case got == spf.TempError:
			return record{Is: unanswer, Name: domain}
		case got == spf.PermError && (errors.Is(err, spf.ErrLookupLimitReached) || errors.Is(err, spf.ErrVoidLookupLimitReached)):
			r.Is = tooDeep
			return r
		case got == spf.PermError:
			r.Is = malformed
			return r
		case got != spf.Pass && ip != nobody:
			r.Is, r.Detail = omits, append(r.Detail, ip)
		}
	}
	return r
}

// shortKey is the length of an RSA key in bits below which it counts for
// nothing (RFC 8301, 3.2).
const shortKey = 1024

// dkim looks at the keys that the last messages were signed with; those of the
// sender's own domain first, for only they count for DMARC.
func (n asker) dkim(ctx context.Context, domain string, keys []key) record {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b key) int {
		return boolInt(owner(a.Domain) != owner(domain)) - boolInt(owner(b.Domain) != owner(domain))
	})
	if len(keys) == 0 {
		return record{Is: unasked}
	}
	k := keys[0]
	r := record{Name: k.Selector + "._domainkey." + k.Domain}
	all, err := n.names.LookupTXT(ctx, r.Name+".")
	switch {
	case !answered(err):
		r.Is = unanswer
	case len(all) == 0:
		r.Is = absent
	case len(all) > 1:
		r.Is = several
	default:
		r.Is = keyCondition(all[0])
	}
	return r
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func keyCondition(text string) condition {
	tags := tagList(text)
	p, there := tags["p"]
	switch {
	case !there, tags["v"] != "" && tags["v"] != "DKIM1":
		return malformed
	case p == "":
		return withdrawn
	}
	raw, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		return malformed
	}
	if strings.EqualFold(tags["k"], "ed25519") {
		if len(raw) != 32 {
			return malformed
		}
		return ""
	}
	parsed, err := x509.ParsePKIXPublicKey(raw)
	if err != nil {
		if parsed, err = x509.ParsePKCS1PublicKey(raw); err != nil {
			return malformed
		}
	}
	if pub, ok := parsed.(*rsa.PublicKey); ok && pub.N.BitLen() < shortKey {
		return weak
	}
	return ""
}

func (n asker) dmarc(ctx context.Context, domain string) record {
	r := record{Name: "_dmarc." + domain}
	found, ok := n.txt(ctx, r.Name, "v=DMARC1")
	if ok && len(found) == 0 && owner(domain) != domain {
		// That of the domain above stands in for it (RFC 7489, 6.6.3).
		found, ok = n.txt(ctx, "_dmarc."+owner(domain), "v=DMARC1")
	}
	switch {
	case !ok:
		r.Is = unanswer
	case len(found) == 0:
		r.Is = absent
	case len(found) > 1:
		r.Is = several
	default:
		if _, err := dmarc.Parse(found[0]); err != nil {
			r.Is = malformed
		}
	}
	return r
}

// mx looks whether answers and bounces to the sender have somewhere to go;
// receivers look, too.
func (n asker) mx(ctx context.Context, domain string) record {
	r := record{Name: domain}
	found, err := n.names.LookupMX(ctx, domain+".")
	if !answered(err) && len(found) == 0 {
		r.Is = unanswer
		return r
	}
	hosts := []string{domain}
	if len(found) > 0 {
		hosts = nil
	}
	for _, m := range found[:min(len(found), 4)] {
		if m.Host == "." || m.Host == "" {
			r.Is = refusing // RFC 7505
			return r
		}
		hosts = append(hosts, strings.TrimSuffix(m.Host, "."))
	}
	for _, host := range hosts {
		switch addrs, err := n.names.LookupIPAddr(ctx, host+"."); {
		case len(addrs) > 0:
			return record{Name: domain}
		case !answered(err):
			r.Is = unanswer
			return r
		}
	}
	r.Is = absent
	if len(found) > 0 {
		r.Is, r.Detail = nowhere, hosts
	}
	return r
}
