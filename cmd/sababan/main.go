// Sababan watches a Mastodon server for the people who run it: it looks at
// the admin's checklist by the clock, tells the admins what needs their hands,
// and answers when they ask.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // zones on hosts that have no tzdata

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// Exit statuses, as Nagios has them.
const (
	exitOK       = 0
	exitWarning  = 1
	exitCritical = 2
	exitUnknown  = 3 // also: could not run, bad usage, bad configuration
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once what the first could not
	os.Exit(run(ctx, realEnvironment(), os.Args[1:]))
}

// An environment is all that a command may know of the process that it is.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	// columns returns the width of the terminal that stdout is, and false
	// where it is none.
	columns func() (int, bool)
	// checklist makes every kind of check for a site.
	checklist func(*site.Site) []checks.Kind
	// config is the file that is read when none is named and this one exists.
	config string
	// root is the folder that stands for "/" in what `check` finds of a
	// Mastodon; "" for "/" itself.
	root string
	// patience bounds one `check`, whatever hangs.
	patience time.Duration
	// pace is how fast a daemon lives.
	pace pace
}

// silent says nothing.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// A pace is how fast a daemon lives; the zero value is the usual one.
type pace struct {
	// every is between two looks of each check, whatever its timetable.
	every time.Duration
	// spread, poll, wake and grouping are those of the schedule and the bot,
	// patience is for one attempt at a message.
	spread, poll, wake, grouping, patience time.Duration
	// relay, catchUp and beat are those of the other ways out and the heartbeat.
	relay, catchUp, beat time.Duration
}

func realEnvironment() environment {
	// Its library writes to the standard error by itself what its callers are told.
	redis.SetLogger(silent{})
	return environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv,
		columns: func() (int, bool) {
			fd := int(os.Stdout.Fd())
			if !term.IsTerminal(fd) {
				return 0, false
			}
			width, _, err := term.GetSize(fd)
			if err != nil || width <= 0 {
				width = 80
			}
			return width, true
		},
		checklist: checklist,
		config:    "/etc/sababan/config.toml",
		patience:  29 * time.Second, // the promise is 30
	}
}

// run does what the arguments ask for and returns the exit status.
func run(ctx context.Context, env environment, args []string) int {
	root := newRootCommand(env)
	root.SetArgs(append([]string{}, args...))
	err := root.ExecuteContext(ctx)
	var status *exitStatus
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return status.code
	}
	tellError(env, err)
	return exitUnknown
}

// exitStatus ends a command with a status and without another word.
type exitStatus struct{ code int }

func (e *exitStatus) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitStatus{code}
}

// commands lists the sub-commands.
func commands(env environment) []*cobra.Command {
	return append([]*cobra.Command{
		newCheckCommand(env),
		newRunCommand(env),
		newTryCommand(env),
		newInitCommand(env),
		newDoctorCommand(env),
		newVersionCommand(env),
	}, packaging()...)
}

func newRootCommand(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "sababan",
		Short:         "Watches a Mastodon server for the people who run it",
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		// A word that is no command is told before a flag that it might have had.
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		CompletionOptions:  cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				cmd.SetOut(env.stderr)
				if err := cmd.Help(); err != nil {
					return err
				}
				return exitWith(exitUnknown)
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(commands(env)...)
	return root
}

// noWords is for commands that take flags only.
func noWords(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%q is one word too many: %q takes none", checks.Quote(args[0]), cmd.CommandPath())
}

func unknownCommand(root *cobra.Command, word string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			names = append(names, c.Name())
		}
	}
	if near := nearest(word, names); near != "" {
		return fmt.Errorf("there is no command %q; did you mean \"sababan %s\"?", checks.Quote(word), near)
	}
	return fmt.Errorf("there is no command %q; there are: %s", checks.Quote(word), strings.Join(names, ", "))
}

// flagError makes one sentence of what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var none *pflag.NotExistError
	if !errors.As(err, &none) || len(none.GetSpecifiedName()) < 2 {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	word := none.GetSpecifiedName()
	if near := nearest(word, names); near != "" {
		return fmt.Errorf("there is no flag --%s; did you mean --%s?", checks.Quote(word), near)
	}
	return fmt.Errorf("there is no flag --%s; %q lists all", checks.Quote(word), cmd.CommandPath()+" --help")
}
