package disk

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestANetworkMountWhoseServerIsDeadIsToldAndDelaysNothingElse(t *testing.T) {
	point := filepath.Join(t.TempDir(), "nas")
	end := checkstest.DeadMount(t, point, "fuse.sshfs")
	kind := machine()
	c, past := checkstest.Make(t, kind, ""), &checkstest.Past{}
	blind := func(o checks.Observation) (checks.Blind, bool) {
		for _, b := range o.Blind {
			if b.Subject == point {
				return b, true
			}
		}
		return checks.Blind{}, false
	}
	for range 2 { // no second question is sent after the first
		began := time.Now()
		o := checkstest.Look(t, kind, c, past)
		if took := time.Since(began); took > statLimit+2*time.Second {
			t.Errorf("it took %v", took)
		}
		b, ok := blind(o)
		if !ok {
			t.Fatalf("nothing is said of it: %+v", o.Blind)
		}
		if !strings.Contains(b.Why.En, "does not answer within 2 s") || !strings.Contains(b.Why.Ja, "応答しません") || b.Mend.Look == nil {
			t.Errorf("%+v", b)
		}
		if checkstest.Value(t, o, "size_bytes", "/") == 0 {
			t.Error("the other file systems are not seen")
		}
	}
	if n := c.(*check).calls.Out(); n != 1 {
		t.Errorf("%d calls are out, want the one", n)
	}
	end()
	o := checkstest.Look(t, kind, c, past)
	if b, ok := blind(o); ok {
		t.Errorf("it is unmounted: %+v", b)
	}
}
