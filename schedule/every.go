package schedule

import "time"

// Every makes a timetable that runs at a fixed distance, also below the minute
// that a cron expression knows: for trying out and for tests.
func Every(d time.Duration) Timetable {
	return Timetable{expr: "@every " + d.String(), every: d, loc: time.UTC}
}
