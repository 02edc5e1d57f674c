package checkstest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// DeadMount mounts a file system in a folder whose server never answers: every
// question about what is in it waits, as with an NFS server that is gone. end
// makes all of them fail and unmounts it; it is called with the test's end, too.
// kind is what the mount table calls it, such as "fuse.sshfs".
//
// It takes root and FUSE.
func DeadMount(t *testing.T, folder, kind string) (end func()) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("this test mounts a file system whose server is dead: /dev/fuse: %v", err)
	}
	if err := unix.Mount("files.example:/srv", folder, kind, 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)); err != nil {
		_ = unix.Close(fd)
		t.Fatalf("this test mounts a file system whose server is dead, as root: %v", err)
	}
	end = sync.OnceFunc(func() {
		// With the last descriptor the kernel knows that nobody will answer.
		if err := errors.Join(unix.Close(fd), unix.Unmount(folder, unix.MNT_DETACH)); err != nil {
			t.Errorf("dead mount %s: %v", folder, err)
		}
	})
	t.Cleanup(end)
	return end
}
