package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/disk"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

// numeric is what may be an IP address, with or without a port.
var numeric = regexp.MustCompile(`[0-9A-Fa-f:]*[.:][0-9A-Fa-f.:]*[0-9A-Fa-f]`)

// withoutAddresses is a text without IP addresses but loopback's and the
// wildcards.
func withoutAddresses(text string) string {
	return numeric.ReplaceAllStringFunc(text, func(word string) string {
		ip, err := netip.ParseAddr(word)
		port := ""
		if both, e := netip.ParseAddrPort(word); err != nil && e == nil {
			ip, err, port = both.Addr(), nil, word[strings.LastIndexByte(word, ':'):]
		}
		if err != nil || ip.IsLoopback() || ip.IsUnspecified() {
			return word
		}
		return "ADDRESS" + port
	})
}

// stateRoom is the room below which the state file may soon not be written any
// more (own).
const stateRoom = 100 << 20

// state looks at the file that the daemon remembers in, and at its disk.
func (d *doctoring) state(ctx context.Context) (all []point) {
	path := filepath.Join(d.env.root, d.config.State.Path)
	size, err := state.Inspect(ctx, path)
	var file *state.FileError
	switch {
	case errors.As(err, &file):
		return []point{ill(checks.Critical, checks.Same(err.Error()))}
	case errors.Is(err, fs.ErrPermission):
		return []point{ill(checks.Unknown, closedStateText(path), checks.Sh("sudo", "sababan", "doctor"))}
	case err != nil:
		return []point{ill(checks.Unknown, checks.Same(checks.Quote(err.Error())))}
	case size == 0:
		all = append(all, well(noStateText(path)))
	default:
		all = append(all, well(stateText(path, size)))
	}
	folder := filepath.Dir(path)
	for folder != "/" {
		if _, err := os.Stat(folder); err == nil {
			break
		}
		folder = filepath.Dir(folder)
	}
	if usage, err := disk.UsageWithContext(ctx, folder); err == nil && usage.Free < stateRoom {
		all = append(all, ill(checks.Warning, stateRoomText(folder, usage.Free)))
	}
	return all
}

// copied looks whether site.env is older than what it was copied from.
func (d *doctoring) copied(ctx context.Context) []point {
	changed, at, err := d.config.Site.StaleCopy(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil // there is none; or Mastodon's folder is closed to us, as it may be
	case err != nil:
		return []point{ill(checks.Unknown, checks.Same(checks.Quote(err.Error())))}
	case changed != "":
		return []point{ill(checks.Warning, staleText(changed, at), checks.Sh("sudo", "sababan", "init", "--settings"), checks.Sh("sudo", "systemctl", "reload", "sababan"))}
	}
	return nil
}

// mounts compares what this process and the daemon see with what the machine
// has: a sandbox must not make "all fine" out of blindness.
func (d *doctoring) mounts() []point {
	proc := d.config.Site.Proc
	whole, err := mountPoints(filepath.Join(proc, "1/mountinfo"))
	if err != nil {
		return []point{ill(checks.Unknown, mountsUnseenText(), checks.Sh("sudo", "sababan", "doctor"))}
	}
	seen := map[string]bool{}
	var hidden []string
	for _, one := range append([]string{"self"}, daemons(proc)...) {
		mine, err := mountPoints(filepath.Join(proc, one, "mountinfo"))
		if err != nil {
			continue
		}
		for _, h := range hiddenBy(whole, mine) {
			if !seen[h] {
				seen[h] = true
				hidden = append(hidden, h)
			}
		}
	}
	if len(hidden) > 0 {
		return []point{ill(checks.Warning, hiddenText(hidden))}
	}
	return []point{well(mountsWellText())}
}

// A mountPoint is where something is mounted, and what.
type mountPoint struct{ path, kind, device string }

// mountPoints reads /proc/PID/mountinfo (proc(5)): the last of several on one
// another is what is seen.
func mountPoints(path string) (map[string]mountPoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := map[string]mountPoint{}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, 64<<10), 64<<10)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(rest) < 1 {
			continue
		}
		all[fields[4]] = mountPoint{fields[4], rest[0], fields[2] + fields[3]}
	}
	return all, lines.Err()
}

// watchedRoots are where the checks look that a sandbox likes to hide.
func watchedRoots() []string {
	return []string{"/home", "/root", "/tmp", "/var/tmp", "/var", "/srv", "/opt", "/mnt", "/media", "/etc", "/boot"}
}

// hiddenBy lists what a process does not see of the machine: file systems that
// hold data and are not mounted for it, and folders that something else lies
// over.
func hiddenBy(whole, mine map[string]mountPoint) (hidden []string) {
	for path, m := range whole {
		if holdsData(m.kind) {
			if _, ok := mine[path]; !ok {
				hidden = append(hidden, path)
			}
		}
	}
	for _, root := range watchedRoots() {
		m, covered := mine[root]
		w, before := whole[root]
		// The same folder bound over itself, read-only, hides nothing.
		if covered && !(before && w.device == m.device) && !sameFolder(m, root) && !slices.Contains(hidden, root) {
			hidden = append(hidden, root)
		}
	}
	slices.Sort(hidden)
	return hidden
}

// sameFolder tells whether a mount shows the folder that it lies over.
func sameFolder(m mountPoint, root string) bool { return strings.HasSuffix(m.device, root) }

// holdsData tells whether a kind of file system is one that fills up.
func holdsData(kind string) bool {
	switch kind {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "nfs", "nfs4", "cifs", "ceph", "vfat", "fuse.sshfs", "fuse.s3fs", "fuse.rclone":
		return true
	}
	return false
}

// daemons are the processes that are "sababan run".
func daemons(proc string) (pids []string) {
	all, err := filepath.Glob(filepath.Join(proc, "[1-9]*/cmdline"))
	if err != nil {
		return nil
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil || len(text) > 4096 {
			continue
		}
		words := strings.Split(string(text), "\x00")
		if len(words) > 1 && filepath.Base(words[0]) == "sababan" && words[1] == "run" {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}
