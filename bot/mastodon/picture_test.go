package mastodon

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks/api"
)

func picture(t *testing.T, alt string) bot.Picture {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 4))); err != nil {
		t.Fatal(err)
	}
	return bot.Picture{PNG: b.Bytes(), Alt: alt}
}

func (w *world) pictured(text string, alts ...string) bot.Message {
	w.t.Helper()
	m := w.message(text)
	for _, alt := range alts {
		m.Pictures = append(m.Pictures, picture(w.t, alt))
	}
	return m
}

func (w *world) announcement(text, visibility string) bot.Message {
	m := w.message(text)
	m.To, m.Visibility = bot.Recipient{}, visibility
	return m
}

func noPictures() bot.Receipt {
	return bot.Receipt{Outcome: bot.Refused, ForMessage: true, NoPictures: true}
}

func TestPicturesArriveWithTheirWordsAndAreFoundAgain(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		m := w.pictured("disk, 7 days", "a line that rises", strings.Repeat("長", 2000))
		id := w.deliver(m)
		got := w.inbox(1)[0].Media
		if len(got) != 2 || got[0].Description != "a line that rises" || got[0].Size != image.Pt(8, 4) || got[0].Type != "image/png" {
			w.t.Fatalf("attached: %+v", got)
		}
		if n := len([]rune(got[1].Description)); n != mostDescription {
			w.t.Errorf("a long description has %d characters", n)
		}
		if !bytes.Equal(got[0].Data, m.Pictures[0].PNG) {
			w.t.Error("it is another picture")
		}
		if found, there := w.find(m); !there || found != id {
			w.t.Errorf("found %q, %v", found, there)
		}
		m.Pictures = m.Pictures[:1]
		if _, there := w.find(m); there {
			w.t.Error("the same words with one picture less are taken for it")
		}
	})
}

func TestAPublicPostIsToNobodyAndFoundAgain(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		for _, visibility := range []string{bot.Public, bot.Unlisted} {
			m := w.announcement("this week: no interruption "+visibility, visibility)
			m.Pictures = []bot.Picture{picture(w.t, "84 ms all week")}
			id := w.deliver(m)
			all := w.server.Statuses()
			st := all[len(all)-1]
			if st.Visibility != visibility || len(st.Mentions) != 0 || len(st.Media) != 1 || st.Language != "en" || strings.Contains(st.Source, "@") {
				w.t.Errorf("posted: %+v", st)
			}
			if found, there := w.find(m); !there || found != id {
				w.t.Errorf("found %q, %v", found, there)
			}
		}
	})
}

func TestAPublicPostThatNamesSomebodyIsNeverSent(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.expect(w.send(w.announcement("thanks to @evil", bot.Public)), final(), "would mention")
		w.expect(w.send(w.announcement("words", "private")), final(), "no visibility")
		m := w.message("to alice, publicly")
		m.Visibility = bot.Public
		w.expect(w.send(m), final(), "to nobody")
		if len(w.server.Statuses()) != 0 {
			w.t.Error("something was posted")
		}
	})
}

