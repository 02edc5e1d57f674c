package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sababan/sababan/schedule/state"
)

const written = "1790000000" // in seconds: when the tests' packages were

func TestVersionsThatBothFormatsKnow(t *testing.T) {
	w := &workshop{}
	for given, want := range map[string]string{"1.2.3": "1.2.3", "v1.2.3": "1.2.3", "1.2.3~rc1": "1.2.3~rc1", "1.2-3": "", "x": "", "1.2 3": "", "-1": ""} {
		got, err := w.named(t.Context(), given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
}

func TestAVersionThatIsNotGivenIsOlderThanAnyThatIs(t *testing.T) {
	var out bytes.Buffer
	w := &workshop{root: "../../..", stderr: &out}
	when, err := w.date(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.when = when
	got, err := w.named(t.Context(), "")
	if err != nil || !strings.HasPrefix(got, "0.0~2") {
		t.Fatal(got, err)
	}
	if out, err := exec.Command("dpkg", "--compare-versions", got, "lt", "0.0.1").CombinedOutput(); err != nil {
		t.Errorf("%s: %v %s", got, err, out)
	}
}

func TestTheStatesVersionIsTheOneThatTheProgramWrites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	db, err := state.Open(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	head, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&workshop{root: "../../.."}).stateVersion()
	if err != nil || got != int(head[62])<<8|int(head[63]) {
		t.Errorf("%d, %v; the file says %v", got, err, head[60:64])
	}
}

// made makes packages and returns what is told of them, and their folder.
func made(t *testing.T, args ...string) (sums, out string) {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", written)
	out = t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	var told bytes.Buffer
	if err := run(t.Context(), append([]string{"--version", "1.2.3", "--out", out}, args...), &told, io.Discard); err != nil {
		t.Fatal(err)
	}
	return told.String(), out
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is missing: sudo apt-get install %s", name, map[string]string{"dpkg-deb": "dpkg"}[name]+name)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// shipped are the files that every package has.
var shipped = []string{
	"/usr/bin/sababan", "/usr/lib/systemd/system/sababan.service", "/usr/lib/sysusers.d/sababan.conf", "/usr/lib/sababan/state-version",
	"/usr/share/man/man1/sababan.1.gz", "/usr/share/man/man1/sababan-check.1.gz", "/usr/share/man/man1/sababan-run.1.gz", "/usr/share/man/man5/sababan.toml.5.gz",
	"/usr/share/bash-completion/completions/sababan", "/usr/share/fish/vendor_completions.d/sababan.fish",
	"/usr/share/doc/sababan/config.example.toml", "/usr/share/doc/sababan/README.md", "/usr/share/doc/sababan/farewell.md",
	"/usr/share/doc/sababan/sababan.service.d/journal.conf",
}

func TestTheSameCommitMakesTheSameBytes(t *testing.T) {
	first, out := made(t, "--arch", "amd64")
	second, _ := made(t, "--arch", "amd64")
	if first != second || strings.Count(first, "\n") != 2 {
		t.Errorf("first:\n%s\nthen:\n%s", first, second)
	}
	t.Run("the .deb", func(t *testing.T) {
		deb := filepath.Join(out, "sababan_1.2.3-1_amd64.deb")
		if got := strings.TrimSpace(tool(t, "dpkg-deb", "--field", deb, "Version")); got != "1.2.3-1" {
			t.Error(got)
		}
		list := tool(t, "dpkg-deb", "--contents", deb)
		for _, file := range append(shipped, "/usr/share/zsh/vendor-completions/_sababan") {
			if !strings.Contains(list, " ."+file+"\n") {
				t.Errorf("lacks %s:\n%s", file, list)
			}
		}
		for line := range strings.Lines(list) {
			if f := strings.Fields(line); f[1] != "root/root" || strings.ContainsRune(f[0][1:], 's') || f[0][8] == 'w' {
				t.Errorf("of another owner, or with odd rights: %s", line)
			}
		}
		folder := t.TempDir()
		tool(t, "dpkg-deb", "--extract", deb, folder)
		program := filepath.Join(folder, "usr/bin/sababan")
		if got := tool(t, program, "version"); !strings.HasPrefix(got, "sababan 1.2.3 (") {
			t.Error(got)
		}
		if mods := tool(t, "go", "version", "-m", program); strings.Contains(mods, "md2man") || !strings.Contains(mods, "CGO_ENABLED=0") || !strings.Contains(mods, "-trimpath=true") {
			t.Error(mods)
		}
	})
	t.Run("the .rpm", func(t *testing.T) {
		file := filepath.Join(out, "sababan-1.2.3-1.x86_64.rpm")
		if got := tool(t, "rpm", "-qp", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{BUILDTIME} %{BUILDHOST}", file); got != "sababan 1.2.3-1 x86_64 "+written+" sababan" {
			t.Error(got)
		}
		tool(t, "rpm", "-K", "--nosignature", file)
		list := tool(t, "rpm", "-qpl", file)
		for _, file := range append(shipped, "/usr/share/zsh/site-functions/_sababan") {
			if !strings.Contains("\n"+list, "\n"+file+"\n") {
				t.Errorf("lacks %s:\n%s", file, list)
			}
		}
		if scripts := tool(t, "rpm", "-qp", "--scripts", file); !strings.Contains(scripts, "refuse_newer_state") || strings.Contains(scripts, "@") {
			t.Error(scripts)
		}
	})
}

func TestTheUnitKeepsEverySecretThatIsShownInTheExample(t *testing.T) {
	example, err := os.ReadFile("../../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	unit, err := os.ReadFile("sababan.service")
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile(`(?m)(?:token|url|password|secret|secret_key)_file ?= ?"?(/etc/sababan/([a-z0-9-]+))`).FindAllStringSubmatch(string(example), -1)
	if len(files) < 7 {
		t.Errorf("only %d secrets are shown: %q", len(files), files)
	}
	for _, f := range files {
		for _, line := range []string{"LoadCredential=" + f[2] + ":" + f[1] + "\n", "SetCredential=" + f[2] + ":\\n\n"} {
			if !strings.Contains(string(unit), line) {
				t.Errorf("the unit lacks %s", line)
			}
		}
	}
}

func TestAProgramForAnotherProcessor(t *testing.T) {
	_, out := made(t, "--arch", "arm64", "--format", "deb")
	deb := filepath.Join(out, "sababan_1.2.3-1_arm64.deb")
	if got := strings.TrimSpace(tool(t, "dpkg-deb", "--field", deb, "Architecture")); got != "arm64" {
		t.Error(got)
	}
	folder := t.TempDir()
	tool(t, "dpkg-deb", "--extract", deb, folder)
	head, err := os.ReadFile(filepath.Join(folder, "usr/bin/sababan"))
	if err != nil {
		t.Fatal(err)
	}
	const aarch64 = 183 // EM_AARCH64
	if machine := int(head[18]) | int(head[19])<<8; machine != aarch64 {
		t.Error("made for " + strconv.Itoa(machine))
	}
	if bytes.Contains(head, []byte("/lib/ld-linux")) {
		t.Error("it needs a linker")
	}
}

func TestWhatCannotBeMade(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	for want, args := range map[string][]string{
		`SOURCE_DATE_EPOCH: "yesterday" is no number of seconds`: {"--version", "1.0"},
		`"more" is one word too many`:                            {"more"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
