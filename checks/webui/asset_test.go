package webui

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// through lets the built files come from a server of the test's own, as if a
// CDN or proxy stood in between.
func (w *world) through(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	w.configure(t, "location /packs/ { proxy_pass "+newBack(t, h).URL+"; proxy_set_header Accept-Encoding $http_accept_encoding; }")
}

// file is what lies on disk for a request below /packs, and its type.
func (w *world) file(r *http.Request) (body []byte, kind string) {
	body, _ = os.ReadFile(w.path(r.URL.Path))
	if kind = "text/javascript"; strings.HasSuffix(r.URL.Path, ".css") {
		kind = "text/css"
	}
	return body, kind
}

// minified serves the files as a CDN does that makes them smaller.
func (w *world) minified(rw http.ResponseWriter, r *http.Request) {
	body, kind := w.file(r)
	rw.Header().Set("Content-Type", kind)
	_, _ = rw.Write([]byte(strings.ReplaceAll(string(body), "\n", "")))
}

// requests is how often nginx was asked for what holds a word.
func (w *world) requests(t *testing.T, word string) int {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(w.Dir, "requests.log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), word)
}

const precompiled = "bin/rails assets:precompile\nsudo systemctl restart mastodon-web\n"

func TestFilesThatAreIllAreFoundAndMend(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	rebuild := func(t *testing.T) { w.buildAll(t, "4.5.2", "A1b2") }
	usual := func(t *testing.T) { w.configure(t, "") }
	for _, tt := range []struct {
		name      string
		ill, heal func(t *testing.T)
		want      []string
		severity  checks.Severity
		en, ja    string
		detail    string
		mends     string
	}{
		{
			name: "an entry script is not on disk", ill: func(t *testing.T) { w.remove(t, "packs/application-A1b2.js") }, heal: rebuild,
			want: []string{"asset", "(manifest)"}, severity: checks.Critical,
			en: "web UI: the script application-A1b2.js is missing (404 Not Found)", ja: "Web画面 スクリプト application-A1b2.js がありません（404 Not Found）",
			detail: "It is not on disk either: assets:precompile did not finish.", mends: precompiled,
		},
		{
			name: "what an entry script imports is not on disk", ill: func(t *testing.T) { w.remove(t, "packs/react-A1b2.js") }, heal: rebuild,
			want: []string{"asset", "(manifest)"}, severity: checks.Critical,
			en: "the script react-A1b2.js is missing", ja: "react-A1b2.js がありません", detail: "the page stays blank", mends: precompiled,
		},
		{
			name: "a style sheet is not on disk", ill: func(t *testing.T) { w.remove(t, "packs/assets/default-A1b2.css") }, heal: rebuild,
			want: []string{"asset", "(manifest)"}, severity: checks.Warning,
			en: "web UI: the style sheet default-A1b2.css is missing (404 Not Found)", ja: "スタイルシート default-A1b2.css がありません", detail: "the pages look broken",
		},
		{
			name: "the whole build is gone under a running web process", ill: func(t *testing.T) { w.remove(t, "packs") }, heal: rebuild,
			want: []string{"asset", "(manifest)"}, severity: checks.Critical,
			en: "web UI: 7 of 8 files are missing (404 Not Found)", ja: "Web画面 ファイル8個中7個がありません（404 Not Found）", detail: "application-A1b2.js", mends: precompiled,
		},
		{
			name: "the web process still shows the build before", ill: func(t *testing.T) {
				w.remove(t, "packs")
				w.vite(t, "C3d4")
			}, heal: rebuild,
			want: []string{"asset"}, severity: checks.Critical,
			en: "7 of 8 files are missing", ja: "8個中7個", detail: "probably the web process has not been restarted since", mends: "sudo systemctl restart mastodon-web\n",
		},
		{
			name: "the web server may not read them", ill: func(t *testing.T) { w.configure(t, "location /packs/ { deny all; }") }, heal: usual,
			want: []string{"asset"}, severity: checks.Critical,
			en: "7 of 8 files are refused (403 Forbidden)", ja: "を読めません（403 Forbidden）", detail: "The file is on disk: the web server looks in another place",
		},
		{
			name: "a page where scripts should be", ill: func(t *testing.T) {
				w.configure(t, "location /packs/ { default_type text/javascript; types {} try_files /500.html =404; }")
			}, heal: usual,
			want: []string{"asset"}, severity: checks.Critical, en: "7 of 8 files come as an HTML page", ja: "ファイル8個中7個の代わりにHTMLが返ります",
		},
		{
			name: "a wrong content type", ill: func(t *testing.T) {
				w.configure(t, "location /packs/assets/ { types {} default_type text/plain; }")
			}, heal: usual,
			want: []string{"asset"}, severity: checks.Warning, en: "2 of 8 files have a wrong content type (text/plain)", ja: "のContent-Typeが違います（text/plain）",
		},
		{
			name: "an empty script", ill: func(t *testing.T) { w.put(t, "packs/common-A1b2.js", "") }, heal: rebuild,
			want: []string{"asset", "(manifest)"}, severity: checks.Critical, en: "the script common-A1b2.js is empty", ja: "common-A1b2.js が空です",
			detail: "The build on disk is not whole", mends: precompiled,
		},
		{
			name: "a script that was edited by hand", ill: func(t *testing.T) { w.put(t, "packs/common-A1b2.js", "alert(1)") }, heal: rebuild,
			want: []string{"integrity"}, severity: checks.Critical,
			en: "web UI: the script common-A1b2.js is not what the page promises (integrity)", ja: "common-A1b2.js の中身がページの指定（integrity）と違います",
			detail: "The file on disk is itself changed", mends: precompiled,
		},
		{
			name: "something in between that minifies", ill: func(t *testing.T) { w.through(t, w.minified) }, heal: usual,
			want: []string{"integrity"}, severity: checks.Critical,
			en: "7 of 8 files are not what the page promises (integrity)", ja: "（integrity）と違います", detail: "On disk the file is right: something in between changes it",
		},
		{
			name: "packed files that cannot be unpacked", ill: func(t *testing.T) {
				w.through(t, func(rw http.ResponseWriter, r *http.Request) {
					body, kind := w.file(r)
					rw.Header().Set("Content-Type", kind)
					rw.Header().Set("Content-Encoding", "gzip")
					_, _ = rw.Write(append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}, body...))
				})
			}, heal: usual,
			want: []string{"asset"}, severity: checks.Critical, en: "7 of 8 files are damaged under way (compression)", ja: "の圧縮データが壊れています",
		},
		{
			name: "a file that is cut off", ill: func(t *testing.T) {
				w.through(t, func(rw http.ResponseWriter, r *http.Request) {
					body, kind := w.file(r)
					rw.Header().Set("Content-Type", kind)
					rw.Header().Set("Content-Length", "100000")
					_, _ = rw.Write(body)
				})
			}, heal: usual,
			want: []string{"asset"}, severity: checks.Critical, en: "are cut off", ja: "が途中で切れます",
		},
		{
			name: "files that do not come in time", ill: func(t *testing.T) {
				w.through(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			}, heal: usual,
			want: []string{"asset"}, severity: checks.Critical, en: "are not there within 8 s", ja: "待っても届きません",
		},
		{
			name: "the web server fails at them", ill: func(t *testing.T) { w.configure(t, "location /packs/ { return 503; }") }, heal: usual,
			want: []string{"asset"}, severity: checks.Critical, en: "7 of 8 files fail (503 Service Unavailable)", ja: "がエラーになります（503 Service Unavailable）",
		},
		{
			name: "one gone and one edited", ill: func(t *testing.T) {
				w.remove(t, "packs/assets/inert-A1b2.css")
				w.put(t, "packs/dep-A1b2.js", "1")
			}, heal: rebuild,
			want: []string{"asset", "integrity", "(manifest)"}, severity: checks.Warning, en: "inert-A1b2.css is missing", ja: "inert-A1b2.css がありません",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.ill(t)
			o := w.lookAll(t)
			f := finds(t, o, tt.want...)
			if f.Severity != tt.severity || f.Road != checks.Now {
				t.Errorf("severity %v, road %v", f.Severity, f.Road)
			}
			says(t, f.Text, tt.en, tt.ja)
			says(t, f.Text, tt.detail, "")
			if !strings.HasSuffix(mends(f.Advice), tt.mends) {
				t.Errorf("mends with %q, want %q", mends(f.Advice), tt.mends)
			}
			if o := w.look(t); len(o.Findings) < len(tt.want) {
				t.Errorf("the next look finds %+v", o.Findings)
			}
			tt.heal(t)
			healthy(t, w.look(t))
		})
	}
}

