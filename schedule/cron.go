package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// A Timetable says when something runs. It is a value: it holds no state and
// may be shared. The zero Timetable never runs.
type Timetable struct {
	expr  string
	loc   *time.Location
	every time.Duration      // of "@every"; else 0
	spec  *cron.SpecSchedule // in UTC: it is asked about wall clocks, not instants

	// A schedule that runs in every hour follows real time through a change of
	// the clocks. Any other names hours of a day: such an hour is neither lost
	// in the gap of spring nor had twice in autumn, unless the minutes begin
	// with a star, which means "all through these hours" and not "at this time".
	everyHour bool
	twice     bool
}

const (
	// shortestEvery bounds "@every"; cron itself knows nothing shorter (own).
	shortestEvery = time.Minute

	// A run starts up to a fifth of its interval late, at most ten minutes, so
	// that nothing piles up at the full hour (defaults).
	jitterShare = 5
	maxJitter   = 10 * time.Minute

	// periodRuns is how many distances the typical one is taken from: a
	// fortnight of a daily schedule, so that no single weekend or change of the
	// clocks decides (own).
	periodRuns = 14
)

// ParseCron reads a cron expression: five fields, or one of @hourly, @daily,
// @weekly, @monthly, @yearly and "@every 10m" (a minute at least). A leading
// "CRON_TZ=Zone " or "TZ=Zone " names the time zone; else it is loc, and UTC
// where loc is nil. Sunday is 0, 7 or sun. Where both the day of the month and
// the day of the week are given, either is enough. The error is one sentence
// that quotes the expression.
func ParseCron(expr string, loc *time.Location) (Timetable, error) {
	t, err := parseCron(expr, loc)
	if err != nil {
		return Timetable{}, fmt.Errorf("cron %q: %w", expr, err)
	}
	return t, nil
}

func parseCron(expr string, loc *time.Location) (Timetable, error) {
	if loc == nil {
		loc = time.UTC
	}
	rest, zone, err := cutZone(strings.TrimSpace(expr))
	if err != nil {
		return Timetable{}, err
	}
	if zone != nil {
		loc = zone
	}
	t := Timetable{expr: expr, loc: loc}
	if strings.HasPrefix(rest, "@") {
		if rest, t.every, err = parseDescriptor(rest); err != nil || t.every > 0 {
			return t, err
		}
	} else {
		if rest, err = parseFields(rest); err != nil {
			return Timetable{}, err
		}
		t.twice = strings.HasPrefix(rest, "*")
	}
	if t.spec, err = parseSpec(rest); err != nil {
		return Timetable{}, err
	}
	const allHours = 1<<24 - 1
	t.everyHour = bits.OnesCount64(t.spec.Hour&allHours) == 24
	// Eight years hold every date that there is, 29 February of a century too.
	if t.wallAfter(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Timetable{}, errors.New("it never happens: no month has such a day")
	}
	return t, nil
}

// cutZone takes "CRON_TZ=Zone " or "TZ=Zone " off the front. The parser of
// robfig/cron v3.0.1 panics where nothing follows the zone.
func cutZone(expr string) (rest string, zone *time.Location, err error) {
	name, ok := strings.CutPrefix(expr, "CRON_TZ=")
	if !ok {
		name, ok = strings.CutPrefix(expr, "TZ=")
	}
	if !ok {
		return expr, nil, nil
	}
	fields := strings.Fields(name)
	switch {
	case name == "" || name[0] == ' ':
		return "", nil, errors.New(`the name of the time zone is missing, as in "CRON_TZ=Asia/Tokyo 0 9 * * *"`)
	case len(fields) < 2:
		return "", nil, fmt.Errorf(`after the time zone %q come five fields, as in "CRON_TZ=Asia/Tokyo 0 9 * * *"`, name)
	}
	if zone, err = time.LoadLocation(fields[0]); err != nil {
		return "", nil, fmt.Errorf("there is no time zone %q", fields[0])
	}
	return strings.Join(fields[1:], " "), zone, nil
}

func parseDescriptor(text string) (rest string, every time.Duration, err error) {
	fields := strings.Fields(strings.ToLower(text))
	if fields[0] == "@every" {
		if len(fields) != 2 {
			return "", 0, errors.New(`after "@every" comes one duration, as in "@every 10m"`)
		}
		every, err = time.ParseDuration(fields[1])
		if err != nil {
			return "", 0, fmt.Errorf(`%q is no duration for "@every"; write hours and minutes, as in "1h30m"`, fields[1])
		}
		if every < shortestEvery {
			return "", 0, errors.New(`"@every" takes one minute or more`)
		}
		return "", every, nil
	}
	known := []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"}
	if len(fields) != 1 || !slices.Contains(known, fields[0]) {
		return "", 0, fmt.Errorf("%q is not known; there are @hourly, @daily, @weekly, @monthly, @yearly and \"@every 10m\"", text)
	}
	return fields[0], 0, nil
}

