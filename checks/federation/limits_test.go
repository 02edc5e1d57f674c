package federation

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsHowOldTheNewestPostMayBe(t *testing.T) {
	c := &check{}
	for name, band := range map[string]checks.Band{"a busy hour": {Low: 2, Mid: 5, High: 20, Days: 30}, "a quiet one": {Low: 60, Mid: 300, High: 900, Days: 30}, "not known": {}} {
		t.Run(name, func(t *testing.T) {
			past := &checkstest.Past{}
			if band.Days > 0 {
				past.Bands = map[checkstest.Series]checks.Band{{Name: newestAge}: band}
			}
			checkstest.Limits(t, c.Limits(past, newestAge, ""), 1, func(v float64) checks.Severity {
				severity, _ := judgePulse(time.Duration(v*float64(time.Second)), band)
				return severity
			})
		})
	}
}

func TestThePictureShowsHowManyServersMayBeginToFail(t *testing.T) {
	for name, c := range map[string]struct {
		all  int
		band checks.Band
	}{
		"few fail":               {25, checks.Band{Mid: 1, High: 3, Days: 30}},
		"a share of many":        {1000, checks.Band{Mid: 10, High: 30, Days: 30}},
		"many begin every day":   {100, checks.Band{Mid: 20, High: 70, Days: 30}},
		"nothing is usual":       {40, checks.Band{}},
		"and many have given up": {500, checks.Band{}},
	} {
		t.Run(name, func(t *testing.T) {
			past := &checkstest.Past{}
			past.Record(checks.Observation{Measures: []checks.Measure{{Name: hostsFailing, Subject: "all", Value: float64(c.all)}}}, time.Now())
			if c.band.Days > 0 {
				past.Bands = map[checkstest.Series]checks.Band{{Name: hostsFailing, Subject: "new"}: c.band}
			}
			checkstest.Limits(t, (&check{}).Limits(past, hostsFailing, "new"), 1, func(v float64) checks.Severity {
				if judgeUs(tally{All: c.all, New: int(v)}, c.band) {
					return checks.Critical
				}
				return checks.OK
			})
		})
	}
	if list := (&check{}).Limits(&checkstest.Past{}, hostsFailing, "new"); list != nil {
		t.Errorf("before any are counted there are %v", list)
	}
}
