package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// hogVariable makes the test binary a process that holds so many megabytes
// until its standard input ends.
const hogVariable = "SABABAN_TEST_HOG"

func TestMain(m *testing.M) {
	if mb, err := strconv.Atoi(os.Getenv(hogVariable)); err == nil {
		hold := bytes.Repeat([]byte{1}, mb*megabyte)
		fmt.Println("holding", len(hold))
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Println(hold[len(hold)-1])
		return
	}
	os.Exit(m.Run())
}

// hog starts a process that holds megabytes, and waits until it does.
func hog(t *testing.T, mb int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", hogVariable, mb))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // its last line may find nobody
	})
	if _, err := out.Read(make([]byte, 7)); err != nil {
		t.Fatalf("the process that takes memory: %v", err)
	}
}

func thisMachine(opts ...Option) checks.Kind { return Kind(&site.Site{Proc: "/proc"}, opts...) }

func TestContract(t *testing.T) {
	checkstest.Contract(t, thisMachine(), "")
}

func TestTheFiguresAreThoseOfFree(t *testing.T) {
	o := checkstest.Look(t, thisMachine(), checkstest.Make(t, thisMachine(), ""), nil)
	out, err := exec.Command("free", "-b").Output()
	if err != nil {
		t.Fatalf("free -b: %v", err)
	}
	lines := strings.Split(string(out), "\n")
	mem, swap := strings.Fields(lines[1]), strings.Fields(lines[2])
	for _, c := range []struct{ name, want string }{
		{"total_bytes", mem[1]}, {"available_bytes", mem[6]}, {"swap_used_bytes", swap[2]},
	} {
		want, err := strconv.ParseFloat(c.want, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := checkstest.Value(t, o, c.name, ""); math.Abs(got-want) > 0.05*want {
			t.Errorf("%s is %v, free says %v", c.name, got, want)
		}
	}
}

func TestAProcessThatTakesMemoryIsAmongTheBiggest(t *testing.T) {
	hog(t, 300)
	r, err := read(t.Context(), "/proc", "/sys/fs/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	if !r.All {
		t.Error("the processes of others are said to be hidden")
	}
	for _, g := range biggest(r.Processes) {
		if strings.HasPrefix(g.Name, "memory.test") && g.Bytes > 300*megabyte {
			return
		}
	}
	t.Errorf("not found among %+v", biggest(r.Processes))
}

// A machine is a copy of some of /proc that can be altered.
type machine struct {
	t    *testing.T
	proc string
	kind checks.Kind
	past *checkstest.Past
	c    checks.Check
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, proc: t.TempDir(), past: &checkstest.Past{}}
	for _, file := range []string{"meminfo", "vmstat", "pressure/memory", "sys/kernel/random/boot_id", "1/statm", "1/comm", "1/cmdline", "1/cgroup"} {
		b, err := os.ReadFile("/proc/" + file)
		if err != nil {
			t.Fatal(err)
		}
		m.write(file, string(b))
	}
	// What has happened on the real machine is not this one's doing.
	m.alter("vmstat", `(?m)^(oom_kill|pswpin|pswpout) .*$`, "$1 0")
	m.alter("pressure/memory", `avg300=[0-9.]+`, "avg300=0.00")
	m.memory(8*gigabyte, 3*gigabyte)
	m.swap(gigabyte, 100*megabyte)
	m.process(100, "postgres", "postgres: 15/main: checkpointer", "/system.slice/postgresql@15-main.service", 100*megabyte)
	m.process(200, "ruby", "puma: cluster worker 0: 199 [live]", "/system.slice/mastodon-web.service", 700*megabyte)
	m.process(300, "bundle", "sidekiq 7.3.9 live [3 of 25 busy]", "/system.slice/mastodon-sidekiq.service", 600*megabyte)
	m.kind = Kind(&site.Site{Proc: m.proc}, WithKernelLog(filepath.Join(m.proc, "log")), WithControlGroups(filepath.Join(m.proc, "cgroups")))
	m.c = checkstest.Make(t, m.kind, "")
	return m
}

func (m *machine) write(file, text string) {
	m.t.Helper()
	path := filepath.Join(m.proc, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) alter(file, pattern, with string) {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(m.proc, file))
	if err != nil {
		m.t.Fatal(err)
	}
	re := regexp.MustCompile(pattern)
	if !re.Match(b) {
		m.t.Fatalf("%s has nothing like %s", file, pattern)
	}
	m.write(file, re.ReplaceAllString(string(b), with))
}

