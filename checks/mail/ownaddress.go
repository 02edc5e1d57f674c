package mail

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks/public"
)

// publicAddresses are those of this machine's that are in the Internet.
func publicAddresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil // as on a machine that has none
	}
	var out []string
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && public.Address(prefix.Addr()) && len(out) < addressLimit {
			out = append(out, prefix.Addr().Unmap().String())
		}
	}
	return out
}

// sending are the addresses that we send from ourselves. What a mailbox has
// seen settles it: a mail server of ours that hands everything to a provider
// sends nothing itself.
func sending(ours, hops []string) []string {
	if len(hops) == 0 {
		return ours
	}
	var out []string
	for _, ip := range ours {
		if slices.Contains(hops, ip) {
			out = append(out, ip)
		}
	}
	return out
}

// reverse looks whether an address has a name that leads back to it; large
// receivers refuse mail from one that has not.
func (n asker) reverse(ctx context.Context, ip string) record {
	r := record{Name: ip}
	names, err := n.names.LookupAddr(ctx, ip)
	switch {
	case !answered(err) && len(names) == 0:
		r.Is = unanswer
		return r
	case len(names) == 0:
		r.Is = absent
		return r
	}
	r.Is = astray
	for _, name := range names[:min(len(names), 4)] {
		r.Detail = append(r.Detail, strings.TrimSuffix(name, "."))
		addrs, err := n.names.LookupIPAddr(ctx, name)
		if !answered(err) {
			return record{Is: unanswer, Name: ip}
		}
		if slices.ContainsFunc(addrs, func(a net.IPAddr) bool { return a.IP.Equal(net.ParseIP(ip)) }) {
			return record{Name: ip}
		}
	}
	return r
}

// list asks a block list about addresses of ours, after it has shown that it
// answers us truly: every list has 127.0.0.2 on it and none has 127.0.0.1
// (RFC 5782, 5). One that refuses us, or that has given up and answers yes to
// everything, says nothing about us.
func (n asker) list(ctx context.Context, zone string, ips []string) record {
	r := record{Name: zone}
	yes, no := n.onList(ctx, zone, "127.0.0.2"), n.onList(ctx, zone, "127.0.0.1")
	if yes != listed || no != "" {
		r.Is = unanswer
		return r
	}
	for _, ip := range ips {
		switch n.onList(ctx, zone, ip) {
		case listed:
			r.Is, r.Detail = listed, append(r.Detail, ip)
		case unanswer:
			if r.Is == "" {
				r.Is = unanswer
			}
		}
	}
	return r
}

// refusals are the answers by which lists tell that they do not answer the one
// who asks, too many, or by a resolver of everybody's: 127.255.255.0/24.
var refusals = netip.PrefixFrom(netip.AddrFrom4([4]byte{127, 255, 255, 0}), 24)

func (n asker) onList(ctx context.Context, zone, ip string) condition {
	name := backwards(ip)
	if name == "" {
		return unanswer
	}
	addrs, err := n.names.LookupIPAddr(ctx, name+"."+zone+".")
	if !answered(err) {
		return unanswer
	}
	is := condition("")
	for _, a := range addrs {
		got, ok := netip.AddrFromSlice(a.IP)
		got = got.Unmap()
		switch {
		case !ok || !got.IsLoopback() || refusals.Contains(got):
			return unanswer // no list answers so: a provider's own page for what does not exist
		default:
			is = listed
		}
	}
	return is
}

// backwards is an address as it stands in the name that a list is asked for.
func backwards(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	var parts []string
	if a = a.Unmap(); a.Is4() {
		parts = strings.Split(a.String(), ".")
	} else {
		parts = strings.Split(strings.ReplaceAll(a.StringExpanded(), ":", ""), "")
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}
