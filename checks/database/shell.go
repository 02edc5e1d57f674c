package database

import (
	"cmp"
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// quoteIdent is a name inside a statement.
func quoteIdent(s string) string {
	plain := s != "" && (s[0] < '0' || s[0] > '9')
	for _, r := range s {
		plain = plain && (r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	}
	if plain {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// psql is a statement as the superuser, in Mastodon's database.
func (l *look) psql(sql string) checks.Shell { return l.tool("psql", "-d", l.server.Name, "-c", sql) }

// tool is one of PostgreSQL's programs as the superuser.
func (l *look) tool(program string, words ...string) checks.Shell {
	found := l.found()
	if found.Compose != "" {
		return checks.Written(append([]string{"sudo", "docker", "compose", "--project-directory", found.Compose, "exec", "db", program, "-U", "postgres"}, words...)...)
	}
	all := []string{"sudo", "-u", "postgres", program}
	if l.server.Port != 0 && l.server.Port != 5432 {
		all = append(all, "-p", strconv.Itoa(l.server.Port))
	}
	return checks.Written(append(all, words...)...)
}

// tootctl is a call of it as Mastodon's own account, with rbenv where it is.
func (l *look) tootctl(words ...string) checks.Shell {
	f := l.found()
	switch {
	case f.Compose != "":
		return checks.Written(append([]string{"sudo", "docker", "compose", "--project-directory", f.Compose, "run", "--rm", "web", "bin/tootctl"}, words...)...)
	case f.Live != "":
		shims := filepath.Join(filepath.Dir(f.Live), ".rbenv/shims")
		return checks.Written(append([]string{
			"sudo", "-Hu", cmp.Or(f.User, "mastodon"), "env", "-C", f.Live, "PATH=" + shims + ":/usr/local/bin:/usr/bin:/bin", "RAILS_ENV=production", "bin/tootctl",
		}, words...)...)
	}
	return nil // nobody knows in which folder
}

// found is what is known of the installation, for commands.
func (l *look) found() site.Found { return l.check.site.Find(context.Background()) }

func shells(list ...checks.Shell) []checks.Shell {
	var all []checks.Shell
	for _, sh := range list {
		if len(sh) > 0 {
			all = append(all, sh)
		}
	}
	return all
}

// literal is a text inside a statement.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
