package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// relayer sends by other ways what the bot's home does not take. As with posts,
// what is to be sent is frozen in the state before the first attempt.
type relayer struct {
	db     *state.DB
	log    *slog.Logger
	ways   []Way
	admins []Admin
	site   string
	reader func(now time.Time) checks.Reader
	home   func() homeState
	// watched is whether the bot's home is the server that is watched.
	watched bool
	wake    chan struct{}

	rests    map[string]time.Time // until when a way is not tried, by name
	failures map[string]int
}

func (b *Bot) newRelayer() *relayer {
	return &relayer{
		db: b.o.DB, log: b.log, ways: b.o.Ways, admins: b.o.Admins, site: b.o.Site, home: b.homeState, watched: b.o.HomeWatched,
		reader: func(now time.Time) checks.Reader {
			return Admin{Lang: b.o.WaysLang, Zone: b.o.WaysZone}.Reader(b.o.WaysLang, now)
		},
		wake: make(chan struct{}, 1), rests: map[string]time.Time{}, failures: map[string]int{},
	}
}

// homeState is how the bot's home stands by now.
func (b *Bot) homeState() homeState {
	h := homeState{Failing: b.out.Outage(), Why: b.out.Health().Problem, After: b.o.RelayAfter}
	since, why, met := b.people.silence()
	if h.Met = met; !since.IsZero() {
		h.Unmet = since
		if h.Failing.IsZero() || since.Before(h.Failing) {
			h.Failing = since
		}
		if h.Why == "" {
			h.Why = why
		}
	}
	return h
}

// Wake tells the relayer that something may have to go another way.
func (r *relayer) Wake() { poke(r.wake) }

// title is how messages call a way, also one that is not configured any more.
func (r *relayer) title(name string) checks.Text {
	if r != nil {
		for _, w := range r.ways {
			if w.Name() == name {
				return w.Title()
			}
		}
	}
	return checks.Text{En: "another way", Ja: "別の経路"}
}

// The kinds of relay.
const (
	relayAlert       = "alert"
	relaySilence     = "silence"
	relayMaintenance = "maintenance"
	relayTest        = "test"
)

// The states of a relay; posts have the first three too.
const (
	relayWaiting   = "waiting"
	relayDelivered = "delivered"
	relayRefused   = "refused"
	relayDoubtful  = "doubtful" // it may be there; not sent again
)

// silenceKey is the row of meta that tells that the admins were told that the
// bot does not reach its home.
const silenceKey = "silence"

// insertRelay freezes a message that goes another way.
func (r *relayer) insertRelay(ctx context.Context, tx *sql.Tx, kind, way string, severity checks.Severity, text checks.Text, now time.Time) (key string, err error) {
	if key, err = freshKey(ctx, tx); err != nil {
		return "", err
	}
	reader := r.reader(now)
	_, err = tx.ExecContext(ctx, `INSERT INTO relay (key, kind, way, title, text, lang, severity, state, tried, next_at, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{}', ?, ?)`,
		key, kind, way, r.site, write(text, reader), string(reader.Lang), int(severity), relayWaiting, now.UnixMilli(), now.UnixMilli())
	return key, err
}

