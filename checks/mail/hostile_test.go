package mail

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// answerer listens on loopback and talks to each guest until the test ends.
func answerer(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	return port(checkstest.Talk(t, patience, talk))
}

// script answers each line by what its first matching word says; "" hangs up.
func script(greeting string, answers ...string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, greeting); err != nil {
			return
		}
		in := bufio.NewReader(c)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, _, _ := strings.Cut(line, " ")
			for i := 0; i+1 < len(answers); i += 2 {
				if strings.Contains(line, answers[i]) {
					if _, err := io.WriteString(c, strings.ReplaceAll(answers[i+1], "§", tag)); err != nil || answers[i+1] == "" {
						return
					}
					break
				}
			}
		}
	}
}

// within does the same inside TLS.
func within(cert checkstest.Certificate, talk func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert.TLS()}})
		if conn.Handshake() == nil {
			talk(conn)
		}
		_ = conn.Close()
	}
}

func TestAMailServerThatDoesNotStopIsLeft(t *testing.T) {
	t.Parallel()
	endless := func(s string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, s); err != nil {
					return
				}
			}
		}
	}
	for _, tt := range []struct {
		name string
		talk func(net.Conn)
		want fault
	}{
		{"a line without end", endless(strings.Repeat("2", 4096)), silent},
		{"a greeting without end", endless("220-" + strings.Repeat("x", 1000) + "\r\n"), silent},
		{"no SMTP at all", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") }, silent},
		{"an end at once", func(net.Conn) {}, silent},
		{"no word", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, silent},
		{"a refusal at once", script("554 5.7.1 @evil: go away\r\n"), refused},
		{"a refusal of many words", script(strings.Repeat("554-"+strings.Repeat("no ", 30)+"\r\n", 2000) + "554 no\r\n"), refused},
		{"a refusal of EHLO", script("220 x\r\n", "HELO", "502 no\r\n", "EHLO", "502 no\r\n", "QUIT", ""), refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := server{host: "127.0.0.1", port: answerer(t, tt.talk), set: true}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			start := time.Now()
			got, _ := post{server: s, helo: "lab.test", from: "a@lab.test"}.deliver(ctx, []letter{{to: inbox}})
			if got.Fault != tt.want || len(got.Words) > wordsMost || time.Since(start) > 10*time.Second {
				t.Errorf("%+v after %v", got, time.Since(start))
			}
			says(t, textTalk(got, s, true), "the mail server 127.0.0.1:", "メールサーバー 127.0.0.1:")
		})
	}
}

func TestAProviderThatKnowsOnlyTheOldWayToSignIn(t *testing.T) {
	t.Parallel()
	ca := checkstest.NewCA(t, "Root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"localhost"}})
	heard := make(chan string, 4)
	talk := func(c net.Conn) {
		in := bufio.NewReader(c)
		say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
		say("220 old.test")
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "EHLO"):
				say("250-old.test\r\n250-SMTPUTF8\r\n250 AUTH LOGIN")
			case line == "AUTH LOGIN":
				for _, ask := range []string{"Username:", "Password:"} {
					say("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
					answer, _ := in.ReadString('\n')
					b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(answer))
					heard <- string(b)
				}
				say("235 ok")
			case strings.HasPrefix(line, "MAIL"):
				heard <- line
				say("250 ok")
			case line == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}
	s := server{host: "localhost", port: answerer(t, within(cert, talk)), within: true, user: "me", set: true}
	got, _ := post{server: s, roots: ca.Roots(), helo: "lab.test", from: "a@lab.test", password: checks.NewSecret("hunter2")}.deliver(t.Context(), []letter{{to: inbox}})
	if got.Fault != "" || got.Step != recipient {
		t.Fatalf("%+v", got)
	}
	if user, word, from := <-heard, <-heard, <-heard; user != "me" || word != "hunter2" || from != "MAIL FROM:<a@lab.test>" {
		t.Errorf("heard %q, %q, %q", user, word, from)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(text, "hunter2") {
		t.Error("the password is told")
	}
}

func TestAPasswordIsNotToldInTheClear(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 9)
	speak := func(c net.Conn) {
		in := bufio.NewReader(c)
		_, _ = io.WriteString(c, "220 x\r\n")
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			heard <- line
			_, _ = io.WriteString(c, "250-x\r\n250 AUTH PLAIN LOGIN\r\n")
		}
	}
	// Any address of this machine but the loopback's would do; a name that only
	// leads here is none of ours.
	s := server{host: "localhost.localdomain", port: answerer(t, speak), user: "me", set: true}
	if s.local() {
		t.Fatal("the name counts as this machine")
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		t.Fatal(err)
	}
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		t.Fatal(err)
	}
	p := post{server: s, helo: "lab.test", from: "a@lab.test", password: checks.NewSecret("hunter2")}
	var got talk
	err = p.signIn(client, &got)
	if err == nil {
		t.Error("signed in")
	}
	_ = client.Close()
	close(heard)
	for line := range heard {
		if strings.HasPrefix(line, "AUTH") {
			t.Errorf("heard %q", line)
		}
	}
}

