// Package checkstest holds the contract that every kind of check meets, and
// the real services that their tests start.
package checkstest

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/sababan/sababan/checks"
)

// Table is a written table for a kind's New; it is decoded strictly.
type Table string

// Decode fills the written form.
func (s Table) Decode(into any) error {
	md, err := toml.Decode(string(s), into)
	if err != nil {
		return err
	}
	if extra := md.Undecoded(); len(extra) > 0 {
		return errors.New("unknown key " + extra[0].String())
	}
	return nil
}

// Make makes the check of a kind from a written table, or ends the test.
func Make(t *testing.T, k checks.Kind, table Table) checks.Check {
	t.Helper()
	c, err := k.New(table)
	if err != nil {
		t.Fatalf("%s: New: %v", k.Name, err)
	}
	return c
}

// Look looks once, asserts what must hold of every observation, records it in
// the past (which may be nil), and returns it.
func Look(t *testing.T, k checks.Kind, c checks.Check, past *Past) checks.Observation {
	t.Helper()
	if past == nil {
		past = &Past{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), k.Timeout)
	defer cancel()
	o, err := c.Look(ctx, past)
	if err != nil {
		t.Fatalf("%s: %v", k.Name, err)
	}
	AssertObservation(t, k, o)
	past.Record(o, time.Now())
	return o
}

// Find returns the finding with a code and subject; a subject of "*" takes any.
func Find(o checks.Observation, code, subject string) (checks.Finding, bool) {
	for _, f := range o.Findings {
		if f.Code == code && (subject == "*" || f.Subject == subject) {
			return f, true
		}
	}
	return checks.Finding{}, false
}

// Value returns a measure of the observation, or ends the test.
func Value(t *testing.T, o checks.Observation, name, subject string) float64 {
	t.Helper()
	for _, m := range o.Measures {
		if m.Name == name && m.Subject == subject {
			return m.Value
		}
	}
	t.Fatalf("no measure %s %q in %+v", name, subject, o.Measures)
	return 0
}

var (
	oneWord   = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	codeWord  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	nameWord  = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	liveAt    = regexp.MustCompile(`(^|[^\pL\pN_=/])@[A-Za-z0-9_]`)
	tightHash = regexp.MustCompile(`#[0-9]+[\pL_]`)
	units     = map[string]bool{checks.Bytes: true, checks.Seconds: true, checks.Ratio: true, checks.Count: true}
)

// headlineLimit is what a push notification shows of a post.
const headlineLimit = 140

// Contract asserts what holds of every kind, with the written table that makes
// a check which can look on this machine.
func Contract(t *testing.T, k checks.Kind, table Table) {
	t.Helper()
	t.Run("a kind is described in both languages", func(t *testing.T) {
		if !oneWord.MatchString(k.Name) {
			t.Errorf("name %q is not one lower-case word", k.Name)
		}
		assertText(t, "title", k.Title)
		if len(k.Words.En) == 0 || len(k.Words.Ja) == 0 {
			t.Errorf("words people type are missing in a language: %+v", k.Words)
		}
		if k.Timeout <= 0 || k.Timeout > 20*time.Minute || k.Cron == "" {
			t.Errorf("timeout %v, cron %q", k.Timeout, k.Cron)
		}
		for code := range k.Rules {
			if !codeWord.MatchString(code) {
				t.Errorf("rule for %q: codes are lower-case words joined by -", code)
			}
		}
		for _, cmd := range k.Commands {
			assertText(t, "help of "+cmd.Name, cmd.Help)
		}
	})
	t.Run("settings decode to their defaults from an empty table", func(t *testing.T) {
		if k.Settings == nil {
			return
		}
		if err := Table("").Decode(k.Settings()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a look says its number when all is well", func(t *testing.T) {
		o := Look(t, k, Make(t, k, table), nil)
		if o.Summary.Empty() {
			t.Error("no summary")
		}
	})
	t.Run("a look whose time is over comes back at once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		o, err := Make(t, k, table).Look(ctx, &Past{})
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v after its context had ended", took)
		}
		if err == nil {
			AssertObservation(t, k, o)
		} else {
			assertExplained(t, err)
		}
	})
	t.Run("two looks one after the other agree on what they are about", func(t *testing.T) {
		c, past := Make(t, k, table), &Past{}
		first, second := Look(t, k, c, past), Look(t, k, c, past)
		seen := map[Series]bool{}
		for _, m := range first.Measures {
			seen[Series{m.Name, m.Subject}] = true
		}
		missing := 0
		for _, m := range second.Measures {
			if !seen[Series{m.Name, m.Subject}] {
				missing++
			}
		}
		// What compares with the past appears at the second look; what was
		// there at the first must not change its name.
		if len(seen) > 0 && missing == len(second.Measures) {
			t.Errorf("measures change their names between looks: %v, %v", first.Measures, second.Measures)
		}
	})
}

