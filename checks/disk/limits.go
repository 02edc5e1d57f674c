package disk

import "github.com/sababan/sababan/checks"

// The measures that are drawn.
const (
	measureAvailable = "available_bytes"
	measureSize      = "size_bytes"
	measureUsed      = "used_ratio"
	measureInodes    = "inodes_available"
)

// Limits tells at which share in use, and at which room or number of inodes
// left, a file system is spoken of.
func (c *check) Limits(_ checks.Past, measure, subject string) []checks.Limit {
	return c.limits.Of(measure, subject)
}

// see notes from where on [judgeBytes] and [judgeInodes] speak of a file system.
func (c *check) see(s Stat, subject string, important, inMemory bool) {
	used := limitsOf(s, c.config, important, inMemory)
	c.limits.See(measureUsed, subject, used...)
	c.limits.See(measureAvailable, subject, leftOf(float64(s.room()), used)...)
	c.limits.See(measureInodes, subject, leftOf(float64(s.Inodes), inodeLimits(c.config, inMemory))...)
}

// leftOf turns shares in use into what is left of so much then.
func leftOf(whole float64, used []checks.Limit) (list []checks.Limit) {
	if whole <= 0 {
		return nil
	}
	for _, l := range used {
		list = append(list, checks.Limit{Severity: l.Severity, Value: whole * (1 - l.Value), Below: true})
	}
	return list
}

// room is what users could have if nothing were there.
func (s Stat) room() Size { return Size(s.Size - min(s.Free, s.Size) + s.Available) }

// limitsOf are the shares in use from which [judgeBytes] speaks: a bound in
// bytes is a share of what users could have.
func limitsOf(s Stat, c Config, important, inMemory bool) []checks.Limit {
	warning, critical := c.Warning/100, c.Critical/100
	if inMemory {
		return []checks.Limit{{Severity: checks.Warning, Value: warning}}
	}
	room := s.room()
	if room == 0 {
		return nil
	}
	left := func(free Size) float64 { return 1 - float64(free/room) }
	warning = max(warning, left(c.WarningFree))
	if important && Size(s.Size) >= smallDisk {
		critical = min(critical, left(c.CriticalFree))
	}
	return checks.Steps(warning, critical, false)
}

// inodeLimits are the shares of inodes in use from which [judgeInodes] speaks.
func inodeLimits(c Config, inMemory bool) []checks.Limit {
	if inMemory {
		return []checks.Limit{{Severity: checks.Warning, Value: c.Warning / 100}}
	}
	return checks.Steps(c.Warning/100, c.Critical/100, false)
}
