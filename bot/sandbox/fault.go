package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Kind is a way to misbehave.
type Kind int

// The kinds of faults.
const (
	// Answer refuses with Fault.Status: 429 in JSON with a reset after Delay
	// (default: the end of the five minutes), 5xx as a proxy's HTML page.
	Answer Kind = iota + 1
	// Hang never answers. It ends when the client goes away.
	Hang
	// Slow does what is asked at once and answers after Delay: a client that
	// gives up has posted.
	Slow
	// Late does what is asked after Delay, also when the client gave up, and
	// answers then: a client that looks too soon finds nothing.
	Late
	// CutBefore closes the connection and does nothing.
	CutBefore
	// CutAfter does what is asked and closes the connection without an answer.
	CutAfter
	// FakeStatus answers POST /api/v1/statuses with 200 and a status that looks
	// right, and stores nothing. On other paths it does nothing.
	FakeStatus
	// Garbage answers 200 with JSON that breaks off.
	Garbage
	// Challenge answers 200 with an HTML page that wants to see a browser.
	Challenge
	// Endless answers 200 with JSON that does not end.
	Endless
	// Oversize answers truly, followed by white space up to Fault.Bytes
	// (default 64 MiB): valid JSON that is too large.
	Oversize
	// SlowMedia makes an upload be processed for Delay: the upload answers 202,
	// the file 206, and a status with it 422 until then.
	SlowMedia
	// HalfOpen lets a stream open and freezes it after Delay: see
	// [Server.FreezeStreams].
	HalfOpen
	// Kick lets a stream open and closes it after Delay: see
	// [Server.KickStreams].
	Kick
)

// A Fault is one way to misbehave at some requests. Of several that match, the
// first that was added wins. Slow, CutAfter and Oversize pass streams by, which
// have no answer that could be held back; HalfOpen and Kick are for nothing
// else.
type Fault struct {
	Kind       Kind
	Method     string        // "" is every method
	PathPrefix string        // "" is every path
	Times      int           // how often; 0 is until it is stopped
	Delay      time.Duration // what it means depends on the kind
	Status     int           // for Answer; default 500
	Bytes      int64         // for Oversize
	// Probability between 0 and 1 is for each request; 0 is always. Rand
	// decides; without it the server's own, which is the same in each run.
	Probability float64
	Rand        *rand.Rand // must not be used elsewhere at the same time
}

// A Misbehaviour is a fault in force.
type Misbehaviour struct {
	all   *faults
	fault Fault
	count int
}

// faults are those in force.
type faults struct {
	mu   sync.Mutex
	list []*Misbehaviour
	rand *rand.Rand
}

// Misbehave puts a fault in force until its Times are over or it is stopped.
// It panics for a kind that does not exist.
func (s *Server) Misbehave(f Fault) *Misbehaviour {
	if f.Kind < Answer || f.Kind > Kick {
		panic(fmt.Sprintf("sandbox: there is no fault of kind %d", f.Kind))
	}
	m := &Misbehaviour{all: &s.faults, fault: f}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, m)
	return m
}

// Behave stops every fault. What already hangs goes on hanging, and a frozen
// stream stays frozen.
func (s *Server) Behave() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// Stop ends the fault for new requests.
func (m *Misbehaviour) Stop() {
	m.all.mu.Lock()
	defer m.all.mu.Unlock()
	m.all.list = slices.DeleteFunc(m.all.list, func(other *Misbehaviour) bool { return other == m })
}

// Count is how many requests met the fault.
func (m *Misbehaviour) Count() int {
	m.all.mu.Lock()
	defer m.all.mu.Unlock()
	return m.count
}

// pick finds the fault that a request meets, if any.
func (f *faults) pick(method, path string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n, m := range f.list {
		if m.fault.Method != "" && m.fault.Method != method || !strings.HasPrefix(path, m.fault.PathPrefix) {
			continue
		}
		if m.fault.concerns(method, path) && f.strikes(m.fault) {
			m.count++
			if m.count == m.fault.Times {
				f.list = slices.Delete(f.list, n, n+1)
			}
			return m.fault, true
		}
	}
	return Fault{}, false
}

// concerns tells whether the kind has a meaning at all for such a request.
func (f Fault) concerns(method, path string) bool {
	stream := strings.HasPrefix(path, streamingPath) && path != streamingPath+"/health"
	switch f.Kind {
	case FakeStatus:
		return method == "POST" && path == "/api/v1/statuses"
	case SlowMedia:
		return method == "POST" && strings.HasSuffix(path, "/media")
	case HalfOpen, Kick:
		return stream
	case Slow, CutAfter, Oversize:
		return !stream // there is no end of the answer
	}
	return true
}

func (f *faults) strikes(one Fault) bool {
	if one.Probability <= 0 || one.Probability >= 1 {
		return true
	}
	dice := one.Rand
	if dice == nil {
		if f.rand == nil {
			f.rand = rand.New(rand.NewPCG(1, 2))
		}
		dice = f.rand
	}
	return dice.Float64() < one.Probability
}
