package bot

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/sababan/sababan/schedule/state"
)

type noChannel struct{}

func (noChannel) Name() string                          { return "none" }
func (noChannel) Send(context.Context, Message) Receipt { return Receipt{} }
func (noChannel) Patience() time.Duration               { return time.Second }
func (noChannel) Find(context.Context, Message) (string, bool, error) {
	return "", false, nil
}

func TestWhatHangsOnARefusedOpeningIsNotTold(t *testing.T) {
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(statements ...string) {
		t.Helper()
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			for _, s := range statements {
				if _, err := tx.Exec(s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run(
		`INSERT INTO incident (id, number, host, check_name, code, subject, phase, severity, road, finding, noticed, last_seen, changed)
			VALUES (1, 1, '', 'disk', 'full', '/', 'resolved', 2, 0, '{}', 0, 0, 0), (2, 2, '', 'disk', 'full', '/var', 'resolved', 2, 0, '{}', 0, 0, 0)`,
		`INSERT INTO alert (id, incident, change, severity, road, finding, at)
			VALUES (1, 1, 'opened', 2, 0, '{}', 0), (2, 1, 'worse', 3, 0, '{}', 0), (3, 1, 'resolved', 3, 0, '{}', 0), (4, 2, 'opened', 2, 0, '{}', 0), (5, 2, 'resolved', 2, 0, '{}', 0)`,
		`INSERT INTO post (key, kind, channel, admin, recipient_id, recipient_handle, parent, lang, severity, parts, ids, state, next_at, created)
			VALUES ('a', 'alert', '', 'alice', '1', 'alice', NULL, 'en', 2, '["a"]', '[]', 'waiting', 0, 0),
			       ('b', 'alert', '', 'alice', '1', 'alice', 'post:a', 'en', 3, '["b"]', '[]', 'waiting', 0, 1),
			       ('c', 'alert', '', 'alice', '1', 'alice', NULL, 'en', 2, '["c"]', '["9"]', 'delivered', 0, 2)`,
		`INSERT INTO telling (alert, admin, reason, due, state, post)
			VALUES (1, 'alice', 'told now', 0, 'frozen', 'a'), (2, 'alice', 'told now', 0, 'frozen', 'b'), (3, 'alice', 'x', 0, 'owed', NULL),
			       (4, 'alice', 'told now', 0, 'delivered', 'c'), (5, 'alice', 'x', 0, 'owed', NULL),
			       (1, 'bob', 'told now', 0, 'delivered', 'z'), (3, 'bob', 'x', 0, 'owed', NULL)`,
	)
	o := newOutbox(db, slog.New(slog.DiscardHandler), noChannel{}, func() int { return defaultLimit })
	o.giveUp(t.Context(), &outgoing{key: "a", admin: "alice"}, "422")

	got := map[string]string{}
	err = db.Read(t.Context(), func(tx *sql.Tx) error {
		rows, err := tx.Query(`SELECT admin || alert, state FROM telling UNION SELECT key, state FROM post`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var what, stateNow string
			if err := rows.Scan(&what, &stateNow); err != nil {
				return err
			}
			got[what] = stateNow
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"a": postRefused, "b": postRefused, "c": postDelivered,
		"alice1": tellingDropped, "alice2": tellingDropped, "alice3": tellingDropped,
		"alice4": tellingDelivered, "alice5": tellingOwed, // another incident
		"bob1": tellingDelivered, "bob3": tellingOwed, // another reader
	} {
		if got[what] != want {
			t.Errorf("%s is %s, want %s", what, got[what], want)
		}
	}
}
