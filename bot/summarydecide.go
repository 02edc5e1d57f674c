package bot

import "time"

const (
	// summaryLate is how late the weekly summary may be posted; what was missed for
	// longer is left out (own: a week's summary on a Tuesday confuses more than its
	// lack).
	summaryLate = 24 * time.Hour
	// summaryApart is how long two of them are apart at least, whatever the
	// timetable says and the clock does (own: a week but for a day).
	summaryApart = 6 * 24 * time.Hour
	// leastWatched is how much of a week must have been watched for anything to be
	// said about it (own).
	leastWatched = 24 * time.Hour
	// summaryAgain is how often it is looked whether an interruption is over (own).
	summaryAgain = 10 * time.Minute
)

// weekPost is what bears on whether the weekly summary is posted now.
type weekPost struct {
	// Forbidden is the configuration's word, Nameless that the server has no name
	// to post under.
	Forbidden, Nameless bool
	// On is since when an admin wants it; the zero time where none does.
	On time.Time
	// Due is the timetable's newest instant that is not in the future; the zero
	// time where there was none lately.
	Due time.Time
	// Posted is when the last one was frozen; the zero time where none was.
	Posted time.Time
	// Watched is how much of the week was watched.
	Watched time.Duration
	// Interrupted is whether people cannot use the server just now.
	Interrupted bool
}

// PostReason is why the weekly summary is posted now, or not.
type PostReason string

// The reasons.
const (
	PostNow         PostReason = "now: its time has come"
	NotAllowed      PostReason = "never: the configuration forbids it"
	NotNamed        PostReason = "never: the server's public name is not set"
	NotSwitchedOn   PostReason = "not yet: no admin has switched it on"
	NotDue          PostReason = "not yet: it is not its time"
	PostedThisWeek  PostReason = "not again: one was posted within the week"
	DueBeforeOn     PostReason = "not yet: it was due before it was switched on"
	MissedForLong   PostReason = "left out: its time is more than a day ago"
	HardlyWatched   PostReason = "left out: less than a day of the week was watched"
	InterruptedHere PostReason = "waits: people cannot use the server just now"
)

// decidePost decides whether the weekly summary is posted now, and why.
func decidePost(w weekPost, now time.Time) PostReason {
	switch {
	case w.Forbidden:
		return NotAllowed
	case w.Nameless:
		return NotNamed
	case w.On.IsZero():
		return NotSwitchedOn
	case w.Due.IsZero() || w.Due.After(now):
		return NotDue
	case !w.Posted.IsZero() && w.Due.Sub(w.Posted) < summaryApart:
		return PostedThisWeek
	case w.Due.Before(w.On):
		return DueBeforeOn
	case now.Sub(w.Due) > summaryLate:
		return MissedForLong
	case w.Watched < leastWatched:
		return HardlyWatched
	case w.Interrupted:
		return InterruptedHere
	}
	return PostNow
}
