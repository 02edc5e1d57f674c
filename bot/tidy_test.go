package bot

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/sababan/sababan/schedule/state"
)

func TestWhatNobodyAsksForIsForgotten(t *testing.T) {
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	old, recent := now.Add(-400*24*time.Hour).UnixMilli(), now.Add(-24*time.Hour).UnixMilli()
	run := func(query string, args ...any) {
		t.Helper()
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.Exec(query, args...)
			return err
		})
		if err != nil {
			t.Fatal(query, err)
		}
	}
	for id, one := range []struct {
		phase string
		at    int64
	}{{"resolved", old}, {"open", old}, {"resolved", recent}, {"resolved", old}} {
		n := id + 1
		var resolved any
		if one.phase == "resolved" {
			resolved = one.at
		}
		run(`INSERT INTO incident (id, number, host, check_name, code, subject, phase, severity, road, finding, noticed, opened, last_seen, changed, resolved)
			VALUES (?, ?, '', 'disk', 'full', ?, ?, 2, 0, '{}', ?, ?, ?, ?, ?)`, n, n, fmt.Sprint(n), one.phase, one.at, one.at, one.at, one.at, resolved)
		run(`INSERT INTO alert (id, incident, change, severity, road, finding, at, expanded) VALUES (?, ?, 'opened', 2, 0, '{}', ?, 1)`, n, n, one.at)
		run(`INSERT INTO telling (alert, admin, reason, state, post) VALUES (?, 'alice', 'told now', 'delivered', ?)`, n, fmt.Sprint("p", n))
		run(`INSERT INTO post (key, kind, channel, admin, recipient_id, recipient_handle, lang, severity, parts, ids, state, next_at, created, delivered, erased)
			VALUES (?, 'alert', '', 'alice', '1', 'alice', 'en', 2, '[]', '[]', 'delivered', 0, ?, ?, ?)`, fmt.Sprint("p", n), one.at, one.at, one.at)
		run(`INSERT INTO deed (at, admin, what, incident, noticed, check_name, severity, note, mention, line) VALUES (?, 'alice', 'ack', ?, ?, '', 2, '', ?, 0)`, one.at, n, one.at, fmt.Sprint(n))
	}
	run(`INSERT INTO mention (id, status_id, account_id, text, received, state) VALUES ('1', '1', '1', 'x', ?, 'answered'), ('2', '2', '1', 'x', ?, 'new'), ('3', '3', '1', 'x', ?, 'answered')`, old, old, recent)

	b := &Bot{o: Options{DB: db}}
	for range 2 { // what is gone stays gone
		if err := b.forget(context.Background(), now); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM incident WHERE id = 1`:                   0,
		`SELECT COUNT(*) FROM incident`:                                3, // what is open, what is recent, and the newest number
		`SELECT COUNT(*) FROM alert`:                                   3,
		`SELECT COUNT(*) FROM telling`:                                 3,
		`SELECT COUNT(*) FROM post`:                                    3,
		`SELECT COUNT(*) FROM deed WHERE incident IN (2, 3)`:           2, // an old one on what is open still holds
		`SELECT COUNT(*) FROM deed WHERE incident IN (1, 4)`:           0,
		`SELECT COUNT(*) FROM mention WHERE id = '1'`:                  0,
		`SELECT COUNT(*) FROM mention WHERE state = 'new' OR id = '3'`: 2,
	} {
		err := db.Read(t.Context(), func(tx *sql.Tx) error {
			var n int
			if err := tx.QueryRow(query).Scan(&n); err != nil {
				return err
			}
			if n != want {
				t.Errorf("%s: %d, want %d", query, n, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
