package mastodon

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
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

func tlsOf(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }

func TestContract(t *testing.T) {
	w := dress(t, "4.6", "4.6.5")
	table := fmt.Sprintf("update_url = %q\nreleases_url = %q", w.config.UpdateURL, w.config.ReleasesURL)
	checkstest.Contract(t, w.kind, checkstest.Table(table))
}

func TestAHealthyServerOfEveryVersionIsTheNewest(t *testing.T) {
	for _, branch := range postgres.Versions() {
		t.Run(branch, func(t *testing.T) {
			w := dress(t, branch, branch+".3")
			w.healthy(t)
			o := w.look(t)
			says(t, o.Summary, branch+".3, the newest", branch+".3（最新）")
			if checkstest.Value(t, o, newerVersions, "") != 0 || checkstest.Value(t, o, missingMigrations, "") != 0 {
				t.Errorf("%+v", o.Measures)
			}
			if query(&w.service).Get("version") != branch+".3" || w.service.agent.Load() != "sababan" || w.list.asked.Load() != 0 {
				t.Errorf("asked %v as %v; the list %d times", query(&w.service), w.service.agent.Load(), w.list.asked.Load())
			}
		})
	}
}

func TestAPatchIsToldInTheMorningThenInTheWeekAndEndsWithTheUpdate(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	w.healthy(t)
	w.later(t, 7*time.Hour)
	w.service.answers(lists(time.Time{}, update("4.5.4", false)))
	w.db.Exec(t, `INSERT INTO software_updates (version, urgent) VALUES ('4.5.4', false)`)
	o := w.look(t)
	if len(o.Findings) > 0 {
		t.Fatalf("a patch of this minute: %+v", o.Findings)
	}
	says(t, o.Summary, "4.5.3; 4.5.4 has just come out", "4.5.3（4.5.4が公開されたばかりです）")

	w.later(t, 25*time.Hour)
	f := w.finds(t, codeUpdate, patch, checks.Warning, checks.Morning)
	says(t, f.Text.Headline(), "Mastodon 4.5.4 is out (here: 4.5.3)", "Mastodon 4.5.4 が公開されています（現在4.5.3）")
	says(t, f.Text, "It fixes bugs of 4.5", "4.5系の不具合修正版")
	says(t, f.Advice.Text, "Notes and steps: "+notesOf("4.5.4"), "変更点と手順: "+notesOf("4.5.4"))
	says(t, f.Advice.Text, "check backups", "「確認 backups」")

	w.later(t, 7*24*time.Hour)
	w.finds(t, codeUpdate, patch, checks.Warning, checks.Week)

	w.later(t, 7*time.Hour)
	w.service.answers(lists(time.Time{}, update("4.5.4", false), update("4.5.5", true)))
	w.db.Exec(t, `INSERT INTO software_updates (version, urgent) VALUES ('4.5.5', true)`)
	f = w.finds(t, codeUpdate, patch, checks.Critical, checks.Now)
	says(t, f.Text.Headline(), "Mastodon 4.5.5 closes a serious security hole (here: 4.5.3)", "深刻な脆弱性を修正した Mastodon 4.5.5")

	w.update(t, "4.5.5")
	w.healthy(t)
}

// update brings another version to the disk and into the processes.
func (w *world) update(t *testing.T, version string) {
	t.Helper()
	w.write(t, versionFile, versionRB(version))
	w.version.Store(version)
}

func TestMastodonsOwnTableIsReadFirst(t *testing.T) {
	for _, branch := range postgres.Versions() {
		t.Run(branch, func(t *testing.T) {
			w := dress(t, branch, branch+".3")
			w.service.answers(status(http.StatusServiceUnavailable))
			w.list.answers(status(http.StatusServiceUnavailable))
			w.db.Exec(t, `INSERT INTO software_updates (version, urgent, type, release_notes, created_at) VALUES
				($1, false, 0, $2, now() at time zone 'utc' - interval '3 days')`, branch+".4", notesOf(branch+".4"))
			o := w.look(t)
			f, ok := checkstest.Find(o, codeUpdate, patch)
			if !ok || f.Road != checks.Morning || len(o.Blind) > 0 {
				t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
			}
			read := checks.Reader{Lang: checks.English, Now: time.Now()}.Write(f.Text.En)
			if !strings.Contains(read, "It has been out for 3 d") {
				t.Errorf("%s", read)
			}
			says(t, f.Advice.Text, "The database has ", "データベースは")
			w.update(t, branch+".4")
			if o := w.look(t); hasFinding(o, codeUpdate) {
				t.Errorf("after the update: %+v", o.Findings)
			}
		})
	}
}

