package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	warningLife  = 0.25     // of a certificate's life; defaults
	criticalLife = 1.0 / 12 // of one's own; defaults
	// countedLife bounds the life of which a share is taken (own, as for one's own
	// certificates).
	countedLife = 120 * 24 * time.Hour
	// findingsLimit bounds what one look tells (own): those that are told already
	// come first.
	findingsLimit = 300
	// oursLeast and oursShare are from how many on, and from which share, servers
	// that cannot be reached all at once tell of this machine (own).
	oursLeast = 5
	oursShare = 0.8
)

// judge makes an observation of what is known of all servers.
func (c *check) judge(now time.Time) (checks.Observation, error) {
	var o checks.Observation
	lately := slices.DeleteFunc(slices.Clone(c.all), func(t *target) bool { return t.looked.IsZero() || now.Sub(t.looked) > c.config.Every.Std() })
	if why, ours := ourFault(lately); ours {
		return o, &checks.Unseen{Why: textOurs(why), Advice: adviceOurs()}
	}
	tally := count(c.all)
	for _, t := range byUrgency(c.all) {
		f, b := judgeServer(t, now)
		if len(o.Findings) < findingsLimit {
			o.Findings = append(o.Findings, f...)
		}
		if len(o.Blind) < findingsLimit {
			o.Blind = append(o.Blind, b...)
		}
	}
	for _, l := range c.leases.all {
		f, b := l.judge(now)
		if len(o.Findings) < findingsLimit {
			o.Findings = append(o.Findings, f...)
		}
		if len(o.Blind) < findingsLimit {
			o.Blind = append(o.Blind, b...)
		}
	}
	o.Measures = append(o.Measures,
		checks.Measure{Name: watched, Value: float64(len(c.all)), Unit: checks.Count},
		checks.Measure{Name: answering, Value: float64(tally.well), Unit: checks.Count})
	if len(c.all) <= measuredLimit {
		for _, t := range c.all {
			o.Measures = append(o.Measures, t.measures(now)...)
			c.see(t)
		}
		for _, l := range c.leases.all {
			if end := l.end(); !end.IsZero() {
				o.Measures = append(o.Measures, checks.Measure{Name: leaseLeft, Subject: l.name, Value: max(end.Sub(now).Seconds(), 0), Unit: checks.Seconds})
			}
		}
	}
	o.Summary = textSummary(tally, c.all, c.leases, o, now)
	return o, nil
}

func (t *target) measures(now time.Time) []checks.Measure {
	var list []checks.Measure
	if t.last.state == well {
		list = append(list, checks.Measure{Name: answerTime, Subject: t.Name, Value: t.last.took.Seconds(), Unit: checks.Seconds})
	}
	if t.last.life > 0 {
		list = append(list, checks.Measure{Name: lifeLeft, Subject: t.Name, Value: t.last.end.Sub(now).Seconds(), Unit: checks.Seconds})
	}
	return list
}

// A tally counts servers.
type tally struct {
	well, ill, unseen, waiting int
}

func count(all []*target) tally {
	var n tally
	for _, t := range all {
		switch {
		case t.looked.IsZero():
			n.waiting++
		case t.last.state == well:
			n.well++
		case t.last.state == ill:
			n.ill++
		default:
			n.unseen++
		}
	}
	return n
}

