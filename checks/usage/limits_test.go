package usage

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsFromWhichSizeOnAnAreaIsSpokenOf(t *testing.T) {
	band := checks.Band{Low: 9 * gigabyte, Mid: 10 * gigabyte, High: 11 * gigabyte, Days: 30}
	past := &checkstest.Past{Bands: map[checkstest.Series]checks.Band{{Name: areaBytes, Subject: "/srv"}: band}}
	past.Record(checks.Observation{Measures: []checks.Measure{{Name: areaBytes, Subject: "/srv", Value: 10 * gigabyte}}}, time.Now())
	checkstest.Limits(t, (&check{}).Limits(past, areaBytes, "/srv"), megabyte, func(v float64) checks.Severity {
		if g := judgeGrowth(v, band, true); g.Found && !g.Holds {
			return checks.Warning
		}
		return checks.OK
	})
}