func (m *machine) memory(total, available int) {
	m.alter("meminfo", `MemTotal: .*`, fmt.Sprintf("MemTotal: %d kB", total>>10))
	m.alter("meminfo", `MemAvailable: .*`, fmt.Sprintf("MemAvailable: %d kB", available>>10))
}

func (m *machine) swap(total, used int) {
	m.alter("meminfo", `SwapTotal: .*`, fmt.Sprintf("SwapTotal: %d kB", total>>10))
	m.alter("meminfo", `SwapFree: .*`, fmt.Sprintf("SwapFree: %d kB", (total-used)>>10))
}

func (m *machine) kills(n int) { m.alter("vmstat", `oom_kill .*`, fmt.Sprintf("oom_kill %d", n)) }

func (m *machine) process(pid int, comm, command, unit string, bytes int) {
	pages := bytes / os.Getpagesize()
	folder := strconv.Itoa(pid) + "/"
	m.write(folder+"statm", fmt.Sprintf("%d %d 100 1 0 1 0\n", pages*2, pages))
	m.write(folder+"comm", comm+"\n")
	m.write(folder+"cmdline", strings.ReplaceAll(command, " ", "\x00"))
	m.write(folder+"cgroup", "0::"+unit+"\n")
}

// logKill makes the kernel's log say that it has just killed somebody.
func (m *machine) logKill(name, unit string) {
	m.t.Helper()
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		m.t.Fatal(err)
	}
	up, err := strconv.ParseFloat(strings.Fields(string(b))[0], 64)
	if err != nil {
		m.t.Fatal(err)
	}
	old, _ := os.ReadFile(filepath.Join(m.proc, "log")) // there may be none yet
	// The uptime is one of hundredths; the kernel's stamps are never the same.
	micros := int64(up*1e6) + int64(len(old))
	m.write("log", fmt.Sprintf("%s6,1,%d,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=%s,task=%s,pid=812,uid=0\n"+
		"3,2,%d,-;Out of memory: Killed process 812 (%s) total-vm:2118800kB, anon-rss:1387840kB, file-rss:6212kB, shmem-rss:0kB, UID:1000\n", old, micros, unit, name, micros, name))
}

func (m *machine) look() checks.Observation {
	m.t.Helper()
	return checkstest.Look(m.t, m.kind, m.c, m.past)
}

func (m *machine) expect(o checks.Observation, code string, severity checks.Severity, holds bool) checks.Finding {
	m.t.Helper()
	f, ok := checkstest.Find(o, code, "*")
	switch {
	case !ok && severity != checks.OK:
		m.t.Errorf("%s was not found: %+v", code, o.Findings)
	case ok && (f.Severity != severity || f.Holds != holds):
		m.t.Errorf("%s: %v, holds %v, want %v, %v: %q", code, f.Severity, f.Holds, severity, holds, f.Text.En)
	}
	return f
}

// back makes the last look longer ago.
func (m *machine) back(by time.Duration) {
	m.t.Helper()
	var mem memory
	if err := json.Unmarshal(m.past.Memory[memoryKey], &mem); err != nil {
		m.t.Fatal(err)
	}
	mem.At, mem.Seen = mem.At.Add(-by), mem.Seen.Add(-by)
	b, err := json.Marshal(mem)
	if err != nil {
		m.t.Fatal(err)
	}
	m.past.Memory[memoryKey] = b
}

func TestAMachineThatIsWellHasNothingToTell(t *testing.T) {
	m := newMachine(t)
	for range 2 {
		if o := m.look(); len(o.Findings) > 0 || len(o.Blind) > 0 {
			t.Errorf("found %+v, blind to %+v", o.Findings, o.Blind)
		}
	}
	o := m.look()
	if want := "3 GB of 8 GB available, 100 MB of swap used, biggest: puma 700 MB"; o.Summary.En != want {
		t.Errorf("summary %q, want %q", o.Summary.En, want)
	}
	if got := checkstest.Value(t, o, "worker_bytes", "puma worker 0"); got != 700*megabyte {
		t.Errorf("the worker has %v", got)
	}
}

