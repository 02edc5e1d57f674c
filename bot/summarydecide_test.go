package bot

import (
	"testing"
	"time"
)

func TestWhenTheWeeklySummaryIsPosted(t *testing.T) {
	due := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	week, day := 7*24*time.Hour, 24*time.Hour
	ready := weekPost{On: due.Add(-9 * day), Due: due, Posted: due.Add(-week), Watched: week}
	for _, c := range []struct {
		sentence string
		change   func(w *weekPost)
		now      time.Time
		want     PostReason
	}{
		{"its time has come", nil, due, PostNow},
		{"it is the first one ever", func(w *weekPost) { w.Posted = time.Time{} }, due, PostNow},
		{"the daemon was down at its time and is back after an hour", nil, due.Add(time.Hour), PostNow},
		{"it is back after a day to the minute", nil, due.Add(day), PostNow},
		{"it is back after more than a day", nil, due.Add(day + time.Minute), MissedForLong},
		{"one week was missed, the next is not", func(w *weekPost) { w.Posted = due.Add(-2 * week) }, due, PostNow},
		{"the last one was posted late, so this week is a day shorter", func(w *weekPost) { w.Posted = due.Add(-week + day) }, due, PostNow},
		{"it was posted already", func(w *weekPost) { w.Posted = due }, due.Add(time.Minute), PostedThisWeek},
		{"it was posted a moment before its time by a clock that was set back", func(w *weekPost) { w.Posted = due.Add(-time.Second) }, due, PostedThisWeek},
		{"it was posted in what is the future by now", func(w *weekPost) { w.Posted = due.Add(3 * week) }, due, PostedThisWeek},
		{"the timetable comes round every day", func(w *weekPost) { w.Posted = due.Add(-day) }, due, PostedThisWeek},
		{"an hour is skipped when summer time begins", func(w *weekPost) { w.Posted = due.Add(-week + time.Hour) }, due, PostNow},
		{"nothing was due lately", func(w *weekPost) { w.Due = time.Time{} }, due, NotDue},
		{"what is due lies ahead", nil, due.Add(-time.Minute), NotDue},
		{"no admin wants it", func(w *weekPost) { w.On = time.Time{} }, due, NotSwitchedOn},
		{"an admin said so only afterwards", func(w *weekPost) { w.On = due.Add(time.Minute) }, due.Add(time.Hour), DueBeforeOn},
		{"the configuration forbids it, whoever wants it", func(w *weekPost) { w.Forbidden = true }, due, NotAllowed},
		{"the server has no name", func(w *weekPost) { w.Nameless = true }, due, NotNamed},
		{"most of the week nobody was watching", func(w *weekPost) { w.Watched = day + time.Hour }, due, PostNow},
		{"nearly all of the week nobody was watching", func(w *weekPost) { w.Watched = day - time.Hour }, due, HardlyWatched},
		{"the server is down just now", func(w *weekPost) { w.Interrupted = true }, due, InterruptedHere},
		{"the server was down for all of the day after", func(w *weekPost) { w.Interrupted = true }, due.Add(day + time.Hour), MissedForLong},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			w := ready
			if c.change != nil {
				c.change(&w)
			}
			if got := decidePost(w, c.now); got != c.want {
				t.Errorf("%q, should be %q", got, c.want)
			}
		})
	}
}
