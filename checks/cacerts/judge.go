package cacerts

import (
	"maps"
	"time"

	"github.com/sababan/sababan/checks"
)

// A question is all that one look knows.
type question struct {
	now     time.Time
	before  memory
	stores  []store // the system's first
	pack    pack
	views   []view
	asked   int
	offline bool
	// reused tells that the panel has answered well today and was left alone.
	reused bool
	tools  tools
	proofs []proof
}

// askedToday tells whether the last good answer of the panel still holds: it
// is of today, and the stores are what they were.
func (q question) askedToday() bool {
	at := time.Unix(q.before.Asked, 0)
	return q.before.Asked > 0 && !at.After(q.now) && q.now.Sub(at) < panelFresh && q.before.Stores == sums(q.stores)
}

func sums(stores []store) string {
	all := ""
	for _, s := range stores {
		all += s.name + "=" + s.sum + " "
	}
	return all
}

// A proof is what the panel says of one store.
type proof struct {
	store    store
	reached  int // servers that showed a certificate
	fair     int // of them, those whose own certificate is not at fault
	verified int
	// failed are those that the store cannot verify, and only how many of them
	// another store can.
	failed []string
	only   int
	// theirs are those whose certificate is bad whatever the store.
	theirs []string
	// dated are those that are not valid by this machine's clock.
	dated int
}

// prove verifies each server with each store.
func prove(views []view, stores []store, now time.Time) []proof {
	proofs := make([]proof, len(stores))
	for i, s := range stores {
		proofs[i].store = s
	}
	for _, v := range views {
		if len(v.chain) == 0 {
			continue
		}
		results := make([]trust, len(stores))
		anybody := false
		for i, s := range stores {
			results[i] = verify(v, s.pool, now)
			anybody = anybody || results[i] == trusted
		}
		for i, r := range results {
			p := &proofs[i]
			p.reached++
			switch r {
			case trusted:
				p.fair++
				p.verified++
			case unknown:
				p.fair++
				p.failed = append(p.failed, v.name)
				if anybody {
					p.only++
				}
			case outOfDate:
				p.dated++
			case theirs:
				p.theirs = append(p.theirs, v.name)
			}
		}
	}
	return proofs
}

// Why a store is, or is not, called good.
const (
	reasonGood     = "it verifies the servers"
	reasonOne      = "one server alone proves nothing"
	reasonSome     = "it fails for several servers"
	reasonMost     = "it fails for most servers"
	reasonNetwork  = "too few servers were reached"
	reasonClock    = "most certificates are not valid by this clock"
	reasonTheirs   = "too few servers have a good certificate"
	reasonNotAsked = "nobody was asked"
)

// judgeProof decides whether a store is at fault: most of the panel, or two of
// it (defaults). One server that fails may be at fault itself; many that are
// out of date say that the clock is.
func judgeProof(p proof, asked int) (checks.Severity, string) {
	switch {
	case asked == 0:
		return checks.OK, reasonNotAsked
	case 2*p.dated > p.reached:
		return checks.Unknown, reasonClock
	case p.reached < min(2, asked):
		return checks.Unknown, reasonNetwork
	case p.fair < min(2, asked):
		return checks.Unknown, reasonTheirs
	case len(p.failed) >= 2 && 2*len(p.failed) > p.fair, asked == 1 && len(p.failed) == 1:
		return checks.Critical, reasonMost
	case len(p.failed) >= 2:
		return checks.Warning, reasonSome
	case len(p.failed) == 1:
		return checks.OK, reasonOne
	}
	return checks.OK, reasonGood
}

const (
	// shrunkenShare is the share of the usual number of roots below which a
	// store has shrunk (own: a year of removals takes a tenth).
	shrunkenShare = 0.75
	// shrunkenUsual is after what time the small number is the usual one (own).
	shrunkenUsual = 30 * 24 * time.Hour
)

// shrunken tells whether a store has far fewer roots than usual.
func (q question) shrunken(s store) bool {
	usual := q.before.Usual[s.name]
	if s.trouble() != nil || usual == 0 || float64(s.roots) >= shrunkenShare*float64(usual) {
		return false
	}
	since := q.before.Shrunk[s.name]
	return since == 0 || q.now.Sub(time.Unix(since, 0)) < shrunkenUsual
}

