package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// atOnce is how many checks look at the same time on the command line (own):
// all that there usually are, and few enough for a small machine.
const atOnce = 8

type checkFlags struct {
	config  string
	json    bool
	verbose bool
	lang    langFlag
}

func newCheckCommand(env environment) *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check [NAME...]",
		Short: "Look once, here and now",
		Long: `Looks once, here and now, with no memory of earlier looks, and ends within 30 s.
Without a name, every check that is set up; levels that take long only when named.

Exit status: 0 all well, 1 warning, 2 critical, 3 unknown or could not run.`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return kindNames(env.checklist(&site.Site{Proc: "/proc"})), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, names []string) error {
			return check(cmd.Context(), env, flags, names)
		},
	}
	cmd.Flags().StringVar(&flags.config, "config", "", "configuration `FILE` (default "+env.config+" if it exists)")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVarP(&flags.verbose, "verbose", "v", false, "say what was found on this machine and how, and for each check what would switch it on")
	cmd.Flags().Var(&flags.lang, "lang", "language, `en|ja` (default by the locale)")
	return cmd
}

// langFlag is a language given on the command line; "" when none was.
type langFlag struct{ lang checks.Lang }

func (f *langFlag) String() string { return string(f.lang) }

func (f *langFlag) Type() string { return "en|ja" }

func (f *langFlag) Set(s string) error {
	lang, ok := parseLang(s)
	if !ok {
		return errors.New("write en or ja")
	}
	f.lang = lang
	return nil
}

// or returns the language given, else that of the locale, else English.
func (f *langFlag) or(getenv func(string) string) checks.Lang {
	if f.lang != "" {
		return f.lang
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := getenv(name); locale != "" { // the first that is set decides
			if strings.HasPrefix(strings.ToLower(locale), "ja") {
				return checks.Japanese
			}
			return checks.English
		}
	}
	return checks.English
}

// A look is one check that was asked for and what came of it.
type look struct {
	configured
	// Named tells whether it was asked for by name.
	Named bool
	// Result is of no meaning where the check is not set up.
	Result checks.Result
}

// check is the command: it looks, shows what it saw, and ends with the status
// that Nagios would give it.
func check(ctx context.Context, env environment, flags checkFlags, names []string) error {
	began := time.Now()
	// It ends in seconds: collecting less costs 20 MB for that long, and saves a
	// fifth of its time on the processor.
	debug.SetGCPercent(400)
	config, err := loadConfig(configPath(flags.config, env.config), env.checklist, env.getenv, peeking, func(c *site.Config) { c.Root = env.root })
	if err != nil {
		return err
	}
	defer config.Site.Close()
	chosen, err := choose(config.Checks, names)
	if err != nil {
		return err
	}
	var looks []look
	var long []string // left out: they take long, and nobody asked for them
	for _, c := range chosen {
		if c.Kind.Long && len(names) == 0 {
			long = append(long, c.Kind.Name)
			continue
		}
		looks = append(looks, look{configured: c, Named: len(names) > 0})
	}
	out := bufio.NewWriter(env.stdout)
	columns, terminal := env.columns()
	p := &printer{
		out:     out,
		reader:  checks.Reader{Lang: flags.lang.or(env.getenv), Zone: config.Bot.Zone, Now: began},
		place:   placeName(config),
		paint:   newPaint(terminal && env.getenv("NO_COLOR") == "" && env.getenv("TERM") != "dumb"),
		verbose: flags.verbose,
		long:    long,
	}
	if here := config.Site.Find(ctx); config.Site.Domain == "" && here.Live == "" && here.Compose == "" && here.Hint().Empty() {
		p.nowhere = true
	}
	live := terminal && !flags.json
	show := func(looking []string, ended *look) {
		if live {
			p.progress(columns, looking, ended)
			_ = out.Flush() // what cannot be written is told at the end
		}
	}
	lookAll(ctx, looks, config.Host, began.Add(env.patience), show)
	p.reader.Now = time.Now()
	switch {
	case flags.json:
		err = writeJSON(out, p.reader, config.Host, looks)
	case live:
		p.afterwards(looks)
	default:
		p.report(looks)
	}
	if !flags.json {
		p.found(config.Site.Find(ctx), config.Site.Domain)
		if flags.verbose {
			p.grants(config, looks)
		}
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if flags.verbose {
		tellCauses(env, looks)
	}
	return exitWith(status(looks))
}

// placeName is what a report is about: the Mastodon, else this machine.
func placeName(c *Config) string {
	if c.Site.Domain != "" {
		return c.Site.Domain
	}
	return c.Host
}

// lookAll lets every check that is set up look, and returns when the last has
// ended or the time is over, whatever hangs. It calls show from this goroutine
// alone, whenever something begins or ends, with what is looking then.
func lookAll(ctx context.Context, looks []look, host string, until time.Time, show func(looking []string, ended *look)) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	type event struct {
		index int
		ended bool
	}
	events := make(chan event)
	go func() {
		defer close(events)
		var group errgroup.Group
		group.SetLimit(atOnce)
		for i := range looks {
			if looks[i].Check == nil {
				continue
			}
			group.Go(func() error {
				events <- event{i, false}
				looks[i].Result = lookOne(ctx, looks[i], host, until)
				events <- event{i, true}
				return nil
			})
		}
		_ = group.Wait()
	}()
	running := make([]bool, len(looks))
	for e := range events {
		running[e.index] = !e.ended
		var names []string
		for i := range looks {
			if running[i] {
				names = append(names, looks[i].Kind.Name)
			}
		}
		if e.ended {
			show(names, &looks[e.index])
		} else {
			show(names, nil)
		}
	}
}

