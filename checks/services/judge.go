package services

import (
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks/systemd"
)

const (
	// restartWindow and manyRestarts: three restarts in an hour (defaults).
	restartWindow = time.Hour
	manyRestarts  = 3
	// young is how long a unit that is restarted again and again is not
	// believed to run (own).
	young = time.Minute
	// deployWindow is how near to an update of the code a restart belongs to it
	// (own: an update with its migrations takes some minutes).
	deployWindow = 30 * time.Minute
)

// The finding codes.
const (
	codeDown     = "down"
	codeRestarts = "restarts"
	codeCrashed  = "crashed"
	codeBoot     = "boot"
	codeStale    = "stale"
)

// memo is what one look tells the next about a unit or a container.
type memo struct {
	// Active tells that it was seen to run, Boots that a boot would have
	// started it.
	Active bool `json:"active,omitempty"`
	Boots  bool `json:"boots,omitempty"`
	// Since is when it had become active, Restarts the counter of then.
	Since    time.Time `json:"since,omitzero"`
	Restarts int       `json:"restarts,omitempty"`
	// Recent are the restarts of the last hour that nobody asked for.
	Recent []restart `json:"recent,omitempty"`
}

// restart is when the counter was seen to have grown, and by how much.
type restart struct {
	At time.Time `json:"at"`
	N  int       `json:"n"`
}

// seen takes a look at a counter of restarts. One that is lower than before was
// begun anew by somebody who started the unit.
func (m memo) seen(before memo, known bool, counter int, now time.Time) memo {
	for _, r := range before.Recent {
		if now.Sub(r.At) < restartWindow {
			m.Recent = append(m.Recent, r)
		}
	}
	m.Restarts = counter
	grown := counter - before.Restarts
	if counter < before.Restarts {
		grown = counter
	}
	if known && grown > 0 {
		m.Recent = append(m.Recent, restart{now, grown})
	}
	return m
}

// restarts is how often it was restarted in the last hour.
func (m memo) restarts() int {
	n := 0
	for _, r := range m.Recent {
		n += r.N
	}
	return n
}

// A service is a unit, what it is for, and what is known of its past.
type service struct {
	role role
	unit systemd.Unit
	// asked tells that the settings name it.
	asked bool
	// boots tells that a boot starts it, knownBefore that the last look saw it.
	boots       bool
	before      memo
	knownBefore bool
	after       memo
}

// boots tells whether a boot starts a unit: by itself, or because another does.
func boots(u systemd.Unit, wanting map[string]systemd.Unit) bool {
	switch u.File {
	case "disabled", "linked", "linked-runtime", "transient", "":
	default:
		return true // enabled, or not something that can be: static, generated
	}
	if len(u.TriggeredBy) > 0 {
		return true
	}
	return slices.ContainsFunc(u.WantedBy, func(name string) bool {
		if strings.HasSuffix(name, ".target") {
			return true
		}
		w, ok := wanting[name]
		return ok && (strings.HasPrefix(w.File, "enabled") || slices.ContainsFunc(w.WantedBy, isTarget))
	})
}

func isTarget(name string) bool { return strings.HasSuffix(name, ".target") }

// needed tells whether a unit must run here. roleRuns tells whether another
// unit does the same work; idle, that nothing of Mastodon's runs or is enabled
// on this machine: then it has been forgotten, whereas a machine that is there
// for Sidekiq alone has the files of the others, too.
func needed(s service, roleRuns, idle bool) bool {
	u := s.unit
	switch {
	case s.asked:
		return true
	case !u.Exists():
		return s.before.Active && !roleRuns // renamed, or taken away by mistake
	case u.Active != "inactive":
		return true
	case u.Load == "masked":
		return s.before.Active && !roleRuns
	case s.before.Active && (!s.before.Boots || s.boots):
		return true // what somebody has disabled and stopped is meant to be away
	case s.boots && u.File != "static" && u.File != "indirect":
		return true
	}
	return s.role.ofMastodon() && idle
}

// A trouble is why a unit that must run does not.
type trouble string

const (
	runs       trouble = ""
	gone       trouble = "gone"       // there is no such unit any more
	masked     trouble = "masked"     // somebody has forbidden it
	badFile    trouble = "bad-file"   // its unit file has a mistake
	failed     trouble = "failed"     // see its result
	stopped    trouble = "stopped"    // nobody has started it, or somebody has stopped it
	conditions trouble = "conditions" // a condition of its unit file did not hold
	starting   trouble = "starting"   // for too long
	stopping   trouble = "stopping"   // for too long
	looping    trouble = "looping"    // it ends as soon as it was started
)

// judgeUnit tells whether a unit runs; patience is how long it may take to
// start.
func judgeUnit(s service, patience time.Duration, now time.Time) trouble {
	u := s.unit
	changed := u.ChangedAt
	if changed.IsZero() {
		changed = now
	}
	switch {
	case u.IsActive():
		// The counter begins anew when somebody starts the unit by hand.
		if u.Restarts > 0 && s.after.restarts() >= manyRestarts && now.Sub(u.ActiveSince) < young {
			return looping
		}
		return runs
	case !u.Exists():
		return gone
	case u.Load == "masked":
		return masked
	case u.Load == "bad-setting", u.Load == "error":
		return badFile
	case u.Active == "failed":
		return failed
	case u.Active == "activating" && u.Sub == "auto-restart":
		return looping
	case u.Active == "activating":
		// What is started again and again begins anew each time.
		if now.Sub(u.StartedAt) > patience || now.Sub(changed) > patience {
			return starting
		}
		return runs
	case u.Active == "deactivating":
		if now.Sub(changed) > patience {
			return stopping
		}
		return runs
	case !u.ConditionAt.IsZero() && !u.ConditionMet:
		return conditions
	}
	return stopped
}

// deployed tells whether a restart belongs to an update of the code.
func deployed(code, now time.Time) bool { return !code.IsZero() && now.Sub(code) < deployWindow }