func hasFinding(o checks.Observation, code string) bool {
	for _, f := range o.Findings {
		if f.Code == code {
			return true
		}
	}
	return false
}

func isBlind(o checks.Observation, code string) (checks.Blind, bool) {
	for _, b := range o.Blind {
		if b.Code == code {
			return b, true
		}
	}
	return checks.Blind{}, false
}

func TestANewBranchIsOfTheWeek(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	w.service.answers(lists(time.Time{}, update("4.6.0", false), update("4.7.0-rc.1", false)))
	f := w.finds(t, codeUpdate, release, checks.Warning, checks.Week)
	says(t, f.Text, "Mastodon 4.6.0 is out (here: 4.5.3)\nIt brings new features; there is no hurry while 4.5 is supported.", "新機能を含むバージョンです。4.5がサポートされている間は急ぎません。")

	w.later(t, 7*time.Hour)
	w.service.answers(lists(time.Time{}, update("4.6.1", true)))
	w.finds(t, codeUpdate, release, checks.Critical, checks.Now)

	w.later(t, 7*time.Hour)
	w.service.answers(lists(time.Time{}, update("4.5.4", true), update("4.6.1", true)))
	o := w.look(t)
	own, _ := checkstest.Find(o, codeUpdate, patch)
	other, _ := checkstest.Find(o, codeUpdate, release)
	if own.Severity != checks.Critical || other.Severity != checks.Warning || other.Road != checks.Week {
		t.Errorf("where the own branch mends it: %+v", o.Findings)
	}
}

func TestTheServiceIsAskedFourTimesADayAtMost(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	for range 48 {
		w.healthy(t)
		w.later(t, time.Hour)
	}
	if n := w.service.asked.Load(); n != 8 {
		t.Errorf("asked %d times in two days", n)
	}
	if n := w.list.asked.Load(); n != 0 {
		t.Errorf("the list of releases was asked %d times although the service answers", n)
	}
}

// endless answers with more than anybody wants.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	zeros := []byte(strings.Repeat("[", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write(zeros); err != nil {
			return
		}
	}
}

// silent answers nothing for as long as anybody waits.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestWhereTheServiceFailsTheListOfReleasesStandsInForIt(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		en, ja  string
	}{
		{"not there", status(http.StatusNotFound), "the answer is 404", "応答が404です"},
		{"a page", says200("<html>hello</html>"), "the answer is something else", "想定と違います"},
		{"JSON of something else", says200(`{"hello":"world"}`), "the answer is something else", "想定と違います"},
		{"a list that is none", says200(`{"updatesAvailable":7}`), "the answer is something else", "想定と違います"},
		{"brackets without end", says200(strings.Repeat("[", 20000)), "the answer is something else", "想定と違います"},
		{"asked too often", status(http.StatusTooManyRequests), "429", "429"},
		{"forbidden", status(http.StatusForbidden), "403", "403"},
		{"an answer without end", endless, "the answer does not end", "応答が終わりません"},
		{"slow", silent, "no answer in time", "時間内に応答がありません"},
		{"to another scheme", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusFound)
		}, "no connection", "接続できません"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := bare(t, "4.5.3")
			w.service.answers(c.handler)
			w.list.answers(releasesOf("4.5.3", "4.5.5", "4.5.4"))
			f := w.finds(t, codeUpdate, patch, checks.Warning, checks.Morning)
			says(t, f.Text, "Mastodon 4.5.5 is out", "Mastodon 4.5.5")

			w = bare(t, "4.5.3")
			w.service.answers(c.handler)
			w.list.answers(c.handler)
			o := w.look(t)
			b, ok := isBlind(o, codeUpdate)
			if !ok || len(o.Findings) > 0 {
				t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
			}
			says(t, b.Why, "which versions are out could not be asked ("+c.en, c.ja)
			says(t, o.Summary, "nobody tells of newer ones", "新しいバージョンの有無は確認できません")

			w.service.answers(lists(time.Time{}))
			w.later(t, 7*time.Hour)
			w.healthy(t)
		})
	}
}

