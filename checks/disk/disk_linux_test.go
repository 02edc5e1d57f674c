package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
	"golang.org/x/sys/unix"
)

func machine(opts ...Option) checks.Kind { return Kind(&site.Site{Proc: "/proc"}, opts...) }

func withRoot(root string) Option { return func(o *options) { o.root = root } }

func withFolders(f func(string) (string, error)) Option { return func(o *options) { o.folder = f } }

func noFolders(string) (string, error) { return "", fs.ErrNotExist }

// only shows the check just the mounts below a folder.
func only(folder string) Option {
	return WithMounts(func() ([]Mount, error) {
		all, err := readMounts("/proc")
		var some []Mount
		for _, m := range all {
			if under(m.Point, folder) {
				some = append(some, m)
			}
		}
		return some, err
	})
}

func TestContract(t *testing.T) {
	checkstest.Contract(t, machine(), "")
}

func TestTheFiguresAreThoseOfDf(t *testing.T) {
	loop := loopDisk(t, 16<<20, "rw", "-m", "5")
	makeFile(t, filepath.Join(loop, "some"), 3<<20)
	o := checkstest.Look(t, machine(), checkstest.Make(t, machine(), ""), nil)
	// What others do on this machine meanwhile moves the larger disks.
	const slack = 256 << 20
	compared := 0
	for _, line := range strings.Split(run(t, "df", "-B1", "--output=avail,size,pcent,itotal,iavail,target"), "\n")[1:] {
		f := strings.Fields(line)
		if len(f) != 6 {
			continue
		}
		point := f[5]
		size, listed := find(o, "size_bytes", point)
		if !listed {
			continue
		}
		compared++
		if want := number(t, f[1]); size != want {
			t.Errorf("%s: size %v, df says %v", point, size, want)
		}
		if got, want := checkstest.Value(t, o, "available_bytes", point), number(t, f[0]); math.Abs(got-want) > slack || (point == loop && got != want) {
			t.Errorf("%s: available %v, df says %v", point, got, want)
		}
		// df rounds up to whole per cents.
		if got, want := math.Ceil(checkstest.Value(t, o, "used_ratio", point)*100), number(t, strings.TrimSuffix(f[2], "%")); math.Abs(got-want) > 1 || (point == loop && got != want) {
			t.Errorf("%s: used %v %%, df says %v", point, got, want)
		}
		if number(t, f[3]) > 0 {
			if got, want := checkstest.Value(t, o, "inodes_available", point), number(t, f[4]); math.Abs(got-want) > 50_000 || (point == loop && got != want) {
				t.Errorf("%s: inodes %v, df says %v", point, got, want)
			}
		}
	}
	if compared < 3 { // the root, /dev/shm and the image
		t.Errorf("only %d file systems are known to df and to us", compared)
	}
}

func find(o checks.Observation, name, subject string) (float64, bool) {
	for _, m := range o.Measures {
		if m.Name == name && m.Subject == subject {
			return m.Value, true
		}
	}
	return 0, false
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// expect asserts that a finding is there and how, or that it is not (OK).
func expect(t *testing.T, o checks.Observation, code, subject string, severity checks.Severity, holds bool) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	switch {
	case !ok && severity != checks.OK:
		t.Errorf("%s of %s was not found: %+v", code, subject, o.Findings)
	case ok && (f.Severity != severity || f.Holds != holds):
		t.Errorf("%s of %s: %v, holds %v, want %v, %v: %q", code, subject, f.Severity, f.Holds, severity, holds, f.Text.En)
	}
	return f
}

