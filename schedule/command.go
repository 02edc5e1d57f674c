package schedule

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sababan/sababan/checks"
)

// Command asks a check something of its own ("paid server"), and keeps what it
// wants to remember. changed tells that there was something to keep: the next
// look will see it, and none that began before does.
func (s *Schedule) Command(ctx context.Context, name string, c checks.Command, rest string) (answer checks.Text, changed bool, err error) {
	j, ok := s.byName[name]
	if !ok {
		return checks.Text{}, false, fmt.Errorf("%w: %s", ErrNoCheck, name)
	}
	host := s.host(j.Kind)
	answer, remember, err := c.Answer(ctx, s.history.View(host, name), rest)
	if err != nil || len(remember) == 0 {
		return answer, false, err
	}
	err = s.o.DB.Write(ctx, func(tx *sql.Tx) error { return keep(ctx, tx, host, name, remember) })
	if err != nil {
		return checks.Text{}, false, fmt.Errorf("schedule: keeping what %s changed: %w", c.Name, err)
	}
	return answer, true, j.settled(ctx)
}

// settled waits for the look under way, if there is one.
func (j *job) settled(ctx context.Context) error {
	j.mu.Lock()
	l := j.running
	j.mu.Unlock()
	if l == nil {
		return nil
	}
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep writes what a check is to remember.
func keep(ctx context.Context, tx *sql.Tx, host, name string, remember map[string][]byte) error {
	for key, value := range remember {
		if _, err := tx.ExecContext(ctx, `INSERT INTO remember (host, check_name, key, value) VALUES (?, ?, ?, ?)
			ON CONFLICT (host, check_name, key) DO UPDATE SET value = excluded.value`, host, name, key, value); err != nil {
			return err
		}
	}
	return nil
}
