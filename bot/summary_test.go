package bot_test

import (
	"bytes"
	"database/sql"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

// square is a server that people use, with an admin who wants it told every week.
type square struct {
	*world
	zone             *time.Location
	web, speed, fedi *gauge
	seen             int
	posts            int
}

const pageCode, apiCode = "page", "v2"

// newSquare stands in Berlin on a day of the year 2000; cron is of the post.
func newSquare(w *world, cron string, langs ...checks.Lang) *square {
	w.t.Helper()
	s := &square{world: w, web: &gauge{}, speed: &gauge{}, fedi: &gauge{}}
	var err error
	if s.zone, err = time.LoadLocation("Europe/Berlin"); err != nil {
		w.t.Fatal(err)
	}
	times, err := schedule.ParseCron(cron, s.zone)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(langs) == 0 {
		langs = []checks.Lang{checks.English}
	}
	w.cron, w.poll = "*/30 * * * *", 6*time.Hour
	w.admins[0].Zone = s.zone
	w.weekly = bot.SummaryOptions{
		Allowed: true, Site: "example.social", Times: times, Visibility: bot.Unlisted, Langs: langs,
		Sources: bot.Sources{
			Outages: map[string][]string{"webui": {pageCode}, "instance": {apiCode}},
			Answer:  bot.Source{Check: "latency", Name: "response_time", Subject: "page"},
			Servers: bot.Source{Check: "federation", Name: "servers_week"},
			New:     bot.Source{Check: "federation", Name: "servers_new"},
		},
	}
	for _, k := range []struct {
		name, cron string
		gauge      *gauge
	}{{"webui", "*/10 * * * *", s.web}, {"latency", "*/10 * * * *", s.speed}, {"federation", "35 * * * *", s.fedi}} {
		w.more = append(w.more, beside{checks.Kind{Name: k.name, Title: checks.Same(k.name), Scope: checks.Site, Cron: k.cron, Timeout: time.Minute}, k.gauge})
	}
	s.well()
	return s
}

// well is how the server usually is.
func (s *square) well() {
	s.web.set(checks.Observation{Summary: checks.Same("fine"), Measures: []checks.Measure{{Name: "page_time", Value: 0.08, Unit: checks.Seconds}}})
	s.speed.set(checks.Observation{Summary: checks.Same("fine"), Measures: []checks.Measure{{Name: "response_time", Subject: "page", Value: 0.084, Unit: checks.Seconds}}})
	s.fedi.set(checks.Observation{Summary: checks.Same("fine"), Measures: []checks.Measure{
		{Name: "servers_week", Value: 4812, Unit: checks.Count}, {Name: "servers_new", Value: 31, Unit: checks.Count},
	}})
}

// down is when no page comes.
func (s *square) down() {
	s.web.set(checks.Observation{Summary: checks.Same("down"), Findings: []checks.Finding{{
		Code: pageCode, Severity: checks.Critical, Road: checks.Now, Text: checks.Same("puma at 10.1.2.3 answers 502 to /srv/mastodon"),
	}}})
	s.speed.fail(&checks.Unseen{Why: checks.Same("no answer")})
}

// at goes on to an instant in Berlin.
func (s *square) at(month time.Month, day, hour, minute int) {
	s.t.Helper()
	d := time.Until(time.Date(2000, month, day, hour, minute, 0, 0, s.zone))
	if d < 0 {
		s.t.Fatalf("%v %d is over", month, day)
	}
	s.pass(d)
}

// public are the posts to nobody in particular since the last time.
func (s *square) public() []sandbox.Status {
	var all []sandbox.Status
	for _, st := range s.server.Statuses() {
		if st.Author.ID == s.bot.ID && st.Visibility != sandbox.Direct {
			all = append(all, st)
		}
	}
	fresh := all[s.posts:]
	s.posts = len(all)
	return fresh
}

// told asserts how many were posted since the last time, and returns the text of
// the last.
func (s *square) told(sentence string, want int) string {
	s.t.Helper()
	all := s.public()
	var texts []string
	for _, st := range all {
		texts = append(texts, st.Text)
	}
	if len(all) != want {
		s.t.Errorf("%s: %d posts, should be %d: %q\n%s", sentence, len(all), want, texts, s.tail())
	}
	return strings.Join(texts, "\n")
}

func (s *square) has(text string, wants ...string) {
	s.t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			s.t.Errorf("%q lacks %q", text, want)
		}
	}
}

