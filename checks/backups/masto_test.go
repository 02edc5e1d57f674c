package backups

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A masto is a database with the tables of Mastodon's that matter here, as it
// makes ids and views.
type masto struct {
	*cluster
	name string
}

// tables are those tables; what is written in a status is hostile to whoever
// reads dumps by lines.
const tables = `
CREATE TABLE accounts (id bigint PRIMARY KEY, username text NOT NULL DEFAULT '', domain text, public_key text NOT NULL DEFAULT '', uri text NOT NULL DEFAULT '');
CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL DEFAULT '', account_id bigint NOT NULL REFERENCES accounts);
CREATE TABLE statuses (id bigint PRIMARY KEY, uri text, text text NOT NULL DEFAULT '', created_at timestamp NOT NULL, account_id bigint NOT NULL REFERENCES accounts,
  in_reply_to_id bigint, reblog_of_id bigint, url text, deleted_at timestamp, conversation_id bigint);
CREATE TABLE mentions (id bigserial PRIMARY KEY, status_id bigint NOT NULL, account_id bigint NOT NULL, created_at timestamp NOT NULL, silent boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX index_accounts_on_username_and_domain_lower ON accounts (lower(username), COALESCE(lower(domain), ''));
CREATE INDEX index_accounts_on_uri ON accounts (uri);
CREATE UNIQUE INDEX index_statuses_on_uri ON statuses (uri text_pattern_ops) WHERE uri IS NOT NULL;
CREATE INDEX index_statuses_on_account_id ON statuses (account_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX index_statuses_on_in_reply_to_id ON statuses (in_reply_to_id) WHERE in_reply_to_id IS NOT NULL;
CREATE INDEX index_statuses_on_reblog_of_id ON statuses (reblog_of_id, account_id);
CREATE UNIQUE INDEX index_mentions_on_account_id_and_status_id ON mentions (account_id, status_id);
CREATE INDEX index_mentions_on_status_id ON mentions (status_id);
CREATE FUNCTION timestamp_id(table_name text) RETURNS bigint LANGUAGE plpgsql AS $$
  BEGIN -- a ; in a body, and a ' in a comment
    RETURN (date_part('epoch', now()) * 1000)::bigint << 16;
  END
$$;
ALTER TABLE statuses ALTER COLUMN id SET DEFAULT timestamp_id('statuses');
CREATE MATERIALIZED VIEW instances AS SELECT domain, count(*) AS accounts_count FROM accounts WHERE domain IS NOT NULL GROUP BY domain;
CREATE UNIQUE INDEX index_instances_on_domain ON instances (domain);
`

// filled are accounts, one user for each hundred, and statuses, one a minute up
// to the newest.
const filled = `
INSERT INTO accounts (id, username, domain, public_key, uri) SELECT ((extract(epoch FROM now())::bigint * 1000) << 16) + n, 'user' || n,
  CASE WHEN n %% 20 > 0 THEN 'host' || n %% 97 || '.example' END, repeat(md5(n::text), 14), 'https://host.example/users/user' || n FROM generate_series(1, %[1]d) n;
INSERT INTO users (email, account_id) SELECT 'u@example.com', id FROM accounts WHERE domain IS NULL AND id %% 5 = 0;
INSERT INTO statuses (id, uri, url, text, created_at, account_id, conversation_id)
  SELECT ((extract(epoch FROM t) * 1000)::bigint << 16) + n %% 65536, 'https://host.example/users/user1/statuses/' || n, 'https://host.example/@user1/' || n,
    'a post' || E'\n\\.\nCOPY public.accounts (id, username) FROM stdin;\n1\tx\n\\connect other\nINSERT INTO public.accounts VALUES (1);' || E'\t' || repeat(md5(n::text), 4),
    t, (SELECT min(id) FROM accounts) + n %% %[1]d, n FROM (SELECT n, now() - interval '%[3]d minutes' - n * interval '1 minute' AS t FROM generate_series(0, %[2]d - 1) n) s;
INSERT INTO mentions (status_id, account_id, created_at) SELECT id, account_id, created_at FROM statuses;
REFRESH MATERIALIZED VIEW instances;
ANALYZE;
`

// mastodon makes a database whose newest status is so old.
func (c *cluster) mastodon(name string, accounts, statuses int, newest time.Duration) *masto {
	c.t.Helper()
	c.sql("CREATE DATABASE " + name)
	m := &masto{c, name}
	m.sql(tables + fmt.Sprintf(filled, accounts, statuses, int(newest/time.Minute)))
	return m
}

func (m *masto) sql(text string) {
	m.t.Helper()
	m.as("psql", "-q", "-h", m.dir, "-U", "postgres", "-d", m.name, "-v", "ON_ERROR_STOP=1", "-c", text)
}

// dump makes a dump in one of pg_dump's formats.
func (m *masto) dump(form string, more ...string) []byte {
	m.t.Helper()
	return m.as(append([]string{bin(m.t, "pg_dump"), "-h", m.dir, "-U", "postgres", "-F", form, m.name}, more...)...)
}

// site is the installation with this database, as the role that is asked for.
func (m *masto) site() *site.Site {
	m.t.Helper()
	m.sql(site.GrantSQL(reads()))
	s, err := site.New(site.Config{Domain: "example.social", DatabaseURL: checks.NewSecret("postgres://sababan@/" + m.name + "?host=" + m.dir)})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(s.Close)
	return s
}

// openPlace is a place whose folder anybody can enter.
func openPlace(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "sababan-dumps-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ownedDir is a folder of nobody's.
func ownedDir(t *testing.T) string {
	t.Helper()
	dir := openPlace(t)
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// entries are the names in a folder.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, filepath.Base(e.Name()))
	}
	return names
}