// byUrgency is one's own first, then what is told already.
func byUrgency(all []*target) []*target {
	rank := func(t *target) int {
		switch {
		case t.Own:
			return 0
		case t.streak.Open:
			return 1
		}
		return 2
	}
	list := slices.Clone(all)
	slices.SortStableFunc(list, func(a, b *target) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// away is why a server could not be reached, where that may be this machine's
// fault.
func (t *target) away() reason {
	switch t.last.why {
	case noResolver, noRoute, unreachable, mute:
		if t.last.page.state == unasked {
			return t.last.why
		}
	case noName:
		return noResolver
	}
	return noReason
}

// ourFault tells whether so many of some servers could not be reached that the
// fault is probably here.
func ourFault(some []*target) (reason, bool) {
	away, why := 0, noReason
	for _, t := range some {
		if w := t.away(); w != noReason {
			away, why = away+1, w
		}
	}
	return why, len(some) >= oursLeast && float64(away) >= oursShare*float64(len(some))
}

// judgeServer tells what is wrong with one server, and what could not be seen.
func judgeServer(t *target, now time.Time) ([]checks.Finding, []checks.Blind) {
	var found []checks.Finding
	var blind []checks.Blind
	switch {
	case t.looked.IsZero():
		// Not in this process yet; what was told stays as it is.
		if t.streak.Open {
			blind = append(blind, checks.Blind{Code: unwell, Subject: t.Name, Why: textNotYet(t.Name)})
		}
	case t.last.state == unseen:
		blind = append(blind, checks.Blind{Code: unwell, Subject: t.Name, Why: textUnseen(t), Mend: adviceUnseen(t)})
	case t.streak.Open:
		found = append(found, t.unwell(now))
	}
	f, b, ok := t.expiring(now)
	switch {
	case ok:
		found = append(found, f)
	case b:
		blind = append(blind, checks.Blind{Code: expiring, Subject: t.Name, Why: textNoCertificate(t.Name)})
	}
	if t.friend != nil {
		sf, sb := t.silence(now)
		found, blind = append(found, sf...), append(blind, sb...)
	}
	return found, blind
}

func (t *target) unwell(now time.Time) checks.Finding {
	f := checks.Finding{
		Code: unwell, Subject: t.Name, Severity: checks.Warning, Road: checks.Week, Holds: t.last.state != ill,
		Text: textUnwell(t), Advice: adviceUnwell(t),
	}
	if t.Own {
		// It is down now, for everybody: that waits for no morning (defaults).
		f.Severity, f.Road, f.Harm = checks.Critical, checks.Now, time.Unix(t.streak.Since, 0)
		if t.streak.Since == 0 {
			f.Harm = now
		}
	}
	return f
}

// expiring tells of a certificate that ends soon; told is true where one was
// told of by an earlier process and none has been seen since.
func (t *target) expiring(now time.Time) (f checks.Finding, told, found bool) {
	if t.last.life <= 0 {
		return f, !t.last.end.IsZero(), false
	}
	left := t.last.end.Sub(now)
	warning, critical := t.bounds()
	if left >= warning {
		return f, false, false
	}
	f = checks.Finding{
		Code: expiring, Subject: t.Name, Severity: checks.Warning, Road: checks.Week, Harm: t.last.end,
		Text: textExpiring(t), Advice: adviceExpiring(t),
	}
	if left <= 0 {
		// That it ends is not over because it has ended; that it has is what is
		// wrong with the server.
		f.Holds, f.Text = true, textExpired(t)
	}
	if t.Own {
		f.Road = checks.Morning
		if left < critical {
			f.Severity, f.Road = checks.Critical, checks.Now
		}
	}
	return f, false, true
}

// silence tells whether a friend's bot has fallen silent.
func (t *target) silence(now time.Time) ([]checks.Finding, []checks.Blind) {
	f := t.friend
	switch age := now.Sub(f.last); {
	case f.looked.IsZero():
		if f.last.IsZero() {
			return nil, nil
		}
		return nil, []checks.Blind{{Code: silent, Subject: t.Bot, Why: textNotYet(t.Bot)}}
	case f.seen.state != well:
		return nil, []checks.Blind{{Code: silent, Subject: t.Bot, Why: textNoBeat(t), Mend: adviceNoBeat(t)}}
	case age > beatSilent:
		return []checks.Finding{{
			Code: silent, Subject: t.Bot, Severity: checks.Critical, Road: checks.Now, Text: textSilent(t), Advice: adviceSilent(t),
		}}, nil
	}
	return nil, nil
}
