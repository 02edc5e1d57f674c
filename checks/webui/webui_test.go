package webui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	w := newWorld(t, "4.5.2")
	checkstest.Contract(t, w.kind, "")
}

func TestAHealthyServerSaysItsTimeItsFilesAndItsVersion(t *testing.T) {
	for version, files := range map[string]string{"4.3.9": "6", "4.5.2": "8"} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, version)
			w.past.Bands = map[checkstest.Series]checks.Band{{Name: pageTime}: {Mid: 0.080}}
			o := w.look(t)
			healthy(t, o)
			says(t, o.Summary, "front page in ", "トップページ")
			says(t, o.Summary, " (usually 80), its "+files+" files are right, Mastodon "+version, "（普段80ms）、読み込むファイル"+files+"個も正常、Mastodon "+version)
			if took := checkstest.Value(t, o, pageTime, ""); took <= 0 || took > 2 {
				t.Errorf("took %v s", took)
			}
			if n := w.asked("/packs/"); n != 0 {
				t.Errorf("puma was asked for %d files that nginx has", n)
			}
			o = w.look(t)
			healthy(t, o)
			says(t, o.Summary, "files are right (", "も正常（")
		})
	}
}

// asked is how often puma was asked for what begins so.
func (w *world) asked(prefix string) int {
	w.puma.mu.Lock()
	defer w.puma.mu.Unlock()
	n := 0
	for _, r := range w.puma.seen {
		if strings.HasPrefix(r.URL.Path, prefix) {
			n++
		}
	}
	return n
}

const errorPage = "<!DOCTYPE html><html><head><title>We're sorry, but something went wrong on our end.</title></head><body></body></html>"

func answering(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(body))
	}
}