func TestMemoryThatFillsToTheBrimAndIsEmptied(t *testing.T) {
	tmp := memoryDisk(t, filepath.Join(t.TempDir(), "tmp"), "size=8m,nr_inodes=20")
	kind := machine(only(tmp))
	c, past := checkstest.Make(t, kind, ""), &checkstest.Past{}
	expect(t, checkstest.Look(t, kind, c, past), codeFull, tmp, checks.OK, false)
	file := fill(t, tmp)
	f := expect(t, checkstest.Look(t, kind, c, past), codeFull, tmp, checks.Warning, false)
	if f.Road != checks.Morning || !strings.Contains(f.Text.En, "tmpfs") {
		t.Errorf("told by the road %v: %q", f.Road, f.Text.En)
	}
	if err := os.Truncate(file, 8<<20*83/100); err != nil {
		t.Fatal(err)
	}
	expect(t, checkstest.Look(t, kind, c, past), codeFull, tmp, checks.Warning, true)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	expect(t, checkstest.Look(t, kind, c, past), codeFull, tmp, checks.OK, false)
	files := crowd(t, tmp)
	expect(t, checkstest.Look(t, kind, c, past), codeInodes, tmp, checks.Warning, false)
	for _, file := range files[:4] { // 16 of 20 are left in use, and the root's own
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, checkstest.Look(t, kind, c, past), codeInodes, tmp, checks.OK, false)
}

func TestADiskThatFillsToTheBrimAndIsEmptied(t *testing.T) {
	disk := loopDisk(t, 32<<20, "rw", "-m", "5")
	kind := machine(only(disk), withFolders(noFolders))
	c, past := checkstest.Make(t, kind, ""), &checkstest.Past{}
	expect(t, checkstest.Look(t, kind, c, past), codeFull, disk, checks.OK, false)
	empty, err := Statfs(disk)
	if err != nil {
		t.Fatal(err)
	}
	file := fill(t, disk)
	before := time.Now()
	o := checkstest.Look(t, kind, c, past)
	f := expect(t, o, codeFull, disk, checks.Critical, false)
	if f.Road != checks.Now || f.Harm.Before(before) || !strings.Contains(f.Text.Headline().Ja, "満杯") {
		t.Errorf("road %v, harm %v, %q", f.Road, f.Harm, f.Text.Ja)
	}
	if got := checkstest.Value(t, o, "available_bytes", disk); got != 0 {
		t.Errorf("%v bytes are said to be available", got)
	}
	for _, c2 := range []struct {
		share    float64
		severity checks.Severity
		holds    bool
	}{{0.86, checks.Warning, false}, {0.835, checks.Warning, true}, {0.5, checks.OK, false}} {
		// The share is one of what users can have, and the empty disk uses some.
		used := empty.Size - empty.Free
		if err := os.Truncate(file, int64(c2.share*float64(used+empty.Available))-int64(used)); err != nil {
			t.Fatal(err)
		}
		run(t, "sync", "-f", disk)
		expect(t, checkstest.Look(t, kind, c, past), codeFull, disk, c2.severity, c2.holds)
	}
}

func TestADiskWithoutInodes(t *testing.T) {
	disk := loopDisk(t, 16<<20, "rw", "-N", "32")
	kind := machine(only(disk), withFolders(noFolders))
	c, past := checkstest.Make(t, kind, ""), &checkstest.Past{}
	files := crowd(t, disk)
	o := checkstest.Look(t, kind, c, past)
	f := expect(t, o, codeInodes, disk, checks.Critical, false)
	expect(t, o, codeFull, disk, checks.OK, false)
	if f.Road != checks.Now || f.Harm.IsZero() || !strings.Contains(f.Text.En, "no inode left") {
		t.Errorf("road %v, harm %v, %q", f.Road, f.Harm, f.Text.En)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, checkstest.Look(t, kind, c, past), codeInodes, disk, checks.OK, false)
}

func TestADiskThatSomebodyMadeReadOnly(t *testing.T) {
	disk := loopDisk(t, 16<<20, "rw")
	kind := machine(only(disk), withFolders(noFolders))
	c, past := checkstest.Make(t, kind, ""), &checkstest.Past{}
	expect(t, checkstest.Look(t, kind, c, past), codeReadOnly, disk, checks.OK, false)
	run(t, "mount", "-o", "remount,ro", disk)
	for range 2 { // also when the last look saw it read-only
		f := expect(t, checkstest.Look(t, kind, c, past), codeReadOnly, disk, checks.Critical, false)
		if f.Road != checks.Now || f.Harm.IsZero() || len(f.Advice.Mend) == 0 {
			t.Errorf("road %v, harm %v, %+v", f.Road, f.Harm, f.Advice)
		}
	}
	run(t, "mount", "-o", "remount,rw", disk)
	expect(t, checkstest.Look(t, kind, c, past), codeReadOnly, disk, checks.OK, false)
}

