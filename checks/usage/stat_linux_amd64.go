package usage

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// fstatat is [unix.Fstatat] without a copy of the name, which ends in a zero:
// a million copies are a tenth of the walk's own time.
func fstatat(fd int, name []byte, st *unix.Stat_t, flags int) error {
	_, _, errno := unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(fd), uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(st)), uintptr(flags), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
