package disk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Mount is one line of the kernel's mount table.
type Mount struct {
	// ID and Parent are the kernel's numbers for mounts; 0 where unknown.
	ID, Parent int
	// Device is "major:minor" or whatever else tells file systems apart.
	Device string
	// Root is the folder of the file system that is mounted: "/" unless it is
	// a bind mount or a subvolume.
	Root string
	// Point is where it is mounted, without escapes.
	Point string
	// Type is the file system's type: "ext4", "nfs4", "fuse.sshfs".
	Type string
	// Source is what was mounted: "/dev/vda1", "nas:/export".
	Source string
	// Options are those of this mount, Super those of the file system itself.
	Options, Super []string
}

// mountLineLimit bounds a table that a program with too many mounts has grown
// (own: a busy container host has a few thousand).
const mountLineLimit = 20000

// parseMountinfo reads the text of /proc/PID/mountinfo as proc(5) describes
// it. A line that makes no sense is left out; a table without one that does is
// an error.
func parseMountinfo(text string) ([]Mount, error) {
	var mounts []Mount
	lines := 0
	for line := range strings.Lines(text) {
		if lines++; lines > mountLineLimit {
			break
		}
		if m, ok := parseMountLine(strings.TrimSuffix(line, "\n")); ok {
			mounts = append(mounts, m)
		}
	}
	if len(mounts) == 0 {
		return nil, fmt.Errorf("no mount in a table of %d lines", lines)
	}
	return mounts, nil
}

func parseMountLine(line string) (Mount, bool) {
	before, after, ok := strings.Cut(line, " - ")
	if !ok {
		return Mount{}, false
	}
	f, g := strings.Split(before, " "), strings.Split(after, " ")
	if len(f) < 6 || len(g) < 3 {
		return Mount{}, false
	}
	id, err := strconv.Atoi(f[0])
	if err != nil {
		return Mount{}, false
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return Mount{}, false
	}
	m := Mount{
		ID: id, Parent: parent, Device: f[2],
		Root: unescape(f[3]), Point: unescape(f[4]), Options: strings.Split(f[5], ","),
		Type: unescape(g[0]), Source: unescape(g[1]), Super: strings.Split(g[2], ","),
	}
	return m, strings.HasPrefix(m.Point, "/") && m.Device != ""
}

// unescape undoes the kernel's \ooo for space, tab, newline, backslash and #.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// imageTypes can only be read and are full by nature.
var imageTypes = set("squashfs", "iso9660", "erofs", "cramfs", "romfs", "udf",
	"fuse.snapfuse", "fuse.squashfuse", "fuse.squashfuse_ll", "fuse.archivemount", "fuse.fuseiso")

// pseudoTypes hold no files of anybody.
var pseudoTypes = set("proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs",
	"tracefs", "pstore", "bpf", "configfs", "fusectl", "hugetlbfs", "mqueue", "autofs", "binfmt_misc",
	"rpc_pipefs", "nsfs", "efivarfs", "selinuxfs", "smackfs", "ramfs", "rootfs", "nfsd", "sockfs", "binder",
	"resctrl", "devfs", "linprocfs", "linsysfs", "fdescfs", "fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal")

// writableTypes live on a disk that the kernel may stop writing to.
var writableTypes = set("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "bcachefs",
	"vfat", "exfat", "ntfs3", "zfs")

// memoryTypes keep their files in RAM.
var memoryTypes = set("tmpfs")

// networkTypes are answered by another machine.
var networkTypes = set("nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "lustre", "afs", "ncpfs",
	"fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.goofys", "fuse.davfs", "davfs")

// containerFolders hold the mounts of containers: layers of the very file
// system that they lie on, and small things in memory, dozens of them.
var containerFolders = []string{
	"/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/kubelet",
	"/run/containerd", "/run/docker", "/run/containers", "/run/k3s",
}

