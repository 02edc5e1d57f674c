package disk

import (
	"strings"
	"testing"
)

// FuzzMountinfo: a table of mounts gives places on this machine, one for each
// line at most, or a mistake.
func FuzzMountinfo(f *testing.F) {
	for _, s := range []string{
		"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n29 1 8:1 / /a\\040b rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro\n", "29 1 8:1 / /x\\777\\1 rw - ext4 a b\n", "1 1  / / - - - -\n", " - \n", "99999999999999999999 1 8:1 / / rw - a b c\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mounts, err := parseMountinfo(text)
		if (err == nil) != (len(mounts) > 0) || len(mounts) > min(strings.Count(text, "\n")+1, mountLineLimit) {
			t.Errorf("%d mounts, %v", len(mounts), err)
		}
		for _, m := range mounts {
			if !strings.HasPrefix(m.Point, "/") || m.Device == "" || len(m.Point) > len(text) {
				t.Errorf("%+v", m)
			}
		}
		if got := unescape(escape(text)); got != text {
			t.Errorf("%q came back as %q", text, got)
		}
	})
}

// escape writes a path as the kernel does.
func escape(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`).Replace(s)
}
