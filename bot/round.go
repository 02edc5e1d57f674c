package bot

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

const (
	// roundPatience is how long the round after an update may take; what is held
	// for it is told by then without it (own: twice the longest look).
	roundPatience = 3 * time.Minute
	// roundAtOnce is how many checks of the round look at the same time (own:
	// somebody has just restarted everything, and the server has its hands full).
	roundAtOnce = 3
	// deployLead is how long before the restart that is seen an update may have
	// begun to break things: migrations and assets come before it (own).
	deployLead = 5 * time.Minute
)

// roundState is what the round after an update found.
type roundState struct {
	deployment schedule.Deployment
	// maintenance is the announced one that is over; the zero value where the round
	// comes after an update alone.
	maintenance deed
	results     checks.Report
	numbers     map[incident.Key]int64
	// aside is what somebody has put aside.
	aside map[incident.Key]bool
}

// runRound waits for updates, and when the silence after one is over looks at
// all that it may have broken and tells of it in one message.
func (b *Bot) runRound(ctx context.Context, wake <-chan struct{}) {
	for {
		next, err := b.round(ctx, time.Now())
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			b.log.Error("the round after an update could not be made", "err", err)
			next = time.Now().Add(firstBackoff)
		}
		if !await(ctx, wake, soonest(next, time.Now().Add(deskEvery))) {
			return
		}
	}
}

// round does what is due, and returns when the next will be; the zero time when
// nothing waits. What is updated in a maintenance is told of at its end.
func (b *Bot) round(ctx context.Context, now time.Time) (next time.Time, err error) {
	var s roundState
	var updated, announced bool
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		if s.deployment, updated, err = schedule.Deploying(ctx, tx); err != nil {
			return err
		}
		all, err := standingDeeds(ctx, tx, now)
		s.maintenance, announced = all.maintenance()
		return err
	})
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("bot: reading of an update: %w", err)
	case !updated && !announced:
		return time.Time{}, nil
	case announced && s.maintenance.Until.After(now):
		return s.maintenance.Until, nil
	case updated && s.deployment.Ends.After(now):
		return s.deployment.Ends, nil
	}
	if !updated {
		s.deployment = schedule.Deployment{}
	}
	before, err := b.o.Schedule.Incidents().Open(ctx)
	if err != nil {
		return time.Time{}, err
	}
	s.results, s.numbers = b.lookAround(ctx, before, announced), map[incident.Key]int64{}
	if ctx.Err() != nil {
		return time.Time{}, ctx.Err()
	}
	open, err := b.o.Schedule.Incidents().Open(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for _, i := range open {
		s.numbers[i.Key] = i.Number
	}
	return time.Time{}, b.desk.tellRound(ctx, s, time.Now())
}

// lookAround looks at everything that an update may break; after a maintenance
// also at what was open at its end.
func (b *Bot) lookAround(ctx context.Context, open []incident.Incident, announced bool) checks.Report {
	var kinds []checks.Kind
	for _, k := range b.o.Schedule.Kinds() {
		ill := announced && !k.Long && slices.ContainsFunc(open, func(i incident.Incident) bool {
			return i.Key.Check == k.Name && (i.Severity == checks.Critical || i.Finding.Road == checks.Now)
		})
		if k.AfterUpdate || ill {
			kinds = append(kinds, k)
		}
	}
	looking, cancel := context.WithTimeout(ctx, roundPatience)
	defer cancel()
	results := make(checks.Report, len(kinds))
	turns := make(chan struct{}, roundAtOnce)
	var all sync.WaitGroup
	for i, k := range kinds {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			r, err := b.o.Schedule.Look(looking, k.Name, false)
			if err != nil {
				r = checks.Result{Check: k.Name, Title: k.Title, Err: err}
			}
			results[i] = r
		})
	}
	all.Wait()
	return results
}

