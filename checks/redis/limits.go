package redis

import "github.com/sababan/sababan/checks"

// Limits tells from how much memory, how many clients and which answer time on
// the check speaks.
func (c *check) Limits(_ checks.Past, measure, subject string) []checks.Limit {
	if measure == "answer_time" {
		return []checks.Limit{{Severity: checks.Warning, Value: slowAbove.Seconds()}}
	}
	return c.limits.Of(measure, subject)
}

// see notes the limits that are shares of what one server may use: those of
// [judgeMemory] and [judgeClients].
func (c *check) see(r reading) {
	var memory, clients []checks.Limit
	if limit, own := r.limit(); limit > 0 && !r.loading() {
		switch some, _ := r.evicts(); {
		case some: // it never goes beyond
		case own:
			memory = checks.Steps(memoryAbove*limit, limit, false)
		default:
			memory = []checks.Limit{{Severity: checks.Warning, Value: memoryAbove * limit}}
		}
	}
	if most := r.count("maxclients"); most > 0 {
		clients = []checks.Limit{{Severity: checks.Warning, Value: clientsAbove * most}}
	}
	c.limits.See("used_bytes", r.subject, memory...)
	c.limits.See("clients", r.subject, clients...)
}
