package streaming

import (
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
)

const memoryKey = "streaming"

// memory is what one look tells the next.
type memory struct {
	// Dead is since when no event can arrive; zero when it can.
	Dead time.Time `json:"dead,omitzero"`
	// Level is at which level that was seen.
	Level level `json:"level,omitempty"`
	// Token is what was wrong with our token when it was used last.
	Token fault     `json:"token,omitempty"`
	Event eventMemo `json:"event,omitzero"`
	Idle  idleMemo  `json:"idle,omitzero"`
	About about     `json:"about,omitzero"`
	// Left are the ids of own posts that could not be deleted.
	Left []string `json:"left,omitempty"`
	// Counters are what each port had heard from Redis, by then.
	Counters map[int]counter `json:"counters,omitempty"`
}

type counter struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// A fault is what is wrong with our token.
type fault string

const (
	noFault   fault = ""
	malformed fault = "malformed" // it is none
	revoked   fault = "revoked"   // it is not taken
	noRead    fault = "no-read"   // it may not listen
	noWrite   fault = "no-write"  // it may not post
	forbidden fault = "forbidden" // its account may not
)

// recall gives back what the last look remembered; what cannot be read is as if
// there had been none.
func recall(past checks.Past) (m memory, known bool) {
	b, ok := past.Load(memoryKey)
	if !ok || json.Unmarshal(b, &m) != nil {
		return memory{}, false
	}
	return m, true
}

// An arrival is how the own post came.
type arrival string

const (
	untried  arrival = ""
	arrived  arrival = "arrived" // in time or late
	missing  arrival = "missing"
	unposted arrival = "unposted" // it could not be made
	unheard  arrival = "unheard"  // our token may not make it, or not hear it
	undone   arrival = "undone"   // there was no time for it
)

// eventMemo is the last own post.
type eventMemo struct {
	At    time.Time `json:"at,omitzero"`
	State arrival   `json:"state,omitempty"`
	// Delay is from sending the post to hearing of it, Behind from the moment in
	// which it was there; of a missing one, how long it was waited for.
	Delay  time.Duration `json:"delay,omitempty"`
	Behind time.Duration `json:"behind,omitempty"`
	// Bad is since when it has not come in time, Missing since when not at all.
	Bad     time.Time `json:"bad,omitzero"`
	Missing time.Time `json:"missing,omitzero"`
	// Alike is how many in a row were as good or as bad.
	Alike int `json:"alike,omitempty"`
	// Heard is how much the streaming processes heard from Redis meanwhile; nil
	// where that is not told.
	Heard *float64 `json:"heard,omitempty"`
	// Refused is what the server said against the public channels, if they were.
	Refused *refusal `json:"refused,omitempty"`
	// Why is why it could not be made.
	Why reason `json:"why,omitempty"`
	// Code is the HTTP status that said so.
	Code int `json:"code,omitempty"`
	bad  bool
}

// then is the memory after another post.
func (e eventMemo) then(next eventMemo) eventMemo {
	wasBad := !e.Bad.IsZero()
	if next.bad {
		next.Bad = next.At
		if wasBad {
			next.Bad = e.Bad
		}
	}
	if next.State == missing {
		next.Missing = next.At
		if !e.Missing.IsZero() {
			next.Missing = e.Missing
		}
	}
	if next.State != arrived && next.State != missing {
		// Nothing was learned of the event.
		next.Bad, next.Missing, next.Refused = e.Bad, e.Missing, e.Refused
	}
	next.Alike = 1
	if e.State == next.State && wasBad == next.bad && (e.Refused != nil) == (next.Refused != nil) {
		next.Alike = e.Alike + 1
	}
	return next
}

// old tells whether the last post was longer ago than that; a clock that was
// set back makes it so.
func (e eventMemo) old(now time.Time, than time.Duration) bool {
	age := now.Sub(e.At)
	return age < 0 || age >= than
}

// due tells whether it is time for another post: soon while it is not certain
// how things are, seldom when they are well.
func (e eventMemo) due(now time.Time, p pace) bool {
	switch {
	case e.State == untried:
		return true
	case e.Alike < 2:
		return e.old(now, p.gap)
	case e.State == arrived && e.Bad.IsZero() && e.Refused == nil:
		return e.old(now, p.every-min(slack, p.every/10))
	case e.State == arrived || e.State == missing || e.State == undone:
		return e.old(now, p.again-min(slack, p.again/10))
	}
	return e.old(now, p.every-min(slack, p.every/10))
}

// idleMemo is the last connection that was held without traffic.
type idleMemo struct {
	At    time.Time `json:"at,omitzero"`
	State idling    `json:"state,omitempty"`
	// Lived is how long it lived.
	Lived time.Duration `json:"lived,omitempty"`
	// Early tells that an ordinary look saw it cut, and will see it mended.
	Early bool `json:"early,omitempty"`
}

// idling is what became of a connection without traffic.
type idling string

const (
	idleWell idling = ""
	idleCut  idling = "cut"
	idleDeaf idling = "deaf" // it stood, and heard nothing any more
)
