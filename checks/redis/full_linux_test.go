package redis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sababan/sababan/checks"
	redistest "github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

func TestAFullDiskStopsAllWrites(t *testing.T) {
	small := t.TempDir()
	if err := os.Chmod(filepath.Dir(small), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", small, "tmpfs", 0, "size=1m,mode=777"); err != nil {
		t.Fatalf("mounting a small file system (this test needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(small, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r := redistest.Start(t, "dir "+small, "appendonly yes")
	b := on(t, r, site.Config{RedisData: small})
	b.well(t)
	fill := filepath.Join(small, "fill")
	if err := os.WriteFile(fill, make([]byte, 900<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Do(t, "SET", "post", strings.Repeat("x", 512<<10))
	b.until(t, "aof_last_write_status:err")
	b.found(t, codeWrites, checks.Critical, "Its disk is full, it says.", "ディスクに空きがありません")
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	b.until(t, "aof_last_write_status:ok")
	b.well(t)
}

func TestAnAppendOnlyFileThatCannotBeShortenedIsFoundAndResolves(t *testing.T) {
	b := start(t, "appendonly yes")
	b.well(t)
	if err := os.Chmod(b.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(b.Dir, 0o755) }()
	b.Do(t, "BGREWRITEAOF")
	b.until(t, "aof_last_bgrewrite_status:err")
	b.found(t, codeRewrite, checks.Warning, "could not shorten its append-only file", "追記ファイル（AOF）を圧縮できませんでした")
	if err := os.Chmod(b.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b.Do(t, "BGREWRITEAOF")
	b.until(t, "aof_last_bgrewrite_status:ok")
	b.well(t)
}
