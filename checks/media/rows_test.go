package media

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

// dataWorld is a world with a database, whose role has the declared rights.
func dataWorld(t *testing.T, version string) (*world, *postgres.DB) {
	t.Helper()
	db := postgres.Start(t).Mastodon(t, version)
	s := db.Site(t, Kind(&site.Site{}).Reads...)
	w := newWorld(t, s)
	w.make(w.table)
	// What people here have uploaded is there.
	w.show(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/media_attachments/") {
			rw.Header().Set("Content-Type", "image/png")
			_, _ = rw.Write([]byte("\x89PNG"))
			return
		}
		rw.WriteHeader(403)
	})
	return w, db
}

// fill adds files of one age: of other servers, and how many of them are there.
func fill(t *testing.T, db *postgres.DB, at time.Time, n, there int, more string) {
	t.Helper()
	db.Exec(t, `INSERT INTO media_attachments (id, status_id, account_id, remote_url, created_at, updated_at, file_file_name, file_content_type`+more+`)
		SELECT $1::bigint + n, 1, 1, 'https://x.test/' || n, $2::timestamp, $2::timestamp, CASE WHEN n <= $4::bigint THEN 'a.png' END, 'image/png'`+strings.Repeat(", 0", strings.Count(more, ","))+`
		FROM generate_series(1, $3::bigint) n`, postgres.ID(at), at.UTC(), n, there)
}

// upload adds a file of somebody here.
func upload(t *testing.T, db *postgres.DB, at time.Time) {
	t.Helper()
	db.Exec(t, "INSERT INTO media_attachments (id, status_id, account_id, file_file_name, file_content_type, processing) VALUES ($1, 1, 1, 'a1.png', 'image/png', 2)", postgres.ID(at))
}

func TestFilesOfOthersThatDoNotArriveAreToldOnEveryVersion(t *testing.T) {
	for _, version := range []string{"4.2", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w, db := dataWorld(t, version)
			fill(t, db, w.now.Add(-time.Hour), 100, 99, "")
			w.nothing(w.look())
			fill(t, db, w.now.Add(-30*time.Minute), 200, 20, "")
			f := w.find(w.look(), codeMissing, "have not arrived")
			if f.Severity != checks.Warning || f.Road != checks.Morning {
				t.Errorf("%v %v", f.Severity, f.Road)
			}
			db.Exec(t, "UPDATE media_attachments SET file_file_name = 'a.png' WHERE file_file_name IS NULL")
			o := w.look()
			w.nothing(o)
			if got := checkstest.Value(t, o, missingShare, ""); got != 0 {
				t.Errorf("%v", got)
			}
			t.Log(o.Summary)
		})
	}
}

func TestTheUsualShareDecidesWhereItIsKnown(t *testing.T) {
	day := func(absent, remote int) tally { return tally{absent: absent, remote: remote} }
	usual := checks.Band{Mid: 0.1, Days: 30}
	for name, one := range map[string]struct {
		t     tally
		known bool
		bad   bool
	}{
		"a few":                          {day(10, 100), true, false},
		"three times the usual":          {day(31, 100), true, true},
		"less than that":                 {day(30, 100), true, false},
		"half, and nothing is usual yet": {day(50, 100), false, false},
		"more than half":                 {day(51, 100), false, true},
		"of too few":                     {day(19, 19), true, false},
		"of the last hours":              {tally{absent: 25, remote: 1000, lateAbsent: 25, lateRemote: 30}, true, true},
	} {
		if _, _, bad := missing(one.t, usual, one.known); bad != one.bad {
			t.Errorf("%s: %v", name, bad)
		}
	}
}

func TestUploadsThatWaitForTheirProcessingAreTold(t *testing.T) {
	w, db := dataWorld(t, "4.6")
	w.nothing(w.look())
	fill(t, db, w.now.Add(-time.Hour), 4, 4, ", processing")
	w.find(w.look(), codeStuck, "4 uploads have been waiting")
	db.Exec(t, "UPDATE media_attachments SET processing = 2")
	w.nothing(w.look())
	// Of people here: all that is processed at all, whatever the fixture holds.
	fill(t, db, w.now.Add(-2*time.Hour), 6, 6, ", processing")
	db.Exec(t, "UPDATE media_attachments SET processing = CASE WHEN remote_url = '' THEN NULL ELSE 3 END, remote_url = '' WHERE remote_url = '' OR processing = 0")
	w.find(w.look(), codeStuck, "failed within a day")
}

func TestWhatShouldHaveBeenDeletedIsTold(t *testing.T) {
	w, db := dataWorld(t, "4.6")
	db.Exec(t, "INSERT INTO settings (var, value, created_at, updated_at) VALUES ('media_cache_retention_period', E'--- 7\\n', now(), now())")
	fill(t, db, w.now.AddDate(0, 0, -8), 50, 50, "") // within the two days of grace
	fill(t, db, w.now.AddDate(0, 0, -20), 50, 1, "") // one that could not be deleted
	w.nothing(w.look())
	fill(t, db, w.now.AddDate(0, 0, -40), 100, 80, "")
	w.nothing(w.look()) // once a day
	w.now = w.now.Add(24 * time.Hour)
	w.find(w.look(), codeRetention, "some are over 37 d old (set: 7 d)")
	w.find(w.look(), codeRetention, "some are over 37 d old")
	// A day on which it cannot be seen ends nothing.
	w.now = w.now.Add(24 * time.Hour)
	db.Exec(t, "ALTER TABLE settings RENAME TO away")
	if o := w.look(); !slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Code == codeRetention }) {
		t.Errorf("%+v", o.Blind)
	}
	db.Exec(t, "ALTER TABLE away RENAME TO settings")
	w.find(w.look(), codeRetention, "some are over 37 d old")
	db.Exec(t, "UPDATE media_attachments SET file_file_name = NULL WHERE id < $1", postgres.ID(w.now.AddDate(0, 0, -8)))
	w.now = w.now.Add(24 * time.Hour)
	w.nothing(w.look())
}

