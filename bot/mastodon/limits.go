package mastodon

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks/api"
)

// What Mastodon has always had; a server that tells nothing has no more.
const (
	usualCharacters = 500
	usualURL        = 23
)

// Limits returns how long a post may be. Beside an error stand Mastodon's own
// limits, which no known server goes below.
func (h *Mastodon) Limits(ctx context.Context) (bot.Limits, error) {
	usual := bot.Limits{Characters: usualCharacters, URL: usualURL}
	in, err := h.askInstance(ctx)
	if err != nil {
		return usual, err
	}
	return bot.Limits{
		Characters: cmp.Or(in.MaxCharacters, usual.Characters),
		URL:        cmp.Or(in.ReservedPerURL, usual.URL),
	}, nil
}

// askInstance reads what the server tells of itself: the second version, and
// the first where that is missing or says less.
func (h *Mastodon) askInstance(ctx context.Context) (api.Instance, error) {
	in, err := h.api.InstanceV2(ctx)
	if err != nil || in.MaxCharacters == 0 || in.ReservedPerURL == 0 {
		first, firstErr := h.api.InstanceV1(ctx)
		switch {
		case firstErr == nil && err != nil:
			in, err = first, nil
		case firstErr == nil:
			in.MaxCharacters = cmp.Or(in.MaxCharacters, first.MaxCharacters)
			in.ReservedPerURL = cmp.Or(in.ReservedPerURL, first.ReservedPerURL)
		case err != nil:
			return api.Instance{}, fmt.Errorf("what the server tells of itself: %w", errors.Join(err, firstErr))
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.instance = in
	return in, nil
}

// knownInstance is the last answer of [Mastodon.askInstance], or a new one.
func (h *Mastodon) knownInstance(ctx context.Context) (api.Instance, error) {
	h.mu.Lock()
	in := h.instance
	h.mu.Unlock()
	if in.Domain != "" {
		return in, nil
	}
	return h.askInstance(ctx)
}
