package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const (
	testKey    = "BOTKEY"
	testSecret = "bot/secret+words"
	testRegion = "eu-west-9"
)

// A store is an S3-compatible storage, as far as one file goes; it verifies
// signatures by itself, as Amazon describes them.
type store struct {
	mu      sync.Mutex
	files   map[string][]byte // by key
	open    map[string]bool   // keys that everybody may read
	secret  string
	lists   bool
	noLists bool           // knows no access lists
	refuse  map[string]int // status by method
	word    string
	tested  int
	anyTime bool // its clock is the test's

	// What is there besides, by key, how many files a page has, and whether the
	// key may list.
	stock    map[string]stocked
	pageSize int
	mayList  bool
	pages    []string // after which the pages began
	jumble   bool     // lists from the beginning again and again
}

// A stocked file is one that is told of in lists.
type stocked struct {
	size    int64
	changed time.Time
}

// list answers with one page.
func (s *store) list(w http.ResponseWriter, r *http.Request) {
	if word := s.verify(r, nil); word != "" || !s.mayList {
		refuseWith(w, http.StatusForbidden, "AccessDenied")
		return
	}
	q := r.URL.Query()
	after := q.Get("start-after")
	s.pages = append(s.pages, after)
	if s.jumble {
		after = ""
	}
	var keys []string
	for k := range s.stock {
		if k > after && strings.HasPrefix(k, q.Get("prefix")) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	more := len(keys) > s.pageSize
	keys = keys[:min(len(keys), s.pageSize)]
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>%v</IsTruncated>`, more)
	for _, k := range keys {
		f := s.stock[k]
		fmt.Fprintf(w, `<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;0&quot;</ETag><Size>%d</Size></Contents>`, k, f.changed.UTC().Format("2006-01-02T15:04:05.000Z"), f.size)
	}
	fmt.Fprint(w, `</ListBucketResult>`)
}

// verify recomputes a signature from what arrived.
func (s *store) verify(r *http.Request, body []byte) string {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "AccessDenied"
	}
	part := map[string]string{}
	for _, p := range strings.Split(auth, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		part[k] = v
	}
	scope := strings.Split(part["Credential"], "/")
	if len(scope) != 5 || scope[0] != testKey {
		return "InvalidAccessKeyId"
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || at.Format("20060102") != scope[1] || scope[2] != testRegion || scope[3] != "s3" || scope[4] != "aws4_request" {
		return "AuthorizationHeaderMalformed"
	}
	if d := time.Since(at); !s.anyTime && (d > 15*time.Minute || d < -15*time.Minute) {
		return "RequestTimeTooSkewed"
	}
	digest := sha256.Sum256(body)
	if r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(digest[:]) {
		return "XAmzContentSHA256Mismatch"
	}
	var query []string
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	for k, vs := range r.URL.Query() {
		for _, v := range vs {
			query = append(query, escape(k)+"="+escape(v))
		}
	}
	sort.Strings(query)
	lines := []string{r.Method, r.URL.EscapedPath(), strings.Join(query, "&")}
	signed := strings.Split(part["SignedHeaders"], ";")
	if !sort.StringsAreSorted(signed) || !strings.Contains(part["SignedHeaders"], "host") || !strings.Contains(part["SignedHeaders"], "x-amz-date") {
		return "SignatureDoesNotMatch"
	}
	for _, name := range signed {
		v := r.Header.Get(name)
		if name == "host" {
			v = r.Host
		}
		lines = append(lines, name+":"+v)
	}
	lines = append(lines, "", part["SignedHeaders"], hex.EncodeToString(digest[:]))
	whole := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	key := []byte("AWS4" + s.secret)
	for _, step := range append(scope[1:], "AWS4-HMAC-SHA256\n"+at.Format("20060102T150405Z")+"\n"+strings.Join(scope[1:], "/")+"\n"+hex.EncodeToString(whole[:])) {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(step))
		key = h.Sum(nil)
	}
	if hex.EncodeToString(key) != part["Signature"] {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func refuseWith(w http.ResponseWriter, code int, word string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>", word)
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	key, inside := strings.CutPrefix(r.URL.Path, "/bucket/")
	if code := s.refuse[r.Method]; code != 0 {
		refuseWith(w, code, s.word)
		return
	}
	if r.Method == http.MethodGet {
		switch f, ok := s.files[key]; {
		case r.URL.Path == "/bucket" && r.Header.Get("Authorization") != "":
			s.list(w, r)
		case !inside || key == "":
			if s.lists {
				w.Header().Set("Content-Type", "application/xml")
				fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult><Contents/></ListBucketResult>`)
				return
			}
			refuseWith(w, http.StatusForbidden, "AccessDenied")
		case !ok:
			refuseWith(w, http.StatusNotFound, "NoSuchKey")
		case !s.open[key]:
			refuseWith(w, http.StatusForbidden, "AccessDenied")
		default:
			_, _ = w.Write(f)
		}
		return
	}
	if word := s.verify(r, body); word != "" {
		refuseWith(w, http.StatusForbidden, word)
		return
	}
	if !strings.HasPrefix(key, folder) {
		refuseWith(w, http.StatusForbidden, "AccessDenied")
		return
	}
	s.tested++
	switch r.Method {
	case http.MethodPut:
		if s.noLists && r.Header.Get("X-Amz-Acl") != "" {
			refuseWith(w, http.StatusBadRequest, "AccessControlListNotSupported")
			return
		}
		s.files[key], s.open[key] = body, s.noLists || r.Header.Get("X-Amz-Acl") == "public-read"
	case http.MethodDelete:
		delete(s.files, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

// A world is a storage, and a public name before it.
type world struct {
	t     *testing.T
	store *store
	// shown answers in the place of the public name, where it is set.
	mu     sync.Mutex
	shown  http.HandlerFunc
	site   *site.Site
	kind   checks.Kind
	check  *check
	past   *checkstest.Past
	table  string
	public string
	now    time.Time
}

func newWorld(t *testing.T, s *site.Site) *world {
	t.Helper()
	w := &world{
		t: t, past: &checkstest.Past{}, site: s, now: time.Now(),
		store: &store{files: map[string][]byte{}, open: map[string]bool{}, refuse: map[string]int{}, secret: testSecret},
	}
	ca := checkstest.NewCA(t, "root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"127.0.0.1"}}).TLS()
	serve := func(h http.Handler) string {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL
	}
	s.Roots = ca.Roots()
	endpoint := serve(w.store)
	w.public = serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		f := w.shown
		w.mu.Unlock()
		if f != nil {
			f(rw, r)
			return
		}
		r.URL.Path = "/bucket" + r.URL.Path
		w.store.ServeHTTP(rw, r)
	}))
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(testSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.table = fmt.Sprintf("endpoint = %q\nregion = %q\nbucket = \"bucket\"\npublic = %q\n", endpoint, testRegion, w.public)
	w.make(w.table + fmt.Sprintf("access_key = %q\nsecret_key_file = %q\n", testKey, secret))
	return w
}

func (w *world) make(table string) {
	w.t.Helper()
	w.kind = Kind(w.site)
	w.check = checkstest.Make(w.t, w.kind, checkstest.Table(table)).(*check)
	w.check.now = func() time.Time { return w.now }
}

func (w *world) show(f http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown = f
}

func (w *world) look() checks.Observation {
	w.t.Helper()
	return checkstest.Look(w.t, w.kind, w.check, w.past)
}

func (w *world) nothing(o checks.Observation) {
	w.t.Helper()
	for _, f := range o.Findings {
		w.t.Errorf("found %s %q: %s", f.Code, f.Subject, f.Text.En)
	}
}

func (w *world) find(o checks.Observation, code, words string) checks.Finding {
	w.t.Helper()
	f, ok := checkstest.Find(o, code, "*")
	if !ok || !strings.Contains(f.Text.En, words) {
		w.t.Fatalf("no %s with %q among %+v, blind %+v", code, words, o.Findings, o.Blind)
	}
	read(w.t, f)
	return f
}

// read prints what is read, in both languages.
func read(t *testing.T, f checks.Finding) {
	t.Helper()
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		r := checks.Reader{Lang: l, Now: time.Now(), Zone: time.UTC}
		said := f.Text.Read(r)
		if !f.Advice.Text.Empty() {
			said += "\n→ " + f.Advice.Text.Read(r)
		}
		if s := f.Advice.Look.String(); s != "" {
			said += "\n$ " + s
		}
		t.Logf("%s %v %v\n%s", f.Code, f.Severity, f.Road, said)
	}
}