func TestMemoryRunsOutAndComesBack(t *testing.T) {
	m := newMachine(t)
	m.look()
	m.memory(8*gigabyte, 700*megabyte)
	began := time.Now()
	f := m.expect(m.look(), codeAvailable, checks.Warning, false)
	if f.Road != checks.Morning || !strings.Contains(f.Text.En, "puma 700 MB, sidekiq 600 MB") {
		t.Errorf("road %v, %q", f.Road, f.Text.En)
	}
	// What was biggest at the onset stays, whatever was restarted since.
	m.process(200, "ruby", "puma: cluster worker 0: 199 [live]", "", 10*megabyte)
	m.memory(8*gigabyte, 300*megabyte)
	f = m.expect(m.look(), codeAvailable, checks.Critical, false)
	if f.Road != checks.Now || f.Harm.Before(began) || !strings.Contains(f.Text.En, "puma 700 MB, sidekiq 600 MB") {
		t.Errorf("road %v, harm %v, %q", f.Road, f.Harm, f.Text.En)
	}
	if len(f.Advice.Mend) != 1 || f.Advice.Mend[0].String() != "sudo systemctl restart mastodon-web.service" {
		t.Errorf("advice %+v", f.Advice)
	}
	m.memory(8*gigabyte, 900*megabyte)
	m.expect(m.look(), codeAvailable, checks.Warning, true)
	m.memory(8*gigabyte, 3*gigabyte)
	m.expect(m.look(), codeAvailable, checks.OK, false)
	m.memory(8*gigabyte, 700*megabyte)
	if f = m.expect(m.look(), codeAvailable, checks.Warning, false); !strings.Contains(f.Text.En, ": sidekiq 600 MB") {
		t.Errorf("an old onset is told anew: %q", f.Text.En)
	}
}

func TestProcessesWaitForMemoryAndStopWaiting(t *testing.T) {
	m := newMachine(t)
	m.alter("pressure/memory", `(?m)^(some .*avg300=)[0-9.]+`, "${1}14.60")
	f := m.expect(m.look(), codePressure, checks.Warning, false)
	if f.Road != checks.Morning || !strings.Contains(f.Text.Ja, "15%") {
		t.Errorf("road %v, %q", f.Road, f.Text.Ja)
	}
	m.alter("pressure/memory", `(?m)^(some .*avg300=)[0-9.]+`, "${1}1.00")
	m.expect(m.look(), codePressure, checks.OK, false)
}

func TestSwappingToAndFroAndItsEnd(t *testing.T) {
	m := newMachine(t)
	m.alter("pressure/memory", `(?m)^(some .*avg300=)[0-9.]+`, "${1}6.00")
	m.look()
	m.back(5 * time.Minute)
	pages := 300 * 8 * megabyte / os.Getpagesize() // 8 MB a second
	m.alter("vmstat", `pswpin .*`, fmt.Sprintf("pswpin %d", pages))
	m.alter("vmstat", `pswpout .*`, fmt.Sprintf("pswpout %d", pages/2))
	o := m.look()
	f := m.expect(o, codeSwapping, checks.Warning, false)
	if in := checkstest.Value(t, o, "swap_io", "in"); in < 7.5*megabyte || in > 8*megabyte || !strings.Contains(f.Text.En, "8.0 MB/s in, 4.0 MB/s out") {
		t.Errorf("%v in, %q", in, f.Text.En)
	}
	m.expect(m.look(), codeSwapping, checks.Warning, false) // asked again at once: the same rate
	m.back(5 * time.Minute)
	m.expect(m.look(), codeSwapping, checks.OK, false)
	m.swap(gigabyte, gigabyte)
	if o := m.look(); len(o.Findings) > 0 {
		t.Errorf("swap that is full and quiet is told of: %+v", o.Findings)
	}
}

func TestSomebodyIsKilled(t *testing.T) {
	m := newMachine(t)
	m.look()
	m.kills(1)
	m.logKill("python3", "/user.slice")
	f := m.expect(m.look(), codeKills, checks.Warning, false)
	if f.Road != checks.Morning || !strings.Contains(f.Text.En, "killed python3 for lack of memory at ") {
		t.Errorf("road %v, %q", f.Road, f.Text.En)
	}
	if o := m.look(); len(o.Findings) > 0 || !strings.Contains(o.Summary.En, "1 killed for lack of memory in 24 h") {
		t.Errorf("afterwards %+v, %q", o.Findings, o.Summary.En)
	}
	m.kills(2)
	m.logKill("apt", "/user.slice")
	f = m.expect(m.look(), codeKills, checks.Critical, false)
	if f.Road != checks.Now || f.Harm.IsZero() || !strings.Contains(f.Text.En, "That makes 2 in the last 24 h.") {
		t.Errorf("road %v, harm %v, %q", f.Road, f.Harm, f.Text.En)
	}
}