// tellRound freezes the message of a round for everybody who hears of it.
func (d *desk) tellRound(ctx context.Context, s roundState, now time.Time) error {
	// What the looks have just found is decided first, so that it is told here.
	if _, err := d.expand(ctx, now); err != nil {
		return err
	}
	err := d.db.Write(ctx, func(tx *sql.Tx) error {
		for _, who := range d.admins {
			if err := d.roundTo(ctx, tx, who, s, now); err != nil {
				return err
			}
		}
		if s.maintenance.ID != 0 {
			if d.relay != nil {
				if _, err := d.relay.insertRelay(ctx, tx, relayMaintenance, "", s.worst(), roundText(s), now); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, `UPDATE deed SET ended = ? WHERE id = ?`, now.UnixMilli(), s.maintenance.ID); err != nil {
				return err
			}
		}
		if s.deployment.ID == 0 {
			return nil
		}
		return schedule.DeploymentTold(ctx, tx, s.deployment.ID, now)
	})
	if err != nil {
		return fmt.Errorf("bot: telling of the round after an update: %w", err)
	}
	d.wake()
	if d.relay != nil {
		d.relay.Wake()
	}
	return nil
}

func (d *desk) roundTo(ctx context.Context, tx *sql.Tx, who Admin, s roundState, now time.Time) error {
	s.results = slices.DeleteFunc(slices.Clone(s.results), func(r checks.Result) bool { return !who.Cares(r.Check) })
	all, err := d.situation(ctx, tx, now)
	if err != nil {
		return err
	}
	s.aside = s.putAside(all, now)
	due, hears := roundDue(s, who, now)
	to, known, err := recipient(ctx, tx, who.Account)
	if err != nil || !known || !hears {
		return err // what is owed is told alone
	}
	if greeted, err := metaValue(ctx, tx, "hello:"+who.Account); err != nil || greeted == "" {
		return err // the first message tells it
	}
	owed, err := owedTo(ctx, tx, who.Account)
	if err != nil {
		return err
	}
	key, err := freshKey(ctx, tx)
	if err != nil {
		return err
	}
	p := post{
		Key: key, Kind: kindAlert, Admin: who.Account, To: to, Lang: who.Lang, Severity: s.worst(),
		Text: write(roundText(s), who.Reader("", now)), Created: now, NotBefore: due,
	}
	if err := d.insert(ctx, tx, p); err != nil {
		return err
	}
	said := s.said()
	owed = slices.DeleteFunc(owed, func(o owedTelling) bool { return !said[o.alert.Key] || o.alert.Change == incident.ResolvedNow })
	return markFrozen(ctx, tx, owed, key)
}

// putAside are the findings that somebody has put aside.
func (s roundState) putAside(all situation, now time.Time) map[incident.Key]bool {
	aside := map[incident.Key]bool{}
	for _, r := range s.results {
		for _, f := range r.Findings {
			for _, i := range all.live {
				if i.Key == s.key(r, f) && (all.deeds.hold(deedKnown, i, now).covers(f.Severity) || all.deeds.hold(deedSnooze, i, now).covers(f.Severity)) {
					aside[i.Key] = true
				}
			}
		}
	}
	return aside
}

// worst is the worst of what nobody has put aside.
func (s roundState) worst() checks.Severity {
	worst := checks.OK
	for _, r := range s.results {
		if r.Err != nil || len(r.Blind) > 0 {
			worst = max(worst, checks.Unknown)
		}
		for _, f := range r.Findings {
			if !f.Holds && !s.aside[s.key(r, f)] {
				worst = max(worst, f.Severity)
			}
		}
	}
	return worst
}

// said are the findings that the message tells of.
func (s roundState) said() map[incident.Key]bool {
	said := map[incident.Key]bool{}
	for _, r := range s.results {
		for _, f := range r.Findings {
			if !f.Holds && !s.aside[s.key(r, f)] {
				said[s.key(r, f)] = true
			}
		}
	}
	return said
}

// key is the identity of the incident that a finding has or will have.
func (s roundState) key(r checks.Result, f checks.Finding) incident.Key {
	for k := range s.numbers {
		if k.Check == r.Check && k.Code == f.Code && k.Subject == f.Subject {
			return k
		}
	}
	return incident.Key{Host: r.Host, Check: r.Check, Code: f.Code, Subject: f.Subject}
}

// roundDue decides whether an admin hears of a round, and when: at night only
// of harm that does not wait.
func roundDue(s roundState, who Admin, now time.Time) (due time.Time, hears bool) {
	// Whoever was told that a maintenance begins is told that it is over.
	few := who.Hears == HearsEscalation || who.Hears == HearsCritical && s.worst() < checks.Critical
	if s.maintenance.ID == 0 && (few || len(s.results) == 0) {
		return time.Time{}, false
	}
	ends, quiet := who.Quiet.Ends(now, who.zone())
	if !quiet {
		return now, true
	}
	for _, r := range s.results {
		for _, f := range r.Findings {
			if !f.Holds && !s.aside[s.key(r, f)] && f.Severity == checks.Critical && !f.Harm.IsZero() && f.Harm.Before(ends.Add(nightMargin)) {
				return now, true
			}
		}
	}
	return ends, true
}

