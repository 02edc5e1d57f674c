package backups

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	day  = 24 * time.Hour
	week = 7 * day

	// sameRun is how close together files are one run of the backup: three
	// databases one after the other (own).
	sameRun = 20 * time.Minute
	// gapsWanted is from how many gaps a rhythm is learned, the newest (own).
	gapsWanted = 7
	// gapsLeast is how many gaps make a rhythm at all (own).
	gapsLeast = 2
	// assumedRhythm is that of a source which was configured and has not been
	// seen often enough (own: what Mastodon's own documentation asks for).
	assumedRhythm = day

	// lateFactor and missedFactor are when a backup is old: daily, after 30 h
	// and, with two runs missed, 60 h (defaults).
	lateFactor, missedFactor = 1.25, 2.5
	// lateLeast is how much later than its rhythm a backup may always be
	// (defaults: as Healthchecks does).
	lateLeast = 15 * time.Minute

	// sizesBefore is how many sizes make the usual one: "against the previous
	// 7" (defaults), sizesLeast how many there must be (own).
	sizesBefore, sizesLeast = 7, 3
	// smallest, small and large are shares of the usual size (defaults).
	smallest, small, large = 0.25, 0.70, 2.00

	// roomFactor is how much of the newest backup's size the next one may need
	// (defaults).
	roomFactor = 1.2
	// restoreAge is after how long a restore should be tried again (defaults).
	restoreAge = 90 * day

	// bigBackup is above which a backup is read to its end once a week only,
	// in bytes (defaults).
	bigBackup = 5 << 30
	// testFrom and testUntil are the hours in which backups are read to their
	// end (defaults).
	testFrom, testUntil = 1, 6
)

// A point is one run of a backup: when it ended and how large it is, in bytes;
// a size below 0 is not known.
type point struct {
	Time time.Time `json:"t"`
	Size int64     `json:"s"`
}

// runs puts files that were made together into one; points come and go oldest
// first.
func runs(points []point) []point {
	var out []point
	for _, p := range points {
		if n := len(out); n > 0 && p.Time.Sub(out[n-1].Time) < sameRun {
			if p.Size < 0 || out[n-1].Size < 0 {
				p.Size = max(p.Size, out[n-1].Size)
			} else {
				p.Size += out[n-1].Size
			}
			out[n-1] = p
			continue
		}
		out = append(out, p)
	}
	return out
}

// How a rhythm came to be known.
const (
	rhythmSet     = "set"
	rhythmLearned = "learned"
	rhythmAssumed = "assumed"
	rhythmUnknown = "unknown"
)

// rhythm is how often a new backup comes. It is learned from the longest but
// one of the last seven gaps, so that neither one missed run nor a run in two
// parts changes it.
func rhythm(every time.Duration, configured bool, runs []point) (time.Duration, string) {
	if every > 0 {
		return every, rhythmSet
	}
	var gaps []time.Duration
	for i := 1; i < len(runs); i++ {
		gaps = append(gaps, runs[i].Time.Sub(runs[i-1].Time))
	}
	gaps = gaps[max(0, len(gaps)-gapsWanted):]
	if len(gaps) < gapsLeast {
		if configured {
			return assumedRhythm, rhythmAssumed
		}
		return 0, rhythmUnknown
	}
	slices.Sort(gaps)
	pick := len(gaps) - 2
	if len(gaps) < 4 {
		pick = len(gaps) / 2
	}
	return plainRhythm(gaps[pick]), rhythmLearned
}

// plainRhythm is the length of time that somebody has set, where it is near
// one that people set.
func plainRhythm(d time.Duration) time.Duration {
	for _, usual := range []time.Duration{time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, week, 30 * day} {
		if (d - usual).Abs() < usual/10 {
			return usual
		}
	}
	return max(d, time.Minute)
}

// A verdict is the outcome of one rule, and which branch of it was taken.
type verdict struct {
	Severity checks.Severity
	Why      string
}

func (v verdict) found() bool { return v.Severity > checks.OK }

// judgeAge decides whether the newest backup is old.
func judgeAge(age, rhythm time.Duration) verdict {
	late, missed := patience(rhythm)
	switch {
	case rhythm <= 0:
		return verdict{Why: "no rhythm is known"}
	case age > missed:
		return verdict{checks.Critical, "two runs missed"}
	case age > late:
		return verdict{checks.Warning, "late"}
	}
	return verdict{Why: "recent"}
}

