package backups

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.backups] as it is written.
type Config struct {
	// Sources are what the backup jobs leave; none means: look for it.
	Sources []Source `toml:"source"`
	// EnvKept says that .env.production is kept where this check cannot see it.
	EnvKept bool `toml:"env_kept"`
	// MediaKept says the same of the media.
	MediaKept bool `toml:"media_kept"`
	// Restored is the day on which a person last restored a backup by hand.
	Restored time.Time `toml:"restored"`
	// SecondPerson is the day on which it was last made sure that somebody else
	// can do it, too.
	SecondPerson time.Time `toml:"second_person"`
	// Restore has the newest dump restored into a throw-away PostgreSQL once a
	// week, and counted.
	Restore bool `toml:"restore"`
	// RestoreIn is the folder in which that is done.
	RestoreIn string `toml:"restore_in"`
}

// defaultConfig holds the project's defaults: the restore goes where the
// daemon may write.
func defaultConfig() Config { return Config{RestoreIn: "/var/lib/sababan"} }

// Source is one [[checks.backups.source]]: either a pattern of files, or a file
// in which the backup job leaves what its tool says of the repository.
type Source struct {
	// Name is what it is called in messages; else its path.
	Name string `toml:"name"`
	// Glob is a whole path; * and ? stand for anything but a slash. Each file
	// or folder that matches is one backup.
	Glob string `toml:"glob"`
	// StatusFile holds the JSON of `restic snapshots`, `borg list`, `borg info`
	// or `pgbackrest info`.
	StatusFile string `toml:"status_file"`
	// Every is how often a new one should come; 0 learns it from what is there.
	Every checks.Duration `toml:"every"`
	// Log is what the backup job writes; its last lines are looked at.
	Log string `toml:"log"`
	// Elsewhere says that it is copied to another machine by something that
	// this check does not see.
	Elsewhere bool `toml:"elsewhere"`
}

const (
	// sourceLimit bounds how many sources are looked at (own).
	sourceLimit = 16
	// shortestRhythm is below which a rhythm is a slip of the finger (own).
	shortestRhythm = 5 * time.Minute
	// labelLimit is how long a name may be, in bytes (own).
	labelLimit = 60
	// restoreInLimit leaves room for the name of a socket, which has 107 bytes
	// on Linux and 103 elsewhere.
	restoreInLimit = 64
)

func (c Config) validate(now time.Time) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Sources) > sourceLimit {
		bad("source: there are %d of them; at most %d are looked at", len(c.Sources), sourceLimit)
	}
	if c.Restored.After(now.Add(day)) {
		bad("restored: is in the future; write the day on which a backup was last restored by hand")
	}
	if c.SecondPerson.After(now.Add(day)) {
		bad("second_person: is in the future; write the day on which somebody else last did it")
	}
	if c.RestoreIn != "" && (!filepath.IsAbs(c.RestoreIn) || len(c.RestoreIn) > restoreInLimit) {
		bad(`restore_in: %q is not a whole path of at most %d bytes such as "/var/lib/sababan"`, checks.Quote(c.RestoreIn), restoreInLimit)
	}
	labels := map[string]bool{}
	for i, s := range c.Sources {
		said := fmt.Sprintf("source: number %d", i+1)
		if s.Name != "" {
			said = fmt.Sprintf("source: %q", checks.Quote(s.Name))
		}
		switch {
		case s.Glob == "" && s.StatusFile == "":
			bad(`%s has neither glob nor status_file; write for example glob = "/var/backups/mastodon/*.dump"`, said)
		case s.Glob != "" && s.StatusFile != "":
			bad("%s has both glob and status_file; make it two", said)
		case !strings.HasPrefix(s.Glob+s.StatusFile, "/"):
			bad(`%s: %q is not a whole path such as "/var/backups/mastodon/*.dump"`, said, checks.Quote(s.Glob+s.StatusFile))
		}
		if _, err := path.Match(s.Glob, "/"); err != nil {
			bad("%s: %q is not a pattern: a bracket is not closed", said, checks.Quote(s.Glob))
		}
		if s.Name != "" && (checks.Quote(s.Name) != s.Name || len(s.Name) > labelLimit) {
			bad("%s: a name should be one short line", said)
		}
		if s.Log != "" && !filepath.IsAbs(s.Log) {
			bad(`%s: log: %q is not a whole path such as "/var/log/backup.log"`, said, checks.Quote(s.Log))
		}
		if s.Every != 0 && s.Every.Std() < shortestRhythm {
			bad(`%s: every = %q is too often; write for example "1d"`, said, s.Every)
		}
		if label := s.label(); labels[label] {
			bad("%s: there are two of this name", said)
		} else {
			labels[label] = true
		}
	}
	return errors.Join(errs...)
}

// label is what a source is called: its name, else its path.
func (s Source) label() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Glob + s.StatusFile
}
