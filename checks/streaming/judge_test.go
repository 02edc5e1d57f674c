package streaming

import (
	"testing"
	"time"
)

func TestWhereStreamingIsReached(t *testing.T) {
	for _, tt := range []struct {
		announced string
		want      base
	}{
		{"", base{host: domain, own: true}},
		{"wss://mastodon.example", base{host: domain, own: true}},
		{"wss://MASTODON.example:443/", base{host: domain, own: true}},
		{"wss://streaming.example", base{host: "streaming.example"}},
		{"wss://streaming.example:8443/live/", base{host: "streaming.example:8443", path: "/live"}},
		{"wss://mastodon.example/api/v1/streaming", base{host: domain, own: true}},
		{"ws://streaming.example", base{host: domain, own: true}}, // would show the token
		{"wss://me:word@streaming.example", base{host: domain, own: true}},
		{"javascript:alert(1)", base{host: domain, own: true}},
		{"wss://[::1", base{host: domain, own: true}},
	} {
		if got := baseOf(domain, tt.announced); got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.announced, got, tt.want)
		}
	}
}

func TestWhenTheOwnPostIsMade(t *testing.T) {
	p, now := usualPace(), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	sure := eventMemo{State: arrived, Alike: 5}
	bad := eventMemo{State: missing, Alike: 5, Bad: ago(time.Hour)}
	for _, tt := range []struct {
		name string
		memo eventMemo
		age  time.Duration
		want bool
	}{
		{"never before", eventMemo{}, 0, true},
		{"well, two minutes ago", sure, 2 * time.Minute, false},
		{"well, ten minutes ago", sure, 10 * time.Minute, true},
		{"well, ten minutes ago but for a few seconds of jitter", sure, 10*time.Minute - 20*time.Second, true},
		{"missing for the first time, two minutes ago", eventMemo{State: missing, Alike: 1, Bad: ago(0)}, 2 * time.Minute, true},
		{"missing for the first time, one minute ago", eventMemo{State: missing, Alike: 1, Bad: ago(0)}, time.Minute, false},
		{"missing for long, two minutes ago", bad, 2 * time.Minute, false},
		{"missing for long, four minutes ago", bad, 4 * time.Minute, true},
		{"well again for the first time", eventMemo{State: arrived, Alike: 1}, 2 * time.Minute, true},
		{"it cannot be made", eventMemo{State: unposted, Alike: 3}, 4 * time.Minute, false},
		{"it cannot be made, ten minutes ago", eventMemo{State: unposted, Alike: 3}, 10 * time.Minute, true},
		{"a clock that was set back", sure, -time.Hour, true},
	} {
		tt.memo.At = ago(tt.age)
		if got := tt.memo.due(now, p); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestTheOwnPostsStayWithinTheServersLimits(t *testing.T) {
	// Mastodon: 300 posts in three hours, 30 deletions in half an hour; the bot
	// deletes up to 20 of its own in that time.
	p := usualPace()
	if n := 3 * time.Hour / p.gap; n > 300 {
		t.Errorf("%d posts in three hours", n)
	}
	if n := 30*time.Minute/p.again + 1; n > 10 {
		t.Errorf("%d deletions in half an hour while no event arrives", n)
	}
	if n := 30 * time.Minute / p.gap; n > 30 {
		t.Errorf("%d deletions in half an hour when somebody asks again and again", n)
	}
}

func TestTheMemoryOfTheOwnPost(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 22, 12, minute, 0, 0, time.UTC) }
	e := eventMemo{}.then(eventMemo{At: at(0), State: arrived})
	e = e.then(eventMemo{At: at(10), State: missing, bad: true})
	if e.Alike != 1 || !e.Bad.Equal(at(10)) || !e.Missing.Equal(at(10)) {
		t.Errorf("first missing: %+v", e)
	}
	e = e.then(eventMemo{At: at(12), State: missing, bad: true})
	if e.Alike != 2 || !e.Missing.Equal(at(10)) {
		t.Errorf("second missing: %+v", e)
	}
	e = e.then(eventMemo{At: at(16), State: unposted})
	if !e.Bad.Equal(at(10)) || !e.Missing.Equal(at(10)) {
		t.Errorf("what could not be posted says nothing: %+v", e)
	}
	e = e.then(eventMemo{At: at(20), State: arrived, bad: true})
	if !e.Bad.Equal(at(10)) || !e.Missing.IsZero() {
		t.Errorf("late is no longer missing: %+v", e)
	}
	e = e.then(eventMemo{At: at(24), State: arrived})
	if !e.Bad.IsZero() || e.Alike != 1 {
		t.Errorf("well again: %+v", e)
	}
}

func TestNumbersOfAStreamingProcess(t *testing.T) {
	n := readNumbers([]byte("# HELP x\nconnected_clients{type=\"websocket\"} 12\nconnected_clients{type=\"event{source}\"} 3 1795340134098\n" +
		"mastodon_streaming_redis_messages_received_total 4e2\nnodejs_eventloop_lag_seconds 0.5\nnodejs_eventloop_lag_p99_seconds NaN\n" +
		"connected_clients\nconnected_clients{ 9\nredis_messages_received_total -3\n\x00\xff{} 1\n"))
	if n.clients == nil || *n.clients != 15 || n.heard == nil || *n.heard != 400 || n.lag == nil || *n.lag != 0.5 {
		t.Errorf("%+v", n)
	}
	if n := readNumbers([]byte("<html>not numbers</html>")); n.clients != nil || n.heard != nil || n.lag != nil {
		t.Errorf("%+v", n)
	}
}

func TestWhatTheServerSaysAgainstUs(t *testing.T) {
	for text, want := range map[string]bool{
		`{"error":"Access token does not have the required scopes","status":401}`:                 true,
		`{"stream":["user"],"event":"update","payload":"{\"content\":\"an {\\\"error\\\":1}\"}"}`: false,
		`{"error":7}`: false,
		`"error"`:     false,
		`[`:           false,
	} {
		if _, got := refusalIn([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func FuzzWhatComesFromOutside(f *testing.F) {
	f.Add([]byte(`{"error":"x","status":401}`), "wss://a.example/b")
	f.Add([]byte("connected_clients{} 1\n"), "://")
	f.Fuzz(func(t *testing.T, data []byte, address string) {
		_, _ = refusalIn(data)
		_ = readNumbers(data)
		if b := baseOf(domain, address); b.host == "" {
			t.Error("no host")
		}
	})
}
