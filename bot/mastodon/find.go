package mastodon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
)

// How far Find looks: more than a bot can have posted in the time that an
// answer is waited for. Mastodon allows 300 posts in 3 h; some allow more.
const (
	findPage  = 40 // Mastodon's most for statuses
	findPages = 25
)

// Find looks among the bot's own posts, newest first, for a message whose
// answer was lost: the same parent, the same reader and nobody else, and the
// same letters. What could not be looked through is an error, never "not
// found".
func (h *Mastodon) Find(ctx context.Context, m bot.Message) (id string, found bool, err error) {
	me, err := h.self(ctx)
	if err != nil {
		return "", false, fmt.Errorf("looking for a message: %w", err)
	}
	below := ""
	for range findPages {
		page, err := h.ownPosts(ctx, me.ID, below)
		if err != nil {
			return "", false, fmt.Errorf("looking for a message: %w", err)
		}
		next := below
		for _, s := range page {
			p := postOf(s)
			if isMessage(p, m) {
				return string(p.ID), true, nil
			}
			if next == "" || compareIDs(string(p.ID), next) < 0 {
				next = string(p.ID)
			}
			if p.CreatedAt.Before(m.Since.Add(-skew)) {
				return "", false, nil
			}
		}
		if len(page) == 0 {
			return "", false, nil
		}
		if next == below {
			return "", false, errors.New("looking for a message: the server gives the same page again")
		}
		below = next
	}
	return "", false, fmt.Errorf("looking for a message: more than %d posts since it was sent", findPage*findPages)
}

func (h *Mastodon) ownPosts(ctx context.Context, me, below string) ([]*gomastodon.Status, error) {
	query := url.Values{"limit": {strconv.Itoa(findPage)}, "exclude_reblogs": {"true"}}
	if below != "" {
		query.Set("max_id", below)
	}
	page, err := h.library.GetAccountStatusesParams(ctx, gomastodon.ID(me), query, nil)
	if err != nil {
		return nil, scoped(h.libraryError(http.MethodGet, "/api/v1/accounts/"+me+"/statuses", err), "read:statuses")
	}
	return page, nil
}