func TestADeadServiceIsNoConnection(t *testing.T) {
	w := bare(t, "4.5.3")
	w.service.Close()
	w.list.Close()
	b, ok := isBlind(w.look(t), codeUpdate)
	if !ok {
		t.Fatal("not blind")
	}
	says(t, b.Why, "no connection", "接続できません")
}

func TestAnAnswerHoldsForTwoDays(t *testing.T) {
	w := bare(t, "4.5.3")
	w.service.answers(lists(time.Time{}, update("4.5.4", false)))
	w.look(t)
	w.later(t, 25*time.Hour)
	w.finds(t, codeUpdate, patch, checks.Warning, checks.Morning)
	w.service.answers(status(http.StatusBadGateway))
	w.list.answers(status(http.StatusBadGateway))
	w.later(t, 47*time.Hour)
	w.finds(t, codeUpdate, patch, checks.Warning, checks.Morning)
	w.later(t, 2*time.Hour)
	if o := w.look(t); len(o.Findings) > 0 || len(o.Blind) != 1 {
		t.Errorf("after 49 hours without an answer: %+v, %+v", o.Findings, o.Blind)
	}
}

func TestTheListOfReleasesIsAskedDailyWithItsTag(t *testing.T) {
	w := bare(t, "4.5.3")
	w.config.UpdateURL = off
	w.make(t)
	tags := 0
	w.list.answers(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `W/"one"` {
			tags++
			out.WriteHeader(http.StatusNotModified)
			return
		}
		out.Header().Set("ETag", `W/"one"`)
		all := []string{
			listed("4.7.0-beta.1", time.Now(), true, ""),
			listed("4.6.0", time.Now(), true, ""), // a pre-release, whatever it is called
			listed("4.5.4", time.Now().Add(-30*time.Hour), false, "## Upgrade notes\n### Security\n\n- mended"),
			`{"tag_name":3}`,
		}
		_, _ = out.Write([]byte("[" + strings.Join(all, ",") + "]"))
	})
	f := w.finds(t, codeUpdate, patch, checks.Warning, checks.Morning)
	says(t, f.Text, "some of them security holes", "セキュリティの修正も含まれます")
	for range 72 {
		w.later(t, time.Hour)
		f, ok := checkstest.Find(w.look(t), codeUpdate, patch)
		if !ok {
			t.Fatal("the list is forgotten")
		}
		says(t, f.Text, "4.5.4", "4.5.4")
	}
	if n := w.list.asked.Load(); n != 4 || tags != 3 {
		t.Errorf("asked %d times in three days, %d with the tag", n, tags)
	}
	if w.service.asked.Load() != 0 {
		t.Error("the service was asked although it is switched off")
	}
}

func TestAServiceThatWasSwitchedOffInMastodonIsNotAsked(t *testing.T) {
	for name, c := range map[string]struct {
		line  string
		asked bool
	}{
		"empty":   {"UPDATE_CHECK_URL=\n", false},
		"another": {"UPDATE_CHECK_URL=SERVICE/mine?fork=1\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := bare(t, "4.5.3")
			p := filepath.Join(w.root, "etc/sababan/site.env")
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(strings.ReplaceAll(c.line, "SERVICE", w.service.URL)), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := site.New(site.Config{Domain: postgres.Domain, Root: w.root})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			if _, ok := s.Find(t.Context()).Settings["UPDATE_CHECK_URL"]; c.asked && !ok {
				t.Fatal("the setting is not found")
			}
			w.config.UpdateURL = ""
			w.setUp(t, s)
			w.look(t)
			if got := w.service.asked.Load() > 0; got != c.asked {
				t.Errorf("asked: %v, want %v", got, c.asked)
			}
			if !c.asked && w.list.asked.Load() != 1 {
				t.Errorf("the list was asked %d times", w.list.asked.Load())
			}
		})
	}
}

