package disk

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// of makes the room of a disk: how large, and how much of it users can have.
func of(size, available Size) Stat {
	return Stat{Size: uint64(size), Free: uint64(available), Available: uint64(available)}
}

func TestTheRoomOnADisk(t *testing.T) {
	for _, c := range []struct {
		sentence            string
		stat                Stat
		important, inMemory bool
		severity            checks.Severity
		holds               bool
	}{
		{"seventy per cent in use is fine", of(25*gigabyte, 7.2*gigabyte), true, false, checks.OK, false},
		{"eighty-one per cent in use is fine", of(100*gigabyte, 19*gigabyte), true, false, checks.OK, false},
		{"between 82 and 85 per cent it only holds", of(100*gigabyte, 17*gigabyte), true, false, checks.Warning, true},
		{"86 per cent with 14 GB free is a warning", of(100*gigabyte, 14*gigabyte), true, false, checks.Warning, false},
		{"86 per cent with 140 GB free is fine", of(1000*gigabyte, 140*gigabyte), true, false, checks.OK, false},
		{"86 per cent with a little more than 50 GB free only holds", of(380*gigabyte, 52*gigabyte), true, false, checks.Warning, true},
		{"96 per cent is critical even with 400 GB free", of(10*terabyte, 400*gigabyte), false, false, checks.Critical, false},
		{"1.9 GB free on the root of a 12 GB disk is critical", of(12*gigabyte, 1.9*gigabyte), true, false, checks.Critical, false},
		{"1.9 GB free on an unimportant disk of 12 GB is a matter of per cent", of(12*gigabyte, 1.9*gigabyte), false, false, checks.Warning, true},
		{"1.9 GB free on a disk of 4 GB is fine", of(4*gigabyte, 1.9*gigabyte), true, false, checks.OK, false},
		{"2.1 GB free on the root of a 9 GB disk only holds", of(9*gigabyte, 2.1*gigabyte), true, false, checks.Warning, true},
		{"nothing left is critical", of(100*gigabyte, 0), true, false, checks.Critical, false},
		{"memory that is quite full is never more than a warning", of(2*gigabyte, 0), true, true, checks.Warning, false},
		{"memory between 82 and 85 per cent only holds", of(100*gigabyte, 16.5*gigabyte), false, true, checks.Warning, true},
		{"memory half full is fine", of(2*gigabyte, 1*gigabyte), false, true, checks.OK, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			v := judgeBytes(c.stat, defaultConfig(), c.important, c.inMemory)
			if v.Severity != c.severity || v.Holds != c.holds {
				t.Errorf("got %+v at %.1f %%", v, c.stat.Used()*100)
			}
		})
	}
}

func TestWhatIsReservedForRootIsNotCountedAsRoom(t *testing.T) {
	s := Stat{Size: 1000, Free: 100, Available: 50}
	if got := s.Used(); got < 0.947 || got > 0.948 { // 900 of 950, as df has it
		t.Errorf("Used = %v", got)
	}
	if got := (Stat{}).Used(); got != 0 {
		t.Errorf("nothing of nothing is %v", got)
	}
	if got := (Stat{Size: 10, Free: 20, Available: 10}).Used(); got != 0 {
		t.Errorf("more free than there is: %v", got)
	}
}

