package timers

import (
	"path"
	"strings"

	"github.com/sababan/sababan/checks/systemd"
)

// A role is what a job is for.
type role string

const (
	none     role = ""
	renewal  role = "renewal"  // certificates
	backup   role = "backup"   //
	packages role = "packages" // lists and upgrades of packages
	mastodon role = "mastodon" // tootctl and what is named after Mastodon
	watched  role = "watched"  // named in the settings
)

// byWords are the words that give a job away, in its name or its command, in
// the order in which they are tried. The names of renewals are those of
// Debian's and the snap's certbot, of the checklist, and of acme.sh.
var byWords = []struct {
	role  role
	words []string
}{
	{renewal, []string{"certbot", "acme.sh", "acme-sh", "acmesh", "letsencrypt", "dehydrated", "getssl", "lego", "cert-renew", "certrenew"}},
	{mastodon, []string{"mastodon", "tootctl"}},
	{backup, []string{
		"backup", "restic", "borg", "pgbackrest", "pg_dump", "pg-dump", "pgdump", "pg_basebackup", "wal-g", "barman",
		"duplicity", "kopia", "rsnapshot",
	}},
}

// systemOwn are timers that only sound like ours.
var systemOwn = map[string]bool{"dpkg-db-backup.timer": true}

// timerRole tells what a timer is for; watch are the patterns of the settings.
func timerRole(timer, service systemd.Unit, watch []string) role {
	for _, pattern := range watch {
		if ok, err := path.Match(pattern, timer.Name); ok && err == nil {
			return watched
		}
		if ok, err := path.Match(pattern, strings.TrimSuffix(timer.Name, ".timer")); ok && err == nil {
			return watched
		}
	}
	switch {
	case systemOwn[timer.Name]:
		return none
	case strings.HasPrefix(timer.Name, "apt-daily"), strings.HasPrefix(timer.Name, "dnf-automatic"):
		return packages
	}
	// A backup of Mastodon's is a backup, whatever it is called.
	words := append([]string{timer.Name, service.Name}, service.Exec...)
	if r := jobRole(strings.Join(words, " ")); r != none {
		return r
	}
	return none
}

// jobRole tells what a command is for.
func jobRole(command string) role {
	command = strings.ToLower(command)
	found := none
	for _, kind := range byWords {
		for _, word := range kind.words {
			if !holdsWord(command, word) {
				continue
			}
			if found == none || (found == mastodon && kind.role == backup) {
				found = kind.role
			}
		}
	}
	return found
}

// holdsWord tells whether a word is in a text and begins there: "lego" is not
// in "allegory".
func holdsWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		// Backups are named "pgbackup" and "mysqlbackup", too.
		if i == 0 || !isLetter(text[i-1]) || word == "backup" {
			return true
		}
		from = i + 1
	}
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' }
