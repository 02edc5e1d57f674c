package backups

import (
	"context"
	"time"

	"github.com/sababan/sababan/checks"
)

// What is looked at beyond a backup that can be read: its contents, a restore,
// and the people.

// compare asks the running server for what the dumps should hold.
func (r *round) compare(ctx context.Context) {
	var at []time.Time
	for i := range r.seen {
		if t := r.seen[i].Tested; t.Outcome == outcomeWhole && t.Inside.Holds == holdsMastodon {
			at = append(at, t.Made)
		}
	}
	if len(at) == 0 {
		return
	}
	r.live = ask(ctx, r.c.read, at)
	if r.live.Asked && r.live.Accounts > 0 {
		r.out.Measures = append(r.out.Measures, checks.Measure{Name: measureAccounts, Value: float64(r.live.Accounts), Unit: checks.Count})
	}
	for i := range r.seen {
		r.compareOne(&r.seen[i])
	}
}

// compareOne judges what is inside one source's dump.
func (r *round) compareOne(s *seen) {
	t := &s.Tested
	switch {
	case t.Outcome != outcomeWhole, s.Newest == nil, t.ID != s.Newest.ID && !t.Bad:
		s.Inside = verdict{Why: insideNone}
		return
	case r.live.Err != nil:
		s.Inside = verdict{Why: insideUnasked}
		return
	}
	if r.live.Accounts > 0 {
		samples, err := r.past.Series(measureAccounts, "", t.Made.Add(-sampleAge))
		if err != nil {
			samples = nil // then today's number has to do
		}
		s.Accounts = accountsAt(t.Made, r.live.Accounts, samples)
	}
	s.Compared = r.live.Asked
	s.Inside = judgeContents(t.Inside, t.Made, r.live.Asked, r.live.Newest[t.Made], s.Accounts)
	t.Bad = s.Inside.found()
}

// restore restores what is due, where that is switched on: the smallest first,
// one in a look.
func (r *round) restore(ctx context.Context, named bool) {
	var next *seen
	for i := range r.seen {
		s := &r.seen[i]
		if s.Newest == nil || s.Newest.Path == "" {
			continue
		}
		due, _ := dueRebuild(r.c.config.Restore, s.Newest.ID, s.Tested, s.Rebuilt, named, r.now)
		if due && (next == nil || s.Newest.Size < next.Newest.Size) {
			next = s
		}
	}
	if next == nil {
		return
	}
	if until, ok := ctx.Deadline(); ok && !named && time.Until(until) < namedLeast {
		return
	}
	next.Rebuilt = r.c.rebuild(ctx, *next.Newest, next.Tested, next.Rebuilt)
}

// judgeInside makes the finding of what is inside.
func (r *round) judgeInside(s *seen) {
	switch {
	case s.Inside.Why == insideUnasked:
		why, mend := checks.Explain(r.live.Err)
		r.blind(s, codeContents, blindLive(*s, why), mend)
	case s.Inside.found():
		r.finding(s, codeContents, s.Inside, contentsText(*s), contentsAdvice(*s))
	}
}

// judgeRebuilt makes the finding of the last restore, or says what prevents it.
func (r *round) judgeRebuilt(s *seen) {
	if !r.c.config.Restore || s.Rebuilt.Outcome == "" {
		return
	}
	if v := judgeOutcome(s.Rebuilt); v.found() {
		r.finding(s, codeUnrestorable, v, unrestorableText(*s), unrestorableAdvice(*s))
	} else if !s.Rebuilt.tried() {
		r.blind(s, codeUnrestorable, blindRebuild(*s, r.c.config.RestoreIn), mendRebuild(*s, r.c.config.RestoreIn))
	}
}

// judgeEnd makes the finding of a job that says itself that it failed.
func (r *round) judgeEnd(s *seen) {
	if s.Err == nil && s.Status.Exit != 0 {
		r.finding(s, codeJob, verdict{checks.Warning, "it ended with an error"}, exitText(*s), oldAdvice(*s))
	}
}

// rehearsals recalls what people should practise; one message for what one deed
// mends.
func (r *round) rehearsals() {
	by, first := r.c.config.Restored, r.after.First
	proven := by
	for i := range r.seen {
		proven = latest(proven, r.seen[i].Rebuilt.Proven)
	}
	text := unrestoredText(proven)
	if proven.IsZero() && r.c.config.Restore {
		proven, text = first, neverRestoredText(first)
	}
	if v := judgeRestore(proven, r.now); v.found() {
		r.finding(nil, codeUnrestored, v, text, unrestoredAdvice()).Road = checks.Week
	} else if v := judgeRehearsal(latest(by, first), r.now); v.found() {
		r.finding(nil, codeRehearse, v, rehearseText(by), unrestoredAdvice()).Road = checks.Week
	}
	if v := judgeRehearsal(latest(r.c.config.SecondPerson, first), r.now); v.found() {
		r.finding(nil, codeSecond, v, secondText(r.c.config.SecondPerson), secondAdvice()).Road = checks.Week
	}
}
