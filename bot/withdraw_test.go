package bot

import (
	"database/sql"
	"testing"

	"github.com/sababan/sababan/schedule/state"
)

func TestASummaryThatIsTakenBackMayBeThereAlready(t *testing.T) {
	for _, c := range []struct {
		name          string
		attempts      []any // when the attempt at each began that waits
		waits, begins bool
	}{
		{"nothing waits", nil, false, false},
		{"one waits", []any{nil}, true, false},
		{"one is just being posted", []any{int64(1)}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := state.Memory(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.Write(t.Context(), func(tx *sql.Tx) error {
				for _, at := range c.attempts {
					if _, err := tx.Exec(`INSERT INTO post (key, kind, channel, admin, recipient_id, recipient_handle, lang, severity, parts, ids, state, next_at, created, attempt_at, visibility)
						VALUES ('k', 'summary', '', '', '', '', 'en', 0, '["x"]', '[]', 'waiting', 0, 0, ?, 'public')`, at); err != nil {
						return err
					}
				}
				waits, begins, err := withdrawSummary(t.Context(), tx)
				if waits != c.waits || begins != c.begins {
					t.Errorf("waited %v, begun %v", waits, begins)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
