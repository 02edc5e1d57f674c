package watch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks/site"
)

// Bounds of a look at one server (own).
const (
	handshakeTime = 4 * time.Second
	// probeTime is for all of it, so that a minute's turns end within the minute.
	probeTime = 12 * time.Second
	bodyLimit = 1 << 20 // bytes of one answer (requirement)
	headLimit = 64 << 10
)

// A prober looks at servers as anybody can.
type prober struct {
	network Network
	// roots are the authorities that are trusted, nil for the system's; they are
	// renewed between rounds.
	roots   *x509.CertPool
	agent   string
	now     func() time.Time
	seed    maphash.Seed
	turns   turns
	middles middles
	kits    sync.Pool
}

// A kit is what one visit reads with.
type kit struct {
	limit  io.LimitedReader
	reader *bufio.Reader
	body   bytes.Buffer
	line   []byte
}

// kitLimit is how large a buffer may be that is kept for the next visit (own).
const kitLimit = 128 << 10

func newProber(s *site.Site) *prober {
	agent := "sababan"
	if s.Domain != "" {
		agent += " (+https://" + s.Domain + "/)"
	}
	return &prober{
		network: system{resolver{resolvConf, "53"}}, roots: s.Roots, agent: agent, now: time.Now, seed: maphash.MakeSeed(),
		kits: sync.Pool{New: func() any { return &kit{reader: bufio.NewReaderSize(nil, 8<<10)} }},
	}
}

// A door is one host, and what is known of the way to it.
type door struct {
	host    string
	home    home
	verdict verdict
}

// A visit is one connection to a door, with a whole handshake of its own: one
// that were kept or resumed would hide a new certificate.
type visit struct {
	*prober
	door  *door
	conn  *tls.Conn
	leave func()
	kit   *kit
	chain []*x509.Certificate
	ended bool // the server closes it
}

// A badChain is a certificate that is not accepted.
type badChain struct {
	why   reason
	chain []*x509.Certificate
}

func (e *badChain) Error() string { return "certificate: " + string(e.why) }

// curves leave out what costs a key of 1,184 bytes more for each look.
var curves = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}

// enter connects and shakes hands.
func (p *prober) enter(ctx context.Context, d *door) (*visit, error) {
	raw, leave, err := p.dial(ctx, d.host, &d.home)
	if err != nil {
		return nil, err
	}
	v := &visit{prober: p, door: d, leave: leave}
	// Verified by hand, for what was verified a minute ago is remembered.
	v.conn = tls.Client(raw, &tls.Config{
		ServerName: d.host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, CurvePreferences: curves,
	})
	shaking, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if err := v.conn.HandshakeContext(shaking); err != nil {
		_ = raw.Close()
		leave()
		return nil, err
	}
	v.chain = v.conn.ConnectionState().PeerCertificates
	p.middles.keep(v.chain)
	now := p.now()
	if err := d.verdict.verify(d.host, v.chain, p.roots, now); err != nil {
		v.close()
		return nil, &badChain{reasonOf(v.chain, err, now), v.chain}
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := v.conn.SetDeadline(deadline); err != nil {
			v.close()
			return nil, err
		}
	}
	v.kit = p.kits.Get().(*kit)
	v.kit.limit.R = v.conn
	v.kit.reader.Reset(&v.kit.limit)
	return v, nil
}

// close ends the connection, once, without a farewell that nobody waits for.
func (v *visit) close() {
	if v.leave == nil {
		return
	}
	if k := v.kit; k != nil {
		k.limit.R = nil
		k.reader.Reset(nil)
		if k.body.Cap() > kitLimit {
			k.body = bytes.Buffer{}
		}
		v.kits.Put(k)
		v.kit = nil
	}
	_ = v.conn.NetConn().Close()
	v.leave()
	v.leave = nil
}

// A reply is what was answered.
type reply struct {
	code   int
	header http.Header
	body   []byte
}

// A known is what was said last by one place, so that it need not be said
// again.
type known struct {
	etag string
	// sum is of the body that was well.
	sum uint64
}

const etagLimit = 200 // bytes that are kept of an ETag (own)

var errLarge = errors.New("the answer is larger than may be read")

// interim is how many answers may say that the real one is still to come (own).
const interim = 5

