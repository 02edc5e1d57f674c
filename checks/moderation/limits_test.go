package moderation

import (
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsHowManySignUpsAreAWave(t *testing.T) {
	for name, mid := range map[string]float64{"hardly any": 0, "a few": 2.5, "many": 30} {
		t.Run(name, func(t *testing.T) {
			band := checks.Band{Mid: mid, High: 2 * mid, Days: 30}
			past := &checkstest.Past{Bands: map[checkstest.Series]checks.Band{{Name: signupRate}: band}}
			// A whole number is beyond from the next one on.
			checkstest.Limits(t, (&check{}).Limits(past, signupRate, ""), 1, func(v float64) checks.Severity {
				st := state{usual: band, usualKnown: true}
				st.hour.count = int(v)
				if severity, holds := waveOf(st); !holds {
					return severity
				}
				return checks.OK
			})
		})
	}
	if list := (&check{}).Limits(checks.NoPast{}, signupRate, ""); list != nil {
		t.Errorf("where nothing is usual there are %v", list)
	}
}
