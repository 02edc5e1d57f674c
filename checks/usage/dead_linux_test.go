package usage

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestADeadNetworkMountInsideAnAreaIsNotEntered(t *testing.T) {
	h := newHost(t)
	checkstest.DeadMount(t, filepath.Join(h.root, "home/mastodon/nas"), "fuse.sshfs")
	began := time.Now()
	o := h.look()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := checkstest.Value(t, o, areaBytes, h.root+"/home"); got < 7<<20 {
		t.Errorf("/home has %v bytes", got)
	}
	if len(o.Blind) > 0 {
		t.Errorf("%+v", o.Blind)
	}
}

func TestAFolderBehindADeadNetworkMountIsUnknownAndDelaysNothingElse(t *testing.T) {
	h := newHost(t)
	nas := filepath.Join(h.root, "srv/nas")
	end := checkstest.DeadMount(t, nas, "fuse.sshfs")
	c := checkstest.Make(t, h.kind, checkstest.Table(fmt.Sprintf("keep = \"0s\"\nalso = [%q, %q]", nas, nas+"/backup")))
	for range 2 {
		began := time.Now()
		o := checkstest.Look(t, h.kind, c, h.past)
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("it took %v", took)
		}
		if got := checkstest.Value(t, o, areaBytes, h.root+"/home"); got < 7<<20 {
			t.Errorf("/home has %v bytes", got)
		}
		if len(o.Blind) != 1 || o.Blind[0].Subject != nas || !strings.Contains(o.Blind[0].Why.En, "does not answer") || !strings.Contains(o.Blind[0].Why.Ja, "応答しません") {
			t.Errorf("%+v", o.Blind)
		}
	}
	end()
	if o := checkstest.Look(t, h.kind, c, h.past); len(o.Blind) > 0 {
		t.Errorf("%+v", o.Blind)
	}
}
