package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	hostTimes    = 20
	hostWall     = 150 // ms, issue
	hostCPU      = 80  // ms, issue
	packagesGoal = 5   // ms, issue: a look before which nothing has changed
	packagesAnew = 100 // % of check_apt's, issue: where everything is asked anew
	// hostNTP is where the guest has a server for check_ntp_time.
	hostNTP = "127.0.0.1:12300"
)

// measureHost runs the checks of one machine together, as a person does, on a
// Debian host with systemd, nginx and a certificate of certbot's: a guest of
// this machine's own. The yardstick are nine of Nagios' plugins, all at once;
// that of the packages is check_apt.
func measureHost(ctx context.Context, w *workshop) ([]verdict, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	programs := filepath.Join(dir, "programs")
	if err := os.Mkdir(programs, 0o755); err != nil {
		return nil, err
	}
	if err := w.hostPrograms(ctx, programs); err != nil {
		return nil, err
	}
	// What is measured does not depend on it: it only puts the host up.
	guest := filepath.Join(dir, "host.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", guest, "./.ci/measure/host").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the guest: %w\n%s", err, out)
	}
	withPlugins := w.installPlugins(ctx, dir)
	plan := hostPlan{Times: hostTimes, Runs: hostRuns(withPlugins)}
	if withPlugins {
		plan.NTP = hostNTP
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	planFile, outFile := filepath.Join(dir, "plan.json"), filepath.Join(dir, "out.json")
	if err := os.WriteFile(planFile, text, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, guest, "-test.run=^TestMeasure$", "-test.timeout=8m")
	cmd.Env = append(os.Environ(), "SABABAN_BENCH_PROGRAMS="+programs, "SABABAN_BENCH_PLAN="+planFile, "SABABAN_BENCH_OUT="+outFile)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the guest: %w\n%s", err, out)
	}
	if text, err = os.ReadFile(outFile); err != nil {
		return nil, err
	}
	var took map[string]*hostTook
	if err := json.Unmarshal(text, &took); err != nil {
		return nil, err
	}
	return w.hostVerdicts(took)
}

// hostPlan is what the program timed reads.
type hostPlan struct {
	Times int
	NTP   string
	Runs  []hostRun
}

type hostRun struct {
	Name     string
	Env      []string
	Commands [][]string
}

// hostTook is what it says of a run.
type hostTook struct {
	Wall, CPU figures
	Said      []string
}

func (w *workshop) hostPrograms(ctx context.Context, into string) error {
	sababan, err := w.sababan(ctx)
	if err != nil {
		return err
	}
	timed, err := w.build(ctx, "timed", "-trimpath", "-ldflags", "-s -w", "./.ci/measure/timed")
	if err != nil {
		return err
	}
	twice, err := w.build(ctx, "twice", "-trimpath", "-ldflags", "-s -w", "./.ci/measure/twice")
	if err != nil {
		return err
	}
	for _, path := range []string{sababan, timed, twice} {
		if err := os.Symlink(path, filepath.Join(into, filepath.Base(path))); err != nil {
			return err
		}
	}
	return nil
}

const (
	runHost      = "the checks"
	runPlugins   = "nine plugins"
	runTwice     = "packages, unchanged"
	runPackages  = "packages"
	runCheckAPT  = "check_apt"
	benchConfig  = "/etc/sababan/bench.toml"
	hostDomain   = "mastodon.example"
	hostBinary   = "/usr/local/bin/sababan"
	hostTwice    = "/usr/local/bin/twice"
	twiceTimes   = 20
	pluginsPack  = "monitoring-plugins-basic"
	pluginsTools = 9
)

func hostRuns(withPlugins bool) []hostRun {
	check := []string{hostBinary, "check", "--config", benchConfig}
	runs := []hostRun{
		{Name: runHost, Commands: [][]string{append(check, "disk", "memory", "certs", "timers", "services", "clock")}},
		{Name: runPackages, Commands: [][]string{{hostTwice, "0"}}},
		{Name: runTwice, Commands: [][]string{{hostTwice, strconv.Itoa(twiceTimes)}}},
	}
	if withPlugins {
		ntpHost, ntpPort, _ := strings.Cut(hostNTP, ":")
		web := []string{"-H", hostDomain, "-I", "127.0.0.1"}
		one := func(name string, args ...string) []string {
			return append([]string{filepath.Join(plugins, name)}, args...)
		}
		runs = append(runs,
			hostRun{Name: runPlugins, Commands: [][]string{
				one("check_disk", "-w", "15%", "-c", "5%"),
				one("check_swap", "-w", "20%", "-c", "10%"),
				one("check_load", "-w", "10,10,10", "-c", "20,20,20"),
				one("check_http", web...),
				one("check_http", append([]string{"-S", "--sni", "-p", "443"}, web...)...),
				one("check_http", append([]string{"-S", "--sni", "-p", "443", "-C", "21"}, web...)...),
				one("check_tcp", "-H", "127.0.0.1", "-p", "80"),
				one("check_procs", "-w", "2000", "-c", "4000"),
				one("check_ntp_time", "-H", ntpHost, "-p", ntpPort),
			}},
			// Ours lets everybody else go first, too: what this machine does besides
			// takes from both alike.
			hostRun{Name: runCheckAPT, Commands: [][]string{append([]string{"nice", "-n", "19", "ionice", "-c", "3"}, one("check_apt", "-t", "120")...)}})
	}
	return runs
}