// get asks for a path; the body is read whole, and is nobody's after the next
// question.
func (v *visit) get(ctx context.Context, target, accept string, k *known) (reply, error) {
	if v.ended {
		v.close() // first: there is one connection at a time
		again, err := v.enter(ctx, v.door)
		if err != nil {
			return reply{}, err
		}
		*v = *again
	}
	line := append(v.kit.line[:0], "GET "...)
	for _, words := range [...]string{target, " HTTP/1.1\r\nHost: ", v.door.host, "\r\nUser-Agent: ", v.agent, "\r\nAccept: ", accept} {
		line = append(line, words...)
	}
	if k.etag != "" {
		line = append(append(line, "\r\nIf-None-Match: "...), k.etag...)
	}
	line = append(line, "\r\n\r\n"...)
	v.kit.line = line
	if _, err := v.conn.Write(line); err != nil {
		return reply{}, err
	}
	v.kit.limit.N = headLimit
	var resp *http.Response
	for range interim {
		var err error
		if resp, err = http.ReadResponse(v.kit.reader, nil); err != nil {
			if v.kit.limit.N <= 0 {
				err = errLarge
			}
			v.ended = true
			return reply{}, err
		}
		if resp.StatusCode >= 200 {
			break
		}
	}
	v.kit.limit.N = bodyLimit + 1
	v.kit.body.Reset()
	_, err := v.kit.body.ReadFrom(resp.Body)
	switch {
	case v.kit.limit.N <= 0 || v.kit.body.Len() > bodyLimit:
		v.ended = true
		return reply{}, errLarge
	case err != nil:
		v.ended = true
		return reply{}, err
	}
	v.ended = resp.Close
	r := reply{code: resp.StatusCode, header: resp.Header, body: v.kit.body.Bytes()}
	if r.code == http.StatusOK {
		k.etag = resp.Header.Get("Etag")
		if len(k.etag) > etagLimit || strings.ContainsFunc(k.etag, func(r rune) bool { return r < ' ' || r > '~' }) {
			k.etag = ""
		}
	}
	return r, nil
}

// failed is what a place is that gave no whole answer.
func failed(err error) place {
	if errors.Is(err, errLarge) {
		return place{ill, tooLarge, 0}
	}
	var bad *badChain
	if errors.As(err, &bad) {
		return place{ill, bad.why, 0}
	}
	s, why := unconnected(err)
	return place{s, why, 0}
}

// probe looks at a server: one connection, a few questions.
func (p *prober) probe(whole context.Context, t *target) (o outcome) {
	ctx, cancel := context.WithTimeout(whole, probeTime)
	defer cancel()
	defer func() {
		// A connection's deadline may come a moment before that of the context.
		deadline, ok := whole.Deadline()
		if (whole.Err() != nil || ok && time.Until(deadline) < 50*time.Millisecond) && o.state != well {
			o = outcome{state: unseen, why: crowded} // our time was over, not theirs
		}
	}()
	began := time.Now()
	v, err := p.enter(ctx, &t.door)
	var bad *badChain
	switch {
	case errors.As(err, &bad):
		o.state, o.why = ill, bad.why
		o.certificate(bad.chain)
		return o
	case err != nil:
		o.state, o.why = unconnected(err)
		return o
	}
	defer func() { v.close() }()
	o.certificate(v.chain)
	o.page = p.page(ctx, v, t, &o)
	if o.page.why != mute && o.page.why != cut {
		o.api = p.api(ctx, v, t)
	}
	if o.api.state == well || o.api.state == absent {
		o.streaming = p.streaming(ctx, v, t)
	}
	if o.page.why == moved && o.api.state == well {
		o.page.state = well // the name of its accounts, which leads to its web
	}
	if o.page.why == noRoot && !t.mastodon {
		o.page.state = well
	}
	o.took = time.Since(began)
	o.sum()
	return o
}

func (o *outcome) certificate(chain []*x509.Certificate) {
	if len(chain) > 0 {
		o.end, o.life = chain[0].NotAfter, chain[0].NotAfter.Sub(chain[0].NotBefore)
	}
}

// rootMark is the element in which Mastodon's web UI runs.
var rootMark = []byte(`id="mastodon"`)

func (p *prober) page(ctx context.Context, v *visit, t *target, o *outcome) place {
	r, err := v.get(ctx, "/", "text/html,application/xhtml+xml,*/*;q=0.8", &t.page)
	switch {
	case err != nil:
		return failed(err)
	case strings.EqualFold(r.header.Get("X-Cached"), "stale"):
		return place{ill, stale, r.code}
	case r.code == http.StatusNotModified:
		return place{well, noReason, r.code}
	case r.code >= 300 && r.code < 400:
		to, err := url.Parse(r.header.Get("Location"))
		if err != nil || to.Host != "" && !strings.EqualFold(to.Hostname(), t.host) {
			if err == nil {
				o.to = to.Hostname()
			}
			return place{ill, moved, r.code}
		}
		return place{well, noReason, r.code}
	case r.code != http.StatusOK:
		return readStatus(r.code)
	}
	sum := maphash.Bytes(p.seed, r.body)
	if sum == t.page.sum {
		return place{well, noReason, r.code}
	}
	if !bytes.Contains(r.body, rootMark) {
		t.page = known{}
		return place{ill, noRoot, r.code}
	}
	t.page.sum = sum
	return place{well, noReason, r.code}
}

const healthPath = "/api/v1/streaming/health"

// streaming asks for its health, at the host where it streams.
func (p *prober) streaming(ctx context.Context, v *visit, t *target) place {
	if t.elsewhere != nil {
		v.close() // it may be the same machine
		other, err := p.enter(ctx, t.elsewhere)
		if err != nil {
			return failed(err)
		}
		defer func() { other.close() }()
		v = other
	}
	r, err := v.get(ctx, healthPath, "*/*", &known{})
	switch {
	case err != nil:
		return failed(err)
	case r.code == http.StatusOK && string(bytes.TrimSpace(r.body)) == "OK":
		return place{well, noReason, r.code}
	case r.code >= http.StatusInternalServerError:
		return place{ill, status, r.code}
	case t.mastodon && r.code == http.StatusOK:
		return place{ill, strange, r.code}
	}
	return place{absent, noReason, r.code}
}
