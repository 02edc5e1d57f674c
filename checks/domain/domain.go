// Package domain looks at the names that a server stands on: until when they
// are registered and in which state, whether their name servers agree, whether
// DNSSEC holds, and whether CAA lets the certificate be renewed.
package domain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/registry"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. The subject is the registered domain; that of
// codeCAA is the host whose certificate it is about.
const (
	codeExpiry      = "expiry"
	codeHeld        = "held"
	codeNoDate      = "nodate"
	codeUndelegated = "undelegated"
	codeServers     = "nameservers"
	codeDNSSEC      = "dnssec"
	codeCAA         = "caa"
)

// leftSeconds is the measure: how long a domain is registered for still.
const leftSeconds = "left"

const (
	// askEvery is how often a registry is asked, a little less than a day so that
	// a daily look never waits for the next one: one that is asked more often bans
	// (defaults).
	askEvery = 20 * time.Hour
	// answerFresh is for how long an answer counts when no newer one can be had
	// (own).
	answerFresh = 7 * 24 * time.Hour
	// atOnce is how many domains are looked at at the same time (own).
	atOnce = 4
)

// Config is the table [checks.domain].
type Config struct {
	// Warning and Critical are how long before its end a domain is told;
	// AutoRenewWarning where it is renewed by itself.
	Warning          checks.Duration `toml:"warning"`
	AutoRenewWarning checks.Duration `toml:"auto_renew_warning"`
	Critical         checks.Duration `toml:"critical"`
	// Ignore are domains of somebody else's that the settings of Mastodon name.
	Ignore     []string     `toml:"ignore"`
	Registered []Registered `toml:"registered"`
}

// Registered is one table [[checks.domain.registered]].
type Registered struct {
	Name string `toml:"name"`
	// Expires is taken where the registry tells no date.
	Expires   time.Time `toml:"expires"`
	AutoRenew bool      `toml:"auto_renew"`
}

// DefaultConfig has the thresholds of the defaults.
func DefaultConfig() Config {
	const day = checks.Duration(24 * time.Hour)
	return Config{Warning: 30 * day, AutoRenewWarning: 14 * day, Critical: 7 * day}
}

// Kind makes the check of a site's domains.
//
// Measures: left (seconds until the end of the registration, by domain).
func Kind(s *site.Site) checks.Kind { return kind(s, outside(s)) }

// ends are what lies outside: the registries, how is connected to what is near,
// and whom to ask for names.
type ends struct {
	registry.Ends
	near      registry.Dialer
	resolvers func() ([]string, error) // host:port
}

// outside is the real one.
func outside(s *site.Site) ends {
	return ends{
		Ends: registry.Ends{
			Bootstrap: registry.Bootstrap, WHOIS: registry.WHOIS,
			Dial: (&net.Dialer{Timeout: dialTime, ControlContext: registry.OnlyPublic}).DialContext,
		},
		near: (&net.Dialer{Timeout: dialTime}).DialContext,
		resolvers: func() ([]string, error) {
			c, err := dns.ClientConfigFromFile(filepath.Join("/", s.Root, "etc/resolv.conf"))
			if err != nil {
				return nil, err
			}
			var all []string
			for _, server := range c.Servers {
				all = append(all, net.JoinHostPort(server, c.Port))
			}
			if len(all) == 0 {
				return nil, errors.New("no resolver is named")
			}
			return all, nil
		},
	}
}

func kind(s *site.Site, out ends) checks.Kind {
	twice, once := checks.Looks{Open: 2, Resolve: 1}, checks.Looks{Open: 1, Resolve: 1}
	return checks.Kind{
		Name:  "domain",
		Title: checks.Text{En: "domain", Ja: "ドメイン"},
		Graphs: []checks.Graph{
			{Measure: "left", Title: checks.Text{En: "time left", Ja: "残り期間"}, Least: true},
		},
		Words: checks.Words{
			En: []string{"domains", "dns", "whois", "registration"},
			Ja: []string{"ドメイン", "ドメインの有効期限", "ネームサーバー", "ネームサーバ"},
		},
		Scope:   checks.Site,
		Cron:    "20 10 * * *",
		Timeout: time.Minute,
		// Without a past every look would ask the registries, who ban for that.
		Long: true,
		Rules: map[string]checks.Rule{
			codeExpiry: {Warning: twice}, codeNoDate: {Warning: twice}, codeServers: {Warning: twice}, codeCAA: {Warning: twice},
			codeHeld: {Warning: once},
			// A signature that fails or a delegation that is gone is no matter of luck,
			// and the second look would come a day later (own).
			codeUndelegated: {Warning: once}, codeDNSSEC: {Warning: once},
		},
		Settings: func() any { c := DefaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := DefaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.mistake(); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return &check{config: c, site: s, out: out}, nil
		},
	}
}

