package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

type initFlags struct {
	config    string
	domain    string
	server    string
	tokenFile string
	admins    []string
	language  string
	timezone  string
	fallback  string
	browser   bool
	replace   bool
	settings  bool
	yes       bool
	wait      time.Duration
	lang      langFlag
}

// usualWait is how long it is waited for a person (own: time to take a phone and
// press a button).
const usualWait = 10 * time.Minute

func newInitCommand(env environment) *cobra.Command {
	f := initFlags{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Sets everything up, and ends with a message in the admin's inbox",
		Long: `Sets everything up, step by step: finds the Mastodon on this machine, gets the token of
the bot's account, writes the configuration, shows how to grant the rights to read, and
proves both ways between the bot and the admins. Run it with sudo on the machine that is
to be watched.

Each question has a flag; with --yes nothing is asked. Nothing is ever written over
without a word, and no secret stands in the configuration.`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("wait") && f.yes {
				f.wait = 0
			}
			return initialise(cmd.Context(), env, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.config, "config", env.config, "the configuration to write; secrets go into `FILE`s beside it")
	flags.StringVar(&f.domain, "domain", "", "the public `NAME` of the Mastodon that is watched (default: the one found here)")
	flags.StringVar(&f.server, "server", "", "where the bot's account lives, `https://…` (default: the watched server)")
	flags.StringVar(&f.tokenFile, "token-file", "", "a `FILE` that holds the token of the bot's account; \"-\" reads it from the standard input")
	flags.StringArrayVar(&f.admins, "admin", nil, "`ACCOUNT` of an admin, alice@example.social (repeatable)")
	flags.StringVar(&f.language, "language", "", "what the bot speaks unasked, `en|ja` (default: --lang)")
	flags.StringVar(&f.timezone, "timezone", "", "`ZONE` of times in messages, Europe/Berlin (default: the system's)")
	flags.StringVar(&f.fallback, "fallback", "", "another way out for when the bot's server is down: an `ADDRESS` as in config.example.toml; \"none\" for none")
	flags.BoolVar(&f.browser, "browser", false, "the browser that lets the bot in runs on this machine: no code has to be typed")
	flags.BoolVar(&f.replace, "replace", false, "put an existing configuration aside and write a new one")
	flags.BoolVar(&f.settings, "settings", false, "only copy names and addresses out of Mastodon's settings anew, and change nothing else")
	flags.BoolVarP(&f.yes, "yes", "y", false, "ask nothing: take the flags, and what is usual")
	flags.DurationVar(&f.wait, "wait", usualWait, "how long to wait for the admin's answer; with --yes nothing is waited for unless this is given")
	flags.Var(&f.lang, "lang", "language of this conversation, `en|ja` (default by the locale)")
	return cmd
}

// A setup is one run of `init`: what is known so far, and the person at the
// other end.
type setup struct {
	env   environment
	flags initFlags
	ask   *asker
	site  *site.Site
	kinds []checks.Kind
	found site.Found

	domain   string
	server   string
	token    checks.Secret
	home     *mastodon.Mastodon
	me       mastodon.Profile
	admins   []admin
	language checks.Lang
	zone     string
	fallback checks.Secret
}

// admin is somebody who is told: as written, and who that is on the bot's home.
type admin struct {
	written string
	account bot.Account
}

// initialise is the whole course of it. It ends early, and changes nothing,
// wherever something is missing that only a person can bring.
func initialise(ctx context.Context, env environment, f initFlags) error {
	if !filepath.IsAbs(f.config) {
		return fmt.Errorf("--config: %q should be a whole path, for example %q", checks.Quote(f.config), env.config)
	}
	s := &setup{env: env, flags: f, ask: newAsker(env, f.lang.or(env.getenv), f.yes)}
	defer s.ask.close()
	if f.settings {
		return s.copyAgain(ctx)
	}
	for _, step := range []func(context.Context) error{
		s.mayWrite, s.look, s.whichServer, s.whereBotLives, s.getToken, s.whoIsTold, s.howToSpeak, s.otherWay,
		s.settle, s.write, s.grant, s.prove,
	} {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				return errors.New("broken off; run it again to go on")
			}
			return err
		}
	}
	s.say(doneText(s.flags.config, s.env.config))
	return nil
}

