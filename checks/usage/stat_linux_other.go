//go:build linux && !amd64

package usage

import "golang.org/x/sys/unix"

// fstatat asks for a name that ends in a zero.
func fstatat(fd int, name []byte, st *unix.Stat_t, flags int) error {
	return unix.Fstatat(fd, string(name[:len(name)-1]), st, flags)
}
