//go:build unix

package redis

import "golang.org/x/sys/unix"

// freeBytes is how much may still be written below a folder.
func freeBytes(folder string) (float64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, false
	}
	return float64(st.Bavail) * float64(st.Bsize), true
}
