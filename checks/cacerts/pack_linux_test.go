package cacerts

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/child"
	"github.com/sababan/sababan/checks/site"
)

// aptRoot is a private root of apt's in which one version is installed and
// another is offered by a repository in a folder; it returns APT_CONFIG.
func aptRoot(t *testing.T, installed, offered string) string {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // apt reads it as _apt
			t.Fatal(err)
		}
	}
	write := func(name, text string) string {
		t.Helper()
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	packages := fmt.Sprintf("Package: ca-certificates\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\nFilename: ./x.deb\nSize: 1\nSHA256: %064d\n\n", offered, 0)
	write("repo/Packages", packages)
	write("repo/Release", fmt.Sprintf("Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: test\nDate: %s\nSHA256:\n %x %d Packages\n",
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"), sha256.Sum256([]byte(packages)), len(packages)))
	write("etc/apt/sources.list", "deb [trusted=yes] file:"+root+"/repo ./\n")
	write("var/lib/dpkg/status", "Package: ca-certificates\nStatus: install ok installed\nArchitecture: all\nVersion: "+installed+"\nMaintainer: x <x@example.com>\nDescription: x\n\n")
	for _, dir := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := write("apt.conf", fmt.Sprintf("Dir \"%s\";\nDir::State::status \"%s/var/lib/dpkg/status\";\nAPT::Sandbox::User \"root\";\nAPT::Architecture \"amd64\";\n", root, root))
	update := exec.CommandContext(t.Context(), "apt-get", "update")
	update.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "APT_CONFIG=" + config, "LC_ALL=C"}
	if out, err := update.CombinedOutput(); err != nil {
		t.Fatalf("apt-get update: %v\n%s", err, out)
	}
	return "APT_CONFIG=" + config
}

func TestAptItselfSaysWhatIsOffered(t *testing.T) {
	c := &check{site: &site.Site{Root: t.TempDir()}}
	for _, one := range []struct{ installed, offered, want string }{
		{"20230311+deb12u1", "20250419~deb12u2", "20250419~deb12u2"},
		{"20250419~deb12u2", "20250419~deb12u2", ""},
		{"20260101", "20250419~deb12u2", ""}, // a newer one of one's own
	} {
		c.env = []string{aptRoot(t, one.installed, one.offered)}
		if p := c.askPackage(t.Context()); p.err != nil || p.installed != one.installed || p.offered != one.offered && one.want != "" || p.offered != one.want {
			t.Errorf("%+v: %+v", one, p)
		}
	}
}

func TestAnAptThatHangsEndsAtTheDeadline(t *testing.T) {
	w := newWorld(t, 2)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "apt-cache"), []byte("#!/bin/sh\n/bin/sleep 600 &\nexec /bin/sleep 600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := &check{site: w.site, options: options{path: []string{dir}}}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if p := c.askPackage(ctx); p.err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("%+v after %v", p, time.Since(began))
	}
}

func TestWhatOtherManagersSayIsRead(t *testing.T) {
	tool := func(scripts map[string]string) []string {
		dir := t.TempDir()
		for name, script := range scripts {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return []string{dir}
	}
	rpm := "echo 2023.2.60_v7.0.306-90.1.el9_2"
	for situation, c := range map[string]struct {
		scripts map[string]string
		want    pack
	}{
		"dnf has a newer one": {
			map[string]string{"rpm": rpm, "dnf": "printf '\\nca-certificates.noarch   2024.2.69_v8.0.303-91.4.el9_4   baseos\\n'; exit 100"},
			pack{installed: "2023.2.60_v7.0.306-90.1.el9_2", offered: "2024.2.69_v8.0.303-91.4.el9_4"},
		},
		"dnf has none": {map[string]string{"rpm": rpm, "dnf": "exit 0"}, pack{installed: "2023.2.60_v7.0.306-90.1.el9_2"}},
		"yum is asked where there is no dnf": {
			map[string]string{"rpm": rpm, "yum": "echo 'ca-certificates.noarch 2024-1 updates'; exit 100"},
			pack{installed: "2023.2.60_v7.0.306-90.1.el9_2", offered: "2024-1"},
		},
		"not installed": {map[string]string{"rpm": "echo package ca-certificates is not installed; exit 1"}, pack{}},
		"what is said of others is not taken": {
			map[string]string{"rpm": rpm, "dnf": "printf 'evil\\ncurl.x86_64 8.0 x\\nca-certificates.noarch $(reboot)\\302\\240 x\\n'; exit 100"},
			pack{installed: "2023.2.60_v7.0.306-90.1.el9_2"},
		},
	} {
		cc := &check{site: &site.Site{}, options: options{path: tool(c.scripts)}}
		if got := cc.askPackage(t.Context()); got != c.want {
			t.Errorf("%s: %+v", situation, got)
		}
	}
	for situation, scripts := range map[string]map[string]string{
		"dnf fails":          {"rpm": rpm, "dnf": "echo 'Error: no cache @evil@example.com' >&2; exit 1"},
		"there is rpm alone": {"rpm": rpm}, "apt knows no such package": {"apt-cache": "exit 0"},
		"apt speaks another language": {"apt-cache": "printf 'ca-certificates:\\n  インストールされているバージョン: 1\\n'"},
	} {
		cc := &check{site: &site.Site{}, options: options{path: tool(scripts)}}
		if got := cc.askPackage(t.Context()); got.err == nil {
			t.Errorf("%s: %+v", situation, got)
		}
	}
}

func TestThisMachinesOwnListIsRead(t *testing.T) {
	w := newWorld(t, 0)
	k := Kind(&site.Site{Proc: "/proc", Offline: true})
	o := checkstest.Look(t, k, checkstest.Make(t, k, ""), nil)
	if n := checkstest.Value(t, o, "roots", systemStore); n < 50 {
		t.Errorf("%v roots", n)
	}
	if _, err := child.Find(nil, "apt-cache"); err != nil {
		t.Error("apt-cache is missing; this test needs Debian's own: apt-get install apt")
	}
	w.t.Log(strings.TrimSpace(o.Summary.En), "/", o.Summary.Ja)
}
