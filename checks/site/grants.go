package site

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
)

// GrantSQL is what gives the role its rights, and RevokeSQL what takes all of
// it away; both are for psql as the superuser, in Mastodon's own database. A
// column that this version does not have is passed over, so it can be run again
// after an update.
func GrantSQL(reads []checks.Reads) string {
	columns := map[string][]string{}
	for _, r := range reads {
		columns[r.Table] = append(columns[r.Table], r.Columns...)
	}
	var wanted []string
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		names := columns[table]
		slices.Sort(names)
		wanted = append(wanted, fmt.Sprintf("    (%s, '{%s}')", literal(table), strings.Join(slices.Compact(names), ",")))
	}
	rights := ""
	if len(wanted) > 0 {
		rights = `DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT w.t, string_agg(quote_ident(a.attname), ', ') AS c FROM (VALUES
` + strings.Join(wanted, ",\n") + `
  ) AS w(t, n) JOIN pg_attribute a ON a.attrelid = to_regclass('public.' || w.t) AND a.attname = ANY (w.n::name[])
    AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1
  LOOP EXECUTE format('GRANT SELECT (%s) ON public.%I TO ` + Role + `', r.c, r.t); END LOOP;
END $$;
`
	}
	return `DO $$ BEGIN CREATE ROLE ` + Role + ` LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
ALTER ROLE ` + Role + ` CONNECTION LIMIT 3;
ALTER ROLE ` + Role + ` SET default_transaction_read_only = on;
ALTER ROLE ` + Role + ` SET statement_timeout = '8s';
ALTER ROLE ` + Role + ` SET lock_timeout = '1s';
GRANT pg_monitor TO ` + Role + `;
` + rights + `CREATE EXTENSION IF NOT EXISTS amcheck;
GRANT EXECUTE ON FUNCTION bt_index_check(regclass), bt_index_check(regclass, boolean) TO ` + Role + `;
`
}

// RevokeSQL undoes [GrantSQL].
func RevokeSQL() string {
	return "DROP OWNED BY " + Role + ";\nDROP ROLE " + Role + ";\n"
}

// RedisACL is what gives the Redis user its rights, as words of redis-cli; the
// password is the admin's to choose. It may read and never write.
// (Tried on Redis 7.0.)
func RedisACL() []string {
	return []string{
		"ACL", "SETUSER", Role, "on", ">PASSWORD", "~*", "resetchannels",
		"-@all", "+@read", "-@dangerous", "+ping", "+info", "+select",
	}
}

// RedisRevoke undoes [RedisACL].
func RedisRevoke() []string { return []string{"ACL", "DELUSER", Role} }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
