// Package clock looks whether this machine's clock is right: whether something
// keeps it so, and how far it is from the clocks of several servers.
package clock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. Both have the subject "".
const (
	codeOffset = "offset"
	codeUnsync = "unsynchronised"
)

// serverLimit is how many servers may be asked (own).
const serverLimit = 12

// Config is the table [checks.clock].
type Config struct {
	// Servers are asked for their time, by HEAD over HTTPS: names or name:port.
	Servers []string `toml:"servers"`
	// Warning and Critical are how far off the clock may be.
	Warning  checks.Duration `toml:"warning_offset"`
	Critical checks.Duration `toml:"critical_offset"`
	// Unsynchronised is for how long nothing may keep the clock.
	Unsynchronised checks.Duration `toml:"unsynchronised_for"`
}

// DefaultConfig holds the thresholds of the defaults: 30 s, 2 min, 1 h. The
// servers are large ones of different operators (own).
func DefaultConfig() Config {
	return Config{
		Servers:  []string{"www.google.com", "www.cloudflare.com", "www.wikipedia.org", "www.debian.org"},
		Warning:  checks.Duration(30 * time.Second),
		Critical: checks.Duration(2 * time.Minute), Unsynchronised: checks.Duration(time.Hour),
	}
}

// An Option puts something else in the place of the kernel.
type Option func(*options)

type options struct {
	kernel func() (kernel, error)
	uptime func() time.Duration
}

// Kind makes the check of this machine's clock.
//
// Measures: offset_seconds (how far this clock is ahead of the servers'),
// synchronised (1 or 0, as the kernel says).
func Kind(s *site.Site, opts ...Option) checks.Kind {
	o := options{kernel: askKernel, uptime: func() time.Duration { return uptime(s.Proc) }}
	for _, opt := range opts {
		opt(&o)
	}
	rule := checks.Rule{Warning: checks.Looks{Open: 3, Resolve: 1}} // defaults
	return checks.Kind{
		Name:  "clock",
		Title: checks.Text{En: "clock", Ja: "時計"},
		Graphs: []checks.Graph{
			{Measure: "offset_seconds", Title: checks.Text{En: "offset", Ja: "ずれ"}},
		},
		Words: checks.Words{
			En: []string{"time", "ntp", "timesync", "chrony"},
			Ja: []string{"時計", "時刻", "時刻同期", "時刻のずれ"},
		},
		Scope:    checks.Host,
		Cron:     "*/10 * * * *", // defaults
		Timeout:  15 * time.Second,
		Rules:    map[string]checks.Rule{codeOffset: rule, codeUnsync: rule},
		Settings: func() any { c := DefaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := DefaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.valid(); err != nil {
				return nil, err
			}
			return &check{config: c, options: o, site: s}, nil
		},
	}
}

func (c Config) valid() error {
	var errs []error
	if c.Warning.Std() < time.Second {
		errs = append(errs, errors.New(`warning_offset: must be at least "1s": servers tell their time in whole seconds`))
	}
	if c.Critical < c.Warning {
		errs = append(errs, errors.New("critical_offset: must not be smaller than warning_offset"))
	}
	if c.Unsynchronised < 0 {
		errs = append(errs, errors.New("unsynchronised_for: must not be negative"))
	}
	if len(c.Servers) > serverLimit {
		errs = append(errs, fmt.Errorf("servers: %d are too many; %d at most", len(c.Servers), serverLimit))
	}
	for _, name := range c.Servers {
		if !site.IsServer(name) {
			errs = append(errs, fmt.Errorf("servers: %q is not a name such as %q", checks.Quote(name), "www.example.com"))
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
	// Unsync is since when the kernel has not been synchronised, in seconds
	// since 1970; 0 where it is.
	Unsync int64 `json:"unsync"`
}

const memoryKey = "clock"

// Look asks the kernel, and then the servers.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	state, kernelErr := c.kernel()
	views := c.ask(ctx)
	now := time.Now()
	q := question{
		now: now, config: c.config, kernel: state, kernelKnown: kernelErr == nil,
		answers: good(views), asked: len(views), keeper: keeperOf(c.site.Root),
		uptime: c.uptime(), remembers: false,
	}
	if raw, ok := past.Load(memoryKey); ok {
		var before memory
		if json.Unmarshal(raw, &before) == nil {
			q.remembers = true
			if before.Unsync > 0 {
				q.unsyncSince = time.Unix(before.Unsync, 0)
			}
		}
	}
	if !q.kernelKnown && len(q.answers) < 2 {
		if err := ctx.Err(); err != nil {
			kernelErr = errors.Join(kernelErr, err)
		}
		return checks.Observation{}, &checks.Unseen{Why: textNothing(c.site.Offline), Advice: adviceLook(q.keeper), Err: errors.Join(append(failures(views), kernelErr)...)}
	}
	o := q.judge()
	if raw, err := json.Marshal(q.remember()); err == nil { // a number always can be
		o.Remember = map[string][]byte{memoryKey: raw}
	}
	return o, nil
}

// servers are those to ask: the panel, and the Mastodon that is watched when
// it is another machine. Nobody where nothing may leave this one.
func (c *check) servers(ctx context.Context) []server {
	if c.site.Offline {
		return nil
	}
	var all []server
	for _, name := range c.config.Servers {
		all = append(all, serverOf(name))
	}
	if watched, ok := c.watched(ctx); ok && !slices.Contains(all, watched) {
		all = append(all, watched)
	}
	return all
}

// watched is the Mastodon that is watched, unless it is this very machine: its
// clock would agree with itself.
func (c *check) watched(ctx context.Context) (server, bool) {
	if c.site.Domain == "" {
		return server{}, false
	}
	if f := c.site.Find(ctx); f.Live != "" || f.Compose != "" {
		return server{}, false
	}
	s := serverOf(c.site.Domain)
	if c.site.Address != "" {
		s.addr = serverOf(c.site.Address).addr
	}
	return s, !s.own(ctx)
}
