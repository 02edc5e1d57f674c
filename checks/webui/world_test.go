package webui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const (
	domain = "mastodon.example"
	live   = "/home/mastodon/live"
)

// A mastodon plays the web process: its pages, which name the files of the
// build that it has read at its start, and its API.
type mastodon struct {
	mu      sync.Mutex
	version string
	tags    []string // of the page's head
	handle  http.HandlerFunc
	seen    []*http.Request
}

// set puts something else in the place of every answer but the API's; nil is
// the page again.
func (m *mastodon) set(h http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handle = h
}

func (m *mastodon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	h, body := m.handle, m.page()
	m.seen = append(m.seen, r)
	m.mu.Unlock()
	if h != nil {
		h(w, r)
		return
	}
	m.serve(w, r, body)
}

func (m *mastodon) serve(w http.ResponseWriter, r *http.Request, body string) {
	switch r.URL.Path {
	case "/", "/about":
		// As Mastodon does since 4.2; its own max-age is 15 s.
		w.Header().Set("Cache-Control", "public, max-age=1, stale-while-revalidate=30, stale-if-error=86400")
		if r.Header.Get("Cookie") != "" {
			w.Header().Set("Cache-Control", "private, no-store")
		}
		w.Header().Set("Vary", "Accept, Accept-Language, Cookie")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(body))
	case apiPath:
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"domain":%q,"title":"Test","version":%q,"usage":{"users":{"active_month":9}},"configuration":{"statuses":{"max_characters":500}},"rules":[]}`, domain, m.version)
	default:
		http.NotFound(w, r)
	}
}

func (m *mastodon) page() string {
	return "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>Test</title>" +
		"<link rel='icon' href='/favicon.ico'><link rel='stylesheet' href='data:text/css,'>" +
		strings.Join(m.tags, "\n") +
		`<script id="initial-state" type="application/json">{"meta":{"version":"` + m.version + `","locale":"en"},"compose":{}}</script>` +
		"</head><body class='app-body'><div class='app-holder notranslate' data-props='{}' id='mastodon'><noscript><script src='/packs/no.js'></script></noscript></div></body></html>"
}

// failing answers one status everywhere but at the API.
func (m *mastodon) failing(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == apiPath {
			m.mu.Lock()
			body := m.page()
			m.mu.Unlock()
			m.serve(w, r, body)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// A world is a real nginx, set up as Mastodon's own sample is, in front of a
// mastodon, with the build on disk, and a check that looks at it.
type world struct {
	*checkstest.Nginx
	ca    *checkstest.CA
	puma  *mastodon
	back  *httptest.Server
	root  string // the folder that stands for "/"
	site  *site.Site
	kind  checks.Kind
	check *check
	past  *checkstest.Past
	more  string // locations besides the usual ones
	keys  int    // how many keys the cache has had
}

func newWorld(t *testing.T, version string) *world {
	t.Helper()
	w := &world{Nginx: checkstest.NewNginx(t), ca: checkstest.NewCA(t, "Root"), puma: &mastodon{version: version}, past: &checkstest.Past{}}
	w.root = filepath.Join(w.Dir, "machine")
	cert := w.ca.Issue(t, checkstest.Leaf{Names: []string{domain}})
	w.Install(t, cert.FullChain(), cert)
	w.back = httptest.NewServer(w.puma)
	t.Cleanup(w.back.Close)
	w.buildAll(t, version, "A1b2")
	w.Start(t, w.servers())
	var err error
	w.site, err = site.New(site.Config{Domain: domain, Address: w.Addr, Live: live, Root: w.root})
	if err != nil {
		t.Fatal(err)
	}
	w.site.Roots = w.ca.Roots()
	w.kind = Kind(w.site)
	w.again(t, nil)
	return w
}

// again makes a new check, which knows the past of the old one.
func (w *world) again(t *testing.T, dial dialer) {
	t.Helper()
	var err error
	if w.check, err = newCheck(w.site, dial, patience{2 * time.Second, time.Second}); err != nil {
		t.Fatal(err)
	}
}

// servers is Mastodon's sample configuration as far as it matters here.
func (w *world) servers() string {
	return `proxy_cache_path cache levels=1:2 keys_zone=CACHE:1m inactive=7d;
