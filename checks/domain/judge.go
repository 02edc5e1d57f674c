package domain

import (
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/registry"
)

// A question is everything that is needed to judge.
type question struct {
	config  Config
	now     time.Time
	offline bool
	views   []view
}

// An end is when a registration ends, as far as anybody tells.
type end struct {
	at time.Time // zero where nobody does
	// set: it is written in the configuration.
	set bool
	// by is who told it, "RDAP" or "WHOIS", and told when.
	by   string
	told time.Time
}

// judge makes an observation of what was seen.
func (q question) judge() checks.Observation {
	var o checks.Observation
	var lines []summary
	for _, v := range q.views {
		r := q.registered(v.domain.name)
		e := q.end(v, r)
		lines = append(lines, summary{name: v.domain.name, end: e.at, zone: v.zone, offline: q.offline})
		if !e.at.IsZero() {
			o.Measures = append(o.Measures, checks.Measure{Name: leftSeconds, Subject: v.domain.name, Value: max(e.at.Sub(q.now).Seconds(), 0), Unit: checks.Seconds})
		}
		q.registration(&o, v, r, e)
		q.nameServers(&o, v)
		q.signatures(&o, v)
		q.permitted(&o, v)
	}
	o.Summary = textSummary(lines, q.now)
	return o
}

// registered is what is written of a domain.
func (q question) registered(name string) Registered {
	for _, r := range q.config.Registered {
		if registry.PlainName(r.Name) == name {
			return r
		}
	}
	return Registered{}
}

// fresh tells whether what a registry told counts still.
func (q question) fresh(v view) bool {
	age := q.now.Sub(v.record.Told)
	return !v.record.Told.IsZero() && age < answerFresh
}

// end is the end of a registration: by the registry, else as it is written.
func (q question) end(v view, r Registered) end {
	if !v.record.Said.Expires.IsZero() && q.now.Sub(v.record.Dated) < answerFresh {
		return end{at: v.record.Said.Expires, by: v.record.Said.By, told: v.record.Dated}
	}
	if !r.Expires.IsZero() {
		y, m, d := r.Expires.Date()
		return end{at: time.Date(y, m, d, 12, 0, 0, 0, time.UTC), set: true} // as of a registry: [readDate]
	}
	return end{}
}

// warnsAt is how long before its end a registration is spoken of.
func (q question) warnsAt(r Registered) time.Duration {
	if r.AutoRenew {
		return q.config.AutoRenewWarning.Std()
	}
	return q.config.Warning.Std()
}

// registration judges until when a domain is registered, and in which state.
func (q question) registration(o *checks.Observation, v view, r Registered, e end) {
	name := v.domain.name
	said := v.record.Said
	known := q.fresh(v)
	if known && len(said.Held) > 0 {
		f := checks.Finding{
			Code: codeHeld, Subject: name, Severity: checks.Critical, Road: checks.Now,
			Text: textHeld(name, said, e), Advice: adviceHeld(name, said),
		}
		// Only what takes it off the net now breaks the night (defaults).
		if said.Held[0].Off() {
			f.Harm = q.now
		}
		o.Findings = append(o.Findings, f)
	}
	warning := q.warnsAt(r)
	switch left := e.at.Sub(q.now); {
	case e.at.IsZero():
	case left <= q.config.Critical.Std():
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeExpiry, Subject: name, Severity: checks.Critical, Road: checks.Now, Harm: e.at,
			Text: textExpiry(name, e, r, q.now), Advice: adviceExpiry(name, said, e, r),
		})
	case left <= warning:
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeExpiry, Subject: name, Severity: checks.Warning, Road: checks.Morning, Harm: e.at,
			Text: textExpiry(name, e, r, q.now), Advice: adviceExpiry(name, said, e, r),
		})
	}
	switch {
	case q.offline:
		why := textOffline()
		o.Blind = append(o.Blind, checks.Blind{Code: codeHeld, Subject: name, Why: why})
		if e.at.IsZero() {
			o.Blind = append(o.Blind, checks.Blind{Code: codeExpiry, Subject: name, Why: why, Mend: adviceSet(name)})
		}
	case !known:
		why := textNoRegistry(name, v.domain.suffix)
		o.Blind = append(o.Blind, checks.Blind{Code: codeHeld, Subject: name, Why: why})
		if e.at.IsZero() {
			o.Blind = append(o.Blind, checks.Blind{Code: codeExpiry, Subject: name, Why: why, Mend: adviceSet(name)})
		}
	case said.Partly && e.at.IsZero():
		o.Blind = append(o.Blind, checks.Blind{Code: codeExpiry, Subject: name, Why: textNoRegistry(name, v.domain.suffix), Mend: adviceSet(name)})
	case said.Missing && e.at.IsZero():
		// Where it is really gone, its delegation is too.
		o.Blind = append(o.Blind, checks.Blind{Code: codeExpiry, Subject: name, Why: textMissing(name, v.domain.suffix), Mend: adviceSet(name)})
	case e.at.IsZero():
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeNoDate, Subject: name, Severity: checks.Warning, Road: checks.Week,
			Text: textNoDate(name, v.domain.suffix), Advice: adviceSet(name),
		})
	}
}