func TestAWebServerThatMayNotPassTheHomeIsToldTheFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root, to let nginx run as somebody who is not")
	}
	w := newWorld(t, "4.5.2")
	for _, p := range []string{filepath.Dir(w.Dir), w.Dir} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile(filepath.Join(w.Dir, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, "nginx.conf", []byte(strings.Replace(string(config), "user root;", "user www-data;", 1)))
	w.reload(t, "")
	healthy(t, w.look(t))
	home := filepath.Join(w.root, "home/mastodon")
	if err := os.Chmod(home, 0o750); err != nil {
		t.Fatal(err)
	}
	o := w.lookAll(t)
	f := finds(t, o, "asset")
	says(t, f.Text, "8 files are refused (403 Forbidden)", "ファイル8個を読めません（403 Forbidden）")
	says(t, f.Text, "closed to other users: the web server probably may not pass", "Webサーバーが読めないようです")
	if got := mends(f.Advice); got != "sudo chmod o+x /home/mastodon\n" {
		t.Errorf("mends with %q", got)
	}
	if err := os.Chmod(home, 0o711); err != nil {
		t.Fatal(err)
	}
	healthy(t, w.look(t))
	script := w.path("packs/common-A1b2.js")
	if err := os.Chmod(script, 0o640); err != nil {
		t.Fatal(err)
	}
	f = finds(t, w.lookAll(t), "asset")
	says(t, f.Text, "the script common-A1b2.js is refused (403 Forbidden)", "common-A1b2.js を読めません")
	if got := mends(f.Advice); got != "sudo chmod o+r /home/mastodon/live/public/packs/common-A1b2.js\n" {
		t.Errorf("mends with %q", got)
	}
}

