package postgres

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func TestEveryVersionIsHealthy(t *testing.T) {
	c := Start(t)
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) {
			d := c.Mastodon(t, version)
			for question, want := range map[string]int64{
				"select count(*) from pg_matviews where schemaname = 'public' and not ispopulated":                                   0,
				"select count(*) from pg_index where not (indisvalid and indisready)":                                                0,
				"select count(*) from pg_stat_user_tables where last_analyze is null or n_mod_since_analyze > 0":                     0,
				"select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and reltuples < 0":      0,
				"select n_live_tup from pg_stat_user_tables where relname = 'statuses'":                                              528,
				"select count(*) from accounts where domain is null":                                                                 6,
				"select count(*) from instances":                                                                                     13,
				"select count(*) from users where not approved or confirmed_at is null":                                              0,
				"select count(*) from reports where action_taken_at is null":                                                         0,
				"select count(*) from appeals where approved_at is null and rejected_at is null":                                     0,
				"select count(*) from scheduled_statuses where scheduled_at < now() at time zone 'utc'":                              0,
				"select count(*) from rules where deleted_at is null":                                                                3,
				"select count(*) from software_updates":                                                                              0,
				"select count(*) from statuses where abs((id >> 16) - extract(epoch from created_at at time zone 'utc') * 1000) > 1": 0,
			} {
				if got := Get[int64](t, d, question); got != want {
					t.Errorf("%s: %d, want %d", question, got, want)
				}
			}
			newest := Get[int64](t, d, "select max(s.id) from statuses s join accounts a on a.id = s.account_id where a.domain is not null")
			if age := time.Since(time.UnixMilli(newest >> 16)); age < time.Minute-time.Second || age > 10*time.Minute {
				t.Errorf("the newest post from outside is %v old", age)
			}
		})
	}
}

func TestVersionsDifferWhereMastodonDoes(t *testing.T) {
	c := Start(t)
	for _, version := range Versions() {
		d := c.Mastodon(t, version)
		for _, one := range []struct{ table, column, since, until string }{
			{"rules", "hint", "4.3", ""},
			{"users", "encrypted_otp_secret", "", "4.3"},
			{"settings", "thing_type", "", "4.3"},
			{"rule_translations", "language", "4.4", ""},
			{"tag_trends", "tag_id", "4.4", ""},
			{"status_stats", "quotes_count", "4.5", ""},
			{"collections", "item_count", "4.6", ""},
			{"software_updates", "end_of_support", "4.7", ""},
			{"software_deprecations", "branch", "4.7", ""},
		} {
			want := version >= one.since && (one.until == "" || version <= one.until)
			if got := d.Has(t, one.table, one.column); got != want {
				t.Errorf("%s has %s.%s: %v, want %v", version, one.table, one.column, got, want)
			}
		}
		views := Get[int](t, d, "select count(*) from pg_matviews")
		if want := map[bool]int{true: 1, false: 3}[version >= "4.7"]; views != want {
			t.Errorf("%s has %d materialized views, want %d", version, views, want)
		}
	}
}

func TestTheIndexesThatKeepRowsUniqueHaveTheirNames(t *testing.T) {
	d := Start(t).Mastodon(t, "4.6")
	for index, definition := range map[string]string{
		"index_accounts_on_username_and_domain_lower": "accounts USING btree (lower((username)::text), COALESCE(lower((domain)::text), ''::text))",
		"index_statuses_on_uri":                       "statuses USING btree (uri text_pattern_ops) WHERE (uri IS NOT NULL)",
		"index_tags_on_name_lower_btree":              "tags USING btree (lower((name)::text) text_pattern_ops)",
		"index_unavailable_domains_on_domain":         "unavailable_domains USING btree (domain)",
	} {
		want := "CREATE UNIQUE INDEX " + index + " ON public." + definition
		if got := Get[string](t, d, "select pg_get_indexdef($1::text::regclass)", index); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTheRoleReadsTheseColumnsAndNoOther(t *testing.T) {
	d := Start(t).Mastodon(t, "4.2")
	role := d.Role(t,
		checks.Reads{Table: "users", Columns: []string{"id", "approved"}},
		checks.Reads{Table: "instances", Columns: []string{"domain"}},
		checks.Reads{Table: "rules", Columns: []string{"id", "hint"}}, // hint is not in 4.2
		checks.Reads{Table: "tag_trends", Columns: []string{"tag_id"}},
	)
	if diff := cmp.Diff([]string{"instances.domain", "rules.id", "users.approved", "users.id"}, d.Grants(t, role)); diff != "" {
		t.Error(diff)
	}
	conn := d.ConnAs(t, role)
	for question, may := range map[string]bool{
		"select id, approved from users":                           true,
		"select state from pg_stat_activity":                       true,
		"select domain from instances":                             true,
		"select email from users":                                  false,
		"select count(*) from accounts":                            false, // no column of it may be read
		"select text from statuses":                                false,
		"update users set approved = true":                         false,
		"insert into rules (text) values ('mine')":                 false,
		"create table mine (id int)":                               false,
		"select bt_index_check('index_accounts_on_uri'::regclass)": true,
	} {
		_, err := conn.Exec(t.Context(), question)
		if may != (err == nil) {
			t.Errorf("%s: %v, want allowed: %v", question, err, may)
		}
	}
}

func TestWithoutReadsNothingOfMastodonIsRead(t *testing.T) {
	d := Start(t).Mastodon(t, "4.6")
	if got := d.Grants(t, d.Role(t)); len(got) != 0 {
		t.Errorf("grants: %v", got)
	}
}

func TestTheSiteReadsThroughItsRole(t *testing.T) {
	d := Start(t).Mastodon(t, "4.5")
	s := d.Site(t, checks.Reads{Table: "users", Columns: []string{"id"}})
	if s.Domain != Domain {
		t.Errorf("domain %q", s.Domain)
	}
	var n int
	read := func(question string) error {
		return s.Database().Read(t.Context(), func(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, question).Scan(&n) })
	}
	if err := read("select count(id) from users"); err != nil || n != 5 {
		t.Errorf("users: %d, %v", n, err)
	}
	if err := read("select count(email) from users"); site.FaultOf(err) != site.NoGrant {
		t.Errorf("e-mail addresses: %v", err)
	}
}

func TestDatabasesOfOneClusterDoNotMeet(t *testing.T) {
	c := Start(t)
	one, two := c.Mastodon(t, "4.6"), c.Mastodon(t, "4.6")
	one.Exec(t, "delete from rules")
	if got := Get[int](t, two, "select count(*) from rules"); got != 3 {
		t.Errorf("%d rules in the other database", got)
	}
	if got := Get[int64](t, one, "select n_mod_since_analyze from pg_stat_user_tables where relname = 'rules'"); got != 3 {
		t.Errorf("%d rows changed since the analysis", got)
	}
}

func TestAFrozenClusterTakesConnectionsAndAnswersNothing(t *testing.T) {
	c := Own(t)
	d := c.Mastodon(t, "4.6")
	open := d.Conn(t)
	c.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := open.Exec(ctx, "select 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an open connection: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.connect(ctx, d.Name, superuser); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a new connection: %v", err)
	}
	c.Thaw(t)
	d.Exec(t, "select 1")
}

