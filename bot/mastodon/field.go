package mastodon

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sababan/sababan/bot"
)

const updateAPI = "/api/v1/accounts/update_credentials"

// fieldsMost is how many fields a profile has (Mastodon; where a server has
// more, those that are there are kept).
const fieldsMost = 4

// A field is one row of a profile, as its owner wrote it.
type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

var _ bot.Profile = (*Mastodon)(nil)

// SetField writes a field of the bot's own profile, and keeps the others as they
// are: a server takes them as a whole.
func (h *Mastodon) SetField(ctx context.Context, name, value string) error {
	var mine struct {
		Source struct {
			Fields []field `json:"fields"`
		} `json:"source"`
	}
	if err := h.api.Get(ctx, verifyAPI, nil, &mine); err != nil {
		return scoped(fmt.Errorf("reading the profile: %w", err), "read:accounts")
	}
	fields := mine.Source.Fields
	at := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(strings.TrimSpace(f.Name), name) })
	switch {
	case at >= 0 && fields[at].Value == value:
		return nil
	case at >= 0:
		fields[at].Value = value
	case len(fields) >= fieldsMost:
		return fmt.Errorf("%w: it has %d; take one away for %q", bot.ErrNoRoom, len(fields), name)
	default:
		fields = append(fields, field{name, value})
	}
	form := url.Values{}
	for i, f := range fields {
		one := "fields_attributes[" + strconv.Itoa(i) + "]"
		form.Set(one+"[name]", f.Name)
		form.Set(one+"[value]", f.Value)
	}
	if err := h.api.Patch(ctx, updateAPI, form, nil); err != nil {
		return scoped(fmt.Errorf("writing the profile: %w", err), "write:accounts")
	}
	return nil
}
