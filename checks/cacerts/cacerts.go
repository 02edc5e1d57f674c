// Package cacerts looks whether this machine can tell whom to trust: whether
// its list of root certificates is there, whole and new, and the proof, well
// known servers verified with it.
package cacerts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings.
const (
	codeOutdated   = "outdated"   // subject ""
	codeBundle     = "bundle"     // subject: which store
	codeShrunken   = "shrunken"   // subject: which store
	codeUnverified = "unverified" // subject: which store
)

// The stores, as subjects.
const (
	systemStore  = "system"
	runtimeStore = "mastodon"
)

const (
	// panelLimit is how many servers may be asked (own).
	panelLimit = 12
	// panelFresh is for how long a good answer of the panel is told again: it is
	// asked once a day (defaults).
	panelFresh = 20 * time.Hour
)

// Config is the table [checks.cacerts].
type Config struct {
	// Panel are well known servers, names or name:port, that are verified.
	Panel []string `toml:"panel"`
	// Bundle is the system's list of root certificates; "" finds it.
	Bundle string `toml:"bundle"`
	// RuntimeBundle is the list that Mastodon's own Ruby uses, a file or a
	// folder; "" finds one below .rbenv. A container's is given as a path of
	// this machine.
	RuntimeBundle string `toml:"runtime_bundle"`
}

// DefaultConfig names five servers of different operators whose certificates
// come from different authorities (own).
func DefaultConfig() Config {
	return Config{Panel: []string{"letsencrypt.org", "www.google.com", "github.com", "www.wikipedia.org", "aws.amazon.com"}}
}

// An Option puts something else in the place of the machine's own tools.
type Option func(*options)

type options struct {
	// env is added to the environment of the tools.
	env []string
	// path is where tools are looked for; nil takes the usual folders.
	path []string
}

// WithTools gives the tools of the package manager other folders and an
// environment: a private root of apt's is chosen by APT_CONFIG.
func WithTools(path []string, env ...string) Option {
	return func(o *options) { o.path, o.env = path, env }
}

// Kind makes the check of this machine's root certificates.
//
// Measures: roots (how many; the subject is the store), verified (how many of
// the panel; by store), only when the panel was asked.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	rule := checks.Rule{Warning: checks.Looks{Open: 3, Resolve: 1}} // defaults
	return checks.Kind{
		Name:  "cacerts",
		Title: checks.Text{En: "root certificates", Ja: "ルート証明書"},
		Words: checks.Words{
			En: []string{"ca", "roots", "ca-certificates", "root certificates"},
			Ja: []string{"ルート証明書", "認証局"},
		},
		Scope: checks.Host,
		After: []string{"clock"},
		// At 5:50, and again one and two hours later where that was bad; a good
		// look is not repeated (defaults).
		Cron:    "50 5-7 * * *",
		Timeout: 20 * time.Second,
		Rules: map[string]checks.Rule{
			codeOutdated: rule, codeBundle: rule, codeShrunken: rule, codeUnverified: rule,
		},
		Settings: func() any { c := DefaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := DefaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.valid(); err != nil {
				return nil, err
			}
			return &check{options: o, config: c, site: s}, nil
		},
	}
}

func (c Config) valid() error {
	var errs []error
	if len(c.Panel) > panelLimit {
		errs = append(errs, fmt.Errorf("panel: %d are too many; %d at most", len(c.Panel), panelLimit))
	}
	for _, name := range c.Panel {
		if !site.IsServer(name) {
			errs = append(errs, fmt.Errorf("panel: %q is not a name such as %q", checks.Quote(name), "www.example.com"))
		}
	}
	for setting, p := range map[string]string{"bundle": c.Bundle, "runtime_bundle": c.RuntimeBundle} {
		if p != "" && (!strings.HasPrefix(p, "/") || checks.Sh(p).String() == "") {
			errs = append(errs, fmt.Errorf("%s: %q is not a whole path", setting, checks.Quote(p)))
		}
	}
	return errors.Join(errs...)
}

type check struct {
	options
	config Config
	site   *site.Site
}

// memory is what one look tells the next.
type memory struct {
	// Usual is how many roots a store usually has, and Shrunk since when it has
	// far fewer, in seconds since 1970.
	Usual  map[string]int   `json:"usual"`
	Shrunk map[string]int64 `json:"shrunk"`
	// Asked is when the panel was asked and nothing was wrong, in seconds since
	// 1970; Stores is what was in the stores then.
	Asked  int64  `json:"asked"`
	Stores string `json:"stores"`
	// Verified is how many of how many servers.
	Verified, Of int
}

const memoryKey = "cacerts"

// Look reads the stores afresh, asks the package manager, and the panel if it
// has not been asked today.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	var before memory
	if raw, ok := past.Load(memoryKey); ok {
		// What cannot be read is as if nothing had been remembered.
		_ = json.Unmarshal(raw, &before)
	}
	q := question{
		now: time.Now(), before: before, asked: len(c.config.Panel), offline: c.site.Offline,
		tools: toolsOf(c.site.Root),
	}
	var all sync.WaitGroup
	var known pack
	all.Go(func() { known = c.askPackage(ctx) })
	q.stores = c.stores(ctx)
	switch {
	case q.offline || q.asked == 0:
	case q.askedToday():
		q.reused = true
	default:
		q.views = ask(ctx, c.config.Panel)
	}
	all.Wait()
	q.pack = known
	q.proofs = prove(q.views, q.stores, q.now)
	o := q.judge()
	if raw, err := json.Marshal(q.remember()); err == nil { // numbers and strings always can be
		o.Remember = map[string][]byte{memoryKey: raw}
	}
	return o, nil
}
