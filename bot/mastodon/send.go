package mastodon

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

const statusesAPI = "/api/v1/statuses"

// usualPatience bounds one attempt (own).
const usualPatience = 15 * time.Second

// afterwards is the last part of the patience, 4 s of 15: kept for reading back
// and for deleting (own).
func (h *Mastodon) afterwards() time.Duration { return h.patience * 4 / 15 }

// secondLook is how long a post that was answered with and is not there may
// need to appear, 1 s of 15 (own).
func (h *Mastodon) secondLook() time.Duration { return h.patience / 15 }

// Name is how the state and the log call this channel.
func (h *Mastodon) Name() string { return "mastodon" }

// Patience bounds one attempt.
func (h *Mastodon) Patience() time.Duration { return h.patience }

// Send posts a message to its reader, directly and to nobody else, or publicly
// and to nobody in particular. It is Delivered only when the post could be read
// back, mentions the reader alone (or nobody) and has its pictures; a post that
// reached anybody else, or nobody, is deleted.
func (h *Mastodon) Send(ctx context.Context, m bot.Message) bot.Receipt {
	r := h.send(ctx, m)
	if r.Outcome != bot.Delivered {
		h.log.Info("message not delivered", "outcome", r.Outcome.String(), "why", r.Why,
			"key", m.Key, "final", r.Final, "for_message", r.ForMessage)
	}
	return r
}

func (h *Mastodon) send(ctx context.Context, m bot.Message) bot.Receipt {
	handle, why := sendable(m)
	if why != "" {
		return bot.Receipt{Outcome: bot.Refused, ForMessage: true, Final: true, Why: why}
	}
	if err := ctx.Err(); err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: "not sent: " + err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()

	v := form(m, handle)
	if m.Visibility != "" {
		me, err := h.self(ctx)
		if err != nil {
			return bot.Receipt{Outcome: bot.Refused, Why: err.Error()}
		}
		// The text mentions nobody, and the bot itself is the only one it may.
		v.Set("allowed_mentions[]", me.ID)
	}
	media, r := h.upload(ctx, m)
	if r.Why != "" {
		return r
	}
	if len(media) > 0 {
		v["media_ids[]"] = media
	}
	p, err := h.post(ctx, v, h.keys.current(m.Key))
	if notFound(err) {
		return h.missing(ctx, m, err)
	}
	if err != nil {
		return pictured(receiptOf(err), err, m)
	}
	if p.ID == "" {
		return bot.Receipt{Outcome: bot.Uncertain, Why: "answered with success and without an id"}
	}
	if r, ok := h.judge(ctx, p, m); !ok {
		return r
	}
	return h.readBack(ctx, p, m)
}

var keyForm = regexp.MustCompile(`^[!-~]{0,200}$`)

// sendable says why a message can never be sent; "" where it can.
func sendable(m bot.Message) (handle, why string) {
	handle, ok := plainHandle(m.To.Handle)
	nobody := m.Visibility != "" && m.To == (bot.Recipient{})
	switch live := checks.LiveMentions(m.Text); {
	case len(live) > 0:
		return "", fmt.Sprintf("the text would mention %q", live[0])
	case strings.TrimSpace(m.Text) == "":
		return "", "the text is empty"
	case m.Visibility != "" && !public(m.Visibility):
		return "", fmt.Sprintf("%q is no visibility", m.Visibility)
	case m.Visibility != "" && !nobody:
		return "", fmt.Sprintf("a public post is to nobody, not to account %s", m.To.ID)
	case !nobody && (!ok || m.To.ID == ""):
		return "", fmt.Sprintf("the reader %q with id %q is no account", m.To.Handle, m.To.ID)
	case !keyForm.MatchString(m.Key):
		return "", fmt.Sprintf("the key %q cannot stand in a header", m.Key)
	case len(m.Pictures) > bot.MostPictures:
		return "", fmt.Sprintf("%d pictures are more than a post may have", len(m.Pictures))
	}
	return handle, ""
}

// form is what is posted. allowed_mentions[] is ignored by Mastodon before 4.2
// and by other software; content_type keeps those that know it (GoToSocial,
// glitch-soc) from reading the text as Markdown, and Mastodon ignores it.
func form(m bot.Message, handle string) url.Values {
	v := url.Values{
		"status":       {strings.TrimRight(m.Text, " \t\r\n")},
		"visibility":   {m.Visibility},
		"content_type": {"text/plain"},
	}
	if m.Visibility == "" {
		v.Set("status", withReader(m.Text, handle))
		v.Set("visibility", direct)
		v.Set("allowed_mentions[]", m.To.ID)
	}
	if m.Parent != "" {
		v.Set("in_reply_to_id", m.Parent)
	}
	if m.Lang != "" {
		v.Set("language", string(m.Lang))
	}
	return v
}

