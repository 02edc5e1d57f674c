package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/fallback"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule/state"
)

// blindKind is one that may not see something.
func blindKind(*site.Site) []checks.Kind {
	return []checks.Kind{{
		Name: "blind", Title: checks.Text{En: "disk", Ja: "ディスク"}, Cron: "* * * * *", Timeout: time.Second,
		New: func(checks.Table) (checks.Check, error) { return blindCheck{}, nil },
	}}
}

type blindCheck struct{}

func (blindCheck) Look(context.Context, checks.Past) (checks.Observation, error) {
	return checks.Observation{}, &checks.Unseen{
		Why:    checks.Text{En: "/srv/example.social is closed to sababan", Ja: "/srv/example.social を読む権限がありません"},
		Advice: checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "setfacl", "-m", "u:sababan:rx", "/srv/example.social")}},
	}
}

// examine runs `sababan doctor` over the newcomer's installation.
func (n *newcomer) examine(kinds func(*site.Site) []checks.Kind, args ...string) (status int, out string) {
	n.t.Helper()
	var text strings.Builder
	env := n.env(strings.NewReader(""), &text, &text)
	env.checklist = kinds
	return run(n.t.Context(), env, append([]string{"doctor", "--config", n.config}, args...)), text.String()
}

// afterInit is a newcomer who has been through `init`.
func afterInit(t *testing.T) *newcomer {
	t.Helper()
	n := newNewcomer(t)
	n.server.Follow(n.alice, n.saba)
	n.machine("saba.token", n.server.Token(n.saba, mastodon.Scopes()...))
	n.machine("proc/1/mountinfo", wholeMachine)
	n.machine("proc/self/mountinfo", wholeMachine)
	status, out := n.run("", "--yes", "--domain", "example.social", "--server", n.url, "--token-file", filepath.Join(n.root, "saba.token"),
		"--admin", "alice", "--timezone", "Europe/Berlin", "--fallback", "https://hook.example/abc")
	if status != exitOK {
		t.Fatalf("init: %d\n%s", status, out)
	}
	n.remember("UPDATE way SET tested = 1764000000000, failed = NULL, problem = NULL")
	return n
}

// remember changes what the state knows of the other way out that was set up.
func (n *newcomer) remember(change string) {
	n.t.Helper()
	ctx := n.t.Context()
	db, err := state.Open(ctx, filepath.Join(n.root, "var/lib/sababan/state.db"), nil)
	if err != nil {
		n.t.Fatal(err)
	}
	way, err := fallback.New(checks.NewSecret("https://hook.example/abc"), fallback.Options{})
	if err != nil {
		n.t.Fatal(err)
	}
	err = db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO way (name) VALUES (?)", way.Name()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, change)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		n.t.Fatal(err)
	}
}

func (n *newcomer) rewrite(old, with string) {
	n.t.Helper()
	text := n.read("etc/sababan/config.toml")
	if !strings.Contains(text, old) {
		n.t.Fatalf("no %q in\n%s", old, text)
	}
	n.machine("etc/sababan/config.toml", strings.Replace(text, old, with, 1))
}

