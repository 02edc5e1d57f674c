package backups

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a dump turned out to hold, in a word.
const (
	holdsUnknown  = ""         // it is no SQL, or was not read
	holdsMastodon = "mastodon" // Mastodon's tables
	holdsOther    = "other"    // a database without them
	holdsInserts  = "inserts"  // rows as INSERT, which are not counted
)

// contents is what was counted inside a dump while it was read; nothing that
// anybody has written is kept.
type contents struct {
	Holds string `json:"holds,omitempty"`
	// Base is the name of the database inside a dump of several.
	Base string `json:"base,omitempty"`
	// Newest is the highest id in the table of statuses; 0 where there is none.
	Newest   int64 `json:"newest,omitempty"`
	Statuses int64 `json:"statuses,omitempty"`
	Accounts int64 `json:"accounts,omitempty"`
	Users    int64 `json:"users,omitempty"`
	// Bytes is how much SQL it is.
	Bytes int64 `json:"bytes,omitempty"`
	// Version is the major version of the PostgreSQL that can take it: that of
	// the server or of pg_dump, whichever is newer; 0 where it is not said.
	Version int `json:"version,omitempty"`
}

// newest is when the newest status was written.
func (c contents) newest() time.Time { return idTime(c.Newest) }

// idTime is the instant inside an id of Mastodon's: milliseconds in all but the
// lowest 16 bits.
func idTime(id int64) time.Time { return time.UnixMilli(id >> 16) }

// timeID is the lowest id of an instant.
func timeID(t time.Time) int64 { return max(t.UnixMilli(), 0) << 16 }

const (
	// lineKept is how much of a line outside of the rows is looked at, in bytes
	// (own: Mastodon's longest list of columns has less than 2 kB).
	lineKept = 16 << 10
	// basesKept bounds how many databases of one dump are counted (own).
	basesKept = 32
	// idAhead is how far in the future an id may lie: beyond, it is a mistake
	// that would hide the age of all others (own).
	idAhead = 24 * time.Hour
)

// counted are the tables whose rows are counted.
var counted = []string{"accounts", "statuses", "users"}

// base is one database of a dump.
type base struct {
	name string
	has  [3]bool // by counted
	rows [3]int64
	high int64 // newest id of statuses
}

// A scan reads SQL as pg_dump writes it, as it comes, and counts.
type scan struct {
	limit int64 // no id above it counts
	bytes int64
	bases []base
	// version is the newest that is named in a comment of pg_dump's.
	version int
	// inserts tells that rows come as INSERT: then any line may be somebody's
	// text, and none is believed any more.
	inserts bool

	line []byte // the beginning of the line, outside of rows

	rows bool // inside the rows of a COPY
	// table is the place of the table in counted, -1 for any other; idAt the
	// place of the column id, -1 where it is not wanted.
	table, idAt int
	// Of the line under way inside rows: its length, at most 3, and its first
	// two bytes; the column, and the number that was read of an id.
	length int
	first  [2]byte
	column int
	id     int64
	odd    bool
}

func newScan(now time.Time) *scan { return &scan{limit: timeID(now.Add(idAhead)), bases: []base{{}}} }

func (s *scan) Write(b []byte) (int, error) {
	size := len(b)
	s.bytes += int64(size)
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		part := b
		if end >= 0 {
			part = b[:end]
		}
		if s.rows {
			s.row(part, end >= 0)
		} else {
			s.line = append(s.line, part[:min(len(part), lineKept-len(s.line))]...)
			if end >= 0 {
				s.statement(string(s.line))
				s.line = s.line[:0]
			}
		}
		if end < 0 {
			break
		}
		b = b[end+1:]
	}
	return size, nil
}

// row takes a part of a line of rows, or its end.
func (s *scan) row(part []byte, ended bool) {
	for i := 0; s.length < 3 && i < len(part); i++ {
		if s.length < 2 {
			s.first[s.length] = part[i]
		}
		s.length++
	}
	if s.idAt >= 0 && s.column <= s.idAt {
		s.digits(part)
	}
	if !ended {
		return
	}
	switch cur := &s.bases[len(s.bases)-1]; {
	case s.length == 2 && s.first == [2]byte{'\\', '.'}:
		s.rows = false
	case s.table >= 0:
		cur.rows[s.table]++
		if s.idAt >= 0 && !s.odd && s.id <= s.limit {
			cur.high = max(cur.high, s.id)
		}
	}
	s.length, s.column, s.id, s.odd = 0, 0, 0, false
}

// digits reads the number in the column that is wanted.
func (s *scan) digits(part []byte) {
	for _, c := range part {
		switch {
		case c == '\t':
			if s.column++; s.column > s.idAt {
				return
			}
		case s.column < s.idAt:
		case c < '0' || c > '9' || s.id > (1<<63-1-9)/10:
			s.odd = true
		default:
			s.id = s.id*10 + int64(c-'0')
		}
	}
}

var (
	copyLine    = regexp.MustCompile(`^COPY (\S+) \((.*)\) FROM stdin;\r?$`)
	createLine  = regexp.MustCompile(`^CREATE (?:UNLOGGED )?TABLE public\.([a-z]+) \(`)
	versionLine = regexp.MustCompile(`^-- Dumped (?:from database|by pg_dump) version (\d{1,3})[. \n]`)
	connectLine = regexp.MustCompile(`^\\connect (?:-reuse-previous=on )?"?(?:dbname=')?([^"'\s]+)`)
)

// statement takes a line outside of rows.
func (s *scan) statement(line string) {
	switch {
	case s.inserts:
	case strings.HasPrefix(line, "COPY "):
		m := copyLine.FindStringSubmatch(line)
		if m == nil {
			return
		}
		s.rows, s.table, s.idAt = true, -1, -1
		name, ours := strings.CutPrefix(m[1], "public.")
		if s.table = slices.Index(counted, name); !ours || s.table < 0 {
			s.table = -1
			return
		}
		s.bases[len(s.bases)-1].has[s.table] = true
		if name == "statuses" {
			s.idAt = slices.Index(strings.Split(m[2], ", "), "id")
		}
	case strings.HasPrefix(line, "CREATE "):
		if m := createLine.FindStringSubmatch(line); m != nil {
			if i := slices.Index(counted, m[1]); i >= 0 {
				s.bases[len(s.bases)-1].has[i] = true
			}
		}
	case strings.HasPrefix(line, `\connect `):
		if m := connectLine.FindStringSubmatch(line); m != nil && len(s.bases) < basesKept {
			s.bases = append(s.bases, base{name: m[1]})
		}
	case strings.HasPrefix(line, "-- Dumped "):
		if m := versionLine.FindStringSubmatch(line + "\n"); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits, by the pattern
			s.version = max(s.version, n)
		}
	case strings.HasPrefix(line, "INSERT INTO "):
		s.inserts = true
	}
}

// result is what was counted; of several databases that of the name counts,
// else the one with the newest status.
func (s *scan) result(name string) contents {
	if s.inserts {
		return contents{Holds: holdsInserts, Bytes: s.bytes, Version: s.version}
	}
	c := contents{Holds: holdsOther, Bytes: s.bytes, Version: s.version}
	for _, b := range s.bases {
		if !b.has[0] || !b.has[1] || c.Base == name && c.Holds == holdsMastodon {
			continue
		}
		if c.Holds == holdsMastodon && b.name != name && b.high <= c.Newest {
			continue
		}
		c = contents{
			Holds: holdsMastodon, Base: b.name, Bytes: s.bytes, Version: s.version,
			Accounts: b.rows[0], Statuses: b.rows[1], Users: b.rows[2], Newest: b.high,
		}
	}
	return c
}
