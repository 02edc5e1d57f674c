package streaming

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	checkstest.Contract(t, w.kind, checkstest.Table(fmt.Sprintf("ports = [%d]", portOf(t, addrOf(w.first)))))
}

func TestWithoutADomainThereIsNothingToLookAt(t *testing.T) {
	t.Parallel()
	_, err := Kind(&site.Site{}, nil).New(checkstest.Table(""))
	var missing *checks.NotSetUp
	if !errors.As(err, &missing) || missing.Setting != "[server] domain" {
		t.Errorf("%v", err)
	}
	if _, err := Kind(&site.Site{Domain: domain}, nil).New(checkstest.Table("ports = [70000]")); err == nil || err.Error() != "ports: 70000 is no port" {
		t.Errorf("%v", err)
	}
}

func TestAHealthyServerSaysHowSoonAnEventArrives(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	first := w.look(t)
	healthy(t, first)
	if w.count() != 0 {
		t.Error("the first look of all has made a post")
	}
	says(t, first.Summary, "WebSocket opens in ", "WebSocket接続")
	w.past.Bands = map[checkstest.Series]checks.Band{{Name: eventDelay}: {Mid: 0.2}}
	o := w.look(t)
	healthy(t, o)
	readAloud(t, o)
	says(t, o.Summary, "test post heard after ", "テスト投稿は")
	says(t, o.Summary, " (usually 200 ms)", "（普段200ms）")
	says(t, o.Summary, ", health OK in ", "、ヘルスチェック")
	if d := checkstest.Value(t, o, eventDelay, ""); d <= 0 || d > 2 {
		t.Errorf("took %v s", d)
	}
	port := strconv.Itoa(portOf(t, addrOf(w.first)))
	for name, subject := range map[string]string{healthTime: "", clients: port, eventloopLag: port, heardPerMin: port} {
		checkstest.Value(t, o, name, subject)
	}
	if v := checkstest.Value(t, o, eventloopLag, port); v != 0.012 {
		t.Errorf("lag %v", v)
	}
	if w.count() != 1 || w.left() != 0 {
		t.Errorf("%d posts made, %d left", w.count(), w.left())
	}
	for _, address := range w.addresses() {
		if strings.Contains(address, goodToken) {
			t.Errorf("the token stands in an address: %s", address)
		}
	}
}

func TestAQuietServerIsNotDead(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "post = false")
	w.look(t)
	o := w.look(t)
	healthy(t, o)
	says(t, o.Summary, " and pings", "（pingあり）")
	if w.count() != 0 {
		t.Error("a post was made though it may not be")
	}
}

func TestALookThatIsAskedForMakesThePostAtOnce(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	healthy(t, w.thorough(t))
	if w.count() != 1 || w.left() != 0 {
		t.Errorf("%d posts made, %d left", w.count(), w.left())
	}
}

