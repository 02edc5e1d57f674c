package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// newcomer is somebody who sets a bot up: a server with three accounts, an empty
// machine, and a terminal.
type newcomer struct {
	t      *testing.T
	server *sandbox.Server
	url    string
	saba   sandbox.Account
	alice  sandbox.Account
	boss   sandbox.Account
	root   string
	config string
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	n := &newcomer{t: t, server: sandbox.New(sandbox.Options{Domain: "example.social", NoLimits: true}), root: t.TempDir()}
	t.Cleanup(n.server.Close)
	n.saba = n.server.AddAccount(sandbox.Account{Username: "saba"})
	n.alice = n.server.AddAccount(sandbox.Account{Username: "alice"})
	n.boss = n.server.AddAccount(sandbox.Account{Username: "boss", Permissions: "1"})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = n.server.Serve(ctx, ln) }()
	t.Cleanup(func() { cancel(); <-done })
	n.url = "http://" + ln.Addr().String()
	n.config = filepath.Join(n.root, "etc/sababan/config.toml")
	return n
}

// machine lays a file on the machine that is set up.
func (n *newcomer) machine(path, text string) {
	n.t.Helper()
	path = filepath.Join(n.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *newcomer) env(stdin io.Reader, stdout, stderr io.Writer) environment {
	return environment{
		stdin: stdin, stdout: stdout, stderr: stderr, getenv: func(string) string { return "" },
		columns: func() (int, bool) { return 0, false }, checklist: checklist, root: n.root,
		config: n.config, patience: 20 * time.Second,
	}
}

// run is one `sababan init` without a person.
func (n *newcomer) run(stdin string, args ...string) (status int, out string) {
	n.t.Helper()
	var text strings.Builder
	status = run(n.t.Context(), n.env(strings.NewReader(stdin), &text, &text), append([]string{"init", "--config", n.config}, args...))
	return status, text.String()
}

func (n *newcomer) read(path string) string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.root, path))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}

func TestFromNothingToTheFirstAnswer(t *testing.T) {
	for _, lang := range []checks.Lang{checks.English, checks.Japanese} {
		t.Run(string(lang), func(t *testing.T) { fromNothing(t, lang) })
	}
}

