package fallback

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// A chat is a web-hook of a chat service. It can be neither asked what is there
// nor told that a message is the same, so nothing is sent there twice.
type chat struct {
	*caller
	name, title string
	address     checks.Secret
	limit       int
	write       func(bot.Message) any
}

func (c *chat) Name() string            { return c.name }
func (c *chat) Title() checks.Text      { return checks.Same(c.title) }
func (c *chat) Limit() int              { return c.limit }
func (c *chat) Patience() time.Duration { return c.patience }

func (c *chat) Send(ctx context.Context, m bot.Message) bot.Receipt {
	_, r := c.post(ctx, http.MethodPost, c.address.Reveal(), nil, c.write(m))
	return r
}

func (c *chat) Find(context.Context, bot.Message) (string, bool, error) {
	return "", false, bot.ErrCannotTell
}

var hookPart = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// newDiscord takes discord://ID/TOKEN, the two parts of the address that Discord
// gives.
func newDiscord(u *url.URL, o Options) (bot.Way, error) {
	if _, err := known(u); err != nil {
		return nil, err
	}
	id, token := u.Host, strings.Trim(u.Path, "/")
	if !hookPart.MatchString(id) || !hookPart.MatchString(token) {
		return nil, errors.New("should be discord://ID/TOKEN, or the address that Discord gives for a web-hook")
	}
	return &chat{
		caller: newCaller(o), name: wayName("discord", id), title: "Discord", limit: 1900, // of 2000, for what is escaped
		// With wait the answer comes when the message is stored.
		address: checks.NewSecret("https://discord.com/api/webhooks/" + id + "/" + token + "?wait=true"),
		write: func(m bot.Message) any {
			return map[string]any{
				"content":          cutTo(discordPlain.Replace(m.Title+"\n"+m.Text), 2000),
				"allowed_mentions": map[string]any{"parse": []string{}},
			}
		},
	}, nil
}

// discordPlain keeps Discord from reading a text as Markdown.
var discordPlain = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `~`, `\~`, "`", "\\`", `|`, `\|`, "\n#", "\n\\#", "\n>", "\n\\>")

func cutTo(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

// newSlack takes slack://T…/B…/X…, the end of the address that Slack gives.
func newSlack(u *url.URL, o Options) (bot.Way, error) {
	if _, err := known(u); err != nil {
		return nil, err
	}
	parts := strings.Split(strings.Trim(u.Host+u.Path, "/"), "/")
	if len(parts) == 4 && u.Host == "hooks.slack.com" {
		parts = parts[1:]
	}
	ok := len(parts) == 3
	for _, p := range parts {
		ok = ok && hookPart.MatchString(p)
	}
	if !ok {
		return nil, errors.New("should be slack://T…/B…/X…, or the address that Slack gives for a web-hook")
	}
	return &chat{
		caller: newCaller(o), name: wayName("slack", parts[0], parts[1]), title: "Slack", limit: 3500,
		address: checks.NewSecret("https://hooks.slack.com/services/" + strings.Join(parts, "/")),
		write: func(m bot.Message) any {
			return map[string]any{"text": slackPlain.Replace(m.Title + "\n" + m.Text), "mrkdwn": false}
		},
	}, nil
}

// slackPlain keeps Slack from reading a text as links and mentions.
var slackPlain = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
