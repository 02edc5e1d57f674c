package mastodon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

const live = "/home/mastodon/live"

// patience is how long the tests' check waits for the update service and the
// list of releases.
const patience = 500 * time.Millisecond

// world is a Mastodon with a real database, its code on disk, the update
// service and the list of releases.
type world struct {
	db      *postgres.DB
	root    string
	site    *site.Site
	kind    checks.Kind
	config  Config
	c       *check
	past    *checkstest.Past
	service far
	list    far

	version atomic.Value // what /api/v2/instance says, a string
	source  string
	code    atomic.Int64 // the status of every answer, if not 200
}

// far is a place on the network.
type far struct {
	*httptest.Server
	asked   atomic.Int64
	last    atomic.Value // the query of the last question, a url.Values
	agent   atomic.Value
	handler atomic.Value // http.HandlerFunc
}

func (f *far) start(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	f.handler.Store(h)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.asked.Add(1)
		f.last.Store(r.URL.Query())
		f.agent.Store(r.UserAgent())
		f.handler.Load().(http.HandlerFunc)(w, r)
	}))
	t.Cleanup(f.Close)
}

func (f *far) answers(h http.HandlerFunc) { f.handler.Store(h) }

func says200(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// lists is the update service with these entries, and the end of support of the
// version that asks.
func lists(end time.Time, updates ...string) http.HandlerFunc {
	current := ""
	if !end.IsZero() {
		current = fmt.Sprintf(`,"currentVersion":{"endOfSupport":%q}`, end.Format(time.DateOnly))
	}
	return says200(`{"updatesAvailable":[` + strings.Join(updates, ",") + `]` + current + `}`)
}

func update(version string, urgent bool) string {
	kind := "patch"
	if strings.HasSuffix(version, ".0") {
		kind = "minor"
	}
	return fmt.Sprintf(`{"version":%q,"urgent":%v,"type":%q,"releaseNotes":%q}`, version, urgent, kind, notesOf(version))
}

func notesOf(version string) string {
	return "https://github.com/mastodon/mastodon/releases/tag/v" + version
}

// dress makes a healthy Mastodon of a branch with a database.
func dress(t *testing.T, branch, version string) *world {
	t.Helper()
	w := &world{past: &checkstest.Past{}, root: t.TempDir(), db: postgres.Start(t).Mastodon(t, branch)}
	w.writeCode(t, version, w.ran(t)...)
	w.begin(t, version)
	w.setUp(t, w.db.SiteWith(t, site.Config{Domain: postgres.Domain, Live: live, Root: w.root}, Kind(&site.Site{}).Reads...))
	return w
}

// bare is one without a database that could be asked, and without code.
func bare(t *testing.T, version string) *world {
	t.Helper()
	w := &world{past: &checkstest.Past{}, root: t.TempDir()}
	w.begin(t, version)
	s, err := site.New(site.Config{Domain: postgres.Domain, Root: w.root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w.setUp(t, s)
	return w
}

func (w *world) begin(t *testing.T, version string) {
	t.Helper()
	w.version.Store(version)
	w.service.start(t, lists(time.Now().AddDate(1, 0, 0)))
	w.list.start(t, releasesOf(version))
	w.config = Config{UpdateURL: w.service.URL + "/update-check", ReleasesURL: w.list.URL + "/releases"}
}

func (w *world) setUp(t *testing.T, s *site.Site) {
	t.Helper()
	ca := checkstest.NewCA(t, "Root")
	web := httptest.NewUnstartedServer(http.HandlerFunc(w.answer))
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{postgres.Domain}}).TLS()
	web.TLS = tlsOf(cert)
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that were given up
	web.StartTLS()
	t.Cleanup(web.Close)
	w.site = s
	s.Address, s.Roots, s.Root = strings.TrimPrefix(web.URL, "https://"), ca.Roots(), w.root
	w.kind = Kind(s)
	w.make(t)
}

func (w *world) make(t *testing.T) {
	t.Helper()
	c, err := newCheck(w.site, w.config, patience)
	if err != nil {
		t.Fatal(err)
	}
	w.c = c
}

// answer is a Mastodon as far as it matters here.
func (w *world) answer(out http.ResponseWriter, r *http.Request) {
	if code := w.code.Load(); code != 0 && r.URL.Path != "/about" {
		out.WriteHeader(int(code))
		return
	}
	out.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/api/v2/instance" {
		_, _ = out.Write([]byte("[]"))
		return
	}
	_ = json.NewEncoder(out).Encode(map[string]any{"domain": postgres.Domain, "version": w.version.Load(), "source_url": w.source})
}

