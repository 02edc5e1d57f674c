package mastodon

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/sababan/sababan/checks"
)

// A memory is what one look leaves to the next. Times are seconds since 1970,
// 0 for never or not.
type memory struct {
	Service  source `json:"service"`
	Releases source `json:"releases"`
	// Seen is since when a version is known to be out.
	Seen map[string]int64 `json:"seen"`
	// Running, Pending and Post are since when another version runs than lies on
	// disk, and since when migrations are missing; Checker since when Mastodon's
	// own table of updates is not what the service says.
	Running int64 `json:"running"`
	Pending int64 `json:"pending"`
	Post    int64 `json:"post"`
	Checker int64 `json:"checker"`
}

// A source is a place on the network, and what it said last.
type source struct {
	Asked    int64   `json:"asked"`
	Answered int64   `json:"answered"`
	Offers   []offer `json:"offers"`
	ETag     string  `json:"etag"`
	// Branch is the one that was asked for, Ends when its support ends.
	Branch string `json:"branch"`
	Ends   int64  `json:"ends"`

	err error // of this look
}

const memoryKey = "mastodon"

// remembered is what the last look has left, and whether there was one; what
// cannot be read is as if nothing had been.
func remembered(past checks.Past) (m memory, watched bool) {
	b, ok := past.Load(memoryKey)
	if ok {
		if err := json.Unmarshal(b, &m); err != nil {
			m, ok = memory{}, false
		}
	}
	m.Seen = maps.Clone(m.Seen)
	if m.Seen == nil {
		m.Seen = map[string]int64{}
	}
	for _, s := range []*source{&m.Service, &m.Releases} {
		if len(s.Offers) > offerLimit {
			s.Offers = s.Offers[:offerLimit]
		}
		for i := range s.Offers {
			s.Offers[i].Notes = link(s.Offers[i].Notes)
		}
	}
	return m, ok
}

// after is the source once it was asked.
func (s source) after(a answer, now time.Time) source {
	s.Asked, s.err = now.Unix(), a.err
	switch {
	case a.err != nil:
	case a.unchanged:
		s.Answered = now.Unix()
	default:
		s = source{Asked: s.Asked, Answered: now.Unix(), Offers: a.offers, ETag: a.etag, Branch: a.branch, Ends: a.ends}
	}
	return s
}

// since is how long ago something was; never for what is not known, or said to
// be still to come by a clock that was set back.
func since(at int64, now time.Time) time.Duration {
	if at <= 0 || at > now.Unix() {
		return never
	}
	return now.Sub(time.Unix(at, 0))
}

const never = 1<<63 - 1

// How often each source is asked, and for how long its answer holds.
const (
	serviceEvery  = 6 * time.Hour  // 4 times a day (defaults)
	releasesEvery = 24 * time.Hour // daily (defaults)
	// insteadAfter is when the list of releases is asked in the service's place
	// (own).
	insteadAfter = 24 * time.Hour
	// answerHolds is for how long what was said is as good as said now
	// (defaults: no answer in 48 h).
	answerHolds = 48 * time.Hour
)

// A plan is what decides whether a source is due.
type plan struct {
	now               time.Time
	offline           bool
	updates, releases string // addresses; "" and [off] where switched off
}

// serviceDue tells whether the update service is to be asked now.
func serviceDue(s source, p plan) bool {
	return !p.offline && p.updates != "" && since(s.Asked, p.now) >= serviceEvery
}

// releasesDue tells whether the list of releases is: where the service is
// switched off, or has not answered for a day.
func releasesDue(r, service source, p plan) bool {
	if p.offline || p.releases == off || p.releases == "" || since(r.Asked, p.now) < releasesEvery {
		return false
	}
	return p.updates == "" || since(service.Answered, p.now) >= insteadAfter
}

// tells tells whether what a source said still counts.
func (s source) tells(now time.Time) bool { return since(s.Answered, now) < answerHolds }
