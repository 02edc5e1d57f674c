package certs

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A standing tells how what was served compares with what lies on disk.
type standing struct {
	how stance
	// on is the lineage that it is compared with; nil where there is none.
	on *lineage
	// since is when what was served was replaced on disk.
	since time.Time
	// better is another lineage for the name that lasts longer, where what is
	// served is the newest of its own; nil where there is none.
	better *lineage
}

// stance is the answer of a comparison.
type stance int

const (
	_ stance = iota // nothing on disk can be compared
	// loaded: it is what lies on disk.
	loaded
	// replaced: a newer one lies on disk.
	replaced
	// foreign: there is one for the name on disk, and somebody else's machine
	// answers, as far as can be told.
	foreign
)

// compare finds out how a certificate that was served stands to those on disk.
// mine tells that this machine has served it.
//
//   - One of the newest of a lineage is loaded.
//   - One that certbot's archive has kept was replaced, whoever has served it.
//   - One that this machine has served was replaced by a later one for the same
//     name of the same authority: acme.sh and Caddy keep no old ones.
//   - From elsewhere, nothing follows for the web server of this machine.
func compare(served *x509.Certificate, name string, mine bool, lineages []lineage) standing {
	id := fingerprint(served)
	var newest, covering, current *lineage
	for i := range lineages {
		l := &lineages[i]
		if l.err != nil {
			continue
		}
		if fingerprint(l.leaf()) == id {
			current = l
			continue
		}
		if l.leaf().VerifyHostname(name) != nil {
			continue
		}
		if covering == nil || l.leaf().NotAfter.After(covering.leaf().NotAfter) {
			covering = l
		}
		if mine && follows(served, l.leaf()) && (newest == nil || l.leaf().NotAfter.After(newest.leaf().NotAfter)) {
			newest = l
		}
	}
	if current != nil {
		if covering != nil && !covering.leaf().NotAfter.After(served.NotAfter) {
			covering = nil
		}
		return standing{how: loaded, on: current, better: covering}
	}
	for i := range lineages {
		for _, v := range lineages[i].older {
			if lineages[i].err == nil && v.print == id {
				return standing{how: replaced, on: &lineages[i], since: v.replaced}
			}
		}
	}
	switch {
	case newest != nil:
		return standing{how: replaced, on: newest, since: newest.since}
	case covering != nil && !mine:
		return standing{how: foreign, on: covering}
	}
	return standing{}
}

// follows tells whether a certificate looks like the renewal of another: it
// begins and ends later, and is of the same authority. Authorities change
// their intermediates, so the name of the organisation decides.
func follows(old, next *x509.Certificate) bool {
	return next.NotBefore.After(old.NotBefore) && next.NotAfter.After(old.NotAfter) && authority(old) == authority(next)
}

func authority(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 {
		return c.Issuer.Organization[0]
	}
	return c.Issuer.String()
}

const (
	// loadPatience is how long a renewed certificate may lie on disk before the
	// web server has it (defaults: 24 h).
	loadPatience = 24 * time.Hour
	// loadShare bounds that for short lives: a twelfth of six days is 12 h (own).
	loadShare = 12
)

func (q question) standing(v view) standing {
	if q.stand == nil || v.chain == nil {
		return standing{}
	}
	return q.stand(v)
}

// behind is the fault of a certificate that was replaced on disk.
func (q question) behind(leaf *x509.Certificate, s standing) *fault {
	if s.how != replaced {
		return nil
	}
	if s.on.leaf().VerifyHostname(q.domain) != nil {
		// To load it would lose the name.
		names, more := covers(s.on.leaf())
		return &fault{code: namesMissing, kind: nameLost, severity: checks.Warning, stand: s, names: names, more: more}
	}
	life, left := leaf.NotAfter.Sub(leaf.NotBefore), leaf.NotAfter.Sub(q.now)
	f := fault{code: notLoaded, kind: behindDisk, end: leaf.NotAfter, life: life, stand: s}
	f.severity = max(checks.Warning, q.limits.ending(life, left))
	if f.severity < checks.Critical && q.now.Sub(s.since) <= min(loadPatience, life/loadShare) {
		return nil
	}
	return &f
}

// elsewhere tells that the local web server was not seen, and who answered in
// its place, if that is known.
func (q question) elsewhere(v view) (who string, is bool) {
	if q.direct || q.standing(v).how != foreign {
		return "", false
	}
	return cdnOf(v.addr), true
}

// comparer makes the comparison for the views of one endpoint. waiting holds
// since when a served certificate is known to have been replaced, by its
// fingerprint: where no archive tells, a second renewal would begin anew.
func comparer(name string, lineages []lineage, a around, waiting map[string]int64) func(view) standing {
	if len(lineages) == 0 {
		return nil
	}
	return func(v view) standing {
		s := compare(v.chain[0], name, a.mine(v.addr), lineages)
		if s.how == replaced {
			if at, ok := waiting[fingerprint(v.chain[0])]; ok && time.Unix(at, 0).Before(s.since) {
				s.since = time.Unix(at, 0)
			}
		}
		return s
	}
}

// waitLimit is how many served certificates that wait are remembered (own).
const waitLimit = 32

// waits remembers since when each served certificate has been replaced on disk.
func waits(q question, views []view, into map[string]int64) {
	for _, v := range views {
		if s := q.standing(v); s.how == replaced && len(into) < waitLimit {
			into[fingerprint(v.chain[0])] = s.since.Unix()
		}
	}
}

// covered are the lineages whose certificate is for one of the names.
func covered(l lineage, names []string) bool {
	return l.err == nil && slices.ContainsFunc(names, func(n string) bool { return l.leaf().VerifyHostname(n) == nil })
}
