package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks/api"
)

// A Profile is what the server tells an account of itself.
type Profile struct {
	bot.Account
	// Suspended and Limited are what moderators did to the account: the first
	// ends it, the second hides it from those who do not follow it.
	Suspended, Limited bool
	// Staff is whether its role may do more on the server than invite people:
	// then it is a person's, and no account for a bot.
	Staff bool
}

// invite is the one permission that a role of ordinary people may have
// (Mastodon: UserRole, invite_users, 1 << 16).
const invite = 1 << 16

// Profile returns the bot's own; it asks each time. Errors are those of
// [Mastodon.Me].
func (h *Mastodon) Profile(ctx context.Context) (Profile, error) {
	me, err := h.Me(ctx)
	if err != nil {
		return Profile{}, err
	}
	var got struct {
		Suspended bool `json:"suspended"`
		Limited   bool `json:"limited"`
		Role      struct {
			Permissions json.RawMessage `json:"permissions"` // a string, and once was a number
		} `json:"role"`
	}
	if err := h.api.Get(ctx, verifyAPI, nil, &got); err != nil {
		return Profile{}, fmt.Errorf("asking %s for the profile: %w", h.api.Server(), plainly(err))
	}
	may, _ := strconv.ParseUint(strings.Trim(string(got.Role.Permissions), `"`), 10, 64)
	return Profile{Account: me, Suspended: got.Suspended, Limited: got.Limited, Staff: may&^invite != 0}, nil
}

// MarkBot says on the profile that this is an automated account.
func (h *Mastodon) MarkBot(ctx context.Context) error {
	var got account
	if err := h.api.Patch(ctx, updateAPI, url.Values{"bot": {"true"}}, &got); err != nil {
		return scoped(fmt.Errorf("marking the account as a bot: %w", err), "write:accounts")
	}
	if !got.Bot {
		return fmt.Errorf("marking the account as a bot: %w", &api.ShapeError{Method: http.MethodPatch, Path: updateAPI, Err: errors.New("bot is not true in it")})
	}
	return nil
}
