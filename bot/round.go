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
	results    checks.Report
	numbers    map[incident.Key]int64
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
		wait := time.Minute
		if !next.IsZero() {
			wait = min(wait, max(time.Until(next), time.Millisecond))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round does what is due, and returns when the next will be; the zero time when
// nothing waits.
func (b *Bot) round(ctx context.Context, now time.Time) (next time.Time, err error) {
	var d schedule.Deployment
	var owed bool
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		d, owed, err = schedule.Deploying(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("bot: reading of an update: %w", err)
	case !owed:
		return time.Time{}, nil
	case d.Ends.After(now):
		return d.Ends, nil
	}
	s := roundState{deployment: d, results: b.lookAround(ctx), numbers: map[incident.Key]int64{}}
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

// lookAround looks at everything that an update may break.
func (b *Bot) lookAround(ctx context.Context) checks.Report {
	var kinds []checks.Kind
	for _, k := range b.o.Schedule.Kinds() {
		if k.AfterUpdate {
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
		return schedule.DeploymentTold(ctx, tx, s.deployment.ID, now)
	})
	if err != nil {
		return fmt.Errorf("bot: telling of the round after an update: %w", err)
	}
	d.wake()
	return nil
}

func (d *desk) roundTo(ctx context.Context, tx *sql.Tx, who Admin, s roundState, now time.Time) error {
	s.results = slices.DeleteFunc(slices.Clone(s.results), func(r checks.Result) bool { return !who.Cares(r.Check) })
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
		Key: key, Kind: kindAlert, Admin: who.Account, To: to, Lang: who.Lang, Severity: s.results.Severity(),
		Text: write(roundText(s), who.Reader("", now)), Created: now, NotBefore: due,
	}
	if err := d.insert(ctx, tx, p); err != nil {
		return err
	}
	said := s.said()
	owed = slices.DeleteFunc(owed, func(o owedTelling) bool { return !said[o.alert.Key] || o.alert.Change == incident.ResolvedNow })
	return markFrozen(ctx, tx, owed, key)
}

// said are the findings that the message tells of.
func (s roundState) said() map[incident.Key]bool {
	said := map[incident.Key]bool{}
	for _, r := range s.results {
		for _, f := range r.Findings {
			if !f.Holds {
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
	worst := s.results.Severity()
	if len(s.results) == 0 || who.Hears == HearsEscalation || who.Hears == HearsCritical && worst < checks.Critical {
		return time.Time{}, false
	}
	ends, quiet := who.Quiet.Ends(now, who.zone())
	if !quiet {
		return now, true
	}
	for _, r := range s.results {
		for _, f := range r.Findings {
			if !f.Holds && f.Severity == checks.Critical && !f.Harm.IsZero() && f.Harm.Before(ends.Add(nightMargin)) {
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
				if f.Holds || f.Severity != severity {
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
	after := roundName(s.deployment)
	n := len(s.results)
	if fine == n {
		return checks.Text{
			En: fmt.Sprintf("[Resolved] after %s: %s, all fine", after.En, counted(n, "check", "checks")),
			Ja: fmt.Sprintf("【参考】%s: %d項目すべて正常です。ヨシ!", after.Ja, n),
		}
	}
	worst := label(s.results.Severity(), checks.Now)
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

// roundName is what the round comes after.
func roundName(d schedule.Deployment) checks.Text {
	if d.Version == "" {
		return checks.Text{En: "the restart of " + checks.At(d.Began), Ja: fmt.Sprintf("再起動後の確認（%s）", checks.At(d.Began))}
	}
	v := checks.QuoteName(d.Version)
	return checks.Text{En: "the update to " + v, Ja: "更新後の確認（" + v + "）"}
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