func TestOfflineNobodyIsAsked(t *testing.T) {
	w := dress(t, "4.6", "4.6.3")
	w.site.Offline = true
	w.healthy(t)
	o := w.look(t)
	says(t, o.Summary, "4.6.3; Mastodon's own list has no newer one", "4.6.3（Mastodon自身の一覧では最新）")
	w.db.Exec(t, `INSERT INTO software_updates (version, urgent, type) VALUES ('4.6.4', true, 0)`)
	w.finds(t, codeUpdate, patch, checks.Critical, checks.Now)
	if w.service.asked.Load()+w.list.asked.Load() > 0 {
		t.Error("somebody was asked")
	}
	alone := bare(t, "4.6.3")
	alone.site.Offline = true
	b, ok := isBlind(alone.look(t), codeUpdate)
	if !ok {
		t.Fatal("not blind")
	}
	says(t, b.Why, "offline = true", "offline = true")
}

func TestADeadCheckerIsToldFromAnEmptyTable(t *testing.T) {
	for _, branch := range []string{"4.2", "4.7"} {
		t.Run(branch, func(t *testing.T) {
			w := dress(t, branch, branch+".3")
			far := time.Now().AddDate(1, 0, 0)
			w.healthy(t) // empty, and the service has nothing either
			w.later(t, 7*time.Hour)
			w.service.answers(lists(far, update(branch+".4", false)))
			w.look(t)
			w.later(t, 47*time.Hour)
			if o := w.look(t); hasFinding(o, codeChecker) {
				t.Errorf("after 47 hours: %+v", o.Findings)
			}
			w.later(t, 2*time.Hour)
			f, ok := checkstest.Find(w.look(t), codeChecker, "")
			if !ok || f.Road != checks.Morning {
				t.Fatal("not found")
			}
			says(t, f.Text, "Mastodon's own check for updates stands still\nIt does not know of "+branch+".4", branch+".4 をまだ認識していない")
			if want := fmt.Sprintf("curl -sS '%s/update-check?version=%s.3'", w.service.URL, branch); f.Advice.Look.String() != want {
				t.Errorf("got %s, want %s", f.Advice.Look, want)
			}
			w.db.Exec(t, `INSERT INTO software_updates (version, urgent, type) VALUES ($1, false, 0)`, branch+".4")
			if o := w.look(t); hasFinding(o, codeChecker) {
				t.Errorf("healed: %+v", o.Findings)
			}

			w.update(t, branch+".4") // and the row is left behind
			w.service.answers(lists(far))
			w.later(t, 7*time.Hour)
			w.look(t)
			w.later(t, 49*time.Hour)
			f = w.finds(t, codeChecker, "", checks.Warning, checks.Morning)
			says(t, f.Text, "It still takes "+branch+".4 for new, though "+branch+".4 runs", "新しいバージョンとして扱ったまま")
			w.db.Exec(t, `DELETE FROM software_updates`)
			w.healthy(t)
		})
	}
}