func TestADiskThatTheKernelMadeReadOnlyAfterAnError(t *testing.T) {
	disk := loopDisk(t, 16<<20, "rw,errors=remount-ro")
	kind := machine(only(disk), withFolders(noFolders))
	c := checkstest.Make(t, kind, "")
	expect(t, checkstest.Look(t, kind, c, nil), codeReadOnly, disk, checks.OK, false)
	device := filepath.Base(strings.TrimSpace(run(t, "findmnt", "-no", "SOURCE", disk)))
	if err := os.WriteFile("/sys/fs/ext4/"+device+"/trigger_fs_error", []byte("1"), 0o200); err != nil {
		t.Fatalf("this test needs ext4 to have an error: %v", err)
	}
	if err := os.WriteFile(filepath.Join(disk, "x"), nil, 0o600); !errors.Is(err, unix.EROFS) {
		t.Fatalf("writing after the error: %v", err)
	}
	f := expect(t, checkstest.Look(t, kind, c, nil), codeReadOnly, disk, checks.Critical, false)
	if !strings.Contains(f.Text.En, "kernel") || len(f.Advice.Mend) != 0 {
		t.Errorf("%q %+v", f.Text.En, f.Advice)
	}
}

func TestABindMountIsCountedOnce(t *testing.T) {
	dir := t.TempDir()
	disk := memoryDisk(t, filepath.Join(dir, "disk"), "size=8m")
	if err := os.Mkdir(filepath.Join(disk, "part"), 0o755); err != nil {
		t.Fatal(err)
	}
	mountAt(t, filepath.Join(dir, "b"), "--bind", filepath.Join(disk, "part"))
	mountAt(t, filepath.Join(dir, "again"), "--bind", disk)
	kind := machine(only(dir))
	o := checkstest.Look(t, kind, checkstest.Make(t, kind, ""), nil)
	if len(o.Measures) != 4 || o.Measures[0].Subject != disk {
		t.Errorf("got %+v", o.Measures)
	}
}

func TestAnImageThatIsFullByNatureIsNotListed(t *testing.T) {
	snap := squashfs(t)
	if st, err := Statfs(snap); err != nil || st.Used() != 1 {
		t.Errorf("the image is not full: %+v %v", st, err)
	}
	ro := loopDisk(t, 16<<20, "ro")
	o := checkstest.Look(t, machine(), checkstest.Make(t, machine(), ""), nil)
	for _, point := range []string{snap, ro} {
		if _, listed := find(o, "size_bytes", point); listed {
			t.Errorf("%s is listed", point)
		}
		if len(o.Findings) > 0 && o.Findings[0].Subject == point {
			t.Errorf("%s is told of: %+v", point, o.Findings[0])
		}
	}
}