func fromNothing(t *testing.T, lang checks.Lang) {
	n := newNewcomer(t)
	n.machine("home/mastodon/live/.env.production", "LOCAL_DOMAIN=example.social\nDB_HOST=/var/run/postgresql\nDB_PASS=tOpSeCrEt\nSECRET_KEY_BASE=0123456789abcdef\n")
	n.machine("home/mastodon/live/config/environment.rb", "")
	n.machine("home/mastodon/live/lib/mastodon/version.rb", "")
	in, type_ := io.Pipe()
	seen, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), n.env(in, out, out), []string{"init", "--config", n.config, "--lang", string(lang), "--wait", "30s"})
		_ = out.Close()
	}()
	var all strings.Builder
	screen := bufio.NewReader(io.TeeReader(seen, &all))
	// until reads what is on the screen up to some words.
	until := func(form string) string {
		t.Helper()
		words := regexp.MustCompile(form)
		var text strings.Builder
		for {
			c, _, err := screen.ReadRune()
			if err != nil {
				t.Fatalf("ended before %q:\n%s", form, all.String())
			}
			text.WriteRune(c)
			if words.MatchString(text.String()) {
				return text.String()
			}
		}
	}
	say := func(line string) {
		t.Helper()
		if _, err := fmt.Fprintln(type_, line); err != nil {
			t.Fatal(err)
		}
	}
	either := func(en, ja string) string {
		if lang == checks.Japanese {
			return ja
		}
		return en
	}
	until(either(`public name: \[example\.social\] `, `公開名は？ \[example\.social\] `))
	say("")
	until(`\[https://example\.social\] `)
	say(n.url)
	until(`\[1\] `)
	say("1")
	page := regexp.MustCompile(`http://\S+/oauth/authorize\S+`).FindString(until(either("shows: ?", "コード: ?")))
	code, err := n.server.Authorize(n.saba, page)
	if err != nil {
		t.Fatal(err)
	}
	say(code)
	until(either("alice@example.social\\): ", "alice@example.social: "))
	say("nobody_here")
	until(either("alice@example.social\\): ", "alice@example.social: "))
	say("alice")
	until(either("no more\\) ", "Enter） "))
	say("")
	until(either(`en or ja\? \[en\] `, `（en／ja） \[ja\] `))
	say("")
	until(either(`time zone\? \[UTC\] `, `タイムゾーンは？ \[UTC\] `))
	say("Europe/Nowhere")
	until(`\[UTC\] `)
	say("Asia/Tokyo")
	until(`\[none\] `)
	say("https://hook.example/abc?token=pAsSwOrD")
	until(either("any word: later\\. ", "何か入力: "))
	say("later")
	until(either("Now follow the bot", "からボットをフォロー"))
	n.server.Follow(n.alice, n.saba)
	until(either("Please answer it", "返信してみて"))
	inbox := n.server.Inbox(n.alice)
	if len(inbox) != 1 || inbox[0].Filtered || !strings.Contains(inbox[0].Text, "sababan") {
		t.Fatalf("alice's inbox: %+v", inbox)
	}
	if _, err := n.server.Say(n.alice, "@saba hi", sandbox.SayOptions{InReplyTo: inbox[0].ID}); err != nil {
		t.Fatal(err)
	}
	until(either("both ways work", "お互いに届いています"))
	until("enable --now sababan\n")
	if status := <-ended; status != exitOK {
		t.Fatalf("status %d:\n%s", status, all.String())
	}
	t.Log(all.String())

	config := n.read("etc/sababan/config.toml")
	env := n.read("etc/sababan/site.env")
	for _, secret := range []string{"tOpSeCrEt", "0123456789abcdef", "pAsSwOrD", code} {
		if strings.Contains(config+env+all.String(), secret) {
			t.Errorf("%s stands where no secret may:\n%s%s%s", secret, config, env, all.String())
		}
	}
	if !strings.Contains(env, "LOCAL_DOMAIN=example.social\n") || !strings.Contains(env, "DB_HOST=/var/run/postgresql\n") {
		t.Errorf("site.env:\n%s", env)
	}
	for path, mode := range map[string]os.FileMode{"token": 0o600, "fallback": 0o600, "config.toml": 0o644, "site.env": 0o644} {
		info, err := os.Stat(filepath.Join(n.root, "etc/sababan", path))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
	c, err := loadConfig(n.config, checklist, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.Token()
	if err != nil || c.Bot.Admins[0].Account != "alice" || c.Bot.Zone.String() != "Asia/Tokyo" || c.Bot.Language != lang {
		t.Errorf("%v %+v", err, c.Bot)
	}
	home, err := mastodon.New(mastodon.Options{Server: n.url, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if me, err := home.Profile(t.Context()); err != nil || !me.Bot || me.Handle != "saba" {
		t.Errorf("%+v %v", me, err)
	}
}

func TestInitCanBeScripted(t *testing.T) {
	n := newNewcomer(t)
	n.server.Follow(n.alice, n.saba)
	n.machine("saba.token", n.server.Token(n.saba, mastodon.Scopes()...))
	args := []string{"--yes", "--domain", "example.social", "--server", n.url, "--token-file", filepath.Join(n.root, "saba.token"), "--admin", "alice", "--timezone", "Europe/Berlin"}
	status, out := n.run("", args...)
	if status != exitOK {
		t.Fatalf("%d\n%s", status, out)
	}
	if got := n.server.Inbox(n.alice); len(got) != 1 {
		t.Errorf("alice got %d messages:\n%s", len(got), out)
	}
	if status, out = n.run("", args...); status != exitUnknown || !strings.Contains(out, "exists; --replace puts it aside") {
		t.Errorf("a second time: %d\n%s", status, out)
	}
	before := n.read("etc/sababan/config.toml")
	if status, out = n.run("", append(args, "--replace")...); status != exitOK {
		t.Fatalf("%d\n%s", status, out)
	}
	kept, _ := filepath.Glob(filepath.Join(n.root, "etc/sababan/config.toml.*"))
	if len(kept) != 1 {
		t.Fatalf("kept: %v", kept)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || string(text) != before {
		t.Errorf("what was kept: %v\n%s", err, text)
	}
}

func TestInitRefusesWithOneSentence(t *testing.T) {
	n := newNewcomer(t)
	n.machine("saba.token", n.server.Token(n.saba))
	n.machine("boss.token", n.server.Token(n.boss))
	n.machine("alice.token", n.server.Token(n.alice))
	n.machine("open.token", n.server.Token(n.saba))
	if err := os.Chmod(filepath.Join(n.root, "open.token"), 0o644); err != nil {
		t.Fatal(err)
	}
	n.machine("wrong.token", "abc")
	token := func(who string) string { return filepath.Join(n.root, who+".token") }
	base := []string{"--yes", "--domain", "example.social", "--server", n.url}
	for _, c := range []struct {
		name  string
		stdin string
		args  []string
		want  string
	}{
		{"without a token", "", base, `^sababan: --token-file is missing$`},
		{"a moderator's own account", "", append(base, "--token-file", token("boss"), "--admin", "alice"), `^sababan: boss may moderate the server: that is a person's account;`},
		{"an admin's own account", "", append(base, "--token-file", token("alice"), "--admin", "alice"), `^sababan: the token belongs to alice itself: the bot needs an account of its own`},
		{"a token that others may read", "", append(base, "--token-file", token("open"), "--admin", "alice"), `^sababan: --token-file: \S+ can be read by every user of this machine; fix it: chmod 600 `},
		{"a wrong token", "", append(base, "--token-file", token("wrong"), "--admin", "alice"), `does not accept the token`},
		{"an empty input for a token", "", append(base, "--token-file", "-", "--admin", "alice"), `^sababan: --token-file: nothing came on the standard input`},
		{"nobody to tell", "", append(base, "--token-file", token("saba")), `^sababan: --admin is missing$`},
		{"an admin who is not there", "", append(base, "--token-file", token("saba"), "--admin", "bob"), `^sababan: --admin: .*no such account`},
		{"no domain", "", []string{"--yes", "--server", n.url, "--token-file", token("saba"), "--admin", "alice"}, `^sababan: --domain is missing$`},
		{"a domain that is none", "", []string{"--yes", "--domain", "a b"}, `^sababan: --domain: "a b" is not a name`},
		{"a server in the clear", "", []string{"--yes", "--domain", "example.social", "--server", "http://example.social"}, `^sababan: --server: .*in the clear`},
		{"a zone that is none", "", append(base, "--token-file", token("saba"), "--admin", "alice", "--timezone", "Mars"), `^sababan: --timezone: "Mars" is not a time zone`},
		{"a fallback that is none", "", append(base, "--token-file", token("saba"), "--admin", "alice", "--fallback", "abc"), `^sababan: --fallback: write an address`},
		{"a configuration that is no whole path", "", []string{"--config", "x.toml"}, `^sababan: --config: "x\.toml" should be a whole path`},
		{"an input that ends at a question", "", []string{}, `the input ended at a question; its flag is --domain`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, out := n.run(c.stdin, c.args...)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			last := lines[len(lines)-1]
			if at := strings.Index(last, "sababan: "); at > 0 {
				last = last[at:] // it follows the question
			}
			if status != exitUnknown || !regexp.MustCompile(c.want).MatchString(last) {
				t.Errorf("status %d, last line %q, want %s\n%s", status, last, c.want, out)
			}
			if _, err := os.Stat(n.config); err == nil {
				t.Error("a configuration was written")
			}
		})
	}
}

func TestTheBrowserComesBackByItself(t *testing.T) {
	n := newNewcomer(t)
	s := &setup{flags: initFlags{browser: true}, server: n.url, ask: &asker{out: io.Discard, lang: checks.English}}
	shown, out := io.Pipe()
	s.ask.out = out
	type got struct {
		grant mastodon.Grant
		err   error
	}
	granted := make(chan got, 1)
	go func() {
		g, err := s.authorise(t.Context())
		granted <- got{g, err}
	}()
	lines := bufio.NewScanner(shown)
	page := ""
	for page == "" && lines.Scan() {
		page = regexp.MustCompile(`http://\S+/oauth/authorize\S+`).FindString(lines.Text())
	}
	back, err := n.server.Authorize(n.saba, page)
	if err != nil {
		t.Fatal(err)
	}
	// Another page of the same browser knows no state.
	for _, address := range []string{regexp.MustCompile(`state=[^&]+`).ReplaceAllString(back, "state=guessed"), back} {
		r, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
	}
	g := <-granted
	if g.err != nil || g.grant.Token.Empty() || len(mastodon.Lacking(g.grant.Scopes)) > 0 {
		t.Errorf("%v %v", g.err, g.grant.Scopes)
	}
}

func TestTheSettingsAloneAreCopiedAnew(t *testing.T) {
	n := newNewcomer(t)
	if status, out := n.run("", "--settings"); status != exitUnknown || !strings.Contains(out, "no settings of a Mastodon (.env.production) can be read on this machine") {
		t.Errorf("without a Mastodon: %d\n%s", status, out)
	}
	n.machine("home/mastodon/live/config/environment.rb", "")
	n.machine("home/mastodon/live/lib/mastodon/version.rb", "")
	n.machine("home/mastodon/live/.env.production", "LOCAL_DOMAIN=example.social\nDB_HOST=10.0.0.9\nDB_PASS=tOpSeCrEt\nUPDATE_CHECK_URL=\n")
	n.machine("etc/sababan/site.env", "LOCAL_DOMAIN=old.example\nSMTP_SERVER=not.any.more.example\n")
	n.machine("etc/sababan/config.toml", "# mine\n")
	status, out := n.run("", "--settings")
	if status != exitOK || !strings.Contains(out, "sudo systemctl reload sababan") {
		t.Fatalf("%d\n%s", status, out)
	}
	got := n.read("etc/sababan/site.env")
	for _, want := range []string{"LOCAL_DOMAIN=example.social\n", "DB_HOST=10.0.0.9\n", "UPDATE_CHECK_URL=\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "old.example") || strings.Contains(got, "not.any.more") || strings.Contains(got+out, "tOpSeCrEt") || n.read("etc/sababan/config.toml") != "# mine\n" {
		t.Errorf("%s\n%s", got, out)
	}
}

func TestACopyOfTheSettingsReadsAsTheOriginal(t *testing.T) {
	settings := map[string]string{
		"LOCAL_DOMAIN": "example.social", "DB_HOST": "/var/run/postgresql", "SMTP_SERVER": "smtp.example.com", "DB_PORT": "5432",
		"SMTP_FROM_ADDRESS": "Mastodon <notifications@example.social>", "EMPTY": "", "UPDATE_CHECK_URL": "",
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc/sababan"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, site.EnvPath), []byte(site.EnvText(settings)), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := site.New(site.Config{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	found := s.Find(t.Context()).Settings
	for name, want := range settings {
		got, there := found[name]
		if got != want || there == (name == "EMPTY") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
