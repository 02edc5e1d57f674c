package fallback

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// A hook is an address that gets each message as JSON by POST. Its Idempotency-Key
// stays the same when one is sent again, so that whoever listens can tell.
type hook struct {
	*caller
	name    string
	address checks.Secret
}

func newHook(u *url.URL, o Options) (bot.Way, error) {
	switch host := strings.ToLower(u.Hostname()); {
	case host == "":
		return nil, errors.New("should be an address such as \"https://…\"")
	case host == "hooks.slack.com":
		return newSlack(&url.URL{Scheme: "slack", Path: strings.TrimPrefix(u.Path, "/services"), RawQuery: u.RawQuery}, o)
	case (host == "discord.com" || strings.HasSuffix(host, ".discord.com") || host == "discordapp.com") && strings.HasPrefix(u.Path, "/api/webhooks/"):
		id, token, _ := strings.Cut(strings.TrimPrefix(u.Path, "/api/webhooks/"), "/")
		return newDiscord(&url.URL{Scheme: "discord", Host: id, Path: "/" + token, RawQuery: u.RawQuery}, o)
	}
	return &hook{caller: newCaller(o), name: wayName("webhook", u.Host, u.Path), address: checks.NewSecret(u.String())}, nil
}

func (h *hook) Name() string            { return h.name }
func (h *hook) Title() checks.Text      { return checks.Text{En: "web-hook", Ja: "Webhook"} }
func (h *hook) Limit() int              { return 0 }
func (h *hook) Patience() time.Duration { return h.patience }

// hooked is what a web-hook gets.
type hooked struct {
	ID       string `json:"id"`
	Site     string `json:"site"`
	Severity string `json:"severity"` // ok, unknown, warning, critical
	Text     string `json:"text"`
	Language string `json:"language"`
	Time     string `json:"time"` // RFC 3339, when it was written
}

func (h *hook) Send(ctx context.Context, m bot.Message) bot.Receipt {
	header := http.Header{"Idempotency-Key": {m.Key}}
	_, r := h.post(ctx, http.MethodPost, h.address.Reveal(), header, hooked{
		ID: m.Key, Site: m.Title, Severity: m.Severity.String(), Text: m.Text, Language: string(m.Lang), Time: m.Since.UTC().Format(time.RFC3339),
	})
	return r
}

// Find never finds: what is sent again has the same key.
func (h *hook) Find(context.Context, bot.Message) (string, bool, error) { return "", false, nil }
