package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/bot/sandbox/page/chromium"
)

func TestAStrangerIsRefused(t *testing.T) {
	w := newWorld(t, "en")
	secret := w.says("a secret of the admins", sandbox.SayOptions{})
	picture := w.shows("@admin the week", "a secret picture", sandbox.Direct)
	own, token := "http://"+w.host, w.token()
	_, port, _ := strings.Cut(w.host, ":")
	api := strings.TrimPrefix(w.api, "http://")
	_, apiPort, _ := strings.Cut(api, ":")
	bearer := "Bearer " + w.server.Token(w.admin)
	const form, json = "application/x-www-form-urlencoded", "application/json"
	type headers map[string]string
	cases := []struct {
		name, method, url string
		headers           headers
		body              string
		code              int
	}{
		{"the page itself", "GET", own + "/" + token + "/", nil, "", 200},
		{"the page itself as localhost", "GET", own + "/" + token + "/", headers{"Host": "localhost:" + port}, "", 200},
		{"the page itself without its last slash", "GET", own + "/" + token, nil, "", 308},
		{"a picture in it", "GET", own + "/" + token + "/media/" + picture, headers{"Sec-Fetch-Site": "same-origin"}, "", 200},
		{"its own message", "POST", own + "/" + token + "/say", headers{"Origin": own, "Content-Type": json}, `{"text":"mine"}`, 204},

		{"no token", "GET", own + "/", nil, "", 404},
		{"a wrong token", "GET", own + "/" + strings.Repeat("A", len(token)) + "/", nil, "", 404},
		{"half a token", "GET", own + "/" + token[:13] + "/", nil, "", 404},
		{"the feed without a token", "GET", own + "/feed", nil, "", 404},
		{"a file without a token", "GET", own + "/page.js", nil, "", 404},
		{"a token in the wrong place", "GET", own + "/feed?token=" + token, nil, "", 404},
		{"dots around the token", "GET", own + "/x/../feed", nil, "", 404},
		{"what is not there", "GET", own + "/" + token + "/nothing", nil, "", 404},
		{"a picture that is not there", "GET", own + "/" + token + "/media/" + secret.ID, nil, "", 404},

		{"another name that leads here", "GET", own + "/" + token + "/feed", headers{"Host": "stranger.example:" + port}, "", 403},
		{"another name without a port", "GET", own + "/" + token + "/", headers{"Host": "stranger.example"}, "", 403},
		{"no name", "GET", own + "/" + token + "/", headers{"Host": "-"}, "", 403},
		{"localhost at another port", "GET", own + "/" + token + "/", headers{"Host": "localhost:1"}, "", 403},
		{"a name that begins like localhost", "GET", own + "/" + token + "/", headers{"Host": "localhost.stranger.example:" + port}, "", 403},
		{"any address", "GET", own + "/" + token + "/", headers{"Host": "0.0.0.0:" + port}, "", 403},

		{"a script of another page", "GET", own + "/" + token + "/feed", headers{"Origin": "https://stranger.example"}, "", 403},
		{"a sandboxed frame's script", "GET", own + "/" + token + "/feed", headers{"Origin": "null"}, "", 403},
		{"a page on another port", "GET", own + "/" + token + "/feed", headers{"Origin": w.api}, "", 403},
		{"the same host by another scheme", "GET", own + "/" + token + "/feed", headers{"Origin": "https://" + w.host}, "", 403},
		{"an image in another page", "GET", own + "/" + token + "/media/" + picture, headers{"Sec-Fetch-Site": "cross-site"}, "", 403},
		{"an image in a page on another port", "GET", own + "/" + token + "/media/" + picture, headers{"Sec-Fetch-Site": "same-site"}, "", 403},
		{"a frame", "GET", own + "/" + token + "/", headers{"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "iframe"}, "", 403},

		{"a form of another page", "POST", own + "/" + token + "/say", headers{"Origin": "https://stranger.example", "Content-Type": form}, "text=x", 403},
		{"a form of another page that hides", "POST", own + "/" + token + "/say", headers{"Origin": "null", "Content-Type": "text/plain"}, `{"text":"x"}`, 403},
		{"a form without an origin", "POST", own + "/" + token + "/say", headers{"Content-Type": "text/plain"}, `{"text":"x"}`, 403},
		{"JSON without an origin", "POST", own + "/" + token + "/say", headers{"Content-Type": json}, `{"text":"x"}`, 403},
		{"plain text with the right origin", "POST", own + "/" + token + "/say", headers{"Origin": own, "Content-Type": "text/plain"}, `{"text":"x"}`, 403},
		{"a break from elsewhere", "POST", own + "/" + token + "/sickness", headers{"Origin": w.api, "Content-Type": json}, `{"name":"disk","ill":true}`, 403},
		{"a question before JSON from elsewhere", "OPTIONS", own + "/" + token + "/say", headers{"Origin": "https://stranger.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}, "", 403},
		{"a message by GET", "GET", own + "/" + token + "/say?text=x", nil, "", 405},
		{"a body without end", "POST", own + "/" + token + "/say", headers{"Origin": own, "Content-Type": json}, `{"text":"` + strings.Repeat("x", 1<<17) + `"}`, 400},

		{"the sandbox's API with its token", "GET", w.api + "/api/v1/notifications", headers{"Authorization": bearer}, "", 200},
		{"the sandbox's API by another name", "GET", w.api + "/api/v1/timelines/public", headers{"Host": "stranger.example:" + apiPort}, "", 403},
		{"the sandbox's API from another page", "GET", w.api + "/api/v1/timelines/public", headers{"Origin": "https://stranger.example"}, "", 403},
		{"the sandbox's API from another page, with a token", "POST", w.api + "/api/v1/statuses", headers{"Origin": "https://stranger.example", "Authorization": bearer, "Content-Type": form}, "status=x", 403},
		{"the sandbox's API from the page's port", "GET", w.api + "/api/v1/instance", headers{"Origin": own}, "", 403},
		{"the sandbox's API without a token", "GET", w.api + "/api/v1/notifications", nil, "", 401},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range c.headers {
				r.Header.Set(name, value)
			}
			if host, ok := c.headers["Host"]; ok {
				r.Host = host
				r.Header.Del("Host")
			}
			answer, err := client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != c.code {
				t.Errorf("%s %s", answer.Status, body)
			}
			if c.code != http.StatusOK && strings.Contains(string(body), "secret") {
				t.Errorf("it tells: %s", body)
			}
			for name := range answer.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("it has %s", name)
				}
			}
			if strings.HasPrefix(c.url, own) {
				for name, want := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin"} {
					if got := answer.Header.Get(name); got != want {
						t.Errorf("%s: %q", name, got)
					}
				}
				if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
					t.Errorf("policy: %s", csp)
				}
			}
		})
	}
	if heard := w.heard(); len(heard) != 1 || heard[0] != "@sababan mine" || w.ill.Load() {
		t.Errorf("it took %q, ill: %v", heard, w.ill.Load())
	}
	for _, address := range []string{w.address + "feed", w.api + "/api/v1/streaming?stream=user&access_token=" + w.server.Token(w.admin)} {
		conn, answer, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://stranger.example"}}, HTTPClient: client()})
		if err == nil {
			_ = conn.CloseNow()
		}
		if answer == nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("a WebSocket from elsewhere to %s: %v", address, err)
		}
	}
}

