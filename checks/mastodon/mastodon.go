// Package mastodon looks whether a server runs the Mastodon that it should: a
// newer version, the end of its support, migrations that were not run, and
// processes that still run the version before.
package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings.
const (
	codeUpdate     = "update"     // subject: patch or release
	codeSupport    = "support"    // subject: the branch, "4.5"
	codeChecker    = "checker"    // Mastodon's own check for updates stands still
	codeMigrations = "migrations" // subject: pending, post or ahead
	codeRunning    = "running"    // what runs is not what lies on disk
)

// Subjects.
const (
	patch   = "patch"   // of the branch that runs
	release = "release" // a newer branch
	pending = "pending" // to be run before the new code is
	post    = "post"    // to be run after it
	ahead   = "ahead"   // the database has more than the code
)

// The measures, both counts.
const (
	newerVersions     = "newer_versions"
	missingMigrations = "missing_migrations" // of both sorts
)

// Bounds of the questions (own): together they end within the half minute of a
// command line.
const (
	instanceTimeout = 8 * time.Second
	sourceTimeout   = 8 * time.Second
	databaseTimeout = 9 * time.Second // one more than a statement may take
	maxInstance     = 1 << 20         // bytes
)

// Where Mastodon asks for updates by itself, and where its releases are listed.
const (
	defaultUpdates  = "https://api.joinmastodon.org/update-check"
	defaultReleases = "https://api.github.com/repos/mastodon/mastodon/releases"
	// off in the place of an address switches a source off.
	off = "off"
)

// Config is the table [checks.mastodon].
type Config struct {
	// UpdateURL is the service that Mastodon asks, "" for the one that its
	// settings name (UPDATE_CHECK_URL), or else Mastodon's own.
	UpdateURL string `toml:"update_url"`
	// ReleasesURL is a list as GitHub gives it.
	ReleasesURL string `toml:"releases_url"`
}

func defaultConfig() Config { return Config{ReleasesURL: defaultReleases} }

func (c Config) mistake() error {
	var errs []error
	for _, one := range []struct{ setting, address string }{{"update_url", c.UpdateURL}, {"releases_url", c.ReleasesURL}} {
		if one.address != "" && one.address != off && !isAddress(one.address) {
			errs = append(errs, fmt.Errorf("%s: %q is neither an address such as %q nor %q", one.setting, checks.Quote(one.address), defaultUpdates, off))
		}
	}
	return errors.Join(errs...)
}

// isAddress tells whether something can be asked there.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && len(s) <= maxNotes
}

// Kind makes the check of a site's version of Mastodon.
func Kind(s *site.Site) checks.Kind {
	return checks.Kind{
		Name:  "mastodon",
		Title: checks.Text{En: "Mastodon's version", Ja: "Mastodonのバージョン"},
		Words: checks.Words{
			En: []string{"version", "release", "releases", "new version", "migrations", "mastodon update"},
			Ja: []string{"マストドン", "バージョン", "アップデート", "バージョンアップ", "新しい版", "マイグレーション", "Mastodonの更新"},
		},
		Scope:   checks.Site,
		After:   []string{"certs", "services", "database"},
		Cron:    "35 * * * *", // hourly (defaults)
		Timeout: 28 * time.Second,

		AfterUpdate: true,
		Reads: []checks.Reads{
			{Table: "software_updates", Columns: []string{"version", "urgent", "release_notes", "created_at", "end_of_support"}},
			{Table: "software_deprecations", Columns: []string{"branch", "end_of_support"}},
			{Table: "schema_migrations", Columns: []string{"version"}},
		},
		Settings: func() any { c := defaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := defaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.mistake(); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return newCheck(s, c, sourceTimeout)
		},
	}
}

type check struct {
	site   *site.Site
	config Config
	client *api.Client
	wire   *api.Transport // to the server that is watched
	far    *api.Transport // to everybody else
}

func newCheck(s *site.Site, c Config, patience time.Duration) (*check, error) {
	wire := api.NewTransport(api.Options{
		UserAgent: userAgent, Address: s.Address, Roots: s.Roots,
		MaxBody: maxInstance, HeaderTimeout: instanceTimeout, Timeout: instanceTimeout, Brief: true,
	})
	client, err := api.New("https://"+s.Domain, checks.Secret{}, wire)
	if err != nil {
		return nil, err
	}
	far := api.NewTransport(api.Options{
		UserAgent: userAgent, Roots: s.Roots, MaxBody: maxAnswer, HeaderTimeout: patience, Timeout: patience, Brief: true,
	})
	return &check{site: s, config: c, client: client, wire: wire, far: far}, nil
}

// Look asks the server, its database and its code, and then those who know of
// newer versions, as far as they are due.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	defer c.wire.CloseIdle()
	defer c.far.CloseIdle()
	found := c.site.Find(ctx)
	m, watched := remembered(past)
	q := question{
		now: time.Now(), watched: watched, memory: m, found: found, offline: c.site.Offline,
		updates: c.updates(found), releases: c.config.ReleasesURL, domain: c.site.Domain,
	}
	var all sync.WaitGroup
	all.Go(func() { q.running = c.askRunning(ctx) })
	all.Go(func() { q.table = c.readTable(ctx) })
	q.code = readCode(c.site.Root, found.Live)
	all.Wait()
	if q.code.lacked(q.table.migrations).pending > 0 && !q.running.failing {
		q.running.failing = c.failing(ctx)
	}
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	switch {
	case q.running.other != "":
		return checks.Observation{Summary: textOther(q.running.other)}, nil
	case !q.version().known():
		return checks.Observation{}, &checks.Unseen{Why: textNoVersion(q.running), Advice: q.adviceNoVersion(), Err: errors.Join(q.running.err, q.code.err)}
	}
	if serviceDue(q.memory.Service, q.plan()) {
		q.memory.Service = q.memory.Service.after(c.askService(ctx, q.updates, q.version()), q.now)
	}
	if releasesDue(q.memory.Releases, q.memory.Service, q.plan()) {
		q.memory.Releases = q.memory.Releases.after(c.askReleases(ctx, q.releases, q.memory.Releases), q.now)
	}
	q.settle()
	o := q.judge()
	b, err := json.Marshal(q.memory)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("mastodon: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

// updates is the address of the update service; "" where it is switched off,
// by us or by whoever set up Mastodon.
func (c *check) updates(found site.Found) string {
	address := c.config.UpdateURL
	if address == "" {
		set, ok := found.Settings["UPDATE_CHECK_URL"]
		if !ok {
			return defaultUpdates
		}
		address = set
	}
	if !isAddress(address) {
		return ""
	}
	return address
}
