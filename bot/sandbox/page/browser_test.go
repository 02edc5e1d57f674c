package page_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/bot/sandbox/page/chromium"
)

// pictures is the folder for what the page looked like; nothing is kept where
// it is not set.
const pictures = "SABABAN_PICTURES"

func keep(t *testing.T, tab *chromium.Tab, name string) {
	t.Helper()
	png := tab.Picture()
	if len(png) < 5000 {
		t.Errorf("the picture %s has only %d bytes", name, len(png))
	}
	if dir := os.Getenv(pictures); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	alertEn = "[Action needed] #12 certificate of example.social has expired\nIt was valid to 13:20. Browsers, apps and other servers can no longer connect.\nLook: sudo certbot certificates\nFix: sudo certbot renew\nNoticed 13:31. Reply: why 12 / ack 12 / snooze 12 1d"
	alertJa = "【要対応】12番 証明書 期限切れです（example.social）\n13:20に期限が切れました。ブラウザからも他サーバーからも接続できなくなっています。\n確認: sudo certbot certificates\n対処: sudo certbot renew\n13:31に検知。返信: 詳しく12／対応します12／あとで12 1日"
)

// A look is a window and the colours that its person prefers.
type look struct {
	name          string
	width, height int
	colours       string
}

func TestEveryStateIsAccessibleInBothLanguagesAndColoursAndOnAPhone(t *testing.T) {
	axe, browser := chromium.Axe(t), chromium.Start(t)
	light, dark := look{"light", 1200, 900, "light"}, look{"dark", 1200, 900, "dark"}
	phone, night := look{"phone", 320, 640, "light"}, look{"phone-dark", 320, 640, "dark"}
	looks := map[string][]look{"empty": {light, night}, "full": {light, dark, phone, night}, "lost": {phone, dark}}
	for _, lang := range []string{"en", "ja"} {
		w := newWorld(t, lang)
		tab := browser.Open(t, w.address)
		check := func(state string) {
			t.Helper()
			for _, look := range looks[state] {
				tab.Look(look.width, look.height, look.colours)
				tab.Until(`document.documentElement.dataset.theme === '` + look.colours + `'`)
				if err := tab.Accessible(axe); err != nil {
					t.Errorf("%s, %s, %s:\n%v", lang, state, look.name, err)
				}
				if wide := tab.Eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide != 0.0 {
					t.Errorf("%s, %s, %s: it is %v pixels too wide", lang, state, look.name, wide)
				}
				keep(t, tab, lang+"-"+state+"-"+look.name)
			}
		}
		tab.Until(`document.getElementById('connection').dataset.state === 'connected'`)
		check("empty")

		alert := map[string]string{"en": alertEn, "ja": alertJa}[lang]
		first := w.says(alert, sandbox.SayOptions{Language: lang})
		w.says("[Resolved] #12 https://example.social/a/long/address/that/goes/on/and/on/index.html?x=1", sandbox.SayOptions{InReplyTo: first.ID, Language: lang})
		w.says("Something else", sandbox.SayOptions{Spoiler: "long, " + lang, Language: lang})
		w.shows("The week", "Response time over 7 days: 84 ms, as usual.", sandbox.Unlisted)
		w.shows("The week", "", sandbox.Public)
		if _, err := w.server.Say(w.admin, "@sababan help", sandbox.SayOptions{}); err != nil {
			t.Fatal(err)
		}
		tab.Click("#do-disk")
		tab.Until(`document.querySelectorAll('article').length === 6 && document.getElementById('state-disk').dataset.state === 'ill'`)
		tab.Until(`[...document.images].every((i) => { i.loading = 'eager'; return i.complete && i.naturalWidth === 320; })`)
		tab.Click("summary")
		tab.Click("article .answer")
		tab.Eval(`document.getElementById('text').value = 'x'.repeat(600)`)
		tab.Press("Enter", chromium.Control)
		tab.Until(`document.getElementById('trouble').textContent.includes('500')`)
		check("full")

		w.stop()
		tab.Until(`document.getElementById('connection').dataset.state === 'lost'`)
		check("lost")
	}
}