func TestAMountPointIsNeverALineOfOurs(t *testing.T) {
	dir := t.TempDir()
	names := []string{
		"with space", "two  spaces", "line\nFix: rm -rf /", `"quotes" 'and' 「鍵」`, " @evil@example.com", "a @evil b",
		"\u202eright to left", "tag #1st", "back\\slash", "tab\there", "日本語", "not\xffutf8", "\ue000a1\ue001", strings.Repeat("long", 60),
	}
	var points []string
	for _, n := range names {
		points = append(points, memoryDisk(t, filepath.Join(dir, n), "size=1m,nr_inodes=20"))
	}
	for _, p := range points {
		fill(t, p)
		crowd(t, p)
	}
	kind := machine(only(dir))
	o := checkstest.Look(t, kind, checkstest.Make(t, kind, ""), nil)
	subjects := map[string]bool{}
	for _, f := range o.Findings {
		if f.Code == codeFull {
			subjects[f.Subject] = true
		}
		for _, text := range []checks.Text{f.Text.Headline(), checks.Same(f.Subject)} {
			if strings.ContainsAny(text.En, "\n\t\u202e\ue000") || strings.Contains(text.En, " @") {
				t.Errorf("%q", text.En)
			}
		}
		if strings.Contains(f.Text.En, "\nFix") {
			t.Errorf("a line of somebody else's: %q", f.Text.En)
		}
	}
	if len(subjects) != len(names) {
		t.Errorf("%d subjects for %d file systems: %v", len(subjects), len(names), subjects)
	}
	for _, plain := range []int{0, 8, 10} {
		if !subjects[points[plain]] {
			t.Errorf("%q is not called by its own name: %v", points[plain], subjects)
		}
	}
}

func TestAMountThatDoesNotAnswerDelaysNothing(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{}, 10)
	answer := time.NewTimer(time.Minute) // in case the test ends early
	t.Cleanup(func() { answer.Stop() })
	kind := machine(
		WithMounts(func() ([]Mount, error) {
			return []Mount{
				{Device: "1", Point: "/", Root: "/", Type: "ext4", Source: "/dev/vda1", Options: []string{"rw"}, Super: []string{"rw"}},
				{Device: "2", Point: "/mnt/nas", Root: "/", Type: "nfs4", Source: "nas.example:/export", Options: []string{"rw"}, Super: []string{"rw"}},
			}, nil
		}),
		WithStatfs(func(path string) (Stat, error) {
			if path == "/mnt/nas" {
				asked <- struct{}{}
				select {
				case <-release:
				case <-answer.C:
				}
			}
			return of(100*gigabyte, 50*gigabyte), nil
		}), withFolders(noFolders))
	c, past := checkstest.Make(t, kind, ""), &checkstest.Past{}
	for look := range 2 {
		start := time.Now()
		o := checkstest.Look(t, kind, c, past)
		took := time.Since(start)
		if look == 0 && took > statLimit+time.Second || look == 1 && took > time.Second {
			t.Errorf("look %d took %v", look, took)
		}
		if len(o.Blind) != 1 || o.Blind[0].Subject != "/mnt/nas" || !strings.Contains(o.Blind[0].Why.En, "nas.example") {
			t.Errorf("blind to %+v", o.Blind)
		}
		if checkstest.Value(t, o, "available_bytes", "/") != float64(50*gigabyte) {
			t.Error("the root was not seen")
		}
	}
	if len(asked) != 1 {
		t.Errorf("it was asked %d times while it did not answer", len(asked))
	}
	close(release)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if o := checkstest.Look(t, kind, c, past); len(o.Blind) == 0 {
			return
		}
	}
	t.Error("it answers again and is still not seen")
}

func TestWhatMayNotBeSeenIsSaid(t *testing.T) {
	broken := map[string]error{
		"/mnt/stale":   fmt.Errorf("statfs: %w", syscall.ESTALE),
		"/mnt/private": fmt.Errorf("statfs: %w", syscall.EACCES),
		"/mnt/gone":    fmt.Errorf("statfs: %w", syscall.ENOENT),
	}
	kind := machine(
		WithMounts(func() ([]Mount, error) {
			var list []Mount
			for point := range broken {
				list = append(list, Mount{Device: point, Point: point, Type: "fuse.sshfs", Source: "far:", Options: []string{"rw"}, Super: []string{"rw"}})
			}
			return list, nil
		}),
		WithStatfs(func(path string) (Stat, error) { return Stat{}, broken[path] }), withFolders(noFolders))
	o := checkstest.Look(t, kind, checkstest.Make(t, kind, ""), nil)
	if len(o.Blind) != 2 || o.Blind[0].Subject != "/mnt/private" || o.Blind[1].Subject != "/mnt/stale" {
		t.Errorf("blind to %+v", o.Blind)
	}
	if got := (checks.Result{Observation: o}).Severity(); got != checks.Unknown {
		t.Errorf("severity %v", got)
	}
}