func TestAPageThatIsIllIsFoundAndMends(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	for _, tt := range []struct {
		name   string
		ill    func(t *testing.T)
		heal   func(t *testing.T)
		want   []string
		en, ja string
		detail string // in English, anywhere
		mends  string
	}{
		{
			name: "500 while the API works and the list of built files is gone: assets:precompile",
			ill: func(t *testing.T) {
				w.remove(t, "packs/.vite")
				w.puma.set(w.puma.failing(500, errorPage))
			},
			heal: func(t *testing.T) { w.buildAll(t, "4.5.2", "A1b2") },
			want: []string{"page", "(manifest)"},
			en:   "web pages fail (500): assets:precompile did not finish", ja: "（500）: assets:precompileが完了していません",
			detail: "/home/mastodon/live/public/packs/.vite/manifest.json does not exist.",
			mends: "sudo -u mastodon -H env -C /home/mastodon/live 'PATH=/home/mastodon/.rbenv/shims:/usr/local/bin:/usr/bin:/bin' 'RAILS_ENV=production' bin/rails assets:precompile\n" +
				"sudo systemctl restart mastodon-web\n",
		},
		{
			name: "500 with a list that is cut off",
			ill: func(t *testing.T) {
				w.put(t, "packs/.vite/manifest.json", w.get(t, "packs/.vite/manifest.json")[:100])
				w.puma.set(w.puma.failing(500, errorPage))
			},
			heal: func(t *testing.T) { w.buildAll(t, "4.5.2", "A1b2") },
			want: []string{"page", "(manifest)"},
			en:   "assets:precompile did not finish", ja: "assets:precompileが完了していません", detail: "is empty or cut off.",
			mends: "bin/rails assets:precompile",
		},
		{
			name: "500 with a whole build: the web process does not know it",
			ill:  func(*testing.T) { w.puma.set(w.puma.failing(500, errorPage)) },
			want: []string{"page"},
			en:   "web pages fail (500) while the API works: the web process probably does not know the new build",
			ja:   "（500、APIは正常）: Webプロセスが新しいビルドを読み込んでいないようです", detail: "The build on disk is whole",
			mends: "sudo systemctl restart mastodon-web\n",
		},
		{
			name: "500 everywhere",
			ill: func(*testing.T) {
				w.puma.set(func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", http.StatusInternalServerError) })
			},
			want: []string{"page"},
			en:   "web pages fail (500 Internal Server Error)", ja: "エラーになっています（500 Internal Server Error）",
			detail: "probably apps neither",
		},
		{
			name: "404 for the page", ill: func(*testing.T) { w.puma.set(w.puma.failing(404, errorPage)) },
			want: []string{"page"}, en: "the front page fails (404 Not Found)", ja: "404 Not Found", detail: "apps go on working",
		},
		{
			name: "403 for the page", ill: func(*testing.T) { w.puma.set(w.puma.failing(403, errorPage)) },
			want: []string{"page"}, en: "web pages are refused (403 Forbidden)", ja: "拒否されます", detail: "this machine alone",
		},
		{
			name: "a notice of maintenance with 503",
			ill: func(*testing.T) {
				w.puma.set(w.puma.failing(503, "<html><title>メンテナンス中です</title></html>"))
			},
			want: []string{"page"}, en: "a notice of maintenance is shown", ja: "メンテナンス表示", detail: "503",
		},
		{
			name: "a notice of maintenance with 200",
			ill: func(*testing.T) {
				w.puma.set(answering("text/html", "<html><title>Under maintenance</title></html>"))
			},
			want: []string{"page"}, en: "a notice of maintenance is shown", ja: "メンテナンス表示", detail: "200",
		},
		{
			name: "somebody else's page",
			ill:  func(*testing.T) { w.puma.set(w.puma.failing(200, "<html><title>Welcome to nginx!</title></html>")) },
			want: []string{"page"}, en: "the front page is not Mastodon's", ja: "Mastodonの画面ではない", detail: "titled \"Welcome to nginx!\"",
		},
		{
			name: "the page without its data",
			ill: func(*testing.T) {
				w.puma.set(w.puma.failing(200, "<html><body><div id=mastodon></div><script id=initial-state>{\"meta\":</script>"))
			},
			want: []string{"page"}, en: "lacks its data (initial-state)", ja: "initial-state",
		},
		{
			name: "JSON where the page should be", ill: func(*testing.T) { w.puma.set(answering("application/json", `{"a":1}`)) },
			want: []string{"page"}, en: "no HTML page (content type: application/json)", ja: "HTMLではありません",
		},
		{
			name: "nothing at all", ill: func(*testing.T) { w.puma.set(answering("text/html", "")) },
			want: []string{"page"}, en: "the front page is not Mastodon's", ja: "Mastodonの画面ではない",
		},
		{
			name: "an endless page",
			ill: func(*testing.T) {
				w.puma.set(func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("Content-Type", "text/html")
					for r.Context().Err() == nil {
						if _, err := rw.Write([]byte(strings.Repeat("<p>", 20_000))); err != nil {
							return
						}
					}
				})
			},
			want: []string{"page"}, en: "the front page is far too large", ja: "異常に大きく",
		},
		{
			name: "no answer in time",
			ill:  func(*testing.T) { w.puma.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) },
			want: []string{"page"}, en: "web pages: no answer within 2 s", ja: "2秒待っても応答がありません",
		},
		{
			name: "to another host", ill: func(t *testing.T) { w.configure(t, "location = / { return 301 https://social.example/; }") },
			heal: func(t *testing.T) { w.configure(t, "") },
			want: []string{"page"}, en: "web pages lead elsewhere (301 Moved Permanently)", ja: "転送先は social.example です", detail: "social.example",
		},
		{
			name: "cut off at once", ill: func(t *testing.T) { w.configure(t, "location = / { return 444; }") },
			heal: func(t *testing.T) { w.configure(t, "") },
			want: []string{"page"}, en: "web pages: the connection is cut", ja: "接続が途中で切れます",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.clearCache(t)
			tt.ill(t)
			o := w.look(t)
			f := finds(t, o, tt.want...)
			if f.Severity != checks.Critical || f.Road != checks.Now {
				t.Errorf("severity %v, road %v", f.Severity, f.Road)
			}
			says(t, f.Text, tt.en, tt.ja)
			says(t, f.Text, tt.detail, "")
			if !strings.Contains(mends(f.Advice), tt.mends) {
				t.Errorf("mends with %q, want %q", mends(f.Advice), tt.mends)
			}
			says(t, o.Summary, f.Text.Headline().En, f.Text.Headline().Ja)
			w.puma.set(nil)
			w.clearCache(t) // nginx keeps what it may: a wrong page for seven days
			if tt.heal != nil {
				tt.heal(t)
			}
			healthy(t, w.look(t))
		})
	}
}