func TestTheInodesOfADisk(t *testing.T) {
	for _, c := range []struct {
		sentence     string
		inodes, free uint64
		inMemory     bool
		severity     checks.Severity
		holds        bool
	}{
		{"a file system without a fixed number is fine", 0, 0, false, checks.OK, false},
		{"half in use is fine", 1000, 500, false, checks.OK, false},
		{"83 per cent only holds", 1000, 170, false, checks.Warning, true},
		{"85 per cent is a warning", 1000, 150, false, checks.Warning, false},
		{"95 per cent is critical", 1000, 50, false, checks.Critical, false},
		{"none left in memory is a warning", 1000, 0, true, checks.Warning, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			v := judgeInodes(Stat{Inodes: c.inodes, InodesFree: c.free}, defaultConfig(), c.inMemory)
			if v.Severity != c.severity || v.Holds != c.holds {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func mountOf(kind, mountOptions, superOptions string) Mount {
	return Mount{
		Device: "254:0", Root: "/", Point: "/", Type: kind, Source: "/dev/vda1",
		Options: strings.Split(mountOptions, ","), Super: strings.Split(superOptions, ","),
	}
}

func TestWhetherTheWritingHasStopped(t *testing.T) {
	loop := mountOf("ext4", "ro,relatime", "ro,errors=remount-ro")
	loop.Source = "/dev/loop3"
	for _, c := range []struct {
		sentence string
		mount    Mount
		before   bool
		want     string
	}{
		{"a disk that is written to is writable", mountOf("ext4", "rw,relatime", "rw,errors=remount-ro"), true, writable},
		{"a sandbox that sees a writable disk read-only proves nothing", mountOf("ext4", "ro,nosuid", "rw,errors=remount-ro"), true, writable},
		{"a read-only file system under a writable mount is the kernel's doing", mountOf("ext4", "rw,relatime", "ro,errors=remount-ro"), false, stoppedError},
		{"ext4's emergency is the kernel's doing although it stays rw", mountOf("ext4", "rw,relatime", "rw,errors=remount-ro,emergency_ro"), true, stoppedError},
		{"ext4 that was shut down is the kernel's doing", mountOf("ext4", "rw", "rw,shutdown"), true, stoppedError},
		{"xfs that was writable and is not any more has stopped", mountOf("xfs", "ro,relatime", "ro,attr2"), true, stoppedBefore},
		{"xfs that was always read-only is meant so", mountOf("xfs", "ro,relatime", "ro,attr2"), false, meant},
		{"ext4 with errors=remount-ro found read-only has stopped", mountOf("ext4", "ro,relatime", "ro,errors=remount-ro"), false, stoppedError},
		{"the same on a loop device is an image", loop, false, meant},
		{"a loop device that was writable has stopped", loop, true, stoppedBefore},
		{"a read-only NFS is meant so", mountOf("nfs4", "ro", "ro,vers=4.2"), true, meant},
		{"a squashfs is meant so", mountOf("squashfs", "ro", "ro"), true, meant},
		{"a tmpfs is writable", mountOf("tmpfs", "rw", "rw,size=8m"), false, writable},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got := judgeReadOnly(c.mount, c.before); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func at(point, kind string, super ...string) Mount {
	if super == nil {
		super = []string{"rw"}
	}
	return Mount{Point: point, Type: kind, Root: "/", Options: []string{"rw"}, Super: super}
}

func TestWhichMountsAreLookedAt(t *testing.T) {
	for _, c := range []struct {
		sentence string
		mount    Mount
		stopped  bool
		want     reason
	}{
		{"the root on ext4", at("/", "ext4"), false, reasonReal},
		{"a container's root on overlay", at("/", "overlay"), false, reasonReal},
		{"/tmp in memory", at("/tmp", "tmpfs"), false, reasonReal},
		{"/dev/shm", at("/dev/shm", "tmpfs"), false, reasonReal},
		{"/run", at("/run", "tmpfs"), false, reasonReal},
		{"/run/lock", at("/run/lock", "tmpfs"), false, reasonReal},
		{"an NFS", at("/mnt/nas", "nfs4"), false, reasonReal},
		{"an sshfs", at("/mnt/far", "fuse.sshfs"), false, reasonReal},
		{"a snap", at("/snap/core18/1705", "squashfs", "ro"), false, reasonImage},
		{"a CD", at("/media/cdrom", "iso9660", "ro"), false, reasonImage},
		{"an erofs image", at("/opt/image", "erofs", "ro"), false, reasonImage},
		{"a read-only image on ext4", at("/opt/image", "ext4", "ro"), false, reasonReadOnly},
		{"a disk that the kernel made read-only", at("/", "ext4", "ro"), true, reasonReal},
		{"/proc", at("/proc", "proc"), false, reasonPseudo},
		{"an automounter's trigger", at("/home/far", "autofs"), false, reasonPseudo},
		{"/dev", at("/dev", "devtmpfs"), false, reasonPseudo},
		{"the old control groups' tmpfs", at("/sys/fs/cgroup", "tmpfs"), false, reasonKernel},
		{"a session's folder", at("/run/user/1002", "tmpfs"), false, reasonFleeting},
		{"a service's credentials", at("/run/credentials/systemd-sysusers.service", "tmpfs", "ro"), false, reasonFleeting},
		{"a tiny tmpfs that can only be read", at("/mnt/tiny", "tmpfs", "ro", "size=4k"), false, reasonReadOnly},
		{"a Docker layer", at("/var/lib/docker/overlay2/abc/merged", "overlay"), false, reasonContainer},
		{"a container's /dev/shm seen from the host", at("/var/lib/docker/containers/abc/mounts/shm", "tmpfs"), false, reasonContainer},
		{"a disk of its own for Docker", at("/var/lib/docker", "ext4"), false, reasonReal},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got := worthLooking(c.mount, c.stopped); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

const table = `22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=12334460k,mode=755
25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684084k
27 1 254:0 / / rw,relatime shared:1 master:3 - ext4 /dev/vda rw,discard
30 25 0:27 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684084k
31 27 254:0 /srv/data /mnt/bind rw,relatime - ext4 /dev/vda rw,discard
32 27 254:16 / /mnt rw,relatime - xfs /dev/vdb rw
33 27 0:40 /@home /home rw - btrfs /dev/vdc rw,subvol=/@home
34 27 0:40 /@data /var/lib/data rw - btrfs /dev/vdc rw,subvol=/@data
35 27 0:41 / /media/a\040b\134c\011d\012e\043 rw - ext4 /dev/vdd rw
not a line
36 27 0:42 / relative rw - ext4 /dev/vde rw
`

func TestTheMountTableIsReadAsTheKernelWritesIt(t *testing.T) {
	mounts, err := parseMountinfo(table)
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	for _, m := range mounts {
		points = append(points, m.Point)
	}
	want := []string{"/proc", "/dev", "/dev/shm", "/", "/dev/shm", "/mnt/bind", "/mnt", "/home", "/var/lib/data", "/media/a b\\c\td\ne#"}
	if !slices.Equal(points, want) {
		t.Errorf("got %q\nwant %q", points, want)
	}
	root := mounts[3]
	if root.Device != "254:0" || root.Type != "ext4" || root.Source != "/dev/vda" || root.Super[1] != "discard" || root.Parent != 1 {
		t.Errorf("root is %+v", root)
	}
	if _, err := parseMountinfo("garbage\n"); err == nil {
		t.Error("garbage is taken for a table")
	}
	for in, want := range map[string]string{`a\`: `a\`, `\04`: `\04`, `\999`: `\999`, `\134134`: `\134`, `\400`: `\400`} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWhatLiesUnderAnotherMountIsNotLookedAt(t *testing.T) {
	mounts, err := parseMountinfo(table)
	if err != nil {
		t.Fatal(err)
	}
	var under []int
	for _, m := range mounts {
		if hidden(m, mounts) {
			under = append(under, m.ID)
		}
	}
	if want := []int{25, 31}; !slices.Equal(under, want) { // the first /dev/shm, and the bind mount below the later /mnt
		t.Errorf("hidden: %v, want %v", under, want)
	}
}

func TestOneFileSystemIsLookedAtOnce(t *testing.T) {
	mounts := []Mount{
		{Device: "254:0", Root: "/srv/data", Point: "/d"},
		{Device: "254:0", Root: "/", Point: "/mnt/whole"},
		{Device: "0:40", Root: "/@data", Point: "/var/lib/data"},
		{Device: "0:40", Root: "/@home", Point: "/home"},
		{Device: "0:50", Root: "/etc/hosts", Point: "/etc/hosts"},
		{Device: "0:50", Root: "/", Point: "/"},
		{Device: "0:51", Root: "/", Point: "/quota"},
	}
	var names []string
	for _, v := range volumes(mounts) {
		names = append(names, v.Point)
	}
	if want := []string{"/", "/home", "/mnt/whole", "/quota"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestAnOverlayIsCountedWithTheDiskUnderIt(t *testing.T) {
	one := func(point, kind string, size, free uint64) seen {
		return seen{volume: volume{Mount: Mount{Point: point, Root: "/", Type: kind}}, Stat: Stat{Size: size, Free: free, Inodes: 7}}
	}
	list := withoutLayers([]seen{
		one("/", "overlay", 1000_000, 500_000),
		one("/etc/hosts", "ext4", 1000_000, 500_010),
		one("/data", "ext4", 1000_000, 100_000),
		one("/other", "overlay", 2000_000, 500_000),
	})
	var names []string
	for _, s := range list {
		names = append(names, s.Point)
	}
	if want := []string{"/", "/data", "/other"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestWhichDiskHoldsAFolder(t *testing.T) {
	mounts := []Mount{{Device: "a", Point: "/"}, {Device: "b", Point: "/var/lib"}, {Device: "c", Point: "/var/lib/post"}}
	for path, want := range map[string]string{
		"/var/lib/postgresql": "b", "/var": "a", "/var/lib/post/x": "c", "/var/lib": "b",
	} {
		if got := holding(path, mounts); got != want {
			t.Errorf("%s lies on %s, want %s", path, got, want)
		}
	}
}

func TestThePictureShowsWhereTheFileSystemIsSpokenOf(t *testing.T) {
	for name, c := range map[string]struct {
		size                Size
		important, inMemory bool
		warning, critical   float64
	}{
		"a small disk is judged by shares":               {100 * gigabyte, false, false, 0.85, 0.95},
		"a large disk by the room that is left":          {1000 * gigabyte, false, false, 0.95, 0.95},
		"a small one that matters by its last gigabytes": {20 * gigabyte, true, false, 0.85, 0.90},
		"one in memory is never critical":                {4 * gigabyte, false, true, 0.85, 0},
	} {
		s := Stat{Size: uint64(c.size), Free: uint64(c.size), Available: uint64(c.size)}
		got := map[checks.Severity]float64{}
		for _, l := range limitsOf(s, defaultConfig(), c.important, c.inMemory) {
			got[l.Severity] = l.Value
			// A little beyond it there is a finding, a little below it none of it.
			for _, side := range []float64{0.001, -0.001} {
				at := s
				at.Available = uint64(float64(c.size) * (1 - l.Value - side))
				at.Free = at.Available
				v := judgeBytes(at, defaultConfig(), c.important, c.inMemory)
				if said := v.Severity >= l.Severity && !v.Holds; said != (side > 0) {
					t.Errorf("%s: at %.3f: %+v", name, l.Value+side, v)
				}
			}
		}
		if c.warning < c.critical || c.inMemory {
			if math.Abs(got[checks.Warning]-c.warning) > 1e-9 {
				t.Errorf("%s: warning at %v, want %v", name, got[checks.Warning], c.warning)
			}
		} else if _, there := got[checks.Warning]; there {
			t.Errorf("%s: a warning that never comes is drawn", name)
		}
		if math.Abs(got[checks.Critical]-c.critical) > 1e-9 {
			t.Errorf("%s: critical at %v, want %v", name, got[checks.Critical], c.critical)
		}
	}
}

func TestThePictureShowsHowMuchRoomMustBeLeft(t *testing.T) {
	s := Stat{Size: 100 << 30, Free: 20 << 30, Available: 15 << 30, Inodes: 1_000_000, InodesFree: 500_000}
	c := &check{config: defaultConfig()}
	c.see(s, "/", true, false)
	room := s.room()
	checkstest.Limits(t, c.Limits(checks.NoPast{}, measureAvailable, "/"), float64(megabyte), func(left float64) checks.Severity {
		at := s
		at.Available = uint64(left)
		at.Free = at.Size - uint64(room) + at.Available
		if v := judgeBytes(at, c.config, true, false); !v.Holds {
			return v.Severity
		}
		return checks.OK
	})
	checkstest.Limits(t, c.Limits(checks.NoPast{}, measureInodes, "/"), 100, func(left float64) checks.Severity {
		at := s
		at.InodesFree = uint64(left)
		if v := judgeInodes(at, c.config, false); !v.Holds {
			return v.Severity
		}
		return checks.OK
	})
	c.see(Stat{Size: 1, Free: 1, Available: 1}, "/nofixed", false, false)
	if list := c.Limits(checks.NoPast{}, measureInodes, "/nofixed"); list != nil {
		t.Errorf("without a fixed number of inodes there are %v", list)
	}
}
