package schedule

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/sababan/sababan/checks"
)

// Command lets a check answer a command of its own, with its past. changed tells
// whether it remembered something by it; then with is called in the transaction
// that keeps this, so that neither is kept without the other. [ErrNoCheck] where
// the check is not set up, or has no such command.
func (s *Schedule) Command(ctx context.Context, check, name, rest string, with func(tx *sql.Tx, answer checks.Text) error) (answer checks.Text, changed bool, err error) {
	j, ok := s.byName[check]
	if !ok {
		return checks.Text{}, false, fmt.Errorf("%w: %s", ErrNoCheck, check)
	}
	at := slices.IndexFunc(j.Kind.Commands, func(c checks.Command) bool { return c.Name == name })
	if at < 0 {
		return checks.Text{}, false, fmt.Errorf("%w: %s has no %s", ErrNoCheck, check, name)
	}
	host := s.host(j.Kind)
	answer, remember, err := j.Kind.Commands[at].Answer(ctx, s.history.View(host, check), rest)
	if err != nil {
		return checks.Text{}, false, fmt.Errorf("schedule: %s: %w", name, err)
	}
	if len(remember) == 0 {
		return answer, false, nil
	}
	err = s.o.DB.Write(ctx, func(tx *sql.Tx) error {
		if err := keepRemembered(ctx, tx, host, check, remember); err != nil {
			return err
		}
		return with(tx, answer)
	})
	if err != nil {
		return checks.Text{}, false, fmt.Errorf("schedule: keeping what %s is to remember: %w", check, err)
	}
	return answer, true, j.settled(ctx)
}

// settled waits for the look under way, if there is one: it may have begun
// before what was changed.
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

// keepRemembered keeps what a check wants back at its next look.
func keepRemembered(ctx context.Context, tx *sql.Tx, host, check string, remember map[string][]byte) error {
	for key, value := range remember {
		if _, err := tx.ExecContext(ctx, `INSERT INTO remember (host, check_name, key, value) VALUES (?, ?, ?, ?)
			ON CONFLICT (host, check_name, key) DO UPDATE SET value = excluded.value`, host, check, key, value); err != nil {
			return err
		}
	}
	return nil
}