// nameServers judges whether those who serve a domain are of one mind.
func (q question) nameServers(o *checks.Observation, v view) {
	name, z := v.domain.name, v.zone
	blind := func(why checks.Text, codes ...string) {
		for _, code := range codes {
			o.Blind = append(o.Blind, checks.Blind{Code: code, Subject: name, Why: why})
		}
	}
	switch {
	case q.offline:
		blind(textOffline(), codeUndelegated, codeServers, codeDNSSEC)
		return
	case z.err != nil && len(z.servers) == 0:
		blind(textNoNameServers(name), codeUndelegated, codeServers, codeDNSSEC)
		return
	case z.err != nil: // the registry's could be asked
		blind(textNoNameServers(name), codeServers, codeDNSSEC)
		return
	case z.gone:
		// A hold is said by itself, and this is what it means.
		if !q.fresh(v) || len(v.record.Said.Held) == 0 {
			o.Findings = append(o.Findings, checks.Finding{
				Code: codeUndelegated, Subject: name, Severity: checks.Critical, Road: checks.Now, Harm: q.now,
				Text: textUndelegated(name, v.record.Said, q.fresh(v)), Advice: adviceHeld(name, v.record.Said),
			})
		} else {
			blind(textOffNet(name), codeUndelegated)
		}
		blind(textOffNet(name), codeServers, codeDNSSEC)
		return
	}
	d := differences(z)
	if d.none() {
		return
	}
	road := checks.Morning
	if len(d.silent)+len(d.lame)+len(d.nowhere)+len(d.old) == 0 {
		road = checks.Week // a list that is not tidy harms nobody yet
	}
	o.Findings = append(o.Findings, checks.Finding{
		Code: codeServers, Subject: name, Severity: checks.Warning, Road: road,
		Text: textServers(name, len(z.servers), d), Advice: adviceServers(name),
	})
}

// A difference is in what the name servers of a domain do not agree.
type difference struct {
	silent, lame, nowhere []string
	// old serve an older state than others.
	old []string
	// extra are named by the registry only, lacking by the zone only.
	extra, lacking []string
	// apart: they name different sets among themselves.
	apart bool
}

func (d difference) none() bool {
	return len(d.silent)+len(d.lame)+len(d.nowhere)+len(d.old)+len(d.extra)+len(d.lacking) == 0 && !d.apart
}