func TestAClusterOfOnesOwnStopsCrashesAndStartsAgain(t *testing.T) {
	c := Own(t, "max_connections=7", "data_checksums=on", "icu_locale=en-US")
	d := c.Mastodon(t, "4.2")
	for setting, want := range map[string]string{"max_connections": "7", "data_checksums": "on", "TimeZone": "UTC"} {
		if got := Get[string](t, d, "select current_setting($1)", setting); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
	if got := Get[string](t, d, "select datcollversion from pg_database where datname = current_database()"); got == "" {
		t.Error("the collation has no version")
	}
	c.Stop(t)
	if err := d.Try("select 1"); err == nil {
		t.Error("a stopped cluster answers")
	}
	c.Run(t, "pg_checksums", "--check", "-D", c.DataDir)
	c.Start(t, "max_connections=9")
	if got := Get[string](t, d, "show max_connections"); got != "9" {
		t.Errorf("max_connections is %s", got)
	}
	c.Crash(t)
	c.Start(t)
	if got := Get[int](t, d, "select count(*) from rules"); got != 3 {
		t.Errorf("%d rules", got)
	}
}

func TestAnIDBeginsTheMillisecond(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 123e6, time.UTC)
	if got := time.UnixMilli(ID(at) >> 16).UTC(); !got.Equal(at) {
		t.Errorf("%v", got)
	}
	d := Start(t).Mastodon(t, "4.6")
	before := time.Now().Truncate(time.Millisecond)
	id := Get[int64](t, d, "insert into statuses (account_id) values (-99) returning id")
	if id < ID(before) || id > ID(time.Now().Add(time.Second)) {
		t.Errorf("a new post has the id %d, of %v", id, time.UnixMilli(id>>16))
	}
}

func TestAReplicaFollowsAndRefusesWriting(t *testing.T) {
	primary := Own(t)
	d := primary.Mastodon(t, "4.6")
	role := d.Role(t, checks.Reads{Table: "rules", Columns: []string{"id"}})
	replica := primary.Replica(t)
	d.Exec(t, "delete from rules where priority = 0")
	replica.CatchUp(t, primary)
	there := d.On(replica)
	if err := there.Try("delete from rules"); err == nil {
		t.Error("a replica lets itself be written to")
	}
	var n int
	err := there.SiteAs(t, role, site.Config{}).Database().Read(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, "select count(id) from rules where pg_is_in_recovery()").Scan(&n)
	})
	if err != nil || n != 2 {
		t.Errorf("on the replica: %d rules, %v", n, err)
	}
}

func TestRowsBehindAUniqueIndexAreThereAndTheIndexDoesNotKnow(t *testing.T) {
	d := Start(t).Mastodon(t, "4.6")
	const again = "insert into accounts (username, domain) values ('USER1', 'server01.test')"
	if err := d.Try(again); err == nil {
		t.Fatal("the index lets a duplicate in")
	}
	d.Behind(t, "index_accounts_on_username_and_domain_lower", again)
	if n := Get[int](t, d, "select count(*) from accounts where lower(username) = 'user1' and lower(domain) = 'server01.test'"); n != 2 {
		t.Errorf("%d rows", n)
	}
	if n := Get[int](t, d, "select count(*) from pg_index where not (indisvalid and indisready)"); n != 0 {
		t.Errorf("%d indexes look broken", n)
	}
	if err := d.Try(again); err == nil {
		t.Error("the index is not in use again")
	}
	d.Exec(t, "create extension amcheck")
	if err := d.Try("select bt_index_check('index_accounts_on_username_and_domain_lower', true)"); err == nil {
		t.Error("amcheck does not miss the row in the index")
	}
}

func TestTheFileOfAnIndexIsFound(t *testing.T) {
	d := Start(t).Mastodon(t, "4.6")
	if _, err := os.Stat(d.File(t, "index_statuses_on_uri")); err != nil {
		t.Error(err)
	}
}