func TestThePageShowsWhatMastodonWouldShow(t *testing.T) {
	w := newWorld(t, "en")
	first := w.says(alertEn, sandbox.SayOptions{})
	w.shows("The week", "Response time over 7 days.", sandbox.Public)
	tab := chromium.Start(t).Open(t, w.address)
	tab.Until(`document.querySelectorAll('article').length === 2`)
	for expression, want := range map[string]any{
		`document.querySelectorAll('.thread').length`:                                       2.0,
		`document.querySelector('.thread article .seen').textContent`:                       "Public",
		`document.querySelector('.thread article path').getAttribute('d')[0]`:               "M",
		`document.querySelector('figure img').alt`:                                          "Response time over 7 days.",
		`document.querySelector('figcaption .alt').textContent`:                             "Response time over 7 days.",
		`document.querySelector('#post-` + first.ID + ` .seen').textContent`:                "Private mention",
		`document.querySelector('#post-` + first.ID + ` .body p').innerText.split('\n')[2]`: "Look: sudo certbot certificates",
		`document.querySelector('#post-` + first.ID + ` .mention').textContent`:             "@admin",
		`document.querySelector('#post-` + first.ID + ` time').dateTime.length > 18`:        true,
		`document.getElementById('news').textContent`:                                       "", // what was there before is no news
	} {
		if got := tab.Eval(expression); got != want {
			t.Errorf("%s: %v, want %v", expression, got, want)
		}
	}

	// What arrives is announced, and lifts its thread.
	end := w.says("[Resolved] #12 certificate: now serving the new one", sandbox.SayOptions{InReplyTo: first.ID})
	tab.Until(`document.querySelector('.thread').contains(document.getElementById('post-` + end.ID + `'))`)
	tab.Until(`document.getElementById('news').textContent === 'New from sababan: [Resolved] #12 certificate: now serving the new one'`)
	if got := tab.Eval(`document.querySelectorAll('.thread').length`); got != 2.0 {
		t.Errorf("%v threads", got)
	}

	// What is deleted goes.
	if err := w.server.Delete(end.ID); err != nil {
		t.Fatal(err)
	}
	w.says("another", sandbox.SayOptions{})
	tab.Until(`!document.getElementById('post-` + end.ID + `')`)

	// A text that looks like HTML stays a text.
	evil := w.says(`<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> javascript:alert(1)`, sandbox.SayOptions{})
	tab.Until(`document.querySelector('#post-` + evil.ID + ` .body').textContent.includes('<script>')`)
	if got := tab.Eval(`document.title`); got != "Trying sababan" {
		t.Errorf("the title is %v", got)
	}
	// And no script runs that is not of the page.
	if got := tab.Eval(`(() => { const s = document.createElement('script'); try { s.text = 'document.title="owned"'; document.body.append(s); } catch (e) { return e.name; } return document.title; })()`); got != "TypeError" {
		t.Errorf("a script in the page: %v", got)
	}
}

func TestWithTheKeyboardAlone(t *testing.T) {
	w := newWorld(t, "en")
	first := w.says(alertEn, sandbox.SayOptions{})
	tab := chromium.Start(t).Open(t, w.address)
	tab.Until(`document.querySelectorAll('article').length === 1`)
	var order []string
	for range 7 {
		tab.Press("Tab", 0)
		order = append(order, tab.Eval(`document.activeElement.id || document.activeElement.textContent.trim()`).(string))
	}
	want := []string{"Skip to the conversation", "theme", "text", "Send", "status", "do-disk", "Reply"}
	if !slices.Equal(order, want) {
		t.Errorf("the focus goes %q, want %q", order, want)
	}

	// Answer, write, send; the answer stands in the thread.
	tab.Press("Enter", 0)
	tab.Until(`document.activeElement.id === 'text' && !document.getElementById('answering').hidden`)
	tab.Type("ack 12")
	tab.Press("Enter", chromium.Control)
	tab.Until(`document.querySelectorAll('.thread').length === 1 && document.querySelectorAll('article.mine').length === 1`)
	tab.Until(`document.activeElement.id === 'text' && document.activeElement.value === '' && document.getElementById('answering').hidden`)
	all := w.server.Statuses()
	if last := all[len(all)-1]; last.Text != "@sababan ack 12" || last.InReplyTo != first.ID || last.Visibility != sandbox.Direct {
		t.Errorf("%+v", last)
	}

	// Break and mend with the space bar; the focus stays.
	tab.Eval(`document.getElementById('do-disk').focus()`)
	tab.Press(" ", 0)
	tab.Until(`document.getElementById('state-disk').textContent === 'broken' && document.activeElement.textContent === 'Mend'`)
	if !w.ill.Load() {
		t.Error("it is not broken")
	}
	tab.Press(" ", 0)
	tab.Until(`document.getElementById('state-disk').textContent === 'fine' && document.activeElement.id === 'do-disk'`)
	if w.ill.Load() {
		t.Error("it is not mended")
	}

	// The focus stays where it is when its thread rises.
	w.says("another thread", sandbox.SayOptions{})
	tab.Until(`document.querySelectorAll('.thread').length === 2`)
	tab.Eval(`document.querySelector('#post-` + first.ID + ` .answer').focus()`)
	w.says("more", sandbox.SayOptions{InReplyTo: first.ID})
	tab.Until(`document.querySelector('.thread').contains(document.getElementById('post-` + first.ID + `'))`)
	tab.Until(`document.activeElement === document.querySelector('#post-` + first.ID + ` .answer')`)

	// The colours can be chosen against the preference.
	tab.Look(1000, 800, "light")
	tab.Click("#theme")
	tab.Until(`document.documentElement.dataset.theme === 'dark' && document.getElementById('theme').textContent === 'Light colours'`)
	tab.Go(w.address)
	tab.Until(`document.documentElement.dataset.theme === 'dark'`)
	if address := tab.Eval(`location.href`).(string); !strings.Contains(address, w.token()) {
		t.Errorf("at %s", address)
	}
}

func TestAConnectionThatBreaksIsTakenUpAgain(t *testing.T) {
	w := newWorld(t, "en")
	gone := w.says("first", sandbox.SayOptions{})
	tab := chromium.Start(t).Open(t, w.address)
	tab.Until(`document.querySelectorAll('article').length === 1`)
	w.stop()
	tab.Until(`document.getElementById('connection').dataset.state === 'lost'`)
	if err := w.server.Delete(gone.ID); err != nil {
		t.Fatal(err)
	}
	kept := w.says("meanwhile", sandbox.SayOptions{})
	w.ill.Store(true)
	w.serve(w.host)
	tab.Until(`document.getElementById('connection').dataset.state === 'connected'`)
	tab.Until(`document.querySelectorAll('article').length === 1 && document.getElementById('post-` + kept.ID + `') !== null`)
	tab.Until(`document.getElementById('state-disk').textContent === 'broken'`)
}