func TestWebpackersFilesAreComparedWithTheirPromises(t *testing.T) {
	w := newWorld(t, "4.3.9")
	healthy(t, w.look(t))
	w.put(t, "packs/js/common-A1b2.chunk.js", "alert(1)")
	w.remove(t, "packs/css/default-A1b2.css")
	f := finds(t, w.lookAll(t), "asset", "integrity", "(manifest)")
	says(t, f.Text, "the style sheet default-A1b2.css is missing", "default-A1b2.css がありません")
	w.buildAll(t, "4.3.9", "A1b2")
	healthy(t, w.look(t))
}

// cdn moves the built files to another host; change changes its answers.
func (w *world) cdn(t *testing.T, change func(http.ResponseWriter, *http.Request) bool) {
	t.Helper()
	cert := w.ca.Issue(t, checkstest.Leaf{Names: []string{cdnHost}})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, kind := w.file(r)
		rw.Header().Set("Content-Type", kind)
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		if change == nil || !change(rw, r) {
			_, _ = rw.Write(body)
		}
	}))
	s.TLS, s.Config.ErrorLog = tlsOf(cert), log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	w.again(t, dialTo(s.Listener.Addr().String()))
}

const cdnHost = "cdn.example"

func (w *world) onCDN(t *testing.T) {
	t.Helper()
	w.buildAll(t, "4.5.2", "A1b2")
	w.puma.mu.Lock()
	defer w.puma.mu.Unlock()
	for i := range w.puma.tags {
		w.puma.tags[i] = strings.ReplaceAll(w.puma.tags[i], `="/packs/`, `="https://`+cdnHost+`/packs/`)
	}
}