// patience is the age from which on a backup is late, and from which on runs
// have been missed.
func patience(rhythm time.Duration) (late, missed time.Duration) {
	late = max(time.Duration(lateFactor*float64(rhythm)), rhythm+lateLeast)
	return late, max(time.Duration(missedFactor*float64(rhythm)), late)
}

// usualSize is the median of the sizes before the newest; false where there
// are too few.
func usualSize(runs []point) (int64, bool) {
	var sizes []int64
	for _, r := range runs[:max(0, len(runs)-1)] {
		if r.Size > 0 {
			sizes = append(sizes, r.Size)
		}
	}
	sizes = sizes[max(0, len(sizes)-sizesBefore):]
	if len(sizes) < sizesLeast {
		return 0, false
	}
	slices.Sort(sizes)
	n := len(sizes)
	return (sizes[(n-1)/2] + sizes[n/2]) / 2, true
}

// judgeSize decides whether a backup has its usual size; usual is 0 where none
// is known.
func judgeSize(size, usual int64) verdict {
	ratio := float64(size) / float64(max(usual, 1))
	switch {
	case size < 0:
		return verdict{Why: "its size is not known"}
	case size == 0:
		return verdict{checks.Critical, "empty"}
	case usual <= 0:
		return verdict{Why: "no usual size is known"}
	case ratio < smallest:
		return verdict{checks.Critical, "much too small"}
	case ratio < small:
		return verdict{checks.Warning, "small"}
	case ratio > large:
		return verdict{checks.Warning, "large"}
	}
	return verdict{Why: "usual"}
}

// judgeRoom decides whether the next backup has room. Where it shares its file
// system with the server, the server stops with it.
func judgeRoom(newest int64, free uint64, shared bool) verdict {
	need, v := roomNeeded(newest, shared)
	if newest <= 0 || float64(free) >= need {
		return verdict{Why: "room"}
	}
	return v
}

// roomNeeded is how much room the next backup needs, in bytes, and what it is
// where there is less.
func roomNeeded(newest int64, shared bool) (float64, verdict) {
	if shared {
		return roomFactor * float64(newest), verdict{checks.Critical, "the server's own file system"}
	}
	return roomFactor * float64(newest), verdict{checks.Warning, "a file system of its own"}
}

// judgeRestore decides whether a restore has been tried lately; where no day
// is written, nobody asked.
func judgeRestore(restored, now time.Time) verdict {
	if restored.IsZero() || now.Sub(restored) <= restoreAge {
		return verdict{Why: "tried lately, or not written"}
	}
	return verdict{checks.Warning, "long ago"}
}

// Reasons for reading a backup to its end now, or not.
const (
	testNamed   = "asked for by name"
	testAgain   = "what was tested last was bad"
	testNight   = "new, and it is night"
	testDone    = "tested already"
	testWaits   = "waits for the night"
	testWeekly  = "too large to be tested more than once a week"
	testUnready = "being written"
)

// due decides whether a backup is read to its end now. last is the test before,
// of this backup or of an earlier one.
func due(a artefact, last tested, named bool, now time.Time) (bool, string) {
	same := last.ID == a.ID && last.ID != ""
	night := now.Hour() >= testFrom && now.Hour() < testUntil
	switch {
	case a.Growing:
		return false, testUnready
	case same && (last.Outcome == outcomeWhole || last.Outcome == outcomeDamaged):
		return false, testDone
	case named:
		return true, testNamed
	case same && last.Outcome == outcomeSlow:
		return false, testDone
	case (last.Outcome == outcomeDamaged || last.Bad) && a.Size <= bigBackup:
		return true, testAgain
	case !night:
		return false, testWaits
	case a.Size > bigBackup && now.Sub(last.At) < week:
		return false, testWeekly
	}
	return true, testNight
}

// A level is how far a backup is proven.
type level int

// The levels, each with those before it.
const (
	levelNothing level = iota
	levelRecent
	levelSize
	levelComplete
	levelContents // newest post and accounts inside, against the live database
	levelRestored
	levels = int(levelRestored)
)