// installPlugins tells whether the yardstick is there; where it may, it takes
// Debian's package.
func (w *workshop) installPlugins(ctx context.Context, dir string) bool {
	there := func() bool { return installed([][]string{{filepath.Join(plugins, "check_ntp_time")}}) }
	if there() {
		return true
	}
	archive := filepath.Join(dir, "archive")
	install := exec.CommandContext(ctx, "apt-get", "-y", "-q", "--no-install-recommends", "-o", "Dir::Cache::archives="+archive,
		"-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0", "-o", "APT::Sandbox::User=root", "install", pluginsPack)
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	err := os.MkdirAll(filepath.Join(archive, "partial"), 0o755)
	if err == nil {
		err = install.Run()
	}
	if !there() {
		w.say("   there is no yardstick: apt-get install %s (%v)", pluginsPack, err)
		return false
	}
	return true
}

func (w *workshop) hostVerdicts(took map[string]*hostTook) ([]verdict, error) {
	ours, full, again := took[runHost], took[runPackages], took[runTwice]
	if ours == nil || full == nil || again == nil || len(again.Said) != 1 {
		return nil, errors.New("the guest has not measured everything")
	}
	for _, title := range []string{"disk", "memory", "certificate", "timers", "services", "clock"} {
		w.say("   %s", lineOf(ours.Said[0], title))
	}
	var look struct{ Wall, CPU figures }
	if err := json.Unmarshal([]byte(again.Said[0]), &look); err != nil {
		return nil, fmt.Errorf("twice: %w", err)
	}
	w.say("   in a guest with a systemd of its own as PID 1, nginx, and certbot's files:")
	w.say("   six checks, wall: %s", ours.Wall)
	w.say("   six checks, CPU:  %s", ours.CPU)
	floor, apt := &hostTook{}, &hostTook{}
	if took[runPlugins] != nil {
		floor, apt = took[runPlugins], took[runCheckAPT]
		w.say("   %d plugins at once, wall: %s", pluginsTools, floor.Wall)
		w.say("   %d plugins at once, CPU:  %s", pluginsTools, floor.CPU)
		for _, said := range floor.Said {
			w.say("     %s", firstLine(said))
		}
	}
	w.say("   packages, nothing changed, wall: %s", look.Wall)
	w.say("   packages, nothing changed, CPU:  %s", look.CPU)
	w.say("   packages, all anew, wall: %s", full.Wall)
	w.say("   packages, all anew, CPU:  %s", full.CPU)
	verdicts := []verdict{
		{"host", "ms (median)", ours.Wall.median(), floor.Wall.median(), hostWall},
		{"host CPU", "ms (median)", ours.CPU.median(), floor.CPU.median(), hostCPU},
		{"packages", "ms (median, nothing changed)", look.Wall.median(), apt.Wall.median(), packagesGoal},
	}
	if len(apt.Wall) > 0 {
		w.say("   check_apt, wall: %s", apt.Wall)
		w.say("   check_apt, CPU:  %s", apt.CPU)
		w.say("     %s", firstLine(apt.Said[0]))
		verdicts = append(verdicts,
			verdict{"packages anew", "% of check_apt's wall time (minima)", 100 * full.Wall.quantile(0) / apt.Wall.quantile(0), 100, packagesAnew},
			verdict{"packages anew CPU", "% of check_apt's (minima)", 100 * full.CPU.quantile(0) / apt.CPU.quantile(0), 100, packagesAnew})
	}
	return verdicts, nil
}

// lineOf is the line of a report that begins with a check's mark and title.
func lineOf(report, title string) string {
	for line := range strings.Lines(report) {
		if strings.Contains(line, " "+title+":") {
			return strings.TrimSpace(line)
		}
	}
	return title + ": not in the report"
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if len(line) > 100 {
		line = line[:100] + "…"
	}
	return line
}
