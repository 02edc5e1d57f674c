package backups

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// The forms of backups that are known.
const (
	formCustom = "custom" // pg_dump -Fc and -Ft
	formFolder = "folder" // pg_dump -Fd
	formPlain  = "plain"  // SQL
	formTar    = "tar"
	formGzip   = "gzip" // these four of something
	formZstd   = "zstd"
	formXz     = "xz"
	formBzip2  = "bzip2"
	formOther  = "other" // encrypted, or of a kind that is not known
)

const (
	// headLimit and tailLimit are how much of a file's ends is read, in bytes
	// (own).
	headLimit, tailLimit = 4 << 10, 64 << 10
	// copiedAfter is how much newer than the dump inside a file must be to
	// count as a copy of an old one: the clocks of two machines may be in
	// different zones (own).
	copiedAfter = 24 * time.Hour
)

// A header is what the first bytes of a backup say.
type header struct {
	Form string
	// Tarred tells that something compressed is a tar by its name.
	Tarred bool
	// Cluster tells that a plain dump is that of pg_dumpall.
	Cluster bool
	// Made is when pg_dump began, by the clock of the machine that it ran on;
	// the zero time where it is not said.
	Made time.Time
	// Database is the name of what was dumped.
	Database string
}

// read reads the first bytes.
func (a *artefact) read() {
	if a.Folder {
		if _, err := os.Stat(filepath.Join(a.Path, "toc.dat")); err != nil {
			a.Header.Form = formOther
			return
		}
	}
	name := a.Path
	if a.Folder {
		name = filepath.Join(a.Path, "toc.dat")
	}
	f, err := checks.OpenFile(name)
	if err != nil {
		a.Unread = err
		return
	}
	defer f.Close()
	head := make([]byte, headLimit)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		a.Unread = err
		return
	}
	a.Header = headerOf(head[:n], a.Path)
	if a.Folder {
		a.Header.Form = formFolder
	}
	// The file may be a new copy of an old dump.
	if made := a.Header.Made; !made.IsZero() && a.Time.Sub(made) > copiedAfter {
		a.Time = made
	}
}

// headerOf recognises a backup by its first bytes; the name helps only with
// what lies below a compression.
func headerOf(head []byte, name string) header {
	lower := strings.ToLower(name)
	tarred := strings.Contains(lower, ".tar") || strings.HasSuffix(lower, ".tgz") || strings.HasSuffix(lower, ".tzst")
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")):
		h := header{Form: formCustom}
		h.Made, h.Database = customHead(head)
		return h
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return header{Form: formGzip, Tarred: tarred}
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return header{Form: formZstd, Tarred: tarred}
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return header{Form: formXz, Tarred: tarred}
	case bytes.HasPrefix(head, []byte("BZh")):
		return header{Form: formBzip2, Tarred: tarred}
	case isTar(head) && len(head) > 512 && bytes.HasPrefix(head, []byte("toc.dat\x00")):
		h := header{Form: formCustom} // pg_dump -Ft
		if toc := head[512:]; bytes.HasPrefix(toc, []byte("PGDMP")) {
			h.Made, h.Database = customHead(toc)
		}
		return h
	case isTar(head):
		return header{Form: formTar}
	}
	if plain, cluster := isPlain(head); plain {
		return header{Form: formPlain, Cluster: cluster}
	}
	return header{Form: formOther}
}

func isTar(head []byte) bool { return len(head) > 262 && bytes.Equal(head[257:262], []byte("ustar")) }

// isPlain recognises the SQL of pg_dump and of pg_dumpall.
func isPlain(head []byte) (plain, cluster bool) {
	start := head[:min(len(head), 1024)]
	cluster = bytes.Contains(start, []byte("-- PostgreSQL database cluster dump"))
	return cluster || bytes.Contains(start, []byte("-- PostgreSQL database dump")), cluster
}

// endsWell tells whether the end of a plain dump is there. It is not the last
// line: since 2025 "\unrestrict" stands behind it.
func endsWell(tail []byte, cluster bool) bool {
	if cluster {
		return bytes.Contains(tail, []byte("PostgreSQL database cluster dump complete"))
	}
	return bytes.Contains(tail, []byte("PostgreSQL database dump complete"))
}

// customHead reads when a dump in the custom format was begun, and of what. It
// is written in the local time of the machine that made it; numbers are a sign
// and so many bytes, the lowest first.
func customHead(head []byte) (made time.Time, database string) {
	r := bytes.NewReader(head[len("PGDMP"):])
	var fixed [6]byte // version, size of a number, size of an offset, format
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return time.Time{}, ""
	}
	major, minor, width := fixed[0], fixed[1], int(fixed[3])
	if major != 1 || minor < 12 || width < 1 || width > 8 {
		return time.Time{}, ""
	}
	ok := true
	number := func() int {
		b := make([]byte, width+1)
		if _, err := io.ReadFull(r, b); err != nil {
			ok = false
			return 0
		}
		n := 0
		for i := width; i >= 1; i-- {
			n = n<<8 | int(b[i])
		}
		if b[0] != 0 {
			n = -n
		}
		return n
	}
	if minor >= 15 { // PostgreSQL 16 and later: which compression, one byte
		if _, err := r.ReadByte(); err != nil {
			return time.Time{}, ""
		}
	} else {
		number()
	}
	var at [7]int // second, minute, hour, day, month, year, summer time
	for i := range at {
		at[i] = number()
	}
	length := number()
	if !ok || at[4] < 0 || at[4] > 11 || at[3] < 1 || at[3] > 31 || at[5] < 100 || at[5] > 300 {
		return time.Time{}, ""
	}
	made = time.Date(1900+at[5], time.Month(at[4]+1), at[3], at[2], at[1], at[0], 0, time.Local)
	if length > 0 && length <= 63 { // NAMEDATALEN
		name := make([]byte, length)
		if _, err := io.ReadFull(r, name); err == nil {
			database = string(name)
		}
	}
	return made, database
}
