// Package federation looks whether anybody is missing lately: how old the
// newest post from outside is, whether deliveries fail to many at once, and
// which servers that people here follow have fallen silent.
package federation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. The subject of missing and friend is a domain,
// that of us one of those below; the others have none.
const (
	codeDeaf    = "deaf"
	codeUs      = "us"
	codeRefused = "refused"
	codeMissing = "missing"
	codeFriend  = "friend"
)

// What fails for many at once.
const (
	subjectDeliveries = "deliveries"
	subjectSilence    = "silence"
	subjectTrust      = "certificates"
)

// The measures.
const (
	// newestAge is the age of the newest post from outside, in seconds.
	newestAge = "newest_remote_age"
	// hostsFailing counts servers to which deliveries fail; subjects "all" and
	// "new" (first failure today or yesterday, UTC).
	hostsFailing = "hosts_failing"
	// serversHeard counts the followed servers heard within a day.
	serversHeard = "servers_heard"
	// serversWeek counts all servers heard within a week, serversNew those of them
	// that were not known before it; once a week was listened to.
	serversWeek = "servers_week"
	serversNew  = "servers_new"
)

// Config is the table [checks.federation].
type Config struct {
	// Friends are servers whose people used to react to posts from here; it is
	// said when they no longer do.
	Friends []string `toml:"friends"`
}

// friendsLimit bounds the admin's own list (own).
const friendsLimit = 50

func (c *Config) valid() error {
	if len(c.Friends) > friendsLimit {
		return fmt.Errorf("friends: %d are too many; %d at most", len(c.Friends), friendsLimit)
	}
	var errs []error
	for i, name := range c.Friends {
		ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(name), "."))
		if ascii = strings.ToLower(ascii); err != nil || !hostName(ascii) {
			errs = append(errs, fmt.Errorf("friends: %q is not a name such as %q", checks.Quote(name), "example.social"))
			continue
		}
		c.Friends[i] = ascii
	}
	return errors.Join(errs...)
}

// hostName tells whether a text is a domain name with a dot in it, and no
// address: only such are ever looked at.
func hostName(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") || net.ParseIP(s) != nil {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// An Option puts something else in the place of this machine's network.
type Option func(*check)

// WithNetwork resolves and connects by other means.
func WithNetwork(n Network) Option { return func(c *check) { c.network = n } }

// Kind makes the check of a site's federation.
//
// Measures: newest_remote_age in seconds; hosts_failing with the subjects "all"
// and "new" (first failure today or yesterday, UTC); servers_heard, of those that
// people here follow, within a day; servers_week, of all, within a week, and
// servers_new of them.
func Kind(s *site.Site, opts ...Option) checks.Kind {
	return checks.Kind{
		Name:  "federation",
		Title: checks.Text{En: "federation", Ja: "連合"},
		Graphs: []checks.Graph{
			{Measure: "servers_heard", Title: checks.Text{En: "servers heard from", Ja: "やりとりしたサーバー数"}},
			{Measure: "hosts_failing", Title: checks.Text{En: "servers that cannot be reached", Ja: "届かないサーバー数"}},
			{Measure: "newest_remote_age", Title: checks.Text{En: "age of the newest remote post", Ja: "最新のリモート投稿からの時間"}},
		},
		Words: checks.Words{
			En: []string{"fediverse", "delivery", "deliveries", "other servers"},
			Ja: []string{"連合", "連合先", "配送", "届かない", "流れてこない", "他サーバー"},
		},
		Scope:   checks.Site,
		After:   []string{"sidekiq", "services", "database", "redis", "clock", "certs", "cacerts"},
		Cron:    "*/5 * * * *", // defaults: the pulse; the slower levels count for themselves
		Timeout: 30 * time.Second,
		// Bad looks are counted by each level, whose looks are not those of the
		// clock: a finding that reaches the observation opens at once.
		Rules: map[string]checks.Rule{},
		Reads: []checks.Reads{
			{Table: "statuses", Columns: []string{"id", "account_id"}},
			{Table: "accounts", Columns: []string{"id", "domain", "shared_inbox_url"}},
			{Table: "account_stats", Columns: []string{"account_id", "last_status_at"}},
			{Table: "follows", Columns: []string{"account_id", "target_account_id"}},
			{Table: "unavailable_domains", Columns: []string{"domain", "created_at"}},
			{Table: "domain_blocks", Columns: []string{"domain", "severity"}},
			{Table: "notifications", Columns: []string{"id", "from_account_id", "created_at"}},
		},
		Settings: func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			var config Config
			if err := t.Decode(&config); err != nil {
				return nil, err
			}
			if err := config.valid(); err != nil {
				return nil, err
			}
			if err := s.NeedDatabase(); err != nil {
				return nil, err
			}
			c := &check{site: s, config: config, network: system{}}
			for _, opt := range opts {
				opt(c)
			}
			return c, nil
		},
	}
}

type check struct {
	site    *site.Site
	config  Config
	network Network
}

// Look takes the pulse, and does what else is due.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, time.Now(), false)
}

// LookThoroughly runs every level now.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, time.Now(), true)
}

// A visit is one look on its way.
type visit struct {
	*check
	checks.Observation
	past   checks.Past
	now    time.Time
	memory memory
	usual  checks.Band // of newestAge; Days is 0 where it is not known
	deaf   bool        // the pulse's verdict
	newest time.Time   // the newest post from outside; zero where there is none
	least  bool        // newest is the latest it can be: only posts from here were read

	counted *weights // nil until they have been asked for
}

func (c *check) look(ctx context.Context, past checks.Past, now time.Time, all bool) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	v := &visit{check: c, past: past, now: now, memory: recall(past)}
	v.Remember = map[string][]byte{}
	if err := v.pulse(ctx); err != nil {
		return checks.Observation{}, err
	}
	if all || dueThem(v.now, v.memory.Them.At) || v.memory.Them.Cursor != 0 {
		v.them(ctx)
	} else {
		v.holdThem()
	}
	if m := v.memory.Rhythm; all || dueRhythm(v.now, m.At) && dueAgain(v.now, m.Tried) {
		v.rhythm(ctx)
	} else {
		v.holdRhythm()
	}
	v.Summary = v.summary()
	raw, err := json.Marshal(v.memory)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("federation: %w", err)
	}
	v.Remember[memoryKey] = raw
	return v.Observation, nil
}

func (v *visit) measure(name, subject string, value float64, unit string) {
	v.Measures = append(v.Measures, checks.Measure{Name: name, Subject: subject, Value: value, Unit: unit})
}

// blind says why something could not be seen.
func (v *visit) blind(code, subject string, err error) checks.Blind {
	why, mend := checks.Explain(err)
	var missing *checks.NotSetUp
	if errors.As(err, &missing) {
		why, mend = textNotSetUp(missing.Setting), checks.Advice{}
	}
	b := checks.Blind{Code: code, Subject: subject, Why: why, Mend: mend}
	if !slices.ContainsFunc(v.Blind, func(o checks.Blind) bool { return o.Code == code && o.Subject == subject }) {
		v.Blind = append(v.Blind, b)
	}
	return b
}