// clearCache puts a new name into nginx's key, so that nothing is in the cache.
func (w *world) clearCache(t *testing.T) {
	t.Helper()
	w.keys++
	w.configure(t, fmt.Sprintf("proxy_cache_key %d$request_uri;", w.keys))
}

func TestADeadPumaIsFoundThoughTheCacheStillShowsThePage(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	w.back.Close()
	o := w.look(t)
	f := finds(t, o, "page", "stale")
	says(t, f.Text, "web pages fail (502 Bad Gateway): the web process does not answer the web server", "502 Bad Gateway")
	if got := mends(f.Advice); got != "sudo systemctl restart mastodon-web\n" {
		t.Errorf("mends with %q", got)
	}
	stale, _ := checkstest.Find(o, codeStale, "")
	if stale.Severity != checks.Warning || stale.Road != checks.Now {
		t.Errorf("%v %v", stale.Severity, stale.Road)
	}
	says(t, stale.Text, "comes only out of the proxy's cache: nothing answers behind it", "古いキャッシュの表示です")
	w.restart(t)
	healthy(t, w.look(t))
}

// restart starts puma again, at another port.
func (w *world) restart(t *testing.T) {
	t.Helper()
	w.back = newBack(t, w.puma)
	w.reload(t, w.servers())
}

func TestACacheThatTakesNoNoticeOfTheQueryIsSeenToBeStale(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.configure(t, "proxy_cache_key $uri; proxy_ignore_headers Vary;")
	healthy(t, w.look(t))
	w.back.Close()
	o := w.until(t, func(o checks.Observation) bool { return len(o.Findings) > 0 })
	f := finds(t, o, "stale")
	if f.Severity != checks.Warning {
		t.Errorf("severity %v", f.Severity)
	}
	says(t, f.Text, "again and again: probably nothing answers behind it", "背後が応答していないようです")
	w.restart(t)
	w.until(t, func(o checks.Observation) bool { return len(o.Findings) == 0 })
}

// until looks again and again until an observation is as it should be.
func (w *world) until(t *testing.T, so func(checks.Observation) bool) checks.Observation {
	t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		o := w.look(t)
		if so(o) {
			return o
		}
		select {
		case <-patience.C:
			t.Fatalf("it never came to that: %+v", o)
		case <-again.C:
		}
	}
}

func TestAnErrorThatACacheKeepsIsFoundThoughThePageIsWell(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	for config, want := range map[string][2]string{
		"return 503;":                        {"visitors get an error (503 Service Unavailable)", "（503 Service Unavailable、本体は正常）"},
		"return 200 '<title>Hello</title>';": {"visitors get another page", "別のページになっています"},
	} {
		w.configure(t, `location = / { default_type text/html; if ($arg_sababan = "") { `+config+` } proxy_set_header Host $host; proxy_pass `+w.back.URL+`; }`)
		f := finds(t, w.look(t), "stale")
		if f.Severity != checks.Critical {
			t.Errorf("severity %v", f.Severity)
		}
		says(t, f.Text, want[0], want[1])
		w.configure(t, "")
		healthy(t, w.look(t))
	}
}

func TestLooksLeaveNothingInTheProxysCache(t *testing.T) {
	w := newWorld(t, "4.5.2")
	for range 6 {
		healthy(t, w.look(t))
	}
	if n := w.cached(t); n > 1 { // the front page as every visitor gets it
		t.Errorf("%d pages in the cache", n)
	}
}

func TestAPageThatRedirectsIsSeenAtAbout(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.configure(t, "location = / { return 302 https://"+domain+"/explore; }")
	o := w.look(t)
	healthy(t, o)
	if w.asked("/about") != 2 {
		t.Errorf("about was asked for %d times", w.asked("/about"))
	}
	w.configure(t, "location = / { return 302 /auth/sign_in; } location = /about { return 302 /auth/sign_in; }")
	_, err := w.check.Look(t.Context(), w.past)
	unseenBecause(t, err, "only to those who are signed in", "ログイン")
}

func unseenBecause(t *testing.T, err error, en, ja string) {
	t.Helper()
	var u *checks.Unseen
	if !errors.As(err, &u) {
		t.Fatalf("error %v", err)
	}
	says(t, u.Why, en, ja)
}