func (s *setup) say(t checks.Text) { s.ask.say(t) }

// mayWrite makes sure that an existing configuration is not written over by
// accident, before anybody has answered ten questions.
func (s *setup) mayWrite(ctx context.Context) error {
	if _, err := os.Lstat(s.flags.config); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%s cannot be looked at: %w", checks.QuoteName(s.flags.config), plainCause(err))
	}
	if s.flags.replace {
		return nil
	}
	if s.flags.yes {
		return fmt.Errorf("%s exists; --replace puts it aside and writes a new one", checks.QuoteName(s.flags.config))
	}
	yes, err := s.ask.yes(ctx, replaceQuestion(s.flags.config))
	if err == nil && !yes {
		err = fmt.Errorf("%s was left as it is", checks.QuoteName(s.flags.config))
	}
	return err
}

// look says what there is on this machine.
func (s *setup) look(ctx context.Context) error {
	where, err := site.New(site.Config{Root: s.env.root, Peek: true, Anew: true})
	if err != nil {
		return err
	}
	s.site, s.kinds = where, s.env.checklist(where)
	s.ask.onClose(where.Close)
	s.found = where.Find(ctx)
	s.say(foundHead())
	for _, line := range s.found.Lines("") {
		s.say(checks.Text{En: "  " + line.En, Ja: "  " + line.Ja})
	}
	if os.Geteuid() != 0 {
		s.say(notRootText())
	}
	return nil
}

func (s *setup) whichServer(ctx context.Context) (err error) {
	usual := s.site.Domain
	s.domain, err = s.ask.until(ctx, s.flags.domain, usual, domainQuestion(), "--domain", func(answer string) error {
		name, ok := asciiName(strings.TrimPrefix(strings.TrimSuffix(answer, "/"), "https://"))
		if !ok {
			return fmt.Errorf("%q is not a name such as \"example.social\"", checks.Quote(answer))
		}
		s.domain = name
		return nil
	})
	s.domain = strings.TrimPrefix(strings.TrimSuffix(s.domain, "/"), "https://")
	return err
}

func (s *setup) whereBotLives(ctx context.Context) (err error) {
	usual := "https://" + s.domain
	if !s.flags.yes && s.flags.server == "" {
		s.say(elsewhereText())
	}
	s.server, err = s.ask.until(ctx, s.flags.server, usual, serverQuestion(), "--server", func(answer string) error {
		l := &loader{}
		l.server(at("server"), withScheme(answer))
		if len(l.all) > 0 {
			_, why, _ := strings.Cut(l.all[0].what, ": ")
			return errors.New(why)
		}
		return nil
	})
	s.server = strings.TrimSuffix(withScheme(s.server), "/")
	return err
}

// withScheme is an address as people type it, with https:// before it.
func withScheme(s string) string {
	if s != "" && !strings.Contains(s, "://") {
		return "https://" + s
	}
	return s
}

// whoIsTold finds the admins' accounts.
func (s *setup) whoIsTold(ctx context.Context) error {
	given := slices.Clone(s.flags.admins)
	for {
		word := ""
		if len(given) > 0 {
			word, given = given[0], given[1:]
		} else if len(s.flags.admins) > 0 || s.flags.yes && len(s.admins) > 0 {
			return nil
		} else {
			answer, err := s.ask.line(ctx, adminQuestion(len(s.admins)), "", "--admin")
			if err != nil {
				return err
			}
			if word = answer; word == "" && len(s.admins) > 0 {
				return nil
			}
		}
		if strings.TrimSpace(word) == "" {
			continue
		}
		account, err := s.home.Resolve(ctx, word)
		switch {
		case err != nil && len(s.flags.admins) > 0:
			return fmt.Errorf("--admin: %w", err)
		case err != nil:
			s.say(checks.Same("  " + checks.Quote(err.Error())))
			continue
		case account.ID == s.me.ID:
			return fmt.Errorf("the token belongs to %s itself: the bot needs an account of its own, or it would talk to itself", checks.Quote(word))
		case slices.ContainsFunc(s.admins, func(a admin) bool { return a.account.ID == account.ID }):
			continue
		}
		s.admins = append(s.admins, admin{written: account.Handle, account: account})
		s.say(checks.Same("  " + checks.QuoteName(account.Handle) + " (" + checks.Quote(account.URL) + ")"))
	}
}

