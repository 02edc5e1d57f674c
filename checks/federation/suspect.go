package federation

import (
	"cmp"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	failDays    = 5  // of seven; defaults
	topDomains  = 20 // defaults
	suspectKept = 200
	// missingOpen is how many rounds must have seen it (defaults).
	missingOpen = 3
	// stoppedNew is how old the end of deliveries may be that is told: what was
	// there long before is known (own).
	stoppedNew = 30 * 24 * time.Hour

	refusedLeast = 3 // of the top; defaults
	refusedOpen  = 2 // rounds (own)
	// refusedFresh is how old a look may be that tells of a refusal (own).
	refusedFresh = 6 * time.Hour

	silenceShare = usShare // of those whose rhythm is known (as of deliveries)
	silenceLeast = 5       // (own)
	silenceOpen  = 2       // rounds (own, as of deliveries)
)

// A suspect is a server that may be missing, and why.
type suspect struct {
	Domain  string `json:"domain"`
	Follows int    `json:"follows"`
	// Bad counts the rounds that have seen it so.
	Bad int `json:"bad,omitempty"`
	// Last is when it was heard last, and Usual its longest usual gap in minutes,
	// where it is silent; else 0.
	Last  int64 `json:"last,omitempty"`
	Usual int64 `json:"usual,omitempty"`
	// Days is on how many of the last seven deliveries failed.
	Days int `json:"days,omitempty"`
	// Lately: a delivery failed today or yesterday.
	Lately bool `json:"lately,omitempty"`
	// Stopped is since when Mastodon delivers no more, in seconds since 1970.
	Stopped int64 `json:"stopped,omitempty"`
	// Top: one of those that most people here follow.
	Top    bool `json:"top,omitempty"`
	Friend bool `json:"friend,omitempty"`
	// Looked is when it was looked at, in seconds since 1970, and what came of it.
	Looked  int64   `json:"looked,omitempty"`
	Outcome outcome `json:"outcome,omitzero"`
}

// missing tells whether people miss this server; one of the top that failed a
// delivery lately is only asked whether it refuses.
func (s suspect) missing() bool {
	return s.Last > 0 || s.Stopped > 0 || s.Days >= failDays
}

// A sighting is what a round knows, before anybody is looked at.
type sighting struct {
	now     time.Time
	weights weights
	beats   map[string]beat
	friends []string
	failing []failing
	stopped map[string]time.Time // by host
	before  []suspect
}

// suspects are those that seem to be missing, the most followed first.
func (s sighting) suspects() []suspect {
	all := map[string]*suspect{}
	was := map[string]suspect{}
	for _, b := range s.before {
		was[b.Domain] = b
	}
	top := s.weights.top(topDomains)
	of := func(domain string) *suspect {
		if all[domain] == nil {
			all[domain] = &suspect{
				Domain: domain, Follows: s.weights.follows(domain), Top: top[domain], Friend: slices.Contains(s.friends, domain),
			}
		}
		return all[domain]
	}
	for _, domain := range s.listened() {
		b := s.beats[domain]
		if _, silent := b.silence(s.now); silent {
			one := of(domain)
			one.Last, one.Usual = b.last().Unix(), int64(b.usual()/time.Minute)
		}
	}
	for _, f := range s.failing {
		if s.weights.follows(f.Domain) < weightLeast {
			continue
		}
		if f.Days >= failDays || f.Lately && top[f.Domain] {
			one := of(f.Domain)
			one.Days, one.Lately = f.Days, f.Lately
		}
	}
	for host, since := range s.stopped {
		domain, ok := s.weights.domainOf(host)
		if !ok || s.weights.follows(domain) < weightLeast {
			continue
		}
		if s.now.Sub(since) < stoppedNew || was[domain].Stopped > 0 {
			of(domain).Stopped = since.Unix()
		}
	}
	var list []suspect
	for domain, one := range all {
		one.Looked, one.Outcome, one.Bad = was[domain].Looked, was[domain].Outcome, min(was[domain].Bad+1, 1000)
		if !one.missing() {
			one.Bad = 0
		}
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b suspect) int {
		return cmp.Or(cmp.Compare(b.Follows, a.Follows), cmp.Compare(a.Domain, b.Domain))
	})
	return list[:min(len(list), suspectKept)]
}

