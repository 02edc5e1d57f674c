package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule/state"
)

type doctorFlags struct {
	config string
	names  bool
	lang   langFlag
}

func newDoctorCommand(env environment) *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Says what works and what does not: the bot, its ways out, its rights",
		Long: `Says what works and what does not, and for each thing that does not, what mends it: the
configuration, the token, the admins, every way out, the state file, the sandbox of the
unit, and what each check may not see. It changes nothing and sends nothing: of the
other ways out it says when the daemon tried them last (at its start, then on Mondays).
Names and addresses are left out, so that the text can be shown to others.

Exit status as for "check": 0 all well, 1 warning, 2 critical, 3 could not tell.`,
		Args: noWords,
		RunE: func(cmd *cobra.Command, _ []string) error { return doctor(cmd.Context(), env, f) },
	}
	cmd.Flags().StringVar(&f.config, "config", "", "the configuration `FILE` (default "+env.config+")")
	cmd.Flags().BoolVar(&f.names, "names", false, "leave names and addresses in")
	cmd.Flags().Var(&f.lang, "lang", "language, `en|ja` (default by the locale)")
	return cmd
}

// A point is one thing that the doctor looked at.
type point struct {
	severity checks.Severity
	text     checks.Text
	advice   checks.Advice
}

func well(t checks.Text) point { return point{severity: checks.OK, text: t} }

func ill(s checks.Severity, t checks.Text, mend ...checks.Shell) point {
	return point{severity: s, text: t, advice: checks.Advice{Mend: mend}}
}

// doctorPatience bounds all questions to the bot's home (own).
const doctorPatience = 25 * time.Second

func doctor(ctx context.Context, env environment, f doctorFlags) error {
	path := configPath(f.config, env.config)
	c, err := loadConfig(path, env.checklist, env.getenv, func(c *site.Config) { c.Root = env.root })
	if err != nil {
		return err
	}
	defer c.Site.Close()
	lang := f.lang.or(env.getenv)
	var text bytes.Buffer
	p := &printer{
		out: &text, reader: checks.Reader{Lang: lang, Zone: c.Bot.Zone, Now: time.Now()}, paint: newPaint(false), verbose: true,
	}
	d := &doctoring{config: c, env: env, hide: newRedaction(c, f.names)}
	worst := checks.OK
	show := func(all ...point) {
		for _, one := range all {
			worst = max(worst, one.severity)
			p.printf("%s%s\n", p.word(one.severity), p.say(one.text))
			p.advice(one.advice)
		}
		_, _ = io.WriteString(env.stdout, d.hide.in(text.String())) // a broken pipe ends at the next line
		text.Reset()
	}
	show(d.configuration()...)
	asking, cancel := context.WithTimeout(ctx, doctorPatience)
	show(d.account(asking)...)
	cancel()
	show(d.waysOut(ctx)...)
	show(d.state(ctx)...)
	show(d.copied(ctx)...)
	show(d.mounts()...)
	looks := d.looks(ctx)
	if blind := d.blind(p, looks); len(blind) == 0 && len(looks) > 0 {
		show(well(sightText(len(looks))))
	} else {
		show(blind...)
	}
	p.missing(looks)
	out := bufio.NewWriter(env.stdout)
	_, _ = out.WriteString(d.hide.in(text.String()))
	if err := errors.Join(ctx.Err(), out.Flush()); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return exitWith(statusOf(worst))
}

// doctoring is one visit of the doctor.
type doctoring struct {
	config *Config
	env    environment
	hide   redaction
}

func (d *doctoring) configuration() (all []point) {
	c := d.config
	if err := c.NeedBot(); err != nil {
		var bad *badConfig
		if errors.As(err, &bad) {
			for _, line := range bad.lines {
				all = append(all, ill(checks.Critical, checks.Same(line)))
			}
			return all
		}
		return append(all, ill(checks.Critical, checks.Same(err.Error())))
	}
	all = append(all, well(configText(c.File)))
	if c.Bot.Zone == time.Local && systemZone(d.env.root) == "UTC" {
		all = append(all, ill(checks.Warning, zoneText()))
	}
	return all
}

