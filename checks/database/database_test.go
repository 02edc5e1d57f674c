package database

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	w := shared(t)
	checkstest.Contract(t, w.kind, "")
	checkstest.Contract(t, w.kind, "replica = true")
}

func TestAHealthyDatabaseOfEveryVersionIsToldWithItsNumbers(t *testing.T) {
	for _, version := range postgres.Versions() {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, postgres.Start(t).Mastodon(t, version))
			o := w.look()
			w.quiet(o)
			if !strings.HasPrefix(o.Summary.En, "answers in ") || !strings.Contains(o.Summary.Ja, "接続") {
				t.Errorf("%+v", o.Summary)
			}
			if checkstest.Value(t, o, "connections", "") < 1 || checkstest.Value(t, o, "wal_bytes", "") < 1 {
				t.Errorf("%+v", o.Measures)
			}
			o = w.thorough()
			w.quiet(o)
			if !strings.Contains(o.Summary.En, "indexes whole") {
				t.Errorf("asked for by name, it did not read the indexes: %s", o.Summary.En)
			}
		})
	}
}

func TestAKindThatHasNoDatabaseNamesTheSetting(t *testing.T) {
	s, err := site.New(site.Config{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = Kind(s).New(checkstest.Table(""))
	var missing *checks.NotSetUp
	if !errors.As(err, &missing) || missing.Setting != "[server] database_url" {
		t.Error(err)
	}
}

func TestWhatIsGrantedIsEnoughAndHoldsNoAddressOrToken(t *testing.T) {
	c := postgres.Start(t)
	db := c.Mastodon(t, "4.6")
	for _, column := range db.Grants(t, db.Role(t, reads()...)) {
		for _, word := range []string{"email", "token", "password", "secret", "webhooks", "webauthn"} {
			if strings.Contains(strings.TrimPrefix(column, "email_domain_blocks.domain"), word) {
				t.Errorf("%s is asked for", column)
			}
		}
	}
}

func TestARoleWithoutRightsIsToldWhatIsMissing(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	w := inSite(t, db, db.SiteWith(t, site.Config{Root: t.TempDir()}))
	role := postgres.Get[string](t, db, "select usename::text from pg_user where usename like 'sababan%' order by usesysid desc limit 1")
	db.Exec(t, "revoke pg_monitor from "+role+"; revoke all on all functions in schema public from "+role)
	o := w.thorough()
	if len(o.Findings) > 0 {
		t.Errorf("%+v", o.Findings)
	}
	blind := map[string]checks.Blind{}
	for _, b := range o.Blind {
		blind[b.Code+" "+b.Subject] = b
	}
	for _, want := range []string{"long-query ", "idle-transaction ", "blocked ", "wal ", "archiver ", "broken-index ", "duplicates accounts", "duplicates statuses"} {
		if b, ok := blind[want]; !ok || len(b.Mend.Look) == 0 {
			t.Errorf("%q is not told as unseen, or not how to fix it: %+v", want, o.Blind)
		}
	}
}

func TestARoleThatIsNotLetInIsNotAnOutage(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	s, err := site.New(site.Config{Domain: postgres.Domain, DatabaseURL: checks.NewSecret(db.URL("nobody_has_made_me"))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := inSite(t, db, s)
	w.past.Memory = map[string][]byte{memoryKey: []byte(`{"answered":"2026-01-01T00:00:00Z"}`)}
	_, err = w.check.Look(t.Context(), w.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || len(unseen.Advice.Look) == 0 || !strings.Contains(unseen.Why.En, "does not let sababan in") {
		t.Error(err)
	}
}

func TestADatabaseThatIsNotMastodons(t *testing.T) {
	db := postgres.Start(t).Empty(t)
	w := inSite(t, db, db.SiteWith(t, site.Config{Root: t.TempDir()}))
	_, err := w.check.Look(t.Context(), w.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || !strings.Contains(unseen.Why.En, "has no tables of Mastodon") {
		t.Error(err)
	}
}

func TestADatabaseThatNoLongerAnswersIsAFindingAndOneThatNeverDidIsNot(t *testing.T) {
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db, func(c *check) { c.limits.quick = 2 * time.Second })
	w.quiet(w.look())
	stranger := inSite(t, db, w.site, func(c *check) { c.limits.quick = time.Second })
	unknown := func(words string) {
		t.Helper()
		began := time.Now()
		_, err := stranger.check.Look(t.Context(), &checkstest.Past{})
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) || !strings.Contains(unseen.Why.En, words) {
			t.Errorf("%v does not say %q", err, words)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %v to say so", took)
		}
	}
	down := func(words string) {
		t.Helper()
		o := w.look()
		f := w.expect(o, codeAnswer, "", checks.Critical)
		w.says(f, words, "データベースが使えません")
		if f.Road != checks.Now || f.Harm.IsZero() {
			t.Errorf("%+v", f)
		}
	}
	db.Exec(t, "refresh materialized view instances with no data")
	w.expect(w.look(), codeView, "instances", checks.Warning)
	c.Freeze(t)
	down("does not answer in time")
	unknown("does not answer in time")
	c.Thaw(t)
	w.expect(w.look(), codeView, "instances", checks.Warning)
	c.Stop(t)
	down("does not listen")
	unknown("does not listen")
	o := w.look()
	if len(o.Blind) != 1 || o.Blind[0].Code != codeView || o.Blind[0].Subject != "instances" {
		t.Errorf("what was open is not held: %+v", o.Blind)
	}
	// Where the data is on this machine, nobody has to guess.
	here := newWorldHere(t, db)
	w2 := here.look()
	here.expect(w2, codeAnswer, "", checks.Critical)
	c.Start(t)
	db.Refresh(t, "instances")
	w.quiet(w.look())
}

// newWorldHere is a world whose cluster's data was found on this machine.
func newWorldHere(t *testing.T, db *postgres.DB) *world {
	t.Helper()
	s, err := site.New(site.Config{
		Domain: postgres.Domain, DatabaseURL: checks.NewSecret(db.URL("sababan_1")), PostgresData: []string{db.Cluster.DataDir},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return inSite(t, db, s)
}

func TestADatabaseWithoutAnyConnectionLeft(t *testing.T) {
	c := postgres.Own(t, "max_connections=8", "superuser_reserved_connections=3", "max_wal_senders=0")
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db)
	o := w.look()
	w.quiet(o)
	db.Exec(t, "create role mastodon login")
	for range 3 {
		db.ConnAs(t, "mastodon")
	}
	f := w.expect(w.look(), codeConnections, "", checks.Warning)
	w.says(f, "4 of 5 database connections", "接続を5本中4本")
	w.says(f, "test 3", "test 3")
	db.ConnAs(t, "mastodon")
	// The pool keeps its connection: it is one of the five.
	f = w.expect(w.look(), codeConnections, "", checks.Critical)
	if f.Harm.IsZero() || f.Road != checks.Now {
		t.Errorf("%+v", f)
	}
	fresh := inSite(t, db, again(t, db))
	f = fresh.expect(fresh.look(), codeAnswer, "", checks.Critical)
	w.says(f, "no connection left", "空きがありません")
	db.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'mastodon'")
	eventually(t, func() bool { return len(db.Rows(t, "select 1 from pg_stat_activity where usename = 'mastodon'")) == 0 })
	w.expect(w.look(), codeConnections, "", checks.OK)
}

// again is a second site with the role of the first.
func again(t *testing.T, db *postgres.DB) *site.Site {
	t.Helper()
	s, err := site.New(site.Config{Domain: postgres.Domain, DatabaseURL: checks.NewSecret(db.URL("sababan_1"))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAPrimaryThatBecameAReplica(t *testing.T) {
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db)
	w.quiet(w.look())
	c.Stop(t)
	signal := filepath.Join(c.DataDir, "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	own(t, signal, owner)
	c.Start(t)
	o := w.look()
	f := w.expect(o, codeReplica, "", checks.Critical)
	w.says(f, "has become read-only", "読み取り専用")
	f = w.expect(o, codeLag, "", checks.Warning)
	w.says(f, "no longer gets anything", "受け取っていません")
	// Who never knew it otherwise is only asked whether that is meant.
	stranger := inSite(t, db, w.site)
	stranger.expect(stranger.look(), codeReplica, "", checks.Warning)
	meant := inSite(t, db, w.site)
	meant.check = checkstest.Make(t, meant.kind, "replica = true")
	meant.expect(meant.look(), codeReplica, "", checks.OK)
	c.Stop(t)
	if err := os.Remove(signal); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	w.expect(w.look(), codeReplica, "", checks.OK)
}

func TestNoAnswerIsAnOutageOnlyWhereThatIsPlain(t *testing.T) {
	for _, c := range []struct {
		fault                site.Fault
		worked, broken, here bool
		want                 silence
	}{
		{fault: site.NotLetIn, worked: true, want: silence{false, "not let in"}},
		{fault: site.NoGrant, worked: true, want: silence{false, "not let in"}},
		{fault: site.NotThere, worked: true, want: silence{true, "it used to answer"}},
		{fault: site.Silent, worked: true, want: silence{true, "it used to answer"}},
		{fault: site.NotThere, here: true, want: silence{true, "its data is here and it is not"}},
		{fault: site.NotThere, want: silence{false, "it never answered: it may be elsewhere"}},
		{fault: site.Silent, here: true, want: silence{false, "it never answered: it may be elsewhere"}},
		{fault: site.Full, want: silence{true, "it says so itself"}},
		{fault: site.Starting, want: silence{true, "it says so itself"}},
		{fault: site.Odd, broken: true, want: silence{true, "a table cannot be read"}},
		{fault: site.Locked, worked: true, want: silence{false, "it answers, and something holds that table"}},
	} {
		if got := judgeSilence(c.fault, c.worked, c.broken, c.here); got != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestATableThatCannotBeReadIsAnOutageAlthoughPostgreSQLAnswers(t *testing.T) {
	c := postgres.Own(t, "data_checksums=on")
	db := c.Mastodon(t, "4.6")
	w := newWorld(t, db)
	w.quiet(w.look())
	file := postgres.Get[string](t, db, "select pg_relation_filepath('accounts')")
	db.Exec(t, "checkpoint")
	c.Stop(t)
	damage(t, c, file, 100, []byte(strings.Repeat("x", 8000)))
	c.Start(t)
	f := w.expect(w.look(), codeAnswer, "", checks.Critical)
	w.says(f, "invalid page in block 0", "invalid page in block 0")
	if !strings.Contains(f.Advice.Text.En, "backup") {
		t.Errorf("%+v", f.Advice)
	}
}
