package mastodon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

func TestTheTokenTellsWhoTheBotIs(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		me, err := w.home.Me(w.t.Context())
		if err != nil || me.ID != w.saba.ID || me.Handle != "saba" || !me.Bot || me.URL == "" {
			w.t.Errorf("me is %+v, %v", me, err)
		}
	})
}

func TestAWrongTokenIsSaidToBeOne(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Revoke(w.token)
		_, err := w.home.Me(w.t.Context())
		if !errors.Is(err, bot.ErrToken) || !strings.Contains(err.Error(), "sandbox.example") || strings.Contains(err.Error(), w.token) {
			w.t.Errorf("the error is %v", err)
		}
		w.home = w.client(w.server.Token(w.saba, "write"))
		if _, err = w.home.Me(w.t.Context()); errors.Is(err, bot.ErrToken) || err == nil || !strings.Contains(err.Error(), "read:accounts") {
			w.t.Errorf("the error is %v", err)
		}
	})
}

func TestWhatAnswersInsteadOfAMastodonIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		is      error // nil: not a final word
		says    string
	}{
		"the page of a web server":      {says(200, "text/html", "<title>Welcome to nginx!</title>"), bot.ErrNotMastodon, "Welcome to nginx"},
		"a page that is not found":      {says(404, "text/html", "<title>404 Not Found</title>"), bot.ErrNotMastodon, "404"},
		"JSON of something else":        {says(200, "application/json", `{"status":"ok"}`), bot.ErrNotMastodon, "JSON of another kind"},
		"JSON of another shape":         {says(200, "application/json", `[1, 2]`), bot.ErrNotMastodon, "JSON of another kind"},
		"plain words":                   {says(200, "text/plain", "It works!"), bot.ErrNotMastodon, "It works!"},
		"nothing":                       {says(200, "text/plain", ""), bot.ErrNotMastodon, ""},
		"an API that lacks the path":    {says(404, "application/json", `{"error":"no such endpoint"}`), bot.ErrNotMastodon, "no such endpoint"},
		"a refusal of the token":        {says(401, "application/json", `{"error":"The access token is invalid"}`), bot.ErrToken, "token is invalid"},
		"a token without an account":    {says(422, "application/json", `{"error":"This method requires an authenticated user"}`), bot.ErrToken, "application"},
		"a server that is down":         {says(502, "text/html", "<title>502 Bad Gateway</title>"), nil, "502"},
		"a challenge before the server": {says(403, "text/html", "<title>Just a moment...</title>"), nil, "browser"},
		"too many requests":             {says(429, "application/json", `{"error":"Throttled"}`), nil, "too many requests"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stranger(t, c.handler).Me(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("the error is %v, want %q in it", err, c.says)
			}
			for _, known := range []error{bot.ErrToken, bot.ErrNotMastodon, bot.ErrNoSuchAccount} {
				if errors.Is(err, known) != (known == c.is) {
					t.Errorf("%v: is %q: %v", err, known, errors.Is(err, known))
				}
			}
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestASettingThatIsNoServerIsRefusedAtOnce(t *testing.T) {
	for server, want := range map[string]string{
		"":                               "empty",
		"mastodon.example":               "no scheme",
		"http://mastodon.example":        "plain http",
		"https://mastodon.example/@saba": "goes on after the host",
	} {
		if _, err := New(Options{Server: server, Token: checks.NewSecret("x")}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q in it", server, err, want)
		}
	}
	if _, err := New(Options{Server: "https://mastodon.example"}); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("without a token the error is %v", err)
	}
}

func TestThePostsLengthIsTheServersOwn(t *testing.T) {
	for name, c := range map[string]struct {
		opts sandbox.Options
		want bot.Limits
	}{
		"Mastodon":   {sandbox.Options{}, bot.Limits{Characters: 500, URL: 23}},
		"a fork":     {sandbox.Options{MaxCharacters: 1234}, bot.Limits{Characters: 1234, URL: 23}},
		"GoToSocial": {sandbox.Options{Flavour: sandbox.GoToSocial}, bot.Limits{Characters: 5000, URL: 23}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, c.opts, func(w *world) {
				if got, err := w.home.Limits(w.t.Context()); err != nil || got != c.want {
					t.Errorf("limits %+v, %v, want %+v", got, err, c.want)
				}
				w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, PathPrefix: "/api/v2/instance", Status: 404})
				if got, err := w.home.Limits(w.t.Context()); err != nil || got != c.want {
					t.Errorf("by the first version %+v, %v, want %+v", got, err, c.want)
				}
				w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, PathPrefix: "/api/v1/instance", Status: 500})
				if got, err := w.home.Limits(w.t.Context()); err == nil || got != (bot.Limits{Characters: 500, URL: 23}) {
					t.Errorf("when nothing answers %+v, %v", got, err)
				}
			})
		})
	}
}