// ills are what can be wrong with the server or the proxy, as the whole of a
// look says it.
func TestWhatIsWrongIsFoundAndMends(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	well := fmt.Sprintf(asMastodonSays, "")
	for _, tt := range []struct {
		name   string
		habits habits
		proxy  string
		code   string
		road   checks.Road
		en, ja string
	}{
		{
			name: "deaf: it opens, and nothing comes", habits: habits{deaf: true},
			code: codeDead, en: "no ping came within 2 s", ja: "2秒待ってもpingが来ない",
		},
		{
			name: "health says HTML of something else", habits: habits{health: "<html><title>Welcome</title>"},
			code: codeDead, en: "something else answers there", ja: "別のものが応答",
		},
		{
			name: "health says something else that is not HTML", habits: habits{health: "pong"},
			code: codeDead, en: "something else answers there", ja: "別のものが応答",
		},
		{
			name: "the proxy does not pass the upgrade on", proxy: noUpgrade,
			code: codeDead, en: "does not pass the WebSocket's Upgrade on", ja: "Upgradeを通していない",
		},
		{
			name: "streaming answers handshakes with 500", habits: habits{handshakes: 500},
			code: codeDead, en: "streaming's WebSocket does not open under mastodon.example (500 Internal Server Error)", ja: "つながりません（mastodon.example、500",
		},
		{
			name: "the proxy answers 502", proxy: "location ^~ /api/v1/streaming { return 502; }\n",
			code: codeDead, en: "streaming does not answer under mastodon.example (502 Bad Gateway)", ja: "応答しません（mastodon.example、502 Bad Gateway）",
		},
		{
			name: "the proxy sends it to the web process", proxy: "location ^~ /api/v1/streaming { return 404; }\n",
			code: codeDead, en: "does not lead to streaming (404 Not Found)", ja: "ストリーミングにつながっていません",
		},
		{
			name: "connections end at once", habits: habits{life: time.Millisecond, noEvents: true},
			code: codeDead, en: "(it is closed at once)", ja: "すぐに切断される",
		},
		{
			name: "no event, and nothing from Redis", habits: habits{noEvents: true},
			code: codeEvent, en: "heard nothing from Redis meanwhile", ja: "Redisから何も受け取っていません",
		},
		{
			name: "no event, though Redis tells something", habits: habits{noEvents: true, redis: true},
			code: codeEvent, en: "did hear from Redis meanwhile (messages: 14)", ja: "Redisからは受け取っています（14件）",
		},
		{
			name: "an event that is late", habits: habits{late: 1300 * time.Millisecond},
			code: codeEvent, en: "events arrive late: a test post took 1.", ja: "到着が遅れています（テスト投稿で1.",
		},
		{
			name: "public channels answered with 500", habits: habits{refuse: 500},
			code: codeChannel, en: "\"An unexpected error occurred\" (500)", ja: "（500「An unexpected error occurred」）",
		},
		{
			name: "a token without the scope to listen", habits: habits{noRead: true},
			code: codeToken, road: checks.Morning, en: "scope read:statuses is missing", ja: "read:statusesの権限不足",
		},
		{
			name: "a token without the scope to post", habits: habits{noWrite: true},
			code: codeToken, road: checks.Morning, en: "scope write:statuses is missing", ja: "write:statusesの権限不足",
		},
		{
			name: "an account that may not post", habits: habits{noPosting: 403},
			code: codeToken, road: checks.Morning, en: "account may not make the test post (403 Forbidden)", ja: "テスト投稿ができません（403",
		},
		{
			name: "a token that was revoked", habits: habits{revoked: true},
			code: codeToken, road: checks.Morning, en: "probably it was revoked (401 Unauthorized)", ja: "無効化された可能性が高いです（401 Unauthorized）",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.past.Memory = nil
			healthy(t, w.look(t))
			w.be(tt.habits)
			if tt.proxy != "" {
				w.Reload(t, w.proxied(tt.proxy))
			}
			for range 2 {
				o := w.look(t)
				f, ok := checkstest.Find(o, tt.code, "")
				if !ok || f.Severity != checks.Warning || f.Holds || f.Road != tt.road {
					t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
				}
				says(t, f.Text, tt.en, tt.ja)
				for _, other := range o.Findings {
					if other.Code != tt.code && !other.Holds {
						t.Errorf("found as well: %+v", other)
					}
				}
				says(t, o.Summary, f.Text.Headline().En, f.Text.Headline().Ja)
				readAloud(t, o)
			}
			w.be(habits{})
			if tt.proxy != "" {
				w.Reload(t, w.proxied(well))
			}
			healthy(t, w.look(t))
			healthy(t, w.look(t))
			if w.left() != 0 {
				t.Errorf("%d posts left", w.left())
			}
		})
	}
}

// readAloud writes a look out as people read it.
func readAloud(t *testing.T, o checks.Observation) {
	t.Helper()
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		r := checks.Reader{Lang: l, Now: time.Now()}
		for _, f := range o.Findings {
			t.Logf("%s\n%s\n%s", r.Write(f.Text.In(l)), f.Advice.Text.In(l), f.Advice.Look)
			for _, m := range f.Advice.Mend {
				t.Logf("%s", m)
			}
		}
		for _, b := range o.Blind {
			t.Logf("? %s\n%s", r.Write(b.Why.In(l)), b.Mend.Text.In(l))
		}
		t.Logf("= %s", r.Write(o.Summary.In(l)))
	}
}

func TestWhatIsDeadForAQuarterOfAnHourIsCritical(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.look(t)
	for _, tt := range []struct {
		code   string
		habits habits
	}{{codeDead, habits{deaf: true}}, {codeEvent, habits{noEvents: true}}} {
		w.be(tt.habits)
		w.look(t)
		w.remembers(t, func(m *memory) {
			if !m.Dead.IsZero() {
				m.Dead = m.Dead.Add(-15 * time.Minute)
			}
			if !m.Event.Missing.IsZero() {
				m.Event.Missing = m.Event.Missing.Add(-15 * time.Minute)
			}
		})
		o := w.look(t)
		f, ok := checkstest.Find(o, tt.code, "")
		if !ok || f.Severity != checks.Critical || f.Road != checks.Now || f.Harm.IsZero() {
			t.Errorf("%s: %+v", tt.code, o.Findings)
		}
		r := checks.Reader{Lang: checks.English, Now: time.Now()}
		says(t, checks.Same(r.Write(f.Text.En)), "It has been so for 15 min.", "")
		readAloud(t, o)
		w.be(habits{})
		healthy(t, w.look(t))
	}
}

func TestALevelThatIsNotReachedResolvesNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.look(t)
	w.be(habits{noEvents: true, refuse: 500})
	o := w.look(t)
	for _, code := range []string{codeEvent, codeChannel} {
		if _, ok := checkstest.Find(o, code, ""); !ok {
			t.Fatalf("%s: %+v", code, o.Findings)
		}
	}
	w.remembers(t, func(m *memory) { m.Idle = idleMemo{At: time.Now(), State: idleCut, Lived: time.Minute} })
	for _, h := range []habits{{deaf: true}, {health: "no"}, {revoked: true}} {
		w.be(h)
		o = w.look(t)
		for _, code := range []string{codeEvent, codeIdle, codeChannel} {
			if !held(o, code) {
				t.Errorf("%+v: %s would be resolved: %+v %+v", h, code, o.Findings, o.Blind)
			}
		}
	}
	// And the other way round: what is dead stays so where the token is lost.
	w.past.Memory = nil
	w.be(habits{})
	w.look(t)
	w.be(habits{deaf: true})
	w.look(t)
	w.be(habits{revoked: true})
	if o = w.look(t); !held(o, codeDead) {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestOneOfTwoProcessesThatIsDeadIsNamed(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	healthy(t, w.look(t))
	w.second.Close()
	second := strconv.Itoa(portOf(t, addrOf(w.second)))
	o := w.look(t)
	f, ok := checkstest.Find(o, codePort, second)
	if !ok || f.Severity != checks.Warning || f.Road != checks.Now || f.Holds || len(o.Findings) != 1 {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, "streaming on port "+second+" does not answer (connection refused)", "ポート"+second+"のストリーミングが応答しません（接続拒否）")
	if got := f.Advice.Mend[0].String(); got != "sudo systemctl restart mastodon-streaming@"+second {
		t.Error(got)
	}
	readAloud(t, o)
	w.first.Close()
	o = w.look(t)
	if f, ok = checkstest.Find(o, codeDead, ""); !ok {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, "streaming is down: ports ", "ストリーミングが止まっています（ポート")
	if !held(o, codePort) {
		t.Errorf("%+v", o.Findings)
	}
	readAloud(t, o)
}

func TestWithoutATokenTheFirstTwoLevelsAreSeenAndTheRestIsNotSetUp(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), nil, "")
	for range 2 {
		o := w.look(t)
		if len(o.Findings) != 0 || len(o.Blind) != 0 {
			t.Fatalf("%+v %+v", o.Findings, o.Blind)
		}
		says(t, o.Summary, "health OK in ", "ヘルスチェック")
		says(t, o.Summary, "; whether events arrive is not looked at: that needs [server] token_file", "イベントが届くかは未確認（[server] token_file が必要）")
		readAloud(t, o)
	}
	w.Reload(t, w.proxied("location ^~ /api/v1/streaming { return 404; }\n"))
	o := w.look(t)
	f, ok := checkstest.Find(o, codeDead, "")
	if !ok {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, f.Text, "does not lead to streaming", "つながっていません")
	w.Reload(t, w.proxied(fmt.Sprintf(asMastodonSays, "")))
	if o = w.look(t); len(o.Findings) != 0 {
		t.Errorf("%+v", o.Findings)
	}
}

func TestATokenThatIsTakenAwayResolvesNothing(t *testing.T) {
	t.Parallel()
	none := sight{
		now: time.Now(), public: outcome{state: well}, pace: usualPace(),
		socket: socket{state: tokenless, outcome: outcome{err: &checks.NotSetUp{Setting: "[server] token_file"}}},
	}
	o, _ := judge(none, memory{Event: eventMemo{State: missing, Bad: time.Now().Add(-time.Hour), Missing: time.Now().Add(-time.Hour)}})
	if len(o.Blind) != 1 || o.Blind[0].Code != codeEvent {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestATokenThatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), func(context.Context) (checks.Secret, error) {
		return checks.Secret{}, errors.New("[server] token_file: /etc/sababan/server-token: permission denied")
	}, "")
	o := w.look(t)
	if len(o.Findings) != 0 || len(o.Blind) != 1 {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, o.Blind[0].Why, "permission denied", "permission denied")
	readAloud(t, o)
}

