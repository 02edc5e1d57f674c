package public

import (
	"net/netip"
	"testing"
)

func TestOnlyPublicAddressesMayBeConnectedTo(t *testing.T) {
	for _, text := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
		"255.255.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "192.88.99.1",
		"::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1",
		"2001:db8::1", "2001::1", "fec0::1", "::127.0.0.1", "100::1", "fe80::1%eth0",
	} {
		if Address(netip.MustParseAddr(text)) {
			t.Errorf("%s would be connected to", text)
		}
	}
	for _, text := range []string{"5.9.1.1", "1.1.1.1", "192.1.2.3", "2606:4700::1", "2a01:4f8::1", "::ffff:5.9.1.1"} {
		if !Address(netip.MustParseAddr(text)) {
			t.Errorf("%s would not be connected to", text)
		}
	}
	if Address(netip.Addr{}) {
		t.Error("an address that is none counts as public")
	}
}

// FuzzAddress: whatever can be written as an address that embeds or repeats one
// of this machine's own is refused as that one is.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "fe80::1%eth0", "5.9.1.1", "2a01:4f8::1", "::5.9.1.1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := netip.ParseAddr(text)
		if err != nil || !Address(a) {
			return
		}
		if a = a.Unmap(); a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Zone() != "" {
			t.Errorf("%s counts as public", a)
		}
		if a.Is6() { // RFC 6052, 3056, 4380: an IPv4 address within
			b := a.As16()
			if b[0] == 0x20 && b[1] == 0x02 || b[0] == 0 && b[1] == 0 || b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b {
				t.Errorf("%s holds another address", a)
			}
		}
	})
}
