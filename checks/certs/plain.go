package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/netip"
	"strings"
	"unicode"

	"github.com/sababan/sababan/checks"
)

// wordLimit is how many characters of a name in a certificate are shown (own).
const wordLimit = 60

// plain makes a name out of a certificate fit to stand in a sentence: letters,
// digits and the few signs that names of authorities have. What could begin a
// mention, a tag or a link becomes a space.
func plain(s string) string {
	s = checks.QuoteName(s)
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune(" .,'’&()-+*_", r) {
			return r
		}
		return ' '
	}, s)), " ")
	if r := []rune(s); len(r) > wordLimit {
		return string(r[:wordLimit]) + "…"
	}
	return s
}

// calls is what to call whoever a certificate speaks of.
func calls(n pkix.Name) string {
	who := plain(n.CommonName)
	if who == "" {
		for _, more := range [][]string{n.Organization, n.OrganizationalUnit} {
			if who == "" && len(more) > 0 {
				who = plain(more[0])
			}
		}
	}
	return who
}

// shownNames is how many names of a certificate are shown (own).
const shownNames = 3

// covers lists the names that a certificate is for, and how many more there
// are. Only what can be the name of a server is shown.
func covers(leaf *x509.Certificate) (shown []string, more int) {
	add := func(name string) {
		if len(shown) < shownNames {
			shown = append(shown, name)
			return
		}
		more++
	}
	for _, n := range leaf.DNSNames {
		if hostName(n) {
			add(n)
		}
	}
	for _, ip := range leaf.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			add(a.Unmap().String())
		}
	}
	return shown, more
}

// hostName tells whether a name is written as the names of servers are.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for i, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || (label == "*") != strings.Contains(label, "*") || (label == "*" && i > 0) {
			return false
		}
		for _, r := range label {
			if r != '*' && r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
				return false
			}
		}
	}
	return true
}

// shorten keeps a name from filling a whole headline.
func shorten(name string) string {
	if r := []rune(name); len(r) > wordLimit {
		return string(r[:wordLimit]) + "…"
	}
	return name
}
