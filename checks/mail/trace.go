package mail

import (
	"bufio"
	"bytes"
	"cmp"
	"net/netip"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/emersion/go-msgauth/authres"
	"golang.org/x/net/publicsuffix"

	"github.com/sababan/sababan/checks/public"
)

// A word is what a mailbox's provider says of one method: "pass", "fail",
// "none" …; "" where it says nothing.
type word string

const pass word = "pass"

// certain tells whether it is a verdict that the next message would get as well.
func (w word) certain() bool { return w != "" && w != "temperror" && w != "policy" }

// said is what a mailbox's own provider wrote into Authentication-Results.
type said struct {
	By    string `json:"by,omitempty"` // its authserv-id; "" where nothing of its own was there
	SPF   word   `json:"spf,omitempty"`
	DKIM  word   `json:"dkim,omitempty"`
	DMARC word   `json:"dmarc,omitempty"`
}

func (s said) methods() map[string]word {
	return map[string]word{codeSPF: s.SPF, codeDKIM: s.DKIM, codeDMARC: s.DMARC}
}

// with is the same with one word changed, and who said it.
func (s said) with(code string, w word, by string) said {
	s.By = by
	switch code {
	case codeSPF:
		s.SPF = w
	case codeDKIM:
		s.DKIM = w
	case codeDMARC:
		s.DMARC = w
	}
	return s
}

// A trace is what a message brought along of its way.
type trace struct {
	Said said `json:"said,omitzero"`
	// Envelope is the domain that SPF was asked for, Hop the address that handed
	// the message to the mailbox's provider; "" where they are not told.
	Envelope string `json:"envelope,omitempty"`
	Hop      string `json:"hop,omitempty"`
	// Keys are the names of the keys it was signed with.
	Keys []key `json:"keys,omitempty"`
}

// A key is the selector and domain of a DKIM signature.
type key struct {
	Selector string `json:"s"`
	Domain   string `json:"d"`
}

// keysMost bounds the signatures that are looked at (own; two are usual).
const keysMost = 4

func parseHeader(b []byte) textproto.MIMEHeader {
	// What was cut off at the end is an error, and the rest is there.
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(b))).ReadMIMEHeader()
	return h
}

func readTrace(h textproto.MIMEHeader, b mailbox) trace {
	t := trace{Hop: hop(h)}
	t.Said, t.Envelope = results(h, b)
	for _, line := range h["Dkim-Signature"] {
		tags := tagList(line)
		if k := (key{tags["s"], strings.ToLower(tags["d"])}); hostName(k.Selector) && hostName(k.Domain) && len(t.Keys) < keysMost {
			t.Keys = append(t.Keys, k)
		}
	}
	return t
}

// results reads what the provider of the mailbox itself says, and nobody else:
// each server puts its lines on top, so those on top that bear the provider's
// name are its own, and everything below the first of another is hearsay
// (RFC 8601, 5 and 7.1).
func results(h textproto.MIMEHeader, b mailbox) (s said, envelope string) {
	for _, line := range h["Authentication-Results"] {
		line = withoutComments(line)
		name, _, _ := strings.Cut(line, ";")
		if strings.Contains(name, "=") {
			// Microsoft's leaves its name away.
			name = ""
			line = ";" + line
		}
		name = strings.ToLower(cmp.Or(append(strings.Fields(name), "")...))
		if !b.own(name, h) {
			return s, envelope
		}
		_, found, err := authres.Parse("x" + line[len(firstWord(line)):])
		if err != nil {
			return s, envelope
		}
		s.By = cmp.Or(name, b.provider())
		for _, one := range found {
			switch r := one.(type) {
			case *authres.SPFResult:
				if s.SPF == "" || word(r.Value) == pass {
					s.SPF, envelope = tidy(r.Value), cmp.Or(domainOf(r.From), envelope)
				}
			case *authres.DKIMResult:
				// One good signature is enough.
				if s.DKIM != pass {
					s.DKIM = tidy(r.Value)
				}
			case *authres.DMARCResult:
				s.DMARC = cmp.Or(s.DMARC, tidy(r.Value))
			}
		}
	}
	return s, envelope
}

// firstWord is the name before the first semicolon.
func firstWord(line string) string {
	name, _, _ := strings.Cut(line, ";")
	return name
}

// tidy makes a verdict one of the known words.
func tidy(v authres.ResultValue) word {
	switch w := word(strings.ToLower(string(v))); w {
	case pass, "fail", "none", "neutral", "softfail", "temperror", "permerror", "policy":
		return w
	case "hardfail":
		return "fail"
	case "bestguesspass":
		return "none"
	}
	return ""
}

func domainOf(address string) string {
	d := strings.ToLower(strings.Trim(address[strings.LastIndexByte(address, '@')+1:], "<>"))
	if !hostName(d) {
		return ""
	}
	return d
}

// own tells whether an authserv-id is that of the mailbox's own provider: the
// configured one, or one of the same owner as the server that is read at, or as
// the one that received the message.
func (b mailbox) own(name string, h textproto.MIMEHeader) bool {
	if b.authserv != "" {
		return name == b.authserv || strings.HasSuffix(name, "."+b.authserv)
	}
	received := owner(receivedBy(h))
	if name == "" {
		return received == "outlook.com"
	}
	if !hostName(name) {
		return false
	}
	name = owner(name)
	return name == owner(b.server.host) || name == received
}

// provider is what to call whoever keeps the mailbox.
func (b mailbox) provider() string { return b.address[strings.LastIndexByte(b.address, '@')+1:] }

// owner is the part of a name that somebody registered.
func owner(host string) string {
	if o, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(host)); err == nil {
		return o
	}
	return strings.ToLower(host)
}

var (
	byHost  = regexp.MustCompile(`(?i)(?:^|\s)by\s+([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)`)
	bracket = regexp.MustCompile(`\[(?:IPv6:)?([0-9a-fA-F:.]{3,45})\]`)
)

// receivedBy is the server that received the message last, by a name.
func receivedBy(h textproto.MIMEHeader) string {
	for _, line := range h["Received"] {
		if m := byHost.FindStringSubmatch(withoutComments(line)); m != nil && !digits(m[1]) {
			return m[1]
		}
	}
	return ""
}

func digits(s string) bool { return strings.Trim(s, "0123456789.") == "" }

// hop is the address that handed the message to the mailbox's provider: the
// first from above that is no address of a network within.
func hop(h textproto.MIMEHeader) string {
	for _, line := range h["Received"] {
		from, _, _ := strings.Cut(line, " by ")
		for _, m := range bracket.FindAllStringSubmatch(from, 2) {
			if ip, err := netip.ParseAddr(m[1]); err == nil && public.Address(ip) {
				return ip.Unmap().String()
			}
		}
	}
	return ""
}

// withoutComments leaves out what stands in parentheses (RFC 5322, 3.2.2), and
// the marks of quoted words.
func withoutComments(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
		case c == ')' && !quoted:
			depth = max(depth-1, 0)
		case c == ';' && quoted:
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// tagList reads "a=b; c=d" (RFC 6376, 3.2).
func tagList(s string) map[string]string {
	tags := map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if _, twice := tags[name]; ok && !twice {
			tags[name] = strings.Join(strings.Fields(value), "")
		}
	}
	return tags
}