func TestTheEndOfSupportComesAndIsPast(t *testing.T) {
	day := 24 * time.Hour
	w := dress(t, "4.7", "4.7.2")
	put := func(end time.Time) {
		w.db.Exec(t, `INSERT INTO software_deprecations (branch, end_of_support) VALUES ('4.7', $1::date)
			ON CONFLICT (branch) DO UPDATE SET end_of_support = excluded.end_of_support`, end)
	}
	put(time.Now().Add(200 * day))
	w.healthy(t)
	put(time.Now().Add(60 * day))
	f := w.finds(t, codeSupport, "4.7", checks.Warning, checks.Morning)
	says(t, f.Text, "support of Mastodon 4.7 ends on ", "Mastodon 4.7 のサポートは")
	put(time.Now().Add(-3 * day))
	f = w.finds(t, codeSupport, "4.7", checks.Critical, checks.Now)
	says(t, f.Text, "Mastodon 4.7 has not been supported since ", "に終了しました")
	w.db.Exec(t, `DELETE FROM software_deprecations`)
	w.healthy(t)

	// What the service says counts before 4.7.
	w = dress(t, "4.4", "4.4.9")
	w.healthy(t)
	w.later(t, 7*time.Hour)
	w.service.answers(lists(time.Now().Add(-day*30), update("4.5.4", false), update("4.6.1", false)))
	o := w.look(t)
	f, ok := checkstest.Find(o, codeSupport, "4.4")
	if !ok || f.Severity != checks.Critical {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Advice.Text, "Plan the update to 4.6.1: one branch after the other", "4.6.1への更新を計画")
}

func TestAForkIsComparedByItsMastodon(t *testing.T) {
	w := dress(t, "4.5", "4.5.3+glitch.2")
	w.source = "https://github.com/glitch-soc/mastodon/tree/0a1b2c"
	w.write(t, versionFile, versionRB("4.5.3"))
	w.healthy(t)
	if got := query(&w.service).Get("version"); got != "4.5.3" {
		t.Errorf("asked for %q", got)
	}
	w.later(t, 7*time.Hour)
	w.service.answers(lists(time.Time{}, update("4.5.4", true)))
	f := w.finds(t, codeUpdate, patch, checks.Critical, checks.Now)
	says(t, f.Text, "(here: 4.5.3+glitch)", "（現在4.5.3+glitch）")
	says(t, f.Text, "This server runs a fork (glitch)", "フォーク（glitch）")
	says(t, f.Advice.Text, "The fork's own releases: "+w.source, "フォークのリリース: "+w.source)

	w.source = "javascript:alert(1)//@evil"
	f = w.finds(t, codeUpdate, patch, checks.Critical, checks.Now)
	if strings.Contains(f.Advice.Text.En, "javascript") {
		t.Errorf("%s", f.Advice.Text.En)
	}
}

func TestADevelopmentVersionIsAheadOfEveryRelease(t *testing.T) {
	w := dress(t, "4.7", "4.7.0-alpha.2")
	w.service.answers(lists(time.Time{}))
	w.version.Store("4.7.0-nightly.2026-11-20")
	w.healthy(t)
	says(t, w.look(t).Summary, "4.7.0-nightly.2026-11-20, ahead of every release", "どの正式版よりも新しい開発版")
	w.service.answers(lists(time.Time{}, update("4.7.0", false)))
	w.later(t, 7*time.Hour)
	w.look(t)
	w.later(t, 25*time.Hour)
	w.finds(t, codeUpdate, patch, checks.Warning, checks.Morning)
}

func TestWhatIsNoMastodonIsLeftAlone(t *testing.T) {
	w := bare(t, "0.20.1+git-abc")
	o := w.look(t)
	if len(o.Findings)+len(o.Blind) > 0 || w.service.asked.Load() > 0 {
		t.Errorf("%+v, %+v", o.Findings, o.Blind)
	}
	says(t, o.Summary, "0.20.1+git-abc is no Mastodon", "Mastodonではない")
}

func TestAServerThatDoesNotTellItsVersionIsReadFromDisk(t *testing.T) {
	w := dress(t, "4.5", "4.5.3")
	w.code.Store(http.StatusInternalServerError)
	o := w.look(t)
	if len(o.Findings) > 0 || query(&w.service).Get("version") != "4.5.3" {
		t.Errorf("%+v, asked %v", o.Findings, query(&w.service))
	}
	lone := bare(t, "4.5.3")
	lone.code.Store(http.StatusInternalServerError)
	_, err := lone.c.Look(t.Context(), lone.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Fatal(err)
	}
	says(t, unseen.Why, "it answers with errors", "エラー応答")
	if lone.service.asked.Load() > 0 {
		t.Error("asked for no version")
	}
}

