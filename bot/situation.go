package bot

import (
	"context"
	"database/sql"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// situation is what bears on every decision of one moment.
type situation struct {
	deeds  deeds
	live   []incident.Incident
	update schedule.Deployment
	// updating is whether the round after the update is owed.
	updating bool
}

func (d *desk) situation(ctx context.Context, tx *sql.Tx, now time.Time) (s situation, err error) {
	if s.deeds, err = standingDeeds(ctx, tx, now); err != nil {
		return s, err
	}
	if s.live, err = incident.Live(ctx, tx); err != nil {
		return s, err
	}
	s.update, s.updating, err = schedule.Deploying(ctx, tx)
	return s, err
}

// of is the incident of an alert: as it is, or as it was when it ended.
func (s situation) of(a incident.Alert) incident.Incident {
	for _, i := range s.live {
		if i.ID == a.Incident {
			return i
		}
	}
	return incident.Incident{
		ID: a.Incident, Number: a.Number, Key: a.Key, Phase: incident.Resolved, Severity: a.Severity,
		Finding: a.Finding, Noticed: a.Noticed, Resolved: a.At,
	}
}

// standing is what bears on telling one admin of one incident, as severe as the
// news of it is.
func (d *desk) standing(s situation, i incident.Incident, severity checks.Severity, who Admin, now time.Time) Standing {
	st := Standing{
		Ack: s.deeds.hold(deedAck, i, now), Snooze: s.deeds.hold(deedSnooze, i, now), Known: s.deeds.hold(deedKnown, i, now),
		SnoozeEnded: s.deeds.ended(deedSnooze, i, now), AckEnded: s.deeds.ended(deedAck, i, now),
		Since: i.Changed, Rank: d.rank(who), Fallback: d.relay != nil,
	}
	expected := d.afterUpdate[i.Key.Check]
	if expected && s.updating && !i.Noticed.Before(s.update.Began.Add(-deployLead)) {
		st.Update = s.update.Ends.Add(roundPatience)
	}
	if m, announced := s.deeds.maintenance(); announced && (expected || severity < checks.Critical) {
		st.Maintenance = m.Until.Add(roundPatience)
	}
	if cause, explained := d.after.because(i, s.live); explained && who.Cares(cause.Key.Check) && who.Hears != HearsEscalation {
		st.Because = cause.Number
	}
	if d.after.related(i.Key.Check) {
		st.Wait = 2 * d.grouping
	}
	return st
}

// rank is the admin's place among those who hear what nobody took.
func (d *desk) rank(who Admin) int {
	n := 0
	for _, a := range d.admins {
		if a.Account == who.Account {
			return n
		}
		if a.Hears == HearsEscalation {
			n++
		}
	}
	return n
}
