package mastodon

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// account is what is looked at of an account. Other fields of it, which other
// servers fill as they like, cannot spoil the reading.
type account struct {
	ID   gomastodon.ID `json:"id"`
	Acct string        `json:"acct"`
	URL  string        `json:"url"`
	Bot  bool          `json:"bot"`
}

func (a account) known() bot.Account {
	return bot.Account{ID: string(a.ID), Handle: a.Acct, URL: a.URL, Bot: a.Bot}
}

const verifyAPI = "/api/v1/accounts/verify_credentials"

// Me returns the bot's own account; it proves the token. An error wraps
// [bot.ErrToken] where the server does not take the token, and
// [bot.ErrNotMastodon] where what answers is none; any other is one of the
// moment, or names what the token may not do.
func (h *Mastodon) Me(ctx context.Context) (bot.Account, error) {
	var a account
	err := h.api.Get(ctx, verifyAPI, nil, &a)
	if err == nil && (a.ID == "" || a.Acct == "") {
		err = &api.ShapeError{Method: http.MethodGet, Path: verifyAPI, Err: errors.New("no id or no acct in it")}
	}
	if err != nil {
		return bot.Account{}, fmt.Errorf("asking %s whose token this is: %w", h.api.Server(), plainly(err))
	}
	me := a.known()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.me = me
	return me, nil
}

// self is [Mastodon.Me], asked once.
func (h *Mastodon) self(ctx context.Context) (bot.Account, error) {
	h.mu.Lock()
	me := h.me
	h.mu.Unlock()
	if me.ID != "" {
		return me, nil
	}
	return h.Me(ctx)
}

// plainly says what the answer to the first question means to whoever set the
// bot up.
func plainly(err error) error {
	var (
		status  *api.StatusError
		page    *api.NotJSONError
		shape   *api.ShapeError
		problem = func(known error, format string, args ...any) error {
			return fmt.Errorf("%w: "+format, append([]any{known}, args...)...)
		}
	)
	switch {
	case errors.As(err, &status) && status.Code == http.StatusUnauthorized:
		return problem(bot.ErrToken, "it answered 401 (%s); make a new one under Preferences, Development", checks.Quote(status.Message))
	case errors.As(err, &status) && status.Code == http.StatusForbidden:
		return fmt.Errorf("not allowed (403: %s): the token may lack the scope read:accounts, or the account is suspended or must set up two-factor authentication", checks.Quote(status.Message))
	case errors.As(err, &status) && status.Code == http.StatusUnprocessableEntity:
		return problem(bot.ErrToken, "it belongs to an application, not to an account (422: %s)", checks.Quote(status.Message))
	case errors.As(err, &status) && status.Code >= 300 && status.Code < 500 && status.Code != http.StatusRequestTimeout:
		return problem(bot.ErrNotMastodon, "it answered %d (%s) to %s", status.Code, checks.Quote(status.Message), verifyAPI)
	case errors.As(err, &page) && page.Challenge:
		// There may be a Mastodon behind it: not a final word.
		return fmt.Errorf("something before the server wants to see a browser (%d: %s): let the bot's address through there", page.Code, checks.Quote(page.Start))
	case errors.As(err, &page):
		return problem(bot.ErrNotMastodon, "%d %s that begins with %q", page.Code, checks.Quote(page.ContentType), checks.Quote(page.Start))
	case errors.As(err, &shape):
		return problem(bot.ErrNotMastodon, "JSON of another kind (%s)", checks.Quote(shape.Err.Error()))
	}
	return err
}

// Relation tells how the bot and an account stand to each other. Blocked is
// in either direction.
func (h *Mastodon) Relation(ctx context.Context, id string) (bot.Relation, error) {
	var all []struct {
		ID         gomastodon.ID `json:"id"`
		Following  bool          `json:"following"`
		FollowedBy bool          `json:"followed_by"`
		Requested  bool          `json:"requested"`
		Blocking   bool          `json:"blocking"`
		BlockedBy  bool          `json:"blocked_by"`
	}
	// go-mastodon's Relationship has no blocked_by.
	err := h.api.Get(ctx, "/api/v1/accounts/relationships", map[string][]string{"id[]": {id}}, &all)
	if err != nil {
		return bot.Relation{}, scoped(fmt.Errorf("relation to account %s: %w", id, err), "read:follows")
	}
	for _, r := range all {
		if string(r.ID) == id {
			return bot.Relation{
				Following: r.Following, FollowedBy: r.FollowedBy, Requested: r.Requested,
				Blocked: r.Blocking || r.BlockedBy,
			}, nil
		}
	}
	return bot.Relation{}, fmt.Errorf("relation to account %s: the answer does not speak of it", id)
}

// Follow makes the bot follow an account, or ask to.
func (h *Mastodon) Follow(ctx context.Context, id string) error {
	path := "/api/v1/accounts/" + id + "/follow"
	if !idForm.MatchString(id) {
		return fmt.Errorf("following: %q is not the id of an account", id)
	}
	if _, err := h.library.AccountFollow(ctx, gomastodon.ID(id)); err != nil {
		return scoped(fmt.Errorf("following account %s: %w", id, h.libraryError(http.MethodPost, path, err)), "write:follows")
	}
	return nil
}

// scoped says what is wrong with the token, where it is the token: the scope
// that it lacks, or that it is not taken any more.
func scoped(err error, scope string) error {
	switch statusCode(err) {
	case http.StatusForbidden:
		return fmt.Errorf("the token may lack the scope %s: %w", scope, err)
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: %w", bot.ErrToken, err)
	}
	return err
}
