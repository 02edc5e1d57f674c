package federation

import (
	"time"
)

const (
	// beatsKept bounds the domains whose rhythm is learned (own).
	beatsKept = weightsKept + friendsLimit
	timesKept = 1000
	// gapLimit is the longest gap that is learned, in minutes (own: half a year).
	gapLimit = 183 * 24 * 60
	// period is how long gaps are kept apart: the usual ones are those of this
	// period and the one before (own).
	period = 28 * 24 * time.Hour
	// beatLearned is how long a domain must be known, and beatTimes how often
	// heard, before its silence means anything (voice: seven days; own).
	beatLearned = 7 * 24 * time.Hour
	beatTimes   = 5
	// beatPause is how long nobody may have listened for a gap to be theirs
	// (own: rounds are an hour apart).
	beatPause = 3 * time.Hour

	silentTimes = 3              // usual gaps; defaults
	silentLeast = 48 * time.Hour // defaults (own)
)

// A beat is what is known of one domain's rhythm. Instants and lengths are in
// minutes, instants since 1970.
type beat struct {
	// Last is the newest that it is known to have sent, as Mastodon dates it: up
	// to 4.5 when it came here, from 4.6 when it was written.
	Last int64
	// Heard is when Last was seen to move on, or Last itself: what comes late
	// comes all the same.
	Heard int64
	// First is when listening began.
	First int64
	// Times is how often Last moved on.
	Times int
	// Gaps are the longest and the second longest of this period, then of the
	// one before.
	Gaps [4]int
}

func minutes(t time.Time) int64 { return t.Unix() / 60 }

func (b beat) last() time.Time { return time.Unix(60*max(b.Last, b.Heard), 0) }

// heard takes in the newest that a domain is known to have sent. learn is false
// where a gap would be ours: nobody listened, or nothing at all came in.
func (b beat) heard(at, now time.Time, learn bool) beat {
	t, n := minutes(at), minutes(now)
	if t > n {
		t = n
	}
	if b.First == 0 {
		return beat{Last: t, Heard: t, First: n}
	}
	if t <= b.Last {
		return b
	}
	if gap := t - max(b.Last, 0); learn {
		b.gap(int(min(gap, gapLimit)))
	}
	b.Last, b.Times = t, min(b.Times+1, timesKept)
	b.Heard = max(n, t)
	if n-t < int64(time.Hour/time.Minute)*2 {
		b.Heard = t // seen in the round after it came
	}
	return b
}

func (b *beat) gap(g int) {
	if g > b.Gaps[0] {
		b.Gaps[0], b.Gaps[1] = g, b.Gaps[0]
	} else if g > b.Gaps[1] {
		b.Gaps[1] = g
	}
}

// turn begins a new period.
func (b beat) turn() beat {
	b.Gaps = [4]int{0, 0, b.Gaps[0], b.Gaps[1]}
	return b
}

// usual is the longest usual gap: the longest but one that is known, for the
// longest may have been the one time that it was down.
func (b beat) usual() time.Duration {
	first, second := 0, 0
	for _, g := range b.Gaps {
		if g > first {
			first, second = g, first
		} else if g > second {
			second = g
		}
	}
	if second == 0 {
		second = first
	}
	return time.Duration(second) * time.Minute
}

// silence is for how long a domain has not been heard, if that is beyond its own
// rhythm.
func (b beat) silence(now time.Time) (time.Duration, bool) {
	lasts := now.Sub(b.last())
	known := now.Sub(time.Unix(60*b.First, 0)) >= beatLearned && b.Times >= beatTimes
	return lasts, known && lasts >= silentLeast && lasts > silentTimes*b.usual()
}
