package fallback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// A Heartbeat is a service that calls somebody when it hears nothing any more:
// the address itself is success, /start and /fail below it are what they say, as
// healthchecks.io has it. It never shows its address.
type Heartbeat struct {
	*caller
	address checks.Secret
}

// NewHeartbeat takes the address of a check.
func NewHeartbeat(address checks.Secret, o Options) (*Heartbeat, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("should be an address that begins with https://")
	}
	if o.Patience <= 0 {
		o.Patience = usualPatience
	}
	return &Heartbeat{caller: newCaller(o), address: address}, nil
}

// Beat tells it one thing.
func (h *Heartbeat) Beat(ctx context.Context, p bot.Pulse, body string) error {
	u, err := url.Parse(h.address.Reveal())
	if err != nil {
		return errors.New("the address cannot be used")
	}
	if p != bot.PulseSuccess {
		u = u.JoinPath(string(p))
	}
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	a, err := h.call(ctx, method, u.String(), http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(body))
	switch {
	case err != nil:
		return err
	case a.code >= 300:
		return fmt.Errorf("it answered %d", a.code)
	case strings.Contains(strings.ToLower(string(a.body[:min(len(a.body), 200)])), "not found"):
		// healthchecks.io says 200 of a check that does not exist.
		return errors.New("it answered that there is no such check")
	}
	return nil
}
