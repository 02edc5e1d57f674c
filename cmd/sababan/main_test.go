package main

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sababan": main,
		// The same program with the kinds that $KINDS names instead of the
		// checklist, and little patience.
		"sababan-of": func() {
			env := realEnvironment()
			env.checklist = testKinds(strings.Fields(os.Getenv("KINDS"))...)
			env.config = os.Getenv("USUAL_CONFIG")
			env.patience = time.Second
			os.Exit(run(context.Background(), env, os.Args[1:]))
		},
		// The same program, in a storm and in a hurry.
		"sababan-in-storm": func() {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			env := realEnvironment()
			env.checklist = storm(os.Getenv(calmFile))
			env.pace = stormPace()
			os.Exit(run(ctx, env, os.Args[1:]))
		},
		// The same program, whose checks see what a file says, in a hurry.
		"sababan-in-outage": func() {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			env := realEnvironment()
			env.checklist = told(os.Getenv(calmFile))
			env.pace = outagePace()
			os.Exit(run(ctx, env, os.Args[1:]))
		},
		// One process of the Mastodon that a host of these tests runs.
		partCommand: partMain,
		// What a sababan that was installed remembers.
		stateCommand: stateMain,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LANG", "C.UTF-8")
			e.Setenv("TZ", "UTC")
			e.Setenv("USUAL_CONFIG", filepath.Join(e.WorkDir, "usual.toml"))
			return nil
		},
	})
}

// typed runs the program in this process with kinds of the test's own.
func typed(t *testing.T, kinds func(*site.Site) []checks.Kind, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	env := environment{
		stdin: strings.NewReader(""), stdout: &out, stderr: &err,
		getenv:    func(string) string { return "" },
		columns:   func() (int, bool) { return 0, false },
		checklist: kinds,
		config:    filepath.Join(t.TempDir(), "none.toml"),
		patience:  29 * time.Second,
	}
	status = run(t.Context(), env, args)
	return status, out.String(), err.String()
}
