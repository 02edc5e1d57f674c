package mail

import (
	"errors"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestEachMistakeInTheTableIsNamed(t *testing.T) {
	s, err := site.New(site.Config{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	const box = "[[mailbox]]\naddress = \"a@b.test\"\nimap = \"imaps://b.test\"\npassword_file = \"/etc/p\"\n"
	for _, tt := range []struct{ name, table, want string }{
		{"a web page", `smtp = "https://b.test"`, "smtp: is not an address of a server"},
		{"a password in the address", `smtp = "smtp://me:hunter2@b.test"`, "smtp: holds a password"},
		{"a user without a password", `smtp = "smtp://me@b.test"`, "smtp_password_file: is missing"},
		{"a password without a user", "smtp = \"smtp://b.test\"\nsmtp_password_file = \"/etc/p\"", "smtp: names no user"},
		{"a password without a server", `smtp_password_file = "/etc/p"`, "smtp: is missing"},
		{"a relative path", "smtp = \"smtp://me@b.test\"\nsmtp_password_file = \"p\"", "smtp_password_file: \"p\" is not a whole path"},
		{"no port", `smtp = "smtp://b.test:99999"`, "smtp: is not an address of a server"},
		{"more than a server", `smtp = "smtp://b.test/inbox"`, "smtp: has more than"},
		{"no address", `from = "nobody"`, "from: \"nobody\" is not an address"},
		{"an address that would break a command", `from = "<a@b.test>\r\nRCPT TO:<c@d.test>"`, "from: "},
		{"a mailbox without an address", "[[mailbox]]\nimap = \"imaps://b.test\"", "mailbox: number 1: address:"},
		{"a mailbox without a server", "[[mailbox]]\naddress = \"a@b.test\"\npassword_file = \"/p\"", "mailbox: number 1: imap:"},
		{"a mailbox without a password", "[[mailbox]]\naddress = \"a@b.test\"\nimap = \"imaps://b.test\"", "mailbox: number 1: password_file:"},
		{"two of one address", box + box, "mailbox: number 2: there are two of this address"},
		{"too many", strings.Repeat(box, 9), "mailbox: there are 9 of them"},
		{"an authserv that is none", box + `authserv = "a b"`, "authserv: \"a b\""},
		{"an address that is none", `addresses = ["mail.b.test"]`, "addresses: \"mail.b.test\""},
		{"a list that is none", `block_lists = ["https://list.test"]`, "block_lists: "},
		{"a name that is not known", `smpt = "x"`, "unknown key smpt"},
	} {
		_, err := Kind(s).New(checkstest.Table(tt.table))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	var missing *checks.NotSetUp
	if _, err := Kind(s).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[checks.mail] smtp" {
		t.Errorf("nothing set: %v", err)
	}
}

func TestServersAreWrittenInFewWords(t *testing.T) {
	for _, tt := range []struct {
		text string
		want server
	}{
		{"smtp://mail.test", server{host: "mail.test", port: "587"}},
		{"smtps://mail.test", server{host: "mail.test", port: "465", within: true}},
		{"smtp://me@mail.test:2525", server{host: "mail.test", port: "2525", user: "me"}},
		{"smtp://me@my.test@mail.test", server{host: "mail.test", port: "587", user: "me@my.test"}},
		{"smtp://me%40my.test@mail.test", server{host: "mail.test", port: "587", user: "me@my.test"}},
		{"smtp://[2001:db8::1]:25", server{host: "2001:db8::1", port: "25"}},
	} {
		if got, err := parseServer(tt.text, "smtp", "587", "465"); err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v", tt.text, got, err)
		}
	}
	for text, want := range map[string]sender{
		"a@B.test":            {"a@b.test", "b.test", "<a@b.test>"},
		"Mastodon <a@b.test>": {"a@b.test", "b.test", `"Mastodon" <a@b.test>`},
		"鯖 <a@b.test>":        {"a@b.test", "b.test", "=?utf-8?q?=E9=AF=96?= <a@b.test>"},
	} {
		if got, err := parseSender(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestWhereMastodonHandsItsMailTo(t *testing.T) {
	const live, compose = "/home/mastodon/live", "/opt/mastodon"
	for _, tt := range []struct {
		name string
		f    site.Found
		want string // host:port, "within" TLS from the beginning; "" for nobody that could be asked
	}{
		{"the default port", site.Found{Settings: map[string]string{"SMTP_SERVER": "mail.test"}}, "mail.test:587"},
		{"within TLS by its port", site.Found{Settings: map[string]string{"SMTP_SERVER": "mail.test", "SMTP_PORT": "465"}}, "mail.test:465 within"},
		{"this machine", site.Found{Live: live, Settings: map[string]string{"SMTP_SERVER": "localhost", "SMTP_PORT": "25"}}, "localhost:25"},
		{"a Mastodon that runs elsewhere has another localhost", site.Found{Settings: map[string]string{"SMTP_SERVER": "localhost", "SMTP_PORT": "25"}}, ""},
		{"a container has another localhost", site.Found{Live: live, Compose: compose, Settings: map[string]string{"SMTP_SERVER": "127.0.0.1", "SMTP_PORT": "25"}}, ""},
		{"the name of a container is known to containers only", site.Found{Compose: compose, Settings: map[string]string{"SMTP_SERVER": "postfix", "SMTP_PORT": "25"}}, ""},
		{"a container sends by a provider", site.Found{Compose: compose, Settings: map[string]string{"SMTP_SERVER": "mail.test"}}, "mail.test:587"},
		{"by a program, not by SMTP", site.Found{Live: live, Settings: map[string]string{"SMTP_SERVER": "mail.test", "SMTP_DELIVERY_METHOD": "sendmail"}}, ""},
		{"nothing is said", site.Found{Live: live}, ""},
		{"nonsense", site.Found{Settings: map[string]string{"SMTP_SERVER": "mail.test", "SMTP_PORT": "x"}}, ""},
	} {
		got := ""
		if s := mastodonServer(tt.f); s != nil {
			got = s.at()
			if s.within {
				got += " within"
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTheMailServerOfThisMachineIsKnownByItsService(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files []string
		want  string
	}{
		{"Postfix of Debian", []string{"lib/systemd/system/postfix.service", "etc/init.d/postfix"}, "postfix"},
		{"Exim, which has no unit there", []string{"etc/init.d/exim4"}, "exim4"},
		{"none", nil, ""},
		{"two of them", []string{"etc/init.d/exim4", "lib/systemd/system/postfix.service"}, ""},
	} {
		root := t.TempDir()
		for _, name := range tt.files {
			path := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := relayOn(root); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

func TestWhatAProviderSaysWhenItsLimitIsReached(t *testing.T) {
	for words, want := range map[string]fault{
		"4.7.0 Throttling failure: Daily message quota exceeded.":                limited,
		"Throttling failure: Maximum sending rate exceeded.":                     limited,
		"5.4.5 Daily user sending limit exceeded. For more information on Gmail": limited,
		"4.3.2 You have exceeded your daily sending limits":                      limited,
		"Authentication failed: Maximum credits exceeded":                        limited,
		"5.7.1 You have reached your hourly sending limit":                       limited,
		"4.7.1 Error: too many recipients":                                       limited,
		"450 Requested mail action not taken: rate limit":                        limited,
		"4.2.2 The email account that you tried to reach is over quota":          full,
		"5.2.2 Mailbox full":              full,
		"5.7.1 Relay access denied":       refused,
		"5.7.1 Your account is suspended": refused,
		"5.1.1 User unknown":              refused,
		"5.7.60 SMTP; Client does not have permissions to send as this sender": refused,
	} {
		if got := faultOf(&textproto.Error{Code: 450, Msg: words}, signedIn); got != want {
			t.Errorf("%q: %s, want %s", words, got, want)
		}
	}
}