// listened are the domains whose silence would be noticed: those that enough
// people follow, and friends.
func (s sighting) listened() []string {
	heavy := s.weights.heavy()
	var list []string
	for _, w := range s.weights.List {
		if w.Follows >= heavy {
			list = append(list, w.Domain)
		}
	}
	for _, f := range s.friends {
		if s.weights.follows(f) < heavy {
			list = append(list, f)
		}
	}
	return list
}

// quiet are those of them that seem silent, the most followed first.
func (s sighting) quiet() []string {
	var list []string
	for _, domain := range s.listened() {
		if _, silent := s.beats[domain].silence(s.now); silent {
			list = append(list, domain)
		}
	}
	return list
}

// judgeSilence decides whether so many of those whose rhythm is known fell
// silent within the last days that the fault is here.
func (s sighting) judgeSilence(suspects []suspect) (count, known int, bad bool) {
	for _, domain := range s.listened() {
		b := s.beats[domain]
		if s.now.Sub(time.Unix(60*b.First, 0)) >= beatLearned && b.Times >= beatTimes {
			known++
		}
	}
	for _, one := range suspects {
		// Who is silent for a fortnight did not begin with the others.
		if one.Last > 0 && s.now.Sub(time.Unix(one.Last, 0)) < 14*24*time.Hour {
			count++
		}
	}
	return count, known, count >= silenceLeast && float64(count) >= silenceShare*float64(known)
}

// turns is the order in which suspects are to be looked at: those that never
// were, then those whose look is the oldest; a fresh look is kept.
func turns(suspects []suspect, own string, now time.Time) []string {
	var waiting []suspect
	for _, s := range suspects {
		looked := time.Unix(s.Looked, 0)
		if s.Top && s.Lately && now.Sub(looked) > refusedFresh {
			s.Outcome = outcome{} // whether it refuses may change within a day
		}
		if s.Domain != own && !s.Outcome.fresh(looked, now) {
			waiting = append(waiting, s)
		}
	}
	slices.SortStableFunc(waiting, func(a, b suspect) int { return cmp.Compare(a.Looked, b.Looked) })
	list := make([]string, len(waiting))
	for i, s := range waiting {
		list[i] = s.Domain
	}
	return list
}

// refusals are those of the top that do not accept what comes from here: they
// say so, or they answer everybody and yet deliveries fail.
func refusals(suspects []suspect, now time.Time) []suspect {
	var list []suspect
	for _, s := range suspects {
		if !s.Top || !s.Lately || now.Sub(time.Unix(s.Looked, 0)) > refusedFresh+2*time.Hour {
			continue
		}
		if s.Outcome.Kind == refusing || s.Outcome.Kind == there {
			list = append(list, s)
		}
	}
	return list
}

// mistrusted are those whose certificates only this machine's list does not
// know: another list here does, or several unrelated servers have the same
// authority, which is then hardly their own.
func mistrusted(suspects []suspect) []suspect {
	owners := map[string]map[string]bool{}
	for _, s := range suspects {
		if s.Outcome.Kind == unknownRoot && s.Outcome.Issuer != "" {
			if owners[s.Outcome.Issuer] == nil {
				owners[s.Outcome.Issuer] = map[string]bool{}
			}
			owners[s.Outcome.Issuer][ownerOf(s.Domain)] = true
		}
	}
	var list []suspect
	for _, s := range suspects {
		if s.Outcome.Kind == ourRoots || s.Outcome.Kind == unknownRoot && len(owners[s.Outcome.Issuer]) >= 2 {
			list = append(list, s)
		}
	}
	return list
}

// road is how soon it must be heard that somebody is missing.
func (s suspect) road(heavy int) checks.Road {
	if s.Follows >= heavy || s.Friend {
		return checks.Morning
	}
	return checks.Week
}