func lookOne(ctx context.Context, l look, host string, until time.Time) checks.Result {
	if l.Kind.Scope == checks.Site {
		host = ""
	}
	began := time.Now()
	left := until.Sub(began)
	if left <= 0 || ctx.Err() != nil {
		return checks.Result{
			Host: host, Check: l.Kind.Name, Title: l.Kind.Title, Started: began, StillLooking: true,
			Err: &checks.Unseen{Why: noTurn(), Err: context.DeadlineExceeded},
		}
	}
	how := checks.How{Host: host, Timeout: min(l.Timeout, left), Thorough: l.Named}
	result, _ := checks.LookOnce(ctx, l.Kind, l.Check, checks.NoPast{}, how)
	var explained *checks.Unseen
	if result.Err != nil && !errors.As(result.Err, &explained) &&
		(errors.Is(result.Err, context.DeadlineExceeded) || errors.Is(result.Err, context.Canceled)) {
		result.StillLooking = true
		result.Err = &checks.Unseen{Why: stillLooking(result.Took), Err: result.Err}
	}
	return result
}

// overall is the worst of those that looked. One that was named and is not set
// up counts as unknown, and so does it when nothing looked at all.
func overall(looks []look) checks.Severity {
	worst, looked := checks.OK, false
	for _, l := range looks {
		switch {
		case l.Check != nil:
			worst, looked = max(worst, l.Result.Severity()), true
		case l.Named:
			worst = max(worst, checks.Unknown)
		}
	}
	if !looked {
		return checks.Unknown
	}
	return worst
}

// status is the exit status of what was seen.
func status(looks []look) int { return statusOf(overall(looks)) }

// statusOf is a severity as Nagios has it.
func statusOf(s checks.Severity) int {
	switch s {
	case checks.OK:
		return exitOK
	case checks.Warning:
		return exitWarning
	case checks.Critical:
		return exitCritical
	}
	return exitUnknown
}

// tellCauses writes to stderr what a person is not told: the causes behind
// what could not be seen.
func tellCauses(env environment, looks []look) {
	for _, l := range looks {
		var unseen *checks.Unseen
		if errors.As(l.Result.Err, &unseen) && unseen.Err != nil {
			fmt.Fprintf(env.stderr, "%s: %s\n", l.Kind.Name, printable(unseen.Err.Error()))
		}
	}
}