func TestADatabaseThatLetsNobodyReadIsToldWithTheGrant(t *testing.T) {
	w := dress(t, "4.6", "4.6.3")
	w.setUp(t, w.db.SiteWith(t, site.Config{Domain: postgres.Domain, Live: live, Root: w.root})) // no column
	o := w.look(t)
	for _, code := range []string{codeChecker, codeMigrations} {
		b, ok := isBlind(o, code)
		if !ok {
			t.Fatalf("%s is not blind: %+v", code, o.Blind)
		}
		says(t, b.Why, "sababan's role may not read this", "読み取り権限がありません")
	}
	if len(o.Findings) > 0 || len(o.Blind) != 2 {
		t.Errorf("the rest goes on: %+v, %+v", o.Findings, o.Blind)
	}
}

func TestAFrozenDatabaseEndsInTimeAndHoldsWhatIsOpen(t *testing.T) {
	c := postgres.Own(t)
	w := &world{past: &checkstest.Past{}, root: t.TempDir(), db: c.Mastodon(t, "4.6")}
	w.writeCode(t, "4.6.3", w.ran(t)...)
	w.begin(t, "4.6.3")
	w.setUp(t, w.db.SiteWith(t, site.Config{Domain: postgres.Domain, Live: live, Root: w.root}, Kind(&site.Site{}).Reads...))
	w.db.Exec(t, `DELETE FROM schema_migrations WHERE version = $1`, w.ran(t)[0])
	w.look(t)
	w.later(t, time.Hour)
	w.finds(t, codeMigrations, pending, checks.Warning, checks.Morning)
	c.Freeze(t)
	began := time.Now()
	o, err := w.c.Look(background(t, w.kind.Timeout), w.past)
	took := time.Since(began)
	c.Thaw(t)
	if err != nil || took > w.kind.Timeout {
		t.Fatalf("%v after %v", err, took)
	}
	checkstest.AssertObservation(t, w.kind, o)
	b, ok := isBlind(o, codeMigrations)
	if !ok || !b.Hides(checks.Key{Code: codeMigrations, Subject: pending}) {
		t.Fatalf("%+v", o.Blind)
	}
	says(t, b.Why, "PostgreSQL", "PostgreSQL")
	w.past.Record(o, time.Now())
	w.finds(t, codeMigrations, pending, checks.Warning, checks.Morning)
}

func TestAnOldDatabaseHasNoTableOfUpdates(t *testing.T) {
	w := dress(t, "4.2", "4.1.9")
	w.service.answers(lists(time.Now().AddDate(1, 0, 0)))
	w.db.Exec(t, `DROP TABLE software_updates`)
	w.healthy(t)
}

func TestWrongSettingsAreRefused(t *testing.T) {
	s := &site.Site{Domain: postgres.Domain}
	for _, table := range []checkstest.Table{`update_url = "ftp://x"`, `releases_url = "example"`, `update_url = "https://user:word@example.com/"`, `other = 1`} {
		if _, err := Kind(s).New(table); err == nil {
			t.Errorf("%s is taken", table)
		}
	}
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{}).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[server] domain" {
		t.Errorf("%v", err)
	}
}

func TestAMemoryThatCannotBeReadIsNone(t *testing.T) {
	huge := memory{Service: source{Offers: make([]offer, 1000)}}
	b, err := json.Marshal(huge)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{nil, []byte("{"), []byte(`{"seen":3}`), b} {
		m, _ := remembered(&checkstest.Past{Memory: map[string][]byte{memoryKey: raw}})
		if len(m.Service.Offers) > offerLimit || m.Seen == nil {
			t.Errorf("%.20q: %+v", raw, m)
		}
	}
}

func TestWhatIsRememberedStaysSmall(t *testing.T) {
	w := bare(t, "4.5.3")
	var all []string
	for i := range 500 {
		all = append(all, update(fmt.Sprintf("4.5.%d", i+4), false))
	}
	w.service.answers(lists(time.Time{}, all...))
	w.look(t)
	if n := len(w.past.Memory[memoryKey]); n > 16<<10 {
		t.Errorf("%d bytes", n)
	}
}
