// Package mastodon is the bot's own account: a way out for its messages, and
// the home that it is mentioned in. The server may be a Mastodon since 4.2, a
// fork of it, or GoToSocial; what a server lacks is found out by asking.
package mastodon

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"sync"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// Options say where the account lives and how it is reached.
type Options struct {
	// Server is https://host, or http:// on loopback.
	Server string
	Token  checks.Secret
	// Dial opens the connections; nil is the usual way.
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	UserAgent string
	// Roots are the authorities that are believed; nil is the system's.
	Roots *x509.CertPool
	// PlainHTTP allows http:// for a host that is not loopback: a server in memory.
	PlainHTTP bool
	// Patience bounds one attempt at a message; 0 is 15 s.
	Patience time.Duration
	// Log hears what the caller is not told otherwise; nil is silence.
	Log *slog.Logger
}

// Mastodon is one account on one server. It may be used by several goroutines.
// However it is printed, it shows the server only.
type Mastodon struct {
	api       *api.Client
	transport *api.Transport
	library   *gomastodon.Client
	log       *slog.Logger
	patience  time.Duration
	keys      keyring
	uploads   uploads
	listening chan struct{} // holds one while [Mastodon.Listen] runs

	mu       sync.Mutex // guards what follows
	me       bot.Account
	instance api.Instance
	door     Door
	stream   *api.Stream
}

var (
	_ bot.Channel = (*Mastodon)(nil)
	_ bot.Home    = (*Mastodon)(nil)
)

// New makes the account's client; nothing is asked yet. The error says in one
// sentence what is wrong with the server or the token.
func New(o Options) (*Mastodon, error) {
	patience := cmp.Or(o.Patience, usualPatience)
	transport := api.NewTransport(api.Options{
		UserAgent: o.UserAgent, Dial: o.Dial, Roots: o.Roots, PlainHTTP: o.PlainHTTP,
		// A POST is waited for until its own deadline.
		HeaderTimeout: patience,
	})
	client, err := api.New(o.Server, o.Token, transport)
	if err != nil {
		return nil, err
	}
	if o.Token.Empty() {
		return nil, fmt.Errorf("there is no token for %s", client.Server())
	}
	library := gomastodon.NewClient(&gomastodon.Config{Server: client.Server().String(), AccessToken: o.Token.Reveal()})
	library.Client = *client.HTTP()
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Mastodon{
		api: client, transport: transport, library: library,
		log:       log.With("server", client.Server().Host),
		patience:  patience,
		listening: make(chan struct{}, 1),
	}, nil
}

// Close gives up the connections that are kept for later requests.
func (h *Mastodon) Close() { h.transport.CloseIdle() }

// String names the server.
func (h *Mastodon) String() string { return "mastodon.Mastodon(" + h.api.Server().String() + ")" }

// Format serves every verb: %+v would otherwise reach the token.
func (h *Mastodon) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, h.String()) }

// LogValue serves log/slog.
func (h *Mastodon) LogValue() slog.Value { return slog.StringValue(h.String()) }

// Health is what `status` can tell of the bot's home.
type Health struct {
	Server   string // host
	Software string // version as the server writes it; "" before it was asked
	Door     Door
	Stream   api.State // zero while nobody listens
	// Budgets are what the server said last of its rate limits.
	Budgets map[api.Bucket]api.Budget
}

// Health tells what is known, without asking the server.
func (h *Mastodon) Health() Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	health := Health{
		Server: h.api.Server().Host, Software: h.instance.Version,
		Door: h.door, Budgets: h.transport.Budget(),
	}
	if h.stream != nil {
		health.Stream = h.stream.State()
	}
	return health
}

// idForm is an id of any server: numbers, ULIDs, and what Pleroma has. It
// cannot climb out of a path.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
