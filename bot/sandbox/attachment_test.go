package sandbox

import (
	"bytes"
	"image"
	"net/http"
	"testing"

	"github.com/mattn/go-mastodon"
)

func TestAFileIsGivenToThoseWhoMaySeeItsStatus(t *testing.T) {
	w := newWorld(t, Options{})
	other := w.AddAccount(Account{Username: "other"})
	c, data := w.gomastodon(), picture(t)
	up, err := c.UploadMediaFromMedia(t.Context(), &mastodon.Media{File: bytes.NewReader(data), Description: "room left"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := w.MediaFor(w.bot, string(up.ID)); ok {
		t.Error("a file of no status is given")
	}
	if _, err := c.PostStatus(t.Context(), &mastodon.Toot{Status: "@admin look", Visibility: Direct, MediaIDs: []mastodon.ID{up.ID}}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []Account{w.bot, w.admin} {
		m, ok := w.MediaFor(a, string(up.ID))
		if !ok || m.Description != "room left" || m.Size != image.Pt(64, 48) || m.Type != "image/png" || !bytes.Equal(m.Data, data) {
			t.Errorf("%s: %+v, %v", a.Username, m, ok)
		}
		if n := len(w.StatusesFor(a)); n != 1 {
			t.Errorf("%s sees %d", a.Username, n)
		}
	}
	if _, ok := w.MediaFor(other, string(up.ID)); ok {
		t.Error("a stranger got it")
	}
	if n := len(w.StatusesFor(other)); n != 0 {
		t.Errorf("a stranger sees %d", n)
	}
}

func TestWhoIsNotAdmittedIsNotAnswered(t *testing.T) {
	w := newWorld(t, Options{Admit: func(r *http.Request) bool { return r.Header.Get("Origin") == "" }})
	m := w.Misbehave(Fault{Kind: Answer, Status: 500})
	for origin, want := range map[string]int{"": 500, "https://stranger.example": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL()+"/api/v1/instance", nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		answer, err := w.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%q: %s", origin, answer.Status)
		}
	}
	if m.Count() != 1 {
		t.Errorf("%d met the fault", m.Count())
	}
}
