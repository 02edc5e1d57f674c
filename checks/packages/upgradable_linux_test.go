package packages

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// asked are apt's two answers on a machine: its list, and what its simulation
// says.
func asked(t *testing.T, c *check) (listed, simulated []update, understood bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "apt", "list", "--upgradable")
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), c.aptEnvironment()...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	native, _ := c.readSmall("/var/lib/dpkg/arch")
	_, published := c.releases()
	listed, understood = parseUpgradable(out, published, native)
	if simulated, err = c.simulated(t.Context()); err != nil {
		t.Fatal(err)
	}
	byName := func(a, b update) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(listed, byName)
	slices.SortFunc(simulated, byName)
	return listed, simulated, understood
}

func TestAptListsWhatItsSimulationWouldInstall(t *testing.T) {
	m := newMachine(t)
	m.offer("main", "labpkg", "1.1")
	m.offer("security", "labsec", "2.1")
	m.install("labsec", "2.0", "hold ok installed") // is passed over by both
	m.update()
	listed, simulated, understood := asked(t, &check{root: m.root, proc: m.proc})
	if diff := cmp.Diff(simulated, listed); diff != "" || !understood || len(listed) != 2 {
		t.Error(diff, understood, listed)
	}
}

func TestWhereAllSuitesAreCalledAlikeTheSimulationTellsWhatIsForSecurity(t *testing.T) {
	m := newMachine(t)
	m.offer("main", "labpkg", "1.1")
	m.offer("security", "labsec", "2.1")
	m.sign("security", securityLabel, "stable")
	m.update()
	if _, _, understood := asked(t, &check{root: m.root, proc: m.proc}); understood {
		t.Error("what cannot be told apart is told apart")
	}
	o := m.look()
	f := only(t, o, codeSecurity, checks.Week)
	says(t, f.Text, "1 security update waiting\nPackages: labsec.", "対象: labsec")
	says(t, o.Summary, "2 updates waiting, 1 for security", "未適用の更新2件（うちセキュリティ更新1件）")
}

func TestWhereTheListIsNotUnderstoodTheSimulationIsAsked(t *testing.T) {
	m := newMachine(t)
	m.offer("security", "labsec", "2.1")
	m.update()
	for name, script := range map[string]string{
		"of another form": "#!/bin/sh\necho 'Packages that can be upgraded: labsec'\n",
		"with a failure":  "#!/bin/sh\necho Listing...\nexit 3\n",
		"killed":          "#!/bin/sh\nkill -9 $$\n",
		"it is not there": "",
	} {
		tools := t.TempDir()
		for _, name := range []string{"apt-get", "apt-config"} {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
				t.Fatal(err)
			}
		}
		if script != "" {
			if err := os.WriteFile(filepath.Join(tools, "apt"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		k := Kind(&site.Site{Proc: m.proc}, WithRoot(m.root), WithTools(tools), WithLibraryFolders(m.libs))
		o := checkstest.Look(t, k, checkstest.Make(t, k, ""), nil)
		if f, ok := checkstest.Find(o, codeSecurity, ""); !ok || len(o.Blind) > 0 {
			t.Errorf("%s: %+v", name, o)
		} else {
			says(t, f.Text, "1 security update waiting\nPackages: labsec.", "セキュリティ更新が1件")
		}
	}
}

func TestAListThatHangsIsNotAskedForTwice(t *testing.T) {
	m := newMachine(t)
	tools := t.TempDir()
	for name, script := range map[string]string{
		"apt":     "#!/bin/sh\nexec /bin/sleep 600\n",
		"apt-get": "#!/bin/sh\n/bin/touch " + tools + "/asked\n",
	} {
		if err := os.WriteFile(filepath.Join(tools, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c := &check{root: m.root, proc: m.proc, path: []string{tools}}
	if _, err := c.aptUpdates(ctx, suites{}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(tools + "/asked"); err == nil {
		t.Error("the simulation is asked, too")
	}
}