// roundText is the message after an update: that all is well, or what is not,
// worst first.
func roundText(s roundState) checks.Text {
	fine := 0
	var lines []checks.Text
	for _, severity := range []checks.Severity{checks.Critical, checks.Warning} {
		for _, r := range s.results {
			for _, f := range r.Findings {
				if f.Holds || f.Severity != severity || s.aside[s.key(r, f)] {
					continue
				}
				line := plus(s.headOf(r, f), f.Text.Headline())
				lines = append(lines, line, firstFix(f.Advice))
			}
		}
	}
	for _, r := range s.results {
		if r.Severity() == checks.OK {
			fine++
		}
		why := checks.Text{}
		if r.Err != nil {
			why, _ = checks.Explain(r.Err)
		} else if len(r.Blind) > 0 {
			why = r.Blind[0].Why
		}
		if !why.Empty() {
			l := label(checks.Unknown, checks.Now)
			lines = append(lines, checks.Text{En: l.En + " " + r.Title.En + ": " + why.En, Ja: l.Ja + r.Title.Ja + ": " + why.Ja})
		}
	}
	after := s.name()
	n := len(s.results)
	if n == 0 {
		// Nothing that is looked at can be hurt by an update.
		return checks.Text{En: "[Resolved] " + after.En + " is over; nothing is wrong", Ja: "【参考】" + after.Ja + ": 異常はありません"}
	}
	if fine == n {
		return checks.Text{
			En: fmt.Sprintf("[Resolved] after %s: %s, all fine", after.En, counted(n, "check", "checks")),
			Ja: fmt.Sprintf("【参考】%s: %d項目すべて正常です。ヨシ!", after.Ja, n),
		}
	}
	if s.worst() == checks.OK {
		var aside []incident.Incident
		for key := range s.aside {
			aside = append(aside, incident.Incident{Number: s.numbers[key]})
		}
		slices.SortFunc(aside, func(a, b incident.Incident) int { return int(a.Number - b.Number) })
		en, ja := numbersOf(aside)
		return checks.Text{
			En: fmt.Sprintf("[Resolved] after %s: %d of %s fine; the rest is known or snoozed (%s)", after.En, fine, counted(n, "check", "checks"), en),
			Ja: fmt.Sprintf("【参考】%s: %d項目中%d項目が正常、残りは既知または保留中です（%s）", after.Ja, n, fine, ja),
		}
	}
	worst := label(s.worst(), checks.Now)
	head := checks.Text{
		En: fmt.Sprintf("%s after %s: %d of %s fine", worst.En, after.En, fine, counted(n, "check", "checks")),
		Ja: fmt.Sprintf("%s%s: %d項目中%d項目が正常です", worst.Ja, after.Ja, n, fine),
	}
	return checks.Lines(append([]checks.Text{head}, lines...)...)
}

// headOf is the severity of a finding, with the number of its incident once it
// has one.
func (s roundState) headOf(r checks.Result, f checks.Finding) checks.Text {
	if n, ok := s.numbers[s.key(r, f)]; ok {
		return head(f.Severity, f.Road, n)
	}
	l := label(f.Severity, f.Road)
	return checks.Text{En: l.En + " ", Ja: l.Ja}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// name is what the round comes after.
func (s roundState) name() checks.Text {
	d := s.deployment
	switch {
	case d.Version != "":
		v := checks.QuoteName(d.Version)
		return checks.Text{En: "the update to " + v, Ja: "更新後の確認（" + v + "）"}
	case s.maintenance.ID != 0:
		return checks.Text{En: "the maintenance", Ja: "メンテナンス後の確認"}
	}
	return checks.Text{En: "the restart of " + checks.At(d.Began), Ja: fmt.Sprintf("再起動後の確認（%s）", checks.At(d.Began))}
}

// firstFix is the first command that mends, as a line of its own.
func firstFix(a checks.Advice) checks.Text {
	for _, sh := range a.Mend {
		if cmd := shellLine(sh); cmd != "" {
			return checks.Text{En: "  Fix: " + cmd, Ja: "  対処: " + cmd}
		}
	}
	return checks.Text{}
}
