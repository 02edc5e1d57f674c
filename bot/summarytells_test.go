package bot_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
)

// marker is in every secret of a test, and in nothing else.
const marker = "zq"

// secrets are what nobody outside may learn: names and numbers that differ from
// one world to the next.
type secrets struct{ *rand.Rand }

// name is one of somebody or something.
func (s secrets) name() string {
	n := fmt.Sprintf("%s%x", marker, s.Uint32())
	return [...]string{
		"/srv/" + n + "/public", n + ".internal.example", "10.77." + fmt.Sprint(s.IntN(255)) + ".9 (" + n + ")", n + ".service", n + "@" + n + ".example",
		n + ".example", "user " + n, "CVE-2026-" + n, "nginx 1.2." + n, "2001:db8::" + n,
	}[s.IntN(10)]
}

func (s secrets) text() checks.Text {
	return checks.Text{
		En: fmt.Sprintf("%s: %d sign-ups, %d reports, %d %% used", s.name(), s.IntN(1e6), s.IntN(1e6), s.IntN(100)),
		Ja: fmt.Sprintf("%s: 登録%d件、通報%d件、使用%d%%", s.name(), s.IntN(1e6), s.IntN(1e6), s.IntN(100)),
	}
}

func (s secrets) advice() checks.Advice {
	return checks.Advice{Text: s.text(), Look: checks.Sh("sudo", "cat", s.name()), Mend: []checks.Shell{checks.Sh("apt-get", "install", s.name())}}
}

// clothe puts secrets wherever an observation can hold any.
func (s secrets) clothe(o checks.Observation) checks.Observation {
	o.Summary = s.text()
	for range s.IntN(4) {
		unit := [...]string{checks.Bytes, checks.Ratio, checks.Seconds, checks.Count}[s.IntN(4)]
		o.Measures = append(o.Measures, checks.Measure{Name: "n" + s.name(), Subject: s.name(), Value: s.Float64() * 1e9, Unit: unit})
	}
	for i := range o.Findings {
		o.Findings[i].Text, o.Findings[i].Advice = s.text(), s.advice()
	}
	o.Events = append(o.Events, checks.Event{At: time.Now(), Code: "upgraded", Subject: s.name(), Text: s.text()})
	o.Blind = append(o.Blind, checks.Blind{Code: "dark", Subject: s.name(), Why: s.text(), Mend: s.advice()})
	o.Remember = map[string][]byte{"k": []byte(s.name())}
	return o
}

// trouble is what another check sees: nobody's business.
func (s secrets) trouble() checks.Observation {
	var o checks.Observation
	for range s.IntN(3) {
		o.Findings = append(o.Findings, checks.Finding{
			Code: [...]string{"full", "page", "v2", "slow"}[s.IntN(4)], Subject: s.name(),
			Severity: checks.Severity(int(checks.Unknown) + s.IntN(3)), Road: checks.Road(s.IntN(3)), Harm: time.Now().Add(time.Duration(s.IntN(1000)) * time.Hour),
		})
	}
	return s.clothe(o)
}

// TestPublicSummaryTellsNothing fills a state with secrets and asserts that the
// public post has none of them: no marker stands in it or in its picture's
// description, and two servers whose users noticed the same have the same post,
// the same description and the same picture to the last pixel, whatever their
// secrets are.
func TestPublicSummaryTellsNothing(t *testing.T) {
	for story := range uint64(2) {
		var first sandbox.Status
		for world := range 3 - story {
			post := weekOfSecrets(t, story, secrets{rand.New(rand.NewPCG(story, world))})
			for what, text := range map[string]string{"text": post.Text, "source": post.Source, "markup": post.HTML, "warning": post.Spoiler, "description": post.Media[0].Description} {
				for _, secret := range []string{marker, "web1", "alice", "10.77.", "CVE", "internal", "sign-up", "通報"} {
					if strings.Contains(text, secret) {
						t.Errorf("%s: %q is in the %s: %s", "the public post", secret, what, text)
					}
				}
			}
			if said := post.Media[0].Description; !strings.Contains(said, "response time") || !strings.Contains(said, "servers heard from") || strings.Count(said, "\n") != 3 {
				t.Errorf("the picture is not of both charts: %s", said)
			}
			if world == 0 {
				first = post
				t.Logf("%s\n%s", post.Text, post.Media[0].Description)
				continue
			}
			if post.Text != first.Text || post.Media[0].Description != first.Media[0].Description {
				t.Errorf("the posts of two servers tell them apart:\n%s\n%s\n%s\n%s", first.Text, first.Media[0].Description, post.Text, post.Media[0].Description)
			}
			if !bytes.Equal(post.Media[0].Data, first.Media[0].Data) {
				t.Error("the pictures of two servers tell them apart")
			}
		}
	}
}

// weekOfSecrets plays one week: what the users notice is of the story, all else
// is of the secrets.
func weekOfSecrets(t *testing.T, story uint64, own secrets) (post sandbox.Status) {
	t.Helper()
	noticed := rand.New(rand.NewPCG(story, 1000))
	inBubble(t, sandbox.Options{}, func(w *world) {
		s := newSquare(w, "0 20 * * 0", checks.English, checks.Japanese)
		gauges := map[string]*gauge{}
		for _, name := range []string{"moderation", "packages", "backups", "mail"} {
			gauges[name] = &gauge{}
			w.more = append(w.more, beside{checks.Kind{Name: name, Title: checks.Same(name), Cron: "20 */3 * * *", Timeout: time.Minute}, gauges[name]})
		}
		gauges["disk"] = w.disk
		dress := func() {
			for _, g := range gauges {
				g.set(own.trouble())
			}
			for _, g := range []*gauge{s.web, s.speed, s.fedi} {
				g.mu.Lock()
				g.seen = own.clothe(g.seen)
				g.mu.Unlock()
			}
		}
		s.at(time.March, 8, 12, 0)
		dress()
		s.start()
		s.pass(2 * time.Minute)
		s.on()
		for day := 9; day <= 11; day++ {
			s.at(time.March, day, noticed.IntN(20), noticed.IntN(60))
			s.well()
			down := noticed.IntN(3) == 0
			if down {
				s.down()
			}
			dress()
			s.pass(time.Duration(1+noticed.IntN(120)) * time.Minute)
			s.well()
			dress()
			if _, err := s.server.Say(s.alice, "@saba snooze disk 3d "+own.name(), sandbox.SayOptions{}); err != nil {
				s.t.Error(err)
			}
		}
		s.at(time.March, 12, 20, 1)
		if all := s.public(); len(all) == 1 && len(all[0].Media) == 1 {
			post = all[0]
		} else {
			s.t.Errorf("%d posts\n%s", len(all), s.tail())
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return post
}
