// Package public tells which addresses may be connected to for a name that
// somebody else has chosen: such a name must not lead into this machine or its
// neighbourhood.
package public

import "net/netip"

// Address tells whether an address is one that a public server can have.
func Address(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !given.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// given is all of IPv6 that has ever been given to anybody (IANA's registry of
// global unicast addresses).
var given = netip.MustParsePrefix("2000::/3")

// special are networks that no public server has an address in (IANA's
// registries of special-purpose addresses), or whose addresses hold another one.
var special = func() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()
