// Package schedule is about time: what runs when, and what has been going on
// since.
package schedule

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/history"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// A Job is one check with its times.
type Job struct {
	Kind  checks.Kind
	Check checks.Check
	Times Timetable
	// Timeout of one look; 0 takes the kind's.
	Timeout time.Duration
}

// Options of a [Schedule].
type Options struct {
	// Host is the name of this machine, part of every result.
	Host string
	Jobs []Job
	DB   *state.DB
	Log  *slog.Logger
	// Spread is over how long the first looks after a start are spread, the
	// first of them at once. Default one minute: cron's own granularity.
	Spread time.Duration
	// Flap is what is told as unsteady; the zero value calls nothing that.
	Flap incident.Flap
	// News is called when alerts have been written. It must not block.
	News func()
}

// A Schedule looks by the clock and on request. The two meet in one method,
// [Schedule.Look].
type Schedule struct {
	o       Options
	jobs    []*job
	byName  map[string]*job
	book    *incident.Book
	history *history.Book
	beat    atomic.Int64 // of the last turn of the clock, Unix nanoseconds
	began   atomic.Int64 // of the first one
	looks   sync.WaitGroup
	root    context.Context
	ready   chan struct{}
}

// job is a Job with what is going on.
type job struct {
	Job
	due time.Time // owned by the clock

	mu      sync.Mutex
	running *look           // nil when no look is under way
	hung    <-chan struct{} // of a look that was given up and has not come back
	said    string          // the trouble that the log knows already
}

// look is one look that several may wait for.
type look struct {
	thorough bool
	done     chan struct{}
	result   checks.Result
}

// New makes a schedule. Nothing runs before [Schedule.Run].
func New(o Options) *Schedule {
	if o.Spread <= 0 {
		o.Spread = time.Minute
	}
	if o.News == nil {
		o.News = func() {}
	}
	s := &Schedule{
		o: o, byName: map[string]*job{}, ready: make(chan struct{}),
		book: incident.NewBook(o.DB, o.Flap), history: history.NewBook(o.DB),
	}
	for _, j := range o.Jobs {
		one := &job{Job: j}
		s.jobs = append(s.jobs, one)
		s.byName[j.Kind.Name] = one
	}
	return s
}

// Ready is closed when the clock turns.
func (s *Schedule) Ready() <-chan struct{} { return s.ready }