// What a stranger's page tries that even knows the address with its token. Each
// attempt ends in a word: "refused", or what it came to.
const attempts = `(async (page, api, token) => {
	const out = {};
	const within = (promise) => Promise.race([promise, new Promise((r) => setTimeout(() => r('refused'), 1500))]).catch(() => 'refused');
	const element = (tag, attribute, value) => within(new Promise((resolve) => {
		const e = document.createElement(tag);
		e.onload = () => resolve('loaded'); e.onerror = () => resolve('refused');
		e[attribute] = value; document.body.append(e);
	}));
	const read = (url, o) => within(fetch(url, o).then(async (r) => r.type === 'opaque' ? 'refused' : r.status + await r.text()));
	out['fetch'] = await read(page);
	out['fetch of the feed'] = await read(page + 'feed');
	out['fetch without CORS'] = await read(page, {mode: 'no-cors'});
	out['POST of JSON'] = await read(page + 'say', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"text":"owned"}'});
	out['POST of plain text'] = await read(page + 'say', {method: 'POST', mode: 'no-cors', headers: {'Content-Type': 'text/plain'}, body: '{"text":"owned"}'});
	out['POST with credentials'] = await read(page + 'sickness', {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"name":"disk","ill":true}'});
	out['beacon'] = (navigator.sendBeacon(page + 'say', new Blob(['{"text":"owned"}'], {type: 'text/plain'})), 'refused');
	out['script'] = await element('script', 'src', page + 'page.js');
	out['style'] = await within(new Promise((resolve) => {
		const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = page + 'page.css';
		l.onload = () => resolve('loaded'); l.onerror = () => resolve('refused'); document.head.append(l);
	}));
	out['image'] = await element('img', 'src', page + 'icon.svg');
	out['event stream'] = await within(new Promise((resolve) => {
		const e = new EventSource(page + 'feed'); e.onopen = () => resolve('open'); e.onerror = () => { e.close(); resolve('refused'); };
	}));
	const socket = (url) => within(new Promise((resolve) => {
		const s = new WebSocket(url.replace('http', 'ws')); s.onopen = () => resolve('open'); s.onerror = () => resolve('refused');
	}));
	out['WebSocket'] = await socket(page + 'feed');
	out['WebSocket of the API'] = await socket(api + '/api/v1/streaming?stream=user&access_token=' + token);
	out['API'] = await read(api + '/api/v1/timelines/public');
	out['API with its token'] = await read(api + '/api/v1/timelines/home?access_token=' + token);
	out['POST to the API'] = await read(api + '/api/v1/statuses?access_token=' + token, {method: 'POST', mode: 'no-cors', body: new URLSearchParams({status: 'owned'})});
	const frame = document.createElement('iframe');
	frame.name = 'frame'; frame.src = page; document.body.append(frame);
	await new Promise((r) => { frame.onload = r; setTimeout(r, 1500); });
	try { out['iframe'] = frame.contentDocument?.body?.innerText ? 'read' : 'refused'; } catch { out['iframe'] = 'refused'; }
	const target = document.createElement('iframe');
	target.name = 'target'; document.body.append(target);
	for (const [name, kind] of [['{"text":"owned","x":"', 'text/plain'], ['text', 'application/x-www-form-urlencoded']]) {
		const form = document.createElement('form');
		form.method = 'POST'; form.action = page + 'say'; form.enctype = kind; form.target = 'target';
		const input = document.createElement('input');
		input.name = name; input.value = kind === 'text/plain' ? '"}' : 'owned';
		form.append(input); document.body.append(form); form.submit();
		await new Promise((r) => { target.onload = r; setTimeout(r, 1000); });
	}
	out['form'] = 'refused'; // the server knows
	return JSON.stringify(out);
})`

