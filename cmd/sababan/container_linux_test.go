package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// What the recipe of the container puts beside the program is all that the
// program needs: a root with nothing else in it, and a user who is nobody.
func TestTheProgramRunsInARootThatHoldsNothingElse(t *testing.T) {
	recipe, err := os.ReadFile("package/container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(recipe), "\\\n", ""), "/root-of", dir)
	var build []string
	for _, run := range regexp.MustCompile(`(?m)^RUN (.*root-of.*|.*`+regexp.QuoteMeta(dir)+`.*)$`).FindAllStringSubmatch(text, -1) {
		build = append(build, run[1])
	}
	if len(build) != 2 {
		t.Fatalf("%q", build)
	}
	for _, script := range build {
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "VERSION=1.2.3")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	inside := func(args ...string) (string, int) {
		cmd := exec.Command("/usr/bin/sababan", args...)
		cmd.Path, cmd.Dir, cmd.Env = "/usr/bin/sababan", "/", []string{"TZ=Asia/Tokyo"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, status := inside("version"); status != 0 || !strings.HasPrefix(out, "sababan 1.2.3 (") {
		t.Errorf("%d %s", status, out)
	}
	if out, status := inside("run"); status != exitUnknown || !strings.Contains(out, "[bot] server: is missing") {
		t.Errorf("%d %s", status, out)
	}
	if out, _ := inside("check"); !strings.Contains(out, "No Mastodon was found on this machine.") || strings.Contains(out, "panic") {
		t.Error(out)
	}
	info, err := os.Stat(filepath.Join(dir, "var/lib/sababan"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 65532 || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
}