func markRelayed(ctx context.Context, tx *sql.Tx, alert int64, nth int, key string, why Reason) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO relayed (alert, nth, relay, reason) VALUES (?, ?, ?, ?) ON CONFLICT (alert, nth) DO NOTHING`, alert, nth, key, string(why))
	return err
}

// freeze makes messages of what is due to go another way, and returns when it
// wants to be called again; the zero time when nothing waits.
func (r *relayer) freeze(ctx context.Context, now time.Time) (next time.Time, err error) {
	err = r.db.Write(ctx, func(tx *sql.Tx) error {
		next = time.Time{}
		home := r.home()
		at, err := r.freezeNews(ctx, tx, home, now)
		if err != nil {
			return err
		}
		tests, err := r.freezeTests(ctx, tx, now)
		next = soonest(at, tests)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("bot: choosing what goes another way: %w", err)
	}
	return next, nil
}

// freezeNews makes one message of all the news that is due.
func (r *relayer) freezeNews(ctx context.Context, tx *sql.Tx, home homeState, now time.Time) (next time.Time, err error) {
	cases, err := r.candidates(ctx, tx, home, now)
	if err != nil {
		return time.Time{}, err
	}
	var due []news
	reasons := map[Reason]bool{}
	for _, c := range cases {
		at, why := relay(c, now)
		switch {
		case at.IsZero() && why == NotRelayedWait:
			// Whether it gets through is seen by looking again.
			next = soonest(next, now.Add(lookForTrouble))
		case at.IsZero():
		case at.After(now):
			next = soonest(next, at)
		default:
			due = append(due, news{Alert: c.Alert, Reason: why})
			reasons[why] = true
		}
	}
	told, err := metaValue(ctx, tx, silenceKey)
	if err != nil {
		return time.Time{}, err
	}
	if told != "" && home.Met {
		if _, err := r.insertRelay(ctx, tx, relaySilence, "", checks.OK, metText(), now); err != nil {
			return time.Time{}, err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE key = ?`, silenceKey); err != nil {
			return time.Time{}, err
		}
	}
	silent := silenceDue(home, told != "")
	speaks := !silent.IsZero() && !silent.After(now)
	if !speaks {
		next = soonest(next, silent)
	}
	if len(due) == 0 && !speaks {
		return next, nil
	}
	kind, worst, why := relayAlert, checks.OK, failingText(home, reasons)
	slices.SortStableFunc(due, func(a, b news) int { return int(b.Severity) - int(a.Severity) })
	for _, n := range due {
		if n.Change != incident.ResolvedNow {
			worst = max(worst, n.Severity)
		}
	}
	if speaks {
		why = silenceText(home)
		if err := setMeta(ctx, tx, silenceKey, stamp(now)); err != nil {
			return time.Time{}, err
		}
	}
	text := why
	if len(due) > 0 {
		text = relayText(due, why)
	} else {
		kind, worst = relaySilence, checks.Warning
	}
	key, err := r.insertRelay(ctx, tx, kind, "", worst, text, now)
	if err != nil {
		return time.Time{}, err
	}
	for _, n := range due {
		r.log.Info("news goes another way", "number", n.Number, "reason", string(n.Reason))
		if err := markRelayed(ctx, tx, n.ID, 0, key, n.Reason); err != nil {
			return time.Time{}, err
		}
	}
	return next, nil
}

// lookForTrouble is how often it is looked whether what waits gets through (own).
const lookForTrouble = 15 * time.Second

// candidates are the alerts that may have to go another way: what somebody waits
// for, what was told just now, and what follows something told there.
func (r *relayer) candidates(ctx context.Context, tx *sql.Tx, home homeState, now time.Time) ([]relaying, error) {
	rows, err := tx.QueryContext(ctx, `SELECT a.id FROM alert a WHERE a.expanded = 1 AND a.at >= ?
		AND NOT EXISTS (SELECT 1 FROM relayed r WHERE r.alert = a.id AND r.nth = 0)
		AND (EXISTS (SELECT 1 FROM telling t WHERE t.alert = a.id AND t.nth = 0
				AND (t.state IN ('owed', 'frozen') OR t.state = 'delivered' AND t.told >= ? OR t.reason = ?))
			OR EXISTS (SELECT 1 FROM relayed r JOIN alert b ON b.id = r.alert WHERE b.incident = a.incident AND b.id < a.id))
		ORDER BY a.id`, now.Add(-relayOld).UnixMilli(), now.Add(-relayFresh).UnixMilli(), string(GivenUp))
	if err != nil {
		return nil, err
	}
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	live, err := incident.Live(ctx, tx)
	if err != nil {
		return nil, err
	}
	home.Muffled = r.watched && slices.ContainsFunc(live, func(i incident.Incident) bool {
		return i.Phase == incident.Open && i.Severity == checks.Critical && slices.Contains(queues, i.Key.Check)
	})
	cases := make([]relaying, 0, len(ids))
	for _, id := range ids {
		c, err := r.candidate(ctx, tx, id, live, now)
		if err != nil {
			return nil, err
		}
		c.Home = home
		cases = append(cases, c)
	}
	return cases, nil
}