func TestAMailboxOfALiarDoesNoHarm(t *testing.T) {
	t.Parallel()
	ca := checkstest.NewCA(t, "Root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"localhost"}})
	login := []string{
		"CAPABILITY", "* CAPABILITY IMAP4rev1 UIDPLUS QUOTA\r\n§ OK done\r\n", "LOGIN", "§ OK [CAPABILITY IMAP4rev1 UIDPLUS QUOTA] in\r\n", "LOGOUT", "* BYE\r\n§ OK\r\n",
		"GETQUOTAROOT", "* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE 1 100)\r\n§ OK done\r\n",
	}
	list := []string{"LIST", "* LIST () \"/\" INBOX\r\n§ OK done\r\n", "SELECT", "* 9 EXISTS\r\n§ OK done\r\n"}
	const greeting = "* OK [CAPABILITY IMAP4rev1 UIDPLUS QUOTA] ready\r\n"
	and := func(more ...string) func(net.Conn) {
		return script(greeting, append(append(more, login...), list...)...)
	}
	password := (&world{dir: t.TempDir()}).password(t, "right", "hunter2")
	for _, tt := range []struct {
		name string
		talk func(net.Conn)
		want fault
	}{
		{"no such message", and("SEARCH", "* SEARCH\r\n§ OK done\r\n"), ""},
		{"four thousand million messages of one name", and("SEARCH", "* ESEARCH (TAG \"§\") UID ALL 1:4294967295\r\n§ OK done\r\n", "FETCH", "§ OK done\r\n"), ""},
		{"a set without end", and("SEARCH", "* ESEARCH (TAG \"§\") UID ALL 1:*\r\n§ OK done\r\n"), silent},
		{"somebody else's message", and("SEARCH", "* SEARCH 7\r\n§ OK done\r\n", "FETCH", "* 7 FETCH (UID 7 BODY[HEADER]<0> {23}\r\nMessage-ID: <other@x>\r\n)\r\n§ OK done\r\n", "STORE", ""), ""},
		{"a header of gigabytes", and("SEARCH", "* SEARCH 7\r\n§ OK done\r\n", "FETCH", "* 7 FETCH (UID 7 BODY[HEADER]<0> {4000000000}\r\n"+strings.Repeat(strings.Repeat("x", 1000)+"\r\n", 6000)), silent},
		{"a message of four million parts within each other", and("LOGIN", "* 1 FETCH (BODYSTRUCTURE "+strings.Repeat("(", 4<<20)+"\r\n§ OK in\r\n"), silent},
		{"an unknown word of four million brackets", and("SEARCH", "* ESEARCH (TAG \"§\") UID EVIL "+strings.Repeat("(", 4<<20)+"\r\n§ OK done\r\n"), silent},
		{"a header that is longer than was asked for", and("SEARCH", "* SEARCH 7\r\n§ OK done\r\n", "FETCH", "* 7 FETCH (UID 7 BODY[HEADER]<0> {3000020}\r\n"+strings.Repeat("X-Long: "+strings.Repeat("x", 990)+"\r\n", 3000)+"Message-ID: <ours@x>)\r\n§ OK done\r\n", "STORE", ""), ""},
		{"a folder's name of gigabytes", script(greeting, append(login, "LIST", "* LIST () \"/\" {4000000000}\r\n"+strings.Repeat("x", 6<<20))...), silent},
		{"a refusal for the hour", and("LOGIN", "§ NO [UNAVAILABLE] later\r\n"), refused},
		{"a wrong password", script(greeting, append([]string{"LOGIN", "§ NO [AUTHENTICATIONFAILED] @evil no\r\n"}, login...)...), wrong},
		{"a wrong password of many words", script(greeting, append([]string{"LOGIN", "§ NO [AUTHENTICATIONFAILED] " + strings.Repeat("no ", 300_000) + "\r\n"}, login...)...), wrong},
		{"no IMAP", script("+OK POP3 ready\r\n"), silent},
		{"no word", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, silent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := mailbox{address: inbox, server: server{host: "localhost", port: answerer(t, within(cert, tt.talk)), within: true, user: "me", secret: password, set: true}}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got := b.visit(ctx, ca.Roots(), []string{"<ours@x>"})
			runtime.ReadMemStats(&after)
			if got.Fault != tt.want || len(got.seen) > 0 || len(got.Words) > wordsMost || time.Since(start) > 10*time.Second {
				t.Errorf("%+v after %v", got, time.Since(start))
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 256<<20 {
				t.Errorf("it took %d MB", grown>>20)
			}
			if got.Fault != "" {
				text := textBox(b, got)
				if got.Fault == wrong {
					text = textWrongBox(b, got)
				}
				if checks.Live(text.En) || checks.Live(text.Ja) {
					t.Errorf("a live mention: %q", text)
				}
			}
		})
	}
}
