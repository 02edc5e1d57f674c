package webui

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A memory is what one look leaves to the next.
type memory struct {
	// Walked is when all files of the page were asked for last, Count how many
	// there were, and More how many were beyond the limit.
	Walked time.Time `json:"walked,omitzero"`
	Count  int       `json:"count,omitempty"`
	More   int       `json:"more,omitempty"`
	// Ill are the files that were found wrong, and not well since, by address.
	Ill map[string]fault `json:"ill,omitempty"`
	// Version is what the page told last, Sets which sets of files were asked
	// for lately: machines that are updated one after the other take turns.
	Version string   `json:"version,omitempty"`
	Sets    []string `json:"sets,omitempty"`
	// PageIll: the page was not well. Build: the build on disk was not, or could
	// not be seen. Stamp tells one build on disk from another.
	PageIll bool   `json:"page_ill,omitempty"`
	Build   bool   `json:"build,omitempty"`
	Stamp   string `json:"stamp,omitempty"`
	// Cached is the set of files that the page out of a cache named last.
	Cached string `json:"cached,omitempty"`
	// Open are codes that were found and have not been seen well since.
	Open []string `json:"open,omitempty"`
}

const (
	memoryKey = "webui"
	// setLimit is how many sets are remembered (own: a handful of machines).
	setLimit = 4
)

// remembered is what the last look has left; what cannot be read is as if
// nothing had been.
func remembered(past checks.Past) memory {
	var m memory
	if b, ok := past.Load(memoryKey); ok && json.Unmarshal(b, &m) != nil {
		m = memory{}
	}
	return m
}

func (m memory) clone() memory {
	m.Ill = maps.Clone(m.Ill)
	if m.Ill == nil {
		m.Ill = map[string]fault{}
	}
	m.Sets, m.Open = slices.Clone(m.Sets), slices.Clone(m.Open)
	return m
}

// walked notes that a set of files was asked for.
func (m *memory) walked(set string) {
	m.Sets = append([]string{set}, slices.DeleteFunc(m.Sets, func(s string) bool { return s == set })...)
	m.Sets = m.Sets[:min(len(m.Sets), setLimit)]
}
