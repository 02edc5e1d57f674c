package bot

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A PublicWeek is all that a public post may be made of: the server's own public
// name, instants, lengths and numbers. Nothing else can get into the post, its
// picture or the picture's description, for they are made of nothing else.
type PublicWeek struct {
	// Site is the watched server's public name: the only words here.
	Site string
	// From and To are the week: to the same time of day seven days later.
	From, To time.Time
	// Watched is how much of it was watched.
	Watched time.Duration
	// Interruptions are when people could not use the server, oldest first; what
	// was announced as maintenance is in Maintenance instead. None overlap, and
	// all lie in what was watched.
	Interruptions, Maintenance []Stretch
	// Answer is half of all pages' time to be answered; 0 where it was not
	// measured. Usual is that of the weeks before, within UsualLow and UsualHigh;
	// 0 where less than seven days were measured before.
	Answer, Usual, UsualLow, UsualHigh time.Duration
	// Slow is what one page of twenty took at least; 0 where too few were timed.
	Slow time.Duration
	// Servers are those that were heard from, New those of them that were never
	// heard of before; -1 where they were not counted.
	Servers, New int
	// Heard is how many servers were heard from within the week before, at the end
	// of each day; the last is Servers.
	Heard []checks.Sample
	// Answers are the pages' times through the week in seconds, and Band what was
	// usual.
	Answers []checks.Sample
	Band    []checks.Band
	// BandFrom are the instants from which each band holds.
	BandFrom []time.Time
}

// A Stretch is a length of time.
type Stretch struct{ From, To time.Time }

// Long is its length.
func (s Stretch) Long() time.Duration { return s.To.Sub(s.From) }

// longOf is the length of some stretches together.
func longOf(all []Stretch) (sum time.Duration) {
	for _, s := range all {
		sum += s.Long()
	}
	return sum
}

// merged puts stretches together that overlap or touch, the oldest first.
func merged(all []Stretch) []Stretch {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Stretch) int { return a.From.Compare(b.From) })
	var out []Stretch
	for _, s := range all {
		last := len(out) - 1
		switch {
		case !s.From.Before(s.To):
		case last >= 0 && !s.From.After(out[last].To):
			out[last].To = later(out[last].To, s.To)
		default:
			out = append(out, s)
		}
	}
	return out
}

// common is what lies in both; each is merged.
func common(a, b []Stretch) (out []Stretch) {
	for _, one := range a {
		for _, other := range b {
			s := Stretch{later(one.From, other.From), one.To}
			if other.To.Before(s.To) {
				s.To = other.To
			}
			if s.From.Before(s.To) {
				out = append(out, s)
			}
		}
	}
	return merged(out)
}

// without is what lies in the first and not in the second; each is merged.
func without(a, b []Stretch) (out []Stretch) {
	for _, rest := range a {
		for _, cut := range b {
			if !cut.From.Before(rest.To) || !cut.To.After(rest.From) {
				continue
			}
			if cut.From.After(rest.From) {
				out = append(out, Stretch{rest.From, cut.From})
			}
			rest.From = cut.To
		}
		if rest.From.Before(rest.To) {
			out = append(out, rest)
		}
	}
	return out
}

// lookPatience is for how long after a look the time counts as watched (own: the
// slowest of these checks looks every five minutes, and may miss one).
const lookPatience = 15 * time.Minute

// covered is the time after each of some looks, as far as it lies in a stretch.
func covered(looks []time.Time, in Stretch) []Stretch {
	all := make([]Stretch, 0, len(looks))
	for _, at := range looks {
		all = append(all, Stretch{at, at.Add(lookPatience)})
	}
	return common(merged(all), []Stretch{in})
}

// outages parts the times in which the server could not be used. Watched is when
// the checks that tell it saw something, or found that there was nothing to see;
// awake is when anything at all was looked at: what was down on a Friday when
// nobody was watching until Sunday counts until Friday.
func outages(down, maintenance, looked, awake []Stretch) (watched, interruptions, planned []Stretch) {
	down = common(merged(down), merged(awake))
	watched = merged(append(slices.Clone(looked), down...))
	maintenance = merged(maintenance)
	return watched, without(down, maintenance), common(down, maintenance)
}