func TestAServerWithoutAHealthAddressIsToldAndNotAlarmed(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "post = false")
	w.c = checkstest.Make(t, w.kind, "ports = []\npost = false")
	w.be(habits{noHealth: true, version: "0.19.1 GoToSocial"})
	w.look(t)
	o := w.look(t)
	healthy(t, o)
	says(t, o.Summary, "this server has no health address", "ヘルスチェックのないサーバー")
	w.kind = kindAt(w.site, nil, quick())
	w.c = checkstest.Make(t, w.kind, "ports = []")
	o = w.look(t)
	if len(o.Findings) != 0 || !held(o, codeDead) {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	readAloud(t, o)
}

func TestChannelsThatNotEverybodyMayFollowAreNoFault(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.be(habits{refuse: 500, live: "disabled"})
	w.look(t)
	healthy(t, w.look(t))
	w.past.Memory = nil
	w.be(habits{refuse: 403})
	w.look(t)
	healthy(t, w.look(t))
}

func TestAPostThatIsKeptOutOfTheHomeIsHeardAsAConversation(t *testing.T) {
	t.Parallel()
	p := quick()
	p.settle = 300 * time.Millisecond // the channel is subscribed to after the connection is there
	w := begin(t, p, good, "")
	w.be(habits{hideDirect: true})
	w.look(t)
	o := w.look(t)
	healthy(t, o)
	checkstest.Value(t, o, eventDelay, "")
}

func TestStreamingUnderAnotherNameIsListenedToThere(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.Reload(t, w.proxied(fmt.Sprintf(asMastodonSays, "if ($host = "+domain+") { return 404; }")))
	w.be(habits{elsewhere: "wss://" + w.Addr})
	w.look(t)
	healthy(t, w.look(t))
	if w.count() != 1 {
		t.Errorf("%d posts made", w.count())
	}
}

func TestAPostThatCannotBeMadeIsABlindSpot(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.look(t)
	w.be(habits{noPosting: 503})
	o := w.look(t)
	if len(o.Findings) != 0 || !held(o, codeEvent) {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, o.Blind[0].Why, "could not be made (503 Service Unavailable)", "（503 Service Unavailable）")
	w.be(habits{})
	healthy(t, w.look(t))
}

func TestAPostThatCouldNotBeDeletedIsDeletedLater(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.look(t)
	w.be(habits{noDelete: true})
	w.look(t)
	w.look(t)
	if w.left() != 2 {
		t.Fatalf("%d posts left, the test is no test", w.left())
	}
	w.be(habits{})
	w.look(t)
	w.look(t)
	if w.left() != 0 {
		t.Errorf("%d posts left", w.left())
	}
}

func TestAServerThatCannotBeReachedForAReasonOfOursIsNotDead(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.site.Roots = checkstest.NewCA(t, "Other").Roots()
	w.kind = kindAt(w.site, good, quick())
	w.c = checkstest.Make(t, w.kind, "ports = []")
	_, err := w.c.Look(t.Context(), w.past)
	var unseenErr *checks.Unseen
	if !errors.As(err, &unseenErr) {
		t.Fatalf("%v", err)
	}
	says(t, unseenErr.Why, "the certificate is not accepted", "証明書に問題がある")
	w.c = checkstest.Make(t, w.kind, checkstest.Table(fmt.Sprintf("ports = [%d]", portOf(t, addrOf(w.first)))))
	if o := w.look(t); len(o.Findings) != 0 || !held(o, codeDead) {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestAPostForWhichThereIsTooLittleTimeSaysNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	w.look(t)
	w.be(habits{noEvents: true})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	o, err := w.c.(checks.Thorough).LookThoroughly(ctx, w.past)
	if err != nil {
		t.Fatal(err)
	}
	healthy(t, o)
	if w.count() != 1 || w.left() != 0 {
		t.Errorf("%d posts made, %d left", w.count(), w.left())
	}
}

func TestATokenThatIsNoneIsSaidAsOurs(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), func(context.Context) (checks.Secret, error) { return checks.NewSecret("two words"), nil }, "")
	o := w.look(t)
	f, ok := checkstest.Find(o, codeToken, "")
	if !ok || f.Road != checks.Morning || len(o.Findings) != 1 {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, f.Text, "a character that no token has", "使えない文字")
}

func TestAServerThatLetsOnlyBrowsersInIsNotDead(t *testing.T) {
	t.Parallel()
	w := begin(t, quick(), good, "")
	healthy(t, w.look(t))
	w.Reload(t, w.proxied("location ^~ /api/v1/streaming { return 403; }\n"))
	o := w.look(t)
	if len(o.Findings) != 0 || !held(o, codeDead) {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, o.Blind[0].Why, "behind a page for browsers (403 Forbidden)", "ブラウザ向けのページ")
	readAloud(t, o)
}
