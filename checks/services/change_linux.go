package services

import (
	"time"

	"golang.org/x/sys/unix"
)

// changedAt is when a file was put where it is: packages keep the date of their
// making as that of the contents.
func changedAt(path string) (time.Time, bool) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return time.Time{}, false
	}
	return time.Unix(st.Ctim.Unix()), true
}