// whole is the name of an account with its server.
func (s *setup) whole(a bot.Account) string {
	if strings.Contains(a.Handle, "@") {
		return a.Handle
	}
	home, err := url.Parse(s.server)
	if err != nil {
		return a.Handle
	}
	return a.Handle + "@" + home.Hostname()
}

func (s *setup) howToSpeak(ctx context.Context) error {
	usual := string(s.ask.lang)
	word, err := s.ask.until(ctx, s.flags.language, usual, languageQuestion(), "--language", func(answer string) error {
		if _, ok := parseLang(answer); !ok {
			return errors.New("write en or ja")
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.language, _ = parseLang(word)
	s.zone, err = s.ask.until(ctx, s.flags.timezone, systemZone(s.env.root), zoneQuestion(), "--timezone", func(answer string) error {
		if answer == "" {
			return nil
		}
		if _, err := time.LoadLocation(answer); err != nil || answer == "Local" {
			return fmt.Errorf("%q is not a time zone such as \"Europe/Berlin\"", checks.Quote(answer))
		}
		return nil
	})
	return err
}

// systemZone is the name of this machine's time zone; "" where it has none.
func systemZone(root string) string {
	if text, err := os.ReadFile(filepath.Join(root, "/etc/timezone")); err == nil && len(text) < 100 {
		if name := strings.TrimSpace(string(text)); name != "" {
			return name
		}
	}
	if to, err := os.Readlink(filepath.Join(root, "/etc/localtime")); err == nil {
		if _, name, ok := strings.Cut(to, "zoneinfo/"); ok {
			return name
		}
	}
	return "UTC"
}

// otherWay sets up one way out besides the bot's own server.
func (s *setup) otherWay(ctx context.Context) error {
	if s.flags.yes && s.flags.fallback == "" {
		s.say(noFallbackText())
		return nil
	}
	if s.flags.fallback == "" {
		s.say(fallbackText())
	}
	word, err := s.ask.until(ctx, s.flags.fallback, "none", fallbackQuestion(), "--fallback", func(answer string) error {
		if u, err := url.Parse(answer); answer != "none" && (err != nil || u.Scheme == "") {
			return errors.New("write an address such as \"mailto:me@example.com\" or \"https://…\", or none")
		}
		return nil
	})
	if err == nil && word != "none" {
		s.fallback = checks.NewSecret(word)
	}
	return err
}

// settle makes the bot's account what it is to be: marked as a bot, following
// the admins, its filter open to their first words.
func (s *setup) settle(ctx context.Context) error {
	if !s.me.Bot {
		if err := s.home.MarkBot(ctx); err != nil {
			s.say(couldNot(markBotText(), err))
		} else {
			s.say(didText(markBotText()))
		}
	}
	for _, a := range s.admins {
		r, err := s.home.Relation(ctx, a.account.ID)
		if err == nil && !r.Following && !r.Requested {
			err = s.home.Follow(ctx, a.account.ID)
		}
		if err != nil {
			s.say(couldNot(followText(a.written), err))
			continue
		}
		s.say(didText(followText(a.written)))
	}
	if _, err := s.home.OpenDoor(ctx); err != nil {
		s.say(couldNot(doorText(), err))
	}
	return nil
}
