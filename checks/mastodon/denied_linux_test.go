package mastodon

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

const nobody = 65534

func TestCodeThatMayNotBeReadIsNotTakenForNone(t *testing.T) {
	if root := os.Getenv("DRESSED"); root != "" {
		tellCode(root)
		return
	}
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root, to become somebody who is not")
	}
	for _, c := range []struct {
		closed string
		mode   fs.FileMode
		mend   string
	}{
		{"home/mastodon", 0o700, "sudo setfacl -m u:sababan:x /home/mastodon"},
		{"home/mastodon/live", 0o700, "sudo setfacl -m u:sababan:rX /home/mastodon/live"},
		{"home/mastodon/live/lib/mastodon/version.rb", 0o600, "sudo setfacl -m u:sababan:rX /home/mastodon/live/lib/mastodon/version.rb"},
		{"home/mastodon/live/db/migrate", 0o711, "sudo setfacl -m u:sababan:rX /home/mastodon/live/db/migrate"},
	} {
		w := &world{root: t.TempDir()}
		w.writeCode(t, "4.5.3", "20240101000000", "20250101000000")
		if err := os.Chmod(filepath.Join(w.root, c.closed), c.mode); err != nil {
			t.Fatal(err)
		}
		for _, up := range []string{w.root, filepath.Dir(w.root)} {
			if err := os.Chmod(up, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		out := asNobody(t, w.root)
		for _, want := range []string{"blind migrations: Mastodon's code could not be read: no permission for /home", "閲覧権限がありません: /home", "mend: " + c.mend + "\n", "findings: 0\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: lacks %q in\n%s", c.closed, want, out)
			}
		}
	}
}

// tellCode says what somebody without rights sees.
func tellCode(root string) {
	q := question{
		now: time.Now(), found: site.Found{Live: live}, code: readCode(root, live), table: table{asked: true, migrations: []string{"1"}},
		running: running{version: versionOf("4.5.3")}, memory: memory{Running: 1, Pending: 1, Post: 1},
	}
	q.settle()
	var o checks.Observation
	q.judgeCode(&o)
	for _, b := range o.Blind {
		fmt.Printf("blind %s: %s\n%s\n", b.Code, b.Why.En, b.Why.Ja)
		for _, sh := range b.Mend.Mend {
			fmt.Printf("mend: %s\n", sh)
		}
	}
	fmt.Printf("findings: %d\n", len(o.Findings))
}

// asNobody runs this test again as a user without rights, and returns what it
// prints.
func asNobody(t *testing.T, root string) string {
	t.Helper()
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	// The folder of the test program is closed to others; a descriptor is not.
	cmd := exec.CommandContext(t.Context(), "/proc/self/fd/3", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.ExtraFiles, cmd.Dir = []*os.File{program}, "/"
	cmd.Env = []string{"DRESSED=" + root, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
