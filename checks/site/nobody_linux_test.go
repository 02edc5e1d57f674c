package site

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asNobody runs this test again as a user without rights, and returns what it
// printed.
func asNobody(t *testing.T, root string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root, to become somebody who is not")
	}
	binary := filepath.Join(t.TempDir(), "test")
	for dir := filepath.Dir(binary); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, own, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{"DRESSED=" + root, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestAnOrdinaryUserIsToldTheOneLineThatHelps(t *testing.T) {
	if root := os.Getenv("DRESSED"); root != "" {
		s, err := New(Config{Root: root, Peek: true})
		if err != nil {
			t.Fatal(err)
		}
		f := s.Find(t.Context())
		fmt.Printf("live=%s domain=%q redis=%v\nhint: %s\nヒント: %s\n", f.Live, s.Domain, f.RedisData, f.Hint().En, f.Hint().Ja)
		for _, l := range f.Lines(s.Domain) {
			fmt.Println(l.En)
			fmt.Println(l.Ja)
		}
		return
	}
	h := dressed(t)
	h.folder("/var/lib/redis")
	h.folder("/home/bob")
	for p, mode := range map[string]fs.FileMode{
		"": 0o755, "/srv/social/live/.env.production": 0o600, "/etc/redis/redis.conf": 0o640, "/home/bob": 0o700, "/data/pg": 0o700,
	} {
		if err := os.Chmod(filepath.Join(h.root, p), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(h.root), 0o755); err != nil {
		t.Fatal(err)
	}
	out := asNobody(t, h.root)
	for _, want := range []string{
		`live=/srv/social/live domain="" redis=[/var/lib/redis]`,
		"hint: /srv/social/live/.env.production may not be read by this user; more is seen with: sudo sababan check",
		"Not seen: /srv/social/live/.env.production may not be read by this user; run: sudo sababan check",
		"Not seen: /etc/redis/redis.conf may not be read by this user; run: sudo sababan check",
		"Found: PostgreSQL's data: /data/pg, /var/lib/postgresql/13/main",
		"未確認: /srv/social/live/.env.production はこのユーザーでは読めません。次を実行してください: sudo sababan check",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
