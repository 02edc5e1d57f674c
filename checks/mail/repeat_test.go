package mail

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// repeater is a mail server that greets, offers ways to sign in, and answers
// every other line with that line.
func repeater(greeting, offers, code string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, greeting); err != nil {
			return
		}
		in := bufio.NewReader(c)
		heard := ""
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, _, _ := strings.Cut(line, " ")
			heard += " " + strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "EHLO"), strings.Contains(line, "CAPABILITY"):
				_, err = io.WriteString(c, strings.ReplaceAll(offers, "§", tag))
			case strings.HasPrefix(line, "AUTH LOGIN"), strings.HasSuffix(heard, base64.StdEncoding.EncodeToString([]byte("saba"))):
				_, err = io.WriteString(c, "334 \r\n")
			default:
				_, err = fmt.Fprintf(c, strings.ReplaceAll(code, "§", tag)+"\r\n", heard)
			}
			if err != nil {
				return
			}
		}
	}
}

func TestAPasswordThatAMailServerRepeatsIsNotTold(t *testing.T) {
	t.Parallel()
	const words = "h&nter 2/%"
	ca := checkstest.NewCA(t, "Root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"localhost"}})
	password := (&world{dir: t.TempDir()}).password(t, "right", words)
	quiet := func(t *testing.T, fault fault, texts ...string) {
		t.Helper()
		if fault == "" {
			t.Error("it went well")
		}
		whole := strings.Join(texts, "\n")
		for _, form := range []string{words, "h%26nter", base64.StdEncoding.EncodeToString([]byte(words)), base64.RawStdEncoding.EncodeToString([]byte("\x00saba\x00" + words))[8:18]} {
			if strings.Contains(whole, form) {
				t.Errorf("the password shows: %s", whole)
			}
		}
		if !strings.Contains(whole, "••••") {
			t.Errorf("it was not repeated at all: %s", whole)
		}
	}
	for name, talk := range map[string]func(net.Conn){
		"PLAIN, a command that it does not know": repeater("220 x\r\n", "250-x\r\n250 AUTH PLAIN LOGIN\r\n", "502 5.5.2 not understood:%s"),
		"PLAIN, refused":                         repeater("220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "535 5.7.8 no entry:%s"),
		"PLAIN, later":                           repeater("220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n", "454 4.7.0 try again:%s"),
		"LOGIN, refused":                         repeater("220 x\r\n", "250-x\r\n250 AUTH LOGIN\r\n", "535 5.7.8 no entry:%s"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server{host: "127.0.0.1", port: answerer(t, talk), user: "saba", set: true}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			got, _ := post{server: s, helo: "lab.test", from: "a@lab.test", password: checks.NewSecret(words)}.deliver(ctx, []letter{{to: inbox}})
			text := textTalk(got, s, true)
			quiet(t, got.Fault, fmt.Sprintf("%v %+v", got, got), text.En, text.Ja)
		})
	}
	for name, code := range map[string]string{
		"IMAP, a command that it does not know": "§ BAD not understood:%s",
		"IMAP, refused":                         "§ NO [AUTHENTICATIONFAILED] no entry:%s",
		"IMAP, later":                           "§ NO [UNAVAILABLE] later:%s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			talk := repeater("* OK [CAPABILITY IMAP4rev1] ready\r\n", "* CAPABILITY IMAP4rev1\r\n§ OK done\r\n", code)
			b := mailbox{address: inbox, server: server{host: "localhost", port: answerer(t, within(cert, talk)), within: true, user: "saba", secret: password, set: true}}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			got := b.visit(ctx, ca.Roots(), []string{"<ours@x>"})
			quiet(t, got.Fault, fmt.Sprintf("%v %+v", got, got))
		})
	}
}