func TestAVitalProcessIsKilled(t *testing.T) {
	m := newMachine(t)
	m.look()
	m.kills(1)
	m.logKill("ruby", "/system.slice/mastodon-sidekiq.service")
	f := m.expect(m.look(), codeKills, checks.Critical, false)
	if !strings.Contains(f.Text.En, "killed ruby (mastodon-sidekiq.service)") || !strings.Contains(f.Text.Ja, "ジョブは失われ") {
		t.Errorf("%q", f.Text)
	}
	if got := f.Advice.Look.String(); got != "systemctl status mastodon-sidekiq.service" {
		t.Errorf("look: %s", got)
	}
	m.kills(3) // one of the two is not in the log
	m.logKill("postgres", "/system.slice/postgresql@15-main.service")
	f = m.expect(m.look(), codeKills, checks.Critical, false)
	if !strings.Contains(f.Text.Headline().En, "killed 2 processes") || !strings.Contains(f.Text.En, "Killed: postgres (postgresql@15-main.service)") || !strings.Contains(f.Text.En, "Not all of them could be told") {
		t.Errorf("%q", f.Text.En)
	}
}

func TestWhatWasKilledBeforeTheFirstLook(t *testing.T) {
	m := newMachine(t)
	m.kills(4)
	if o := m.look(); len(o.Findings) > 0 || !strings.Contains(o.Summary.En, "4 killed for lack of memory since boot") {
		t.Errorf("%+v, %q", o.Findings, o.Summary.En)
	}
	m = newMachine(t)
	m.kills(1)
	m.logKill("postgres", "/system.slice/postgresql@15-main.service")
	m.expect(m.look(), codeKills, checks.Critical, false)
	m = newMachine(t)
	m.kills(1)
	m.logKill("python3", "/")
	m.expect(m.look(), codeKills, checks.OK, false)
}

func TestARebootBeginsAtNought(t *testing.T) {
	m := newMachine(t)
	m.kills(2)
	m.look()
	m.write("sys/kernel/random/boot_id", "00000000-0000-0000-0000-000000000001\n")
	m.kills(0)
	m.expect(m.look(), codeKills, checks.OK, false)
	m.write("sys/kernel/random/boot_id", "00000000-0000-0000-0000-000000000002\n")
	m.kills(1)
	f := m.expect(m.look(), codeKills, checks.Warning, false)
	if !strings.Contains(f.Text.En, "the kernel log does not have it") {
		t.Errorf("%q", f.Text.En)
	}
}

func TestAKernelWithoutPressure(t *testing.T) {
	m := newMachine(t)
	if err := os.RemoveAll(filepath.Join(m.proc, "pressure")); err != nil {
		t.Fatal(err)
	}
	o := m.look()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Errorf("found %+v, blind to %+v", o.Findings, o.Blind)
	}
	for _, measure := range o.Measures {
		if measure.Name == "pressure_some" {
			t.Errorf("a pressure that nobody told: %+v", measure)
		}
	}
}

func TestGarbageIsNotTakenForHealth(t *testing.T) {
	for _, garbage := range []string{"", "\x00\x01\xff", "MemTotal: many kB\n", "MemTotal: 0 kB\nMemAvailable: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", "MemTotal: 100 kB\n", "MemTotal: 100 kB\nMemAvailable: 900 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"} {
		m := newMachine(t)
		m.write("meminfo", garbage)
		_, err := m.c.Look(t.Context(), m.past)
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) {
			t.Errorf("meminfo %q: %v", garbage, err)
		}
	}
	m := newMachine(t)
	m.write("vmstat", "garbage")
	m.write("pressure/memory", "garbage")
	m.write("1/cmdline", "\xff\xfe")
	m.write("200/statm", "garbage")
	m.write("300/comm", "\x00\xff")
	o := m.look()
	blind := map[string]bool{}
	for _, b := range o.Blind {
		blind[b.Code] = true
	}
	if len(o.Blind) != 3 || !blind[codeKills] || !blind[codeSwapping] || !blind[codePressure] {
		t.Errorf("blind to %+v", o.Blind)
	}
	m.past.Memory[memoryKey] = []byte("garbage")
	m.look()
}