server {
  listen ` + w.Addr + ` ssl;
  ssl_certificate served.pem;
  ssl_certificate_key served.key;
  access_log requests.log;
  root machine` + live + `/public;
  types { text/html html; text/javascript js; text/css css; application/json json; }
  gzip on; gzip_proxied any; gzip_types text/css text/javascript;
  ` + w.more + `
  location / {
    location ~ ^/(assets|packs)/ { add_header Cache-Control "public, max-age=2419200, must-revalidate"; try_files $uri =404; }
    proxy_set_header Host $host;
    proxy_pass ` + w.back.URL + `;
    proxy_read_timeout 10s;
    proxy_cache CACHE;
    proxy_cache_valid 200 7d;
    proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
    add_header X-Cached $upstream_cache_status;
  }
  error_page 404 500 501 502 503 504 /500.html;
  location = /500.html { internal; }
  location /css/ { try_files $uri =404; } # the admin's own style, which puma makes
}
`
}

// configure changes the locations besides the usual ones.
func (w *world) configure(t *testing.T, more string) {
	t.Helper()
	w.more = more
	w.reload(t, w.servers())
}

var workerGone = regexp.MustCompile(`worker process \d+ exited`)

// reload waits for the worker: the processes that look after a cache end, too,
// and sooner.
func (w *world) reload(t *testing.T, servers string) {
	t.Helper()
	gone := func() int {
		log, err := os.ReadFile(filepath.Join(w.Dir, "error.log"))
		if err != nil {
			t.Fatal(err)
		}
		return len(workerGone.FindAll(log, -1))
	}
	before := gone()
	w.Reload(t, servers)
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for gone() == before {
		select {
		case <-patience.C:
			t.Fatal("nginx kept its old worker")
		case <-again.C:
		}
	}
}

func (w *world) path(name string) string { return filepath.Join(w.root, live, "public", name) }

func (w *world) put(t *testing.T, name, text string) {
	t.Helper()
	p := w.path(name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *world) get(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(w.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (w *world) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(w.path(name)); err != nil {
		t.Fatal(err)
	}
}

func sri256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func sri384(text string) string {
	sum := sha512.Sum384([]byte(text))
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// buildAll is assets:precompile and a restart of the web process: it writes the
// files of a version, with hashes of their own, and lets the pages name them.
func (w *world) buildAll(t *testing.T, version, hash string) {
	t.Helper()
	w.remove(t, "packs")
	tags := w.webpack(t, hash)
	if strings.HasPrefix(version, "4.5") {
		w.remove(t, "packs")
		tags = w.vite(t, hash)
	}
	w.put(t, "500.html", "<!DOCTYPE html><html><head><title>We're sorry, but something went wrong</title></head><body></body></html>")
	w.puma.mu.Lock()
	w.puma.tags, w.puma.version = tags, version
	w.puma.mu.Unlock()
}

// text is what a built file holds: enough that nginx compresses it.
func text(name, hash string) string {
	return "/* " + name + " " + hash + " */\n" + strings.Repeat("console.log('toot');\n", 200)
}

// vite is a build as Mastodon has it since 4.4.
func (w *world) vite(t *testing.T, hash string) (tags []string) {
	t.Helper()
	list := map[string]any{}
	add := func(key, file string, entry bool, more map[string]any) string {
		body := text(file, hash)
		w.put(t, "packs/"+file, body)
		one := map[string]any{"file": file, "src": key, "integrity": sri384(body)}
		if entry {
			one["isEntry"] = true
		}
		for k, v := range more {
			one[k] = v
		}
		list[key] = one
		return sri384(body)
	}
	script := func(key, file string) {
		sum := add(key, file, true, map[string]any{"imports": []string{"_dep.js"}})
		tags = append(tags, fmt.Sprintf(`<script src="/packs/%s" crossorigin="anonymous" type="module" integrity="%s"></script>`, file, sum))
	}
	style := func(key, file string) {
		sum := add(key, file, true, nil)
		tags = append(tags, fmt.Sprintf(`<link rel="stylesheet" media="all" href="/packs/%s" crossorigin="anonymous" integrity="%s">`, file, sum))
	}
	style("styles/entrypoints/themes/default.scss", "assets/default-"+hash+".css")
	style("styles/entrypoints/inert.scss", "assets/inert-"+hash+".css")
	script("entrypoints/common.ts", "common-"+hash+".js")
	script("entrypoints/application.ts", "application-"+hash+".js")
	for _, dep := range []string{"_dep.js", "_react.js"} {
		file := strings.TrimSuffix(strings.TrimPrefix(dep, "_"), ".js") + "-" + hash + ".js"
		sum := add(dep, file, false, nil)
		tags = append(tags, fmt.Sprintf(`<link rel="modulepreload" href="/packs/%s" as="script" crossorigin="anonymous" integrity="%s">`, file, sum))
	}
	sum := add("mastodon/locales/en.json", "intl/en-"+hash+".js", false, map[string]any{"isDynamicEntry": true})
	tags = append(tags,
		fmt.Sprintf(`<link rel="preload" href="/packs/intl/en-%s.js" as="script" crossorigin="anonymous" integrity="%s">`, hash, sum),
		`<link rel="stylesheet" media="all" href="/css/custom-0a1b.css">`)
	w.put(t, "css/custom-0a1b.css", "")
	// What only somebody signed in needs stands in the list alone.
	add("mastodon/features/compose/index.tsx", "compose-"+hash+".js", false, map[string]any{"isDynamicEntry": true, "css": []string{"assets/compose-" + hash + ".css"}})
	w.put(t, "packs/assets/compose-"+hash+".css", text("compose.css", hash))
	w.put(t, "packs/assets/main-"+hash+".png", "png")
	w.put(t, "packs/.vite/manifest.json", jsonOf(t, list))
	w.put(t, "packs/.vite/manifest-assets.json", jsonOf(t, map[string]any{"icons/main.png": map[string]string{"file": "assets/main-" + hash + ".png", "integrity": sri384("png")}}))
	w.put(t, "../vite.config.mts", "")
	return tags
}

// webpack is a build as Mastodon had it up to 4.3.
func (w *world) webpack(t *testing.T, hash string) (tags []string) {
	t.Helper()
	list := map[string]any{}
	points := map[string]any{}
	add := func(key, file string) string {
		body := text(file, hash)
		w.put(t, "packs/"+file, body)
		list[key] = map[string]string{"src": "/packs/" + file, "integrity": sri256(body)}
		list[key+".map"] = map[string]string{"src": "/packs/" + file + ".map", "integrity": sri256("map")}
		return sri256(body)
	}
	for _, name := range []string{"common", "default", "inert"} {
		file := "css/" + name + "-" + hash + ".css"
		sum := add(name+".css", file)
		tags = append(tags, fmt.Sprintf(`<link rel="stylesheet" media="all" href="/packs/%s" integrity="%s" crossorigin="anonymous">`, file, sum))
	}
	for _, name := range []string{"common", "application"} {
		file := "js/" + name + "-" + hash + ".chunk.js"
		sum := add(name+".js", file)
		points[name] = map[string]any{"assets": map[string]any{"js": []string{"/packs/" + file}}}
		tags = append(tags, fmt.Sprintf(`<script src="/packs/%s" crossorigin="anonymous" integrity="%s"></script>`, file, sum))
	}
	sum := add("locale/en-json.js", "js/locale/en-"+hash+".chunk.js")
	tags = append(tags, fmt.Sprintf(`<link rel="preload" href="/packs/js/locale/en-%s.chunk.js" as="script" integrity="%s" crossorigin="anonymous">`, hash, sum))
	add("features/compose.js", "js/features/compose-"+hash+".chunk.js")
	list["entrypoints"] = points
	w.put(t, "packs/manifest.json", jsonOf(t, list))
	w.put(t, "../config/webpacker.yml", "")
	return tags
}

func (w *world) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, w.kind, w.check, w.past)
}

// thorough makes a check look at everything, whenever that was done last.
type thorough struct{ *check }

func (c thorough) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.LookThoroughly(ctx, past)
}

func (w *world) lookAll(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, w.kind, thorough{w.check}, w.past)
}

func healthy(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

// finds ends the test unless exactly these codes are found, those that hold in
// brackets, and gives the first that does not hold.
func finds(t *testing.T, o checks.Observation, want ...string) checks.Finding {
	t.Helper()
	var got []string
	var first checks.Finding
	for _, f := range o.Findings {
		name := f.Code
		if f.Subject != "" {
			name += " " + f.Subject
		}
		if f.Holds {
			name = "(" + name + ")"
		} else if first.Code == "" {
			first = f
		}
		got = append(got, name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("found %q, want %q: %+v, blind %+v", got, want, o.Findings, o.Blind)
	}
	return first
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

// mends are the commands of an advice, a line each.
func mends(a checks.Advice) string {
	var b bytes.Buffer
	for _, sh := range a.Mend {
		b.WriteString(sh.String() + "\n")
	}
	return b.String()
}

func newBack(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// cached counts the pages that nginx keeps.
func (w *world) cached(t *testing.T) int {
	t.Helper()
	n := 0
	if err := filepath.WalkDir(filepath.Join(w.Dir, "cache"), func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func tlsOf(c checkstest.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.TLS()}}
}

// dialTo leads every connection to one address.
func dialTo(addr string) dialer {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}