func TestWithoutARetentionPeriodWhatIsKeptForEverIsTold(t *testing.T) {
	w, db := dataWorld(t, "4.2")
	fill(t, db, w.now.AddDate(0, 0, -40), 100, 100, "")
	if f := w.find(w.look(), codeRetention, "no retention period is set"); f.Road != checks.Week {
		t.Errorf("%v", f.Road)
	}
	// Somebody removes them by another way: then nothing is said.
	db.Exec(t, "UPDATE media_attachments SET file_file_name = NULL WHERE id < $1", postgres.ID(w.now.AddDate(0, 0, -29)))
	w.now = w.now.Add(24 * time.Hour)
	w.nothing(w.look())
}

func TestASettingIsReadAsMastodonWritesIt(t *testing.T) {
	for yaml, want := range map[string]int{"--- 7\n": 7, "--- 14\n...\n": 14, "--- \n": 0, "": 0, "--- '30'\n": 30, "--- -1\n": 0, "---\n...\n": 0, "--- seven": 0} {
		if got := daysOf(yaml); got != want {
			t.Errorf("%q: %d", yaml, got)
		}
	}
}

func TestADatabaseThatIsNotReadableIsUnknown(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	w := newWorld(t, db.Site(t))
	o := w.look()
	w.nothing(o)
	seen := map[string]bool{}
	for _, b := range o.Blind {
		seen[b.Code] = true
	}
	if !seen[codeMissing] || !seen[codeStuck] || !seen[codeRetention] || seen[codePut] {
		t.Errorf("%+v", o.Blind)
	}
}

func TestUploadsThatAreNotShownAreTold(t *testing.T) {
	w, db := dataWorld(t, "4.6")
	upload(t, db, w.now.Add(-time.Hour))
	w.nothing(w.look())
	w.show(answer(404, ""))
	w.find(w.look(), codeGet, "each of the newest uploads")
	w.show(answer(200, "<!doctype html><title>front page</title>"))
	w.find(w.look(), codeGet, "something else")
}

func TestTheBotsFolderThatThePublicNameDoesNotShowIsNoAlarm(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	w := newWorld(t, db.Site(t, Kind(&site.Site{}).Reads...))
	upload(t, db, w.now.Add(-time.Hour))
	w.show(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/media_attachments/") {
			_, _ = rw.Write([]byte("\x89PNG"))
			return
		}
		rw.WriteHeader(403)
	})
	if f := w.find(w.look(), codePrefix, "uploads are"); f.Severity != checks.Warning || f.Road != checks.Week {
		t.Errorf("%v %v", f.Severity, f.Road)
	}
}

var bigTable = regexp.MustCompile(`Seq Scan on media_attachments\b`)

func TestNothingLargeIsReadFromEndToEnd(t *testing.T) {
	for _, version := range []string{"4.2", "4.6"} {
		db := postgres.Start(t).Mastodon(t, version)
		now := time.Now()
		db.Exec(t, `INSERT INTO media_attachments (id, status_id, account_id, remote_url, file_file_name)
			SELECT $1::bigint - n * 65536 * 20000, 1, 1, CASE WHEN n % 500 > 0 THEN 'https://x.test/' || n ELSE '' END, 'a.png'
			FROM generate_series(1, 150000::bigint) n`, postgres.ID(now))
		db.Exec(t, "VACUUM ANALYZE media_attachments")
		conn := db.Conn(t)
		for name, q := range map[string]struct {
			sql  string
			args []any
		}{
			"tally":    {tallySQL, []any{idAt(now.Add(-24 * time.Hour)), idAt(now.Add(-arriving)), newRows, idAt(now.Add(-lately)), idAt(now.Add(-stuckAfter))}},
			"examples": {examplesSQL, []any{idAt(now.Add(-exampleAge)), idAt(now.Add(-arriving)), newRows, examples}},
			"files":    {areas[0].knownSQL(), []any{[]int64{idAt(now), idAt(now.Add(-time.Hour)), 5}}},
			"sample":   {sampleSQL, []any{idAt(now.AddDate(0, 0, -9)), sampleRows, now.UTC()}},
		} {
			rows, err := conn.Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+q.sql, append([]any{pgx.QueryExecModeExec}, q.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			plan := strings.Join(lines, "\n")
			if bigTable.MatchString(plan) || !strings.Contains(plan, "media_attachments_pkey") {
				t.Errorf("%s %s:\n%s", version, name, plan)
			}
			t.Logf("%s %s: %s", version, name, lines[len(lines)-1])
		}
	}
}
