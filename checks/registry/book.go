package registry

import (
	"context"
	"crypto/x509"
	"net"
	"sync"
	"time"

	"github.com/sababan/sababan/checks/api"
)

const (
	// wayFresh is for how long it is known whom to ask (own; IANA's lists change
	// by a few entries a month), and listFresh for how long IANA's list is kept
	// for the next suffix.
	wayFresh  = 7 * 24 * time.Hour
	listFresh = 24 * time.Hour
	// bodyLimit bounds what RDAP answers, the list of all servers included: 70 kB
	// in 2026 (own).
	bodyLimit = 1 << 20
	// answerTime bounds one question to a registry (own).
	answerTime = 8 * time.Second
)

// A Dialer connects to host:port.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Ends are what lies outside: where the lists of registries are, and how is
// connected to strangers.
type Ends struct {
	Bootstrap string // URL of the list of RDAP servers
	WHOIS     string // host:port of the WHOIS server that knows all others
	Dial      Dialer // to public addresses only
	Roots     *x509.CertPool
	Now       func() time.Time
	// Gap is how far apart two questions to one server are at least. Where it is
	// set, a server is asked one question at a time, and one that answers with no
	// answer is left alone for a while: [ErrLater].
	Gap time.Duration
}

// Both lists are IANA's (RFC 9224; RFC 3912 in practice).
const (
	Bootstrap = "https://data.iana.org/rdap/dns.json"
	WHOIS     = "whois.iana.org:43"
)

// A Book knows whom to ask about which suffix. It may be used by several at
// once.
type Book struct {
	out   Ends
	wire  *api.Transport
	doors doors

	mu      sync.Mutex
	known   map[string]Way // of an earlier time
	learned map[string]Way
	list    []byte // IANA's
	listAt  time.Time
}

// NewBook makes one that starts with what was known earlier, by suffix.
func NewBook(out Ends, known map[string]Way) *Book {
	if out.Now == nil {
		out.Now = time.Now
	}
	return &Book{
		out: out, known: known, learned: map[string]Way{}, doors: doors{now: out.Now, gap: out.Gap},
		wire: api.NewTransport(api.Options{
			UserAgent: "sababan", Dial: out.Dial, Roots: out.Roots,
			MaxBody: bodyLimit, HeaderTimeout: answerTime, Timeout: answerTime, Brief: true,
		}),
	}
}

// Close ends connections that nobody waits at.
func (r *Book) Close() { r.wire.CloseIdle() }
