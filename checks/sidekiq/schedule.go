package sidekiq

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
)

// A scheduled job is one that is enqueued by the clock.
type scheduled struct {
	name   string
	period time.Duration // 0 where it cannot be told
	last   time.Time     // enqueued; zero where it is not known
	off    bool          // somebody has switched it off
}

type schedules []scheduled

const schedulesMost = 200 // own; Mastodon has about 20

// readSchedules takes two round trips: what there is, and when each was last
// enqueued.
func readSchedules(ctx context.Context, client *redis.Client, prefix string) (schedules, error) {
	var all, last, states *redis.MapStringStringCmd
	cmds, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		all, last = p.HGetAll(ctx, prefix+"schedules"), p.HGetAll(ctx, prefix+"sidekiq-scheduler:last_times")
		states = p.HGetAll(ctx, prefix+"sidekiq-scheduler:states")
		return nil
	})
	if err := first(cmds, err); err != nil {
		return nil, err
	}
	var out schedules
	for name, text := range all.Val() {
		if !jobName.MatchString(name) || len(out) >= schedulesMost {
			continue
		}
		period, off := readSchedule(text)
		out = append(out, scheduled{name: name, period: period, off: off || switchedOff(states.Val()[name]), last: rubyTime(last.Val()[name])})
	}
	slices.SortFunc(out, func(a, b scheduled) int { return strings.Compare(a.name, b.name) })
	pushed := make([]*redis.ZSliceCmd, len(out))
	cmds, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, s := range out {
			pushed[i] = p.ZRevRangeWithScores(ctx, prefix+"sidekiq-scheduler:pushed:"+s.name, 0, 0)
		}
		return nil
	})
	if err := first(cmds, err); err != nil {
		return nil, err
	}
	for i := range out {
		// What was really enqueued tells more than that the clock has ticked.
		if z := pushed[i].Val(); len(z) > 0 && z[0].Score > 0 && z[0].Score < millisecondsFrom {
			out[i].last = time.Unix(int64(z[0].Score), 0)
		}
	}
	return out, nil
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,80}$`)

// readSchedule reads the entry of a job: {"every":"5m",…}, {"every":["5m",{…}]},
// {"interval":"1 day",…} or {"cron":"0 * * * *",…}.
func readSchedule(text string) (period time.Duration, off bool) {
	var entry struct {
		Every    json.RawMessage `json:"every"`
		Interval json.RawMessage `json:"interval"`
		Cron     json.RawMessage `json:"cron"`
		Enabled  *bool           `json:"enabled"`
	}
	if json.Unmarshal([]byte(text), &entry) != nil {
		return 0, false
	}
	off = entry.Enabled != nil && !*entry.Enabled
	for _, raw := range []json.RawMessage{entry.Every, entry.Interval} {
		if p := rufusPeriod(firstWord(raw)); p > 0 {
			return p, off
		}
	}
	return cronPeriod(firstWord(entry.Cron)), off
}

// firstWord is a text or a number, or the first of a list of them.
func firstWord(raw json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return strings.TrimSpace(string(raw))
}

// longestPeriod is the longest that a job's may be (own).
const longestPeriod = 100 * 366 * 24 * time.Hour

var periodPart = regexp.MustCompile(`^\s*(\d{1,6}(?:\.\d+)?)\s*([A-Za-z]*)`)

// rufusPeriod reads what rufus-scheduler calls a duration: "5m", "1h30m",
// "1 day", "30 seconds", 300; 0 for anything else.
func rufusPeriod(s string) time.Duration {
	var total time.Duration
	for s = strings.TrimSpace(s); s != ""; {
		m := periodPart.FindStringSubmatch(s)
		if m == nil {
			return 0
		}
		n, err := strconv.ParseFloat(m[1], 64)
		unit := unitOf(m[2])
		if err != nil || unit == 0 {
			return 0
		}
		if n*float64(unit) > float64(longestPeriod-total) {
			return 0
		}
		total += time.Duration(n * float64(unit))
		s = strings.TrimSpace(s[len(m[0]):])
	}
	return total
}

func unitOf(word string) time.Duration {
	const day = 24 * time.Hour
	if word == "M" {
		return 30 * day
	}
	switch w := strings.TrimSuffix(strings.ToLower(word), "s"); w {
	case "", "second", "sec":
		return time.Second
	case "m", "minute", "min":
		return time.Minute
	case "h", "hour":
		return time.Hour
	case "d", "day":
		return day
	case "w", "week":
		return 7 * day
	case "month":
		return 30 * day
	case "y", "year":
		return 365 * day
	}
	return 0
}

// cronPeriod is about how far apart the times of a cron line are, at most: by
// the largest unit that it names. With six fields the first are seconds.
func cronPeriod(s string) time.Duration {
	const day = 24 * time.Hour
	if rest, ok := strings.CutPrefix(s, "@"); ok {
		return map[string]time.Duration{"hourly": time.Hour, "daily": day, "midnight": day, "weekly": 7 * day, "monthly": 31 * day, "yearly": 366 * day, "annually": 366 * day}[rest]
	}
	f := strings.Fields(s)
	if n := len(f); n > 5 && strings.Contains(f[n-1], "/") && f[n-1][0] >= 'A' {
		f = f[:n-1] // a time zone
	}
	if len(f) == 6 {
		f = f[1:]
	}
	if len(f) != 5 {
		return 0
	}
	step := func(field string, unit time.Duration) time.Duration {
		if _, n, ok := strings.Cut(field, "/"); ok {
			if k, err := strconv.Atoi(n); err == nil && k > 0 && k < 1000 {
				return time.Duration(k) * unit
			}
		}
		return unit
	}
	switch {
	case f[3] != "*":
		return 366 * day
	case f[4] != "*":
		return 7 * day
	case f[2] != "*" && !strings.Contains(f[2], "/"):
		return 31 * day
	case f[2] != "*":
		return step(f[2], day)
	case strings.HasPrefix(f[1], "*/"):
		return step(f[1], time.Hour)
	case f[1] != "*":
		return day
	case strings.HasPrefix(f[0], "*"):
		return step(f[0], time.Minute)
	}
	return time.Hour
}

// switchedOff reads the state of a job: {"enabled":false}.
func switchedOff(text string) bool {
	var s struct {
		Enabled *bool `json:"enabled"`
	}
	return json.Unmarshal([]byte(text), &s) == nil && s.Enabled != nil && !*s.Enabled
}

var zoneOffset = regexp.MustCompile(`([+-])(\d\d):?(\d\d)\b`)

// rubyTime reads what Ruby writes of a time: "2026-08-07 10:00:00 +0000",
// "2026-08-07 10:00:00 UTC", "2026-08-07 10:00:00.123 +0900 Asia/Tokyo"; a time
// without a zone is UTC. Zero for anything else.
func rubyTime(s string) time.Time {
	const shape = "2006-01-02 15:04:05"
	if len(s) < len(shape) || len(s) > 80 {
		return time.Time{}
	}
	t, err := time.Parse(shape, strings.Replace(s[:len(shape)], "T", " ", 1))
	if err != nil {
		return time.Time{}
	}
	if m := zoneOffset.FindStringSubmatch(s[len(shape):]); m != nil {
		h, _ := strconv.Atoi(m[2])
		min, _ := strconv.Atoi(m[3])
		d := time.Duration(h)*time.Hour + time.Duration(min)*time.Minute
		if m[1] == "+" {
			d = -d
		}
		t = t.Add(d)
	}
	return t
}

const (
	vacuumLate = 28 * time.Hour   // defaults: daily, some time between 3 and 5
	lateTimes  = 3                // times its period (defaults)
	lateLeast  = 10 * time.Minute // own: a restart costs a minute's job two rounds
	lateMany   = 3                // late jobs that are told as one (own)
)

// lateAfter is how long ago a job may have been enqueued.
func (s scheduled) lateAfter() time.Duration {
	if s.name == "vacuum_scheduler" {
		return vacuumLate
	}
	return max(lateTimes*s.period, lateLeast)
}

// late tells whether a job is overdue. Its timer begins anew with the process:
// one that has just been started is given time; but where the process is
// restarted again and again before the time is up, the job never runs.
func (s scheduled) late(started, now time.Time) bool {
	bound := s.lateAfter()
	up := now.Sub(started)
	switch {
	case s.period <= 0 || s.off:
		return false
	case s.last.IsZero():
		return up > bound
	case now.Sub(s.last) <= bound:
		return false
	}
	return up > bound || now.Sub(s.last) > 2*bound && up > min(s.period, time.Hour)+5*time.Minute
}

// rank orders jobs by how soon their absence is noticed.
func rank(name string) int {
	if i := slices.Index([]string{"scheduled_statuses_scheduler", "vacuum_scheduler", "trends_refresh_scheduler", "indexing_scheduler"}, name); i >= 0 {
		return i
	}
	return 9
}

// judgeSchedule finds jobs by the clock that are overdue or switched off, and
// returns when each was last seen to be enqueued.
func judgeSchedule(r reading, all schedules, seen map[string]time.Time, h host, now time.Time) ([]checks.Finding, map[string]time.Time) {
	ran := map[string]time.Time{}
	var off, late []checks.Finding
	var names []scheduled
	makers := r.servers("scheduler")
	for _, s := range all {
		if t := seen[s.name]; t.After(s.last) && !t.After(now) {
			s.last = t
		}
		if !s.last.IsZero() {
			ran[s.name] = s.last
		}
		f := checks.Finding{Code: codeSchedule, Subject: s.name, Severity: checks.Warning, Road: checks.Morning}
		switch {
		case s.off:
			if s.name == "pghero_scheduler" {
				f.Road = checks.Week
			}
			f.Text, f.Advice = textOff(s), adviceOff(h)
			off = append(off, f)
		case len(makers) == 0:
			// That nobody makes them is told.
			late = append(late, held(codeSchedule, s.name, textLate(s, now)))
		case s.late(makers[0].started, now):
			f.Text, f.Advice = textLate(s, now), adviceLate(h)
			late, names = append(late, f), append(names, s)
		}
	}
	if len(names) >= lateMany {
		// What people notice first comes first.
		slices.SortStableFunc(names, func(a, b scheduled) int { return rank(a.name) - rank(b.name) })
		// One cause: they are told together, and each stays as it is.
		for i := range late {
			late[i].Holds = true
		}
		late = append(late, checks.Finding{
			Code: codeSchedule, Severity: checks.Warning, Road: checks.Morning,
			Text: textManyLate(names, now), Advice: adviceLate(h),
		})
	}
	return append(off, late...), ran
}