// releasesOf is GitHub's list with these versions.
func releasesOf(versions ...string) http.HandlerFunc {
	var all []string
	for _, v := range versions {
		all = append(all, listed(v, time.Now().Add(-72*time.Hour), false, "### Fixed"))
	}
	return says200("[" + strings.Join(all, ",") + "]")
}

func listed(version string, published time.Time, early bool, notes string) string {
	b, err := json.Marshal(map[string]any{
		"tag_name": "v" + version, "html_url": notesOf(version), "prerelease": early, "draft": false,
		"published_at": published.UTC().Format(time.RFC3339), "body": notes, "assets": []string{},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// ran are the migrations that were run.
func (w *world) ran(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, row := range w.db.Rows(t, "SELECT version FROM schema_migrations ORDER BY version") {
		all = append(all, row[0])
	}
	return all
}

// versionRB is a version as its file has it since Mastodon 4.2.
func versionRB(version string) string {
	number, early, _ := strings.Cut(version, "-")
	part := strings.Split(number, ".")
	return fmt.Sprintf("module Mastodon\n  module Version\n    def major\n      %s\n    end\n    def minor\n      %s\n    end\n    def patch\n      %s\n    end\n    def default_prerelease\n      '%s'\n    end\n  end\nend\n",
		part[0], part[1], part[2], early)
}

// writeCode puts a version on disk; the last migration is one of those that wait
// until the new code runs.
func (w *world) writeCode(t *testing.T, version string, migrations ...string) {
	t.Helper()
	w.write(t, versionFile, versionRB(version))
	for i, m := range migrations {
		folder := "db/migrate"
		if i == len(migrations)-1 && i > 0 {
			folder = "db/post_migrate"
		}
		w.write(t, filepath.Join(folder, m+"_change_something.rb"), "")
	}
	w.write(t, "db/migrate/.keep", "")
	w.write(t, "db/migrate/README.md", "")
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	p := filepath.Join(w.root, live, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// aged dates the code back, as if it had been put there then.
func (w *world) aged(t *testing.T, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	for _, name := range []string{versionFile, "db/migrate", "db/post_migrate"} {
		if err := os.Chtimes(filepath.Join(w.root, live, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, w.kind, w.c, w.past)
}

// later lets time pass: what is remembered is older by so much.
func (w *world) later(t *testing.T, by time.Duration) {
	t.Helper()
	m, ok := remembered(w.past)
	if !ok {
		t.Fatal("nothing is remembered")
	}
	s := int64(by / time.Second)
	for _, at := range []*int64{
		&m.Service.Asked, &m.Service.Answered, &m.Releases.Asked, &m.Releases.Answered,
		&m.Running, &m.Pending, &m.Post, &m.Checker,
	} {
		if *at > 0 {
			*at -= s
		}
	}
	for v := range m.Seen {
		m.Seen[v] -= s
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	w.past.Memory[memoryKey] = b
}

func (w *world) healthy(t *testing.T) {
	t.Helper()
	if o := w.look(t); len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

// finds looks, and wants one finding alone.
func (w *world) finds(t *testing.T, code, subject string, severity checks.Severity, road checks.Road) checks.Finding {
	t.Helper()
	o := w.look(t)
	f, ok := checkstest.Find(o, code, subject)
	if !ok || f.Severity != severity || f.Road != road || f.Holds || len(o.Findings) != 1 || !f.Harm.IsZero() {
		t.Fatalf("findings %+v, blind %+v, want %s %q, %v, %v", o.Findings, o.Blind, code, subject, severity, road)
	}
	return f
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	if !strings.Contains(text.En, en) {
		t.Errorf("English is %q, want it to say %q", text.En, en)
	}
	if !strings.Contains(text.Ja, ja) {
		t.Errorf("Japanese is %q, want it to say %q", text.Ja, ja)
	}
}

func mends(t *testing.T, a checks.Advice, want ...string) {
	t.Helper()
	var got []string
	for _, sh := range a.Mend {
		got = append(got, sh.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func query(f *far) url.Values {
	q, _ := f.last.Load().(url.Values)
	return q
}

func background(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
