package latency

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// Where puma and the collector of its numbers listen on the machine of a
// Mastodon that nobody has set otherwise (Mastodon's own units).
const (
	usualPuma     = "http://127.0.0.1:3000"
	usualExporter = "http://127.0.0.1:9394"
	off           = "off"

	// exporterTimeout is how long the collector may take; it has its numbers
	// ready (own).
	exporterTimeout = 2 * time.Second
)

// Config is the table [checks.latency].
type Config struct {
	// Puma is the address of the web process past the proxy, Exporter that of
	// the collector which tells its numbers; "" for the usual ones where
	// Mastodon is on this machine, "off" for none.
	Puma     string `toml:"puma"`
	Exporter string `toml:"exporter"`
}

func (c Config) mistake() error {
	var errs []error
	for _, one := range []struct{ setting, address, like string }{{"puma", c.Puma, usualPuma}, {"exporter", c.Exporter, usualExporter}} {
		if one.address == "" || one.address == off {
			continue
		}
		if u, err := url.Parse(one.address); err != nil || u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			errs = append(errs, fmt.Errorf("%s: %q is neither an address such as %q nor %q", one.setting, checks.Quote(one.address), one.like, off))
		}
	}
	return errors.Join(errs...)
}

// places are where to ask on this machine; "" where nowhere.
func (c Config) places(found site.Found) (puma, exporter string) {
	puma, exporter = c.Puma, c.Exporter
	if found.Live != "" || found.Compose != "" {
		if puma == "" {
			puma = usualPuma
		}
		if exporter == "" {
			exporter = usualExporter
		}
	}
	host := func(address string) string {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			return ""
		}
		port := u.Port()
		if port == "" {
			port = "80"
		}
		return net.JoinHostPort(u.Hostname(), port)
	}
	return host(puma), host(exporter)
}

// A proxied request looks to puma as if the proxy had passed it on: for any
// other name it answers 403, and without TLS before it by a redirect.
type proxied struct {
	wire   http.RoundTripper
	domain string
}

func (p proxied) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Host = p.domain
	out.Header.Set("X-Forwarded-Proto", "https")
	return p.wire.RoundTrip(out)
}

// local is a way to a port of this machine, which it ends when it is done.
func (c *check) local(address string, dress func(http.RoundTripper) http.RoundTripper) (client *api.Client, done func()) {
	wire := api.NewTransport(api.Options{
		UserAgent: "sababan", Address: address,
		MaxBody: maxBody, HeaderTimeout: c.timeout, Timeout: c.timeout, Fresh: true, Brief: true,
	})
	// The address goes to the transport, so that this is always one that takes
	// no encryption.
	client, err := api.New("http://localhost", checks.Secret{}, dress(wire))
	if err != nil {
		return nil, wire.CloseIdle
	}
	return client, wire.CloseIdle
}

// straight asks puma past the proxy.
func (c *check) straight(ctx context.Context, address, path string, query url.Values) reading {
	client, done := c.local(address, func(wire http.RoundTripper) http.RoundTripper { return proxied{wire, c.domain} })
	defer done()
	if client == nil {
		return reading{}
	}
	a, err := client.Probe(ctx, path, query)
	r := c.read(a, err)
	// Something else may listen there: Mastodon's web process says how long it
	// took, and speaks JSON. To be refused takes it as long as to answer.
	r.answered = (r.answered || r.closed) && r.app > 0 && strings.HasPrefix(a.ContentType, "application/json")
	return r
}

// backlog asks the collector how many requests wait for a thread of puma's.
func (c *check) backlog(ctx context.Context, address string) (int, bool) {
	ctx, cancel := context.WithTimeout(ctx, exporterTimeout)
	defer cancel()
	client, done := c.local(address, func(wire http.RoundTripper) http.RoundTripper { return wire })
	defer done()
	if client == nil {
		return 0, false
	}
	a, err := client.Probe(ctx, "/metrics", nil)
	if err != nil || a.Code != http.StatusOK {
		return 0, false
	}
	return readBacklog(a.Body)
}

// backlogName is the gauge of the collector (prometheus_exporter's), behind a
// prefix that whoever starts it chooses: "mastodon_", "ruby_".
const backlogName = "puma_request_backlog"

// readBacklog adds up the gauge of every worker in the text form of Prometheus.
func readBacklog(text []byte) (waiting int, ok bool) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, rest := lines.Text(), ""
		if i := strings.IndexAny(name, "{ \t"); i >= 0 {
			name, rest = name[:i], name[i:]
		}
		if name != backlogName && !strings.HasSuffix(name, "_"+backlogName) {
			continue
		}
		if i := strings.LastIndexByte(rest, '}'); i >= 0 {
			rest = rest[i+1:]
		}
		field := strings.Fields(rest)
		if len(field) == 0 {
			continue
		}
		if v, err := strconv.ParseFloat(field[0], 64); err == nil && v >= 0 && v < math.MaxInt32 {
			waiting, ok = waiting+int(v), true
		}
	}
	return waiting, ok
}
