package database

import (
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
)

// memory is what one look tells the next.
type memory struct {
	// Answered is when a question was answered last; zero is never.
	Answered time.Time `json:"answered"`
	// Primary says that it was one that can be written to.
	Primary bool `json:"primary"`
	// Open are what the last look found: what cannot be seen is held.
	Open []checks.Key `json:"open"`
	// Slots are since when each replication slot has been without anybody who
	// reads it, Invalid since when an index has been invalid.
	Slots   map[string]time.Time `json:"slots"`
	Invalid map[string]time.Time `json:"invalid"`
	Day     kept                 `json:"day"`
}

// kept is what the daily level found.
type kept struct {
	At       time.Time        `json:"at"`
	Findings []checks.Finding `json:"findings"`
	Blind    []checks.Blind   `json:"blind"`
	Bytes    float64          `json:"bytes"` // of the database
}

// night is what the nightly level has done so far.
type night struct {
	// Of is the day that Spent belongs to.
	Of    string        `json:"of"`
	Spent time.Duration `json:"spent"`
	// Version is that of the collation, and Since when it changed: an index that
	// was read before is read again.
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	// Indexes are those that were read, by name, Tables those whose rows were.
	Indexes map[string]readIndex `json:"indexes"`
	Tables  map[string]readTable `json:"tables"`
	// Known is how many indexes there are.
	Known int `json:"known"`
}

// readIndex is what came of reading an index.
type readIndex struct {
	At    time.Time `json:"at"`
	Table string    `json:"table"`
	// Node is its file: another one after it has been rebuilt.
	Node int64 `json:"node"`
	// Broken is what PostgreSQL said; "" where it is whole.
	Broken string `json:"broken,omitempty"`
	// Fatal says that PostgreSQL's process ended while it was read: it is left
	// alone until it has been rebuilt.
	Fatal bool `json:"fatal,omitempty"`
	// Long says that the time was not enough.
	Long bool `json:"long,omitempty"`
}

// readTable is what came of comparing the rows of a table.
type readTable struct {
	// At is when it was compared to its end.
	At time.Time `json:"at"`
	// Slice is the next of Slices parts, and Sofar what the ones before it had.
	Slice  int   `json:"slice"`
	Slices int   `json:"slices"`
	Sofar  int64 `json:"sofar"`
	// Twice is how many keys had more than one row.
	Twice int64 `json:"twice"`
	Long  bool  `json:"long,omitempty"`
}

const (
	memoryKey     = "database"
	nightKey      = "night"
	statementsKey = "statements"
)

// recall reads what was remembered; what cannot be read is forgotten.
func recall[T any](past checks.Past, key string) T {
	var v, none T
	if raw, ok := past.Load(key); ok && json.Unmarshal(raw, &v) != nil {
		return none
	}
	return v
}