// account looks at the bot's account, and at each admin from there.
func (d *doctoring) account(ctx context.Context) (all []point) {
	c := d.config
	token, err := c.Token()
	if err != nil || c.Bot.Server == "" {
		return nil // said above
	}
	home, err := mastodon.New(mastodon.Options{Server: c.Bot.Server, Token: token, UserAgent: userAgent()})
	if err != nil {
		return []point{ill(checks.Critical, checks.Same("[bot] server: "+err.Error()))}
	}
	defer home.Close()
	me, err := home.Profile(ctx)
	if err != nil {
		severity := checks.Critical
		if !errors.Is(err, bot.ErrToken) && !errors.Is(err, bot.ErrNotMastodon) {
			severity = checks.Unknown
		}
		return []point{ill(severity, checks.Same(checks.Quote(err.Error())))}
	}
	all = append(all, accountPoints(me, home.Granted(ctx))...)
	for _, a := range c.Bot.Admins {
		all = append(all, adminPoint(ctx, home, a.Account, me.ID)...)
	}
	if shut, err := home.Filtered(ctx); err != nil {
		all = append(all, ill(checks.Unknown, checks.Same(checks.Quote(err.Error()))))
	} else if len(shut) > 0 {
		all = append(all, ill(checks.Warning, filterText(shut)))
	}
	return append(all, streamPoint(ctx, home))
}

// accountPoints judges the bot's own account. granted is nil where the server
// does not tell what the token allows.
func accountPoints(me mastodon.Profile, granted []string) (all []point) {
	switch {
	case me.Suspended:
		all = append(all, ill(checks.Critical, suspendedText()))
	case me.Limited:
		all = append(all, ill(checks.Warning, limitedText()))
	default:
		all = append(all, well(accountWellText(me.Handle)))
	}
	if me.Staff {
		all = append(all, ill(checks.Warning, staffText()))
	}
	if !me.Bot {
		all = append(all, ill(checks.Warning, unmarkedText()))
	}
	if granted != nil {
		if missing := mastodon.Lacking(granted); len(missing) > 0 {
			all = append(all, ill(checks.Critical, scopesText(missing)))
		}
	}
	return all
}

func adminPoint(ctx context.Context, home *mastodon.Mastodon, written, me string) []point {
	account, err := home.Resolve(ctx, written)
	switch {
	case errors.Is(err, bot.ErrNoSuchAccount):
		return []point{ill(checks.Critical, noAdminText(written))}
	case err != nil:
		return []point{ill(checks.Unknown, checks.Same(checks.Quote(err.Error())))}
	case account.ID == me:
		return []point{ill(checks.Critical, selfText(written))}
	}
	r, err := home.Relation(ctx, account.ID)
	switch {
	case err != nil:
		return []point{ill(checks.Unknown, checks.Same(checks.Quote(err.Error())))}
	case r.Blocked:
		return []point{ill(checks.Critical, blockedText(written))}
	case !r.FollowedBy:
		return []point{ill(checks.Warning, notFollowingText(written))}
	}
	return []point{well(adminWellText(written))}
}

// streamPatience is how long the stream is given to open (own).
const streamPatience = 8 * time.Second

// streamPoint tells whether mentions are heard at once.
func streamPoint(ctx context.Context, home *mastodon.Mastodon) point {
	ctx, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	woken, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		home.Listen(ctx, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
	}()
	select {
	case <-woken:
		cancel()
		<-ended
		return well(streamWellText())
	case <-ctx.Done():
		why := home.Health().Stream.Problem
		<-ended
		return ill(checks.Warning, streamText(why))
	}
}

// looks lets every check look once that is set up; what it finds is not the
// doctor's business, what it cannot see is. The clock is: with a wrong one every
// server refuses what we say.
func (d *doctoring) looks(ctx context.Context) (looks []look) {
	for _, one := range d.config.Checks {
		if one.Enabled && !one.Kind.Long {
			looks = append(looks, look{configured: one})
		}
	}
	lookAll(ctx, looks, d.config.Host, time.Now().Add(d.env.patience), func([]string, *look) {})
	return looks
}

func (d *doctoring) blind(p *printer, looks []look) (all []point) {
	for _, u := range p.unseen(looks) {
		about := p.say(checks.Join(checks.Text{En: ", ", Ja: "、"}, u.about...))
		all = append(all, point{severity: checks.Unknown, text: checks.Same(titled(about, u.why)), advice: u.mend})
	}
	for _, l := range looks {
		if l.Kind.Name != "clock" {
			continue
		}
		for _, f := range l.Result.Findings {
			if !f.Holds {
				all = append(all, point{severity: f.Severity, text: f.Text.Headline(), advice: f.Advice})
			}
		}
	}
	return all
}