func TestWhatAPublicPostReachedIsJudged(t *testing.T) {
	now := time.Now()
	m := bot.Message{Text: "all is well", Visibility: bot.Unlisted, Since: now, Pictures: make([]bot.Picture, 1)}
	right := post{ID: "9", Content: "<p>all is well</p>", Visibility: bot.Unlisted, CreatedAt: now, Media: make([]attached, 1)}
	for name, c := range map[string]struct {
		change func(p *post, m *bot.Message)
		want   reach
	}{
		"as it was to be":              {func(*post, *bot.Message) {}, reachedReader},
		"public instead of unlisted":   {func(p *post, _ *bot.Message) { p.Visibility = "public" }, reachedTooMany},
		"unlisted instead of public":   {func(_ *post, m *bot.Message) { m.Visibility = bot.Public }, reachedReader},
		"for followers only":           {func(p *post, _ *bot.Message) { p.Visibility = "private" }, reachedTooFew},
		"other words":                  {func(p *post, _ *bot.Message) { p.Content = "x" }, rewritten},
		"the post of a direct message": {func(p *post, _ *bot.Message) { p.Content, p.Visibility = "x", direct }, otherMessage},
		"one known to be another":      {func(_ *post, m *bot.Message) { m.Except = []string{"9"} }, otherMessage},
		"older, of other words":        {func(p *post, _ *bot.Message) { p.Content, p.CreatedAt = "x", now.Add(-time.Hour) }, otherMessage},
		"without its picture":          {func(p *post, _ *bot.Message) { p.Media = nil }, unpictured},
		"it mentions somebody": {func(p *post, _ *bot.Message) {
			p.Mentions = append(p.Mentions, gomastodon.Mention{ID: "7", Username: "evil"})
		}, reachedOthers},
		"a direct message got a picture too little": {func(p *post, m *bot.Message) {
			m.Visibility, m.To.ID, p.Visibility, p.Media = "", "7", direct, nil
			p.Mentions = append(p.Mentions, gomastodon.Mention{ID: "7", Username: "alice"})
		}, unpictured},
	} {
		p, msg := right, m
		c.change(&p, &msg)
		if got := reachOf(p, msg); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestWhatBecomesOfAMessageWhosePictureIsNotTaken(t *testing.T) {
	status := func(code int, body string) error {
		return &api.StatusError{Method: http.MethodPost, Path: mediaAPI, Code: code, Message: body, Body: []byte(`{"error":"` + body + `"}`)}
	}
	page := func(code int) error {
		return &api.StatusError{Method: http.MethodPost, Path: mediaAPI, Code: code, Message: "nginx", Body: []byte("<html>")}
	}
	for name, c := range map[string]struct {
		err    error
		waited time.Duration
		want   fate
		reason string
	}{
		"a file that is refused":                  {status(422, "Validation failed"), 0, picturesNever, "does not take"},
		"a scope that is missing":                 {status(403, "outside the authorized scopes"), 0, picturesNever, "write:media"},
		"a firewall's 403":                        {page(403), 0, picturesLater, "could not be uploaded"},
		"a file too large for the proxy":          {page(413), 0, picturesNever, "too large"},
		"no such API":                             {status(404, "not found"), 0, picturesNever, "takes no pictures"},
		"a proxy without the server":              {page(404), 0, picturesLater, "could not be uploaded"},
		"storage that is down":                    {page(503), 0, picturesLater, "could not be uploaded"},
		"storage that is down for ten minutes":    {page(503), picturesWait, picturesNever, "for 10m"},
		"a token that is not taken":               {status(401, "revoked"), picturesWait, nothingPasses, "token"},
		"a token of an application":               {status(422, "This method requires an authenticated user"), 0, nothingPasses, "token"},
		"an answer that was lost":                 {context.DeadlineExceeded, time.Minute, picturesLater, "could not be uploaded"},
		"too many uploads":                        {&api.RateLimitError{}, time.Minute, picturesLater, "could not be uploaded"},
		"a cut connection, after all the waiting": {errors.New("EOF"), time.Hour, picturesNever, "for 10m"},
	} {
		f, reason := pictureFate(c.err, c.waited)
		if f != c.want || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: %d, %q; want %d, %q", name, f, reason, c.want, c.reason)
		}
	}
}

func TestAPictureThatIsNotTakenLeavesNoPost(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		m := w.pictured("with a picture", "a line")
		m.Pictures[0].PNG = []byte("no picture at all")
		w.expect(w.send(m), noPictures(), "does not take the picture")
		m.Pictures = nil
		w.deliver(m)
		w.inbox(1)
	})
}

func TestATokenWithoutTheScopeForMediaIsTold(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.home = w.client(w.server.Token(w.saba, "read", "write:statuses"))
		w.expect(w.send(w.pictured("a graph", "a line")), noPictures(), "write:media")
		w.inbox(0)
	})
}

