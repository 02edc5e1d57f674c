package bot

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// threadOf is the number of the incident that a message to an admin speaks of, for
// an answer to it needs none: the only one that was told there. 0 where there is
// none, or several.
func (b *Bot) threadOf(ctx context.Context, who Admin, parent string) (n int64, err error) {
	// The ids of a post are a JSON list of opaque words.
	if parent == "" || strings.ContainsAny(parent, `"%_\`) {
		return 0, nil
	}
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		n = 0
		rows, err := tx.QueryContext(ctx, `SELECT DISTINCT i.number FROM post p JOIN telling t ON t.post = p.key JOIN alert a ON a.id = t.alert JOIN incident i ON i.id = a.incident
			WHERE p.admin = ? AND p.ids LIKE ? AND i.number IS NOT NULL LIMIT 2`, who.Account, `%"`+parent+`"%`)
		if err != nil {
			return err
		}
		defer rows.Close()
		count := 0
		for rows.Next() {
			count++
			if err := rows.Scan(&n); err != nil {
				return err
			}
		}
		if count != 1 {
			n = 0
		}
		return rows.Err()
	})
	if err != nil {
		return 0, fmt.Errorf("bot: reading a thread: %w", err)
	}
	return n, nil
}

// inThread takes the incident of the thread where a question names nothing itself.
func (q question) inThread() question {
	if q.thread == 0 || q.number != 0 || len(q.kinds) > 0 || q.all {
		return q
	}
	switch q.command {
	case "check", "recheck", "why", "history", "normal", "known":
		q.number, q.numbers = q.thread, []int64{q.thread}
	}
	return q
}

// takeFrom is what stands behind a command; the incident of the thread where
// nothing else is named.
func (b *Bot) takeFrom(q question) taking {
	t := b.vocabulary().take(q)
	if q.thread != 0 && len(t.numbers)+len(t.kinds) == 0 && !t.all && t.unsure == "" {
		t.numbers = []int64{q.thread}
	}
	return t
}