func TestFilesOnACDNAreAskedForThere(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.onCDN(t)
	for _, tt := range []struct {
		name     string
		change   func(http.ResponseWriter, *http.Request) bool
		code     string
		severity checks.Severity
		en, ja   string
	}{
		{
			"it does not have them", func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(http.StatusNotFound); return true },
			codeAsset, checks.Critical, "7 of 8 files are missing (404 Not Found)", "取得元は cdn.example です",
		},
		{
			"it makes them smaller", func(rw http.ResponseWriter, r *http.Request) bool { w.minified(rw, r); return true },
			codeIntegrity, checks.Critical, "They come from cdn.example.", "（integrity）と違います",
		},
		{
			"it does not let other sites use them", func(rw http.ResponseWriter, _ *http.Request) bool {
				rw.Header().Del("Access-Control-Allow-Origin")
				return false
			},
			codeAsset, checks.Critical, "may not be used on this site (CORS)", "CORSで許可されていません",
		},
		{
			"it lets another site use them", func(rw http.ResponseWriter, _ *http.Request) bool {
				rw.Header().Set("Access-Control-Allow-Origin", "https://other.example")
				return false
			},
			codeAsset, checks.Critical, "CORS", "CORS",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.cdn(t, nil)
			healthy(t, w.lookAll(t))
			w.cdn(t, tt.change)
			o := w.lookAll(t)
			f := finds(t, o, tt.code+" "+cdnHost)
			if f.Severity != tt.severity {
				t.Errorf("severity %v", f.Severity)
			}
			says(t, f.Text, tt.en, tt.ja)
			w.cdn(t, nil)
			healthy(t, w.look(t))
		})
	}
	t.Run("it is gone from the DNS", func(t *testing.T) {
		w.again(t, nil)
		o := w.lookAll(t)
		// A resolver that gives no answer at all hides them, one that says that
		// there is no such name does not.
		if f, ok := checkstest.Find(o, codeAsset, cdnHost); ok {
			says(t, f.Text, "cannot be fetched: no connection", "接続不可")
		} else if len(o.Blind) != 2 || o.Blind[0].Subject != cdnHost {
			t.Errorf("findings %+v, blind %+v", o.Findings, o.Blind)
		}
		w.cdn(t, nil)
		healthy(t, w.look(t))
	})
}

func TestOfflineNobodyElseIsAskedAndNothingIsForgotten(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.onCDN(t)
	asked := 0
	count := func(rw http.ResponseWriter, _ *http.Request) bool { asked++; rw.WriteHeader(404); return true }
	w.cdn(t, count)
	finds(t, w.look(t), "asset "+cdnHost)
	w.site.Offline, asked = true, 0
	for range 2 {
		o := w.look(t)
		if len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: codeAsset, Subject: cdnHost}) {
			t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
		}
	}
	w.past = &checkstest.Past{}
	o := w.look(t)
	healthy(t, o)
	says(t, o.Summary, "7 on cdn.example not asked for (offline)", "cdn.example の7個は未確認（offline）")
	if asked > 0 {
		t.Errorf("the CDN was asked %d times", asked)
	}
}

func TestAScriptAskedForByPlainHTTPIsRefusedByBrowsers(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.onCDN(t)
	w.cdn(t, nil)
	w.puma.mu.Lock()
	for i := range w.puma.tags {
		w.puma.tags[i] = strings.ReplaceAll(w.puma.tags[i], "https://"+cdnHost, "http://"+cdnHost)
	}
	w.puma.mu.Unlock()
	f := finds(t, w.look(t), "asset "+cdnHost)
	says(t, f.Text, "are asked for by plain http", "httpで参照されています")
	says(t, f.Advice.Text, "CDN_HOST", "CDN_HOST")
}

func TestAnOldPageInACacheIsFoundByTheFilesThatAreGone(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.configure(t, "proxy_ignore_headers Cache-Control Vary Expires; proxy_no_cache $http_cookie; proxy_cache_bypass $http_cookie;")
	healthy(t, w.look(t))
	healthy(t, w.look(t)) // the second visitor gets it out of the cache
	w.buildAll(t, "4.5.3", "C3d4")
	o := w.look(t)
	f := finds(t, o, "stale")
	if f.Severity != checks.Critical {
		t.Errorf("severity %v", f.Severity)
	}
	says(t, f.Text, "visitors get an old page out of a cache, which names files that are gone", "キャッシュの古いページ")
	if len(o.Events) != 1 || o.Events[0].Code != EventVersion {
		t.Errorf("events %+v", o.Events)
	}
	finds(t, w.look(t), "stale")
	w.clearCache(t)
	healthy(t, w.look(t))
}

// cdnServes lets the CDN have files of its own.
func (w *world) cdnServes(t *testing.T, files map[string]string) {
	t.Helper()
	w.cdn(t, func(rw http.ResponseWriter, r *http.Request) bool {
		_, _ = rw.Write([]byte(files[r.URL.Path]))
		return true
	})
}
