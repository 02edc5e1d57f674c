package certs

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

const nobody = 65534

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

func TestACertificateThatMayNotBeReadIsNotTakenForNone(t *testing.T) {
	if root := os.Getenv("DRESSED"); root != "" {
		tellDisk(t, root)
		return
	}
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root, to become somebody who is not")
	}
	setfacl, err := exec.LookPath("setfacl")
	if err != nil {
		t.Fatal("setfacl is missing; this test needs it: apt-get install acl")
	}
	h := host{t.TempDir()}
	h.wellKept(t)
	c := checkstest.NewCA(t, "Root").Issue(t, checkstest.Lifetime(90*d, 60*d, domain))
	h.archive(t, domain, 1, c, c.Leaf.NotBefore)
	h.conf(t, domain, "")
	for path, mode := range map[string]os.FileMode{
		"/etc/letsencrypt/live": 0o700, "/etc/letsencrypt/archive": 0o700, "": 0o755, "..": 0o755,
	} {
		if err := os.Chmod(filepath.Join(h.root, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	out := asNobody(t, h.root)
	for _, want := range []string{
		"lineages: 0\n",
		"blind not-loaded: no permission for the certificates on disk: /etc/letsencrypt/live, /etc/letsencrypt/archive\n",
		"ディスク上の証明書を確認できません。閲覧権限がありません: /etc/letsencrypt/live、/etc/letsencrypt/archive\n",
		"mend: sudo setfacl -m u:nobody:rx /etc/letsencrypt/live /etc/letsencrypt/archive\n",
		"held: renewal-overdue " + domain + "\n",
		"found: \n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if t.Failed() {
		t.Fatal(out)
	}

	grant := exec.CommandContext(t.Context(), setfacl, "-m", "u:nobody:rx", h.root+"/etc/letsencrypt/live", h.root+"/etc/letsencrypt/archive")
	if out, err := grant.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out = asNobody(t, h.root)
	if !strings.Contains(out, "lineages: 1\n") || strings.Contains(out, "blind") || !strings.Contains(out, "key: permission denied\n") {
		t.Errorf("after the grant: %s", out)
	}

	// One lineage alone is closed.
	if err := os.Chmod(filepath.Join(h.root, "etc/letsencrypt/archive", domain), 0o700); err != nil {
		t.Fatal(err)
	}
	if out = asNobody(t, h.root); !strings.Contains(out, "mend: sudo setfacl -m u:nobody:rx /etc/letsencrypt/archive/mastodon.example\n") {
		t.Errorf("one that is closed: %s", out)
	}
}

// tellDisk prints what somebody sees of a disk.
func tellDisk(t *testing.T, root string) {
	h := host{root}
	dr := h.drawer(t, domain)
	dr.user = userName()
	dr.open = []checks.Key{{Code: overdue, Subject: domain}}
	o := judged(t, dr)
	fmt.Printf("lineages: %d\nfound: %s\n", len(dr.lineages), strings.Join(codes(o), ", "))
	for _, b := range o.Blind {
		if b.Subject != "" {
			fmt.Printf("held: %s %s\n", b.Code, b.Subject)
			continue
		}
		fmt.Printf("blind %s: %s\n%s\nmend: %s\n", b.Code, b.Why.En, b.Why.Ja, strings.Join(mends(b.Mend), "\n"))
	}
	if _, err := os.ReadFile(filepath.Join(root, "etc/letsencrypt/archive", domain, "privkey1.pem")); os.IsPermission(err) {
		fmt.Println("key: permission denied")
	}
}

// TestCrontabsThatMayNotBeReadLeaveItOpen looks for what starts the renewals.
func TestCrontabsThatMayNotBeReadLeaveItOpen(t *testing.T) {
	if root := os.Getenv("DRESSED"); root != "" {
		o := judged(t, host{root}.drawer(t, domain))
		fmt.Printf("found: %s\n", strings.Join(codes(o), ", "))
		for _, b := range o.Blind {
			fmt.Printf("blind %s %s: %s\n%s\n", b.Code, b.Subject, b.Why.En, b.Why.Ja)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root, to become somebody who is not")
	}
	h := host{t.TempDir()}
	h.conf(t, "blog.example", "installer = nginx")
	h.write(t, "/usr/bin/certbot", "", 0o755)
	h.write(t, "/var/spool/cron/crontabs/root", "0 0 * * * certbot renew\n", 0o600)
	for path, mode := range map[string]os.FileMode{"/var/spool/cron/crontabs": 0o1730, "": 0o755, "..": 0o755} {
		if err := os.Chmod(filepath.Join(h.root, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	out := asNobody(t, h.root)
	if !strings.Contains(out, "found: \nblind no-renewal certbot: whether cron starts the renewals of certbot could not be seen") ||
		!strings.Contains(out, "certbotの自動更新がcronにあるか確認できません（crontabの閲覧権限がありません）") {
		t.Error(out)
	}
	wantCodes(t, judged(t, h.drawer(t, domain))) // root sees the line
}

func TestTheUserIsCalledByName(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if got := userName(); got != u.Username {
		t.Errorf("%q, want %q", got, u.Username)
	}
}