func TestTheLengthThatOnlyOldForksTellIsFound(t *testing.T) {
	h := stranger(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/instance" {
			says(200, "application/json", `{"uri":"fork.example","version":"4.2.1+glitch","max_toot_chars":777}`)(w, r)
			return
		}
		says(200, "application/json", `{"domain":"fork.example","version":"4.2.1+glitch"}`)(w, r)
	})
	if got, err := h.Limits(t.Context()); err != nil || got != (bot.Limits{Characters: 777, URL: 23}) {
		t.Errorf("limits %+v, %v", got, err)
	}
}

func TestTheBotFollowsAndTellsWhoFollows(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		ctx := w.t.Context()
		if err := w.home.Follow(ctx, w.alice.ID); err != nil {
			w.t.Fatal(err)
		}
		w.server.Follow(w.alice, w.saba)
		if got, err := w.home.Relation(ctx, w.alice.ID); err != nil || got != (bot.Relation{Following: true, FollowedBy: true}) {
			w.t.Errorf("relation %+v, %v", got, err)
		}
		w.server.Block(w.evil, w.saba)
		if got, err := w.home.Relation(ctx, w.evil.ID); err != nil || got != (bot.Relation{Blocked: true}) {
			w.t.Errorf("relation to who blocks %+v, %v", got, err)
		}
		carol := w.server.AddAccount(sandbox.Account{Username: "carol", Locked: true})
		if err := w.home.Follow(ctx, carol.ID); err != nil {
			w.t.Fatal(err)
		}
		if got, err := w.home.Relation(ctx, carol.ID); err != nil || got != (bot.Relation{Requested: true}) {
			w.t.Errorf("relation to who is locked %+v, %v", got, err)
		}
		for _, id := range []string{"4711", "../../admin", ""} {
			if err := w.home.Follow(ctx, id); err == nil {
				w.t.Errorf("followed %q", id)
			}
			if _, err := w.home.Relation(ctx, id); err == nil {
				w.t.Errorf("a relation to %q", id)
			}
		}
		w.home = w.client(w.server.Token(w.saba, "read:accounts"))
		if err := w.home.Follow(ctx, w.alice.ID); err == nil || !strings.Contains(err.Error(), "write:follows") {
			w.t.Errorf("without the scope: %v", err)
		}
		if _, err := w.home.Relation(ctx, w.alice.ID); err == nil || !strings.Contains(err.Error(), "read:follows") {
			w.t.Errorf("without the scope: %v", err)
		}
	})
}

func TestTheDoorIsOpenedWhereThereIsOne(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		there, err := w.home.OpenDoor(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if !there {
			if got := w.home.Health().Door; got != DoorNone {
				w.t.Errorf("the door is %s", got)
			}
			return
		}
		for name, value := range w.server.Policy(w.saba) {
			if value != "accept" {
				w.t.Errorf("%s is %s", name, value)
			}
		}
		if got := w.home.Health().Door; got != DoorOpen {
			w.t.Errorf("the door is %s", got)
		}
		// A second time there is nothing to change.
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Method: http.MethodPatch})
		if there, err = w.home.OpenDoor(w.t.Context()); err != nil || !there {
			w.t.Errorf("the second time: %v, %v", there, err)
		}
	})
}

