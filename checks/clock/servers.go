package clock

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// askTimeout is how long one server may take (own).
	askTimeout = 6 * time.Second
	// headerLimit is how much of an answer is read (own).
	headerLimit = 64 << 10
)

// A server is one that is asked for its time.
type server struct {
	name string // that its certificate must have
	addr string // host:port to connect to
}

func serverOf(text string) server {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return server{name: host, addr: net.JoinHostPort(host, port)}
	}
	host := strings.Trim(text, "[]")
	return server{name: host, addr: net.JoinHostPort(host, "443")}
}

// own tells whether an address of the server is one of this machine's.
func (s server) own(ctx context.Context) bool {
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false // it will not be reached either
	}
	ours := map[netip.Addr]bool{}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				ours[p.Addr().Unmap()] = true
			}
		}
	}
	for _, a := range found {
		if a = a.Unmap(); a.IsLoopback() || ours[a.WithZone("")] {
			return true
		}
	}
	return false
}

// An answer is what one server says of this machine's clock.
type answer struct {
	name string
	// offset is how far this clock is ahead of the server's; the truth is not
	// farther from it than margin: half of the way there and back, and half of
	// the second that a Date is rounded down to.
	offset, margin time.Duration
}

// A view is one server's answer, or why there is none.
type view struct {
	answer
	err error
}

func good(views []view) []answer {
	var all []answer
	for _, v := range views {
		if v.err == nil {
			all = append(all, v.answer)
		}
	}
	return all
}

func failures(views []view) []error {
	var all []error
	for _, v := range views {
		if v.err != nil {
			all = append(all, fmt.Errorf("%s: %w", v.name, v.err))
		}
	}
	return all
}

// ask asks all servers at once.
func (c *check) ask(ctx context.Context) []view {
	servers := c.servers(ctx)
	views := make([]view, len(servers))
	var all sync.WaitGroup
	for i, s := range servers {
		all.Go(func() {
			views[i].answer, views[i].err = s.ask(ctx, c.site.Roots)
			views[i].name = s.name
		})
	}
	all.Wait()
	return views
}

var (
	errNoDate = errors.New("the answer has no date")
	errCached = errors.New("the answer is an old one that was kept on the way")
)

// ask asks one server by HEAD over a connection of its own.
func (s server) ask(ctx context.Context, roots *x509.CertPool) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var sent, came time.Time
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { sent = time.Now() },
		GotFirstResponseByte: func() { came = time.Now() },
	})
	dialer := net.Dialer{}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, s.addr)
		},
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: headerLimit,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: s.name,
			// A clock that is wrong by months makes every certificate look
			// expired, and it is what is to be found out: all is verified but
			// that.
			InsecureSkipVerify: true,
			VerifyConnection: func(state tls.ConnectionState) error {
				return verify(state.PeerCertificates, s.name, roots)
			},
		},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+s.addr+"/", nil)
	if err != nil {
		return answer{}, err
	}
	r.Host = s.host()
	r.Header.Set("User-Agent", "sababan")
	r.Header.Set("Cache-Control", "no-cache")
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	if err := response.Body.Close(); err != nil {
		return answer{}, err
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return answer{}, errNoDate
	}
	if age := response.Header.Get("Age"); age != "" && age != "0" {
		return answer{}, errCached
	}
	return measure(sent, came, date), nil
}

// host is the name as a request says it: with the port where it is not the
// usual one.
func (s server) host() string {
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil || port == "443" {
		return s.name
	}
	return net.JoinHostPort(s.name, port)
}

// farthest is the largest offset that is told apart from a larger one (own).
const farthest = 100 * 365 * 24 * time.Hour

// measure compares this clock with a Date: it was written between the instants
// when the question was sent and the answer came, and cut to the second.
func measure(sent, came, date time.Time) answer {
	trip := came.Sub(sent)
	middle := sent.Round(0).Add(trip / 2) // the wall clock, not the stopwatch
	return answer{
		offset: min(max(middle.Sub(date.Add(time.Second/2)), -farthest), farthest),
		margin: trip/2 + time.Second/2,
	}
}

// verify verifies a chain at an instant at which the server's own certificate
// is valid.
func verify(chain []*x509.Certificate, name string, roots *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("no certificate")
	}
	leaf, at := chain[0], time.Now()
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter.Add(-time.Second)
	}
	if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	middle := x509.NewCertPool()
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: middle, CurrentTime: at})
	return err
}

// names lists servers as they are said.
func names(answers []answer) checks.Text {
	var all []string
	for _, a := range answers {
		all = append(all, checks.QuoteName(a.name))
	}
	return checks.Text{En: strings.Join(all, ", "), Ja: strings.Join(all, "、")}
}