// parseSpec asks the library, which is never given anything but plain UTC and
// what has been looked at before. Should it panic all the same, that is a
// sentence too.
func parseSpec(expr string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		if recover() != nil {
			spec, err = nil, errors.New("it cannot be read")
		}
	}()
	parsed, err := cron.ParseStandard("CRON_TZ=UTC " + expr)
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("it cannot be read")
	}
	return spec, nil
}

// String returns the expression as it was written.
func (t Timetable) String() string { return t.expr }

// Next returns the first run after an instant, in the timetable's zone; the
// zero time where nothing ever runs.
//
// A time that the clocks jump over runs once, at the moment after the gap; one
// that they pass twice runs the first time only. Schedules that run in every
// hour follow real time through both.
func (t Timetable) Next(after time.Time) time.Time {
	switch {
	case t.every > 0:
		// Counted from a fixed instant and not from the last run: a restart
		// moves nothing.
		return after.Truncate(t.every).Add(t.every).In(t.loc)
	case t.spec == nil:
		return time.Time{}
	}
	local := after.Round(0).In(t.loc) // without the monotonic clock
	wall := wallClock(local)
	for {
		run := t.wallAfter(wall)
		if run.IsZero() {
			return time.Time{}
		}
		begin, end := zoneBounds(local)
		offset := offsetOf(local)
		instant := run.Add(-offset)
		if !end.IsZero() && !instant.Before(end) {
			// The clocks change first.
			next := offsetOf(end)
			if !t.everyHour && next > offset && run.Before(end.Add(next)) {
				return end.In(t.loc)
			}
			local = end.In(t.loc)
			wall = end.UTC().Add(next - time.Nanosecond)
			continue
		}
		if !t.everyHour && !t.twice && !begin.IsZero() {
			before := offsetOf(begin.Add(-time.Nanosecond).In(t.loc))
			if instant.Before(begin.Add(before - offset)) {
				wall = run // it has had its turn before the clocks went back
				continue
			}
		}
		return instant.In(t.loc)
	}
}

// wallAfter returns the next time that a clock on the wall shows a run; wall
// clocks are written as if they were UTC.
func (t Timetable) wallAfter(wall time.Time) time.Time {
	// The library looks five years ahead; from 2096 to 2104 there is no
	// 29 February.
	for range 2 {
		if next := t.spec.Next(wall); !next.IsZero() {
			return next
		}
		wall = wall.AddDate(4, 0, 0)
	}
	return time.Time{}
}

// zoneBounds returns where the offset of a local time begins and ends. Go's
// own answer may end before it starts (on 31 December 2040, for one); then it
// is a day, and the next one is asked again.
func zoneBounds(local time.Time) (begin, end time.Time) {
	begin, end = local.ZoneBounds()
	if !end.IsZero() && !end.After(local) {
		end = local.AddDate(0, 0, 1)
	}
	return begin, end
}

func offsetOf(local time.Time) time.Duration {
	_, seconds := local.Zone()
	return time.Duration(seconds) * time.Second
}

func wallClock(local time.Time) time.Time { return local.UTC().Add(offsetOf(local)) }

// Period returns the typical distance between runs about an instant: the
// median of those that follow it. Where two kinds take turns it is the shorter.
// It is 0 where nothing runs.
func (t Timetable) Period(at time.Time) time.Duration {
	if t.every > 0 {
		return t.every
	}
	last := t.Next(at)
	if last.IsZero() {
		return 0
	}
	distances := make([]time.Duration, 0, periodRuns)
	for range periodRuns {
		next := t.Next(last)
		if next.IsZero() {
			break
		}
		distances = append(distances, next.Sub(last))
		last = next
	}
	if len(distances) == 0 {
		return 0
	}
	slices.Sort(distances)
	return distances[(len(distances)-1)/2]
}

// Missed tells whether at least one run lay between the last one and now, the
// present instant included. However many there were, one run makes up for them.
// What has never run (last is zero) has missed one. A last run that lies
// further ahead than a period was written by a clock that went wrong, and
// counts as none.
func (t Timetable) Missed(last, now time.Time) bool {
	if last.IsZero() {
		return true
	}
	if last.After(now) {
		return last.Sub(now) > t.Period(now)
	}
	next := t.Next(last)
	return !next.IsZero() && !next.After(now)
}

// Jitter returns how much later than its timetable the run of a key starts:
// always the same for the same key, at most a fifth of the period, and at most
// ten minutes.
func Jitter(key string, period time.Duration) time.Duration {
	room := min(period/jitterShare, maxJitter)
	if room <= 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(key))
	return time.Duration(binary.BigEndian.Uint64(sum[:8]) % uint64(room))
}
