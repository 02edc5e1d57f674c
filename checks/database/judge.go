package database

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// A verdict is the outcome of one rule, and which branch of it was taken.
type verdict struct {
	Severity checks.Severity
	Holds    bool
	Why      string
}

func (v verdict) found() bool { return v.Severity > checks.OK }

// judgeConnections decides on the connections in use, of those that roles other
// than superusers may have.
func judgeConnections(used, most int, l limits) verdict {
	if most <= 0 {
		return verdict{Why: "not known"}
	}
	share := float64(used) / float64(most)
	switch {
	case share >= l.connectionsCritical:
		return verdict{checks.Critical, false, "nearly none left"}
	case share >= l.connectionsWarning:
		return verdict{checks.Warning, false, "many"}
	case share >= l.connectionsWarning-l.connectionsClear:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

// judgeWAL decides on the size of pg_wal.
func judgeWAL(w wal, l limits) verdict {
	allowed := max(w.Max, w.Keep)
	switch {
	case allowed <= 0:
		return verdict{Why: "not known"}
	case w.Bytes > l.walCritical*allowed:
		return verdict{checks.Critical, false, "many times what it may be"}
	// Below what it may be it is not pg_wal that fills the disk.
	case w.Bytes > allowed && w.FreeKnown && w.Bytes > l.walFree*w.Free:
		return verdict{checks.Critical, false, "the disk will be full"}
	case w.Bytes > l.walWarning*allowed:
		return verdict{checks.Warning, false, "more than it may be"}
	case w.Bytes > l.walClear*allowed:
		return verdict{checks.Warning, true, "between"}
	}
	return verdict{Why: "fine"}
}

// judgeSlot decides on a replication slot that nobody has read since an instant.
func judgeSlot(s slot, since, now time.Time, l limits) verdict {
	switch {
	case s.Active:
		return verdict{Why: "in use"}
	case s.Held <= l.slotBytes:
		return verdict{Why: "holds little"}
	case now.Sub(since) <= l.slotIdle:
		return verdict{Why: "not for long"}
	}
	return verdict{checks.Warning, false, "left behind"}
}

// judgeArchiver decides on the archiving of pg_wal.
func judgeArchiver(a archiver, now time.Time, l limits) verdict {
	switch {
	case !a.On:
		return verdict{Why: "off"}
	case a.Waiting.IsZero():
		return verdict{Why: "nothing waits"}
	case now.Sub(a.Waiting) <= l.archiver:
		return verdict{Why: "not for long"}
	case a.Failed.After(a.Archived):
		return verdict{checks.Warning, false, "fails"}
	case now.Sub(a.Archived) <= l.archiver:
		return verdict{Why: "slow, and gets on"}
	}
	return verdict{checks.Warning, false, "stands still"}
}

// judgeAge decides on the age of the oldest transaction id or multixact.
func judgeAge(age float64, l limits) verdict {
	switch {
	case age > l.xidCritical:
		return verdict{checks.Critical, false, "writing will end"}
	case age > l.xidWarning:
		return verdict{checks.Warning, false, "old"}
	}
	return verdict{Why: "fine"}
}

// judgeReplica decides on a server that only reads.
func judgeReplica(replica, was, wanted bool) verdict {
	switch {
	case !replica:
		return verdict{Why: "it can be written to"}
	case was:
		return verdict{checks.Critical, false, "it could be written to before"}
	case wanted:
		return verdict{Why: "as it is set"}
	}
	return verdict{checks.Warning, false, "it only reads"}
}