const wholeMachine = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 254:2 / /home rw,relatime shared:2 - ext4 /dev/vda2 rw
24 22 0:22 / /proc rw,nosuid - proc proc rw
25 22 0:33 / /tmp rw,nosuid - tmpfs tmpfs rw
`

func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		make   func(t *testing.T, n *newcomer)
		status int
		want   string // a line
		advice string
	}{
		{"nothing", func(*testing.T, *newcomer) {}, exitOK, `Fine all 1 checks that are set up can see`, ""},
		{"an admin who does not follow", func(_ *testing.T, n *newcomer) { n.server.Unfollow(n.alice, n.saba) }, exitWarning, `\[Warning\] ADMIN1 does not follow the bot`, ""},
		{"a token that was revoked", func(_ *testing.T, n *newcomer) { n.server.Revoke(strings.TrimSpace(n.read("saba.token"))) }, exitCritical, `\[Action needed\] .*does not accept the token`, ""},
		{"a token file that others may read", func(t *testing.T, n *newcomer) {
			if err := os.Chmod(filepath.Join(n.root, "etc/sababan/token"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, exitCritical, `\[Action needed\] \[bot\] token_file: .*fix it: chmod 600 `, ""},
		{"another way out that was tried", func(*testing.T, *newcomer) {}, exitOK, `Fine another way out, web-hook: a test got through on `, ""},
		{"another way out that was never tried", func(_ *testing.T, n *newcomer) { n.remember("DELETE FROM way") }, exitUnknown, `\[Unknown\] another way out, web-hook: never tried`, ""},
		{"another way out that does not work", func(_ *testing.T, n *newcomer) {
			n.remember("UPDATE way SET failed = 1764000000000, problem = 'dial tcp: lookup hook.example: no such host'")
		}, exitWarning, `\[Warning\] another way out, web-hook: nothing has got through since .* \(dial tcp: lookup ELSEWHERE: no such host\)`, ""},
		{"another way out that misses somebody", func(_ *testing.T, n *newcomer) {
			n.remember("UPDATE way SET problem = 'bob is gone'")
		}, exitWarning, `\[Warning\] another way out, web-hook: it does not reach everybody \(bob is gone\)`, ""},
		{"other ways out, and a state that cannot be read", func(_ *testing.T, n *newcomer) {
			n.machine("var/lib/sababan/state.db", strings.Repeat("not a database ", 100))
		}, exitCritical, `\[Unknown\] whether the other ways out work \(1\) cannot be told`, ""},
		{"an address of another way out that others may read", func(t *testing.T, n *newcomer) {
			if err := os.Chmod(filepath.Join(n.root, "etc/sababan/fallback"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, exitCritical, `\[Action needed\] \[\[bot.fallback\]\] url_file: .*fix it: chmod 600 `, ""},
		{"nothing may leave the machine", func(_ *testing.T, n *newcomer) { n.rewrite("[bot]\n", "offline = true\n[bot]\n") }, exitWarning, `\[Warning\] the other ways out are not used`, ""},
		{"a damaged state", func(t *testing.T, n *newcomer) {
			n.machine("var/lib/sababan/state.db", strings.Repeat("not a database ", 100))
		}, exitCritical, `\[Action needed\] state file .* is not an SQLite file: name another path, or move it away`, ""},
		{"a state of a newer version", func(t *testing.T, n *newcomer) { newerState(t, filepath.Join(n.root, "var/lib/sababan/state.db")) }, exitCritical, `was written by a newer sababan`, ""},
		{"a hidden /home", func(_ *testing.T, n *newcomer) {
			n.machine("proc/self/mountinfo", strings.Replace(wholeMachine, "254:2 / /home rw,relatime shared:2 - ext4 /dev/vda2", "0:40 / /home ro - tmpfs tmpfs", 1))
		}, exitWarning, `\[Warning\] the sandbox hides /home:`, ""},
		{"a copy that is older than its original", func(t *testing.T, n *newcomer) {
			n.machine("etc/sababan/site.env", "LOCAL_DOMAIN=example.social\n")
			n.machine("home/mastodon/live/config/environment.rb", "")
			n.machine("home/mastodon/live/lib/mastodon/version.rb", "")
			n.machine("home/mastodon/live/.env.production", "LOCAL_DOMAIN=example.social\n")
			old := time.Now().Add(-48 * time.Hour)
			if err := os.Chtimes(filepath.Join(n.root, "etc/sababan/site.env"), old, old); err != nil {
				t.Fatal(err)
			}
		}, exitWarning, `\[Warning\] /home/mastodon/live/\.env\.production was changed on .*, after it was copied`, "Fix: sudo sababan init --settings\n  Fix: sudo systemctl reload sababan"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := afterInit(t)
			c.make(t, n)
			status, out := n.examine(quick)
			if status != c.status || !regexp.MustCompile(c.want).MatchString(out) {
				t.Errorf("status %d, want %d and %s:\n%s", status, c.status, c.want, out)
			}
			if !strings.Contains(out, c.advice) {
				t.Errorf("no %q in:\n%s", c.advice, out)
			}
		})
	}
}

func newerState(t *testing.T, path string) {
	t.Helper()
	db, err := state.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// The version stands in the header of an SQLite file, at offset 60.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0, 0, 0x10, 0}, 60); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheDoctorNamesTheGrantAndNobody(t *testing.T) {
	n := afterInit(t)
	for _, lang := range []string{"en", "ja"} {
		status, out := n.examine(blindKind, "--lang", lang)
		if status != exitUnknown || !strings.Contains(out, "sudo setfacl -m u:sababan:rx /srv/SERVER") {
			t.Errorf("status %d:\n%s", status, out)
		}
		for _, name := range []string{"example.social", "alice", strings.TrimPrefix(n.url, "http://"), "hook.example"} {
			if strings.Contains(out, name) {
				t.Errorf("%q can be read in:\n%s", name, out)
			}
		}
	}
	if _, out := n.examine(blindKind, "--names"); !strings.Contains(out, "/srv/example.social") || !strings.Contains(out, "alice") {
		t.Errorf("with names:\n%s", out)
	}
}

func TestTheAccountIsJudged(t *testing.T) {
	for _, c := range []struct {
		name    string
		me      mastodon.Profile
		granted []string
		worst   checks.Severity
	}{
		{"all is well", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}}, mastodon.Scopes(), checks.OK},
		{"wider scopes do as well", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}}, []string{"read", "write", "follow"}, checks.OK},
		{"a server that does not tell the scopes", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}}, nil, checks.OK},
		{"no scope for pictures", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}}, slices.DeleteFunc(mastodon.Scopes(), func(s string) bool { return s == "write:media" }), checks.Critical},
		{"not marked as a bot", mastodon.Profile{Account: bot.Account{Handle: "saba"}}, nil, checks.Warning},
		{"limited by its server", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}, Limited: true}, nil, checks.Warning},
		{"suspended by its server", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}, Suspended: true}, nil, checks.Critical},
		{"a moderator's", mastodon.Profile{Account: bot.Account{Handle: "saba", Bot: true}, Staff: true}, nil, checks.Warning},
	} {
		t.Run(c.name, func(t *testing.T) {
			worst := checks.OK
			for _, p := range accountPoints(c.me, c.granted) {
				worst = max(worst, p.severity)
			}
			if worst != c.worst {
				t.Errorf("got %v, want %v", worst, c.worst)
			}
		})
	}
}

func TestWhatASandboxHidesIsSeen(t *testing.T) {
	whole := map[string]mountPoint{
		"/": {"/", "ext4", "254:1/"}, "/home": {"/home", "ext4", "254:2/"}, "/srv/media": {"/srv/media", "xfs", "254:3/"}, "/run": {"/run", "tmpfs", "0:20/"},
	}
	for _, c := range []struct {
		name string
		mine map[string]mountPoint
		want []string
	}{
		{"the same view hides nothing", whole, nil},
		{"read-only binds over themselves hide nothing", map[string]mountPoint{
			"/": {"/", "ext4", "254:1/"}, "/home": {"/home", "ext4", "254:2/"}, "/srv/media": {"/srv/media", "xfs", "254:3/"}, "/etc": {"/etc", "ext4", "254:1/etc"},
		}, nil},
		{"an empty /home hides people's files", map[string]mountPoint{
			"/": {"/", "ext4", "254:1/"}, "/home": {"/home", "tmpfs", "0:44/"}, "/srv/media": {"/srv/media", "xfs", "254:3/"},
		}, []string{"/home"}},
		{"a /tmp of its own hides what fills the real one", map[string]mountPoint{
			"/": {"/", "ext4", "254:1/"}, "/home": {"/home", "ext4", "254:2/"}, "/srv/media": {"/srv/media", "xfs", "254:3/"}, "/tmp": {"/tmp", "ext4", "254:1/tmp/systemd-private-abc/tmp-dir"},
		}, []string{"/tmp"}},
		{"a disk that is not mounted for it", map[string]mountPoint{
			"/": {"/", "ext4", "254:1/"}, "/home": {"/home", "ext4", "254:2/"},
		}, []string{"/srv/media"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hiddenBy(whole, c.mine); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAddressesAreLeftOutAndLoopbackIsNot(t *testing.T) {
	for text, want := range map[string]string{
		"dial 203.0.113.7:443": "dial ADDRESS:443", "127.0.0.1:6379": "127.0.0.1:6379", "0.0.0.0": "0.0.0.0", "2001:db8::1 refused": "ADDRESS refused", "10:05": "10:05", "1.26.4": "1.26.4", "13:20:59": "13:20:59",
	} {
		if got := (redaction{replace: strings.NewReplacer()}).in(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
