package disk

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// These tests mount real file systems; that takes root.

func run(t *testing.T, words ...string) string {
	t.Helper()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return string(out)
}

// mountAt mounts something at a new folder and unmounts it after the test.
func mountAt(t *testing.T, folder string, words ...string) string {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"mount"}, words...)
	out, err := exec.Command(args[0], append(args[1:], folder)...).CombinedOutput()
	if err != nil {
		t.Fatalf("this test needs to mount (%s) and was refused: %v\n%s", strings.Join(words, " "), err, out)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			t.Errorf("unmount %s: %v", folder, err)
		}
	})
	return folder
}

// memoryDisk mounts a tmpfs.
func memoryDisk(t *testing.T, folder, options string) string {
	t.Helper()
	return mountAt(t, folder, "-t", "tmpfs", "-o", options, "tmpfs")
}

// loopDisk makes an ext4 image and mounts it; mkfs are options of mkfs.ext4.
func loopDisk(t *testing.T, size int64, options string, mkfs ...string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	makeFile(t, image, 0)
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	run(t, append(append([]string{"mkfs.ext4", "-q"}, mkfs...), image)...)
	return mountAt(t, filepath.Join(t.TempDir(), "disk"), "-o", "loop,"+options, image)
}

// tinySquashfs is an image that holds one file, made by mksquashfs 4.5.1.
const tinySquashfs = "H4sIAAAAAAACA8soLixmYmBgsLjGlM3AwMTACGQzMggyHACSLEC2AgMEvIDSD6D0fyhIg/L7ofQuKH0JSmek5uTkc6kzVNxKToo4dIKBRez6jE0HeVQOsB3p4cl/+MknoFBAl/nIGQcehp1aLNvFQQoTGhjcNM4eOXBowsRZkyfzM7DVM8kINCRATWRjADuSYQWUzwfVwqrBy8AowKB4CCrO0gAibzGMglEwCkbBKBgFo2AUjIJRMApGwSgYBaMAALSpsEoAEAAA"

func squashfs(t *testing.T) string {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(tinySquashfs)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	image, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.squashfs")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return mountAt(t, filepath.Join(t.TempDir(), "snap"), "-t", "squashfs", "-o", "loop", file)
}

func makeFile(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fill writes until nothing more goes in, and returns the file.
func fill(t *testing.T, folder string) string {
	t.Helper()
	file := filepath.Join(folder, "filling")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for {
		if _, err = f.Write(block); err != nil {
			break
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Errorf("filling ended with %v", err)
	}
	if err := f.Close(); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
	return file
}

// crowd makes empty files until no inode is left, and returns them.
func crowd(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	for i := 0; ; i++ {
		file := filepath.Join(folder, fmt.Sprint("file", i))
		f, err := os.Create(file)
		if errors.Is(err, unix.ENOSPC) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
}
