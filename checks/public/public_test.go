package public

import (
	"net/netip"
	"testing"
)

func TestOnlyPublicAddressesMayBeConnectedTo(t *testing.T) {
	for text, want := range map[string]bool{
		"5.9.1.1": true, "2a01:4f8::1": true, "1.1.1.1": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "192.168.1.1": false, "172.16.0.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false, "fe80::1": false, "fd00::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false, "ff02::1": false,
	} {
		if got := Address(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if Address(netip.Addr{}) || Address(netip.MustParseAddr("fe80::1%eth0")) {
		t.Error("an address that is none, or one of a link, counts as public")
	}
}