// waysOut tells of each other way out what is known of it: none is tried, for a
// message that nobody expects at night is no help; the daemon tries each weekly.
func (d *doctoring) waysOut(ctx context.Context) (all []point) {
	c := d.config
	switch {
	case len(c.Bot.Fallbacks) == 0:
		return []point{ill(checks.Warning, noFallbacksText())}
	case c.Offline:
		return []point{ill(checks.Warning, offlineFallbacksText())}
	}
	err := c.openFallbacks()
	if err != nil {
		return []point{ill(checks.Critical, checks.Same(err.Error()))}
	}
	for _, address := range c.Bot.Fallbacks {
		d.hide = d.hide.also(hostOf(address), "ELSEWHERE")
	}
	out, err := newAway(c, d.env.pace, slog.New(slog.DiscardHandler))
	if err != nil {
		return []point{ill(checks.Critical, checks.Same(err.Error()))}
	}
	standing := make([]bot.WayStanding, len(out.ways))
	for i, w := range out.ways {
		standing[i].Title = w.Title()
	}
	err = state.Peek(ctx, filepath.Join(d.env.root, c.State.Path), func(tx *sql.Tx) (err error) {
		standing, err = bot.WaysStanding(ctx, tx, out.ways)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return []point{ill(checks.Unknown, untoldWaysText(len(out.ways)))} // why is said of the state file
	}
	for _, w := range standing {
		all = append(all, wayPoint(w))
	}
	return all
}

func wayPoint(w bot.WayStanding) point {
	switch {
	case !w.Failed.IsZero():
		return ill(checks.Warning, wayFailsText(w))
	case w.Why != "":
		return ill(checks.Warning, wayNotAllText(w))
	case w.Tested.IsZero():
		return ill(checks.Unknown, wayUntriedText(w))
	}
	return well(wayWellText(w))
}

// hostOf is the server in an address; "" where it has none.
func hostOf(address checks.Secret) string {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// A redaction takes names and addresses out of a text.
type redaction struct {
	replace *strings.Replacer
	names   map[string]string // nil where nothing is taken out
}

func newRedaction(c *Config, not bool) redaction {
	if not {
		return redaction{replace: strings.NewReplacer()}
	}
	names := map[string]string{}
	note := func(name, instead string) {
		if name = strings.TrimSpace(name); len(name) > 2 && names[name] == "" {
			names[name] = instead
		}
	}
	for i, a := range c.Bot.Admins {
		note(strings.TrimPrefix(a.Account, "@"), fmt.Sprintf("ADMIN%d", i+1))
		local, _, _ := strings.Cut(strings.TrimPrefix(a.Account, "@"), "@")
		note(local, fmt.Sprintf("ADMIN%d", i+1))
	}
	note(strings.TrimPrefix(strings.TrimPrefix(c.Bot.Server, "https://"), "http://"), "HOME")
	note(c.Site.Domain, "SERVER")
	note(c.Site.Address, "ADDRESS")
	note(c.Host, "HOST")
	for setting, value := range c.Site.Find(context.Background()).Settings {
		if strings.HasSuffix(setting, "_DOMAIN") || strings.HasSuffix(setting, "_HOST") && !strings.HasPrefix(value, "/") && value != "localhost" || strings.HasSuffix(setting, "_SERVER") || strings.HasSuffix(setting, "_BUCKET") {
			note(value, setting)
		}
	}
	return redactionOf(names)
}

func redactionOf(names map[string]string) redaction {
	// The longest first: a name may be a part of another.
	sorted := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	var pairs []string
	for _, name := range sorted {
		pairs = append(pairs, name, names[name])
	}
	return redaction{strings.NewReplacer(pairs...), names}
}

// also takes one more name out.
func (r redaction) also(name, instead string) redaction {
	if r.names == nil || len(name) < 3 || name == "localhost" || r.names[name] != "" {
		return r
	}
	names := maps.Clone(r.names)
	names[name] = instead
	return redactionOf(names)
}

func (r redaction) in(text string) string {
	return withoutAddresses(r.replace.Replace(text))
}
