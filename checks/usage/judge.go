package usage

import (
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	megabyte = 1 << 20
	gigabyte = 1 << 30
	day      = 24 * time.Hour
)

const (
	growthShare = 0.25           // defaults
	growthMADs  = 4.0            // defaults
	growthLeast = gigabyte       // defaults
	growthHolds = 0.8            // own: so far above the usual it keeps open what is open
	nightsApart = 12 * time.Hour // own: two walks of one evening are not two nights

	mediaTimes = 2.0      // defaults
	mediaLeast = gigabyte // own, as for any other area
	mediaDays  = 5        // of the week before that must be known (own)

	dumpAge   = 2 * day // defaults
	dumpShare = 0.05    // defaults

	journalLeast = 500 * megabyte // defaults
	journalShare = 0.02           // defaults

	cacheLeast   = 500 * megabyte // defaults
	rubyLeast    = 1 * megabyte   // own: an empty folder is nothing left behind
	deletedLeast = gigabyte       // own
	walTimes     = 2              // defaults, of max_wal_size
)

// A verdict is the outcome of one rule, and which branch of it was taken.
type verdict struct {
	Found, Holds bool
	Why          string
}

// bandMADs is how many median absolute deviations lie between the middle and
// an end of a band of four values of five, where they are normally distributed.
const bandMADs = 1.2816 / 0.6745

// growthBound is how much above the usual is too much, in bytes.
func growthBound(usual checks.Band) float64 {
	mad := (usual.High - usual.Low) / 2 / bandMADs
	return max(usual.Mid*growthShare, mad*growthMADs, growthLeast)
}

// judgeGrowth decides on one area against its own normal number.
func judgeGrowth(bytes float64, usual checks.Band, known bool) verdict {
	over, bound := bytes-usual.Mid, growthBound(usual)
	switch {
	case !known:
		return verdict{Why: "what is usual is not known yet"}
	case over > bound:
		return verdict{Found: true, Why: "far above the usual"}
	case over > growthHolds*bound:
		return verdict{Found: true, Holds: true, Why: "between"}
	}
	return verdict{Why: "as usual"}
}

// secondNight tells whether something has been seen in two nights.
func secondNight(since, now time.Time) bool { return now.Sub(since) >= nightsApart }

// A pace is how much an area grew in its last day, and how much in an ordinary
// one of the week before; in bytes.
type pace struct{ Last, Usual float64 }

// paceOf makes it of samples (oldest first) and the newest value; false where
// too few days are known.
func paceOf(samples []checks.Sample, bytes float64, now time.Time) (pace, bool) {
	var values [9]float64
	var known [9]bool
	values[0], known[0] = bytes, true
	for _, s := range samples {
		// Days count from half a day ago, so that yesterday's walk is one day
		// old, whether it was a little earlier or later than today's.
		d := int(math.Floor(now.Sub(s.At).Hours()/24 + 0.5))
		if d > 0 && d < len(values) {
			values[d], known[d] = s.Value, true
		}
	}
	if !known[1] {
		return pace{}, false
	}
	var week []float64
	for d := 1; d+1 < len(values); d++ {
		if known[d] && known[d+1] {
			week = append(week, values[d]-values[d+1])
		}
	}
	if len(week) < mediaDays {
		return pace{}, false
	}
	slices.Sort(week)
	return pace{Last: values[0] - values[1], Usual: week[len(week)/2]}, true
}

// judgeMedia decides on the pace at which cached media grow.
func judgeMedia(p pace, known bool) verdict {
	switch {
	case !known:
		return verdict{Why: "too few days"}
	case p.Last > mediaTimes*max(p.Usual, 0) && p.Last > mediaLeast:
		return verdict{Found: true, Why: "faster than in its own week"}
	}
	return verdict{Why: "as usual"}
}

// judgeDumps decides on the dumps of one folder that are old enough to have
// been taken elsewhere.
func judgeDumps(bytes, disk float64, withDatabase bool) verdict {
	switch {
	case !withDatabase:
		return verdict{Why: "not on the database's disk"}
	case bytes > dumpShare*disk:
		return verdict{Found: true, Why: "large, and on the database's disk"}
	}
	return verdict{Why: "small"}
}

// judgeJournal decides on the journal's size where nobody has limited it.
func judgeJournal(bytes, disk float64, limit string) verdict {
	switch {
	case limit != "":
		return verdict{Why: "limited"}
	case bytes > journalLeast && bytes > journalShare*disk:
		return verdict{Found: true, Why: "big, without a limit"}
	}
	return verdict{Why: "small"}
}

// judgeWAL decides on the size of pg_wal.
func judgeWAL(bytes int64, s walSettings) verdict {
	if bytes > walTimes*s.Max+s.Keep {
		return verdict{Found: true, Why: "out of proportion"}
	}
	return verdict{Why: "in proportion"}
}

// judgeRuby decides on one version; installed are all that there are.
func judgeRuby(version, wanted string, installed []string, bytes int64) verdict {
	switch {
	case wanted == "":
		return verdict{Why: "what is wanted is not known"}
	case version == wanted:
		return verdict{Why: "wanted"}
	case !slices.Contains(installed, wanted):
		return verdict{Why: "the one that is wanted is not there: this may be the one that runs"}
	case bytes < rubyLeast:
		return verdict{Why: "nothing in it"}
	}
	return verdict{Found: true, Why: "left behind"}
}
