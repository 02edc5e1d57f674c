package mail

import (
	"os"
	"path/filepath"

	"github.com/sababan/sababan/checks"
)

// relays are the mail servers of Debian, by their service.
var relays = [...]string{"postfix", "exim4", "opensmtpd", "sendmail"}

// relayOn is the service of the mail server that is installed on this machine;
// "" where there is none, or more than one.
func relayOn(root string) string {
	found := ""
	for _, name := range relays {
		for _, file := range []string{
			"etc/systemd/system/" + name + ".service", "lib/systemd/system/" + name + ".service",
			"usr/lib/systemd/system/" + name + ".service", "etc/init.d/" + name,
		} {
			if _, err := os.Stat(filepath.Join("/", root, file)); err != nil {
				continue
			}
			if found != "" {
				return ""
			}
			found = name
			break
		}
	}
	return found
}

// adviceRelay is what to do about a mail server on this machine that does not
// answer.
func (a about) adviceRelay() checks.Advice {
	advice := a.tried(checks.Text{
		En: "It is " + a.relay + " on this machine; its log: journalctl -u '" + a.relay + "*' --since -1h.",
		Ja: "このマシンの" + a.relay + "です。ログは journalctl -u '" + a.relay + "*' --since -1h で見られます。",
	})
	advice.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "restart", a.relay)}
	return advice
}
