package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

func TestWhatGoesAnotherWay(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	critical := func(check string) incident.Alert {
		return incident.Alert{Key: incident.Key{Check: check}, Change: incident.OpenedNow, Severity: checks.Critical, Road: checks.Now}
	}
	with := func(a incident.Alert, change incident.Change, s checks.Severity, r checks.Road) incident.Alert {
		a.Change, a.Severity, a.Road = change, s, r
		return a
	}
	warning := with(critical("certs"), incident.OpenedNow, checks.Warning, checks.Now)
	over := with(critical("webui"), incident.ResolvedNow, checks.Critical, checks.Now)
	failing := homeState{Failing: ago(time.Minute), After: relayAfter}
	for _, c := range []struct {
		name string
		r    relaying
		at   time.Time
		why  Reason
	}{
		{"a dead web UI goes another way at once, though the message was delivered", relaying{Alert: critical("webui"), Open: true, Due: ago(time.Second), Arrived: true}, ago(time.Second), RelayAtOnce},
		{"so does Sidekiq, by which messages travel", relaying{Alert: critical("sidekiq"), Open: true, Due: now}, now, RelayAtOnce},
		{"and a full disk", relaying{Alert: critical("disk"), Open: true, Due: now}, now, RelayAtOnce},
		{"a warning of the web does not", relaying{Alert: with(critical("webui"), incident.OpenedNow, checks.Warning, checks.Now), Open: true, Due: now}, time.Time{}, NotRelayed},
		{"nor what is critical and reads in the morning", relaying{Alert: with(critical("database"), incident.OpenedNow, checks.Critical, checks.Morning), Open: true, Due: now}, time.Time{}, NotRelayed},
		{"what is critical elsewhere does not", relaying{Alert: critical("certs"), Open: true, Due: now, Arrived: true}, time.Time{}, NotRelayed},
		{"unless the server that carries messages is known to be ill", relaying{Alert: critical("certs"), Open: true, Due: now, Arrived: true, Home: homeState{Muffled: true}}, now, RelayMuffled},
		{"nobody is woken by another way either", relaying{Alert: critical("webui"), Open: true, Due: now.Add(7 * time.Hour)}, now.Add(7 * time.Hour), RelayAtOnce},
		{"what nobody is to hear goes nowhere", relaying{Alert: critical("webui"), Open: true}, time.Time{}, NotRelayedYet},
		{"what is over before it left goes nowhere", relaying{Alert: critical("webui"), Due: now}, time.Time{}, NotRelayedOver},
		{"what waits at a home that works, waits", relaying{Alert: warning, Open: true, Due: now, Waits: ago(time.Hour)}, time.Time{}, NotRelayedWait},
		{"at one that fails it waits for two minutes", relaying{Alert: warning, Open: true, Due: now, Waits: ago(time.Minute), Home: failing}, now.Add(time.Minute), RelayFailed},
		{"what is refused goes at once", relaying{Alert: warning, Open: true, Due: now, Refused: true}, now, RelayRefused},
		{"what can wait for a week waits", relaying{Alert: with(warning, incident.OpenedNow, checks.Warning, checks.Week), Open: true, Due: now, Waits: ago(time.Hour), Home: failing}, time.Time{}, NotRelayedWeek},
		{"of the first list only what is urgent goes", relaying{Alert: with(warning, incident.OpenedNow, checks.Warning, checks.Morning), Open: true, Due: now, Waits: ago(time.Hour), First: true, Home: failing}, time.Time{}, NotRelayedWeek},
		{"worse follows where its opening went", relaying{Alert: with(warning, incident.Worse, checks.Critical, checks.Now), Open: true, Due: now, Before: true}, now, RelayFollows},
		{"the end follows, also where nobody was told otherwise", relaying{Alert: over, Before: true}, now, RelayFollows},
		{"but not in the night of all", relaying{Alert: over, Before: true, Quiet: now.Add(time.Hour)}, now.Add(time.Hour), RelayFollows},
		{"the end of what never went there stays away", relaying{Alert: over, Due: now, Waits: ago(time.Hour), Home: failing}, time.Time{}, NotRelayedOver},
	} {
		t.Run(c.name, func(t *testing.T) {
			if at, why := relay(c.r, now); !at.Equal(c.at) || why != c.why {
				t.Errorf("got %v, %q; want %v, %q", at, why, c.at, c.why)
			}
		})
	}
}

func TestWhichWayAMessageTakes(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	names := []string{"ntfy", "mail"}
	soon := now.Add(time.Minute)
	for _, c := range []struct {
		name  string
		only  string
		tried map[string]string
		rests map[string]time.Time
		way   string
		wait  time.Time
		over  bool
	}{
		{name: "the first one", way: "ntfy"},
		{name: "the next while the first rests", rests: map[string]time.Time{"ntfy": soon}, way: "mail"},
		{name: "the first again once it has rested", rests: map[string]time.Time{"ntfy": now}, way: "ntfy"},
		{name: "the next where the first refused it", tried: map[string]string{"ntfy": triedNo}, way: "mail"},
		{name: "never again where it may be already and nobody can tell", tried: map[string]string{"ntfy": triedLost}, way: "mail"},
		{name: "where it may be and can be looked for, first there", tried: map[string]string{"ntfy": triedDoubt}, way: "ntfy"},
		{name: "none while all rest", rests: map[string]time.Time{"ntfy": soon.Add(time.Minute), "mail": soon}, wait: soon},
		{name: "none is left", tried: map[string]string{"ntfy": triedNo, "mail": triedLost}, over: true},
		{name: "a test takes its own", only: "mail", way: "mail"},
		{name: "and no other", only: "mail", rests: map[string]time.Time{"mail": soon}, wait: soon},
	} {
		t.Run(c.name, func(t *testing.T) {
			way, wait, over := chooseWay(names, c.only, c.tried, c.rests, now)
			if way != c.way || !wait.Equal(c.wait) || over != c.over {
				t.Errorf("got %q, %v, %v; want %q, %v, %v", way, wait, over, c.way, c.wait, c.over)
			}
		})
	}
}