func TestThereIsADoorSinceMastodon43Only(t *testing.T) {
	for name, want := range map[string]bool{"Mastodon 4.5": true, "Mastodon 4.2": false, "GoToSocial": false} {
		inWorld(t, flavours[name], func(w *world) {
			if there, err := w.home.OpenDoor(w.t.Context()); err != nil || there != want {
				t.Errorf("%s: %v, %v", name, there, err)
			}
		})
	}
}

func TestADoorThatStaysShutIsAnErrorThatSaysWhy(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		for scopes, want := range map[string]string{
			"read:accounts":      "read:notifications",
			"read:notifications": "write:notifications",
		} {
			w.home = w.client(w.server.Token(w.saba, scopes))
			if there, err := w.home.OpenDoor(w.t.Context()); err == nil || there || !strings.Contains(err.Error(), want) {
				w.t.Errorf("with %s: %v, %v", scopes, there, err)
			}
		}
		if got := w.home.Health().Door; got != DoorShut && got != DoorUnknown {
			w.t.Errorf("the door is %s", got)
		}
	})
	h := stranger(t, says(200, "application/json", `{"for_private_mentions":"filter","for_bots":"drop"}`))
	if _, err := h.OpenDoor(t.Context()); err == nil || !strings.Contains(err.Error(), "still") {
		t.Errorf("a change that was not kept: %v", err)
	}
	h = stranger(t, says(404, "text/html", "<title>gone</title>"))
	if _, err := h.OpenDoor(t.Context()); err == nil {
		t.Error("a page that is not found was taken for a server without a filter")
	}
}

func TestTheStreamWakesOnEveryMentionAndIsClosedWithItsContext(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.t.Context())
		wakes := make(chan struct{}, 100)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.home.Listen(ctx, func() { wakes <- struct{}{} })
		}()
		<-wakes // connected
		synctest.Wait()
		if state := w.home.Health().Stream; !state.Connected || state.Trouble != api.NoTrouble {
			w.t.Errorf("the stream is %+v", state)
		}
		w.server.Follow(w.saba, w.alice) // so that she is not filtered
		w.say(w.alice, "@saba status")
		<-wakes
		w.pass(5 * time.Minute)
		if state := w.home.Health().Stream; !state.Connected {
			w.t.Errorf("after five quiet minutes the stream is %+v", state)
		}

		second := make(chan struct{})
		other, stop := context.WithCancel(w.t.Context())
		go func() {
			defer close(second)
			w.home.Listen(other, func() { w.t.Error("a second connection") })
		}()
		w.pass(time.Minute)
		if n := w.server.Streams(); n != 1 {
			w.t.Errorf("%d connections", n)
		}
		stop()
		<-second

		cancel()
		<-ended
		synctest.Wait()
		if state := w.home.Health().Stream; state.Connected || w.server.Streams() != 0 {
			w.t.Errorf("after its end the stream is %+v", state)
		}
	})
}

func TestListeningWaitsForAServerThatIsDownAndEndsWithItsContext(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		down := w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: 502})
		ctx, cancel := context.WithCancel(w.t.Context())
		wakes := make(chan struct{}, 100)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.home.Listen(ctx, func() { wakes <- struct{}{} })
		}()
		w.pass(time.Hour)
		if n := down.Count(); n == 0 || n > 40 {
			w.t.Errorf("%d requests in an hour", n)
		}
		down.Stop()
		<-wakes
		w.server.KickStreams()
		<-wakes // connected again
		cancel()
		<-ended
	})
}

func TestHealthTellsTheSoftwareAndWhatIsLeftOfTheLimits(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		if got := w.home.Health(); got.Software != "" || got.Door != DoorUnknown {
			w.t.Errorf("before anything was asked: %+v", got)
		}
		if _, err := w.home.Limits(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		w.deliver(w.message("hello"))
		got := w.home.Health()
		if got.Software != "4.5.2" || got.Server != "sandbox.example" || got.Budgets[api.Posts].Limit == 0 {
			w.t.Errorf("health %+v", got)
		}
	})
}
