package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// A machine is a root of its own with real apt in it: two archives of files, one
// of them of security updates, and a book of what is installed.
type machine struct {
	t          *testing.T
	dir, root  string
	kind       checks.Kind
	c          checks.Check
	past       *checkstest.Past
	installed  []string // stanzas of dpkg's book
	proc, libs string
	// how often the archives and the book were written
	signed, written int
}

func tool(t *testing.T, dir string, words ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(words[0]); err != nil {
		t.Fatalf("%s is missing: sudo apt-get install apt apt-utils dpkg distro-info-data", words[0])
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return out
}

func newMachine(t *testing.T, opts ...Option) *machine {
	t.Helper()
	// apt fetches as another user, who must be let in.
	dir, err := os.MkdirTemp("/tmp", "sababan-apt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: dir, root: filepath.Join(dir, "root"), past: &checkstest.Past{}, proc: t.TempDir(), libs: t.TempDir()}
	for _, folder := range []string{
		"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d",
		"var/lib/apt/lists/partial", "var/lib/apt/periodic", "var/lib/dpkg", "var/cache/apt/archives/partial",
		"var/log/unattended-upgrades", "run", "usr/share/distro-info",
	} {
		if err := os.MkdirAll(filepath.Join(m.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	table, err := os.ReadFile("/usr/share/distro-info/debian.csv")
	if err != nil {
		t.Fatalf("%v: sudo apt-get install distro-info-data", err)
	}
	m.write("usr/share/distro-info/debian.csv", string(table))
	m.write("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\n")
	m.write("etc/apt/sources.list", fmt.Sprintf("deb [trusted=yes] file:%[1]s/main ./\ndeb [trusted=yes] file:%[1]s/security ./\n", dir))
	m.write("etc/apt/apt.conf", fmt.Sprintf("Dir %q;\nDir::State::status %q;\nAPT::Sandbox::User \"root\";\n", m.root, m.root+"/var/lib/dpkg/status"))
	m.offer("main", "labpkg", "1.0")
	m.offer("security", "labsec", "2.0")
	m.install("labpkg", "1.0", "install ok installed")
	m.install("labsec", "2.0", "install ok installed")
	m.update()
	m.kind = Kind(&site.Site{Proc: m.proc}, append([]Option{WithRoot(m.root), WithLibraryFolders(m.libs)}, opts...)...)
	m.c = checkstest.Make(t, m.kind, "")
	return m
}

func (m *machine) write(file, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.root, file), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) age(file string, d time.Duration) {
	m.t.Helper()
	at := time.Now().Add(-d)
	if err := os.Chtimes(filepath.Join(m.root, file), at, at); err != nil {
		m.t.Fatal(err)
	}
}

// offer puts a package into one of the archives.
func (m *machine) offer(archive, name, version string) {
	m.t.Helper()
	folder := filepath.Join(m.dir, archive)
	build := filepath.Join(m.dir, "build", name+version)
	for _, d := range []string{folder, filepath.Join(build, "DEBIAN")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			m.t.Fatal(err)
		}
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@x.example>\nDescription: x\n", name, version)
	if err := os.WriteFile(filepath.Join(build, "DEBIAN/control"), []byte(control), 0o644); err != nil {
		m.t.Fatal(err)
	}
	tool(m.t, m.dir, "dpkg-deb", "-b", build, filepath.Join(folder, name+"_"+version+"_all.deb"))
	index := tool(m.t, folder, "apt-ftparchive", "packages", ".")
	if err := os.WriteFile(filepath.Join(folder, "Packages"), index, 0o644); err != nil {
		m.t.Fatal(err)
	}
	label, suite := "Debian", "stable"
	if archive == "security" {
		label, suite = "Debian-Security", "stable-security"
	}
	m.sign(archive, label, suite)
}

func (m *machine) sign(archive, label, suite string) {
	m.t.Helper()
	folder := filepath.Join(m.dir, archive)
	if err := os.RemoveAll(filepath.Join(folder, "Release")); err != nil {
		m.t.Fatal(err)
	}
	release := tool(m.t, folder, "apt-ftparchive",
		"-o", "APT::FTPArchive::Release::Origin=Debian", "-o", "APT::FTPArchive::Release::Label="+label,
		"-o", "APT::FTPArchive::Release::Suite="+suite, "release", ".")
	// apt tells a newer one by its date and time, in whole seconds.
	m.signed++
	at := time.Now().Add(-2*time.Hour + time.Duration(m.signed)*time.Minute)
	dated := regexp.MustCompile(`(?m)^Date: .*$`).ReplaceAll(release, []byte("Date: "+at.UTC().Format(time.RFC1123)))
	file := filepath.Join(folder, "Release")
	if err := os.WriteFile(file, dated, 0o644); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chtimes(file, at, at); err != nil {
		m.t.Fatal(err)
	}
}

// install writes dpkg's book, in which a package is of a version and state.
func (m *machine) install(name, version, status string) {
	m.t.Helper()
	stanza := fmt.Sprintf("Package: %s\nStatus: %s\nArchitecture: all\nVersion: %s\nMaintainer: x <x@x.example>\nDescription: x\n\n", name, status, version)
	kept := m.installed[:0]
	for _, s := range m.installed {
		if !strings.HasPrefix(s, "Package: "+name+"\n") {
			kept = append(kept, s)
		}
	}
	m.installed = append(kept, stanza)
	m.write("var/lib/dpkg/status", strings.Join(m.installed, ""))
	m.written++
	m.age("var/lib/dpkg/status", 2*time.Hour-time.Duration(m.written)*time.Minute)
}

// update fetches the lists, as the machine's admin would.
func (m *machine) update() {
	m.t.Helper()
	tool(m.t, m.dir, "env", "APT_CONFIG="+m.root+"/etc/apt/apt.conf", "apt-get", "-q", "update")
}

func (m *machine) look() checks.Observation {
	m.t.Helper()
	return checkstest.Look(m.t, m.kind, m.c, m.past)
}

// remembered changes what the last look has remembered.
func (m *machine) remembered(change func(*memory)) {
	m.t.Helper()
	var was memory
	if err := json.Unmarshal(m.past.Memory[memoryKey], &was); err != nil {
		m.t.Fatal(err)
	}
	change(&was)
	raw, err := json.Marshal(was)
	if err != nil {
		m.t.Fatal(err)
	}
	m.past.Memory[memoryKey] = raw
}

func only(t *testing.T, o checks.Observation, code string, road checks.Road) checks.Finding {
	t.Helper()
	var found []checks.Finding
	for _, f := range o.Findings {
		if !f.Holds {
			found = append(found, f)
		}
	}
	if len(found) != 1 || found[0].Code != code {
		t.Fatalf("findings %+v, want only %s", o.Findings, code)
	}
	if found[0].Road != road {
		t.Errorf("%s: road %v, want %v", code, found[0].Road, road)
	}
	return found[0]
}

func well(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	r := checks.Reader{Now: time.Now()}
	if got := r.Write(text.En); !strings.Contains(got, en) {
		t.Errorf("English is %q, want it to say %q", got, en)
	}
	r.Lang = checks.Japanese
	if got := r.Write(text.Ja); !strings.Contains(got, ja) {
		t.Errorf("Japanese is %q, want it to say %q", got, ja)
	}
}