func TestAStrangersPageInTheSameBrowserNeitherReadsNorWrites(t *testing.T) {
	w := newWorld(t, "en")
	w.says("a secret of the admins", sandbox.SayOptions{})
	stranger := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, "<!DOCTYPE html><title>stranger</title><body>hello")
	}))
	defer stranger.Close()
	_, strangersPort, _ := strings.Cut(strings.TrimPrefix(stranger.URL, "http://"), ":")
	_, port, _ := strings.Cut(w.host, ":")
	browser := chromium.Start(t, "--host-resolver-rules=MAP *.example 127.0.0.1", "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests")
	ours := browser.Open(t, w.address)
	ours.Until(`document.querySelectorAll('article').length === 1`)

	for _, from := range []string{"http://127.0.0.1:" + strangersPort, "http://localhost:" + strangersPort, "http://stranger.example:" + strangersPort} {
		tab := browser.Open(t, from)
		said, _ := tab.Eval(attempts + `('` + w.address + `', '` + w.api + `', '` + w.server.Token(w.admin) + `')`).(string)
		if strings.Count(said, `"refused"`) != 18 || strings.Count(said, `":"`) != 18 {
			t.Errorf("from %s: %s", from, said)
		}
		// A window that it opens is not its own any more.
		tab.Eval(`window.opened = open('` + w.address + `'); 0`)
		tab.Until(`(() => { try { return window.opened.closed || window.opened.document.body.innerText.length === 0; } catch { return true; } })()`)
	}

	// A name of the stranger that leads to the page's own port.
	tab := browser.Open(t, "http://rebound.example:"+port+"/"+w.token()+"/")
	if said, _ := tab.Eval(`document.body.innerText`).(string); !strings.Contains(said, "Refused.") || strings.Contains(said, "secret") {
		t.Errorf("by another name: %s", said)
	}
	if said, _ := tab.Eval(`fetch('feed').then((r) => r.status)`).(float64); said != http.StatusForbidden {
		t.Errorf("its feed by another name: %v", said)
	}
	if heard := w.heard(); len(heard) != 0 || w.ill.Load() {
		t.Errorf("it took %q, ill: %v", heard, w.ill.Load())
	}
	// What is typed still goes through.
	ours.Eval(`document.getElementById('text').focus()`)
	ours.Type("status")
	ours.Press("Enter", chromium.Control)
	ours.Until(`document.querySelectorAll('article').length === 2`)
	if heard := w.heard(); len(heard) != 1 {
		t.Errorf("it took %q", heard)
	}
}
