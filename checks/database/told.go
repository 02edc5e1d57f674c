package database

import "github.com/sababan/sababan/checks"

// Limits tells at how many connections, and from which size of pg_wal on, the
// check speaks.
func (c *check) Limits(_ checks.Past, measure, subject string) []checks.Limit {
	return c.told.Of(measure, subject)
}

// connectionLimits are the numbers from which [judgeConnections] speaks.
func connectionLimits(most int, l limits) []checks.Limit {
	if most <= 0 {
		return nil
	}
	return checks.Steps(l.connectionsWarning*float64(most), l.connectionsCritical*float64(most), false)
}

// walLimits are the sizes from which [judgeWAL] speaks, with as much room on the
// disk as there is now.
func walLimits(w wal, l limits) []checks.Limit {
	allowed := max(w.Max, w.Keep)
	if allowed <= 0 {
		return nil
	}
	critical := l.walCritical * allowed
	if w.FreeKnown {
		critical = min(critical, max(allowed, l.walFree*w.Free))
	}
	return checks.Steps(l.walWarning*allowed, critical, false)
}
