package disk

import (
	"bytes"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestWrongSettingsAreToldInOneSentence(t *testing.T) {
	kind := Kind(&site.Site{Proc: "/proc"})
	for written, want := range map[checkstest.Table]string{
		"warning_percent = 95":                         "warning_percent: 95 must be lower than critical_percent, which is 95",
		"warning_percent = 0":                          "warning_percent: 0 is not a percentage between 1 and 100",
		"critical_percent = 101":                       "critical_percent: 101 is not a percentage between 1 and 100",
		"warning_percent = nan":                        "warning_percent: NaN is not a percentage between 1 and 100",
		"clear_percent = 90":                           "clear_percent: 90 must not be higher than warning_percent, which is 85",
		`ignore = ["nas"]`:                             `ignore: "nas" is not a mount point such as "/mnt/nas" or a pattern such as "/mnt/*"`,
		`ignore = ["/mnt/[a"]`:                         `ignore: "/mnt/[a" is not a mount point such as "/mnt/nas" or a pattern such as "/mnt/*"`,
		"warning_percent = 96\nclear_percent = 97":     "warning_percent: 96 must be lower than critical_percent, which is 95\nclear_percent: 97 must not be higher than warning_percent, which is 96",
		`critical_free = "50"`:                         `toml: line 1 (last key "critical_free"): "50" is a size without a unit; write for example "50GB" or "512MB"`,
		`warning_free = "much"`:                        `toml: line 1 (last key "warning_free"): "much" is not a size; write for example "50GB" or "512MB"`,
		`warning_free = "50 bananas"`:                  `toml: line 1 (last key "warning_free"): "50 bananas" is not a size; write for example "50GB" or "512MB"`,
		`warning_free = "999999999999999999999999 GB"`: `toml: line 1 (last key "warning_free"): "999999999999999999999999 GB" is larger than any disk`,
	} {
		_, err := kind.New(written)
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", written, err, want)
		}
	}
}

func TestSizesAreReadAndWrittenAsDfSaysThem(t *testing.T) {
	for text, want := range map[string]Size{
		"50GB": 50 * gigabyte, "1.5 TB": 1.5 * terabyte, "512M": 512 * megabyte, "2gib": 2 * gigabyte, "0": 0, "0B": 0, "100 kB": 100 * kilobyte,
	} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %v (%v), want %v", text, s, err, want)
		}
		again, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Size
		if err := back.UnmarshalText(again); err != nil || back != s {
			t.Errorf("%q written as %q is read as %v (%v)", text, again, back, err)
		}
	}
	for _, text := range []string{"", "-1GB", "GB", "1..2GB", "1GB2MB", "½GB"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
}

func TestTheDefaultsCanBeWrittenAndReadAgain(t *testing.T) {
	var written bytes.Buffer
	if err := toml.NewEncoder(&written).Encode(defaultConfig()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(written.Bytes(), []byte(`warning_free = "50GB"`)) {
		t.Errorf("written as\n%s", written.String())
	}
	if _, err := Kind(&site.Site{Proc: "/proc"}).New(checkstest.Table(written.String())); err != nil {
		t.Error(err)
	}
}

func TestWhatTheAdminIgnores(t *testing.T) {
	c := Config{Ignore: []string{"/mnt/nas/", "/media/*", "/"}}
	for point, want := range map[string]bool{
		"/mnt/nas": true, "/mnt/nas/sub": false, "/media/usb": true, "/media/usb/sub": false, "/media": false, "/": true, "/home": false,
	} {
		if got := c.ignores(point); got != want {
			t.Errorf("%s ignored: %v, want %v", point, got, want)
		}
	}
}
