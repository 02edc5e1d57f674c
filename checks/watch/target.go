package watch

import (
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
)

// Looks to open and to resolve (defaults).
const (
	looksToOpen    = 3
	looksToResolve = 2
)

// A target is one server that is watched, and what is known of it. Only the one
// look that is under way changes it.
type target struct {
	Domain
	door

	// elsewhere is the host that it streams from, nil where that is its own.
	elsewhere *door
	mastodon  bool
	old       bool // only /api/v1/instance is there
	noAPI     int  // at how many looks it is not asked again
	page, api known

	looked time.Time // zero before the first look of this process
	minute int64     // of the tick that looked
	last   outcome
	streak streak
	friend *friend // nil where it has no bot
}

// A streak counts the looks at one server: so many bad ones in a row open, so
// many good ones close.
type streak struct {
	Bad  int  `json:"bad,omitempty"`
	Good int  `json:"good,omitempty"`
	Open bool `json:"open,omitempty"`
	// Since is the first of the bad ones, in seconds since 1970.
	Since int64 `json:"since,omitempty"`
}

// next is the streak after one more look; one that saw nothing changes nothing.
func (s streak) next(now state, at time.Time, open int) streak {
	switch now {
	case ill:
		if s.Bad == 0 && !s.Open {
			s.Since = at.Unix()
		}
		s.Bad, s.Good = min(s.Bad+1, looksToOpen), 0
		s.Open = s.Open || s.Bad >= open
	case well:
		s.Bad, s.Good = 0, min(s.Good+1, looksToResolve)
		s.Open = s.Open && s.Good < looksToResolve
		if !s.Open {
			s.Since = 0
		}
	}
	return s
}

// settled tells whether nothing is or was wrong.
func (s streak) settled() bool { return s.Bad == 0 && !s.Open }

// restless tells whether a server is looked at every minute: it is not well, or
// this machine was not.
func (t *target) restless() bool {
	return !t.streak.settled() || t.last.state == ill || t.last.state == unseen && t.last.why != guarded
}

// memory is what outlives this process: what is not well, and what friends have
// said.
type memory struct {
	Servers map[string]streak `json:"servers,omitempty"`
	// Beats are the times that bots wrote, in seconds since 1970, by the bot.
	Beats map[string]int64 `json:"beats,omitempty"`
	// Ends are when certificates end whose end is told, in seconds since 1970.
	Ends map[string]int64 `json:"ends,omitempty"`
}

const memoryKey = "watch"

// recall fills the targets with what an earlier process knew.
func recall(past checks.Past, all []*target) {
	var m memory
	raw, ok := past.Load(memoryKey)
	if !ok || json.Unmarshal(raw, &m) != nil {
		return // what cannot be read is as if nothing were known
	}
	for _, t := range all {
		t.streak = m.Servers[t.Name]
		if end := m.Ends[t.Name]; end > 0 {
			t.last.end = time.Unix(end, 0)
		}
		if at := m.Beats[t.Bot]; at > 0 && t.friend != nil {
			t.friend.last = time.Unix(at, 0)
		}
	}
}

// keep is what the next process is to know.
func keep(all []*target, o checks.Observation) ([]byte, error) {
	m := memory{Servers: map[string]streak{}, Beats: map[string]int64{}, Ends: map[string]int64{}}
	for _, f := range o.Findings {
		if f.Code == expiring {
			m.Ends[f.Subject] = f.Harm.Unix()
		}
	}
	for _, b := range o.Blind {
		if b.Code == expiring {
			m.Ends[b.Subject] = 1 // it was told; when it ends is seen at the next look
		}
	}
	for _, t := range all {
		if !t.streak.settled() {
			m.Servers[t.Name] = t.streak
		}
		if t.friend != nil && !t.friend.last.IsZero() {
			m.Beats[t.Bot] = t.friend.last.Unix()
		}
	}
	return json.Marshal(m)
}
