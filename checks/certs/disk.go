package certs

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// The codes of what is found on disk.
const (
	overdue    = "renewal-overdue"
	brokenFile = "broken-file"
	noHook     = "no-reload-hook"
	noRenewal  = "no-renewal"
)

// abandoned is how long after its end a certificate that nobody serves is still
// spoken of (own).
const abandoned = 30 * 24 * time.Hour

// measuredLimit is how many certificates on disk are measured (own).
const measuredLimit = 16

// A drawer is the disk as one look has it: what lies there, and what the
// judgement of it rests on.
type drawer struct {
	shelf
	now    time.Time
	limits Config
	// names are those of the site, mail included.
	names []string
	// served are the fingerprints of what was served, wherever.
	served map[string]bool
	// looked tells that the servers could be looked at.
	looked bool
	rotas  map[manager]rota
	// server is the web server; "" where it is not known.
	server string
	// user is who this program runs as.
	user string
	// open is what was found before and has not been seen well since.
	open []checks.Key
	// before are the fingerprints that the last look saw, by lineage; nil at
	// the first look.
	before map[string]string
}

// judge says what is found of the disk.
func (d drawer) judge() checks.Observation {
	var o checks.Observation
	d.lineagesInto(&o)
	for _, by := range []manager{byCertbot, byAcmeSh} {
		d.rotaInto(&o, by)
	}
	d.hooksInto(&o)
	d.blindInto(&o)
	return o
}

// subjectOf is what a finding about a lineage is about.
func subjectOf(l lineage) string { return checks.QuoteName(l.name) }

func (d drawer) lineagesInto(o *checks.Observation) {
	measured := 0
	told := map[checks.Key]bool{}
	for _, l := range d.lineages {
		if told[checks.Key{Subject: subjectOf(l)}] {
			continue // two that are called the same
		}
		told[checks.Key{Subject: subjectOf(l)}] = true
		if l.err != nil {
			o.Findings = append(o.Findings, checks.Finding{
				Code: brokenFile, Subject: subjectOf(l), Severity: checks.Warning, Road: checks.Morning,
				Text: textBrokenFile(l), Advice: adviceBrokenFile(l),
			})
			continue
		}
		if covered(l, d.names) && measured < measuredLimit {
			measured++
			o.Measures = append(o.Measures, checks.Measure{
				Name: "disk_life_left", Subject: subjectOf(l), Value: l.leaf().NotAfter.Sub(d.now).Seconds(), Unit: checks.Seconds,
			})
		}
		if f, ok := d.overdue(l); ok {
			o.Findings = append(o.Findings, f)
		}
		if was, known := d.before[l.name]; known && was != fingerprint(l.leaf()) {
			o.Events = append(o.Events, checks.Event{At: l.since, Code: "renewed", Subject: subjectOf(l), Text: textRenewedOnDisk(l)})
		}
	}
}

// overdue judges whether a renewal should have come; what is served is judged
// where it is served.
func (d drawer) overdue(l lineage) (checks.Finding, bool) {
	leaf := l.leaf()
	life, left := leaf.NotAfter.Sub(leaf.NotBefore), leaf.NotAfter.Sub(d.now)
	if d.served[fingerprint(leaf)] || d.limits.ending(life, left) == checks.OK || left < -abandoned {
		return checks.Finding{}, false
	}
	f := checks.Finding{
		Code: overdue, Subject: subjectOf(l), Severity: checks.Warning, Road: checks.Week, Harm: leaf.NotAfter,
		Text: textOverdue(l, left <= 0, d.looked), Advice: adviceOverdue(l, d.server),
	}
	if covered(l, d.names) && !d.superseded(l) {
		f.Road = checks.Morning
	}
	return f, true
}

// superseded tells whether another lineage is for all that this one is for on
// this site, and lasts longer.
func (d drawer) superseded(l lineage) bool {
	return slices.ContainsFunc(d.lineages, func(o lineage) bool {
		if o.err != nil || !o.leaf().NotAfter.After(l.leaf().NotAfter) {
			return false
		}
		return !slices.ContainsFunc(d.names, func(n string) bool {
			return l.leaf().VerifyHostname(n) == nil && o.leaf().VerifyHostname(n) != nil
		})
	})
}

// uses tells whether a manager has certificates here, and whether it is known
// to have renewed one of them before.
func (d drawer) uses(by manager) (uses, renewed bool) {
	uses = by == byCertbot && len(d.confs) > 0
	for _, l := range d.lineages {
		if l.by == by {
			uses = true
			renewed = renewed || len(l.older) > 0
		}
	}
	return uses, renewed
}

