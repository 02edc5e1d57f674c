// Package fallback is the other ways out: mail, a second account, web-hooks and
// chat services, each told by an address.
package fallback

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// Options say how the ways are gone.
type Options struct {
	UserAgent string
	// Host is how this machine calls itself to mail servers; "" is "localhost".
	Host string
	// Dial opens the connections; nil is the usual way. Roots are the authorities
	// that are believed; nil is the system's.
	Dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	Roots *x509.CertPool
	// SecretFile is where the secret of a file is really read: systemd may keep a
	// copy for this process. nil is the file itself.
	SecretFile func(path string) string
	// Patience bounds one attempt; 0 is 15 s.
	Patience time.Duration
	Log      *slog.Logger
}

// usualPatience bounds one attempt (own; as for the bot's home).
const usualPatience = 15 * time.Second

// New makes the way that an address tells. Nothing is asked yet. The error is
// one sentence without the address, which may be a secret.
func New(address checks.Secret, o Options) (bot.Way, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Scheme == "" {
		return nil, errors.New("should be an address such as \"mailto:me@example.com\" or \"https://…\"")
	}
	if o.Patience <= 0 {
		o.Patience = usualPatience
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	switch u.Scheme {
	case "mailto", "smtp", "smtps":
		return newMail(u, o)
	case "mastodon":
		return newAccount(u, o)
	case "ntfy":
		return newNtfy(u, o)
	case "matrix":
		return newMatrix(u, o)
	case "discord":
		return newDiscord(u, o)
	case "slack":
		return newSlack(u, o)
	case "http", "https":
		return newHook(u, o)
	}
	return nil, fmt.Errorf("%q is no scheme that is known; there are: mailto, smtp, smtps, mastodon, ntfy, matrix, discord, slack, http, https", checks.Quote(u.Scheme))
}

// InTheClear tells whether what goes this way can be read on the way there: a
// web-hook without TLS on another machine.
func InTheClear(address checks.Secret) bool {
	u, err := url.Parse(address.Reveal())
	return err == nil && u.Scheme == "http" && !loopback(u.Hostname())
}

// Secret tells whether whoever knows the address may send there: those of chat
// services are like that.
func Secret(address checks.Secret) bool {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "discord", "slack":
		return true
	case "http", "https":
		return u.Hostname() == "hooks.slack.com" || strings.HasPrefix(u.Path, "/api/webhooks/")
	}
	return false
}

// wayName is how the state and the log call a way: what it is, and a mark of
// where it leads that tells nothing.
func wayName(kind string, where ...string) string {
	sum := sha256.Sum256([]byte(kind + "\n" + strings.Join(where, "\n")))
	return kind + "-" + hex.EncodeToString(sum[:4])
}

// known refuses what stands in an address and is not heeded.
func known(u *url.URL, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" {
		return nil, errors.New("is not an address that can be read; write special characters as %23, %26, %2F …")
	}
	for name := range q {
		if !slices.Contains(names, name) {
			there := "there are none"
			if len(names) > 0 {
				there = "there are: " + strings.Join(names, ", ")
			}
			return nil, fmt.Errorf("%s: has no setting %q; %s", u.Scheme, checks.Quote(name), there)
		}
	}
	return q, nil
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// web is the address of a host: encrypted, unless it is this machine.
func web(host string) string {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if loopback(strings.Trim(name, "[]")) {
		return "http://" + host
	}
	return "https://" + host
}
