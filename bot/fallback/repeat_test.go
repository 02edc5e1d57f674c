package fallback_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/fallback"
	"github.com/sababan/sababan/checks/checkstest"
)

// repeatingMail is a mail server that answers a sign-in with what was said.
func repeatingMail(t *testing.T) (address string) {
	t.Helper()
	return checkstest.Talk(t, 10*time.Second, func(c net.Conn) {
		_, _ = io.WriteString(c, "220 x\r\n")
		in := bufio.NewReader(c)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			said := "502 5.5.2 not understood: " + strings.TrimSpace(line) + " of saba:h&nter2/%\r\n"
			if strings.HasPrefix(line, "EHLO") {
				said = "250-x\r\n250 AUTH PLAIN\r\n"
			}
			if _, err := io.WriteString(c, said); err != nil {
				return
			}
		}
	})
}

func TestASecretThatAWayOutRepeatsIsNotTold(t *testing.T) {
	const words = "h&nter2/%"
	forms := []string{words, "h%26nter2%2F%25", "h&nter2%2F%25", base64.StdEncoding.EncodeToString([]byte("me:" + words)), base64.RawStdEncoding.EncodeToString([]byte("\x00saba\x00" + words))[8:16]}
	for _, code := range []int{200, 302, 400, 401, 404, 413, 429, 500, 503} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			heard := fmt.Sprint(r.URL, r.Header.Get("Authorization"), words)
			w.Header().Set("Location", "/again?"+r.URL.RawQuery)
			w.Header().Set("X-Repeated", strings.ReplaceAll(heard, "\n", ""))
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, `{"error":%q,"description":%q,"retcode":%q}`, heard, heard, heard)
		}))
		t.Cleanup(s.Close)
		host := strings.TrimPrefix(s.URL, "http://")
		for _, address := range []string{
			s.URL + "/in?key=h%26nter2%2F%25",
			"ntfy://me:h%26nter2%2F%25@" + host + "/saba",
			"ntfy://" + host + "/saba?token=h%26nter2%2F%25",
			"matrix://" + host + "/!room:example.org?token=h%26nter2%2F%25",
			"mastodon://" + host + "?token=h%26nter2%2F%25&to=alice@example.social",
			"smtp://saba:h%26nter2%2F%25@" + repeatingMail(t) + "/?from=a@lab.test&to=b@lab.test",
		} {
			if code != 400 && strings.HasPrefix(address, "smtp") {
				continue // it has no such codes
			}
			w := way(t, address, fallback.Options{})
			r := w.Send(t.Context(), message())
			_, _, found := w.Find(t.Context(), message())
			text := fmt.Sprintf("%s %v %+v %v %+v %s", r.Why, r, r, w, w, w.Name())
			if found != nil {
				text += found.Error()
			}
			for _, form := range forms {
				if strings.Contains(text, form) {
					t.Errorf("%d at %.8s: the secret shows as %q: %s", code, address, form, text)
				}
			}
			if code >= 300 && r.Outcome == bot.Delivered {
				t.Errorf("%d at %s: %+v", code, address, r)
			}
		}
	}
}
