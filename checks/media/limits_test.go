package media

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsWhatIsTooMuchOfTheStorage(t *testing.T) {
	past := &checkstest.Past{Bands: map[checkstest.Series]checks.Band{{Name: missingShare}: {Mid: 0.1, Days: 30}}}
	past.Record(checks.Observation{Measures: []checks.Measure{{Name: putTime, Value: 1.5}}}, time.Now())
	c := &check{}
	checkstest.Limits(t, c.Limits(past, missingShare, ""), 0.01, func(v float64) checks.Severity {
		if _, _, bad := missing(tally{absent: int(v*1000 + 0.5), remote: 1000}, past.Bands[checkstest.Series{Name: missingShare}], true); bad {
			return checks.Warning
		}
		return checks.OK
	})
	if list := c.Limits(past, getTime, ""); len(list) != 1 || list[0].Value != 3.5 {
		t.Errorf("of five seconds, beside 1.5 for storing: %v", list)
	}
	past.Record(checks.Observation{Measures: []checks.Measure{{Name: putTime, Value: 6}}}, time.Now())
	if list := c.Limits(past, getTime, ""); list != nil {
		t.Errorf("where storing alone is too slow: %v", list)
	}
}
