package federation

import (
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	themEvery = 10 * time.Minute // defaults
	// themSlack lets two ticks of five minutes count as ten, whatever their
	// jitter (own).
	themSlack = 90 * time.Second
	// rhythmMinute is the minute of the hour from which the rhythm is due
	// (defaults: 35 * * * *).
	rhythmMinute = 35
)

// dueThem decides whether deliveries are to be looked at.
func dueThem(now, last time.Time) bool {
	return last.After(now) || now.Sub(last) >= themEvery-themSlack
}

// dueRhythm decides whether the hourly round is due: the newest minute 35 has
// not had one.
func dueRhythm(now, last time.Time) bool {
	slot := now.UTC().Truncate(time.Hour).Add(rhythmMinute * time.Minute)
	if slot.After(now) {
		slot = slot.Add(-time.Hour)
	}
	return last.After(now) || last.Before(slot)
}

// rhythmAgain is how long after a round that saw nothing the next one may be
// tried (own).
const rhythmAgain = 20 * time.Minute

// dueAgain decides whether what failed may be tried again.
func dueAgain(now, tried time.Time) bool {
	return tried.After(now) || now.Sub(tried) >= rhythmAgain
}

// A streak counts the looks of one level: so many bad ones in a row open, so
// many good ones close.
type streak struct {
	Bad  int  `json:"bad,omitempty"`
	Good int  `json:"good,omitempty"`
	Open bool `json:"open,omitempty"`
}

// next is the streak after one more look.
func (s streak) next(bad bool, open, resolve int) streak {
	if bad {
		s.Bad, s.Good = min(s.Bad+1, open), 0
		s.Open = s.Open || s.Bad >= open
		return s
	}
	s.Bad, s.Good = 0, min(s.Good+1, resolve)
	s.Open = s.Open && s.Good < resolve
	return s
}

// memory is what one look tells the next; the larger things that change once an
// hour or less have keys of their own.
type memory struct {
	Pulse  pulseMemory  `json:"pulse"`
	Them   themMemory   `json:"them"`
	Rhythm rhythmMemory `json:"rhythm"`
}

// Keys of what is remembered.
const (
	memoryKey  = "federation"
	weightsKey = "weights"
	rhythmKey  = "rhythm"
	friendsKey = "friends"
	rollKey    = "roll"
)

// held is what a slower level found: it is said again until that level has
// looked again.
type held struct {
	Findings []checks.Finding `json:"findings,omitempty"`
	Blind    []checks.Blind   `json:"blind,omitempty"`
}

func recall(past checks.Past) memory {
	var m memory
	if raw, ok := past.Load(memoryKey); ok && json.Unmarshal(raw, &m) != nil {
		return memory{} // what cannot be read is as if nothing had been remembered
	}
	return m
}