// differences compares what the servers of a zone answered.
func differences(z zone) difference {
	var d difference
	newest := map[string]uint32{} // by origin: two makers of one zone count apart
	var names []string
	for i, s := range z.servers {
		switch s.fault {
		case silent:
			d.silent = append(d.silent, s.name)
		case lame:
			d.lame = append(d.lame, s.name)
		case nowhere:
			d.nowhere = append(d.nowhere, s.name)
		}
		if s.fault != "" {
			continue
		}
		if high, ok := newest[s.origin]; !ok || int32(s.serial-high) > 0 { // RFC 1982
			newest[s.origin] = s.serial
		}
		if len(s.names) == 0 {
			continue
		}
		if names != nil && !slices.Equal(names, s.names) {
			d.apart = true
		}
		names = z.servers[i].names
	}
	for _, s := range z.servers {
		if s.fault == "" && s.serial != newest[s.origin] {
			d.old = append(d.old, s.name)
		}
	}
	if names == nil || d.apart {
		return d
	}
	for _, n := range z.parent {
		if !slices.Contains(names, n) {
			d.extra = append(d.extra, n)
		}
	}
	for _, n := range names {
		if !slices.Contains(z.parent, n) {
			d.lacking = append(d.lacking, n)
		}
	}
	return d
}

// signatures judges DNSSEC: broken at all servers is an outage for everybody
// whose resolver verifies, at some of them a delay.
func (q question) signatures(o *checks.Observation, v view) {
	z := v.zone
	if q.offline || z.err != nil || z.gone || !z.signed {
		return
	}
	var worst, last proof
	bad, good := []string{}, 0
	for _, s := range z.servers {
		switch p := s.proof; {
		case s.fault != "" || p.verdict == untold:
		case p.verdict.broken():
			bad = append(bad, s.name)
			worst = p
		default:
			good++
			if last.verdict == untold || p.verdict == ending && last.verdict != ending || p.verdict == last.verdict && p.until.Before(last.until) {
				last = p
			}
		}
	}
	f := checks.Finding{Code: codeDNSSEC, Subject: v.domain.name, Severity: checks.Critical, Road: checks.Now, Advice: adviceDNSSEC(v.domain.name, worst.verdict)}
	switch {
	case len(bad) > 0 && good == 0:
		f.Harm = q.now
		f.Text = textDNSSEC(v.domain.name, worst)
	case len(bad) > 0:
		f.Severity, f.Road = checks.Warning, checks.Morning
		f.Text = textDNSSECPartly(v.domain.name, bad, good+len(bad), worst)
	case last.verdict == ending:
		f.Severity, f.Road, f.Harm = checks.Warning, checks.Morning, last.until
		f.Text, f.Advice = textDNSSECEnding(v.domain.name, last), adviceDNSSEC(v.domain.name, ending)
	case good == 0:
		o.Blind = append(o.Blind, checks.Blind{Code: codeDNSSEC, Subject: v.domain.name, Why: textUncheckable(v.domain.name)})
		return
	default:
		return
	}
	o.Findings = append(o.Findings, f)
}

// permitted judges whether certificates may be renewed.
func (q question) permitted(o *checks.Observation, v view) {
	if q.offline {
		for _, host := range v.domain.hosts {
			o.Blind = append(o.Blind, checks.Blind{Code: codeCAA, Subject: host, Why: textOffline()})
		}
		return
	}
	for _, p := range v.caa {
		switch {
		case p.err != nil:
			o.Blind = append(o.Blind, checks.Blind{Code: codeCAA, Subject: p.host, Why: textNoCAA(p.host)})
		case p.forbidden:
			o.Findings = append(o.Findings, checks.Finding{
				Code: codeCAA, Subject: p.host, Severity: checks.Warning, Road: checks.Morning,
				Text: textCAA(p), Advice: adviceCAA(p),
			})
		}
	}
}

// list writes names in a sentence, a few of them.
func list(names []string, sep string) string {
	const shown = 3
	out := make([]string, 0, shown+1)
	for i, n := range names {
		if i == shown {
			out = append(out, "…")
			break
		}
		out = append(out, checks.Shorten(checks.QuoteName(n), 60))
	}
	return strings.Join(out, sep)
}
