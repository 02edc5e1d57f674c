package clock

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// A keeper is what is installed to keep the clock.
type keeper struct {
	name string // "chrony", "timesyncd", "ntpsec", "ntp", "openntpd"; "" for nothing
	unit string
	// timedatectl, apt and dnf are tools that are there.
	timedatectl, apt, dnf bool
}

// keepers are programs, where they lie, and the units that start them.
var keepers = []struct{ name, program, unit string }{
	{"chrony", "/usr/sbin/chronyd", "/lib/systemd/system/chrony.service"},        // Debian
	{"chrony", "/usr/sbin/chronyd", "/lib/systemd/system/chronyd.service"},       // Red Hat
	{"ntpsec", "/usr/sbin/ntpd", "/lib/systemd/system/ntpsec.service"},           // Debian 12
	{"ntp", "/usr/sbin/ntpd", "/lib/systemd/system/ntp.service"},                 // Debian 11
	{"openntpd", "/usr/sbin/ntpd", "/lib/systemd/system/openntpd.service"},       // Debian
	{"timesyncd", "/lib/systemd/systemd-timesyncd", "systemd-timesyncd.service"}, // last: others replace it
}

// keeperOf looks what is installed below root.
func keeperOf(root string) keeper {
	there := func(p string) bool {
		_, err := os.Stat(filepath.Join("/", root, p))
		return err == nil
	}
	k := keeper{timedatectl: there("/usr/bin/timedatectl"), apt: there("/usr/bin/apt-get"), dnf: there("/usr/bin/dnf")}
	for _, one := range keepers {
		if there(one.program) && (!strings.HasPrefix(one.unit, "/") || there(one.unit)) {
			k.name, k.unit = one.name, strings.TrimSuffix(filepath.Base(one.unit), ".service")
			return k
		}
	}
	return k
}

// adviceLook shows what the keeper of the clock thinks.
func adviceLook(k keeper) checks.Advice {
	switch {
	case k.name == "chrony":
		return checks.Advice{Look: checks.Sh("chronyc", "tracking")}
	case k.name == "ntpsec" || k.name == "ntp":
		return checks.Advice{Look: checks.Sh("ntpq", "-p")}
	case k.name == "openntpd":
		return checks.Advice{Look: checks.Sh("sudo", "ntpctl", "-s", "all")}
	case k.name == "timesyncd" && k.timedatectl:
		return checks.Advice{Look: checks.Sh("timedatectl", "timesync-status")}
	case k.timedatectl:
		return checks.Advice{Look: checks.Sh("timedatectl")}
	}
	return checks.Advice{Look: checks.Sh("date", "-u")}
}

// adviceMend is what sets a clock right and keeps it so.
func adviceMend(k keeper) checks.Advice {
	a := adviceLook(k)
	restart := checks.Sh("sudo", "systemctl", "restart", k.unit)
	switch k.name {
	case "chrony":
		a.Mend = []checks.Shell{restart, checks.Sh("sudo", "chronyc", "makestep")}
	case "ntpsec", "ntp", "openntpd":
		a.Mend = []checks.Shell{restart}
	case "timesyncd":
		if k.timedatectl {
			a.Mend = []checks.Shell{checks.Sh("sudo", "timedatectl", "set-ntp", "true")}
		}
		a.Mend = append(a.Mend, restart)
	default:
		a.Text = checks.Text{
			En: "Nothing that keeps the clock is installed here.",
			Ja: "時刻を合わせるソフトが入っていません。",
		}
		switch {
		case k.apt:
			a.Mend = []checks.Shell{checks.Sh("sudo", "apt-get", "install", "chrony")}
		case k.dnf:
			a.Mend = []checks.Shell{checks.Sh("sudo", "dnf", "install", "chrony"), checks.Sh("sudo", "systemctl", "enable", "--now", "chronyd")}
		}
	}
	return a
}

// uptime is how long the machine has been up; 0 where it does not say.
func uptime(proc string) time.Duration {
	b, err := os.ReadFile(filepath.Join(proc, "uptime"))
	if err != nil {
		return 0
	}
	word, _, _ := strings.Cut(string(b), " ")
	seconds, err := strconv.ParseFloat(word, 64)
	if err != nil || seconds < 0 || seconds > 1e10 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
