package site_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// listener talks to each guest on loopback until the test ends.
func listener(t *testing.T, talk func(net.Conn)) (host, port string) {
	t.Helper()
	host, port, _ = net.SplitHostPort(checkstest.Talk(t, 10*time.Second, talk))
	return host, port
}

const ourPassword = "h&nter 2/%"

// shown are all the ways in which a word might come out.
func shown(words string) []string {
	return []string{words, "h%26nter+2%2F%25", "h&nter%202%2F%25", base64.RawStdEncoding.EncodeToString([]byte("\x00saba\x00" + words))[8:18]}
}

func keptIn(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	why, mend := checks.Explain(err)
	for _, text := range []string{err.Error(), fmt.Sprintf("%v %+v %q", err, err, err), why.En, why.Ja, fmt.Sprint(mend)} {
		for _, form := range shown(ourPassword) {
			if strings.Contains(text, form) {
				t.Errorf("the password shows: %s", text)
			}
		}
	}
}

func TestAPasswordOfRedisIsNotToldWhateverItAnswers(t *testing.T) {
	for name, talk := range map[string]func(net.Conn){
		"an old one repeats the command that it does not know": func(c net.Conn) {
			b := make([]byte, 4096)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				said := strings.NewReplacer("\r", "", "\n", " ").Replace(string(b[:n]))
				if _, err := fmt.Fprintf(c, "-ERR unknown command `HELLO`, with args beginning with: %s\r\n", said); err != nil {
					return
				}
			}
		},
		"it refuses the password": func(c net.Conn) {
			for b := make([]byte, 4096); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
				if _, err := io.WriteString(c, "-WRONGPASS invalid username-password pair, saba "+ourPassword+"\r\n"); err != nil {
					return
				}
			}
		},
		"it refuses everything else": func(c net.Conn) {
			for b := make([]byte, 4096); ; {
				if _, err := c.Read(b); err != nil {
					return
				}
				if _, err := io.WriteString(c, "-ERR "+base64.StdEncoding.EncodeToString([]byte("\x00saba\x00"+ourPassword))+"\r\n"); err != nil {
					return
				}
			}
		},
		"it answers with what it was told": func(c net.Conn) { _, _ = io.Copy(c, c) },
		"something else listens":           func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 "+ourPassword+"\r\n\r\n") },
		"it hangs up":                      func(net.Conn) {},
		"it says nothing":                  func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	} {
		t.Run(name, func(t *testing.T) {
			host, port := listener(t, talk)
			for _, scheme := range []string{"redis://", "rediss://"} {
				s, err := site.New(site.Config{Domain: "masto.test", RedisURL: checks.NewSecret(scheme + "saba:h%26nter%202%2F%25@" + net.JoinHostPort(host, port) + "/3")})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				keptIn(t, s.Redis().Do(ctx, func(ctx context.Context, c *goredis.Client, _ string) error { return c.Get(ctx, "x").Err() }))
			}
		})
	}
}

// pgMessage writes one message of PostgreSQL's protocol.
func pgMessage(c io.Writer, kind byte, body string) {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	_, _ = io.WriteString(c, string(head)+body)
}

// pgRead reads the body of one message; of the first, which has no kind, where
// it says so.
func pgRead(c io.Reader, first bool) string {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(c, head); err != nil {
		return ""
	}
	body := make([]byte, min(max(binary.BigEndian.Uint32(head[len(head)-4:]), 4)-4, 1<<16))
	_, _ = io.ReadFull(c, body)
	return string(body)
}

func TestAPasswordOfTheDatabaseIsNotToldWhateverItAnswers(t *testing.T) {
	// ask makes it tell its password in the clear.
	ask := func(c net.Conn, then func(said string)) {
		if body := pgRead(c, true); len(body) == 4 { // it asks for TLS
			_, _ = io.WriteString(c, "N")
			pgRead(c, true)
		}
		pgMessage(c, 'R', "\x00\x00\x00\x03")
		then(strings.TrimSuffix(pgRead(c, false), "\x00"))
	}
	complain := func(code string) func(net.Conn) {
		return func(c net.Conn) {
			ask(c, func(said string) {
				pgMessage(c, 'E', "SFATAL\x00C"+code+"\x00Mno entry with "+said+"\x00D"+said+"\x00H"+said+"\x00\x00")
			})
		}
	}
	for name, talk := range map[string]func(net.Conn){
		"it refuses the password":       complain("28P01"),
		"it lets nobody in":             complain("28000"),
		"it has no connection left":     complain("53300"),
		"it is starting":                complain("57P03"),
		"there is no such database":     complain("3D000"),
		"it has a fault of its own":     complain("XX000"),
		"it gives an unknown reason":    complain("hunter"),
		"it answers with what it hears": func(c net.Conn) { _, _ = io.Copy(c, c) },
		"it repeats it as a message of its own": func(c net.Conn) {
			ask(c, func(said string) { pgMessage(c, 'Q', said) })
		},
		"it repeats it as a setting, and hangs up": func(c net.Conn) {
			ask(c, func(said string) { pgMessage(c, 'R', "\x00\x00\x00\x00"); pgMessage(c, 'S', said+"\x00"+said+"\x00") })
		},
		"it wants a proof of another kind": func(c net.Conn) {
			ask(c, func(said string) { pgMessage(c, 'R', "\x00\x00\x00\x0a"+said+"\x00\x00") })
		},
		"it hangs up":            func(net.Conn) {},
		"something else listens": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 "+ourPassword+"\r\n\r\n") },
		"it says nothing":        func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	} {
		t.Run(name, func(t *testing.T) {
			host, port := listener(t, talk)
			for _, address := range []string{
				"postgres://saba:h%26nter%202%2F%25@" + net.JoinHostPort(host, port) + "/masto",
				"postgres://saba@" + net.JoinHostPort(host, port) + "/masto?password=h%26nter%202%2F%25",
				"postgres://saba:h%26nter%202%2F%25@" + net.JoinHostPort(host, port) + "/masto?sslmode=require",
			} {
				s, err := site.New(site.Config{Domain: "masto.test", DatabaseURL: checks.NewSecret(address)})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				keptIn(t, s.Database().Read(ctx, func(context.Context, pgx.Tx) error { return nil }))
			}
		})
	}
}
