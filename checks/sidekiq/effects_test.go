package sidekiq

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

var versions = []string{"4.2", "4.3", "4.5", "4.6"}

func TestPlannedPostsThatAreLateAreFoundAndResolve(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			db := w.database(t)
			plan := func(ago time.Duration) {
				t.Helper()
				db.Exec(t, "insert into scheduled_statuses (account_id, scheduled_at) select id, $1 from accounts where domain is null limit 1", time.Now().UTC().Add(-ago))
			}
			plan(-time.Hour)
			plan(5 * time.Minute)
			w.well(t)
			plan(2 * time.Hour)
			f := w.found(t, w.deep(t), codeOverdue, "", checks.Warning, "a scheduled post has not been published, it is 2 h late", "予約投稿が1件公開されていません（最大2時間遅れ）")
			if f.Road != checks.Now {
				t.Errorf("road %v", f.Road)
			}
			db.Exec(t, "delete from scheduled_statuses where scheduled_at < now() at time zone 'utc'")
			w.well(t)
		})
	}
}

func TestAViewThatGrowsOldIsFoundAndResolves(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			db := w.database(t)
			add := func(domain string, ago time.Duration) {
				t.Helper()
				at := time.Now().Add(-ago)
				db.Exec(t, "insert into accounts (id, username, domain, created_at, updated_at) values ($1, 'someone', $2, $3, $3)", postgres.ID(at), domain, at.UTC())
			}
			add("fresh.example", time.Hour)
			w.well(t)
			add("new.example", 3*time.Hour)
			w.found(t, w.deep(t), codeEffect, "instances", checks.Warning, "the list of known servers is no longer renewed", "既知のサーバーの一覧が")
			db.Refresh(t, "instances")
			w.well(t)
			// One that was never filled is told by another check.
			db.Exec(t, "refresh materialized view instances with no data")
			o := w.deep(t)
			if f, ok := checkstest.Find(o, codeEffect, "instances"); !ok || !f.Holds || len(o.Blind) > 0 {
				t.Errorf("%+v, %+v", f, o.Blind)
			}
		})
	}
}

func TestALookForUpdatesWithoutEffectIsFoundAndResolves(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			db := w.database(t)
			insert := "insert into software_updates (version, urgent, type, release_notes, created_at, updated_at) values ($1, false, 0, '', now() - interval '40 days', now() - interval '40 days')"
			db.Exec(t, insert, "5.9.0") // long known, and still new
			w.well(t)
			db.Exec(t, insert, version+".3")
			w.found(t, w.deep(t), codeEffect, "software_updates", checks.Warning, "It still lists "+version+".3 as new", "すでに動いている"+version+".3")
			w.processSince(t, "web1:100:aaa", time.Hour, everyOf(version)...)
			if f, ok := checkstest.Find(w.deep(t), codeEffect, "software_updates"); !ok || !f.Holds {
				t.Errorf("just updated: %+v", f)
			}
			w.process(t, "web1:100:aaa", everyOf(version)...)
			db.Exec(t, "delete from software_updates where version = $1", version+".3")
			w.well(t)
		})
	}
}

func TestALookForUpdatesThatIsSwitchedOffIsNoFault(t *testing.T) {
	w := dress(t, "4.6")
	db := w.database(t)
	db.Exec(t, "insert into software_updates (version, urgent, type, release_notes, created_at, updated_at) values ('4.6.3', false, 0, '', now(), now())")
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/sababan/site.env":         "LOCAL_DOMAIN=masto.test\nUPDATE_CHECK_URL=\n",
		"live/lib/mastodon/version.rb": "",
	} {
		p := filepath.Join(root, name)
		if text == "" {
			b, err := os.ReadFile(filepath.Join(w.live, "lib/mastodon/version.rb"))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := w.config()
	set.Root, set.Live = root, "/live"
	w.on(t, db.SiteWith(t, set, Kind(nil).Reads...))
	w.well(t)
}

func TestADatabaseThatMayNotBeReadIsABlindSpot(t *testing.T) {
	w := dress(t, "4.6")
	w.withCode = true
	db := postgres.Start(t).Mastodon(t, "4.6")
	w.on(t, db.SiteWith(t, w.config())) // no grants
	o := w.deep(t)
	if len(open(o)) > 0 {
		t.Errorf("found %+v", open(o))
	}
	for _, k := range []checks.Key{{Code: codeOverdue}, {Code: codeEffect, Subject: "instances"}, {Code: codeEffect, Subject: "software_updates"}} {
		ok := false
		for _, b := range o.Blind {
			if b.Hides(k) {
				ok = true
				says(t, b.Why, "may not read this", "読み取り権限がありません")
				if b.Mend.Look.String() != "sudo sababan check --verbose" {
					t.Errorf("mend %v", b.Mend)
				}
			}
		}
		if !ok {
			t.Errorf("%v is not blind: %+v", k, o.Blind)
		}
	}
	// In between it stays blind.
	if o = w.tick(t); len(o.Blind) != 3 {
		t.Errorf("blind %+v", o.Blind)
	}
	w.past.Memory = nil
	empty := postgres.Start(t).Empty(t)
	w.on(t, empty.SiteWith(t, w.config()))
	if o = w.deep(t); len(open(o)) > 0 {
		t.Errorf("a database without tables: %+v", open(o))
	}
	nowhere := w.config()
	nowhere.DatabaseURL = checks.NewSecret("postgres://sababan@/masto?host=" + t.TempDir())
	w.on(t, w.SiteWith(t, nowhere))
	o = w.deep(t)
	if len(open(o)) > 0 || len(o.Blind) != 2 {
		t.Fatalf("a database that is not there: %+v, %+v", open(o), o.Blind)
	}
	says(t, o.Blind[0].Why, "PostgreSQL does not listen at", "待ち受けていません")
}