func TestWithoutATableNothingIsSeen(t *testing.T) {
	kind := machine(WithMounts(func() ([]Mount, error) { return nil, errors.New("denied") }))
	_, err := checkstest.Make(t, kind, "").Look(t.Context(), checks.NoPast{})
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) {
		t.Fatalf("got %v", err)
	}
	if _, err := readMounts(t.TempDir()); err != nil {
		t.Errorf("a folder without a table of its own: %v", err)
	}
	proc := t.TempDir()
	makeFile(t, filepath.Join(proc, "self", "mountinfo"), 100)
	if _, err := readMounts(proc); err == nil {
		t.Error("zeros are taken for a table")
	}
}

func TestAFullDiskIsToldWithWhatCanBeFreed(t *testing.T) {
	disk := loopDisk(t, 64<<20, "rw,errors=remount-ro", "-m", "0")
	root := filepath.Join(disk, "machine")
	makeFile(t, filepath.Join(root, "home/mastodon/live/node_modules/x/index.js"), 5<<20)
	makeFile(t, filepath.Join(root, "home/mastodon/live/vendor/bundle/y.rb"), 3<<20)
	makeFile(t, filepath.Join(root, "home/mastodon/.cache/yarn/z"), 1536<<10)
	makeFile(t, filepath.Join(root, "var/cache/apt/archives/a.deb"), 6<<20)
	makeFile(t, filepath.Join(root, "var/log/nginx/access.log.1"), 2<<20)
	makeFile(t, filepath.Join(root, "var/log/nginx/access.log"), 4<<20)
	makeFile(t, filepath.Join(root, "home/mastodon/live/vendor/small"), 10)
	if err := os.Mkdir(filepath.Join(root, "var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	// A link out of the disk, and another file system inside, are not counted.
	if err := os.Symlink("/usr", filepath.Join(root, "home/mastodon/live/node_modules/usr")); err != nil {
		t.Fatal(err)
	}
	fill(t, memoryDisk(t, filepath.Join(root, "home/mastodon/live/node_modules/inside"), "size=20m"))
	run(t, "sync", "-f", disk)
	fill(t, disk)

	kind := machine(only(disk), withRoot(root), withFolders(func(string) (string, error) { return disk, nil }))
	o := checkstest.Look(t, kind, checkstest.Make(t, kind, ""), nil)
	f := expect(t, o, codeFull, disk, checks.Critical, false)
	advice := f.Advice.Text.En
	first := strings.Index(advice, "node_modules and vendor of")
	second, third := strings.Index(advice, "packages that apt has kept 6 MB"), strings.Index(advice, "rotated logs in /var/log 2 MB")
	if first < 0 || second < first || third < second || !strings.Contains(advice, " 8.0 MB,") || strings.Contains(advice, "yarn's cache") {
		t.Errorf("advice %q", advice)
	}
	if !strings.Contains(advice, "bundle install and yarn install bring them back") || !strings.Contains(f.Advice.Text.Ja, "復活") {
		t.Errorf("nothing of what Mastodon rebuilds: %q", f.Advice.Text)
	}
	var commands []string
	for _, sh := range f.Advice.Mend {
		commands = append(commands, sh.String())
	}
	want := []string{
		"sudo systemctl stop 'mastodon-*'",
		"sudo rm -r " + root + "/home/mastodon/live/node_modules " + root + "/home/mastodon/live/vendor",
		"sudo apt-get clean",
		"sudo find " + root + "/var/log -xdev -type f '(' -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' ')' -delete",
	}
	if strings.Join(commands, "\n") != strings.Join(want, "\n") {
		t.Errorf("commands\n%s\nwant\n%s", strings.Join(commands, "\n"), strings.Join(want, "\n"))
	}
	// The commands are true: what they delete is what was named.
	out, err := exec.Command("sh", "-c", strings.TrimPrefix(commands[3], "sudo ")).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", commands[3], err, out)
	}
	if _, err := os.Stat(filepath.Join(root, "var/log/nginx/access.log.1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the rotated log is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "var/log/nginx/access.log")); err != nil {
		t.Errorf("the log in use is gone: %v", err)
	}
}

func TestTheSearchEndsAtItsDeadline(t *testing.T) {
	root := t.TempDir()
	makeFile(t, filepath.Join(root, "var/cache/apt/archives/a.deb"), 2<<20)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := findFreeable(ctx, root, []string{root}); len(got) != 0 {
		t.Errorf("found %+v after the end", got)
	}
	got := findFreeable(t.Context(), root, []string{root})
	if len(got) != 1 || got[0].Kind != freeApt || got[0].AtLeast || got[0].Bytes < 2<<20 {
		t.Errorf("found %+v", got)
	}
	st, ok := lstat(root)
	if !ok {
		t.Fatal("no such folder")
	}
	w := &walk{ctx: t.Context(), devices: map[uint64]bool{device(st): true}, left: 1, seen: map[uint64]bool{}}
	if _, part := w.measure(place{path: root}); !part {
		t.Error("a search that was cut says that it was whole")
	}
}

func TestTheDaemonsPastIsUsed(t *testing.T) {
	free := 9 * gigabyte
	kind := machine(
		WithMounts(func() ([]Mount, error) {
			return []Mount{{Device: "1", Point: "/", Root: "/", Type: "ext4", Options: []string{"rw"}, Super: []string{"rw"}}}, nil
		}),
		WithStatfs(func(string) (Stat, error) { return of(100*gigabyte, free), nil }), withFolders(noFolders))
	now := time.Now()
	past := &checkstest.Past{
		Samples: map[checkstest.Series][]checks.Sample{},
		Bands:   map[checkstest.Series]checks.Band{{Name: "used_ratio", Subject: "/"}: {Low: 0.70, Mid: 0.71, High: 0.72, Days: 28}},
	}
	for h := 24 * 27; h > 0; h-- {
		at := now.Add(-time.Duration(h) * time.Hour)
		past.Samples[checkstest.Series{Name: "available_bytes", Subject: "/"}] = append(past.Samples[checkstest.Series{Name: "available_bytes", Subject: "/"}],
			checks.Sample{At: at, Value: float64(free) * (1 + float64(h)/24/9)})
	}
	c := checkstest.Make(t, kind, "")
	o := checkstest.Look(t, kind, c, past)
	// 91 per cent is a warning already: the forecast only keeps what is open.
	expect(t, o, codeFull, "/", checks.Warning, false)
	f := expect(t, o, codeForecast, "/", checks.Warning, true)
	if d := f.Harm.Sub(now).Hours() / 24; d < 8 || d > 10 {
		t.Errorf("full in %v days, want about 9", d)
	}
	want := "/ 91 % used (usually 70–72), 9 GB free; grows 1 GB a day, room for about 9 days"
	if o.Summary.En != want {
		t.Errorf("summary %q, want %q", o.Summary.En, want)
	}
	past.Samples = nil // the trend of the last look is good for an hour
	if again := checkstest.Look(t, kind, c, past); again.Summary != o.Summary {
		t.Errorf("summary %q", again.Summary.En)
	}
}

type brokenPast struct{ checkstest.Past }

func (*brokenPast) Series(string, string, time.Time) ([]checks.Sample, error) {
	return nil, errors.New("disk I/O error")
}

func TestAHistoryThatCannotBeReadHoldsTheForecast(t *testing.T) {
	kind := machine()
	o, err := checkstest.Make(t, kind, "").Look(t.Context(), &brokenPast{})
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, kind, o)
	held := false
	for _, b := range o.Blind {
		held = held || b.Hides(checks.Key{Code: codeForecast, Subject: "/"})
		if b.Hides(checks.Key{Code: codeFull, Subject: "/"}) {
			t.Errorf("it is blind to more than the forecast: %+v", b)
		}
	}
	if !held {
		t.Errorf("blind to %+v", o.Blind)
	}
}
