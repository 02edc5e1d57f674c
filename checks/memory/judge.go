package memory

import (
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// A verdict is the outcome of one rule, and which branch of it was taken.
type verdict struct {
	Severity checks.Severity
	Holds    bool
	Why      string
}

func (v verdict) found() bool { return v.Severity > checks.OK }

const (
	megabyte = 1 << 20
	gigabyte = 1 << 30
	day      = 24 * time.Hour
)

const (
	availableCritical = 0.05           // defaults (YunoHost)
	availableLeast    = 100 * megabyte // defaults (YunoHost)
	availableWarning  = 0.10           // defaults (YunoHost)
	availableClear    = 0.12           // own
)

// judgeAvailable decides on the memory that programs can still get.
func judgeAvailable(n numbers) verdict {
	share := float64(n.Available) / float64(n.Total)
	switch {
	case share < availableCritical:
		return verdict{checks.Critical, false, "nearly none"}
	case n.Available < availableLeast:
		return verdict{checks.Critical, false, "too little for any program"}
	case share < availableWarning:
		return verdict{checks.Warning, false, "little"}
	case share < availableClear, n.Available < availableLeast*12/10:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

const (
	pressureWarning = 0.10 // defaults (own: to be proven)
	pressureClear   = 0.08 // own
)

// judgePressure decides on how long processes wait for memory.
func judgePressure(p *pressure) verdict {
	switch {
	case p == nil:
		return verdict{Why: "not told by the kernel"}
	case p.Some300 > pressureWarning:
		return verdict{checks.Warning, false, "waiting"}
	case p.Some300 > pressureClear:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

const (
	// Bytes a second in and out together, with pressure and without knowing it
	// (own: a page now and then is housekeeping).
	swappingWarning = 1 * megabyte
	swappingAlone   = 5 * megabyte
	// swappingPressure is what must come with it (own: half of what is a
	// finding by itself).
	swappingPressure = 0.05
)

// rates are bytes a second that go to and come from the swap.
type rates struct {
	In, Out float64
	Known   bool
}

// judgeSwapping decides on what goes to and fro. What lies in the swap and
// stays there is never a fault.
func judgeSwapping(r rates, p *pressure) verdict {
	both := r.In + r.Out
	switch {
	case !r.Known:
		return verdict{Why: "not known yet"}
	case r.In == 0 || r.Out == 0:
		return verdict{Why: "one way only"}
	case p == nil && both >= swappingAlone:
		return verdict{checks.Warning, false, "swapping"}
	case p == nil && both >= swappingAlone/2:
		return verdict{checks.Warning, true, "between"}
	case p == nil:
		return verdict{Why: "fine"}
	case both >= swappingWarning && p.Some300 >= swappingPressure:
		return verdict{checks.Warning, false, "swapping and waiting"}
	case both >= swappingWarning/2 && p.Some300 >= swappingPressure*0.8:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

// rateInterval is the least time between two looks that makes a rate (own).
const rateInterval = 10 * time.Second

// rate compares the counters of two looks. fresh is false where the looks are
// too near each other and the older one stays what is compared with.
func rate(before memory, c *counters, boot string, now time.Time) (r rates, fresh bool) {
	switch {
	case c == nil:
		return rates{}, false
	case before.At.IsZero(), boot != before.Boot, c.SwapIn < before.SwapIn, c.SwapOut < before.SwapOut:
		return rates{}, true
	}
	passed := now.Sub(before.At)
	if passed < 0 {
		return rates{}, true // the clock was set back
	}
	if passed < rateInterval {
		return before.Rates, false
	}
	s := passed.Seconds()
	return rates{In: float64(c.SwapIn-before.SwapIn) / s, Out: float64(c.SwapOut-before.SwapOut) / s, Known: true}, true
}

// newKills returns how many processes were killed since the last look; first
// says that there was none, so that the number is that since boot.
func newKills(before memory, c *counters, boot string) (n uint64, first bool) {
	switch {
	case c == nil || !c.CountsKills:
		return 0, false
	case !before.Counted:
		return c.Kills, true
	// A reboot begins at nought: all that is counted happened since.
	case boot != before.Boot:
		return c.Kills, false
	case c.Kills < before.Kills:
		return 0, false
	}
	return c.Kills - before.Kills, false
}

// killsKept bounds how many kills are remembered (own).
const killsKept = 20

// attribute finds in the kernel's log who the n killed since an instant were,
// newest last; those that it does not know are without a name. told are those
// that were told of before.
func attribute(log []kill, n uint64, since, now time.Time, told []kill) []kill {
	var known []kill
	for _, k := range log {
		if k.At.After(since) && !slices.ContainsFunc(told, k.is) {
			known = append(known, k)
		}
	}
	want := int(min(n, killsKept))
	if len(known) > want {
		known = known[len(known)-want:]
	}
	unknown := make([]kill, want-len(known))
	for i := range unknown {
		unknown[i].At = now
	}
	return append(unknown, known...)
}

// vital are the programs without which the server stands still (defaults).
var vital = []string{"puma", "ruby", "bundle", "sidekiq", "postgres", "redis", "valkey", "node", "MainThread"}

var vitalUnits = []string{"mastodon", "postgresql", "redis", "valkey"}

// isVital tells whether a killed process was one of them.
func (k kill) isVital() bool {
	return slices.ContainsFunc(vital, func(p string) bool { return strings.HasPrefix(k.Name, p) }) ||
		slices.ContainsFunc(vitalUnits, func(p string) bool { return strings.HasPrefix(k.Unit, p) })
}

// judgeKills decides on processes killed since the last look; recent are those
// of the last day, the new ones among them.
func judgeKills(fresh, recent []kill) verdict {
	switch {
	case len(fresh) == 0:
		return verdict{Why: "none"}
	case slices.ContainsFunc(fresh, kill.isVital):
		return verdict{checks.Critical, false, "one that the server needs"}
	case len(recent) > 1:
		return verdict{checks.Critical, false, "again within a day"}
	}
	return verdict{checks.Warning, false, "once"}
}

const (
	workerLeast   = gigabyte // defaults (Mastodon's own worker killers use it)
	workerGrowth  = 2        // defaults
	workerHistory = 6 * day  // own: seven days less what a restart of ours costs
	workerWindow  = 7 * day  // defaults
)

// judgeWorker decides on one worker's size against its own median.
func judgeWorker(resident, usual float64) verdict {
	switch {
	case usual <= 0:
		return verdict{Why: "no usual size"}
	case resident > workerLeast && resident > workerGrowth*usual:
		return verdict{checks.Warning, false, "grown"}
	case resident > 0.9*workerLeast && resident > 0.9*workerGrowth*usual:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

// usualSize is the median of the last seven days, or 0 where they are fewer.
func usualSize(samples []checks.Sample, now time.Time) float64 {
	if len(samples) == 0 || now.Sub(samples[0].At) < workerHistory {
		return 0
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.Value
	}
	slices.Sort(values)
	return values[len(values)/2]
}
