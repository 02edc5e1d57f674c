package watch

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsHowMuchOfItsLifeACertificateMustHaveLeft(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for name, own := range map[string]bool{"a friend's": false, "one's own": true} {
		t.Run(name, func(t *testing.T) {
			c := &check{}
			one := &target{Domain: Domain{Name: "a.example", Own: own}, looked: now, last: outcome{life: 90 * 24 * time.Hour}}
			c.see(one)
			list := c.Limits(checks.NoPast{}, lifeLeft, "a.example")
			if len(list) != map[bool]int{false: 1, true: 2}[own] {
				t.Errorf("%d limits", len(list))
			}
			checkstest.Limits(t, list, 60, func(v float64) checks.Severity {
				one.last.end = now.Add(time.Duration(v * float64(time.Second)))
				f, _, _ := one.expiring(now)
				return f.Severity
			})
		})
	}
}
