package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// kept is the password of everything; it must come out nowhere.
const kept = "kE3p&me/%in"

// keptForms are the ways in which it might.
func keptForms(also ...string) []string {
	forms := []string{kept, url.QueryEscape(kept), url.PathEscape(kept)}
	for before := range 3 {
		code := base64.RawStdEncoding.EncodeToString([]byte("xxx"[:before] + kept))
		forms = append(forms, code[(before*8+5)/6:len(code)-1])
	}
	return append(forms, also...)
}

// repeats is a server that refuses all it is told, and repeats it, password and
// all; greeting is what it says first.
func repeats(t *testing.T, greeting string, answer func(heard string) string) (addr string) {
	t.Helper()
	return checkstest.Talk(t, 10*time.Second, func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		for b := make([]byte, 4096); ; {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if _, err := io.WriteString(c, answer(string(b[:n]))); err != nil {
				return
			}
		}
	})
}

func oneLineOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s) + " " + kept
}

// postgresError is a fatal error in PostgreSQL's protocol.
func postgresError(said string) string {
	body := "SFATAL\x00C28P01\x00Mno entry for " + said + "\x00D" + said + "\x00\x00"
	n := len(body) + 4
	return "E" + string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + body
}

// crashing is a kind whose look ends in a panic with the configuration that it has
// in hand.
func crashing(s *site.Site) checks.Kind {
	return checks.Kind{
		Name: "crashing", Title: checks.Same("crashing"), Cron: "* * * * *", Timeout: time.Second,
		New: func(checks.Table) (checks.Check, error) { return crash{s}, nil },
	}
}

type crash struct{ site *site.Site }

func (c crash) Look(context.Context, checks.Past) (checks.Observation, error) {
	panic(fmt.Sprintf("%v %+v %v %+v", c, c, c.site, c.site))
}

func TestNoPasswordComesOutWhoeverRefusesOrRepeatsIt(t *testing.T) {
	s := newServiceQuietly(t)
	redis := repeats(t, "", func(heard string) string { return "-ERR unknown command, with args: " + oneLineOf(heard) + "\r\n" })
	postgres := repeats(t, "", func(heard string) string {
		if len(heard) == 8 {
			return "N" // no TLS
		}
		if strings.HasPrefix(heard, "p") {
			return postgresError(strings.Trim(heard[5:], "\x00"))
		}
		return "R\x00\x00\x00\x08\x00\x00\x00\x03" // the password, please
	})
	smtp := repeats(t, "220 x\r\n", func(heard string) string {
		if strings.HasPrefix(heard, "EHLO") {
			return "250-x\r\n250 AUTH PLAIN\r\n"
		}
		return "502 5.5.2 not understood: " + oneLineOf(heard) + "\r\n"
	})
	web := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s %s</Message></Error>", kept, r.URL, r.Header.Get("Authorization"))
	}
	plain, wrapped := httptest.NewServer(http.HandlerFunc(web)), httptest.NewUnstartedServer(http.HandlerFunc(web))
	wrapped.Config.ErrorLog = log.New(io.Discard, "", 0)
	wrapped.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(wrapped.Close)
	password := s.write("password", kept+"\n")
	token := strings.TrimSpace(readText(t, filepath.Join(s.dir, "token")))
	login := "saba:" + url.PathEscape(kept) + "@"
	escaped := url.QueryEscape(kept)
	s.configure(fmt.Sprintf(`[server]
domain = "masto.test"
address = "127.0.0.1"
database_url = "postgres://%[1]s%[2]s/masto"
redis_url = "redis://%[1]s%[3]s/0"
sidekiq_redis_url = "redis-sentinel://%[1]s%[3]s/mymaster/0"
[[bot.fallback]]
url = "%[4]s/in?key=%[5]s"
[[bot.fallback]]
url = "smtp://%[1]s%[6]s/?from=a@masto.test&to=b@masto.test"
[[bot.fallback]]
url = "ntfy://me:%[5]s@%[7]s/saba"
[checks.mail]
smtp = "smtp://saba@%[6]s"
smtp_password_file = "%[8]s"
from = "Mastodon <n@masto.test>"
[[checks.mail.mailbox]]
address = "probe@masto.test"
imap = "imaps://saba@%[9]s"
password_file = "%[8]s"
[checks.media]
endpoint = "%[10]s"
region = "us-east-1"
bucket = "mastodon"
public = "%[10]s"
access_key = "BOTKEY"
secret_key_file = "%[8]s"
`, login, postgres, redis, plain.URL, escaped, smtp, strings.TrimPrefix(plain.URL, "http://"), password, strings.TrimPrefix(wrapped.URL, "https://"), wrapped.URL))
	text := readText(t, s.config)
	s.write("config.toml", strings.Replace(text, "[bot]\n", "[bot]\nheartbeat_url = \""+plain.URL+"/beat/"+escaped+"\"\n", 1))
	looked := []string{"database", "redis", "sidekiq", "mail", "media"}
	// What is printed whole is nobody else's to work with meanwhile.
	own, err := loadConfig(s.config, checklist, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	kinds := func(w *site.Site) []checks.Kind {
		all := checklist(w)
		return append(slices.DeleteFunc(all, func(k checks.Kind) bool { return !slices.Contains(looked, k.Name) }), crashing(own.Site))
	}

	quiet := func(what, out string) {
		t.Helper()
		for _, form := range keptForms(token) {
			if at := strings.Index(out, form); at >= 0 {
				t.Errorf("%s shows %q: …%s…", what, form, out[max(at-300, 0):min(at+len(form)+50, len(out))])
			}
		}
	}
	for _, words := range [][]string{{"check"}, {"check", "--verbose"}, {"check", "--json", "--verbose"}, append([]string{"check", "--lang", "ja"}, looked...), {"doctor"}, {"doctor", "--names"}} {
		var out, err bytes.Buffer
		env := environment{
			stdin: strings.NewReader(""), stdout: &out, stderr: &err, getenv: func(string) string { return "" },
			columns: func() (int, bool) { return 0, false }, checklist: kinds, patience: 10 * time.Second,
		}
		status := run(t.Context(), env, append(words, "--config", s.config))
		whole := out.String() + err.String()
		if status == exitOK || !strings.Contains(whole, "crashing") && words[0] == "check" && len(words) < 4 || len(whole) < 200 {
			t.Errorf("%q ended with %d and %s", words, status, whole)
		}
		quiet(strings.Join(words, " "), whole)
		if words[0] == "check" && len(words) < 4 {
			// Each has really heard it, and what it said of it was told.
			for _, said := range []string{"no entry for ••••", "AUTH PLAIN AHN", "args: *3 $4 auth", "get-master-addr-by-name"} {
				if !strings.Contains(whole, said) {
					t.Errorf("%q does not say %q: %s", words, said, whole)
				}
			}
		}
	}

	s.startWith(kinds)
	s.inbox(1)
	said := 1
	for _, ask := range []string{"status", "check database redis", "check sidekiq mail media", "check crashing", "確認 データベース"} {
		if _, err := s.server.Say(s.admin, "@saba "+ask, sandbox.SayOptions{}); err != nil {
			t.Fatal(err)
		}
		said++
		s.inbox(said)
	}
	// The server is gone: the other ways are tried, and refuse.
	s.eventually("a heartbeat that is refused", func() bool { return strings.Contains(s.log.String(), "heartbeat") })
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	quiet("the daemon's log", s.log.String())
	for _, m := range s.server.Inbox(s.admin) {
		quiet("a post", m.Text)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no state: %v %v", files, err)
	}
	for _, f := range files {
		quiet("the state file "+f, readText(t, f))
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
