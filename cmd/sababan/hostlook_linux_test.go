package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A saying is what one run of the program in a guest came to.
type saying struct {
	status      int
	out, stderr string
}

// run runs the program in the guest as a user of it, and sees that it tells
// nobody what it must not.
func (h *host) run(t *testing.T, as string, args ...string) saying {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	words := append(h.Enter(), "env", "-C", "/")
	if as != "root" {
		words = append(words, "runuser", "-u", as, "--")
	}
	words = append(append(words, "sababan"), args...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("sababan %q: %v\n%s", args, err, stderr.String())
	}
	s := saying{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
	for _, secret := range hostSecrets {
		if strings.Contains(s.out+s.stderr, secret) {
			t.Errorf("sababan %q tells a secret:\n%s%s", args, s.out, s.stderr)
		}
	}
	return s
}

// look is `check --json` by root.
func (h *host) look(t *testing.T, names ...string) map[string]jsonCheck {
	t.Helper()
	s := h.run(t, "root", append([]string{"check", "--json"}, names...)...)
	all := map[string]jsonCheck{}
	for _, c := range decodeReport(t, s.out).Checks {
		all[c.Name] = c
	}
	return all
}

// says asserts lines of an output, each whole or by its beginning and end
// ("Fine disk: … fine").
func (s saying) says(t *testing.T, want ...string) {
	t.Helper()
	lines := strings.Split(s.out, "\n")
	for _, w := range want {
		begin, end, parted := strings.Cut(w, "…")
		if !slices.ContainsFunc(lines, func(l string) bool {
			return l == w || parted && strings.HasPrefix(l, begin) && strings.HasSuffix(l, end)
		}) {
			t.Errorf("lacks %q:\n%s", w, s.out)
		}
	}
}

// never asserts that something is nowhere in an output.
func (s saying) never(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(s.out, w) {
			t.Errorf("says %q:\n%s", w, s.out)
		}
	}
}

// fixes are the commands that a finding is to be mended with, by a part of its
// headline.
func (s saying) fixes(t *testing.T, headline string) []string {
	t.Helper()
	for _, section := range strings.Split(s.out, "\n\n") {
		head, body, _ := strings.Cut(section, "\n")
		if !strings.Contains(head, headline) || !strings.HasPrefix(body, "  ") {
			continue
		}
		var all []string
		for line := range strings.Lines(body) {
			if command, ok := strings.CutPrefix(line, "  Fix: "); ok {
				all = append(all, strings.TrimSuffix(command, "\n"))
			}
		}
		return all
	}
	t.Fatalf("no section on %q:\n%s", headline, s.out)
	return nil
}

// pasted are the lines between a command that reads the rest from here and its
// END, and that command.
func (s saying) pasted(t *testing.T, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s.out, after+"\n")
	begin := strings.Index(rest, "sudo -u postgres")
	end := strings.Index(rest, "\nEND\n")
	if !ok || begin < 0 || end < begin {
		t.Fatalf("no block after %q:\n%s", after, s.out)
	}
	return rest[begin : end+len("\nEND\n")]
}
