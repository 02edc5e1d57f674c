package mastodon

import (
	"net/http"
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

func TestMigrationsThatWereNotRun(t *testing.T) {
	w := dress(t, "4.6", "4.6.3")
	all := w.ran(t)
	first, last := all[0], all[len(all)-1] // the last one waits for the new code
	w.healthy(t)

	w.db.Exec(t, `DELETE FROM schema_migrations WHERE version = $1`, first)
	if o := w.look(t); len(o.Findings) > 0 || checkstest.Value(t, o, missingMigrations, "") != 1 {
		t.Fatalf("in the middle of the update: %+v", o.Findings)
	}
	w.later(t, 31*time.Minute)
	f := w.finds(t, codeMigrations, pending, checks.Warning, checks.Morning)
	says(t, f.Text, "1 database migration was not run after the update\n", "マイグレーションが1件未実行です\n")
	says(t, f.Text, "The first is "+first+".", "最初の未実行は "+first+" です。")
	owner := w.site.Find(t.Context()).User
	if owner == "" {
		owner = "mastodon"
	}
	run := "sudo -u " + owner + " -H env -C /home/mastodon/live 'PATH=/home/mastodon/.rbenv/shims:/usr/local/bin:/usr/bin:/bin' 'RAILS_ENV=production' "
	const restart = "sudo systemctl restart 'mastodon-*.service'"
	mends(t, f.Advice, run+"'SKIP_POST_DEPLOYMENT_MIGRATIONS=true' bin/rails db:migrate", restart)

	w.code.Store(http.StatusInternalServerError)
	f = w.finds(t, codeMigrations, pending, checks.Critical, checks.Now)
	says(t, f.Text.Headline(), "Mastodon fails: 1 database migration was not run", "Mastodonがエラーを返しています")
	w.code.Store(0)

	w.db.Exec(t, `DELETE FROM schema_migrations WHERE version = $1`, last)
	f = w.finds(t, codeMigrations, pending, checks.Warning, checks.Morning)
	mends(t, f.Advice, run+"'SKIP_POST_DEPLOYMENT_MIGRATIONS=true' bin/rails db:migrate", restart, run+"bin/rails db:migrate")

	w.db.Exec(t, `INSERT INTO schema_migrations VALUES ($1)`, first)
	w.healthy(t) // those for later have a day
	w.later(t, 25*time.Hour)
	f = w.finds(t, codeMigrations, post, checks.Warning, checks.Morning)
	says(t, f.Text, "1 database migration waits for the end of the update\n", "更新後に実行するマイグレーションが1件残っています\n")
	mends(t, f.Advice, run+"bin/rails db:migrate")

	w.db.Exec(t, `INSERT INTO schema_migrations VALUES ($1), ('20991231235959')`, last)
	f = w.finds(t, codeMigrations, ahead, checks.Warning, checks.Week)
	says(t, f.Text, "the code on disk is behind the database by 1 database migration\n", "データベースがコードより1件先に進んでいます\n")
	w.db.Exec(t, `DELETE FROM schema_migrations WHERE version = '20991231235959'`)
	w.healthy(t)
}

func TestTheFirstLookTakesTheAgeOfTheCode(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	w.db.Exec(t, `DELETE FROM schema_migrations WHERE version = $1`, w.ran(t)[0])
	w.aged(t, 2*time.Hour)
	w.finds(t, codeMigrations, pending, checks.Warning, checks.Morning)
}

func TestACommandForContainers(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	folder := filepath.Join(w.root, "opt/mastodon")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s := w.db.SiteWith(t, site.Config{Domain: postgres.Domain, Live: live, Compose: "/opt/mastodon", Root: w.root}, w.kind.Reads...)
	w.setUp(t, s)
	w.db.Exec(t, `DELETE FROM schema_migrations WHERE version = $1`, w.ran(t)[0])
	w.aged(t, 2*time.Hour)
	f := w.finds(t, codeMigrations, pending, checks.Warning, checks.Morning)
	const compose = "sudo docker compose --project-directory /opt/mastodon "
	mends(t, f.Advice,
		compose+"run --rm -e 'SKIP_POST_DEPLOYMENT_MIGRATIONS=true' web bin/rails db:migrate",
		compose+"up -d --force-recreate web streaming sidekiq")
}

func TestProcessesThatStillRunTheVersionBefore(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	w.healthy(t)
	w.write(t, versionFile, versionRB("4.5.4"))
	w.write(t, "db/migrate/20991231000000_add_more.rb", "")
	w.healthy(t) // it may be the minute before the restart
	w.later(t, 61*time.Minute)
	f := w.finds(t, codeRunning, "", checks.Warning, checks.Morning)
	says(t, f.Text, "Mastodon still runs as 4.5.3, 4.5.4 is on disk\nIts processes were not restarted", "Mastodonが 4.5.3 のまま動いています（ディスク上は4.5.4）")
	if len(f.Advice.Mend) != 2 || !strings.Contains(f.Advice.Mend[0].String(), "db:migrate") || f.Advice.Mend[1].String() != "sudo systemctl restart 'mastodon-*.service'" {
		t.Errorf("%+v", f.Advice.Mend)
	}
	w.db.Exec(t, `INSERT INTO schema_migrations VALUES ('20991231000000')`)
	mends(t, w.finds(t, codeRunning, "", checks.Warning, checks.Morning).Advice, "sudo systemctl restart 'mastodon-*.service'")

	w.code.Store(http.StatusBadGateway) // nobody can tell what runs
	o := w.look(t)
	if _, ok := isBlind(o, codeRunning); !ok || len(o.Findings) > 0 {
		t.Errorf("%+v, %+v", o.Findings, o.Blind)
	}
	w.code.Store(0)
	w.version.Store("4.5.4")
	w.healthy(t)

	w.write(t, versionFile, versionRB("4.5.2"))
	w.look(t)
	w.later(t, 61*time.Minute)
	f = w.finds(t, codeRunning, "", checks.Warning, checks.Morning)
	says(t, f.Text, "Mastodon runs as 4.5.4, but 4.5.2 is on disk\nThe next restart would take the server back", "次に再起動すると、古いバージョンに戻ります")
}
