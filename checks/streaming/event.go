package streaming

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// channels are subscribed to besides the user's own: those that people sit on,
// and direct, on which the own post comes as a conversation where a fork lets
// people keep direct posts out of their home (Fedibird).
var channels = []string{"direct", "public", "public:local"}

// leftLimit bounds the own posts that wait to be deleted (own).
const leftLimit = 20

// cause makes something happen and waits until the line hears of it: a direct
// post that mentions nobody, which only its own account ever sees, deleted at
// once.
func (c *check) cause(ctx context.Context, l *line, token checks.Secret, m *memory) eventMemo {
	e := eventMemo{At: time.Now(), State: undone}
	client, err := api.New("https://"+c.site.Domain, token, c.wire)
	if err != nil {
		e.State = unheard
		m.Token = malformed
		return e
	}
	if r, ended := l.settled(ctx, c.pace.settle); ended {
		return e
	} else if r != nil && forToken(*r) {
		e.State = unheard
		m.Token = noRead
		return e
	}
	for _, channel := range channels {
		if l.subscribe(ctx, channel) != nil {
			return e // the connection has ended
		}
	}
	if !l.subscribed(ctx, c.pace.settle) {
		return e
	}
	sent := time.Now()
	id, err := c.post(ctx, client, l.mark)
	there := time.Now()
	if err != nil {
		e.State = unposted
		m.Token = e.posting(err, m.Token)
		e.Refused = l.refusedPublic(m.About)
		return e
	}
	m.Token = noFault
	at, came := l.hear(ctx, c.pace)
	if came {
		e.State, e.Delay, e.Behind = arrived, at.Sub(sent), max(at.Sub(there), 0)
		e.bad = e.Behind > c.pace.late
	} else if waited := time.Since(there); waited >= c.pace.late {
		e.State, e.Delay, e.bad = missing, waited, true
	}
	e.Refused = l.refusedPublic(m.About)
	m.Left = append(m.Left, id)
	c.clear(ctx, client, m)
	return e
}

// posting says why the post could not be made, and what that tells of the token.
func (e *eventMemo) posting(err error, before fault) fault {
	var refusal *api.StatusError
	if !errors.As(err, &refusal) {
		o := failed(outcome{}, err)
		e.Why = o.why
		return before
	}
	e.Why, e.Code = status, refusal.Code
	switch {
	case refusal.Code == http.StatusForbidden && strings.Contains(refusal.Message, "scope"):
		e.State = unheard
		return noWrite
	case refusal.Code == http.StatusForbidden, refusal.Code == http.StatusUnauthorized:
		e.State = unheard
		return forbidden
	}
	return before
}

// settled waits until the subscription holds. It tells what the server has
// against it, and whether the connection has ended.
func (l *line) settled(ctx context.Context, settle time.Duration) (*refusal, bool) {
	calm := time.NewTimer(settle)
	defer calm.Stop()
	select {
	case r := <-l.refused:
		return &r, false
	case <-calm.C:
		return nil, false
	case <-l.ended:
	case <-ctx.Done():
	}
	return nil, true
}

// subscribed waits until the channels are subscribed to as well: a conversation that
// comes before that is not heard. What is refused of them is told later. It tells
// whether the connection is there yet.
func (l *line) subscribed(ctx context.Context, settle time.Duration) bool {
	calm := time.NewTimer(settle)
	defer calm.Stop()
	select {
	case <-calm.C:
		return true
	case <-l.ended:
	case <-ctx.Done():
	}
	return false
}

// forToken tells whether an error is about what our token may do.
func forToken(r refusal) bool {
	return r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden
}

// hear waits for the event.
func (l *line) hear(ctx context.Context, p pace) (time.Time, bool) {
	patience := p.wait
	if end, ok := ctx.Deadline(); ok {
		// Some time must be left for deleting the post.
		patience = min(patience, time.Until(end)-p.post/2)
	}
	enough := time.NewTimer(max(patience, 0))
	defer enough.Stop()
	select {
	case at := <-l.arrived:
		return at, true
	case <-enough.C:
	case <-l.ended:
	case <-ctx.Done():
	}
	select {
	case at := <-l.arrived:
		return at, true
	default:
		return time.Time{}, false
	}
}

// refusedPublic is what went wrong with the public channels; nil where they are
// taken. That not everybody may read them, or that the software has no such
// channel, is no fault.
func (l *line) refusedPublic(a about) *refusal {
	select {
	case r := <-l.refused:
		if r.Status < http.StatusInternalServerError || a.Live == "disabled" {
			return nil
		}
		return &r
	default:
		return nil
	}
}

// post makes the post and returns its id.
func (c *check) post(ctx context.Context, client *api.Client, mark string) (string, error) {
	ctx, cancel := context.WithTimeout(api.WithIdempotencyKey(ctx, mark), c.pace.post)
	defer cancel()
	var made struct {
		ID string `json:"id"`
	}
	err := client.Post(ctx, "/api/v1/statuses", url.Values{"status": {postText(mark)}, "visibility": {"direct"}}, &made)
	if err == nil && made.ID == "" {
		err = &api.ShapeError{Method: http.MethodPost, Path: "/api/v1/statuses", Err: errors.New("no id")}
	}
	return made.ID, err
}

// clear deletes the own post, and one that was left by an earlier look. It does
// so also when the look's time is over.
func (c *check) clear(ctx context.Context, client *api.Client, m *memory) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.pace.post/2)
	defer cancel()
	var left []string
	slices.Reverse(m.Left) // the newest first: that is the one of this look
	for i, id := range m.Left {
		if i > 1 || !deleted(client.Delete(ctx, "/api/v1/statuses/"+url.PathEscape(id), nil, nil)) {
			left = append(left, id)
		}
	}
	slices.Reverse(left)
	m.Left = left[max(len(left)-leftLimit, 0):]
}

// deleted tells whether a post is gone.
func deleted(err error) bool {
	var refusal *api.StatusError
	return err == nil || errors.As(err, &refusal) && refusal.Code == http.StatusNotFound
}
