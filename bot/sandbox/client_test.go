package sandbox

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-mastodon"
)

func (w *world) gomastodon() *mastodon.Client {
	c := mastodon.NewClient(&mastodon.Config{Server: w.URL(), AccessToken: w.token})
	c.Client = *w.http
	return c
}

func picture(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 64, 48))); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func TestGoMastodonIsContent(t *testing.T) {
	w := newWorld(t, Options{})
	w.Follow(w.bot, w.admin)
	c, ctx := w.gomastodon(), t.Context()

	me, err := c.GetAccountCurrentUser(ctx)
	if err != nil || me.Acct != "saba" || !me.Bot {
		t.Fatalf("%+v, %v", me, err)
	}
	admin, err := c.AccountLookup(ctx, "admin")
	if err != nil || string(admin.ID) != w.admin.ID {
		t.Fatalf("%+v, %v", admin, err)
	}
	if _, err := c.AccountLookup(ctx, "nobody"); !isCode(err, 404) {
		t.Errorf("a lookup of nobody: %v", err)
	}
	question := w.say(w.admin, "@saba status", SayOptions{})
	list, err := c.GetNotifications(ctx, &mastodon.Pagination{MinID: "0", Limit: 40})
	if err != nil || len(list) != 1 || list[0].Type != "mention" || list[0].Status.Content != question.HTML {
		t.Fatalf("%+v, %v", list, err)
	}
	toot := &mastodon.Toot{Status: "@admin all is well", Visibility: "direct", InReplyToID: list[0].Status.ID, Language: "en"}
	posted, err := c.PostStatus(ctx, toot)
	if err != nil || posted.InReplyToID != question.ID || len(posted.Mentions) != 1 {
		t.Fatalf("%+v, %v", posted, err)
	}
	if back, err := c.GetStatus(ctx, posted.ID); err != nil || back.Visibility != "direct" {
		t.Errorf("%+v, %v", back, err)
	}
	mine, err := c.GetAccountStatuses(ctx, me.ID, nil)
	if err != nil || len(mine) != 1 {
		t.Errorf("%+v, %v", mine, err)
	}
	relations, err := c.GetAccountRelationships(ctx, []string{w.admin.ID})
	if err != nil || len(relations) != 1 || !relations[0].Following || relations[0].FollowedBy {
		t.Errorf("%+v, %v", relations, err)
	}
	instance, err := c.GetInstance(ctx)
	if err != nil || instance.URI != "sandbox.example" || instance.Configuration == nil {
		t.Errorf("%+v, %v", instance, err)
	}
	if err := c.DeleteStatus(ctx, posted.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.GetStatus(ctx, posted.ID); !isCode(err, 404) {
		t.Errorf("a deleted status: %v", err)
	}
}

func isCode(err error, code int) bool {
	var api *mastodon.APIError
	return errors.As(err, &api) && api.StatusCode == code
}

func TestGoMastodonAttachesAPicture(t *testing.T) {
	w := newWorld(t, Options{})
	c, ctx := w.gomastodon(), t.Context()
	data := picture(t)
	up, err := c.UploadMediaFromMedia(ctx, &mastodon.Media{File: bytes.NewReader(data), Description: "空き容量"})
	if err != nil || up.Meta.Original.Width != 64 || up.Description != "空き容量" {
		t.Fatalf("%+v, %v", up, err)
	}
	got := w.do("GET", up.URL[len(w.URL()):], nil)
	if got.body != string(data) || got.header.Get("Content-Type") != "image/png" {
		t.Errorf("%d bytes of %s came back", len(got.body), got.header.Get("Content-Type"))
	}
	posted, err := c.PostStatus(ctx, &mastodon.Toot{Status: "@admin look", Visibility: "direct", MediaIDs: []mastodon.ID{up.ID}})
	if err != nil || len(posted.MediaAttachments) != 1 {
		t.Errorf("%+v, %v", posted, err)
	}
	if all := w.Inbox(w.admin); len(all) != 1 || len(all[0].MediaIDs) != 1 {
		t.Errorf("%+v", all)
	}
}

func TestAnUploadThatIsProcessedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		w.Misbehave(Fault{Kind: SlowMedia, Delay: time.Minute, Times: 1})
		c, ctx := w.gomastodon(), t.Context()
		up, err := c.UploadMediaFromReader(ctx, bytes.NewReader(picture(t)))
		if err != nil || up.URL != "" {
			t.Fatalf("%+v, %v", up, err)
		}
		toot := &mastodon.Toot{Status: "x", MediaIDs: []mastodon.ID{up.ID}}
		if _, err := c.PostStatus(ctx, toot); !isCode(err, http.StatusUnprocessableEntity) {
			t.Errorf("it was attached too soon: %v", err)
		}
		path := "/api/v1/media/" + string(up.ID)
		if got := w.do("GET", path, nil); got.code != http.StatusPartialContent {
			t.Errorf("%d", got.code)
		}
		pass(time.Minute)
		if got := w.do("GET", path, nil); got.code != http.StatusOK || got.object(t)["url"] == nil {
			t.Errorf("%d %s", got.code, got.body)
		}
		if _, err := c.PostStatus(ctx, toot); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.gomastodon().UploadMediaFromReader(t.Context(), bytes.NewReader([]byte("text"))); !isCode(err, 422) {
		t.Errorf("%v", err)
	}
}