func TestFoldersInsteadOfFiles(t *testing.T) {
	m := newMachine(t)
	for _, file := range []string{"vmstat", "pressure/memory"} {
		path := filepath.Join(m.proc, file)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if o := m.look(); len(o.Blind) != 3 {
		t.Errorf("blind to %+v", o.Blind)
	}
	if err := os.Remove(filepath.Join(m.proc, "meminfo")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.c.Look(t.Context(), m.past); err == nil {
		t.Error("without meminfo something is seen")
	}
}

func TestHiddenProcessesAreNotTakenForNone(t *testing.T) {
	m := newMachine(t)
	m.look()
	if err := os.RemoveAll(filepath.Join(m.proc, "1")); err != nil {
		t.Fatal(err)
	}
	m.memory(8*gigabyte, 300*megabyte)
	o := m.look()
	if len(o.Blind) != 1 || o.Blind[0].Code != codeWorker {
		t.Errorf("blind to %+v", o.Blind)
	}
	if f := m.expect(o, codeAvailable, checks.Critical, false); !strings.Contains(f.Text.En, "hidden from me") {
		t.Errorf("%q", f.Text.En)
	}
	m.past = &checkstest.Past{} // where it never worked it is not told
	if o := m.look(); len(o.Blind) != 0 {
		t.Errorf("blind to %+v", o.Blind)
	}
}

func TestAWorkerGrowsAndIsRestarted(t *testing.T) {
	m := newMachine(t)
	m.past.Samples = map[checkstest.Series][]checks.Sample{}
	key := checkstest.Series{Name: "worker_bytes", Subject: "puma worker 0"}
	for h := 24*7 - 1; h > 0; h-- {
		m.past.Samples[key] = append(m.past.Samples[key], checks.Sample{At: time.Now().Add(-time.Duration(h) * time.Hour), Value: 600 * megabyte})
	}
	m.process(200, "ruby", "puma: cluster worker 0: 199 [live]", "/system.slice/mastodon-web.service", 2*gigabyte)
	f := m.expect(m.look(), codeWorker, checks.Warning, false)
	if f.Subject != "puma worker 0" || f.Road != checks.Morning || !strings.Contains(f.Text.En, "2 GB (usually 600 MB)") {
		t.Errorf("%q, road %v, %q", f.Subject, f.Road, f.Text.En)
	}
	m.process(200, "ruby", "puma: cluster worker 0: 77 [live]", "/system.slice/mastodon-web.service", 400*megabyte)
	m.expect(m.look(), codeWorker, checks.OK, false)
}

func TestTheLimitOfAContainerIsSaid(t *testing.T) {
	m := newMachine(t)
	m.write("cgroups/memory.max", "max\n")
	m.write("cgroups/memory.current", "123\n")
	if o := m.look(); strings.Contains(o.Summary.En, "container") {
		t.Errorf("no limit: %q", o.Summary.En)
	}
	m.write("cgroups/memory.max", strconv.Itoa(2*gigabyte))
	m.write("cgroups/memory.current", strconv.Itoa(gigabyte))
	if o := m.look(); !strings.HasSuffix(o.Summary.En, "this container may have 2 GB and uses 1 GB") {
		t.Errorf("%q", o.Summary.En)
	}
}

func TestNamesFromOutsideAreNeverALineOfOurs(t *testing.T) {
	m := newMachine(t)
	for i, n := range []string{"@evil@example.com", "a\nFix: rm -rf /", "\u202e\u2066x", "#1st"} {
		m.process(1000+i, n, n, "/", (900+i)*megabyte)
	}
	m.memory(8*gigabyte, 300*megabyte)
	f := m.expect(m.look(), codeAvailable, checks.Critical, false) // Look asserts what holds of all texts
	if strings.Contains(f.Text.En, "\nFix") {
		t.Errorf("%q", f.Text.En)
	}
}

func TestTheKernelLogMayBeClosed(t *testing.T) {
	a := after{reading: reading{numbers: numbers{Total: 8 * gigabyte, Available: gigabyte}}, now: time.Now()}
	text := killsText(a, []kill{{At: time.Now()}}, true)
	if !strings.Contains(text.En, "no permission for the kernel log") {
		t.Errorf("%q", text.En)
	}
	if got := killsAdvice([]kill{{}}).Look.String(); got != "sudo journalctl -k -g 'Out of memory'" {
		t.Errorf("look: %s", got)
	}
	if _, err := readLog(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, errNoLog) {
		t.Errorf("without a log: %v", err)
	}
}
