package instance

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// Thresholds: more than slowAbove is a warning (defaults.md); it holds down to
// slowHolds (own).
const (
	slowAbove = 2 * time.Second
	slowHolds = 1500 * time.Millisecond
)

// A question is what the judgement needs besides the outcomes.
type question struct {
	domain string
	usual  func(which string) (checks.Band, bool)
	// open is what was found before and has not been seen well since.
	open []string
	// views is what the database says, where v1 alone fails.
	views views
}

// judge makes an observation of what both places said.
func judge(q question, first, second outcome) checks.Observation {
	second = lacking(first, second)
	for _, one := range []*outcome{&first, &second} {
		if strings.EqualFold(one.to, q.domain) {
			one.to = "" // round and round
		}
	}
	var o checks.Observation
	o.Findings = append(o.Findings, broken(q, first, second)...)
	if f, ok := guardedBy(q, first, second); ok {
		o.Findings = append(o.Findings, f)
	}
	if f, ok := tooSlow(first, second); ok {
		o.Findings = append(o.Findings, f)
	}
	o.Blind = blind(q, first, second)
	for which, one := range each(first, second) {
		if one.measured() {
			o.Measures = append(o.Measures, checks.Measure{Name: answerTime, Subject: which, Value: one.took.Seconds(), Unit: checks.Seconds})
		}
	}
	o.Summary = summary(q, o, first, second)
	return o
}

// each walks over both places in order.
func each(first, second outcome) func(func(string, outcome) bool) {
	return func(yield func(string, outcome) bool) {
		_ = yield(v1, first) && yield(v2, second)
	}
}

// measured tells whether the time of an outcome says how long an answer takes.
func (o outcome) measured() bool { return o.state == well || o.state == closed }

// lacking makes well again what the server's software does not have:
// /api/v2/instance is of Mastodon 4.0.
func lacking(first, second outcome) outcome {
	if first.state != well || second.state != ill || second.why != status || second.code != http.StatusNotFound {
		return second
	}
	if p := api.Software(first.in.Version); p.Name != api.Mastodon || !p.Version.AtLeast(4, 0) {
		return outcome{state: absent, code: second.code}
	}
	return second
}

// broken finds the places that do not answer as they should. Where both fail,
// that is one thing to tell; v1 holds what may be open about it alone.
func broken(q question, first, second outcome) []checks.Finding {
	var out []checks.Finding
	both := first.state == ill && second.state == ill
	if second.state == ill {
		out = append(out, checks.Finding{
			Code: v2, Severity: checks.Critical, Road: checks.Now,
			Text: textBroken(v2, second, both), Advice: adviceBroken(second),
		})
	}
	if first.state == ill {
		f := checks.Finding{Code: v1, Severity: checks.Critical, Road: checks.Now, Holds: both}
		known := slices.Contains(q.views.empty, "instances")
		if viewEmpty(first, second) && (known || !q.views.seen) {
			f.Text, f.Advice = textView(second, known), adviceView(q.views)
		} else {
			f.Text, f.Advice = textBroken(v1, first, false), adviceBroken(first)
		}
		out = append(out, f)
	}
	return out
}

// viewEmpty tells whether v1 alone fails as it does where the materialized view
// "instances" has never been filled: it counts that view, v2 does not.
func viewEmpty(first, second outcome) bool {
	return first.why == status && first.code == http.StatusInternalServerError && second.state == well &&
		api.Software(second.in.Version).Name == api.Mastodon
}

// guardedBy finds a page for people where JSON should be.
func guardedBy(q question, first, second outcome) (checks.Finding, bool) {
	if first.state != guarded && second.state != guarded {
		return checks.Finding{}, false
	}
	guard := second.guard
	if second.state != guarded || guard == "" {
		guard = first.guard
	}
	return checks.Finding{
		Code: challenge, Severity: checks.Warning, Road: checks.Now,
		Text: textGuarded(q.domain, guard), Advice: adviceGuarded(),
	}, true
}

// tooSlow finds an answer that takes too long; where both do, the slower one.
func tooSlow(first, second outcome) (checks.Finding, bool) {
	which, took := slower(first, second)
	if took <= slowHolds {
		return checks.Finding{}, false
	}
	return checks.Finding{
		Code: slow, Severity: checks.Warning, Road: checks.Now, Holds: took <= slowAbove,
		Text: textSlow(which, took), Advice: adviceSlow(),
	}, true
}

// slower is the place that took longer, of those that were measured.
func slower(first, second outcome) (which string, took time.Duration) {
	for name, one := range each(first, second) {
		if one.measured() && one.took > took {
			which, took = name, one.took
		}
	}
	return which, took
}

// blind tells what these answers cannot say anything about. Where a finding
// says why, only what is open needs to be told, so that it stays as it is.
func blind(q question, first, second outcome) []checks.Blind {
	var out []checks.Blind
	reached, measured := false, false
	for which, one := range each(first, second) {
		measured = measured || one.measured()
		reached = reached || one.code != 0
		if one.state == unseen || one.state == guarded && slices.Contains(q.open, which) {
			out = append(out, checks.Blind{Code: which, Why: textNotSeen(which, one)})
		}
	}
	if !measured && slices.Contains(q.open, slow) {
		out = append(out, checks.Blind{Code: slow, Why: textNothingMeasured()})
	}
	if !reached && slices.Contains(q.open, challenge) {
		out = append(out, checks.Blind{Code: challenge, Why: textNothingMeasured()})
	}
	return out
}

// stillOpen is what was found now, and what was before and either holds or
// could not be seen now.
func stillOpen(before []string, o checks.Observation) []string {
	var open []string
	for _, f := range o.Findings {
		if !f.Holds || slices.Contains(before, f.Code) {
			open = append(open, f.Code)
		}
	}
	for _, b := range o.Blind {
		if slices.Contains(before, b.Code) {
			open = append(open, b.Code)
		}
	}
	return open
}