// on switches the summary on as an admin does.
func (s *square) on() {
	s.t.Helper()
	s.ask(s.alice, &s.seen, "summary")
	if got := s.ask(s.alice, &s.seen, "summary on"); len(got) != 1 || !strings.HasPrefix(got[0], "On: the summary is posted every week") {
		s.t.Fatalf("heard %q", got)
	}
}

func TestTheWeeklySummaryIsPostedOnceAWeek(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		s := newSquare(w, "0 20 * * 0")
		s.at(time.March, 6, 12, 0) // a Monday
		s.start()
		s.pass(2 * time.Minute)
		s.heard(s.alice, &s.seen)
		s.at(time.March, 13, 12, 0)
		s.told("nobody has switched it on", 0)
		s.on()
		s.at(time.March, 14, 10, 0)
		s.down()
		s.pass(40 * time.Minute)
		s.well()
		s.at(time.March, 19, 19, 59)
		s.told("it is not eight yet", 0)
		s.pass(2 * time.Minute)
		got := s.public()
		if len(got) != 1 || got[0].Visibility != bot.Unlisted || len(got[0].Mentions) != 0 || got[0].Language != "en" || got[0].InReplyTo != "" {
			t.Fatalf("posted %+v\n%s", got, s.tail())
		}
		if want := "example.social, 13–19 March\nInterrupted once, on Tuesday 14 March for 40 min; reachable 99.6 % of the time.\nPages were answered in 84 ms.\nHeard from 4,812 servers, 31 of them new."; got[0].Text != want {
			t.Errorf("%q\nshould be\n%q", got[0].Text, want)
		}
		if len(got[0].Media) != 1 {
			t.Fatalf("%d pictures", len(got[0].Media))
		}
		picture := got[0].Media[0]
		if _, err := png.Decode(bytes.NewReader(picture.Data)); err != nil || !strings.HasPrefix(picture.Description, "Upper line chart: response time, 7 days from 12 Mar. Median 84 ms.") ||
			!strings.Contains(picture.Description, "\nLower line chart: servers heard from, 7 days from 12 Mar. In the end 4,812.") {
			t.Errorf("%v, %q", err, picture.Description)
		}
		s.heard(s.alice, &s.seen)
		// A week of 167 hours: summer time begins on this Sunday.
		s.at(time.March, 26, 19, 59)
		s.told("it is not eight yet, by the new time", 0)
		s.pass(2 * time.Minute)
		s.has(s.told("the clocks were changed", 1), "example.social, 20–26 March\nNo interruption; pages were answered in 84 ms, as usual.")
		s.ask(s.alice, &s.seen, "summary off")
		s.at(time.April, 3, 12, 0)
		s.told("it is off", 0)
	})
}

