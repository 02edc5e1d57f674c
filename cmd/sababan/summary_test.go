package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func TestTheWeeklyPostIsMadeOfWhatThereIs(t *testing.T) {
	kinds := checklist(&site.Site{Proc: "/proc"})
	sources := summarySources()
	for check, codes := range sources.Outages {
		i := slices.IndexFunc(kinds, func(k checks.Kind) bool { return k.Name == check })
		if i < 0 {
			t.Errorf("there is no check %s", check)
			continue
		}
		for _, code := range codes {
			if _, known := kinds[i].Rules[code]; !known {
				t.Errorf("%s finds no %q", check, code)
			}
		}
	}
	for _, s := range []bot.Source{sources.Answer, sources.Servers, sources.New} {
		files, err := filepath.Glob(filepath.Join("..", "..", "checks", s.Check, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("checks/%s: %v", s.Check, err)
		}
		measured := slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), `= "`+s.Name+`"`)
		})
		if !measured {
			t.Errorf("%s measures no %q", s.Check, s.Name)
		}
	}
}

func TestTheLanguagesOfTheWeeklyPost(t *testing.T) {
	const en, ja = checks.English, checks.Japanese
	for text, want := range map[string][]checks.Lang{
		"": {en}, "[bot]\nlanguage = 'ja'": {ja}, "[bot]\nlanguage = 'ja'\n[summary]\nlanguage = 'en'": {en},
		"[summary]\nlanguage = 'both'": {en, ja}, "[bot]\nlanguage = 'ja'\n[summary]\nlanguage = 'both'": {ja, en},
	} {
		c, err := loadConfig(writeConfig(t, text), func(*site.Site) []checks.Kind { return nil }, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Summary.Languages); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		if !c.Summary.Enabled || c.Summary.Visibility != bot.Unlisted {
			t.Errorf("%q: %+v", text, c.Summary)
		}
	}
	if got := wrong(t, "[summary]\nlanguage = 'fr'"); len(got) != 1 || got[0] != `[summary] language: "fr" is not a language that is spoken here; write "en", "ja" or "both" (line 2)` {
		t.Errorf("%q", got)
	}
}
