package usage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func run(t *testing.T, words ...string) string {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return string(out)
}

// write makes a file with so many bytes that really lie on the disk.
func write(t *testing.T, path string, bytes int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if bytes > 0 {
		if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(bytes)); err != nil {
			t.Fatalf("%s: fallocate: %v", path, err)
		}
	}
}

func folderOf(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// du is what GNU du says of a folder, in bytes.
func du(t *testing.T, path string) int64 {
	t.Helper()
	out, err := exec.Command("du", "-s", "-x", "-B1", "--", path).Output()
	if err != nil {
		var status *exec.ExitError
		if !errors.As(err, &status) || status.ExitCode() != 1 { // 1: something could not be read
			t.Fatalf("du %s: %v", path, err)
		}
	}
	digits, _, _ := strings.Cut(string(out), "\t")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func both(t *testing.T, root string, p *plan) (*tree, *tree) {
	t.Helper()
	fast, err := walkTree(t.Context(), root, p)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := walkPlain(t.Context(), root, p)
	if err != nil {
		t.Fatal(err)
	}
	return fast, plain
}

// agree asserts that both walks and du say the same of a folder.
func agree(t *testing.T, root string) *tree {
	t.Helper()
	fast, plain := both(t, root, nil)
	want := du(t, root)
	if got := fast.Areas[0].Bytes; got != want {
		t.Errorf("%s: %d bytes, du says %d", root, got, want)
	}
	if got := plain.Areas[0].Bytes; got != want || plain.Entries != fast.Entries {
		t.Errorf("%s: the plain walk says %d bytes in %d entries, du %d, the other %d entries", root, got, plain.Entries, want, fast.Entries)
	}
	return fast
}

func TestTheTotalIsDusToTheByte(t *testing.T) {
	dir := t.TempDir()
	for i := range 300 {
		write(t, filepath.Join(dir, "files", fmt.Sprintf("%03d/%02d", i%10, i%7), fmt.Sprint(i)), i*100)
	}
	t.Run("of a system folder", func(t *testing.T) { agree(t, "/usr") })
	t.Run("of a small tree", func(t *testing.T) { agree(t, dir) })
	t.Run("of an empty folder", func(t *testing.T) { agree(t, folderOf(t, filepath.Join(dir, "empty"))) })
	t.Run("with hard links, counted once", func(t *testing.T) {
		d := filepath.Join(dir, "links")
		write(t, d+"/a/one", 1<<20)
		for i := range 50 {
			to := filepath.Join(folderOf(t, fmt.Sprintf("%s/b%d", d, i)), "again")
			if err := os.Link(d+"/a/one", to); err != nil {
				t.Fatal(err)
			}
		}
		if tree := agree(t, d); tree.Areas[0].Bytes > 2<<20 {
			t.Errorf("%d bytes: a link was counted again", tree.Areas[0].Bytes)
		}
	})
	t.Run("with a hole, by what lies on the disk", func(t *testing.T) {
		d := filepath.Join(dir, "sparse")
		write(t, d+"/hole", 0)
		if err := os.Truncate(d+"/hole", 10<<30); err != nil {
			t.Fatal(err)
		}
		if tree := agree(t, d); tree.Areas[0].Bytes > 1<<20 {
			t.Errorf("%d bytes: holes were counted", tree.Areas[0].Bytes)
		}
	})
	t.Run("with links that lead in a circle, out, and nowhere", func(t *testing.T) {
		d := folderOf(t, filepath.Join(dir, "symlinks/inner"))
		for from, to := range map[string]string{"loop": "..", "self": "self", "out": "/usr", "gone": "/nowhere", "long": "/" + strings.Repeat("x/", 400)} {
			if err := os.Symlink(to, filepath.Join(d, from)); err != nil {
				t.Fatal(err)
			}
		}
		agree(t, filepath.Dir(d))
	})
	t.Run("with pipes and sockets", func(t *testing.T) {
		d := folderOf(t, filepath.Join(dir, "special"))
		if err := syscall.Mkfifo(d+"/pipe", 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, d)
	})
	t.Run("with names that nobody would choose", func(t *testing.T) {
		d := filepath.Join(dir, "names")
		for _, n := range []string{"with space", "line\nbreak", `"quotes" 'and' 「鍵」`, "@evil", "\u202eleft", "not\xffutf8", "..x", ".hidden", "-rf", strings.Repeat("l", 255)} {
			write(t, filepath.Join(d, n, n), 5000)
		}
		agree(t, d)
	})
	t.Run("with more folders in one than are kept waiting", func(t *testing.T) {
		d := filepath.Join(dir, "wide")
		for i := range 5000 {
			folderOf(t, fmt.Sprintf("%s/%d/x", d, i))
		}
		agree(t, d)
	})
	t.Run("with folders in folders, and others beside each", func(t *testing.T) {
		d := filepath.Join(dir, "deep")
		for range 200 {
			d += "/d"
			folderOf(t, d+"/beside/more")
			write(t, d+"/f", 4096)
		}
		agree(t, filepath.Join(dir, "deep"))
	})
	t.Run("with another file system inside, which does not count", func(t *testing.T) {
		d := filepath.Join(dir, "mounted")
		write(t, d+"/own", 4096)
		memoryDisk(t, d+"/other", "size=8m")
		write(t, d+"/other/large", 4<<20)
		write(t, d+"/file", 0)
		if err := unix.Mount(d+"/other/large", d+"/file", "", unix.MS_BIND, ""); err != nil {
			t.Fatalf("this test needs to mount: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(d+"/file", unix.MNT_DETACH) })
		fast, plain := both(t, d, nil)
		own := du(t, d+"/own")
		if got := fast.Areas[0].Bytes; got > own+8192 || plain.Areas[0].Bytes != got {
			t.Errorf("%d bytes, plain %d, although only %d are on this file system", got, plain.Areas[0].Bytes, own)
		}
	})
}

func memoryDisk(t *testing.T, path, options string) string {
	t.Helper()
	folderOf(t, path)
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, options); err != nil {
		t.Fatalf("this test needs to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return path
}

func TestAFolderTooDeepIsSaid(t *testing.T) {
	dir := memoryDisk(t, filepath.Join(t.TempDir(), "disk"), "size=64m")
	at := dir
	for range deepest + 20 {
		at += "/d"
		if len(at) > 3000 {
			t.Fatal("the path is too long for this test")
		}
		folderOf(t, at)
		folderOf(t, at+"/e")
	}
	tree, err := walkTree(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tree.Areas[0].Unread == 0 || len(tree.Unread) == 0 || !errors.Is(tree.Unread[0].Err, errDeep) {
		t.Errorf("unread %d: %v", tree.Areas[0].Unread, tree.Unread)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil || len(open) > 100 {
		t.Errorf("%d descriptors are open after the walk, %v", len(open), err)
	}
}

func TestEachAreaIsWhatDuSaysOfIt(t *testing.T) {
	dir := t.TempDir()
	for i, p := range []string{"log/nginx/access.log", "log/nginx/old/access.log.1", "log/syslog", "log/syslog.1", "log/syslog.2.gz", "live/public/system/cache/x/y", "live/public/system/own/z", "live/public/w", "live/app/v"} {
		write(t, filepath.Join(dir, p), (i+1)*100_000)
	}
	p := &plan{}
	p.at("log").each, p.at("log").named, p.at("log").group = true, true, logName
	p.at("live").each, p.at("live").named = true, true
	p.at("live/public/system").named = true
	p.at("live/public/system/cache").named = true
	p.at("live/app").skip = true
	fast, plain := both(t, dir, p)
	for _, tree := range []*tree{fast, plain} {
		for _, below := range []string{"log", "log/nginx", "live/public", "live/public/system", "live/public/system/cache"} {
			a, ok := tree.find(filepath.Join(dir, below))
			if want := du(t, a.Path); !ok || a.Bytes != want {
				t.Errorf("%s: %d bytes, du says %d, known %v", below, a.Bytes, want, ok)
			}
		}
		var syslog int64
		for _, f := range []string{"syslog", "syslog.1", "syslog.2.gz"} {
			syslog += du(t, filepath.Join(dir, "log", f))
		}
		if a, _ := tree.find(filepath.Join(dir, "log/syslog")); a.Bytes != syslog {
			t.Errorf("the log and what was rotated of it are %d bytes, du says %d", a.Bytes, syslog)
		}
		if want := du(t, dir) - du(t, filepath.Join(dir, "live/app")); tree.Areas[0].Bytes != want {
			t.Errorf("all is %d bytes, du says %d", tree.Areas[0].Bytes, want)
		}
		if _, ok := tree.find(filepath.Join(dir, "live/app")); ok {
			t.Error("what was to be left out is an area")
		}
	}
}

func TestAFileOfSeveralNamesBelongsToTheFirstAreaEveryNight(t *testing.T) {
	dir := t.TempDir()
	for i := range 200 {
		write(t, filepath.Join(dir, "b", fmt.Sprint(i)), 8192)
		for _, other := range []string{"a", "c"} {
			if err := os.Link(filepath.Join(dir, "b", fmt.Sprint(i)), filepath.Join(folderOf(t, filepath.Join(dir, other)), fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 20 {
		tree, err := walkTree(t.Context(), dir, &plan{each: true})
		if err != nil {
			t.Fatal(err)
		}
		a, _ := tree.find(dir + "/a")
		b, _ := tree.find(dir + "/b")
		if a.Bytes < 200*8192 || b.Bytes > 100_000 || tree.Areas[0].Bytes != du(t, dir) {
			t.Fatalf("a has %d bytes, b %d, all %d", a.Bytes, b.Bytes, tree.Areas[0].Bytes)
		}
	}
}

func TestBeyondTheLimitOfLinksItIsSaid(t *testing.T) {
	l := newLedger("/")
	l.limit = 2
	var tl tally
	for i := range 100 {
		for range 2 {
			l.file(&tl, 0, file{blocks: 8, inode: uint64(i), links: 2}, []byte("x"), func() string { return "" })
		}
	}
	tree := l.tree([]tally{tl})
	parts := int64(len(l.links))
	if tree.Links != 2*(100-2*parts) || tree.Areas[0].Bytes != (2*parts+2*(100-2*parts))*4096 {
		t.Errorf("%d beyond, %d bytes", tree.Links, tree.Areas[0].Bytes)
	}
}

func TestAWalkEndsWithinMillisecondsOfItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := walkTree(ctx, "/usr", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := walkTree(ctx, "/usr", nil); err != nil {
				ended <- err
				return
			}
		}
	}()
	timer := time.NewTimer(30 * time.Millisecond)
	<-timer.C
	began := time.Now()
	cancel()
	err := <-ended
	if took := time.Since(began); !errors.Is(err, context.Canceled) || took > 200*time.Millisecond {
		t.Errorf("it took %v to end: %v", took, err)
	}
	if _, err := walkPlain(ctx, "/usr", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the plain walk: %v", err)
	}
}

func TestFilesThatVanishUnderneathAreNoTrouble(t *testing.T) {
	dir := memoryDisk(t, filepath.Join(t.TempDir(), "disk"), "size=64m")
	stop := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		for {
			for i := range 300 {
				d := fmt.Sprintf("%s/%d/in", dir, i%50)
				if err := os.MkdirAll(d, 0o755); err != nil {
					ended <- err
					return
				}
				if err := os.WriteFile(fmt.Sprintf("%s/%d", d, i), []byte("x"), 0o600); err != nil {
					ended <- err
					return
				}
			}
			for i := range 50 {
				if err := os.RemoveAll(fmt.Sprintf("%s/%d", dir, i)); err != nil {
					ended <- err
					return
				}
			}
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
		}
	}()
	for range 300 {
		for _, walk := range []func(context.Context, string, *plan) (*tree, error){walkTree, walkPlain} {
			tree, err := walk(t.Context(), dir, nil)
			if err != nil || tree.Areas[0].Unread > 0 {
				t.Errorf("%v %v", err, tree)
			}
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestARootThatIsNotThereIsAnError(t *testing.T) {
	for _, walk := range []func(context.Context, string, *plan) (*tree, error){walkTree, walkPlain} {
		if _, err := walk(t.Context(), filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}

func TestDumpsAreKnownByNameAndSize(t *testing.T) {
	for name, want := range map[string]bool{
		"mastodon.dump": true, "a.pgdump": true, "b.sql": true, "b.sql.gz": true, "c.dump.zst": true, "d.tar": true,
		"e.tar.gz": false, "access.log": false, "sql": false, "movie.mp4": false, "x.sql.gz.bak": false, ".gz": false,
	} {
		if isDump(name) != want {
			t.Errorf("isDump(%q) = %v", name, !want)
		}
	}
	dir := t.TempDir()
	write(t, dir+"/deep/mastodon.dump", dumpSize)
	write(t, dir+"/small.sql", 4096)
	if err := os.Link(dir+"/deep/mastodon.dump", dir+"/same.dump"); err != nil {
		t.Fatal(err)
	}
	fast, plain := both(t, dir, nil)
	for _, tree := range []*tree{fast, plain} {
		if len(tree.Dumps) != 1 || tree.Dumps[0].Bytes < dumpSize || time.Since(tree.Dumps[0].At) > time.Minute {
			t.Errorf("%+v", tree.Dumps)
		}
	}
}

func TestThePrioritiesOfTheWalkAreNobodyElses(t *testing.T) {
	if _, err := walkTree(t.Context(), t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		slow := 0
		for _, task := range tasks {
			id, err := strconv.Atoi(task.Name())
			if err != nil {
				t.Fatal(err)
			}
			// The system call answers 20 - niceness.
			if n, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && 20-n == lowest {
				slow++
			}
		}
		if slow == 0 || slow == 1 { // the main thread cannot be ended: it sleeps for good
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Error("threads of the walk live on with its priority")
}
