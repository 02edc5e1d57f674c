package clock

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// kernel is what the kernel says of the clock.
type kernel struct{ synchronised bool }

// A question is all that one look knows.
type question struct {
	now         time.Time
	config      Config
	kernel      kernel
	kernelKnown bool
	answers     []answer
	asked       int
	keeper      keeper
	uptime      time.Duration
	// remembers tells that there was an earlier look; unsyncSince is since when
	// nothing had kept the clock then, zero where something did.
	remembers   bool
	unsyncSince time.Time
}

// Why an offset is, or is not, known.
const (
	reasonAgree    = "most servers agree"
	reasonNobody   = "nobody was asked"
	reasonFew      = "fewer than two servers answered"
	reasonDisagree = "the servers do not agree"
)

// An estimate is how far the clock is ahead, by the servers that answered.
type estimate struct {
	offset, margin time.Duration
	why            string
}

func (e estimate) known() bool { return e.why == reasonAgree }

// slack is how far apart the clocks of well kept servers may be (own).
const slack = time.Second

// estimateOf is the median of two or more, if most of them are near it: one
// server with a wrong clock decides nothing, and of two nobody knows which.
func estimateOf(answers []answer, asked int) estimate {
	switch {
	case asked == 0:
		return estimate{why: reasonNobody}
	case len(answers) < 2:
		return estimate{why: reasonFew}
	}
	sorted := slices.SortedFunc(slices.Values(answers), func(a, b answer) int {
		return int(min(max(a.offset-b.offset, -1), 1))
	})
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	e := estimate{
		offset: low.offset + (high.offset-low.offset)/2,
		margin: max(low.margin, high.margin), why: reasonDisagree,
	}
	near := 0
	for _, a := range sorted {
		if (a.offset - e.offset).Abs() <= a.margin+e.margin+slack {
			near++
		}
	}
	if 2*near > len(sorted) {
		e.why = reasonAgree
	}
	return e
}

// judgeOffset says how bad an offset is: only what is surely beyond a
// threshold counts, whatever the way to the servers took.
func judgeOffset(e estimate, c Config) checks.Severity {
	if !e.known() {
		return checks.Unknown
	}
	sure := e.offset.Abs() - e.margin
	switch {
	case sure > c.Critical.Std():
		return checks.Critical
	case sure > c.Warning.Std():
		return checks.Warning
	}
	return checks.OK
}

// since is since when nothing is known to have kept the clock. At the first
// look the kernel's word goes for the time since the boot: it calls a clock
// unsynchronised only hours after the last correction, or before the first.
func (q question) since() time.Time {
	switch {
	case !q.kernelKnown && q.remembers:
		return q.unsyncSince
	case !q.kernelKnown, q.kernel.synchronised:
		return time.Time{}
	case !q.unsyncSince.IsZero() && q.unsyncSince.Before(q.now):
		return q.unsyncSince
	case !q.remembers && q.uptime > 0:
		return q.now.Add(-q.uptime)
	}
	return q.now
}

func (q question) remember() memory {
	if at := q.since(); !at.IsZero() {
		return memory{Unsync: at.Unix()}
	}
	return memory{}
}

// judge makes the observation.
func (q question) judge() checks.Observation {
	e := estimateOf(q.answers, q.asked)
	unkept := q.kernelKnown && !q.kernel.synchronised
	long := unkept && q.now.Sub(q.since()) >= q.config.Unsynchronised.Std()
	o := checks.Observation{Summary: summary(e, len(q.answers), q.kernelKnown, unkept)}
	if e.known() {
		o.Measures = append(o.Measures, checks.Measure{Name: "offset_seconds", Value: e.offset.Seconds(), Unit: checks.Seconds})
	}
	if q.kernelKnown {
		kept := 1.0
		if unkept {
			kept = 0
		}
		o.Measures = append(o.Measures, checks.Measure{Name: "synchronised", Value: kept, Unit: checks.Count})
	}
	severity := judgeOffset(e, q.config)
	switch severity {
	case checks.Critical, checks.Warning:
		f := checks.Finding{
			Code: codeOffset, Severity: severity, Road: checks.Morning,
			Text: textOffset(e, len(q.answers), unkept), Advice: adviceMend(q.keeper),
		}
		if severity == checks.Critical {
			f.Road, f.Harm = checks.Now, q.now
		}
		o.Findings = append(o.Findings, f)
	case checks.Unknown:
		if e.why != reasonNobody {
			o.Blind = append(o.Blind, checks.Blind{Code: codeOffset, Why: textUnknownOffset(e.why, q.answers, q.asked)})
		}
	case checks.OK:
	}
	if long {
		o.Findings = append(o.Findings, checks.Finding{
			// A clock that is off already is told once.
			Code: codeUnsync, Severity: checks.Warning, Road: checks.Morning, Holds: severity >= checks.Warning,
			Text: textUnsync(e), Advice: adviceMend(q.keeper),
		})
	}
	if !q.kernelKnown {
		o.Blind = append(o.Blind, checks.Blind{Code: codeUnsync, Why: textUnknownKernel(), Mend: adviceLook(q.keeper)})
	}
	return o
}
