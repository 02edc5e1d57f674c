package watch

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells below how much of its life a certificate is spoken of.
func (c *check) Limits(_ checks.Past, measure, server string) []checks.Limit {
	return c.limits.Of(measure, server)
}

// bounds are below how much time left a certificate of such a life is spoken of;
// critical is 0 where it never is.
func (t *target) bounds() (warning, critical time.Duration) {
	counted := float64(min(t.last.life, countedLife))
	if t.Own {
		critical = time.Duration(criticalLife * counted)
	}
	return time.Duration(warningLife * counted), critical
}

// see notes the bounds of one server.
func (c *check) see(t *target) {
	warning, critical := t.bounds()
	switch {
	case t.last.life <= 0:
	case critical > 0:
		c.limits.See(lifeLeft, t.Name, checks.Steps(warning.Seconds(), critical.Seconds(), true)...)
	default:
		c.limits.See(lifeLeft, t.Name, checks.Limit{Severity: checks.Warning, Value: warning.Seconds(), Below: true})
	}
}
