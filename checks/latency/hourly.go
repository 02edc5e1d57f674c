package latency

import (
	"encoding/json"
	"math/bits"
	"slices"
	"time"
)

// hourly is the finding that the same minutes of every hour are slow: a backup,
// a snapshot, a cron job. Its subjects are what is asked.
const hourly = "hourly"

// Thresholds of it (own, but for what makes a minute slow: that is the
// warning's).
const (
	hoursKept = 12 // whole hours that are compared
	fewHours  = 6  // of them that must have been watched
	// watchedMinutes is how many minutes of an hour must have been measured.
	watchedMinutes = 45
	// mostHours is the share of the hours in which it has to come back.
	mostHours = 0.8
	// longest is how many minutes it may last; what lasts longer is no event
	// of a minute.
	longest = 15
	// elsewhere is the share of the other minutes that may be slow, too.
	elsewhere = 0.1
)

// An hour is which of its minutes were measured, and which of them were slow:
// bit 0 is the first. It is counted from 1970.
type hour struct {
	number     int64
	seen, slow uint64
}

// An hour is remembered as [number, seen, slow].
func (h hour) MarshalJSON() ([]byte, error) {
	return json.Marshal([3]uint64{uint64(max(h.number, 0)), h.seen, h.slow})
}

func (h *hour) UnmarshalJSON(b []byte) error {
	var v [3]uint64
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	const all = 1<<60 - 1
	*h = hour{number: int64(v[0] & (1<<40 - 1)), seen: v[1] & all, slow: v[1] & v[2] & all}
	return nil
}

func hourOf(at time.Time) int64 { return at.Unix() / 3600 }

// mark notes a minute, and forgets hours that are too old or still to come.
func mark(hours []hour, at time.Time, slow bool) []hour {
	now := hourOf(at)
	hours = slices.DeleteFunc(hours, func(h hour) bool { return h.number > now || now-h.number > hoursKept })
	i := slices.IndexFunc(hours, func(h hour) bool { return h.number == now })
	if i < 0 {
		hours = append(hours, hour{number: now})
		slices.SortFunc(hours, func(a, b hour) int { return int(a.number - b.number) })
		i = len(hours) - 1
	}
	bit := uint64(1) << (at.Unix() % 3600 / 60)
	hours[i].seen |= bit
	if slow {
		hours[i].slow |= bit
	}
	return hours
}

// slowMinute tells whether an answer makes its minute slow; known is false
// where there is nothing to compare it with.
func slowMinute(took, usual time.Duration) (slow, known bool) {
	return took > times(usual, warnTimes) && took > warnAbove, usual > 0
}

// A pattern is what comes back every hour.
type pattern struct {
	hits, of int // hours
	minutes  int // it lasts about so long
	last     time.Time
}

// watchedHours are the whole hours that can be compared.
func watchedHours(hours []hour, now time.Time) []hour {
	var whole []hour
	for _, h := range hours {
		if n := hourOf(now); h.number < n && n-h.number <= hoursKept && bits.OnesCount64(h.seen) >= watchedMinutes {
			whole = append(whole, h)
		}
	}
	return whole
}

// recurring finds the minutes that are slow in almost every hour, while the
// others are not.
func recurring(whole []hour) (pattern, bool) {
	if len(whole) < fewHours {
		return pattern{}, false
	}
	// A minute counts for its neighbours: what starts at a minute may be felt
	// in the next.
	hit := func(h hour, minute int) bool {
		around := uint64(0b111) << minute >> 1
		return h.slow&around != 0
	}
	best, most, exact := 0, 0, 0
	for minute := range 60 {
		n, same := 0, 0
		for _, h := range whole {
			if hit(h, minute) {
				n++
			}
			if h.slow>>minute&1 != 0 {
				same++
			}
		}
		if n > most || n == most && same > exact {
			best, most, exact = minute, n, same
		}
	}
	if float64(most) < mostHours*float64(len(whole)) {
		return pattern{}, false
	}
	// What it spans: the minutes around it that are slow in half of the hours.
	often := func(minute int) bool {
		n := 0
		for _, h := range whole {
			if h.slow>>minute&1 != 0 {
				n++
			}
		}
		return 2*n >= len(whole)
	}
	from, to := best, best
	for from > 0 && often(from-1) {
		from--
	}
	for to < 59 && often(to+1) {
		to++
	}
	if to-from+1 > longest {
		return pattern{}, false
	}
	var inside uint64
	for minute := max(from-1, 0); minute <= min(to+1, 59); minute++ {
		inside |= 1 << minute
	}
	slow, seen := 0, 0
	for _, h := range whole {
		slow += bits.OnesCount64(h.slow &^ inside)
		seen += bits.OnesCount64(h.seen &^ inside)
	}
	if float64(slow) > elsewhere*float64(seen) {
		return pattern{}, false
	}
	p := pattern{hits: most, of: len(whole), minutes: to - from + 1}
	for _, h := range slices.Backward(whole) {
		if in := h.slow & inside; in != 0 {
			p.last = time.Unix(h.number*3600+int64(bits.TrailingZeros64(in))*60, 0)
			break
		}
	}
	// Two whole hours without it end it.
	newest := whole[max(len(whole)-2, 0):]
	return p, slices.ContainsFunc(newest, func(h hour) bool { return h.slow&inside != 0 })
}
