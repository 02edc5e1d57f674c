package registry

import (
	"net"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Ownership says who registered a name.
type Ownership int

const (
	Own      Ownership = iota // whoever uses it
	Rented                    // a provider under whose name it stands: a dynamic DNS name
	Nobodies                  // nobody: no name of the public domain system
)

// Registrable is the part of a name that somebody registered; "" where that is
// not whoever uses it.
func Registrable(name string) (string, Ownership) {
	if name == "" || net.ParseIP(name) != nil {
		return "", Nobodies
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	if !icann {
		// Private suffixes of the list have a dot; what it does not know has none.
		if strings.Contains(suffix, ".") {
			return "", Rented
		}
		return "", Nobodies
	}
	owned, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return "", Nobodies
	}
	return owned, Own
}

// PlainName is a name in ASCII and small letters; "" for what is none.
func PlainName(s string) string {
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(s), "."))
	if err != nil || len(name) > 253 || strings.ContainsAny(name, "/ _:@") {
		return ""
	}
	return strings.ToLower(name)
}