func TestTheSummaryIsPostedOnceWhateverIsInItsWay(t *testing.T) {
	for _, c := range []struct {
		sentence string
		way      func(s *square) // begins at 19:59 on Sunday
		posts    int
		down     bool
	}{
		{"a restart in the moment of posting", func(s *square) {
			s.server.Misbehave(sandbox.Fault{Kind: sandbox.CutAfter, Method: "POST", PathPrefix: "/api/v1/statuses", Times: 1})
			time.Sleep(time.Minute + 10*time.Millisecond)
			s.stop()
			s.start()
		}, 1, false},
		{"restarts all around it", func(s *square) {
			for range 6 {
				s.stop()
				s.start()
				s.pass(20 * time.Second)
			}
		}, 1, false},
		{"the home is down for five hours", func(s *square) {
			s.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: 502})
			s.pass(5 * time.Hour)
			s.server.Behave()
		}, 1, false},
		{"answers are lost for an hour", func(s *square) {
			s.server.Misbehave(sandbox.Fault{Kind: sandbox.CutAfter, Method: "POST", PathPrefix: "/api/v1/statuses"})
			s.pass(time.Hour)
			s.server.Behave()
		}, 1, false},
		{"the daemon is down at its time and back after 23 hours", func(s *square) {
			s.stop()
			s.pass(23 * time.Hour)
			s.start()
		}, 1, false},
		{"the daemon is down for two days", func(s *square) {
			s.stop()
			s.pass(48 * time.Hour)
			s.start()
		}, 0, false},
		{"an admin switches it off a minute before", func(s *square) { s.ask(s.alice, &s.seen, "summary off") }, 0, false},
		{"an admin switches it off while the home is down", func(s *square) {
			s.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: 502, Method: "POST"})
			s.pass(time.Hour)
			if _, err := s.server.Say(s.alice, "@saba summary off", sandbox.SayOptions{}); err != nil {
				s.t.Fatal(err)
			}
			s.pass(time.Minute)
			s.server.Behave()
		}, 0, false},
		{"it takes no pictures", func(s *square) {
			s.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: 413, PathPrefix: "/api/v2/media"})
		}, 1, false},
		{"the server is down until ten", func(s *square) {
			s.pass(2 * time.Hour)
			s.told("nothing while it is down", 0)
			s.well()
		}, 1, true},
		{"the configuration forbids it by then", func(s *square) {
			s.stop()
			s.weekly.Allowed = false
			s.start()
		}, 0, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				s := newSquare(w, "0 20 * * 0")
				s.at(time.March, 14, 12, 0)
				s.start()
				s.pass(2 * time.Minute)
				s.heard(s.alice, &s.seen)
				s.on()
				s.at(time.March, 19, 19, 30)
				if c.down {
					s.down()
				}
				s.at(time.March, 19, 19, 59)
				c.way(s)
				s.at(time.March, 22, 12, 0)
				s.told(c.sentence, c.posts)
			})
		})
	}
}

func TestANightThatIsSkippedPostsOnceAndOneThatComesTwiceToo(t *testing.T) {
	for _, c := range []struct {
		sentence   string
		month      time.Month
		begin, day int
		hour       int
	}{
		{"half past two does not exist", time.March, 21, 26, 3},
		{"half past two comes twice", time.October, 24, 29, 2},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			inBubble(t, sandbox.Options{}, func(w *world) {
				s := newSquare(w, "30 2 * * 0")
				s.at(c.month, c.begin, 12, 0)
				s.start()
				s.pass(2 * time.Minute)
				s.heard(s.alice, &s.seen)
				s.on()
				s.at(c.month, c.day, 1, 59)
				s.told("before", 0)
				s.pass(4 * time.Hour)
				s.has(s.told("once", 1), "example.social, ")
			})
		})
	}
}

