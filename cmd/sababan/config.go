package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule"
)

// written is config.toml as it is written, filled with the defaults.
type written struct {
	Offline bool           `toml:"offline"`
	Bot     writtenBot     `toml:"bot"`
	Server  site.Config    `toml:"server"`
	State   writtenState   `toml:"state"`
	Summary writtenSummary `toml:"summary"`
	Metrics writtenMetrics `toml:"metrics"`
	Log     writtenLog     `toml:"log"`
	Host    writtenHost    `toml:"host"`
	// Checks are read by each kind.
	Checks map[string]any `toml:"checks"`
}

type writtenState struct {
	Path string        `toml:"path"`
	URL  checks.Secret `toml:"url"`
}

type writtenSummary struct {
	Enabled    bool   `toml:"enabled"`
	Cron       string `toml:"cron"`
	Visibility string `toml:"visibility"`
	Language   string `toml:"language"`
}

type writtenMetrics struct {
	Listen string `toml:"listen"`
}

type writtenLog struct {
	Format string `toml:"format"`
}

type writtenHost struct {
	Name string `toml:"name"`
}

// writtenCheck is what every table of a check may hold besides the kind's own
// settings.
type writtenCheck struct {
	Enabled bool            `toml:"enabled"`
	Cron    string          `toml:"cron"`
	Timeout checks.Duration `toml:"timeout"`
}

// commonKeys are the keys of [writtenCheck].
func commonKeys() []string {
	return slices.Sorted(maps.Keys(fieldsOf(reflect.ValueOf(writtenCheck{}))))
}

// defaults is what holds where nothing is written.
func defaults() written {
	return written{
		Bot:     writtenBot{Language: string(checks.English)},
		State:   writtenState{Path: "/var/lib/sababan/state.db"},
		Summary: writtenSummary{Enabled: true, Cron: "0 20 * * 0", Visibility: bot.Unlisted}, // defaults: Sunday 20:00, once an admin said so
		Log:     writtenLog{Format: textLog},
	}
}

// Config is the configuration, read and found right: one part per room.
type Config struct {
	// File is where it was read; "" where there was none.
	File    string
	Bot     BotConfig
	Site    *site.Site
	State   StateConfig
	Summary SummaryConfig
	// Metrics is host:port to show metrics at; "" for none.
	Metrics string
	// Log is what the daemon's log is written as: "text" or "json".
	Log string
	// Host is what this machine is called.
	Host    string
	Offline bool
	// Checks are all kinds of the checklist, in its order.
	Checks []configured

	getenv func(string) string
}

// StateConfig is where the daemon remembers.
type StateConfig struct {
	Path string
	URL  checks.Secret
}

// SummaryConfig is the weekly public post.
type SummaryConfig struct {
	// Enabled is whether admins may switch it on at all.
	Enabled    bool
	Timetable  schedule.Timetable
	Visibility string
	Languages  []checks.Lang
}

// configured is one kind with what the configuration makes of it.
type configured struct {
	Kind      checks.Kind
	Enabled   bool
	Cron      string
	Timetable schedule.Timetable
	Timeout   time.Duration
	// Check is nil where NotSetUp names the setting that is missing.
	Check    checks.Check
	NotSetUp *checks.NotSetUp
}

// Limits of what is read (own).
const (
	configLimit  = 1 << 20
	minTimeout   = time.Second
	maxTimeout   = time.Hour
	nameLimit    = 64
	pathExamples = "/var/lib/sababan/state.db"
)

// peeking lets the site be found with the help of Mastodon's own settings:
// somebody looks, once, with the rights that they have. The daemon does not.
func peeking(c *site.Config) { c.Peek = true }

// loadConfig reads a configuration and makes every check from it. Without a
// path all is default. What is wrong in the file comes as one *[badConfig].
// The changes are made to the table [server] after it was read.
func loadConfig(path string, kinds func(*site.Site) []checks.Kind, getenv func(string) string, changes ...func(*site.Config)) (*Config, error) {
	text, info, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	raw, pos, err := parseConfig(path, text)
	if err != nil {
		return nil, err
	}
	l := &loader{w: defaults(), pos: pos}
	l.table(nil, raw, &l.w)
	if info != nil {
		l.keepsSecrets(path, info)
	}
	c := &Config{
		File:    path,
		Offline: l.w.Offline,
		State:   StateConfig{l.w.State.Path, l.w.State.URL},
		getenv:  getenv,
	}
	l.elsewhere(c)
	for _, change := range changes {
		change(&l.w.Server)
	}
	c.Site = l.site()
	c.Site.Offline, c.Site.Credentials = c.Offline, c.credentials()
	list := kinds(c.Site)
	c.Bot = l.forBot(list)
	c.lendToken(l.w.Server.TokenFile)
	c.Host = l.host()
	c.Summary = l.summary(c.Bot)
	c.Metrics = l.metrics()
	c.Log = l.oneOf(at("log", "format"), l.w.Log.Format, []string{textLog, jsonLog})
	l.state()
	c.Checks = l.checks(list, c.Bot.Zone)
	if err := l.err(path, pos, l.secrets(raw)); err != nil {
		return nil, err
	}
	return c, nil
}

// configPath is the file to read: the one named, else the usual one if it is
// there, else none.
func configPath(named, usual string) string {
	if named != "" {
		return named
	}
	if _, err := os.Stat(usual); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return usual
}

