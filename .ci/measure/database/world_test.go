package database_test

import (
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/federation"
	"github.com/sababan/sababan/checks/instance"
	"github.com/sababan/sababan/checks/mastodon"
	"github.com/sababan/sababan/checks/moderation"
	"github.com/sababan/sababan/checks/sidekiq"
	"github.com/sababan/sababan/checks/site"
)

const (
	role   = site.Role
	domain = "masto.test"
	live   = "/home/mastodon/live"
)

// A world is what the checks look at: the large database, a Redis, a server
// whose /api/v1/instance alone fails, and the code on disk.
type world struct {
	store *store
	redis *redis.Server
	jobs  *redis.Sidekiq
	root  string
	ca    *checkstest.CA
	web   string
	site  *site.Site
	pulse *checkstest.Past // of a federation that has been looked at
}

func newWorld(t *testing.T, s *store) *world {
	t.Helper()
	w := &world{store: s, redis: redis.Start(t), root: t.TempDir(), ca: checkstest.NewCA(t, "Bench Root")}
	w.jobs = w.redis.Sidekiq(t, mastodonVersion, time.Now())
	for n := range 300 {
		w.jobs.Push(t, "pull", "ThreadResolveWorker", time.Now().Add(-time.Duration(n)*time.Millisecond))
	}
	for n := range 120 {
		for day := range 1 + n%6 {
			w.redis.Do(t, "SADD", fmt.Sprintf("exhausted_deliveries:d%d.test", 3*n), time.Now().UTC().AddDate(0, 0, -day).Format("20060102"))
		}
	}
	w.code(t)
	w.serve(t)
	// The role may read what the block of grants says, which an admin is given.
	reads := []checks.Reads{}
	for _, k := range kinds(&site.Site{}) {
		reads = append(reads, k.Reads...)
	}
	s.run(t, databaseName, "DO $$ BEGIN IF to_regrole('"+role+"') IS NOT NULL THEN DROP OWNED BY "+role+"; DROP ROLE "+role+"; END IF; END $$")
	s.run(t, databaseName, site.GrantSQL(reads))
	w.open(t)
	t.Cleanup(func() { w.close() })
	w.pulse = &checkstest.Past{}
	fed := federation.Kind(w.site)
	lookWith(t, fed, checkstest.Make(t, fed, ""), w.pulse, true)
	return w
}

func kinds(s *site.Site) []checks.Kind {
	return []checks.Kind{sidekiq.Kind(s), moderation.Kind(s), instance.Kind(s), mastodon.Kind(s), federation.Kind(s)}
}

// open makes the site; its connections are new.
func (w *world) open(t *testing.T) {
	t.Helper()
	database := &url.URL{
		Scheme: "postgres", User: url.User(role), Path: "/" + databaseName,
		RawQuery: url.Values{"host": {w.store.socket}, "port": {"5432"}}.Encode(),
	}
	s, err := site.New(site.Config{
		Domain: domain, Address: w.web, DatabaseURL: checks.NewSecret(database.String()), RedisURL: checks.NewSecret(w.redis.URL()),
		Live: live, Root: w.root,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Roots, s.Offline = w.ca.Roots(), true // nobody outside is asked
	w.site = s
}

func (w *world) close() { w.site.Close() }

// code writes what is read of Mastodon's folder: its version and migrations.
func (w *world) code(t *testing.T) {
	t.Helper()
	write := func(name, text string) {
		path := filepath.Join(w.root, live, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("lib/mastodon/version.rb", "module Mastodon\n  module Version\n    module_function\n\n    def major\n      4\n    end\n\n"+
		"    def minor\n      6\n    end\n\n    def patch\n      2\n    end\n\n    def default_prerelease\n      ''\n    end\n")
	for n := range 600 {
		write(fmt.Sprintf("db/migrate/%d_one.rb", 20160220174730+n), "")
	}
}

// serve answers for the web process.
func (w *world) serve(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.web = l.Addr().String()
	cert := w.ca.Issue(t, checkstest.Leaf{Names: []string{domain}})
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert.TLS()}, MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if strings.HasPrefix(r.URL.Path, "/api/v1/") {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			_, _ = io.WriteString(w, `{"domain":"`+domain+`","title":"Bench","version":"4.6.2","configuration":{},"rules":[]}`)
		}),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(l, "", "") }) // until it is closed
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
}

