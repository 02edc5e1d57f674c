package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks/checkstest/guest"
)

func TestTheRPMIsInstalledAndErased(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Fatal("rpm is missing: sudo apt-get install rpm")
	}
	dist := t.TempDir()
	build := exec.Command("go", "run", "./package", "--version", "1.0.0", "--arch", "amd64", "--format", "rpm", "--out", dist)
	build.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1790000000")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("package: %v\n%s", err, out)
	}
	h := &host{Guest: guest.Boot(t)}
	h.copyIn(t, filepath.Join(dist, "sababan-1.0.0-1.x86_64.rpm"), "/srv/one.rpm", 0o644)
	// What it depends on is there, though not by rpm; Debian's rpm would rather not.
	rpm := func(args string) (string, error) {
		return h.Try("bash", "-c", "mkdir -p /srv/rpmdb; rpm --dbpath /srv/rpmdb --force-debian --nodeps "+args)
	}
	if out, err := rpm("-i /srv/one.rpm"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.sh(t, "systemctl start sababan; id sababan; systemctl is-enabled sababan || true")
	if got := h.Property(t, "sababan.service", "ActiveState"); got != "inactive" {
		t.Error(got)
	}
	if got := h.run(t, "root", "version").out; !strings.HasPrefix(got, "sababan 1.0.0 (") {
		t.Error(got)
	}
	// A state of a newer program, by the four bytes of its header.
	h.sh(t, `install -d -o sababan /var/lib/sababan; { head -c 60 /dev/zero; printf '\0\0\003\357'; } >/var/lib/sababan/state.db`)
	if out, err := rpm("-U --force /srv/one.rpm"); err == nil || !strings.Contains(out, "version 1007; this one knows up to ") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := rpm("-e sababan")
	if err != nil || !strings.Contains(out, "sudo rm -rf /var/lib/sababan /etc/sababan") || !strings.Contains(out, "DROP OWNED BY sababan") {
		t.Errorf("%v\n%s", err, out)
	}
	if left := h.sh(t, "ls /usr/bin/sababan /usr/lib/systemd/system/sababan.service 2>/dev/null || true"); left != "" {
		t.Error(left)
	}
}