func (c Config) mistake() error {
	var errs []error
	if c.Critical <= 0 || c.Warning < c.Critical {
		errs = append(errs, errors.New("warning: must not be shorter than critical"))
	}
	if c.AutoRenewWarning < c.Critical {
		errs = append(errs, errors.New("auto_renew_warning: must not be shorter than critical"))
	}
	for _, name := range c.Ignore {
		if registry.PlainName(name) == "" {
			errs = append(errs, fmt.Errorf("ignore: %q is not a domain such as %q", checks.Quote(name), "example.net"))
		}
	}
	for i, r := range c.Registered {
		if owned, _ := registry.Registrable(registry.PlainName(r.Name)); owned == "" || owned != registry.PlainName(r.Name) {
			errs = append(errs, fmt.Errorf("registered %d: name: %q is not a registered domain such as %q", i+1, checks.Quote(r.Name), "example.net"))
		}
	}
	return errors.Join(errs...)
}

type check struct {
	config Config
	site   *site.Site
	out    ends
}

// memory is what one look tells the next.
type memory struct {
	Domains map[string]record `json:"domains"`
	// Ways are by the suffix that a registry keeps.
	Ways map[string]registry.Way `json:"ways"`
}

// A record is what a registry told of a domain.
type record struct {
	// Asked is when it was asked last, and Told when it answered last.
	Asked time.Time             `json:"asked"`
	Told  time.Time             `json:"told,omitzero"`
	Dated time.Time             `json:"dated,omitzero"` // when the date was told
	Said  registry.Registration `json:"said"`
}

// next is the record after a question.
func (r record) next(said registry.Registration, err error, now time.Time) record {
	r.Asked = now
	if err != nil {
		return r
	}
	before := r.Said
	r.Told, r.Said = now, said
	switch {
	case !said.Expires.IsZero():
		r.Dated = now
	case said.Partly:
		// Who tells the date was silent; what he told stands, as old as it is.
		r.Said.Expires, r.Said.By = before.Expires, before.By
	}
	return r
}

const memoryKey = "domain"

// A view is everything that was seen of one domain.
type view struct {
	domain watched
	record record
	zone   zone
	caa    []permission
}

// Look asks the registries that have not been asked today, and the name servers.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, time.Now())
}

func (c *check) look(ctx context.Context, past checks.Past, now time.Time) (checks.Observation, error) {
	domains, mine := watch(c.site.Domain, c.site.Find(ctx).Settings, c.config)
	if len(domains) == 0 {
		return checks.Observation{}, &checks.Unseen{Why: textNoDomain(c.site.Domain, mine)}
	}
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	var before memory
	if raw, ok := past.Load(memoryKey); ok {
		// What cannot be read is as if nothing had been remembered.
		_ = json.Unmarshal(raw, &before)
	}
	q := question{config: c.config, now: now, offline: c.site.Offline, views: make([]view, len(domains))}
	for i, d := range domains {
		q.views[i] = view{domain: d, record: before.Domains[d.name]}
	}
	after := memory{Domains: map[string]record{}, Ways: map[string]registry.Way{}}
	if !c.site.Offline {
		after.Ways = c.ask(ctx, q.views, before.Ways, now)
	}
	for _, v := range q.views {
		after.Domains[v.domain.name] = v.record
	}
	o := q.judge()
	if raw, err := json.Marshal(after); err == nil { // texts and times always can be
		o.Remember = map[string][]byte{memoryKey: raw}
	}
	return o, nil
}

// ask asks everybody outside, and returns whom to ask next time.
func (c *check) ask(ctx context.Context, views []view, known map[string]registry.Way, now time.Time) map[string]registry.Way {
	out := c.out.Ends
	out.Now = func() time.Time { return now }
	book := registry.NewBook(out, known)
	defer book.Close()
	resolver, resolverErr := c.out.resolvers()
	names := asker{out: c.out, resolvers: resolver, err: resolverErr}
	var all sync.WaitGroup
	turn := make(chan struct{}, atOnce)
	for i := range views {
		v := &views[i]
		all.Go(func() {
			select {
			case turn <- struct{}{}:
				defer func() { <-turn }()
			case <-ctx.Done():
				v.zone.err = ctx.Err()
				return
			}
			var both sync.WaitGroup
			both.Go(func() { v.zone = names.zone(ctx, v.domain.name, now) })
			both.Go(func() { v.caa = c.permissions(ctx, names, v.domain.hosts) })
			if age := now.Sub(v.record.Asked); age >= askEvery || age < 0 {
				said, err := book.Ask(ctx, v.domain.name, v.domain.suffix)
				v.record = v.record.next(said, err, now)
			}
			both.Wait()
		})
	}
	all.Wait()
	var suffixes []string
	for _, v := range views {
		suffixes = append(suffixes, v.domain.suffix)
	}
	return book.Ways(suffixes)
}
