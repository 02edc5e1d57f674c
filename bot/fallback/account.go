package fallback

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/checks"
)

// An account is a second account of the bot's, on another server, that sends to
// some accounts directly.
type account struct {
	name, server string
	token        credential
	to           []string
	o            Options

	mu      sync.Mutex // one message at a time
	home    *mastodon.Mastodon
	readers []bot.Recipient
	done    map[string]string // ids of what has arrived, by key; of the newest message
}

// newAccount takes mastodon://HOST?token_file=…&to=alice@example.social.
func newAccount(u *url.URL, o Options) (bot.Way, error) {
	q, err := known(u, "token", "token_file", "to")
	if err != nil {
		return nil, err
	}
	if u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return nil, errors.New("should be mastodon://HOST?token_file=…&to=alice@example.social")
	}
	a := &account{name: wayName("mastodon", append([]string{u.Host}, q["to"]...)...), server: web(u.Host), o: o, done: map[string]string{}}
	if a.token, err = o.credentialOf(q, "token"); err != nil {
		return nil, err
	}
	if a.token.empty() {
		return nil, errors.New("mastodon: needs token_file=… with the access token of the second account")
	}
	for _, to := range q["to"] {
		if to = strings.TrimPrefix(strings.TrimSpace(to), "@"); to != "" {
			a.to = append(a.to, to)
		}
	}
	if len(a.to) == 0 {
		return nil, errors.New("to: is missing; write …&to=alice@example.social")
	}
	return a, nil
}

func (a *account) Name() string { return a.name }
func (a *account) Title() checks.Text {
	return checks.Text{En: "a second account", Ja: "予備アカウント"}
}

// Limit leaves room for the mention of the reader in what every Mastodon takes.
func (a *account) Limit() int {
	longest := 0
	for _, to := range a.to {
		longest = max(longest, len(to))
	}
	return 500 - longest - 2
}

// Patience is for all the readers together, and for asking who they are.
func (a *account) Patience() time.Duration { return time.Duration(len(a.to)+1) * a.o.Patience }

// reach makes the client and finds the readers, once.
func (a *account) reach(ctx context.Context) error {
	if a.home == nil {
		token, err := a.token.read()
		if err != nil {
			return err
		}
		a.home, err = mastodon.New(mastodon.Options{
			Server: a.server, Token: token, UserAgent: a.o.UserAgent, Dial: a.o.Dial, Roots: a.o.Roots, Patience: a.o.Patience, Log: a.o.Log,
		})
		if err != nil {
			return err
		}
	}
	if len(a.readers) == len(a.to) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.o.Patience)
	defer cancel()
	var readers []bot.Recipient
	for _, to := range a.to {
		found, err := a.home.Resolve(ctx, to)
		if err != nil {
			return fmt.Errorf("%s: %w", checks.QuoteName(to), err)
		}
		readers = append(readers, bot.Recipient{ID: found.ID, Handle: found.Handle})
	}
	a.readers = readers
	return nil
}

// each is the message to one reader.
func each(m bot.Message, n int, to bot.Recipient) bot.Message {
	m.Key, m.To = fmt.Sprintf("%s-%d", m.Key, n), to
	return m
}

// Send posts to one reader after the other. What has arrived is not sent again.
func (a *account) Send(ctx context.Context, m bot.Message) bot.Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.rest()
	if err := a.reach(ctx); err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: checks.Quote(err.Error())}
	}
	a.keep(m.Key)
	for n, to := range a.readers {
		one := each(m, n, to)
		if a.done[one.Key] != "" {
			continue
		}
		r := a.home.Send(ctx, one)
		if r.Outcome != bot.Delivered {
			if len(a.done) > 0 && r.Outcome == bot.Refused {
				// Some have it: it is looked for before it is sent again.
				return bot.Receipt{Outcome: bot.Uncertain, Why: r.Why, NotBefore: r.NotBefore}
			}
			return r
		}
		a.done[one.Key] = r.ID
	}
	return bot.Receipt{Outcome: bot.Delivered, ID: a.done[each(m, 0, bot.Recipient{}).Key]}
}

// Find looks for the message to each reader; it is there when all are.
func (a *account) Find(ctx context.Context, m bot.Message) (string, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.rest()
	if err := a.reach(ctx); err != nil {
		return "", false, err
	}
	a.keep(m.Key)
	missing := 0
	for n, to := range a.readers {
		one := each(m, n, to)
		if a.done[one.Key] != "" {
			continue
		}
		id, there, err := a.home.Find(ctx, one)
		if err != nil {
			return "", false, err
		}
		if there {
			a.done[one.Key] = id
		} else {
			missing++
		}
	}
	return a.done[each(m, 0, bot.Recipient{}).Key], missing == 0, nil
}

// keep forgets what has arrived of other messages.
func (a *account) keep(key string) {
	for k := range a.done {
		if !strings.HasPrefix(k, key+"-") {
			delete(a.done, k)
		}
	}
}

// rest gives up the connections: there is a message a week.
func (a *account) rest() {
	if a.home != nil {
		a.home.Close()
	}
}
