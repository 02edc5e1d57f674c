package mastodon

import (
	"context"
	"fmt"
)

// Filtered are the reasons for which the bot's own notification filter keeps
// mentions apart; none where the server has no such filter. Nothing is changed.
func (h *Mastodon) Filtered(ctx context.Context) ([]string, error) {
	policy, err := h.policy(ctx)
	switch {
	case notFound(err):
		return nil, nil
	case err != nil:
		return nil, scoped(fmt.Errorf("reading the notification filter: %w", err), "read:notifications")
	}
	return closed(policy), nil
}

// Granted are the scopes of the application that the token belongs to; nil where
// the server does not tell (before Mastodon 4.3, and its like).
func (h *Mastodon) Granted(ctx context.Context) []string {
	var app struct {
		Scopes []string `json:"scopes"`
	}
	if err := h.api.Get(ctx, "/api/v1/apps/verify_credentials", nil, &app); err != nil {
		return nil
	}
	return app.Scopes
}
