package clock

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsHowFarOffTheClockMayBe(t *testing.T) {
	c := &check{config: DefaultConfig()}
	list := c.Limits(checks.NoPast{}, "offset_seconds", "")
	if len(list) != 4 {
		t.Errorf("%d limits: it may be ahead and behind", len(list))
	}
	checkstest.Limits(t, list, 0.5, func(v float64) checks.Severity {
		return judgeOffset(estimate{offset: time.Duration(v * float64(time.Second)), why: reasonAgree}, c.config)
	})
	if c.Limits(checks.NoPast{}, "synchronised", "") != nil {
		t.Error("what has no threshold has a limit")
	}
}
