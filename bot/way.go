package bot

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/sababan/sababan/checks"
)

// A Way is a [Channel] besides the bot's home: a second account, mail, a
// web-hook. Its messages are for all admins; [Message.To] is empty.
type Way interface {
	Channel
	// Title is how messages call it: "mail".
	Title() checks.Text
	// Limit is how many characters one message may have; 0 is no limit.
	Limit() int
}

// ErrCannotTell is the error of a [Channel.Find] that can never know whether a
// message is there, and where sending it again would be a second one.
var ErrCannotTell = errors.New("whether it is there cannot be told")

// wayState is how a way stands.
type wayState struct {
	name   string
	title  checks.Text
	tested time.Time // when a test message got through last
	asked  time.Time // when the last test was begun
	failed time.Time // since when it does not work; zero where it does
	why    string    // why it does not, or does not for everybody
}

// wayStates reads how the ways stand, in their order.
func wayStates(ctx context.Context, tx *sql.Tx, ways []Way) ([]wayState, error) {
	states := make([]wayState, len(ways))
	for i, w := range ways {
		states[i] = wayState{name: w.Name(), title: w.Title()}
		var tested, asked, failed sql.NullInt64
		var why sql.NullString
		err := tx.QueryRowContext(ctx, `SELECT tested, asked, failed, problem FROM way WHERE name = ?`, w.Name()).Scan(&tested, &asked, &failed, &why)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		states[i].tested, states[i].asked, states[i].failed, states[i].why = instantOf(tested), instantOf(asked), instantOf(failed), why.String
	}
	return states, nil
}

// A WayStanding is what is remembered of a way.
type WayStanding struct {
	Title  checks.Text
	Tested time.Time // when a test message got through last; zero: never
	Failed time.Time // since when it does not work; zero where it does
	Why    string    // what it said then; while it works: why not for everybody
}

// WaysStanding reads what the state remembers of the ways, in their order.
func WaysStanding(ctx context.Context, tx *sql.Tx, ways []Way) ([]WayStanding, error) {
	states, err := wayStates(ctx, tx, ways)
	all := make([]WayStanding, len(states))
	for i, s := range states {
		all[i] = WayStanding{s.title, s.tested, s.failed, s.why}
	}
	return all, err
}

// wayWorked notes that a way took a message, and why not for everybody; wayFailed
// that it did not.
func wayWorked(ctx context.Context, tx *sql.Tx, name, but string, test bool, now time.Time) error {
	tested := sql.NullInt64{Int64: now.UnixMilli(), Valid: test}
	_, err := tx.ExecContext(ctx, `INSERT INTO way (name, tested, worked, problem) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET tested = COALESCE(excluded.tested, way.tested), worked = excluded.worked, failed = NULL, problem = excluded.problem`,
		name, tested, now.UnixMilli(), sql.NullString{String: but, Valid: but != ""})
	return err
}

func wayFailed(ctx context.Context, tx *sql.Tx, name, why string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO way (name, failed, problem) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET failed = COALESCE(way.failed, excluded.failed), problem = excluded.problem`,
		name, now.UnixMilli(), why)
	return err
}

func wayAsked(ctx context.Context, tx *sql.Tx, name string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO way (name, asked) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET asked = excluded.asked`, name, now.UnixMilli())
	return err
}

// When the ways are tried (defaults: weekly; the day and the hour are own).
const (
	testDay  = time.Monday
	testHour = Clock(10 * 60)
	// testAgain is how soon a way that failed its test is tried again, testLife how
	// long one test may take (own).
	testAgain = 24 * time.Hour
	testLife  = time.Hour
)

// testDue is when a way is to be tried: at once where it never was, then every
// Monday, and daily while it fails.
func testDue(w wayState, zone *time.Location, now time.Time) time.Time {
	switch {
	case w.asked.IsZero() || w.asked.After(now):
		return now
	case w.tested.Before(w.asked):
		return w.asked.Add(testAgain)
	}
	// One that was tried on Sunday rests until the Monday of the week after.
	at := testHour.Next(w.asked.Add(3*24*time.Hour), zone)
	for at.In(zone).Weekday() != testDay {
		at = testHour.Next(at.Add(time.Minute), zone)
	}
	return at
}

// chooseWay picks the way of a message: the first in order that has not refused
// it and does not rest. Where all rest, wait is until when; over means that
// none is left.
func chooseWay(names []string, only string, tried map[string]string, rests map[string]time.Time, now time.Time) (name string, wait time.Time, over bool) {
	for _, n := range names {
		if only != "" && n != only || tried[n] == triedNo || tried[n] == triedLost {
			continue
		}
		if rest := rests[n]; rest.After(now) {
			wait = soonest(wait, rest)
			continue
		}
		return n, time.Time{}, false
	}
	return "", wait, wait.IsZero()
}

// What became of a message on a way.
const (
	triedDoubt = "doubt" // the answer is not known, and is looked for
	triedLost  = "lost"  // it may be there, and is not sent there again
	triedNo    = "no"    // it is not there, and not tried again
)
