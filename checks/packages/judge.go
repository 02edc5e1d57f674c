package packages

import (
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	day = 24 * time.Hour

	// securityPatience is how long a security update may wait before it is said
	// in the morning (defaults).
	securityPatience = 3 * day
	// listsFresh is how old the lists of packages may be (defaults).
	listsFresh = 2 * day
	// rebootPatience and librariesPatience are how long a restart may wait
	// (defaults).
	rebootPatience, librariesPatience = 14 * day, 7 * day
	// supportNear is how long before its end support is told of (defaults).
	supportNear = 90 * day
	// automaticRhythm is after how long without a run unattended-upgrades does
	// not run; it should once a day (own: the patience of what it installs).
	automaticRhythm = securityPatience
	// settling is how long after a change of dpkg's book a half-installed
	// package is still being installed (own).
	settling = 10 * time.Minute
)

// A verdict is the outcome of one rule, and which branch of it was taken.
type verdict struct {
	Severity checks.Severity
	Holds    bool
	Why      string
}

func (v verdict) found() bool { return v.Severity > checks.OK }

// How updates are installed by themselves.
const (
	automaticOff     = "off"
	automaticOn      = "on"
	automaticFailing = "failing" // its last run ended in an error
	automaticStopped = "stopped" // it is on and does not run
	automaticUnknown = ""        // where there is no unattended-upgrades
)

// judgeSecurity decides on security updates that wait: the first verdict is of
// those that wait at all, the second of those that wait too long. What installs
// itself is given time to.
func judgeSecurity(waiting int, oldest time.Time, automatic string, now time.Time) (waits, late verdict) {
	switch {
	case waiting == 0:
		return verdict{Why: "none waits"}, verdict{Why: "none waits"}
	case now.Sub(oldest) >= securityPatience:
		return verdict{checks.Warning, true, "too long"}, verdict{checks.Warning, false, "too long"}
	case automatic == automaticOn:
		return verdict{Why: "will be installed by itself"}, verdict{Why: "will be installed by itself"}
	}
	return verdict{checks.Warning, false, "waits"}, verdict{Why: "not long"}
}

// lists is how fresh the lists of packages are.
type lists struct {
	// Proven is the latest instant at which they are known to have been those
	// of the servers; the zero time where there are none.
	Proven time.Time `json:"proven"`
	// Until is when the first of them that says so is no longer valid.
	Until time.Time `json:"until"`
	// Asked is when somebody last asked for new ones, with whatever success.
	Asked time.Time `json:"asked"`
}

// judgeLists decides whether the lists are too old to say anything.
func judgeLists(l lists, now time.Time) verdict {
	expired := !l.Until.IsZero() && now.After(l.Until)
	switch {
	case l.Proven.IsZero():
		return verdict{checks.Warning, false, "there are none"}
	case now.Sub(l.Proven) <= listsFresh:
		return verdict{Why: "fresh"}
	// Where nothing new is published, nothing new is stored either.
	case now.Sub(l.Asked) <= listsFresh && !expired:
		return verdict{Why: "asked lately"}
	}
	return verdict{checks.Warning, false, "old"}
}

// judgeBroken decides on packages that are not installed to their end; changed
// is when dpkg's book was written last.
func judgeBroken(n int, changed, now time.Time) verdict {
	switch {
	case n == 0:
		return verdict{Why: "none"}
	case now.Sub(changed) < settling:
		return verdict{checks.Warning, true, "being installed"}
	}
	return verdict{checks.Warning, false, "left so"}
}

// judgeWaiting decides on what has waited since an instant, with so much
// patience.
func judgeWaiting(since time.Time, patience time.Duration, now time.Time) verdict {
	if since.IsZero() || now.Sub(since) <= patience {
		return verdict{Why: "not long"}
	}
	return verdict{checks.Warning, false, "too long"}
}

// judgeSupport decides on the end of the last support that is on.
func judgeSupport(ends, now time.Time) verdict {
	switch {
	case ends.IsZero():
		return verdict{Why: "its end is not known"}
	case now.After(ends):
		return verdict{checks.Critical, false, "over"}
	case ends.Sub(now) < supportNear:
		return verdict{checks.Warning, false, "near"}
	}
	return verdict{Why: "far"}
}