func TestWhenAWayIsTried(t *testing.T) {
	zone := tokyo(t)
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, zone) } // 23 November is a Monday
	for _, c := range []struct {
		name string
		w    wayState
		now  time.Time
		want time.Time
	}{
		{"at once where it never was", wayState{}, at(24, 12), at(24, 12)},
		{"on the next Monday", wayState{asked: at(17, 12), tested: at(17, 12)}, at(17, 13), at(23, 10)},
		{"not twice around one", wayState{asked: at(22, 12), tested: at(22, 12)}, at(22, 13), at(30, 10)},
		{"a week later", wayState{asked: at(23, 10), tested: at(23, 10)}, at(23, 11), at(30, 10)},
		{"daily while it fails", wayState{asked: at(23, 10), tested: at(16, 10)}, at(23, 11), at(24, 10)},
		{"at once where the clock was set back", wayState{asked: at(25, 10), tested: at(25, 10)}, at(24, 11), at(24, 11)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := testDue(c.w, zone, c.now); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestWhatTheHeartbeatIsTold(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	fine := pulse{clock: now.Add(-10 * time.Second), after: relayAfter}
	with := func(change func(*pulse)) pulse { p := fine; change(&p); return p }
	for _, c := range []struct {
		name string
		p    pulse
		want Pulse
		says string
	}{
		{"all looked and all gets out", fine, PulseSuccess, ""},
		{"the clock stands", with(func(p *pulse) { p.clock = now.Add(-time.Minute) }), PulseFail, "the clock of the checks stands still"},
		{"the clock never turned", with(func(p *pulse) { p.clock = time.Time{} }), PulseFail, "the clock of the checks stands still"},
		{"a check did not look", with(func(p *pulse) { p.behind = []string{"disk", "certs"} }), PulseFail, "not looked at in time: disk, certs"},
		{"the state cannot be read", with(func(p *pulse) { p.unread = true }), PulseFail, "my state cannot be read"},
		{"messages do not get out", with(func(p *pulse) { p.outage, p.health.Waiting = now.Add(-3*time.Minute), 2 }), PulseFail, "messages do not get through since 11:57 UTC (2 wait), and no other way works"},
		{"they get out another way", with(func(p *pulse) { p.outage, p.relayed = now.Add(-3*time.Minute), true }), PulseSuccess, ""},
		{"they have failed for a minute only", with(func(p *pulse) { p.outage = now.Add(-time.Minute) }), PulseSuccess, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, says := pulseOf(c.p, now); got != c.want || says != c.says {
				t.Errorf("got %q, %q; want %q, %q", got, says, c.want, c.says)
			}
		})
	}
}

func TestHowAlarmsReachPeopleIsSaid(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	mail := wayState{title: checks.Text{En: "mail", Ja: "メール"}, tested: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	broken := wayState{title: checks.Same("ntfy"), failed: now.Add(-2 * time.Hour), why: "no answer in time"}
	for _, c := range []struct {
		name   string
		ways   []wayState
		here   bool
		en, ja string
	}{
		{"there is no other way", nil, true, "Alarms reach you here.", "警報はここに届きます。"},
		{"by mail too", []wayState{mail}, true, "Alarms reach you here and by mail (tested 23 Nov).", "警報はここと、メール（11/23に確認済み）に届きます。"},
		{
			"one of two fails",
			[]wayState{mail, broken},
			true,
			"Alarms reach you here and by mail (tested 23 Nov).\nBy ntfy nothing has got through since 10:00 (no answer in time).",
			"警報はここと、メール（11/23に確認済み）に届きます。\nntfyでは10:00から送信できていません（no answer in time）。",
		},
		{
			"by one that one of its readers does not get",
			[]wayState{{title: mail.title, tested: mail.tested, why: "recipient: no such mailbox"}},
			true,
			"Alarms reach you here and by mail.\nBy mail not everybody gets them (recipient: no such mailbox).",
			"警報はここと、メールに届きます。\nメールでは一部の宛先に届いていません（recipient: no such mailbox）。",
		},
		{"not here", []wayState{mail}, false, "Alarms reach you by mail (tested 23 Nov).", "警報はメール（11/23に確認済み）に届きます。"},
		{"neither", []wayState{broken}, false, "By ntfy nothing has got through since 10:00 (no answer in time).", "ntfyでは10:00から送信できていません（no answer in time）。"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := checks.Lines(waysText(c.ways, c.here)...)
			for lang, want := range map[checks.Lang]string{checks.English: c.en, checks.Japanese: c.ja} {
				if got := text.Read(checks.Reader{Lang: lang, Zone: time.UTC, Now: now}); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
}

func TestALongTextIsCutBetweenLines(t *testing.T) {
	text := strings.Repeat("a line of some words that say little\n", 40)
	for lang, mark := range map[checks.Lang]string{
		checks.English: "… (too long for this way; the rest is left out)", checks.Japanese: "…（長いため以下を省略しました）",
	} {
		got := cutLines(text, 400, lang)
		if n := len([]rune(got)); n > 400 || n < 300 || !strings.HasSuffix(got, "little\n"+mark) {
			t.Errorf("%d: %q", n, got)
		}
	}
	if got := cutLines("short", 400, checks.English); got != "short" {
		t.Errorf("%q", got)
	}
}
