package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// files: schema has the tables of the oldest version and a step to each newer
// one, rows what a healthy server of that version has in them.
//
//go:embed schema/*/*.sql rows/*.sql
var files embed.FS

// Versions are the versions of Mastodon that [Cluster.Mastodon] knows, the
// oldest first.
func Versions() []string { return []string{"4.2", "4.3", "4.4", "4.5", "4.6", "4.7"} }

// Domain is the name of the Mastodon in the databases.
const Domain = "masto.test"

// A DB is one database of a cluster.
type DB struct {
	// Cluster is where it is, Name what it is called there.
	Cluster *Cluster
	Name    string
	// Version is the Mastodon's, "4.6".
	Version string
}

// Mastodon makes a database of the test's own with the tables of a version and
// the rows of a small healthy server; its tables are analysed, its views
// fresh. It goes with the test.
func (c *Cluster) Mastodon(t testing.TB, version string) *DB {
	t.Helper()
	template, err := c.template(version)
	if err != nil {
		t.Fatalf("the tables of Mastodon %s: %v", version, err)
	}
	return c.database(t, version, template)
}

// Empty makes a database of the test's own without any table.
func (c *Cluster) Empty(t testing.TB) *DB {
	t.Helper()
	return c.database(t, "", "template0")
}

func (c *Cluster) database(t testing.TB, version, template string) *DB {
	t.Helper()
	c.mu.Lock()
	c.databases++
	name := "mastodon_" + strconv.Itoa(c.databases)
	c.mu.Unlock()
	if err := c.admin("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	d := &DB{Cluster: c, Name: name, Version: version}
	if !c.own { // one's own goes with all that is in it
		t.Cleanup(func() {
			if err := c.admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
				t.Error(err)
			}
		})
	}
	if version != "" {
		d.Analyse(t) // what PostgreSQL remembers of that is not in the template
	}
	return d
}

// template returns the database of a version that others are copied from.
func (c *Cluster) template(version string) (string, error) {
	steps := slices.Index(Versions(), version)
	if steps < 0 {
		return "", fmt.Errorf("there are only %s", strings.Join(Versions(), ", "))
	}
	name := "template_" + strings.ReplaceAll(version, ".", "_")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.prepared[version] {
		return name, nil
	}
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name + " TEMPLATE template0"} {
		if err := c.admin(sql); err != nil {
			return "", err
		}
	}
	for _, pattern := range []string{"schema/VERSION/*.sql", "rows/VERSION.sql"} {
		for _, v := range Versions()[:steps+1] {
			if err := c.load(name, strings.ReplaceAll(pattern, "VERSION", v)); err != nil {
				return "", err
			}
		}
	}
	for _, sql := range []string{refreshAll, "VACUUM ANALYZE"} {
		if err := c.exec(name, superuser, sql); err != nil {
			return "", err
		}
	}
	c.prepared[version] = true
	return name, nil
}

// Schema is the SQL that makes the tables and views of a version, for a
// database that another keeps; rows are not in it.
func Schema(t testing.TB, version string) []string {
	t.Helper()
	steps := slices.Index(Versions(), version)
	if steps < 0 {
		t.Fatalf("there are only %s", strings.Join(Versions(), ", "))
	}
	var all []string
	for _, v := range Versions()[:steps+1] {
		names, err := fs.Glob(files, "schema/"+v+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			sql, err := files.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(sql))
		}
	}
	return all
}

// load runs the files of a pattern, in the order of their names.
func (c *Cluster) load(database, pattern string) error {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no %s", pattern)
	}
	for _, name := range names {
		sql, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if err := c.exec(database, superuser, string(sql)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

const refreshAll = `DO $$ DECLARE v text; BEGIN
	FOR v IN SELECT matviewname FROM pg_matviews WHERE schemaname = 'public' ORDER BY matviewname = 'global_follow_recommendations' LOOP
		EXECUTE 'REFRESH MATERIALIZED VIEW ' || quote_ident(v);
	END LOOP;
END $$`

// admin runs a statement in the cluster's own database.
func (c *Cluster) admin(sql string) error { return c.exec("postgres", superuser, sql) }

// exec runs a statement, or several without arguments, in a connection of its
// own.
func (c *Cluster) exec(database, role, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := c.connect(ctx, database, role)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if len(args) > 0 {
		_, err = conn.Exec(ctx, sql, args...)
	} else {
		_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", short(sql), err)
	}
	return counted(ctx, conn)
}

// counted returns when what the connection has done is in pg_stat_*, which it
// would tell only when it has ended.
func counted(ctx context.Context, conn *pgx.Conn) error {
	if v, _ := strconv.Atoi(strings.Split(conn.PgConn().ParameterStatus("server_version"), ".")[0]); v < 15 {
		return nil
	}
	_, err := conn.PgConn().Exec(ctx, "SELECT pg_stat_force_next_flush()").ReadAll()
	return err
}

func short(sql string) string {
	words := strings.Join(strings.Fields(sql), " ")
	if len(words) > 120 {
		words = strings.ToValidUTF8(words[:120], "") + " …"
	}
	return words
}