func TestASlowPageIsFoundHoldsAndMends(t *testing.T) {
	w := newWorld(t, "4.5.2")
	var err error
	if w.check, err = newCheck(w.site, nil, patience{pageTimeout, assetTimeout}); err != nil {
		t.Fatal(err)
	}
	healthy(t, w.look(t))
	late := func(d time.Duration) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			wait := time.NewTimer(d)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-r.Context().Done():
			}
			w.puma.mu.Lock()
			body := w.puma.page()
			w.puma.mu.Unlock()
			w.puma.serve(rw, r, body)
		}
	}
	w.puma.set(late(3200 * time.Millisecond))
	w.past.Bands = map[checkstest.Series]checks.Band{{Name: pageTime}: {Mid: 0.3}}
	f := finds(t, w.look(t), "slow")
	says(t, f.Text, "the front page takes 3.", "トップページの表示に3.")
	says(t, f.Text, " s (usually 300 ms)", "（普段300ms）")
	if f.Severity != checks.Warning || f.Road != checks.Now {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
	w.puma.set(late(2300 * time.Millisecond))
	finds(t, w.look(t), "(slow)")
	w.puma.set(w.puma.failing(500, errorPage))
	w.clearCache(t)
	o := w.look(t)
	finds(t, o, "page")
	if len(o.Blind) != 1 || o.Blind[0].Code != codeSlow {
		t.Errorf("blind %+v: nobody has seen the page quick", o.Blind)
	}
	w.puma.set(nil)
	healthy(t, w.look(t))
}

func TestWhatCannotBeSeenIsNoFinding(t *testing.T) {
	w := newWorld(t, "4.5.2")
	for _, tt := range []struct{ name, config, en, ja string }{
		{"a challenge", "location = / { default_type text/html; return 200 '<html><title>Just a moment...</title>_cf_chl_opt</html>'; }", "checks for browsers", "ブラウザ確認"},
		{"a challenge with 403", "location = / { default_type text/html; return 403 '<html><title>Just a moment...</title>_cf_chl_opt</html>'; }", "checks for browsers", "ブラウザ確認"},
		{"too many requests", "location = / { return 429; }", "asks too often (429)", "429"},
		{"a password", "location = / { return 401; }", "signed in", "ログイン"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.configure(t, tt.config)
			_, err := w.check.Look(t.Context(), w.past)
			unseenBecause(t, err, tt.en, tt.ja)
		})
	}
	t.Run("a certificate of somebody else", func(t *testing.T) {
		w.configure(t, "")
		cert := w.ca.Issue(t, checkstest.Leaf{Names: []string{"other.example"}})
		w.Install(t, cert.FullChain(), cert)
		w.reload(t, "")
		_, err := w.check.Look(t.Context(), w.past)
		unseenBecause(t, err, "the check of certificates says why", "証明書")
	})
	t.Run("no such name", func(t *testing.T) {
		s := &site.Site{Domain: "no-such-name.invalid", Proc: "/nowhere", Root: t.TempDir()}
		c, err := newCheck(s, nil, patience{pageTimeout, assetTimeout})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Look(t.Context(), w.past)
		unseenBecause(t, err, "", "")
	})
}

func TestOtherSoftwareIsNotTakenForABrokenMastodon(t *testing.T) {
	w := newWorld(t, "0.20.1+git-abc")
	w.puma.set(w.puma.failing(200, "<html><title>GoToSocial</title></html>"))
	_, err := w.check.Look(t.Context(), w.past)
	unseenBecause(t, err, "no Mastodon", "Mastodonではない")
}

func TestARefusedConnectionIsFound(t *testing.T) {
	w := newWorld(t, "4.5.2")
	healthy(t, w.look(t))
	w.Stop(t)
	f := finds(t, w.look(t), "page")
	says(t, f.Text, "web pages: the connection is refused", "接続を拒否されます")
}

func TestALookWithoutTimeIsNoFinding(t *testing.T) {
	w := newWorld(t, "4.5.2")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.check.Look(ctx, w.past); !errors.As(err, new(*checks.Unseen)) {
		t.Errorf("error %v", err)
	}
}

func TestWithoutADomainItIsNotSetUp(t *testing.T) {
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{}).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[server] domain" {
		t.Errorf("error %v", err)
	}
}
