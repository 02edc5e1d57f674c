package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/checks"
)

// askPatience bounds the questions to a server while somebody waits (own).
const askPatience = 30 * time.Second

// getToken gets the token of the bot's account, and makes sure that it is one.
func (s *setup) getToken(ctx context.Context) error {
	for {
		token, granted, err := s.newToken(ctx)
		if err != nil {
			return err
		}
		again, err := s.tryToken(ctx, token, granted)
		if err == nil {
			return nil
		}
		if !again || s.flags.tokenFile != "" || s.flags.yes {
			return err
		}
		s.say(checks.Same("  " + err.Error()))
	}
}

// newToken takes the one that is given, or asks for one. granted is nil where it
// is not known what it allows.
func (s *setup) newToken(ctx context.Context) (token checks.Secret, granted []string, err error) {
	switch {
	case s.flags.tokenFile == "-":
		line, err := s.ask.next(ctx)
		if err != nil {
			return checks.Secret{}, nil, fmt.Errorf("--token-file: nothing came on the standard input: %w", err)
		}
		token, err = cleanToken("--token-file: the standard input", []byte(line))
		return token, nil, err
	case s.flags.tokenFile != "":
		c := &Config{getenv: s.env.getenv}
		token, err = c.secretFile("--token-file", s.flags.tokenFile)
		return token, nil, err
	case s.flags.yes:
		return checks.Secret{}, nil, errors.New("--token-file is missing")
	}
	s.say(accountText(s.server, s.tootctl()))
	for {
		how, err := s.ask.line(ctx, howToken(), "1", "--token-file")
		switch {
		case err != nil:
			return checks.Secret{}, nil, err
		case how == "2":
			pasted, err := s.ask.secret(ctx, pasteQuestion(), "--token-file")
			if err != nil {
				return checks.Secret{}, nil, err
			}
			if token, err = cleanToken("what was pasted", []byte(pasted.Reveal())); err != nil {
				s.say(checks.Same("  " + err.Error()))
				continue
			}
			return token, nil, nil
		case how == "1":
			grant, err := s.authorise(ctx)
			if err == nil || ctx.Err() != nil {
				return grant.Token, grant.Scopes, err
			}
			s.say(checks.Same("  " + err.Error()))
		}
	}
}

// tootctl is the command that makes the account, where the bot's home is the
// Mastodon on this machine; nil elsewhere.
func (s *setup) tootctl() checks.Shell {
	if s.found.Live == "" || s.found.User == "" || s.server != "https://"+s.domain {
		return nil
	}
	inside := "cd " + checks.Sh(s.found.Live).String() + " && RAILS_ENV=production bin/tootctl accounts create saba --email saba@" + s.domain + " --confirmed --approve"
	return checks.Sh("sudo", "-u", s.found.User, "-H", "bash", "-lc", inside)
}

// authorise lets somebody who is signed in as the bot say yes in a browser: the
// code comes back by itself where the browser is on this machine, else it is
// shown and typed here.
func (s *setup) authorise(ctx context.Context) (mastodon.Grant, error) {
	options := mastodon.Options{Server: s.server, UserAgent: userAgent()}
	if !s.flags.browser {
		asking, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		app, err := mastodon.Register(asking, options, mastodon.OutOfBand)
		if err != nil {
			return mastodon.Grant{}, err
		}
		p := app.Ask(mastodon.OutOfBand)
		s.say(openPageText(p.Page))
		code, err := s.ask.secret(ctx, codeQuestion(), "--token-file")
		if err != nil {
			return mastodon.Grant{}, err
		}
		redeeming, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		return app.Redeem(redeeming, p, code.Reveal())
	}
	back, err := newReturn()
	if err != nil {
		return mastodon.Grant{}, err
	}
	defer back.close()
	asking, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	app, err := mastodon.Register(asking, options, back.address)
	if err != nil {
		return mastodon.Grant{}, err
	}
	p := app.Ask(back.address)
	s.say(openPageText(p.Page))
	code, err := back.await(ctx, p.State)
	if err != nil {
		return mastodon.Grant{}, err
	}
	redeeming, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return app.Redeem(redeeming, p, code)
}

// A comeback is where the browser comes back to, on loopback.
type comeback struct {
	address string
	server  *http.Server
	answers chan map[string]string
}

func newReturn() (*comeback, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("nothing can listen on loopback: %w", err)
	}
	c := &comeback{address: "http://" + ln.Addr().String() + "/", answers: make(chan map[string]string, 1)}
	c.server = &http.Server{
		ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'")
			q := r.URL.Query()
			if r.URL.Path != "/" || r.Host != ln.Addr().String() || !q.Has("state") {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			select {
			case c.answers <- map[string]string{"code": q.Get("code"), "state": q.Get("state"), "error": q.Get("error")}:
			default:
			}
			fmt.Fprintf(w, "<!doctype html><title>sababan</title><p>%s", html.EscapeString("Done: go back to the terminal. ／ ターミナルに戻ってください。"))
		}),
	}
	go func() { _ = c.server.Serve(ln) }() // ends with close
	return c, nil
}

// await is the code that comes back for a question of ours.
func (c *comeback) await(ctx context.Context, state string) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case got := <-c.answers:
			switch {
			case got["state"] != state: // somebody else's
			case got["error"] != "":
				return "", fmt.Errorf("it was not allowed (%s)", checks.Quote(got["error"]))
			default:
				return got["code"], nil
			}
		}
	}
}

func (c *comeback) close() { _ = c.server.Close() }

// tryToken finds out whose token it is, and whether it will do. again is whether
// another one may be asked for.
func (s *setup) tryToken(ctx context.Context, token checks.Secret, granted []string) (again bool, err error) {
	home, err := mastodon.New(mastodon.Options{Server: s.server, Token: token, UserAgent: userAgent()})
	if err != nil {
		return false, fmt.Errorf("--server: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	me, err := home.Profile(asking)
	if err != nil {
		home.Close()
		return true, err
	}
	if why := unfit(me, granted); why != "" {
		home.Close()
		return true, errors.New(why)
	}
	s.token, s.home, s.me = token, home, me
	s.ask.onClose(home.Close)
	s.say(meText(me.Handle, s.server))
	return false, nil
}

// unfit says why an account or its token is none for a bot; "" where it is.
func unfit(me mastodon.Profile, granted []string) string {
	name := checks.Quote(me.Handle)
	missing := mastodon.Lacking(granted)
	switch {
	case me.Staff:
		return fmt.Sprintf("%s may moderate the server: that is a person's account; the bot needs one of its own, which may do nothing special", name)
	case me.Suspended:
		return fmt.Sprintf("%s is suspended on its server", name)
	case granted != nil && len(missing) > 0:
		return "the token lacks scopes: " + strings.Join(missing, " ")
	}
	return ""
}
