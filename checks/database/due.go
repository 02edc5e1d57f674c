package database

import "time"

const (
	// The daily level looks at half past six (defaults).
	dayHour, dayMinute = 6, 30
	// The night is from a quarter past one to a quarter to three (defaults: what
	// Mastodon itself clears away begins at three).
	nightFrom, nightUntil = 1*60 + 15, 2*60 + 45
	// dayAgain is when it looks again where there was something to see the end
	// of, or something that could not be seen (own).
	dayAgain = time.Hour
)

// dayDue tells whether it is time for the daily level.
func dayDue(now time.Time, last kept) bool {
	if last.At.IsZero() || last.At.After(now) {
		return true // never, or the clock was set back
	}
	due := time.Date(now.Year(), now.Month(), now.Day(), dayHour, dayMinute, 0, 0, now.Location())
	if due.After(now) {
		due = due.AddDate(0, 0, -1)
	}
	if last.At.Before(due) {
		return true
	}
	return (len(last.Findings) > 0 || len(last.Blind) > 0) && now.Sub(last.At) >= dayAgain
}

// inNight tells whether the nightly level may run.
func inNight(now time.Time) bool {
	at := now.Hour()*60 + now.Minute()
	return at >= nightFrom && at < nightUntil
}

// nightLeft is how long it may run at this tick: in one night no more than
// whole, at once no more than part, and not beyond the end of the window.
func nightLeft(now time.Time, spent time.Duration, l limits) time.Duration {
	left := min(l.part, l.whole-spent)
	if !l.anyHour {
		end := time.Date(now.Year(), now.Month(), now.Day(), 0, nightUntil, 0, 0, now.Location())
		left = min(left, end.Sub(now))
	}
	return left
}