// candidate reads what bears on one alert.
func (r *relayer) candidate(ctx context.Context, tx *sql.Tx, id int64, live []incident.Incident, now time.Time) (relaying, error) {
	var c relaying
	var err error
	if c.Alert, err = incident.AlertByID(ctx, tx, id); err != nil {
		return c, err
	}
	c.Open = slices.ContainsFunc(live, func(i incident.Incident) bool { return i.ID == c.Alert.Incident && i.Phase == incident.Open })
	c.Quiet = allQuiet(r.admins, now)
	var before sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT MAX(p.created) FROM relayed r JOIN alert b ON b.id = r.alert JOIN relay p ON p.key = r.relay WHERE b.incident = ? AND b.id < ?`, c.Alert.Incident, id).Scan(&before)
	if err != nil {
		return c, err
	}
	if c.Before = before.Valid; c.Before && !allQuiet(r.admins, instantOf(before)).IsZero() {
		c.Quiet = time.Time{} // what broke the night may end in it
	}
	rows, err := tx.QueryContext(ctx, `SELECT t.state, t.reason, t.due, p.created FROM telling t
		LEFT JOIN post p ON p.key = t.post WHERE t.alert = ? AND t.nth = 0`, id)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var stateNow, reason string
		var due, created sql.NullInt64
		if err := rows.Scan(&stateNow, &reason, &due, &created); err != nil {
			return c, err
		}
		c.heard(stateNow, Reason(reason), instantOf(due), instantOf(created), now)
	}
	return c, rows.Err()
}

// heard takes in how one admin stands to the alert.
func (c *relaying) heard(stateNow string, reason Reason, due, created, now time.Time) {
	at := due
	switch stateNow {
	case tellingOwed:
		if due.IsZero() || due.After(now) {
			if !due.IsZero() {
				c.Due = soonest(c.Due, due)
			}
			return
		}
		c.Waits = soonest(c.Waits, due)
	case tellingFrozen:
		at = created
		c.Waits = soonest(c.Waits, created)
	case tellingDelivered:
		at, c.Arrived = created, true
	case tellingDropped:
		if reason != GivenUp {
			return
		}
		at, c.Refused = c.Alert.At, true
	}
	c.First = c.First || reason == FirstList
	c.Due = soonest(c.Due, at)
}

// freezeTests begins the tests of ways that are due.
func (r *relayer) freezeTests(ctx context.Context, tx *sql.Tx, now time.Time) (next time.Time, err error) {
	states, err := wayStates(ctx, tx, r.ways)
	if err != nil {
		return time.Time{}, err
	}
	zone := r.reader(now).Zone
	for _, w := range states {
		at := testDue(w, zone, now)
		if at.After(now) {
			next = soonest(next, at)
			continue
		}
		if _, err := r.insertRelay(ctx, tx, relayTest, w.name, checks.OK, testText(r.site), now); err != nil {
			return time.Time{}, err
		}
		if err := wayAsked(ctx, tx, w.name, now); err != nil {
			return time.Time{}, err
		}
		next = soonest(next, now.Add(testAgain))
	}
	return next, nil
}

// untaken freezes what nobody took, once for all admins, and returns what is
// owed besides.
func (r *relayer) untaken(ctx context.Context, tx *sql.Tx, s situation, owed []owedTelling, now time.Time) (rest []owedTelling, err error) {
	var due []owedTelling
	for _, o := range owed {
		if o.reason == ToldFallback && !o.due.After(now) {
			due = append(due, o)
		} else {
			rest = append(rest, o)
		}
	}
	for _, o := range due {
		var key, stateNow string
		err := tx.QueryRowContext(ctx, `SELECT r.relay, p.state FROM relayed r JOIN relay p ON p.key = r.relay WHERE r.alert = ? AND r.nth = 1`, o.alert.ID).Scan(&key, &stateNow)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			n := news{Alert: o.alert, Reason: o.reason}
			if i := s.of(o.alert); i.Phase == incident.Open {
				n.Alert = alertOf(i)
				n.Alert.Title = o.alert.Title
			}
			if key, err = r.insertRelay(ctx, tx, relayAlert, "", n.Severity, relayText([]news{n}), now); err != nil {
				return nil, err
			}
			if err := markRelayed(ctx, tx, o.alert.ID, 1, key, ToldFallback); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		}
		if err := markFrozen(ctx, tx, []owedTelling{o}, key); err != nil {
			return nil, err
		}
		if stateNow == relayDelivered {
			if err := relayTold(ctx, tx, key, now); err != nil {
				return nil, err
			}
		}
	}
	return rest, nil
}

// relayTold marks the tellings of a message that went another way as told.
func relayTold(ctx context.Context, tx *sql.Tx, key string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE telling SET state = ?, told = ? WHERE post = ? AND state = ?`, tellingDelivered, now.UnixMilli(), key, tellingFrozen)
	return err
}

// wentAnotherWay tells whether anything of an incident did, or is about to.
func wentAnotherWay(ctx context.Context, tx *sql.Tx, incidentID int64) (went bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM relayed r JOIN relay p ON p.key = r.relay JOIN alert a ON a.id = r.alert WHERE a.incident = ? AND p.state <> ?)`,
		incidentID, relayRefused).Scan(&went)
	return went, err
}
