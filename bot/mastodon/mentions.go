package mastodon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks/api"
)

const (
	notificationsAPI = "/api/v1/notifications"
	mentionPage      = 40 // GoToSocial's most is 80, Mastodon's 80 since 4.1
	// pagesOfOthers bounds how many pages without a mention one call reads on.
	pagesOfOthers = 10
	// beginning comes before every id, numbers and ULIDs alike.
	beginning = "0"
)

// compareIDs orders ids of one server by age: decimal ones by number, ULIDs by
// letters. No id is ever taken for a number.
func compareIDs(a, b string) int {
	return gomastodon.ID(a).Compare(gomastodon.ID(b))
}

// A notification as far as it is looked at.
type notification struct {
	ID        gomastodon.ID `json:"id"`
	Type      string        `json:"type"`
	CreatedAt time.Time     `json:"created_at"`
	Account   account       `json:"account"`
	Status    *post         `json:"status"`
}

// Mentions returns the page of mentions that follows a cursor, oldest first,
// those included that the server's filter keeps apart: who may command is
// decided by account id, elsewhere. No mentions and the same cursor mean that
// there are no more. After an error the same cursor is asked for again; nothing
// is missed by that and nothing comes twice.
func (h *Mastodon) Mentions(ctx context.Context, after string) (page []bot.Mention, cursor string, err error) {
	me, err := h.self(ctx)
	if err != nil {
		return nil, after, fmt.Errorf("reading mentions: %w", err)
	}
	if after == "" {
		newest, err := h.newest(ctx)
		return nil, newest, err
	}
	cursor = after
	for range pagesOfOthers {
		// min_id gives what follows the cursor directly; since_id would skip
		// whatever does not fit on the newest page.
		raw, err := h.notifications(ctx, url.Values{"min_id": {cursor}, "limit": {strconv.Itoa(mentionPage)}})
		if err != nil {
			return nil, after, err
		}
		mentions, newest := h.sort(raw, cursor, me.ID)
		if newest == cursor || len(mentions) > 0 {
			return mentions, newest, nil
		}
		cursor = newest
	}
	return nil, cursor, nil
}

// newest is the cursor to begin with: what was said before the bot came is not
// answered.
func (h *Mastodon) newest(ctx context.Context) (string, error) {
	raw, err := h.notifications(ctx, url.Values{"limit": {"1"}})
	if err != nil {
		return "", err
	}
	_, cursor := h.sort(raw, beginning, "")
	return cursor, nil
}

func (h *Mastodon) notifications(ctx context.Context, query url.Values) ([]json.RawMessage, error) {
	query.Set("types[]", "mention")
	query.Set("include_filtered", "true")
	var raw []json.RawMessage
	if err := h.api.Get(ctx, notificationsAPI, query, &raw); err != nil {
		return nil, scoped(fmt.Errorf("reading mentions: %w", err), "read:notifications")
	}
	return raw, nil
}

// sort takes the mentions above a cursor out of a page, oldest first, and the
// cursor that follows. One that cannot be read is passed over: it must not hold
// up those behind it.
func (h *Mastodon) sort(raw []json.RawMessage, cursor, me string) (mentions []bot.Mention, next string) {
	next = cursor
	for _, one := range raw {
		var id struct {
			ID gomastodon.ID `json:"id"`
		}
		if err := json.Unmarshal(one, &id); err != nil || id.ID == "" {
			h.log.Warn("a notification has no id")
			continue
		}
		if compareIDs(string(id.ID), cursor) <= 0 {
			continue
		}
		if compareIDs(string(id.ID), next) > 0 {
			next = string(id.ID)
		}
		var n notification
		if err := json.Unmarshal(one, &n); err != nil {
			h.log.Warn("a notification cannot be read", "id", string(id.ID), "error", err)
			continue
		}
		if n.Type == "mention" && n.Status != nil && n.Account.ID != "" && string(n.Account.ID) != me {
			mentions = append(mentions, n.mention())
		}
	}
	slices.SortFunc(mentions, func(a, b bot.Mention) int { return compareIDs(a.ID, b.ID) })
	mentions = slices.CompactFunc(mentions, func(a, b bot.Mention) bool { return a.ID == b.ID })
	return mentions, next
}

func (n notification) mention() bot.Mention {
	urls := make([]string, 0, len(n.Status.Mentions))
	for _, m := range n.Status.Mentions {
		urls = append(urls, m.URL)
	}
	return bot.Mention{
		ID: string(n.ID), StatusID: string(n.Status.ID), From: n.Account.known(),
		Parent:     string(n.Status.Parent),
		Text:       api.CommandText(n.Status.Content, urls),
		Visibility: strings.ToLower(n.Status.Visibility), At: n.CreatedAt,
	}
}
