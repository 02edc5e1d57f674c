package bot_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
)

func hourly() *bot.Beat {
	return &bot.Beat{Field: "sababan", Every: time.Hour, Form: func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }}
}

// fields is the bot's profile, as anybody sees it.
func (w *world) fields() string {
	w.t.Helper()
	a, _ := w.server.Account(w.bot.ID)
	var out []string
	for _, f := range a.Fields {
		out = append(out, f.Name+"="+f.Value)
	}
	return strings.Join(out, " ")
}

func TestTheLastRoundIsWrittenIntoTheProfileHourly(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		w.beat = hourly()
		w.profile(sandbox.Field{Name: "Owner", Value: "<alice> & co"})
		w.until(12, 0)
		w.start()
		w.pass(time.Minute)
		if got := w.fields(); got != "Owner=<alice> & co sababan=2000-01-01T12:00Z" {
			t.Errorf("%q", got)
		}
		w.pass(58 * time.Minute)
		if got := w.fields(); !strings.HasSuffix(got, "sababan=2000-01-01T12:00Z") {
			t.Errorf("written twice within an hour: %q", got)
		}
		w.pass(2 * time.Minute)
		if got := w.fields(); !strings.HasSuffix(got, "sababan=2000-01-01T12:59Z") {
			t.Errorf("%q", got)
		}
		// A restart writes no second time.
		w.stop()
		w.pass(10 * time.Minute)
		w.start()
		w.pass(10 * time.Minute)
		if got := w.fields(); got != "Owner=<alice> & co sababan=2000-01-01T12:59Z" {
			t.Errorf("%q", got)
		}
		w.stop()
		w.pass(5 * time.Hour)
		w.start()
		w.pass(time.Minute)
		if got := w.fields(); got != "Owner=<alice> & co sababan=2000-01-01T18:21Z" {
			t.Errorf("after a long silence: %q", got)
		}
	})
}

func TestTheProfileIsLeftAloneWhereNobodyWantsIt(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		w.until(12, 0)
		w.start()
		w.pass(3 * time.Hour)
		if got := w.fields(); got != "" {
			t.Errorf("%q", got)
		}
	})
}

func TestAProfileWithoutRoomAndATokenThatMayNotAreSaidOnceInTheLog(t *testing.T) {
	full := []sandbox.Field{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "c", Value: "3"}, {Name: "d", Value: "4"}}
	for name, c := range map[string]struct {
		fields []sandbox.Field
		scopes []string
		want   string
	}{
		"no room":    {full, nil, "the profile has no free field: it has 4"},
		"may not":    {nil, []string{"read", "write:statuses", "write:media", "write:notifications", "write:follows"}, "the token may lack the scope write:accounts"},
		"room again": {full[:3], nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				w.beat = hourly()
				w.profile(c.fields...)
				if c.scopes != nil {
					w.token = w.server.Token(w.bot, c.scopes...)
				}
				w.until(12, 0)
				before := w.fields()
				w.start()
				w.pass(3 * time.Hour)
				w.logMu.Lock()
				said := strings.Count(w.log.String(), "could not be written into the profile")
				named := strings.Contains(w.log.String(), c.want)
				w.logMu.Unlock()
				if c.want == "" {
					if said != 0 || !strings.Contains(w.fields(), "sababan=2000-01-01T") {
						t.Errorf("said %d times; %q", said, w.fields())
					}
					return
				}
				if said != 1 || !named || w.fields() != before {
					t.Errorf("said %d times, named %v, fields %q\n%s", said, named, w.fields(), w.tail())
				}
			})
		})
	}
}

// profile gives the bot's account some fields, as its owner would.
func (w *world) profile(fields ...sandbox.Field) {
	w.t.Helper()
	if len(fields) == 0 {
		return
	}
	form := ""
	for i, f := range fields {
		form += "&fields_attributes[" + string(rune('0'+i)) + "][name]=" + f.Name + "&fields_attributes[" + string(rune('0'+i)) + "][value]=" + escaped.Replace(f.Value)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, w.server.URL()+"/api/v1/accounts/update_credentials", strings.NewReader(form[1:]))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+w.server.Token(w.bot))
	transport := &http.Transport{DialContext: w.server.Dialer()}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatal(resp.Status)
	}
}

var escaped = strings.NewReplacer("&", "%26", " ", "+")
