package services_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/systemd"
	"github.com/sababan/sababan/checks/timers"
	"github.com/sababan/sababan/checks/site"
)

func TestTmpCost(t *testing.T) {
	s := newStage(t)
	cpu := func() time.Duration {
		var ru syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	si, _ := site.New(site.Config{})
	tk := timers.Kind(si, timers.On(systemd.Host{Root: s.Root, Enter: s.Enter()}))
	tc := checkstest.Make(t, tk, "")
	for i := 0; i < 6; i++ {
		a, c := time.Now(), cpu()
		_, _ = s.check.Look(t.Context(), s.past)
		b, d := time.Now(), cpu()
		_, _ = tc.Look(t.Context(), s.past)
		t.Logf("services %v cpu %v; timers %v cpu %v", b.Sub(a), d-c, time.Since(b), cpu()-d)
	}
}
