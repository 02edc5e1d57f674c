// Package sandbox is one small Mastodon in memory. A newcomer meets it through
// `sababan try`; the tests of the bot use the same one. It behaves as Mastodon
// does where a bot could be hurt by the difference (who is mentioned by a text,
// what a direct message reaches, what is filtered, what a page of notifications
// holds, when a request is refused), and it misbehaves when it is told to: see
// [Server.Misbehave].
//
// It is reached on a real socket ([Server.Serve]) or without one
// ([Server.Dialer]), so that days can pass inside a testing/synctest bubble. A
// server that is used inside a bubble must be made inside it. Nothing in it has
// a clock of its own: it asks the time package.
//
// What a person does is done in process: [Server.Say], [Server.Follow],
// [Server.Inbox]. Everything may be called from several goroutines at once.
package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// A Flavour is the kind of server that the sandbox resembles.
type Flavour int

// The flavours.
const (
	// Mastodon45 has everything: notification policy, idempotency keys,
	// allowed_mentions[], both kinds of stream.
	Mastodon45 Flavour = iota
	// Mastodon42 has no notification policy: its paths answer 404 and nothing
	// is ever filtered.
	Mastodon42
	// GoToSocial has ULIDs for ids and 5000 characters; it ignores idempotency
	// keys and allowed_mentions[], has no notification policy, no server-sent
	// events and no rate limits, and refuses a WebSocket with a bad token by
	// status 418.
	GoToSocial
)

// Options say what kind of server is made. The zero value is a Mastodon 4.5 at
// sandbox.example.
type Options struct {
	// Domain is the name behind the accounts, without scheme or port. Default
	// "sandbox.example".
	Domain string
	// Title is the server's name for people. Default "Sandbox".
	Title string
	// Version is what the instance API answers. Default: by flavour, "4.5.2".
	Version string
	// MaxCharacters is the longest post. Default: by flavour, 500 or 5000.
	MaxCharacters int
	// Flavour is the kind of server. Default Mastodon45.
	Flavour Flavour
	// IgnoreIdempotency makes every POST a new status, whatever its key.
	IgnoreIdempotency bool
	// IgnoreAllowedMentions makes allowed_mentions[] mean nothing, as it does
	// on servers older than Mastodon 4.2 and on many forks.
	IgnoreAllowedMentions bool
	// NoLimits switches the rate limits off, headers included.
	NoLimits bool
	// LimitFactor multiplies each rate limit (rounded down, at least 1); 0
	// leaves them as Mastodon has them.
	LimitFactor float64
	// Rules are the server's rules as the instance API shows them.
	Rules []string
	// Admit decides who is answered at all; nil is everybody. Others get 403,
	// and meet no fault.
	Admit func(*http.Request) bool
}

// traits are what a flavour and the options come to.
type traits struct {
	idempotency     bool
	allowedMentions bool
	policy          bool
	sse             bool
	limits          bool
	gotosocial      bool
	losesMedia      bool
}

func (o *Options) settle() traits {
	t := traits{idempotency: true, allowedMentions: true, policy: true, sse: true, limits: true}
	version, characters := "4.5.2", 500
	switch o.Flavour {
	case Mastodon42:
		version = "4.2.29"
		t.policy, t.losesMedia = false, true
	case GoToSocial:
		version, characters = "0.20.2", 5000
		t = traits{gotosocial: true}
	}
	t.idempotency = t.idempotency && !o.IgnoreIdempotency
	t.allowedMentions = t.allowedMentions && !o.IgnoreAllowedMentions
	t.limits = t.limits && !o.NoLimits
	if o.Domain == "" {
		o.Domain = "sandbox.example"
	}
	if o.Title == "" {
		o.Title = "Sandbox"
	}
	if o.Version == "" {
		o.Version = version
	}
	if o.MaxCharacters == 0 {
		o.MaxCharacters = characters
	}
	if o.LimitFactor <= 0 {
		o.LimitFactor = 1
	}
	if o.Rules == nil {
		o.Rules = []string{"Be kind.", "Nothing here is kept."}
	}
	return t
}

// A Server is the small Mastodon. Make one with [New], end it with
// [Server.Close].
type Server struct {
	opts   Options
	traits traits
	mux    *http.ServeMux
	faults faults
	life   crowd         // every handler, listener and watcher that still runs
	done   chan struct{} // closed by Close
	pipes  *pipeListener
	piping sync.Once

	mu            sync.Mutex // guards what follows
	ids           idSource
	accounts      []*account
	browsing      *account // who is signed in in a browser; nil is nobody
	tokens        map[string]*token
	apps          map[string]*app
	permits       map[string]*permit // by code
	statuses      []*status          // by id, ascending
	keys          map[string]keyed
	notifications []*notification // by id, ascending
	media         map[string]*attachment
	windows       map[string]*window
	streams       map[*stream]struct{}
	watchers      map[*watcher]struct{}
	started       time.Time
}

// New makes a server without accounts. It starts no goroutine until it is
// served.
func New(opts Options) *Server {
	t := opts.settle()
	s := &Server{
		opts:     opts,
		traits:   t,
		done:     make(chan struct{}),
		pipes:    newPipeListener(),
		ids:      idSource{ulids: t.gotosocial},
		tokens:   map[string]*token{},
		apps:     map[string]*app{},
		permits:  map[string]*permit{},
		keys:     map[string]keyed{},
		media:    map[string]*attachment{},
		windows:  map[string]*window{},
		streams:  map[*stream]struct{}{},
		watchers: map[*watcher]struct{}{},
		started:  time.Now(),
	}
	s.mux = s.routes()
	return s
}

// Domain is the name behind the accounts.
func (s *Server) Domain() string { return s.opts.Domain }

// URL is the address for clients that use [Server.Dialer], such as
// "http://sandbox.example".
func (s *Server) URL() string { return "http://" + s.opts.Domain }
