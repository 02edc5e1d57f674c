package fallback

import (
	"cmp"
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
	readers []bot.Recipient   // as in to; nobody where there is no such account
	done    map[string]string // ids of what has arrived, by key; of the newest message
}

// postLimit is how many characters every Mastodon takes in one post.
const postLimit = 500

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

// Limit is none: what is longer than one post is a thread.
func (a *account) Limit() int { return 0 }

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
	if len(a.readers) == len(a.to) && a.unknown() == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.o.Patience)
	defer cancel()
	readers := make([]bot.Recipient, len(a.to))
	var nobody error
	known := false
	for n, to := range a.to {
		found, err := a.home.Resolve(ctx, to)
		if err != nil {
			err = fmt.Errorf("%s: %w", checks.QuoteName(to), err)
		}
		switch {
		case errors.Is(err, bot.ErrNoSuchAccount):
			nobody = err // the others are told all the same
		case err != nil:
			return err
		default:
			readers[n], known = bot.Recipient{ID: found.ID, Handle: found.Handle}, true
		}
	}
	if !known {
		return nobody
	}
	a.readers = readers
	return nil
}

// unknown says which readers there are not; "" where all are known.
func (a *account) unknown() string {
	for n, r := range a.readers {
		if r == (bot.Recipient{}) {
			return checks.QuoteName(a.to[n]) + ": " + bot.ErrNoSuchAccount.Error()
		}
	}
	return ""
}

// thread is the message to one reader: as many posts as it takes. The parts are
// the same for all of them.
func (a *account) thread(m bot.Message, n int) []bot.Message {
	longest := 0
	for _, to := range a.to {
		longest = max(longest, len(to))
	}
	var posts []bot.Message
	for k, part := range bot.Split(m.Text, postLimit, longest+2) {
		one := m
		one.Key, one.Text, one.To = fmt.Sprintf("%s-%d-%d", m.Key, n, k), part, a.readers[n]
		posts = append(posts, one)
	}
	return posts
}

// Send posts to one reader after the other. What has arrived is not sent again,
// and a reader whom it certainly does not reach keeps it from nobody else.
func (a *account) Send(ctx context.Context, m bot.Message) bot.Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.rest()
	ctx, cancel := context.WithTimeout(ctx, a.Patience())
	defer cancel()
	if err := a.reach(ctx); err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: checks.Quote(err.Error())}
	}
	a.keep(m.Key)
	whole := bot.Receipt{Outcome: bot.Refused, Why: a.unknown()}
	for n, to := range a.readers {
		if to == (bot.Recipient{}) {
			continue
		}
		id, r := a.sendThread(ctx, a.thread(m, n))
		switch {
		case r.Outcome == bot.Delivered:
			whole.Outcome, whole.ID = bot.Delivered, cmp.Or(whole.ID, id)
		case r.Outcome == bot.Refused && (r.Final || r.ForMessage):
			whole.Final, whole.ForMessage, whole.Why = whole.Final || r.Final, true, checks.QuoteName(to.Handle)+": "+r.Why
		case r.Outcome == bot.Refused && len(a.done) > 0:
			// Some have it: it is looked for before it is sent again.
			return bot.Receipt{Outcome: bot.Uncertain, Why: r.Why, NotBefore: r.NotBefore}
		default:
			return r
		}
	}
	if whole.Outcome == bot.Delivered {
		whole.Final, whole.ForMessage = false, false
	}
	return whole
}

// sendThread sends the posts to one reader, each in reply to the one before, up
// to the first that does not arrive.
func (a *account) sendThread(ctx context.Context, posts []bot.Message) (first string, r bot.Receipt) {
	parent := ""
	for _, one := range posts {
		if one.Parent = parent; a.done[one.Key] == "" {
			if r = a.home.Send(ctx, one); r.Outcome != bot.Delivered {
				return "", r
			}
			a.done[one.Key] = r.ID
		}
		parent = a.done[one.Key]
	}
	return a.done[posts[0].Key], bot.Receipt{Outcome: bot.Delivered}
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
	id, missing := "", false
	for n, to := range a.readers {
		parent := ""
		if to == (bot.Recipient{}) {
			continue
		}
		for _, one := range a.thread(m, n) {
			if one.Parent = parent; a.done[one.Key] == "" {
				found, there, err := a.home.Find(ctx, one)
				if err != nil {
					return "", false, err
				}
				if !there {
					missing = true // and what would answer it, too
					break
				}
				a.done[one.Key] = found
			}
			parent = a.done[one.Key]
			id = cmp.Or(id, parent)
		}
	}
	return id, !missing, nil
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
