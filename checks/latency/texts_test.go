package latency

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	const ms = time.Millisecond
	slow := func(side string, set func(*detail)) detail {
		d := detail{side: side, half: 1200 * ms, ninth: 2600 * ms, normal: 84 * ms, count: 15}
		if set != nil {
			set(&d)
		}
		return d
	}
	var said []checkstest.Said
	say := checkstest.Say
	add := func(what string, d detail) {
		said = append(said, say(what, textSlow(d), adviceSlow(d)))
	}
	add("API, nobody knows where", slow(apiSide, nil))
	add("page, just now, no usual number", slow(page, func(d *detail) { d.atOnce, d.normal, d.count = true, 0, 5 }))
	add("API, in Mastodon", slow(apiSide, func(d *detail) { d.app = 1100 * ms }))
	add("API, not in Mastodon", slow(apiSide, func(d *detail) { d.app = 90 * ms }))
	add("API, waiting for puma", slow(apiSide, func(d *detail) { d.app, d.counted, d.waiting = 90*ms, true, 14 }))
	add("API, waiting for puma, one", slow(apiSide, func(d *detail) { d.app, d.counted, d.waiting = 90*ms, true, 1 }))
	add("API, waiting for puma, straight to it", slow(apiSide, func(d *detail) { d.app, d.direct, d.queue = 90*ms, 1100*ms, 1000*ms }))
	add("API, in the web process", slow(apiSide, func(d *detail) { d.direct = 1100 * ms }))
	add("API, in the network", slow(apiSide, func(d *detail) { d.direct, d.connect = 80*ms, 900*ms }))
	add("API, in the proxy", slow(apiSide, func(d *detail) { d.direct, d.connect = 80*ms, 9*ms }))

	every := pattern{hits: 11, of: 12, minutes: 4, last: checkstest.TextsNow.Add(-50 * time.Minute)}
	line1, line2 := line{side: apiSide, took: 84 * ms, normal: 80 * ms}, line{side: page, took: 1200 * ms, normal: 210 * ms}
	young := line{side: page, took: 230 * ms, early: true}
	checkstest.Texts(
		t, "latency",
		append(
			said,
			say("once an hour, API", textHourly(apiSide, every), adviceHourly()),
			say("once an hour, pages", textHourly(page, every), adviceHourly()),
			say("unseen: hung", textHung(10*time.Second)),
			say("unseen: too often", textNoAnswer(round{limited: true})),
			say("unseen: no answer", textNoAnswer(round{})),
			say("unseen: no answer of the API", textSideSilent(apiSide)),
			say("unseen: no answer of the page", textSideSilent(page)),
			say("unseen: too early, API", textTooEarly(apiSide)),
			say("unseen: too early, page", textTooEarly(page)),
			say("summary", summary([]line{line1, line2}, nil)),
			say("summary, at first", summary([]line{{side: apiSide, took: 84 * ms}, young}, nil)),
			say("summary, slow", summary([]line{line1}, []checks.Finding{{Severity: checks.Warning, Text: textSlow(slow(apiSide, nil))}})),
		)...,
	)
}
