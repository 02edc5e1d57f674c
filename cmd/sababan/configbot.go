package main

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/fallback"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

// writtenBot is the table [bot] as it is written.
type writtenBot struct {
	Server       string        `toml:"server"`
	TokenFile    string        `toml:"token_file"`
	Token        checks.Secret `toml:"token"`
	Language     string        `toml:"language"`
	Timezone     string        `toml:"timezone"`
	HeartbeatURL checks.Secret `toml:"heartbeat_url"`
	// HeartbeatField lets the bot write the time of its last round into its profile.
	HeartbeatField bool              `toml:"heartbeat_field"`
	Admins         []writtenAdmin    `toml:"admin"`
	Fallbacks      []writtenFallback `toml:"fallback"`
}

// writtenAdmin is one [[bot.admin]]; what is nil takes its default.
type writtenAdmin struct {
	Account  string    `toml:"account"`
	Hears    *string   `toml:"hears"`
	Topics   *[]string `toml:"topics"`
	Language *string   `toml:"language"`
	Timezone *string   `toml:"timezone"`
	Quiet    *string   `toml:"quiet"`
	Morning  *string   `toml:"morning"`
}

// writtenFallback is one [[bot.fallback]]: the address, or a file that holds it.
type writtenFallback struct {
	URL     checks.Secret `toml:"url"`
	URLFile string        `toml:"url_file"`
}

// BotConfig is what the bot is, and for whom.
type BotConfig struct {
	// Server is where the bot's own account lives: "https://mastodon.example",
	// without a slash at its end.
	Server string
	// TokenFile holds the token, where that is set; the token itself comes
	// from [Config.Token].
	TokenFile    string
	token        checks.Secret
	Language     checks.Lang
	Zone         *time.Location
	HeartbeatURL checks.Secret
	// HeartbeatField: the time of the last round is written into the profile.
	HeartbeatField bool
	Admins         []bot.Admin
	Fallbacks      []checks.Secret // addresses, which may hold passwords
	// FallbackFiles hold those of them that are empty before they are opened.
	FallbackFiles map[int]string
}

// What an admin gets who has not said otherwise (defaults).
const (
	usualQuiet   = "23:00-07:00"
	noQuiet      = "none"
	usualMorning = "08:00"
	allTopics    = "all"
)

func (l *loader) forBot(kinds []checks.Kind) BotConfig {
	w, where := l.w.Bot, at("bot")
	b := BotConfig{TokenFile: w.TokenFile, token: w.Token, HeartbeatURL: w.HeartbeatURL, HeartbeatField: w.HeartbeatField, FallbackFiles: map[int]string{}}
	if w.Server != "" {
		b.Server = l.server(where.child("server"), w.Server)
	}
	if w.TokenFile != "" && !strings.HasPrefix(w.TokenFile, "/") {
		l.add(where.child("token_file"), "%q should be a whole path, for example %q", checks.Quote(w.TokenFile), "/etc/sababan/token")
	}
	b.Language = l.language(where.child("language"), w.Language)
	b.Zone = time.Local
	if w.Timezone != "" {
		b.Zone = l.zone(where.child("timezone"), w.Timezone)
	}
	if !w.HeartbeatURL.Empty() {
		l.webAddress(where.child("heartbeat_url"), w.HeartbeatURL.Reveal())
	}
	for i, f := range w.Fallbacks {
		u := where.child("fallback").nth(i + 1).child("url")
		if file := where.child("fallback").nth(i + 1).child("url_file"); f.URLFile != "" {
			switch {
			case !f.URL.Empty():
				l.add(file, "stands beside url; keep one of them")
			case !strings.HasPrefix(f.URLFile, "/"):
				l.add(file, "%q should be a whole path, for example %q", checks.Quote(f.URLFile), "/etc/sababan/fallback")
			}
			b.FallbackFiles[len(b.Fallbacks)] = f.URLFile
			b.Fallbacks = append(b.Fallbacks, checks.Secret{})
			continue
		}
		if _, err := fallback.New(f.URL, fallback.Options{}); err != nil {
			l.add(u, "%v", err)
			continue
		}
		b.Fallbacks = append(b.Fallbacks, f.URL)
	}
	seen := map[string]bool{}
	for i, a := range w.Admins {
		here := where.child("admin").nth(i + 1)
		admin := l.admin(here, a, b, kinds)
		if admin.Account != "" && seen[admin.Account] {
			l.add(here.child("account"), "%q stands there twice", admin.Account)
		}
		seen[admin.Account] = true
		b.Admins = append(b.Admins, admin)
	}
	return b
}

