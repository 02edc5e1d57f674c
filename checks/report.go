package checks

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// A Result is one look by one check on one host.
type Result struct {
	Host, Check string
	Title       Text
	Started     time.Time
	Took        time.Duration
	Observation
	// Err is why nothing at all was seen.
	Err error
	// StillLooking marks a result that was given up at its deadline.
	StillLooking bool
}

// A Report is several results.
type Report []Result

// Severity is the worst of the findings that do not merely hold; Unknown
// counts only where nothing is worse.
func (r Result) Severity() Severity {
	worst := OK
	if r.Err != nil || len(r.Blind) > 0 {
		worst = Unknown
	}
	for _, f := range r.Findings {
		if !f.Holds {
			worst = max(worst, f.Severity)
		}
	}
	return worst
}

// Severity is the worst of the results.
func (r Report) Severity() Severity {
	worst := OK
	for _, one := range r {
		worst = max(worst, one.Severity())
	}
	return worst
}

// Worst returns the finding to show where there is room for one: the most
// severe, the first of equals.
func (r Result) Worst() (Finding, bool) {
	var worst Finding
	found := false
	for _, f := range r.Findings {
		if !f.Holds && (!found || f.Severity > worst.Severity) {
			worst, found = f, true
		}
	}
	return worst, found
}

// Explain turns the error of a look into words for a person.
func Explain(err error) (why Text, advice Advice) {
	var unseen *Unseen
	switch {
	case err == nil:
		return Text{}, Advice{}
	case errors.As(err, &unseen):
		return unseen.Why, unseen.Advice
	case errors.Is(err, context.DeadlineExceeded):
		return Text{"no answer in time", "時間内に応答がありません"}, Advice{}
	}
	said := Said(err.Error())
	return Text{fmt.Sprintf("could not look (%s)", said.En), fmt.Sprintf("確認できませんでした（%s）", said.Ja)}, Advice{}
}

// stillLooking is the error of a look that was given up at its deadline.
func stillLooking(after time.Duration) error {
	s := Span(after)
	return &Unseen{
		Why: Text{
			En: "still looking after " + s.En,
			Ja: s.Ja + "たっても終わらず、まだ確認中です",
		},
		Err: context.DeadlineExceeded,
	}
}

// Hung is the result of a check whose earlier look was given up and has not
// come back yet.
func Hung(host string, k Kind, timeout time.Duration) Result {
	return Result{
		Host: host, Check: k.Name, Title: k.Title, Started: time.Now(),
		Err: stillLooking(timeout), StillLooking: true,
	}
}

// How a look is made.
type How struct {
	Host     string
	Timeout  time.Duration // 0 takes the kind's own
	Thorough bool          // run the levels that take long
}

// grace is how long a check may take to come back after its deadline, so that
// one that obeys its context can still say what it had seen.
const grace = 250 * time.Millisecond

// LookOnce runs one look with its own deadline. It returns at the deadline
// whatever the check does; done is closed when the check has really come back.
func LookOnce(ctx context.Context, k Kind, c Check, past Past, how How) (result Result, done <-chan struct{}) {
	timeout := how.Timeout
	if timeout <= 0 {
		timeout = k.Timeout
	}
	result = Result{Host: how.Host, Check: k.Name, Title: k.Title, Started: time.Now()}
	lookCtx, cancel := context.WithTimeout(ctx, timeout)
	type answer struct {
		seen Observation
		err  error
	}
	ended := make(chan struct{})
	answers := make(chan answer, 1)
	go func() {
		defer close(ended)
		defer cancel()
		// A bug in one check must not end the watch over everything else.
		defer func() {
			if p := recover(); p != nil {
				answers <- answer{err: &Unseen{
					Why: Text{
						En: "this check has a fault of its own; the log says where",
						Ja: "このチェック自体に不具合があります（詳細はログ）",
					},
					Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack()),
				}}
			}
		}()
		look := c.Look
		if deep, ok := c.(Thorough); ok && how.Thorough {
			look = deep.LookThoroughly
		}
		seen, err := look(lookCtx, past)
		answers <- answer{seen, err}
	}()
	deadline := time.NewTimer(timeout + grace)
	defer deadline.Stop()
	select {
	case a := <-answers:
		result.Observation, result.Err = a.seen, a.err
	case <-deadline.C:
		result.Err, result.StillLooking = stillLooking(timeout), true
	case <-ctx.Done():
		// The caller is leaving; what the check says in its last moment still counts.
		last := time.NewTimer(grace)
		defer last.Stop()
		select {
		case a := <-answers:
			result.Observation, result.Err = a.seen, a.err
		case <-last.C:
			result.Err, result.StillLooking = stillLooking(time.Since(result.Started)), true
		}
	}
	result.Took = time.Since(result.Started)
	return result, ended
}
