package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// grant shows what gives the rights to read, and what takes them away, and looks
// whether they work.
func (s *setup) grant(ctx context.Context) error {
	if s.found.Live == "" && s.found.Compose == "" && len(s.found.Settings) == 0 {
		return nil // there is no Mastodon on this machine to be read
	}
	c, err := loadConfig(s.flags.config, s.env.checklist, s.env.getenv, peeking, func(c *site.Config) { c.Root = s.env.root })
	if err != nil {
		return err
	}
	defer c.Site.Close()
	p := &printer{out: s.env.stdout, reader: checks.Reader{Lang: s.ask.lang, Now: time.Now()}}
	if _, _, there := daemonIDs(); !there && os.Geteuid() == 0 {
		s.say(userText())
	}
	p.databaseGrants(c)
	p.redisGrants()
	if lines := s.certificateGrants(); len(lines) > 0 {
		s.say(certificatesText())
		for _, l := range lines {
			s.say(checks.Same(l))
		}
	}
	for !s.flags.yes {
		skip, err := s.ask.line(ctx, grantedQuestion(), "", "--yes")
		if err != nil {
			return err
		}
		if skip != "" {
			return nil
		}
		if s.granted(ctx, c) {
			return nil
		}
	}
	return nil
}

// certificateGrants let the daemon see the certificates and no key.
func (s *setup) certificateGrants() (lines []string) {
	for _, folder := range []string{"/etc/letsencrypt/live", "/etc/letsencrypt/archive"} {
		if info, err := os.Stat(filepath.Join(s.env.root, folder)); err == nil && info.IsDir() {
			lines = append(lines, checks.Sh("sudo", "setfacl", "-m", "u:"+site.Role+":rx", folder).String())
		}
	}
	return lines
}

// granted tells whether both can be read, and says why not.
func (s *setup) granted(ctx context.Context, c *Config) bool {
	asking, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	var missing []string
	err := c.Site.Database().Read(asking, func(ctx context.Context, tx pgx.Tx) error {
		seen := map[string]map[string]bool{}
		for _, one := range c.Checks {
			for _, r := range one.Kind.Reads {
				if seen[r.Table] == nil {
					columns, err := site.Columns(ctx, tx, r.Table)
					if err != nil {
						return err
					}
					seen[r.Table] = columns
				}
				for _, column := range r.Columns {
					if readable, there := seen[r.Table][column]; there && !readable {
						missing = append(missing, r.Table+"."+column)
					}
				}
			}
		}
		return nil
	})
	if err == nil && len(missing) > 0 {
		slices.Sort(missing)
		err = errors.New(strings.Join(slices.Compact(missing), ", "))
	}
	s.say(readsText("PostgreSQL", err))
	from := c.Site.Redis().Do(asking, func(ctx context.Context, c *redis.Client, _ string) error { return c.Info(ctx, "server").Err() })
	s.say(readsText("Redis", from))
	return err == nil && from == nil
}

// proveEvery is how often it is asked whether something has come (own: a server
// allows 300 such questions in five minutes).
const proveEvery = 3 * time.Second

// prove sends the first message to each admin, and waits for an answer: then
// both ways work.
func (s *setup) prove(ctx context.Context) error {
	_, cursor, err := s.home.Mentions(ctx, "")
	if err != nil {
		s.say(couldNot(listenText(), err))
		return nil
	}
	until := time.Now().Add(s.flags.wait)
	for _, a := range s.admins {
		if err := s.follower(ctx, a, until); err != nil {
			return err
		}
		_, err := s.send(ctx, a, firstMessage(s.domain).Read(checks.Reader{Lang: s.language}), "")
		if err != nil {
			s.say(couldNot(sendText(a.written), err))
			continue
		}
		s.say(sentText(a.written))
		if s.flags.wait <= 0 {
			continue
		}
		answer, next, err := s.answer(ctx, a, cursor, until)
		if err != nil {
			return err
		}
		cursor = next
		if answer.ID == "" {
			s.say(noAnswerText(a.written))
			continue
		}
		if _, err := s.send(ctx, a, heardMessage().Read(checks.Reader{Lang: s.language}), answer.StatusID); err != nil {
			s.say(couldNot(sendText(a.written), err))
			continue
		}
		s.say(bothWaysText(a.written))
	}
	return nil
}

// follower waits until an admin follows the bot: else its messages would be
// filtered there.
func (s *setup) follower(ctx context.Context, a admin, until time.Time) error {
	said := false
	for {
		r, err := s.home.Relation(ctx, a.account.ID)
		if err == nil && r.FollowedBy {
			return nil
		}
		if !said {
			s.say(followMeText(a.written, s.whole(s.me.Account), s.me.URL))
			said = true
		}
		if !s.pause(ctx, until) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.say(notFollowedText(a.written))
			return nil
		}
	}
}

// pause is false when there is nothing more to wait for: the time is over, or
// the person at the terminal pressed Enter.
func (s *setup) pause(ctx context.Context, until time.Time) bool {
	left := time.Until(until)
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(min(left, proveEvery))
	defer timer.Stop()
	var typed <-chan input
	if !s.flags.yes && s.ask.hidden != nil {
		typed = s.ask.typed()
	}
	select {
	case <-ctx.Done():
		return false
	case <-typed:
		s.ask.pending = nil
		return false
	case <-timer.C:
		return true
	}
}

func (s *setup) send(ctx context.Context, a admin, text, parent string) (id string, err error) {
	m := bot.Message{
		Key: "init-" + rand.Text(), Text: text, To: bot.Recipient{ID: a.account.ID, Handle: a.account.Handle},
		Parent: parent, Lang: s.language, Since: time.Now(),
	}
	r := s.home.Send(ctx, m)
	if r.Outcome != bot.Delivered {
		return "", fmt.Errorf("%s: %s", r.Outcome, r.Why)
	}
	return r.ID, nil
}

// answer waits for the admin's words; the zero mention where none came.
func (s *setup) answer(ctx context.Context, a admin, cursor string, until time.Time) (bot.Mention, string, error) {
	for {
		page, next, err := s.home.Mentions(ctx, cursor)
		if err == nil {
			cursor = next
			for _, m := range page {
				if m.From.ID == a.account.ID {
					return m, cursor, nil
				}
			}
		}
		if !s.pause(ctx, until) {
			return bot.Mention{}, cursor, ctx.Err()
		}
	}
}