// openFallbacks reads the addresses that stand in files of their own; only who
// sends by them needs them.
func (c *Config) openFallbacks() error {
	for i, file := range c.Bot.FallbackFiles {
		text, err := c.secretText("[[bot.fallback]] url_file", c.Site.SecretFile(file))
		if err != nil {
			return err
		}
		address := checks.NewSecret(strings.TrimSpace(string(text)))
		if _, err := fallback.New(address, fallback.Options{}); err != nil {
			return fmt.Errorf("[[bot.fallback]] url_file: %s: %w", checks.QuoteName(file), err)
		}
		c.Bot.Fallbacks[i] = address
	}
	return nil
}

func (l *loader) admin(here place, w writtenAdmin, b BotConfig, kinds []checks.Kind) bot.Admin {
	a := bot.Admin{Hears: bot.HearsAll, Topics: []string{allTopics}, Lang: b.Language, Zone: b.Zone}
	a.Account = l.account(here.child("account"), w.Account)
	if w.Hears != nil {
		a.Hears = bot.Hears(l.oneOf(here.child("hears"), *w.Hears,
			[]string{string(bot.HearsAll), string(bot.HearsCritical), string(bot.HearsEscalation)}))
	}
	if w.Topics != nil {
		a.Topics = l.topics(here.child("topics"), *w.Topics, kinds)
	}
	if w.Language != nil {
		a.Lang = l.language(here.child("language"), *w.Language)
	}
	if w.Timezone != nil {
		a.Zone = l.zone(here.child("timezone"), *w.Timezone)
	}
	quiet, morning := usualQuiet, usualMorning
	if w.Quiet != nil {
		quiet = *w.Quiet
	}
	if w.Morning != nil {
		morning = *w.Morning
	}
	a.Quiet = l.quiet(here.child("quiet"), quiet)
	var err error
	if a.Morning, err = bot.ParseClock(morning); err != nil {
		l.add(here.child("morning"), "%v", err)
	}
	return a
}

// server reads the address of the bot's own server.
func (l *loader) server(where place, s string) string {
	const example = "https://mastodon.example"
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' }):
		l.add(where, "is not an address such as %q", example)
	case u.Scheme == "" || u.Host == "":
		if name, ok := asciiName(strings.Trim(s, "/")); ok {
			l.add(where, "%q has no scheme; write %q", checks.Quote(s), "https://"+name)
		} else {
			l.add(where, "is not an address such as %q", example)
		}
	case u.User != nil:
		l.add(where, "holds a name or password; write only the server, for example %q", example)
	case u.Scheme == "http" && !onLoopback(u.Hostname()):
		l.add(where, "%q would send the token in the clear; write %q", checks.Quote(s), "https://"+u.Host)
	case u.Scheme != "https" && u.Scheme != "http":
		l.add(where, "%q should begin with https://", checks.Quote(s))
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		l.add(where, "%q is an address of a page; write only the server, %q", checks.Quote(s), u.Scheme+"://"+u.Host)
	case !validHost(u):
		l.add(where, "is not an address such as %q", example)
	default:
		host, _ := asciiHost(u)
		return u.Scheme + "://" + host
	}
	return ""
}

// webAddress is for addresses that may be secrets themselves: it never shows them.
func (l *loader) webAddress(where place, s string) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		l.add(where, "should be an address that begins with https://")
	}
}

func validHost(u *url.URL) bool {
	_, ok := asciiHost(u)
	return ok
}

