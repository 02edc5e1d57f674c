package dues

import (
	"slices"
	"time"
)

// A day is a date without a clock, written as its midnight in UTC: days apart
// are then exact multiples of 24 h, whatever the summer time does.
func dayOf(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// midnight is when a day begins in a zone.
func midnight(day time.Time, zone *time.Location) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// daysUntil counts the days from one to another.
func daysUntil(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) }

// lastDay stands for the last day of a month, whichever that is.
const lastDay = 31

// A rule says on which days something is due.
type rule struct {
	// text is the rule as it is remembered.
	text   string
	ladder ladder
	// only is the one day of what does not come again; else the zero time.
	only time.Time
	// months lie between two days; start is a month that has one, counted from
	// the year 0; day is the day of the month, and where a month is too short,
	// its last.
	months, start, day int
	// begin is the first day of all; the zero time where there is none.
	begin time.Time
	card  bool
}

func (r rule) once() bool { return !r.only.IsZero() }

// from is the first day of the rule that is not before another; the one day of
// what does not come again, also where that is over.
func (r rule) from(day time.Time) time.Time {
	if r.once() {
		return r.only
	}
	if day.Before(r.begin) {
		day = r.begin
	}
	at := r.in(monthOf(day) - r.months)
	for at.Before(day) {
		at = r.in(monthOf(at) + r.months)
	}
	return at
}

// after is the first day of the rule behind one that was paid, not before
// today: what was paid late is not due again at once.
func (r rule) after(paid, today time.Time) time.Time {
	next := paid.AddDate(0, 0, 1)
	if next.Before(today) {
		next = today
	}
	return r.from(next)
}

// before is the last day of the rule before another, or as long before.
func (r rule) before(day time.Time) time.Time {
	at := r.in(monthOf(day))
	for !at.Before(day) {
		at = r.in(monthOf(at) - r.months)
	}
	return at
}

// in is the day of the rule in the last of its months that is not after one.
func (r rule) in(month int) time.Time {
	month -= ((month-r.start)%r.months + r.months) % r.months
	y, m := month/12, time.Month(month%12+1)
	last := time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(y, m, min(r.day, last), 0, 0, 0, 0, time.UTC)
}

func monthOf(day time.Time) int { return day.Year()*12 + int(day.Month()) - 1 }

// A ladder says how many days before it something is recalled.
type ladder struct {
	steps []int // falling
	// daily: after the last step, every day.
	daily bool
}

// The ladders (defaults). A new card takes weeks; a yearly ladder on a monthly
// bill would be 36 messages a year.
func yearlyLadder() ladder  { return ladder{steps: []int{30, 14, 7, 1}, daily: true} }
func monthlyLadder() ladder { return ladder{steps: []int{3, 1}, daily: true} }
func cardLadder() ladder    { return ladder{steps: []int{60, 30, 14, 7}} }

// monthlyUnder is how many months lie between two of what is recalled as a
// monthly bill is (own).
const monthlyUnder = 6

// ladderOf is the one for what comes every so many months.
func ladderOf(months int) ladder {
	if months < monthlyUnder {
		return monthlyLadder()
	}
	return yearlyLadder()
}

// step is how many days were left when the step began that holds now; false
// before the first. What is overdue has one every day.
func (l ladder) step(left int) (began int, ok bool) {
	if left < 0 || l.daily && left < l.steps[len(l.steps)-1] {
		return left, true
	}
	i := slices.IndexFunc(l.steps, func(s int) bool { return s < left })
	switch i {
	case 0:
		return 0, false
	case -1:
		return l.steps[len(l.steps)-1], true
	}
	return l.steps[i-1], true
}