func TestAnUploadWhoseAnswerIsLostSendsNothing(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"cut after the upload":  {Kind: sandbox.CutAfter},
		"cut before the upload": {Kind: sandbox.CutBefore},
		"no answer":             {Kind: sandbox.Hang},
		"nonsense":              {Kind: sandbox.Garbage},
		"a page":                {Kind: sandbox.Challenge},
		"no storage":            {Kind: sandbox.Answer, Status: 503},
		"too many uploads":      {Kind: sandbox.Answer, Status: 429, Delay: 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryWorld(t, func(w *world) {
				f.Times, f.PathPrefix = 1, mediaAPI
				w.server.Misbehave(f)
				m := w.pictured("a graph", "a line")
				r := w.send(m)
				if f.Status == 429 && (r.NotBefore.IsZero() || time.Until(r.NotBefore) > picturesWait) {
					w.t.Errorf("tried again at %v", r.NotBefore)
				}
				r.NotBefore = time.Time{}
				w.expect(r, forMessage(), "could not be uploaded")
				w.inbox(0)
				w.deliver(m)
				if got := w.inbox(1)[0]; len(got.Media) != 1 {
					w.t.Errorf("%d pictures", len(got.Media))
				}
			})
		})
	}
}

func TestAFileThatIsStillWorkedOnIsWaitedFor(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.SlowMedia, Delay: 3 * time.Second, Times: 1})
		began := time.Now()
		w.deliver(w.pictured("slow", "a line"))
		if took := time.Since(began); took < 3*time.Second || took > 5*time.Second {
			w.t.Errorf("it took %v", took)
		}
	})
}

func TestASlowServerNeedNotTakeTheSameFileTwice(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.SlowMedia, Delay: 20 * time.Second, Times: 1})
		m := w.pictured("slow", "a line", "another")
		began := time.Now()
		w.expect(w.send(m), forMessage(), "could not be uploaded")
		if took := time.Since(began); took > w.home.uploading()+time.Second {
			w.t.Errorf("it took %v", took)
		}
		w.pass(15 * time.Second)
		w.deliver(m)
		if left := w.server.Unattached(w.saba); len(left) != 0 {
			w.t.Errorf("%d files were uploaded in vain", len(left))
		}
	})
}

func TestAFileThatWasPrunedMeanwhileIsUploadedAgain(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.SlowMedia, Delay: 20 * time.Second, Times: 1})
		m := w.pictured("slow", "a line")
		w.expect(w.send(m), forMessage(), "could not be uploaded")
		w.server.Prune()
		w.expect(w.send(m), forMessage(), "could not be uploaded")
		w.deliver(m)
	})
}

func TestAPostThatLostItsPicturesIsDeleted(t *testing.T) {
	inWorld(t, flavours["Mastodon 4.2"], func(w *world) {
		m := w.pictured("a graph", "a line")
		m.Pictures = slices.Clone(m.Pictures)
		v := form(m, "alice")
		v["media_ids[]"] = []string{"17"}
		p, err := w.home.post(w.t.Context(), v, m.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		r, ok := w.home.judge(w.t.Context(), p, m)
		if ok {
			w.t.Fatal("it was taken for the message")
		}
		w.expect(r, noPictures(), "0 pictures instead of 1: deleted")
		w.inbox(0)
	})
}

func TestAStatusThatIsRefusedForItsPicturesIsTriedWithoutThem(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: 422, PathPrefix: statusesAPI, Method: "POST", Times: 2})
		m := w.pictured("a graph", "a line")
		w.expect(w.send(m), noPictures(), "422")
		m.Pictures = nil
		w.expect(w.send(m), final(), "422")
	})
}

func TestALostAnswerToAPostWithPicturesIsFoundOrMadeAnew(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"cut after it was stored": {Kind: sandbox.CutAfter},
		"cut before":              {Kind: sandbox.CutBefore},
		"stored late":             {Kind: sandbox.Late, Delay: 14 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inEveryWorld(t, func(w *world) {
				f.Times, f.PathPrefix, f.Method = 1, statusesAPI, "POST"
				for _, m := range []bot.Message{w.pictured("a graph", "a line"), func() bot.Message {
					m := w.announcement("for all", bot.Unlisted)
					m.Pictures = []bot.Picture{picture(w.t, "a line")}
					return m
				}()} {
					w.server.Misbehave(f)
					before := len(w.server.Statuses())
					r := w.send(m)
					if r.Outcome == bot.Delivered {
						w.t.Fatal("delivered")
					}
					w.pass(w.home.Patience())
					_, there := w.find(m)
					if there != (f.Kind != sandbox.CutBefore) {
						w.t.Errorf("found: %v", there)
					}
					if !there {
						w.deliver(m)
					}
					if n := len(w.server.Statuses()) - before; n != 1 {
						w.t.Errorf("%d posts", n)
					}
				}
			})
		})
	}
}
