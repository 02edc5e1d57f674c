package mastodon

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
)

// Door is what is known of the bot's own notification filter.
type Door int

// The states of the filter.
const (
	DoorUnknown Door = iota // not asked yet
	DoorNone                // the server has no such filter
	DoorOpen                // nothing is filtered
	DoorShut                // something is, and could not be changed
)

func (d Door) String() string {
	return [...]string{"unknown", "none", "open", "shut"}[d]
}

const policyAPI = "/api/v2/notifications/policy"

// keepsApart tells whether a setting is a reason for which Mastodon 4.3 and
// later can keep a mention of a person apart. The bot decides by account id
// whom it obeys, so that it wants to see every one.
func keepsApart(name string) bool {
	switch name {
	case "for_private_mentions", "for_limited_accounts", "for_not_following", "for_not_followers", "for_new_accounts":
		return true
	}
	return false
}

// OpenDoor lets the mentions of strangers through the bot's own notification
// filter, and reads back that it is so; false where the server has none.
func (h *Mastodon) OpenDoor(ctx context.Context) (bool, error) {
	there, err := h.openDoor(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil && there:
		h.door = DoorOpen
	case err == nil:
		h.door = DoorNone
	case there:
		h.door = DoorShut
	}
	return there && err == nil, err
}

func (h *Mastodon) openDoor(ctx context.Context) (there bool, err error) {
	policy, err := h.policy(ctx)
	if notFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	shut := closed(policy)
	if len(shut) == 0 {
		return true, nil
	}
	change := url.Values{}
	for _, name := range shut {
		change.Set(name, "accept")
	}
	if err := h.api.Patch(ctx, policyAPI, change, nil); err != nil {
		return true, scoped(fmt.Errorf("opening the notification filter: %w", err), "write:notifications")
	}
	if policy, err = h.policy(ctx); err != nil {
		return true, err
	}
	if shut = closed(policy); len(shut) > 0 {
		return true, fmt.Errorf("opening the notification filter: the server took the change, but %s is still %s",
			shut[0], checks.Quote(fmt.Sprint(policy[shut[0]])))
	}
	return true, nil
}

func (h *Mastodon) policy(ctx context.Context) (map[string]any, error) {
	var policy map[string]any
	if err := h.api.Get(ctx, policyAPI, nil, &policy); err != nil {
		if notFound(err) || statusCode(err) == http.StatusNotFound {
			return nil, err
		}
		return nil, scoped(fmt.Errorf("reading the notification filter: %w", err), "read:notifications")
	}
	return policy, nil
}

// closed are the settings of a policy that are there and not "accept".
func closed(policy map[string]any) []string {
	var shut []string
	for name, value := range policy {
		word, ok := value.(string)
		if ok && !strings.EqualFold(word, "accept") && keepsApart(name) {
			shut = append(shut, name)
		}
	}
	slices.Sort(shut)
	return shut
}
