package database

import (
	"cmp"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A readable is an index that can be read to its end.
type readable struct {
	Name, Table string
	OID         uint32
	Node        int64
	Bytes       float64
	// Sorted says that the collation decides about its order.
	Sorted bool
}

// A heap is a table whose keys can be compared.
type heap struct {
	Name  string
	Bytes float64
	Rows  float64
}

// A job is one thing to read at night: an index, or the rows of a table.
type job struct {
	Index *readable
	Key   *key
	Heap  heap
	Why   string
}

const (
	// everyNight is when what is read every night is due again (own: less than a
	// day, for a night begins at another minute).
	everyNight = 20 * time.Hour
	// everyHour is when rows that were there twice are compared by day (own).
	everyHour = time.Hour
	// pace is what an index is taken to be read with, in bytes a second (own: a
	// slow disk).
	pace = 20 * megabyte
)

// plan lists what there is to read, in the order in which it is read: first what
// was broken, then the keys of small tables, then the indexes that were not read
// for a month or since the collation changed, the smallest first, then the keys
// of big tables that there is reason to doubt. By day only what was broken and
// has been mended is read, so that its end is seen soon.
func plan(now time.Time, n night, indexes []readable, heaps map[string]heap, suspects map[string]bool, byDay bool, l limits) []job {
	var jobs []job
	indexes = slices.Clone(indexes)
	slices.SortStableFunc(indexes, func(a, b readable) int { return cmp.Compare(a.Bytes, b.Bytes) })
	if !n.Since.IsZero() {
		slices.SortStableFunc(indexes, func(a, b readable) int { return cmp.Compare(rank(a.Sorted), rank(b.Sorted)) })
	}
	for i := range indexes {
		before := n.Indexes[indexes[i].Name]
		switch {
		case before.Broken == "":
		case before.Node != indexes[i].Node && (!byDay || indexes[i].Bytes <= l.promptBytes):
			jobs = append(jobs, job{Index: &indexes[i], Why: "was broken and is rebuilt"})
		case !byDay && !before.Fatal && now.Sub(before.At) >= everyNight:
			jobs = append(jobs, job{Index: &indexes[i], Why: "was broken"})
		}
	}
	for i := range keys {
		h, there := heaps[keys[i].Table]
		if !there || keys[i].Closed || h.Bytes > l.small {
			continue
		}
		before := n.Tables[h.Name]
		switch age := now.Sub(before.At); {
		case byDay && before.Twice > 0 && age >= everyHour:
			jobs = append(jobs, job{Key: &keys[i], Heap: h, Why: "had rows twice"})
		case !byDay && age >= everyNight:
			jobs = append(jobs, job{Key: &keys[i], Heap: h, Why: "small"})
		}
	}
	if byDay {
		return jobs
	}
	for i := range indexes {
		before, read := n.Indexes[indexes[i].Name]
		switch {
		case before.Broken != "":
		case !read, before.At.Before(n.Since):
			jobs = append(jobs, job{Index: &indexes[i], Why: "not read yet"})
		case now.Sub(before.At) >= l.again:
			jobs = append(jobs, job{Index: &indexes[i], Why: "not read for long"})
		}
	}
	for i := range keys {
		h, there := heaps[keys[i].Table]
		if !there || keys[i].Closed || h.Bytes <= l.small {
			continue
		}
		before := n.Tables[h.Name]
		doubt := suspects[h.Name] || before.Twice > 0 || before.Slice > 0
		if doubt && (now.Sub(before.At) >= everyNight || before.Slice > 0) && !before.Long {
			jobs = append(jobs, job{Key: &keys[i], Heap: h, Why: "doubtful"})
		}
	}
	return jobs
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// suspects are the tables whose keys may have doubles: their index is broken,
// not there or invalid, or the collation has changed.
func suspects(n night, found []checks.Finding) map[string]bool {
	doubted := map[string]bool{}
	for _, i := range n.Indexes {
		if i.Broken != "" {
			doubted[i.Table] = true
		}
	}
	for _, f := range found {
		for _, k := range keys {
			if f.Code == codeCollation || (f.Code == codeMissing || f.Code == codeInvalid) && f.Subject == checks.Subject(k.Index) {
				doubted[k.Table] = true
			}
		}
	}
	return doubted
}

// needs is how long reading is taken to need, at most what there ever is.
func (j job) needs(l limits) time.Duration {
	bytes := j.Heap.Bytes
	if j.Index != nil {
		bytes = j.Index.Bytes
	}
	return min(time.Duration(bytes/pace*float64(time.Second)), l.part*9/10)
}

// slices is in how many parts the rows of a table are compared.
func (h heap) slices(l limits) int {
	rows := h.Rows
	if rows <= 0 {
		rows = h.Bytes / 100
	}
	if h.Bytes <= l.small {
		return 1
	}
	return max(int(rows/l.sliceRows)+1, 1)
}
