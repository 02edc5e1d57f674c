package watch

import (
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// leaseWarning is how long before its end a domain is told (defaults, of one
	// that is renewed by itself: that nearly all are cannot be seen from outside),
	// leaseCritical one's own.
	leaseWarning  = 14 * 24 * time.Hour
	leaseCritical = 7 * 24 * time.Hour
)

// end is when it ends, as far as the registry tells; the zero time where it does
// not.
func (l *lease) end() time.Time {
	if l.Expires == 0 {
		return time.Time{}
	}
	return time.Unix(l.Expires, 0).UTC()
}

// judge tells of a domain that ends soon or is taken away, and whether that
// could not be seen though it was once.
func (l *lease) judge(now time.Time) (found []checks.Finding, blind []checks.Blind) {
	fresh := func(at int64) bool { return at != 0 && now.Sub(time.Unix(at, 0)) < answerFresh }
	unknown := func(code string) {
		blind = append(blind, checks.Blind{Code: code, Subject: l.name, Why: textNoRegistry(l)})
	}
	switch end := l.end(); {
	case end.IsZero() || end.Sub(now) > leaseWarning:
	case !fresh(l.Dated):
		unknown(registered)
	default:
		f := checks.Finding{
			Code: registered, Subject: l.name, Severity: checks.Warning, Road: checks.Week, Harm: end,
			Text: textRegistered(l, now), Advice: adviceRegistered(l),
		}
		if l.own {
			f.Road = checks.Morning
			if end.Sub(now) <= leaseCritical {
				f.Severity, f.Road = checks.Critical, checks.Now
			}
		}
		found = append(found, f)
	}
	switch {
	case len(l.Held) == 0:
	case !fresh(l.Told):
		unknown(held)
	default:
		f := checks.Finding{
			Code: held, Subject: l.name, Severity: checks.Warning, Road: checks.Morning,
			Text: textHeld(l), Advice: adviceRegistered(l),
		}
		if l.own {
			f.Severity, f.Road = checks.Critical, checks.Now
			if l.Held[0].Off() { // only what takes it off the net now breaks the night (defaults)
				f.Harm = now
			}
		}
		found = append(found, f)
	}
	return found, blind
}

// first is the domain that ends first, and how many tell no date, of those that
// were asked.
func (l *leases) first() (first *lease, silent int) {
	for _, one := range l.all {
		switch {
		case one.Told == 0:
		case one.Expires == 0:
			silent++
		case first == nil || one.Expires < first.Expires:
			first = one
		}
	}
	return first, silent
}
