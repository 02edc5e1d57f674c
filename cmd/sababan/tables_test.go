package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/backups"
	"github.com/sababan/sababan/checks/site"
)

// formOf reads the tables of a check into its written form, as its kind would.
func formOf[T any](t *testing.T, text string) (T, []string) {
	t.Helper()
	var form T
	kind := kindOf("backups", nil)
	kind.New = func(table checks.Table) (checks.Check, error) { return nil, table.Decode(&form) }
	path := writeConfig(t, text)
	_, err := loadConfig(path, func(*site.Site) []checks.Kind { return []checks.Kind{kind} }, func(string) string { return "" })
	if bad, ok := err.(*badConfig); ok {
		return form, bad.lines
	}
	if err != nil {
		t.Fatal(err)
	}
	return form, nil
}

func TestACheckMayHaveTablesOfItsOwn(t *testing.T) {
	text := `[checks.backups]
cron = "25 * * * *"
env_kept = true
restored = 2026-08-01

[[checks.backups.source]]
name = "database"
glob = "/var/backups/mastodon/*.dump"
every = "1d"

[[checks.backups.source]]
status_file = "/var/lib/sababan/restic.json"
elsewhere = true
`
	got, mistakes := formOf[backups.Config](t, text)
	want := backups.Config{
		EnvKept: true, Restored: time.Date(2026, 8, 1, 0, 0, 0, 0, got.Restored.Location()),
		Sources: []backups.Source{
			{Name: "database", Glob: "/var/backups/mastodon/*.dump", Every: checks.Duration(24 * time.Hour)},
			{StatusFile: "/var/lib/sababan/restic.json", Elsewhere: true},
		},
	}
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInATableOfACheckNameItsLine(t *testing.T) {
	for _, c := range []struct{ situation, text, want string }{
		{
			"a key that is not known",
			"[[checks.backups.source]]\nglob = '/a'\n[[checks.backups.source]]\nglobe = '/b'",
			`[[checks.backups.source]] globe: is not a known key; did you mean "glob"? (line 4)`,
		},
		{
			"a bare number",
			"[[checks.backups.source]]\nglob = '/a'\nevery = 24",
			`[[checks.backups.source]] every: is a bare number; write it in quotes with a unit, "24s", "24m", "24h" or "24d" (line 3)`,
		},
		{
			"one table where several can be",
			"[checks.backups.source]\nglob = '/a'",
			`[checks.backups] source: is a table, should be one table or more, each headed [[checks.backups.source]] (line 1)`,
		},
	} {
		if _, got := formOf[backups.Config](t, c.text); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.situation, got, c.want)
		}
	}
}