// judge makes the observation.
func (q question) judge() checks.Observation {
	var o checks.Observation
	asked := q.asked
	if q.offline || q.reused {
		asked = 0
	}
	for i, s := range q.stores {
		trouble := s.trouble()
		if s.err != nil && isPermission(s.err) {
			// What may not be read may well be whole.
			o.Blind = append(o.Blind, checks.Blind{Subject: s.name, Why: textClosed(s), Mend: adviceClosed()})
			continue
		}
		if s.err == nil {
			o.Measures = append(o.Measures, checks.Measure{Name: "roots", Subject: s.name, Value: float64(s.roots), Unit: checks.Count})
		}
		if trouble != nil {
			o.Findings = append(o.Findings, checks.Finding{
				Code: codeBundle, Subject: s.name, Severity: checks.Critical, Road: checks.Now, Harm: q.now,
				Text: textBundle(s, trouble), Advice: q.adviceStore(s),
			})
		}
		if q.shrunken(s) {
			o.Findings = append(o.Findings, checks.Finding{
				Code: codeShrunken, Subject: s.name, Severity: checks.Warning, Road: checks.Morning,
				Text: textShrunken(s, q.before.Usual[s.name]), Advice: q.adviceStore(s),
			})
		}
		p := q.proofs[i]
		if asked > 0 {
			o.Measures = append(o.Measures, checks.Measure{Name: "verified", Subject: s.name, Value: float64(p.verified), Unit: checks.Count})
		}
		severity, why := judgeProof(p, asked)
		switch severity {
		case checks.Unknown:
			o.Blind = append(o.Blind, checks.Blind{Code: codeUnverified, Subject: s.name, Why: textUnproven(why, p, asked), Mend: adviceUnproven(why)})
		case checks.Warning, checks.Critical:
			f := checks.Finding{
				// A store that is broken is told once.
				Code: codeUnverified, Subject: s.name, Severity: severity, Road: checks.Morning, Holds: trouble != nil,
				Text: textUnverified(p, len(q.stores) > 1), Advice: q.adviceStore(s),
			}
			if severity == checks.Critical {
				f.Road, f.Harm = checks.Now, q.now
			}
			o.Findings = append(o.Findings, f)
		case checks.OK:
		}
	}
	switch {
	case q.pack.err != nil:
		o.Blind = append(o.Blind, checks.Blind{Code: codeOutdated, Why: textNoPackage(q.pack.err)})
	case q.pack.installed != "" && q.pack.offered != "":
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeOutdated, Severity: checks.Warning, Road: checks.Week,
			Text: textOutdated(q.pack), Advice: q.adviceUpgrade(),
		})
	}
	o.Summary = q.summary(asked)
	return o
}

// remember is what the next look should know.
func (q question) remember() memory {
	m := memory{
		Usual: map[string]int{}, Shrunk: map[string]int64{},
		Asked: q.before.Asked, Stores: q.before.Stores, Verified: q.before.Verified, Of: q.before.Of,
	}
	maps.Copy(m.Usual, q.before.Usual)
	for _, s := range q.stores {
		switch {
		case s.trouble() != nil:
		case q.shrunken(s):
			m.Shrunk[s.name] = q.now.Unix()
			if since := q.before.Shrunk[s.name]; since > 0 {
				m.Shrunk[s.name] = since
			}
		default:
			m.Usual[s.name] = s.roots
		}
	}
	if q.reused {
		return m
	}
	m.Asked, m.Stores, m.Verified, m.Of = 0, "", 0, 0
	for _, p := range q.proofs {
		if isPermission(p.store.err) {
			continue // asking again would tell no more
		}
		// Where too few were reached they are asked again, too.
		if _, why := judgeProof(p, q.asked); q.offline || why != reasonGood && why != reasonOne {
			return m
		}
	}
	if len(q.proofs) > 0 && q.asked > 0 {
		m.Asked, m.Stores, m.Verified, m.Of = q.now.Unix(), sums(q.stores), q.proofs[0].verified, q.asked
	}
	return m
}
