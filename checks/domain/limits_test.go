package domain

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsHowLongBeforeItsEndADomainIsSpokenOf(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, renews := range map[string]bool{"by hand": false, "by itself": true} {
		t.Run(name, func(t *testing.T) {
			c := &check{config: DefaultConfig()}
			c.config.Registered = []Registered{{Name: "example.net", AutoRenew: renews}}
			checkstest.Limits(t, c.Limits(checks.NoPast{}, leftSeconds, "example.net"), 60, func(v float64) checks.Severity {
				var o checks.Observation
				q := question{config: c.config, now: now}
				q.registration(&o, view{domain: watched{name: "example.net"}}, c.config.Registered[0], end{at: now.Add(time.Duration(v * float64(time.Second)))})
				for _, f := range o.Findings {
					if f.Code == codeExpiry {
						return f.Severity
					}
				}
				return checks.OK
			})
		})
	}
}