// The looks of one round. Federation's second look does all that is due at some
// time at once: the hourly round, with many servers silent, and the daily count
// of follows.
const (
	federationTick  = "federation"
	federationWhole = "federation, everything"
)

func (w *world) looks(t *testing.T) []look {
	t.Helper()
	of := func(name string, k checks.Kind, table checkstest.Table, past func() checks.Past, thorough bool) look {
		c := checkstest.Make(t, k, table)
		return look{name, func(t *testing.T) {
			t.Helper()
			lookWith(t, k, c, past(), thorough)
		}}
	}
	fresh := func() checks.Past { return &checkstest.Past{} }
	w.jobs.Beat(t, w.jobs.Identity, time.Now()) // or its process would be taken for dead
	fed := federation.Kind(w.site)
	var friends []string // who are silent, and one who is not
	for n := range 40 {
		friends = append(friends, fmt.Sprintf("%q", fmt.Sprintf("d%d.test", 960+n)))
	}
	table := checkstest.Table(`friends = ["d1.test", ` + strings.Join(friends, ", ") + "]")
	return []look{
		of("sidekiq", sidekiq.Kind(w.site), "", fresh, true),
		of("moderation", moderation.Kind(w.site), "", fresh, false),
		of("instance", instance.Kind(w.site), "", fresh, false),
		of("mastodon", mastodon.Kind(w.site), "releases_url = \"off\"\nupdate_url = \"off\"", fresh, false),
		of(federationTick, fed, "", func() checks.Past { return w.pulse }, false),
		of(federationWhole, fed, table, silent, true),
	}
}

// silent is a past in which each server was heard every hour until ten days
// ago: the round asks about all those that are not among the newest.
func silent() checks.Past {
	now := time.Now()
	last, minute := now.Add(-10*24*time.Hour).Unix()/60, int64(1)
	b := []byte{1}
	var names []string
	for n := range 1000 {
		names = append(names, fmt.Sprintf("d%d.test", n))
	}
	slices.Sort(names)
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = binary.AppendUvarint(b, 0)
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendVarint(b, last)
		b = binary.AppendVarint(b, 0)
		b = binary.AppendVarint(b, -60*24*60*minute)
		b = binary.AppendUvarint(b, 500)
		for range 4 {
			b = binary.AppendUvarint(b, 60)
		}
	}
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err == nil {
		_, err = z.Write(b)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // into memory
	}
	raw, err := json.Marshal(map[string]any{"rhythm": map[string]any{"at": now.Add(-time.Hour), "turned": now.Add(-10 * 24 * time.Hour)}})
	if err != nil {
		panic(err) // plain values
	}
	return &checkstest.Past{Memory: map[string][]byte{"rhythm": packed.Bytes(), "federation": raw}}
}

// proved asserts that each look has asked what it was meant to: where one takes
// another way, the figures say nothing.
func (w *world) proved(t *testing.T, results map[string]*checkTook) {
	t.Helper()
	for name, words := range map[string][]string{
		"sidekiq":       {"scheduled_statuses", "instances", "software_updates"},
		"moderation":    {"user_roles", "status_trends", "tag_trends", "mentions", "reports", "appeals"},
		"instance":      {"pg_matviews"},
		"mastodon":      {"software_updates", "schema_migrations", "pg_database_size"},
		federationTick:  {"FROM statuses"},
		federationWhole: {"FROM statuses", "follows", "account_stats", "unnest", "unavailable_domains", "notifications", "domain_blocks"},
	} {
		for _, word := range words {
			if !slices.ContainsFunc(results[name].Statements, func(s statement) bool { return strings.Contains(s.SQL, word) && len(s.Time) == rounds }) {
				t.Errorf("%s has not asked about %s in each round", name, word)
			}
		}
	}
}