func TestASummaryIsOnlySwitchedOnByOneWhoCouldSeeIt(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		s := newSquare(w, "0 20 * * 0", checks.Japanese, checks.English)
		bobs, bob := 0, s.withBob()
		s.at(time.March, 13, 12, 0)
		s.start()
		s.pass(2 * time.Minute)
		s.heard(s.alice, &s.seen)
		s.heard(bob, &bobs)
		s.at(time.March, 15, 12, 0)
		s.heard(s.alice, &s.seen)
		s.heard(bob, &bobs)

		// Both in one message is not having seen it, either.
		got := strings.Join(s.ask(s.alice, &s.seen, "summary on\nsummary on"), "\n")
		s.has(got, "Not on yet: look at it first.", "As of now it would read:\nexample.social この1週間のまとめ（3/9〜3/15）\n確認できた範囲で停止なし、", "\n\nexample.social, 9–15 March\nNo interruption was seen;")
		if strings.Contains(got, "On: ") {
			t.Errorf("switched on unseen: %q", got)
		}
		inbox := s.server.Inbox(s.alice)
		if last := inbox[len(inbox)-1]; len(last.Media) == 0 && len(inbox[len(inbox)-2].Media) == 0 {
			t.Error("the preview has no picture")
		}
		s.has(strings.Join(s.ask(s.alice, &s.seen, "まとめ"), "\n"), "週のまとめはオフです。「まとめ オン」で毎週投稿します（初回は3/19（日）20:00、ひかえめな公開）。\n現時点の内容:\nexample.social")
		// Another kind of post is to be seen anew.
		s.stop()
		s.weekly.Visibility = bot.Public
		s.start()
		s.pass(time.Minute)
		s.has(strings.Join(s.ask(s.alice, &s.seen, "summary on"), "\n"), "Not on yet", "(public, first at 19 Mar 20:00)")
		s.has(strings.Join(s.ask(s.alice, &s.seen, "まとめ オン"), "\n"), "オンにしました。毎週まとめを公開で投稿します（初回は3/19（日）20:00）。")
		s.has(strings.Join(s.heard(bob, &bobs), "\n"), "aliceさんが週1回の公開まとめをオンにしました（初回は3/19（日）19:00、公開）。")
		s.stop()
		s.start()
		s.pass(time.Minute)
		s.has(strings.Join(s.ask(s.alice, &s.seen, "summary"), "\n"), "The weekly summary is on (alice, 12:0")
		s.has(strings.Join(s.ask(bob, &bobs, "まとめ オン"), "\n"), "週のまとめはオンです（aliceさん、11:0")
		s.at(time.March, 19, 20, 1)
		if all := s.public(); len(all) != 1 || all[0].Visibility != bot.Public || all[0].Language != "ja" {
			t.Errorf("posted %+v", all)
		}
		s.heard(s.alice, &s.seen)
		s.heard(bob, &bobs)
		s.has(strings.Join(s.ask(bob, &bobs, "まとめをオフにしてください"), "\n"), "オフにしました（オンにしたのはaliceさん）。")
		s.has(strings.Join(s.heard(s.alice, &s.seen), "\n"), "bob switched the weekly public summary off.")
		if n := s.count("deed WHERE what LIKE 'summary%'"); n != 2 {
			t.Errorf("%d deeds are written down", n)
		}
	})
}

func TestAPostOfLongAgoStaysAndItsRowGoes(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		s := newSquare(w, "0 20 * * 0")
		s.at(time.March, 18, 12, 0)
		s.start()
		s.pass(2 * time.Minute)
		s.on()
		s.at(time.March, 19, 20, 1)
		s.told("posted", 1)
		if n := s.count("picture"); n != 0 {
			t.Errorf("%d pictures are kept", n)
		}
		s.stop()
		s.pass(100 * 24 * time.Hour)
		s.start()
		s.pass(2 * time.Hour)
		if len(s.public()) != 0 || s.posts != 1 {
			t.Error("the post of a hundred days ago was deleted")
		}
	})
}

func TestAClockThatJumpsPostsNothingTwice(t *testing.T) {
	inBubble(t, sandbox.Options{}, func(w *world) {
		s := newSquare(w, "0 20 * * 0")
		s.at(time.March, 14, 12, 0)
		s.start()
		s.pass(2 * time.Minute)
		s.on()
		s.at(time.March, 19, 20, 1)
		s.told("posted", 1)
		s.stop()
		// The clock had been a month ahead when the last one was posted.
		err := s.db.Write(s.t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE meta SET value = CAST(value AS INTEGER) + 30 * 86400000 WHERE key = 'summary:posted'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.start()
		s.at(time.March, 25, 12, 0)
		s.told("the week goes on", 0)
		s.at(time.March, 26, 20, 1)
		s.told("the next Sunday", 1)
	})
}
