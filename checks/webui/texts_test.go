package webui

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	live := site.Found{Live: "/home/mastodon/live", User: "mastodon", WebServer: "nginx"}
	whole := build{state: complete, at: now.Add(-3 * time.Hour)}
	manifest := "/home/mastodon/live/public/packs/.vite/manifest.json"
	base := func(set ...func(*looked)) *looked {
		l := &looked{domain: "example.social", now: now, waits: 10 * time.Second, found: live, build: whole, views: views{path: "/about", apiAsked: true, apiWell: true}}
		l.after.Count = 42
		for _, f := range set {
			f(l)
		}
		return l
	}
	fresh := func(why why, code int) func(*looked) {
		return func(l *looked) {
			l.views.fresh = outcome{state: ill, why: why, code: code, to: "mastodon.example.social", kind: "text/plain", page: page{title: "Welcome to nginx!"}}
		}
	}
	apiIll := func(l *looked) { l.views.apiWell = false }
	builds := func(b build) func(*looked) { return func(l *looked) { l.build = b } }
	at := func(f site.Found) func(*looked) { return func(l *looked) { l.found = f } }

	say := checkstest.Say
	var said []checkstest.Said
	pageOf := func(what string, l *looked) {
		said = append(said, say("page: "+what, l.textPage(), l.advicePage()))
	}
	for _, c := range []struct {
		why  why
		code int
	}{{status, 502}, {status, 503}, {status, 522}, {status, 403}, {status, 404}, {redirected, 301}, {maintenance, 503}, {notPage, 200}, {noRoot, 200}, {noState, 200}, {tooLarge, 200}, {timeout, 0}, {refused, 0}, {cut, 0}} {
		pageOf(fmt.Sprintf("%d %d", c.why, c.code), base(fresh(c.why, c.code)))
	}
	pageOf("500, the API neither", base(fresh(status, 500), apiIll))
	pageOf("500, the build is whole", base(fresh(status, 500)))
	pageOf("500, no list", base(fresh(status, 500), builds(build{state: noList, manifest: manifest})))
	pageOf("500, files are gone", base(fresh(status, 500), builds(build{state: lacking, manifest: manifest, gone: []string{"application-4f1c.js", "common-77aa.css", "home-91bc.js", "notifications-a1.js"}})))
	pageOf("500, nothing known, in containers", base(fresh(status, 500), builds(build{}), at(site.Found{Compose: "/opt/mastodon"})))
	pageOf("500, nothing known, elsewhere", base(fresh(status, 500), builds(build{}), at(site.Found{})))
	pageOf("no content type", base(func(l *looked) { l.views.fresh = outcome{state: ill, why: notPage, code: 200} }))

	url := func(n string) string { return "https://example.social/packs/" + n }
	entry := func(w what, code int) fault {
		return fault{URL: url("application-4f1c.js"), Entry: true, What: w, Code: code, Kind: "text/plain"}
	}
	sheet := fault{URL: url("common-77aa.css"), Role: style, What: missing, Code: 404}
	files := func(what string, l *looked, host string, faults ...fault) {
		g := group{host: host, faults: faults}
		said = append(said, say("files: "+what, l.textFiles(g), l.adviceFiles(g)))
	}
	for _, c := range []struct {
		what what
		code int
	}{{missing, 404}, {forbidden, 403}, {failing, 502}, {isPage, 200}, {wrongType, 200}, {empty, 200}, {garbled, 200}, {changed, 200}, {notAllowed, 200}, {plainHTTP, 0}, {tooSlow, 0}, {unreachable, 0}, {cutOff, 200}, {huge, 200}} {
		files(string(c.what), base(), "", entry(c.what, c.code))
	}
	on := func(f fault, p place) fault { f.Disk = p; return f }
	shutAt := base(func(l *looked) { l.shut = "/home/mastodon" })
	many := []fault{entry(missing, 404), {URL: url("home-91bc.js"), What: missing, Code: 404}, sheet, {URL: url("a.woff2"), Role: preload, What: missing, Code: 404}}
	mixed := append([]fault{}, many...)
	mixed[1].What, mixed[1].Code = failing, 502
	files("missing, on disk", base(), "", on(entry(missing, 404), onDisk))
	files("missing, on disk and closed", shutAt, "", on(entry(forbidden, 403), shut))
	files("missing, another build", base(), "", on(entry(missing, 404), otherBuild))
	files("missing, not on disk", base(), "", on(entry(missing, 404), offDisk))
	files("empty, not on disk", base(), "", on(entry(empty, 200), offDisk))
	files("changed, right on disk", base(), "", on(entry(changed, 200), onDisk))
	files("changed, on disk, too", base(), "", on(entry(changed, 200), spoilt))
	files("many", base(), "", many...)
	files("many, different", base(), "", mixed...)
	files("a style sheet", base(), "", sheet)
	files("a file", base(), "", many[3])
	files("no content type", base(), "", fault{URL: url("x.js"), What: wrongType, Code: 200})
	files("of another host", base(), "cdn.example.net", many[:2]...)
	files("of another host, CORS", base(), "cdn.example.net", entry(notAllowed, 200))
	files("of another host, changed", base(), "cdn.example.net", entry(changed, 200))
	files("cached", base(), "", fault{URL: url("old-1.js"), Entry: true, What: missing, Code: 404, Cached: true})

	unread := build{manifest: manifest, err: &fs.PathError{Op: "open", Path: manifest, Err: errors.New("input/output error")}}
	closed := build{manifest: manifest, denied: "/home/mastodon"}
	tookBy := func(took time.Duration) func(*looked) {
		return func(l *looked) { l.views.fresh = outcome{state: well, took: took} }
	}
	walked := func(l *looked) {
		l.after.Walked, l.walkedNow, l.normal, l.after.Version = now, true, 180*time.Millisecond, "4.6.5"
	}
	checkstest.Texts(
		t, "webui",
		append(
			said,
			say("build: a file is gone", textBuild(build{state: lacking, gone: []string{"home-91bc.js"}}), adviceBuild(live)),
			say("build: files are gone", textBuild(build{state: lacking, gone: []string{"a.js", "b.js", "c.js", "d.css", "e.css"}}), adviceBuild(live)),
			say("build: the list is broken", textBuild(build{state: badList, manifest: manifest}), adviceBuild(live)),
			say("build: no list", textBuild(build{state: noList, manifest: manifest}), adviceBuild(site.Found{Compose: "/opt/mastodon"})),
			say("stale", textStale("STALE", false), base().adviceStale(false)),
			say("stale, and it hides", textStale("STALE", true), base().adviceStale(true)),
			say("an error in a cache", textCachedError(outcome{code: 503}), base().adviceCache()),
			say("another page in a cache", textCachedError(outcome{code: 200}), base().adviceCache()),
			say("slow", textSlow(3400*time.Millisecond, 180*time.Millisecond), adviceSlow()),
			say("slow, no usual number", textSlow(3400*time.Millisecond, 0)),
			say("event: another version", textVersion("4.6.4", "4.6.5")),
			say("event: built anew", textRebuilt()),
			say("unseen: too often", textUnseen(outcome{why: tooMany})),
			say("unseen: no resolver", textUnseen(outcome{why: noResolver})),
			say("unseen: certificate", textUnseen(outcome{why: certificate})),
			say("unseen: guarded by somebody known", textUnseen(outcome{why: guarded, guard: "Cloudflare"})),
			say("unseen: guarded", textUnseen(outcome{why: guarded})),
			say("unseen: sign-in", textUnseen(outcome{why: signIn})),
			say("unseen: other software", textUnseen(outcome{why: otherSoftware})),
			say("unseen: no way", textUnseen(outcome{why: noRoute})),
			say("unseen: as visitors get it", textNoVisitor()),
			say("unseen: not measured", textNotMeasured()),
			say("unseen: no page", textNoPage()),
			say("unseen: offline", textOffline("cdn.example.net")),
			say("unseen: a file", textHidden(1)),
			say("unseen: files", textHidden(7)),
			say("unseen: late, a file", textLate(1)),
			say("unseen: late, files", textLate(7)),
			say("unseen: another disk", textOtherDisk()),
			say("unseen: the build, no permission", textUnread(closed), adviceUnread(closed)),
			say("unseen: the build", textUnread(unread), adviceUnread(unread)),
			say("unseen: no time", textNoTime()),
			say("summary", base(tookBy(190*time.Millisecond), walked).summary(checks.Observation{})),
			say("summary, earlier, not all", base(tookBy(1200*time.Millisecond), walked, func(l *looked) {
				l.walkedNow, l.after.Walked, l.after.More = false, now.Add(-40*time.Minute), 12
			}).summary(checks.Observation{})),
			say("summary, no files, offline", base(tookBy(190*time.Millisecond), walked, func(l *looked) {
				l.after.Count, l.normal, l.elsewhere = 0, 0, map[string]int{"cdn.example.net": 12}
			}).summary(checks.Observation{})),
			say("summary, out of the cache", base(func(l *looked) { l.views.fresh = outcome{state: well, cached: "HIT"} }).summary(checks.Observation{})),
		)...,
	)
}