// fleetingFolders are made by systemd for one session or one service.
var fleetingFolders = []string{"/run/user", "/run/credentials", "/run/systemd"}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// under tells whether a path is a folder or lies below it.
func under(path, folder string) bool {
	return path == folder || folder == "/" || strings.HasPrefix(path, folder+"/")
}

func underAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return under(path, f) })
}

// A reason says why a mount is looked at, or why it is not.
type reason string

const (
	reasonReal      reason = "real"
	reasonImage     reason = "read-only image"
	reasonPseudo    reason = "pseudo file system"
	reasonKernel    reason = "the kernel's own tree"
	reasonFleeting  reason = "a session's or a service's own"
	reasonContainer reason = "a container's layer"
	reasonReadOnly  reason = "mounted to be read only"
	reasonIgnored   reason = "ignored by the settings"
)

// worthLooking tells whether a mount is a real file system that can fill.
// stopped says that the kernel or somebody stopped the writing to it: then it
// is looked at although it is read-only.
func worthLooking(m Mount, stopped bool) reason {
	switch {
	case imageTypes[m.Type]:
		return reasonImage
	case pseudoTypes[m.Type]:
		return reasonPseudo
	case under(m.Point, "/proc"), under(m.Point, "/sys"), under(m.Point, "/dev") && m.Point != "/dev/shm":
		return reasonKernel
	case underAny(m.Point, fleetingFolders):
		return reasonFleeting
	case underAny(m.Point, containerFolders) && (m.Type == "overlay" || memoryTypes[m.Type]):
		return reasonContainer
	case slices.Contains(m.Super, "ro") && !stopped:
		return reasonReadOnly
	}
	return reasonReal
}

// hidden tells whether another mount lies over this one, so that its path
// leads elsewhere: one at the same point or above it that is not among the
// mounts it hangs on.
func hidden(m Mount, all []Mount) bool {
	if m.ID == 0 {
		return false
	}
	parent := make(map[int]int, len(all))
	for _, o := range all {
		parent[o.ID] = o.Parent
	}
	hangsOn := map[int]bool{m.ID: true}
	for id, ok := parent[m.ID]; ok && !hangsOn[id]; id, ok = parent[id] {
		hangsOn[id] = true
	}
	for _, o := range all {
		if !hangsOn[o.ID] && under(m.Point, o.Point) {
			return true
		}
	}
	return false
}

// better tells which of two mounts of one file system names it best: the root,
// then the whole before a part of it, then the shorter path.
func better(a, b Mount) bool {
	rank := func(m Mount) int {
		switch {
		case m.Point == "/":
			return 0
		case m.Root == "/" || m.Root == "":
			return 1
		}
		return 2
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra < rb
	}
	if len(a.Point) != len(b.Point) {
		return len(a.Point) < len(b.Point)
	}
	return a.Point < b.Point
}

// A volume is one file system, with every point at which it is mounted; the
// first names it.
type volume struct {
	Mount
	points []string
}

// volumes puts mounts of one device together, best name first, in the order
// of their points.
func volumes(mounts []Mount) []volume {
	byDevice := map[string]*volume{}
	for _, m := range mounts {
		v, ok := byDevice[m.Device]
		if !ok {
			byDevice[m.Device] = &volume{Mount: m, points: []string{m.Point}}
			continue
		}
		v.points = append(v.points, m.Point)
		if better(m, v.Mount) {
			v.Mount = m
		}
	}
	out := make([]volume, 0, len(byDevice))
	for _, v := range byDevice {
		slices.Sort(v.points)
		v.points = slices.Compact(v.points)
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b volume) int { return strings.Compare(a.Point, b.Point) })
	return out
}

// holding returns the device of the mount that holds a path.
func holding(path string, mounts []Mount) string {
	device, longest := "", -1
	for _, m := range mounts {
		// Of two at the same point the later one lies on top.
		if under(path, m.Point) && len(m.Point) >= longest {
			device, longest = m.Device, len(m.Point)
		}
	}
	return device
}