// AssertObservation asserts what holds of every observation.
func AssertObservation(t *testing.T, k checks.Kind, o checks.Observation) {
	t.Helper()
	assertText(t, "summary", o.Summary)
	if strings.Contains(o.Summary.En, "\n") || strings.Contains(o.Summary.Ja, "\n") {
		t.Errorf("%s: the summary has more than one line: %q", k.Name, o.Summary.En)
	}
	seen := map[Series]bool{}
	for _, m := range o.Measures {
		key := Series{m.Name, m.Subject}
		if !nameWord.MatchString(m.Name) || !units[m.Unit] || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) || seen[key] {
			t.Errorf("%s: bad or double measure %+v", k.Name, m)
		}
		seen[key] = true
	}
	keys := map[checks.Key]bool{}
	for _, f := range o.Findings {
		if !codeWord.MatchString(f.Code) || keys[f.Key()] {
			t.Errorf("%s: bad or double finding %q %q", k.Name, f.Code, f.Subject)
		}
		keys[f.Key()] = true
		if f.Severity != checks.Warning && f.Severity != checks.Critical {
			t.Errorf("%s: finding %s is %v: a finding is a warning or critical", k.Name, f.Code, f.Severity)
		}
		assertText(t, k.Name+" "+f.Code, f.Text)
		for _, l := range []checks.Lang{checks.English, checks.Japanese} {
			head := checks.Reader{Lang: l, Now: time.Now()}.Write(f.Text.Headline().In(l))
			if utf8.RuneCountInString(head) > headlineLimit-20 { // "[Action needed] #123 " goes before it
				t.Errorf("%s %s: headline is longer than a lock screen: %q", k.Name, f.Code, head)
			}
		}
		assertAdvice(t, k.Name+" "+f.Code, f.Advice)
	}
	for _, b := range o.Blind {
		assertText(t, k.Name+" blind "+b.Code, b.Why)
		assertAdvice(t, k.Name+" blind "+b.Code, b.Mend)
		if keys[checks.Key{Code: b.Code, Subject: b.Subject}] {
			t.Errorf("%s: %s %q is both found and not seen", k.Name, b.Code, b.Subject)
		}
	}
	for _, e := range o.Events {
		assertText(t, k.Name+" event "+e.Code, e.Text)
		if e.At.IsZero() {
			t.Errorf("%s: event %s has no time", k.Name, e.Code)
		}
	}
}

func assertExplained(t *testing.T, err error) {
	t.Helper()
	why, advice := checks.Explain(err)
	assertText(t, "error", why)
	assertAdvice(t, "error", advice)
}

func assertAdvice(t *testing.T, what string, a checks.Advice) {
	t.Helper()
	if !a.Text.Empty() {
		assertText(t, what+" advice", a.Text)
	}
	for _, sh := range append([]checks.Shell{a.Look}, a.Mend...) {
		if len(sh) > 0 && sh.String() == "" {
			t.Errorf("%s: a command cannot be written: %q", what, [][]string(sh))
		}
	}
}

// assertText asserts that a text says the same in both languages as far as a
// machine can tell: both are there, neither holds a live mention, a hashtag, a
// stray character, or another language's letters.
func assertText(t *testing.T, what string, text checks.Text) {
	t.Helper()
	if strings.TrimSpace(text.En) == "" || strings.TrimSpace(text.Ja) == "" {
		t.Errorf("%s: a language is missing: en %q, ja %q", what, text.En, text.Ja)
	}
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		s := checks.Reader{Lang: l, Now: time.Now()}.Write(text.In(l))
		if liveAt.MatchString(s) {
			t.Errorf("%s: a live mention in %q", what, s)
		}
		if tightHash.MatchString(s) {
			t.Errorf("%s: a hashtag in %q", what, s)
		}
		for _, r := range s {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r)) {
				t.Errorf("%s: stray character %U in %q", what, r, s)
			}
		}
		if strings.Contains(s, "%!") {
			t.Errorf("%s: a broken format in %q", what, s)
		}
	}
}