// rotaInto says that nothing starts the renewals.
func (d drawer) rotaInto(o *checks.Observation, by manager) {
	uses, renewed := d.uses(by)
	r := d.rotas[by]
	switch {
	case !uses || r.runs:
	case renewed && r.program == "" && by == byCertbot && len(r.off)+len(r.masked) == 0:
		// It renews from somewhere else, such as a container.
	case r.hidden && len(r.off)+len(r.masked) == 0:
		key := checks.Key{Code: noRenewal, Subject: string(by)}
		// Who has renewed before has something that does it.
		if !renewed || slices.Contains(d.open, key) {
			o.Blind = append(o.Blind, checks.Blind{Code: key.Code, Subject: key.Subject, Why: textCronHidden(by), Mend: adviceCronHidden(by)})
		}
	default:
		o.Findings = append(o.Findings, checks.Finding{
			Code: noRenewal, Subject: string(by), Severity: checks.Warning, Road: checks.Morning,
			Text: textNoRenewal(by, r), Advice: d.adviceNoRenewal(by, r),
		})
	}
}

// hooksInto says that renewed certificates are not brought into use.
func (d drawer) hooksInto(o *checks.Observation) {
	if d.server == "caddy" || d.server == "traefik" {
		return // they look at their files themselves
	}
	var lacking []string
	for _, c := range d.confs {
		if d.concerns(c.name) && !c.loads() {
			lacking = append(lacking, c.name)
		}
	}
	if len(lacking) > 0 && !d.rotas[byCertbot].reloads {
		o.Findings = append(o.Findings, checks.Finding{
			Code: noHook, Subject: string(byCertbot), Severity: checks.Warning, Road: checks.Week,
			Text: textNoHook(byCertbot, lacking, d.server), Advice: adviceNoHook(d.server),
		})
	}
	var without []string
	for _, l := range d.lineages {
		if l.by == byAcmeSh && covered(l, d.names) && !reloadsWeb(l.reload) {
			without = append(without, l.name)
		}
	}
	if len(without) > 0 && !d.rotas[byAcmeSh].reloads {
		o.Findings = append(o.Findings, checks.Finding{
			Code: noHook, Subject: string(byAcmeSh), Severity: checks.Warning, Road: checks.Week,
			Text: textNoHook(byAcmeSh, without, d.server), Advice: adviceNoHookAcme(d.server),
		})
	}
}

// concerns tells whether the lineage of a note is one of the site's; while it
// cannot be read, its name must do.
func (d drawer) concerns(name string) bool {
	for _, l := range d.lineages {
		if l.by == byCertbot && l.name == name && l.err == nil {
			return covered(l, d.names)
		}
	}
	return slices.ContainsFunc(d.names, func(n string) bool { return strings.HasPrefix(name, n) })
}

// diskCodes are what only the certificates themselves can tell.
var diskCodes = []string{notLoaded, namesMissing, overdue, brokenFile}

// blindInto says what was closed to us. It is said once; what is open of the
// other codes is held besides.
func (d drawer) blindInto(o *checks.Observation) {
	hold := func(codes []string, why checks.Text, mend checks.Advice) {
		for i, code := range codes {
			for _, key := range d.open {
				if i > 0 && key.Code == code && !holds(o, key) {
					o.Blind = append(o.Blind, checks.Blind{Code: code, Subject: key.Subject, Why: why})
				}
			}
		}
		o.Blind = append(o.Blind, checks.Blind{Code: codes[0], Why: why, Mend: mend})
	}
	switch {
	case len(d.denied) > 0:
		hold(diskCodes, textDenied(d.denied), adviceDenied(d.denied, d.user))
	case d.beyond > 0:
		hold([]string{overdue, notLoaded, namesMissing, brokenFile}, textBeyond(len(d.lineages), d.beyond), checks.Advice{})
	}
	if d.confsDenied {
		hold([]string{noHook}, textConfsDenied(), adviceDenied([]string{certbotFolder + "/renewal"}, d.user))
	}
}

func holds(o *checks.Observation, key checks.Key) bool {
	return slices.ContainsFunc(o.Findings, func(f checks.Finding) bool { return f.Key() == key })
}

// rememberedLimit is how many lineages are remembered (own).
const rememberedLimit = lineageLimit

// prints are the fingerprints to compare with at the next look.
func (d drawer) prints() map[string]string {
	seen := map[string]string{}
	for _, l := range d.lineages {
		if len(seen) == rememberedLimit {
			break
		}
		if l.err == nil {
			seen[l.name] = fingerprint(l.leaf())
		} else if was, ok := d.before[l.name]; ok {
			seen[l.name] = was
		}
	}
	if len(d.denied) > 0 {
		for name, was := range d.before {
			if _, ok := seen[name]; !ok && len(seen) < rememberedLimit {
				seen[name] = was
			}
		}
	}
	return seen
}

// covering is certbot's lineage for a name that lasts longest.
func (s shelf) covering(name string) (lineage, bool) {
	var list []lineage
	for _, l := range s.lineages {
		if l.by == byCertbot && covered(l, []string{name}) {
			list = append(list, l)
		}
	}
	if len(list) == 0 {
		return lineage{}, false
	}
	return slices.MaxFunc(list, func(a, b lineage) int {
		return cmp.Or(a.leaf().NotAfter.Compare(b.leaf().NotAfter), strings.Compare(b.name, a.name))
	}), true
}

// missing tells whether a file is simply not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
