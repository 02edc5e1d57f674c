package watch

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

const (
	// atOnce bounds the connections (own: at 42 a second with one in ten that
	// takes its whole time, fifty are under way).
	atOnce = 64
	// window is over how long the looks of one tick are spread: with the longest
	// of them it ends within the minute.
	window = 42 * time.Second
	// pace is how far apart they are at most, so that a short list is looked at
	// soon (own).
	pace = 100 * time.Millisecond
	// firstLooks is up to how many servers the first tick looks at at once (own),
	// and restlessLooks at how many that are not well one tick looks again.
	firstLooks    = 60
	restlessLooks = 300
	// witnesses is how many servers are looked at before one is told that could
	// not be reached (own).
	witnesses = 10
)

type check struct {
	site   *site.Site
	config Config
	prober *prober
	store  *store // nil where the roots are given
	all    []*target
	leases *leases

	recalled bool
	limits   checks.SeenLimits
}

func newCheck(s *site.Site, c Config, p *prober) *check {
	w := &check{site: s, config: c, prober: p, all: make([]*target, 0, len(c.Domains)), leases: leasesOf(c.Domains)}
	if s.Roots == nil {
		w.store = &store{files: rootFiles}
	}
	for _, d := range c.Domains {
		t := &target{Domain: d, door: door{host: d.Name}}
		if name, home, ok := account(d.Bot); ok {
			t.friend = &friend{name: name, door: door{host: home}}
		}
		w.all = append(w.all, t)
	}
	return w
}

// period is how often a settled server is looked at: a minute more often than it
// has to be known, for what the looks of one tick have seen is told at the end
// of them.
func (c *check) period() time.Duration { return c.config.Every.Std() - tick }

// due are the servers whose turn it is, those that have waited longest first.
// Each has a minute of the period that is its own.
func due(all []*target, now time.Time, period time.Duration, everything bool) []*target {
	minutes, minute := max(int64(period/tick), 1), minuteOf(now)
	var turn, restless []*target
	for i, t := range all {
		own := int64(i)%minutes == minute%minutes
		switch missed := minute - t.minute; {
		case everything, missed < 0, missed > minutes, own && (missed > 0 || t.looked.IsZero()),
			t.looked.IsZero() && len(all) <= firstLooks:
			turn = append(turn, t)
		case !t.looked.IsZero() && t.restless() && missed > 0:
			restless = append(restless, t)
		}
	}
	for _, list := range [][]*target{turn, restless} {
		slices.SortStableFunc(list, func(a, b *target) int { return a.looked.Compare(b.looked) })
	}
	return append(turn, restless[:min(len(restless), restlessLooks)]...)
}

// minuteOf numbers the minutes: ticks come a little later in them at times.
func minuteOf(at time.Time) int64 { return at.Unix() / int64(tick/time.Second) }

// Look looks at those whose turn it is.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	_, once := past.(checks.NoPast) // one look is all there is
	return c.look(ctx, past, once)
}

// LookThoroughly looks at all of them, as far as there is time.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, everything bool) (checks.Observation, error) {
	if c.site.Offline {
		return checks.Observation{}, &checks.Unseen{Why: textOffline()}
	}
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	if !c.recalled {
		recall(past, c.all)
		c.leases.recall(past, c.prober)
		for _, t := range c.all {
			t.minute = minuteOf(c.prober.now()) // from here on each waits for its turn
		}
		c.recalled = true
	}
	if c.store != nil {
		c.prober.roots = c.store.now()
	}
	_, once := past.(checks.NoPast)
	open := looksToOpen
	if once {
		open = 1
	}
	known := map[*target]bool{} // what was told before says nothing of this machine
	for _, t := range c.all {
		known[t] = t.streak.Open
	}
	turn := due(c.all, c.prober.now(), c.period(), everything)
	var asking sync.WaitGroup
	if !once { // without a past every look would ask the registries, who ban for that
		asking.Go(func() { c.leases.ask(ctx, c.prober.now) })
	}
	c.round(ctx, turn, open)
	asking.Wait()
	o, err := c.judge(c.prober.now())
	if err == nil && slices.ContainsFunc(turn, func(t *target) bool { return t.streak.Open && !known[t] && t.away() != noReason }) {
		err = c.doubt(ctx, turn, known, open)
		if err == nil {
			o, err = c.judge(c.prober.now())
		}
	}
	if err != nil {
		// What this machine did not reach counts against nobody.
		for _, t := range c.all {
			if !known[t] {
				t.streak = streak{}
			}
		}
		return checks.Observation{}, err
	}
	raw, err := keep(c.all, o)
	if err != nil {
		return checks.Observation{}, err
	}
	o.Remember = map[string][]byte{memoryKey: raw}
	if raw, err = c.leases.keep(c.prober.now()); err != nil {
		return checks.Observation{}, err
	}
	if raw != nil {
		o.Remember[leaseKey] = raw
	}
	return o, nil
}

// doubt looks at some more servers before one is told that could not be reached:
// where none of them can be, either, it is this machine. Else those whose turn
// comes first would be told before the others have been tried.
func (c *check) doubt(ctx context.Context, turn []*target, known map[*target]bool, open int) error {
	var asked, more []*target
	had := map[*target]bool{}
	for _, t := range turn {
		had[t] = true
		if !known[t] {
			asked = append(asked, t)
		}
	}
	for _, t := range c.all {
		if len(asked)+len(more) < witnesses && !known[t] && !had[t] {
			more = append(more, t)
		}
	}
	c.round(ctx, more, open)
	if why, ours := ourFault(append(asked, more...)); ours {
		return &checks.Unseen{Why: textOurs(why), Advice: adviceOurs()}
	}
	return nil
}

// round looks at some servers, spread over the time that there is.
func (c *check) round(ctx context.Context, turn []*target, open int) {
	if len(turn) == 0 {
		return
	}
	// What begins last has its whole time, and the judgement a moment.
	spread, last := window, window+tick
	if deadline, ok := ctx.Deadline(); ok {
		last = max(time.Until(deadline)-probeTime-time.Second, time.Until(deadline)/2, 0)
		spread = min(spread, last)
	}
	// Counted from the beginning, so that a slow start delays no later one.
	gap := min(spread/time.Duration(len(turn)), pace)
	began, minute := time.Now(), minuteOf(c.prober.now())
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, t := range turn {
		if !wait(ctx, time.Until(began.Add(time.Duration(i)*gap))) || time.Since(began) > last {
			break // they stay as they were, and are the first of the next tick
		}
		group.Go(func() error {
			c.visit(ctx, t, open, minute)
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// visit looks at one server, and reads what its bot says where that is due.
func (c *check) visit(ctx context.Context, t *target, open int, minute int64) {
	at := c.prober.now()
	seen := c.prober.probe(ctx, t)
	if seen.state == unseen && seen.why == crowded && !t.looked.IsZero() {
		return // its turn is still to come
	}
	if seen.end.IsZero() {
		seen.end, seen.life = t.last.end, t.last.life // what was seen last of it stands
	}
	t.looked, t.minute, t.last = at, minute, seen
	t.streak = t.streak.next(seen.state, at, open)
	if f := t.friend; f != nil && at.Sub(f.looked) >= beatLook-tick {
		c.prober.read(ctx, f)
	}
}