// post has what is left of the patience, but for what is needed afterwards.
func (h *Mastodon) post(ctx context.Context, v url.Values, key string) (post, error) {
	left := h.patience
	if deadline, set := ctx.Deadline(); set {
		left = min(left, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(ctx, left-h.afterwards())
	defer cancel()
	if key != "" {
		ctx = api.WithIdempotencyKey(ctx, key)
	}
	var p post
	err := h.api.Post(ctx, statusesAPI, v, &p)
	return p, err
}

// judge acts on what a stored post reached; ok means the reader and nobody else.
func (h *Mastodon) judge(ctx context.Context, p post, m bot.Message) (r bot.Receipt, ok bool) {
	r = bot.Receipt{Outcome: bot.Refused, ForMessage: true}
	switch reachOf(p, m) {
	case reachedReader:
		return bot.Receipt{}, true
	case reachedTooMany:
		r.Final = true
		r.Why = fmt.Sprintf("post %s became %q instead of %s: %s", p.ID, p.Visibility, cmp.Or(m.Visibility, direct), h.takeBack(ctx, p, m))
	case reachedTooFew:
		r.Final = true
		r.Why = fmt.Sprintf("post %s became %q instead of %s: %s", p.ID, p.Visibility, m.Visibility, h.takeBack(ctx, p, m))
	case unpictured:
		r.NoPictures = true
		r.Why = fmt.Sprintf("post %s has %d pictures instead of %d: %s", p.ID, len(p.Media), len(m.Pictures), h.takeBack(ctx, p, m))
	case reachedOthers:
		r.Final = true
		r.Why = fmt.Sprintf("post %s also reached account %s: %s",
			p.ID, strings.Join(others(p.readers(), m.To.ID), ", "), h.takeBack(ctx, p, m))
	case reachedNobody:
		r.Why = fmt.Sprintf("post %s reached nobody: the server did not take @%s for account %s (unknown, suspended, or blocked): %s",
			p.ID, strings.TrimPrefix(m.To.Handle, "@"), m.To.ID, h.takeBack(ctx, p, m))
	case otherMessage:
		h.keys.spend(m.Key, time.Now())
		r.Why = fmt.Sprintf("the server answered the key with post %s of another message: the next attempt uses another key", p.ID)
	case rewritten:
		// Not deleted: it may be another message's. Final: where the server
		// changes words, each further attempt would be one more post.
		r.Final = true
		r.Why = fmt.Sprintf("post %s has another text than was sent: the key was used before, or the server changes words", p.ID)
	}
	return r, false
}

// takeBack deletes a post that reached the wrong people, also when the caller
// is ending, and says how it went.
func (h *Mastodon) takeBack(ctx context.Context, p post, m bot.Message) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.afterwards()-h.secondLook())
	defer cancel()
	if err := h.Delete(ctx, string(p.ID)); err != nil {
		h.log.Error("a post that reached the wrong people is still there", slog.String("id", string(p.ID)), slog.Any("error", err))
		return "it could not be deleted: " + err.Error()
	}
	// Mastodon answers this key with 404 from now on.
	h.keys.spend(m.Key, time.Now())
	return "deleted"
}

// readBack asks for the post that was answered with: 200 does not prove that
// anything was stored. Where that cannot be told the message is Uncertain, so
// that the caller looks for it before it sends again.
func (h *Mastodon) readBack(ctx context.Context, answered post, m bot.Message) bot.Receipt {
	stored, err := h.read(ctx, string(answered.ID))
	if notFound(err) && pause(ctx, h.secondLook()) {
		// A replica of the database may be a moment behind.
		stored, err = h.read(ctx, string(answered.ID))
	}
	if notFound(err) {
		return bot.Receipt{
			Outcome: bot.Refused, ForMessage: true,
			Why: fmt.Sprintf("answered 200 with post %s, but nothing is stored (a spam filter does that)", answered.ID),
		}
	}
	if err != nil {
		r := receiptOf(err)
		return bot.Receipt{
			Outcome: bot.Uncertain, NotBefore: r.NotBefore,
			Why: fmt.Sprintf("post %s could not be read back: %s", answered.ID, err),
		}
	}
	if r, ok := h.judge(ctx, stored, m); !ok {
		return r
	}
	return bot.Receipt{Outcome: bot.Delivered, ID: string(stored.ID)}
}

// missing says what a 404 to a POST means: the parent is gone, or the key
// belongs to a post that was deleted.
func (h *Mastodon) missing(ctx context.Context, m bot.Message, refusal error) bot.Receipt {
	r := bot.Receipt{Outcome: bot.Refused, ForMessage: true, Why: refusal.Error()}
	if m.Parent != "" {
		_, err := h.read(ctx, m.Parent)
		if notFound(err) {
			r.ParentGone = true
			r.Why = fmt.Sprintf("post %s, which this one answers, is gone: %s", m.Parent, refusal)
			return r
		}
		if err != nil {
			r.Why = fmt.Sprintf("%s; and whether post %s, which this one answers, is there could not be told: %s", refusal, m.Parent, err)
			return r
		}
	}
	h.keys.spend(m.Key, time.Now())
	r.Why = "the server knows the key from a post that was deleted, the next attempt uses another: " + refusal.Error()
	return r
}

func (h *Mastodon) read(ctx context.Context, id string) (post, error) {
	path, err := statusPath(id)
	if err != nil {
		return post{}, err
	}
	var p post
	if err := h.api.Get(ctx, path, nil, &p); err != nil {
		return post{}, err
	}
	if p.ID == "" {
		return post{}, fmt.Errorf("GET %s: answered without an id", path)
	}
	return p, nil
}

// Delete removes one of the bot's own posts; one that is gone already is no
// error. Mastodon allows 30 in 30 minutes, which the caller keeps to.
func (h *Mastodon) Delete(ctx context.Context, id string) error {
	path, err := statusPath(id)
	if err != nil {
		return err
	}
	if err := h.api.Delete(ctx, path, nil, nil); err != nil && !notFound(err) {
		return fmt.Errorf("deleting post %s: %w", id, err)
	}
	return nil
}

func statusPath(id string) (string, error) {
	if !idForm.MatchString(id) {
		return "", fmt.Errorf("%q is not the id of a post", id)
	}
	return statusesAPI + "/" + id, nil
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
