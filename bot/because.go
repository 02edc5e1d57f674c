package bot

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

const (
	// causeNear is how far apart two incidents may have been noticed for one to
	// explain the other (own: two looks of the slower checks; a disk that has been
	// full for days must not hide that the page is down today).
	causeNear = 15 * time.Minute
	// causePatience is how long what was explained may take to recover once its
	// cause has (own).
	causePatience = 10 * time.Minute
)

// relations are, by the name of a kind, the kinds whose failure explains its own.
type relations map[string][]string

func relationsOf(kinds []checks.Kind) relations {
	r := relations{}
	for _, k := range kinds {
		for _, cause := range k.After {
			if slices.ContainsFunc(kinds, func(o checks.Kind) bool { return o.Name == cause }) {
				r[k.Name] = append(r[k.Name], cause)
			}
		}
	}
	return r
}

// related tells whether a kind explains another, or is explained by one.
func (r relations) related(check string) bool {
	if len(r[check]) > 0 {
		return true
	}
	for _, causes := range r {
		if slices.Contains(causes, check) {
			return true
		}
	}
	return false
}

// because is the open critical incident that explains another: that of a kind
// that comes before it, noticed at about the same time, and in its turn not
// explained by a third.
func (r relations) because(i incident.Incident, live []incident.Incident) (cause incident.Incident, found bool) {
	at := i
	passed := map[int64]bool{i.ID: true}
	for {
		next, ok := r.nearest(at, live, passed)
		if !ok {
			return cause, found
		}
		passed[next.ID] = true
		at, cause, found = next, next, true
	}
}

func (r relations) nearest(i incident.Incident, live []incident.Incident, passed map[int64]bool) (best incident.Incident, found bool) {
	for _, c := range live {
		switch {
		case passed[c.ID] || c.Phase != incident.Open || c.Severity < checks.Critical || c.Key.Code == incident.UnseenCode:
		case c.Key.Check == i.Key.Check || !slices.Contains(r[i.Key.Check], c.Key.Check):
		case c.Noticed.Sub(i.Noticed).Abs() > causeNear:
		case !found || c.Noticed.Before(best.Noticed):
			best, found = c, true
		}
	}
	return best, found
}

// suspect asks for a look at what may explain a critical alert, while that waits
// for it. It never blocks.
func (d *desk) suspect(a incident.Alert) {
	if a.Severity < checks.Critical || a.Road != checks.Now || a.Change == incident.ResolvedNow {
		return
	}
	for _, check := range d.after[a.Key.Check] {
		select {
		case d.suspects <- check:
		default:
		}
	}
}

// suspectEvery is how often a kind is looked at for this reason at most (own).
const suspectEvery = time.Minute

// runSuspects looks at what may explain something, until ctx ends. A look that is
// under way is shared, and one that takes minutes is not begun.
func (b *Bot) runSuspects(ctx context.Context) {
	last := map[string]time.Time{}
	var looks sync.WaitGroup
	defer looks.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case check := <-b.desk.suspects:
			if now := time.Now(); now.Sub(last[check]) >= suspectEvery {
				last[check] = now
				looks.Go(func() { b.lookAtSuspect(ctx, check) })
			}
		}
	}
}

func (b *Bot) lookAtSuspect(ctx context.Context, check string) {
	for _, k := range b.o.Schedule.Kinds() {
		if k.Name != check || k.Long {
			continue
		}
		if _, err := b.o.Schedule.Look(ctx, check, false); err != nil && ctx.Err() == nil {
			b.log.Warn("what may explain an alert could not be looked at", "check", check, "err", err)
		}
	}
}