// asciiHost is the host of an address, a name in its ASCII form, with the port.
func asciiHost(u *url.URL) (string, bool) {
	host, ok := u.Hostname(), true
	if net.ParseIP(host) == nil {
		host, ok = asciiName(host)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	return host, ok
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// asciiName is a server's name in its ASCII form.
func asciiName(s string) (string, bool) {
	name, err := idna.Lookup.ToASCII(s)
	if err != nil || name == "" || len(name) > 253 || strings.ContainsAny(name, "/ _@:") {
		return "", false
	}
	return strings.ToLower(name), true
}

var localName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// account reads an account as people write it: name@server, @name@server, name.
func (l *loader) account(where place, s string) string {
	const examples = `"admin@example.social", or "admin" on the bot's own server`
	given := strings.TrimPrefix(norm.NFKC.String(strings.TrimSpace(s)), "@")
	if given == "" {
		l.add(where, "is missing; write for example %s", examples)
		return ""
	}
	if u, err := url.Parse(given); err == nil && u.Host != "" {
		if name, ok := strings.CutPrefix(u.Path, "/@"); ok && localName.MatchString(name) {
			l.add(where, "%q is an address of a page; write %q", checks.Quote(s), name+"@"+u.Host)
			return ""
		}
	}
	name, server, remote := strings.Cut(given, "@")
	ok := localName.MatchString(name)
	if remote && ok {
		host, port, err := net.SplitHostPort(server)
		if err != nil {
			host, port = server, ""
		}
		host, ok = asciiName(host)
		server = host
		if port != "" {
			server += ":" + port
		}
	}
	if !ok {
		l.add(where, "%q is not an account; write for example %s", checks.Quote(s), examples)
		return ""
	}
	if remote {
		return name + "@" + server
	}
	return name
}

func (l *loader) oneOf(where place, s string, allowed []string) string {
	if slices.Contains(allowed, s) {
		return s
	}
	if near := nearest(s, allowed); near != "" {
		l.add(where, "%q is not known; did you mean %q?", checks.Quote(s), near)
	} else {
		l.add(where, "%q is not known; there are: %s", checks.Quote(s), strings.Join(allowed, ", "))
	}
	return allowed[0]
}

func (l *loader) language(where place, s string) checks.Lang {
	lang, ok := parseLang(s)
	if !ok {
		l.add(where, "%q is not a language that is spoken here; write \"en\" or \"ja\"", checks.Quote(s))
	}
	return lang
}

func parseLang(s string) (checks.Lang, bool) {
	switch l := checks.Lang(s); l {
	case checks.English, checks.Japanese:
		return l, true
	}
	return checks.English, false
}

func (l *loader) zone(where place, s string) *time.Location {
	// "Local" and "" are read by the library, but they name no zone.
	if s != "" && s != "Local" {
		if zone, err := time.LoadLocation(s); err == nil {
			return zone
		}
	}
	l.add(where, "there is no time zone %q; write for example \"Asia/Tokyo\" or \"Europe/Berlin\"", checks.Quote(s))
	return time.UTC
}

func (l *loader) topics(where place, topics []string, kinds []checks.Kind) []string {
	if len(topics) == 0 {
		l.add(where, "is empty, so nothing would be heard; write [\"all\"] or names of checks")
	}
	for i, t := range topics {
		if t == allTopics || slices.Contains(kindNames(kinds), t) {
			continue
		}
		if near, ok := nearestKind(t, kinds); ok {
			l.add(where.nth(i+1), "there is no check %q; did you mean %q?", checks.Quote(t), near)
		} else {
			l.add(where.nth(i+1), "there is no check %q; there are: %s", checks.Quote(t), strings.Join(append([]string{allTopics}, kindNames(kinds)...), ", "))
		}
	}
	return topics
}

// quiet reads the hours in which only what cannot wait is told.
func (l *loader) quiet(where place, s string) bot.Quiet {
	q, err := bot.ParseQuiet(s)
	if err != nil {
		l.add(where, "%v", err)
	} else if s != noQuiet && q.From == q.To {
		l.add(where, "%q is no time at all, or all of it; write for example %q, or %q", checks.Quote(s), usualQuiet, noQuiet)
	}
	return q
}

func (l *loader) summary(b BotConfig) SummaryConfig {
	w, where := l.w.Summary, at("summary")
	s := SummaryConfig{Enabled: w.Enabled, Languages: []checks.Lang{b.Language}}
	var err error
	if s.Timetable, err = schedule.ParseCron(w.Cron, b.Zone); err != nil {
		l.add(where.child("cron"), "%v", bare(err))
	}
	s.Visibility = l.oneOf(where.child("visibility"), w.Visibility, []string{bot.Unlisted, bot.Public})
	switch w.Language {
	case "":
	case bothLanguages:
		s.Languages = []checks.Lang{checks.English, checks.Japanese}
		if b.Language == checks.Japanese {
			slices.Reverse(s.Languages)
		}
	default:
		lang, ok := parseLang(w.Language)
		if !ok {
			l.add(where.child("language"), "%q is not a language that is spoken here; write \"en\", \"ja\" or %q", checks.Quote(w.Language), bothLanguages)
		}
		s.Languages = []checks.Lang{lang}
	}
	return s
}

// bothLanguages means the bot's own, then the other.
const bothLanguages = "both"

func (l *loader) metrics() string {
	listen := l.w.Metrics.Listen
	if listen == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if ip := net.ParseIP(host); err == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		l.add(at("metrics", "listen"), "%q would show the numbers to others than this machine; write for example \"127.0.0.1:9810\"", checks.Quote(listen))
		return ""
	}
	if err != nil {
		l.add(at("metrics", "listen"), "%q is not host:port, for example \"127.0.0.1:9810\"", checks.Quote(listen))
	}
	return listen
}