// A loader turns what was written into what runs, noting what is wrong.
type loader struct {
	decoder
	w    written
	pos  positions
	lent []checks.Secret // what came from outside of the file
}

// at is a place by its names.
func at(names ...string) place {
	var p place
	for _, n := range names {
		p = p.child(n)
	}
	return p
}

var settingLine = regexp.MustCompile(`^\[([a-z.]+)\] ([a-z_]+)\b`)

// addErrors notes each line of an error. A line names its setting by itself,
// or is about the table at fallback.
func (l *loader) addErrors(fallback place, err error) {
	for _, line := range strings.Split(strings.TrimSpace(err.Error()), "\n") {
		if m := settingLine.FindStringSubmatch(line); m != nil {
			l.addLine(at(append(strings.Split(m[1], "."), m[2])...), line)
			continue
		}
		where := fallback
		if key, _, ok := strings.Cut(line, ":"); ok {
			where = fallback.child(key)
		}
		l.addLine(where, fallback.table()+" "+line)
	}
}

func (l *loader) site() *site.Site {
	s, err := site.New(l.w.Server)
	if err != nil {
		l.addErrors(at("server"), err)
	}
	if s == nil {
		s = &site.Site{Proc: "/proc"}
	}
	return s
}

// checks makes every kind's check from its table.
func (l *loader) checks(kinds []checks.Kind, zone *time.Location) []configured {
	for _, name := range slices.Sorted(maps.Keys(l.w.Checks)) {
		if !slices.ContainsFunc(kinds, func(k checks.Kind) bool { return k.Name == name }) {
			l.unknownCheck(name, kinds)
		}
	}
	var out []configured
	for _, k := range kinds {
		out = append(out, l.check(k, zone))
	}
	return out
}

func (l *loader) unknownCheck(name string, kinds []checks.Kind) {
	where := at("checks", name)
	if near, ok := nearestKind(name, kinds); ok {
		l.addLine(where, fmt.Sprintf("%s: there is no such check; did you mean %s?", where.table(), at("checks", near).table()))
		return
	}
	l.addLine(where, fmt.Sprintf("%s: there is no such check; there are: %s", where.table(), strings.Join(kindNames(kinds), ", ")))
}

func kindNames(kinds []checks.Kind) []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}

func (l *loader) check(k checks.Kind, zone *time.Location) configured {
	where := at("checks", k.Name)
	c := configured{Kind: k, Enabled: true, Cron: k.Cron, Timeout: k.Timeout}
	rest := map[string]any{}
	if v, ok := l.w.Checks[k.Name]; ok {
		table, isTable := v.(map[string]any)
		if !isTable {
			l.add(where, "is %s, should be a table, headed %s", said(v), where.table())
			return c
		}
		rest = l.common(where, table, &c, zone)
	}
	var err error
	if c.Timetable, err = schedule.ParseCron(c.Cron, zone); err != nil {
		l.add(where.child("cron"), "%v", bare(err))
	}
	table := &checkTable{at: where, from: rest}
	check, err := k.New(table)
	if !table.decoded && len(rest) > 0 {
		// A kind that lacks a setting of another table need not have read its own.
		var into any = &struct{}{}
		if k.Settings != nil {
			into = k.Settings()
		}
		if table.Decode(into) != nil && err == nil {
			err = errTable
		}
	}
	l.all = append(l.all, table.wrong.all...)
	var missing *checks.NotSetUp
	switch {
	case errors.As(err, &missing):
		c.NotSetUp = missing
	case len(table.wrong.all) > 0:
	case err != nil:
		l.addErrors(where, err)
	default:
		c.Check = check
	}
	return c
}

// common takes what every check's table may hold and returns the rest.
func (l *loader) common(where place, table map[string]any, c *configured, zone *time.Location) map[string]any {
	w := writtenCheck{Enabled: true, Cron: c.Cron, Timeout: checks.Duration(c.Timeout)}
	ours, rest := map[string]any{}, maps.Clone(table)
	for _, key := range commonKeys() {
		if v, ok := rest[key]; ok {
			ours[key] = v
			delete(rest, key)
		}
	}
	l.table(where, ours, &w)
	if t := w.Timeout.Std(); t < minTimeout || t > maxTimeout {
		l.add(where.child("timeout"), `%q should be between "1s" and "1h"`, w.Timeout.String())
	}
	c.Enabled, c.Cron, c.Timeout = w.Enabled, w.Cron, w.Timeout.Std()
	return rest
}

// bare is a cron error without the words that name it once more.
func bare(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

func (l *loader) host() string {
	name := l.w.Host.Name
	if name == "" {
		name, _ = os.Hostname()
		return cmp.Or(checks.QuoteName(name), "localhost")
	}
	if checks.Quote(name) != name || len(name) > nameLimit {
		l.add(at("host", "name"), "should be one short line, for example \"web1\"")
	}
	return name
}

func (l *loader) state() {
	switch p := l.w.State.Path; {
	case !strings.HasPrefix(p, "/"):
		l.add(at("state", "path"), "%q should be a whole path, for example %q", checks.Quote(p), pathExamples)
	case strings.HasSuffix(p, "/"):
		l.add(at("state", "path"), "%q is a folder; name a file in it, for example %q", checks.Quote(p), pathExamples)
	}
}