// Beat is when the clock turned last; the zero time before it turned at all.
func (s *Schedule) Beat() time.Time {
	n := s.beat.Load()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// longestNap bounds the clock's sleep: a machine that was suspended wakes up
// with its monotonic timers late, and the watchdog wants to see the clock turn.
const longestNap = 15 * time.Second

// Run turns the clock until ctx ends, then waits for the looks under way, which
// end with ctx too.
func (s *Schedule) Run(ctx context.Context) error {
	s.root = ctx
	if err := s.firstTimes(ctx, time.Now()); err != nil {
		return err
	}
	defer s.looks.Wait()
	compacted := time.Now()
	for first := true; ; first = false {
		now := time.Now()
		s.beat.Store(now.UnixNano())
		if first {
			s.began.Store(now.UnixNano())
			close(s.ready)
		}
		next := now.Add(longestNap)
		for _, j := range s.jobs {
			if !j.due.After(now) {
				s.begin(j, false)
				// Ticks missed meanwhile are one: the next is counted from now.
				j.due = s.nextTime(j, now)
			}
			if j.due.Before(next) {
				next = j.due
			}
		}
		if now.Sub(compacted) >= time.Hour {
			compacted = now
			s.looks.Go(func() { s.compact(ctx, now) })
		}
		nap := time.NewTimer(max(time.Until(next), time.Millisecond))
		select {
		case <-ctx.Done():
			nap.Stop()
			return nil
		case <-nap.C:
		}
	}
}

// nextTime is the next time by the job's timetable, jittered so that no two
// servers in the world and no two checks here start in the same second.
func (s *Schedule) nextTime(j *job, now time.Time) time.Time {
	jitter := Jitter(s.o.Host+"/"+j.Kind.Name, j.Times.Period(now))
	next := j.Times.Next(now.Add(-jitter))
	for !next.IsZero() && !next.Add(jitter).After(now) {
		next = j.Times.Next(next)
	}
	return next.Add(jitter)
}

// firstTimes decides when each job looks first after a start: what has missed a
// tick, or has never looked, at once but spread; the rest at its time.
func (s *Schedule) firstTimes(ctx context.Context, now time.Time) error {
	last, err := s.lastLooks(ctx)
	if err != nil {
		return err
	}
	var step time.Duration
	if n := len(s.jobs); n > 1 {
		step = min(s.o.Spread/time.Duration(n-1), 5*time.Second)
	}
	at := now
	for _, j := range s.jobs {
		before, looked := last[j.Kind.Name]
		if !looked || before.After(now) || j.Times.Missed(before, now) {
			j.due = at
			at = at.Add(step)
			continue
		}
		j.due = s.nextTime(j, now)
	}
	return nil
}

func (s *Schedule) lastLooks(ctx context.Context) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	err := s.o.DB.Read(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT check_name, MAX(started) FROM look WHERE host = ? GROUP BY check_name`, s.o.Host)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var at int64
			if err := rows.Scan(&name, &at); err != nil {
				return err
			}
			last[name] = time.UnixMilli(at)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("schedule: reading when each check looked last: %w", err)
	}
	return last, nil
}

// ErrNoCheck means that no check of this name is set up.
var ErrNoCheck = errors.New("no such check")

// ErrStopped means that the schedule does not run.
var ErrStopped = errors.New("the schedule does not run")

// Look looks now, or shares the look that is under way. It is what the clock
// does too: what it sees opens and resolves incidents.
func (s *Schedule) Look(ctx context.Context, name string, thorough bool) (checks.Result, error) {
	j, ok := s.byName[name]
	if !ok {
		return checks.Result{}, fmt.Errorf("%w: %s", ErrNoCheck, name)
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return checks.Result{}, ctx.Err()
	}
	l := s.begin(j, thorough)
	if l == nil {
		return checks.Result{}, ErrStopped
	}
	select {
	case <-l.done:
		return l.result, nil
	case <-ctx.Done():
		return checks.Result{}, ctx.Err()
	}
}

// begin starts a look, or returns the one under way; nil when the schedule is
// ending.
func (s *Schedule) begin(j *job, thorough bool) *look {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running != nil {
		return j.running
	}
	if s.root.Err() != nil {
		return nil
	}
	l := &look{thorough: thorough, done: make(chan struct{})}
	j.running = l
	s.looks.Go(func() {
		defer close(l.done)
		l.result = s.look(j, l)
		j.mu.Lock()
		j.running = nil
		j.mu.Unlock()
	})
	return l
}

func (s *Schedule) look(j *job, l *look) checks.Result {
	ctx := s.root
	result := s.see(ctx, j, l)
	if ctx.Err() != nil {
		// What was cut short by our own end says nothing about the server.
		return result
	}
	news, err := s.record(ctx, j.Kind, result)
	switch {
	case err != nil && ctx.Err() != nil:
		return result // our end came between; the next life looks anew
	case err != nil:
		s.o.Log.Error("a result could not be kept", "check", j.Kind.Name, "err", err)
		return result
	}
	s.log(j, result, news)
	if len(news) > 0 || len(result.Events) > 0 {
		s.o.News()
	}
	return result
}

// see makes the look, unless an earlier one still hangs: the same check never
// runs twice at once.
func (s *Schedule) see(ctx context.Context, j *job, l *look) checks.Result {
	timeout := j.Timeout
	if timeout <= 0 {
		timeout = j.Kind.Timeout
	}
	if j.hung != nil {
		select {
		case <-j.hung:
			j.hung = nil
		default:
			return checks.Hung(s.o.Host, j.Kind, timeout)
		}
	}
	result, done := checks.LookOnce(ctx, j.Kind, j.Check, s.history.View(s.host(j.Kind), j.Kind.Name),
		checks.How{Host: s.o.Host, Timeout: timeout, Thorough: l.thorough})
	if result.StillLooking {
		j.hung = done
	}
	return result
}

// host is the first part of a key: "" for what is looked at once per site.
func (s *Schedule) host(k checks.Kind) string {
	if k.Scope == checks.Site {
		return ""
	}
	return s.o.Host
}

func (s *Schedule) compact(ctx context.Context, now time.Time) {
	if err := s.history.Compact(ctx, now); err != nil && ctx.Err() == nil {
		s.o.Log.Error("measures could not be condensed", "err", err)
	}
	if err := s.forgetEvents(ctx, now); err != nil && ctx.Err() == nil {
		s.o.Log.Error("old events could not be forgotten", "err", err)
	}
}

// log writes what is new: a trouble that goes on is said once.
func (s *Schedule) log(j *job, r checks.Result, news []incident.Alert) {
	trouble := ""
	if r.Err != nil {
		trouble = r.Err.Error()
	}
	switch {
	case trouble == j.said:
	case trouble != "":
		s.o.Log.Warn("could not look", "check", r.Check, "err", r.Err)
	default:
		s.o.Log.Info("can look again", "check", r.Check)
	}
	j.said = trouble
	for _, a := range news {
		s.o.Log.Info("incident", "number", a.Number, "check", a.Key.Check, "code", a.Key.Code, "subject", a.Key.Subject,
			"change", string(a.Change), "severity", a.Severity.String())
	}
}

// Kinds are the kinds that are looked at, in the checklist's order.
func (s *Schedule) Kinds() []checks.Kind {
	kinds := make([]checks.Kind, len(s.jobs))
	for i, j := range s.jobs {
		kinds[i] = j.Kind
	}
	return kinds
}
