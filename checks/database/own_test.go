package database

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// own gives a file to whoever owns another.
func own(t *testing.T, file string, like fs.FileInfo) {
	t.Helper()
	st := like.Sys().(*syscall.Stat_t)
	if err := os.Chown(file, int(st.Uid), int(st.Gid)); err != nil {
		t.Fatal(err)
	}
}
