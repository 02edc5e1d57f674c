package certs

import (
	"cmp"
	"crypto/x509"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// A question is everything but the views that the judgement rests on.
type question struct {
	// domain is the name that was asked for; at stands behind it in what it is
	// called: ":587", or "" for the web server.
	domain, at, port string
	service          service
	now              time.Time
	roots            *x509.CertPool
	limits           Config
	// direct: the web server itself was asked, past what stands before it.
	direct bool
	// ipv6Before: something at an IPv6 address has answered before.
	ipv6Before bool
	// open is what was found before and has not been seen well since.
	open []checks.Key
	// server is the process of the web server on this machine, or "".
	server string
	// optional: where nobody answers, nothing is missing.
	optional bool
	// lenient: nobody who connects there minds whose certificate it is.
	lenient bool
	// stand tells how what was served compares with what lies on disk; nil where
	// nothing is known of the disk.
	stand func(view) standing
	// expand is the command that takes the name into the certificate on disk.
	expand checks.Shell
}

// about is what the findings are about.
func (q question) about() string { return q.domain + q.at }

// A fault is one thing that is wrong with what one address showed. Two
// addresses may have the same fault.
type fault struct {
	code string
	kind kind
	end  time.Time // of what ends; zero where nothing does
	life time.Duration
	// critical or warning; everything but expiring is critical.
	severity checks.Severity
	who      string   // an authority, a server's word: plain, may be empty
	also     string   // another one beside it
	names    []string // what the certificate is for
	more     int      // and how many names more
	otherOwn bool     // the certificate is also for another name
	trouble  trouble
	stand    standing // how it compares with what lies on disk
	holds    bool     // another fault of the same view says it all
	addrs    []string // where it was seen; empty when everywhere
	of       int      // how many addresses were looked at
}

// kind is finer than a code: what to say.
type kind int

const (
	leafEnds kind = iota
	intermediateEnds
	leafEnded
	leafEarly
	nameDiffers
	intermediateMissing
	intermediateMisfits
	intermediateEnded
	selfSigned
	rootUnknown
	originOnly
	wrongUsage
	unverifiable
	noHandshake
	behindDisk
	nameLost
)

// order is the order in which findings are shown.
var order = []string{connect, wrongName, untrusted, chainBroken, notLoaded, expired, notYetValid, expiring, namesMissing}

// judge turns what was seen into an observation.
func (q question) judge(views []view) checks.Observation {
	var o checks.Observation
	both := q.bothFamilies(views)
	found := map[checks.Key]fault{}
	if len(views) == 0 && !q.optional {
		found[checks.Key{Code: connect, Subject: q.about()}] = fault{code: connect, kind: noHandshake, severity: checks.Critical, trouble: nameless}
	}
	perCode := map[string][]sighting{}
	for _, v := range views {
		faults, _ := q.faults(v)
		for _, f := range faults {
			perCode[f.code] = append(perCode[f.code], sighting{v, f})
		}
	}
	for code, seen := range perCode {
		f, subject := q.merge(seen, views, both)
		found[checks.Key{Code: code, Subject: subject}] = f
	}
	for _, code := range order {
		for _, subject := range q.subjects() {
			if f, ok := found[checks.Key{Code: code, Subject: subject}]; ok {
				o.Findings = append(o.Findings, q.finding(f, subject))
			}
		}
	}
	o.Blind = q.blind(views, found, both)
	o.Measures = q.measures(views, both)
	o.Summary = q.summary(o, views)
	return o
}

type sighting struct {
	view  view
	fault fault
}

func (q question) subjects() []string { return []string{q.about(), q.about() + ipv6Mark} }

// ipv6Mark makes the subject of what is wrong at the IPv6 addresses alone.
const ipv6Mark = " (IPv6)"

func (q question) bothFamilies(views []view) bool {
	return slices.ContainsFunc(views, func(v view) bool { return v.addr.Is4() }) &&
		slices.ContainsFunc(views, func(v view) bool { return v.addr.Is6() })
}

// subject is what a view is about: the domain, or its IPv6 side where it has
// both. An address is never part of it: addresses change by themselves.
func (q question) subject(v view, both bool) string {
	if both && v.addr.Is6() {
		return q.about() + ipv6Mark
	}
	return q.about()
}

// merge makes one fault of the same fault seen at several addresses: the worst
// of them, about the domain as a whole unless only IPv6 has it.
func (q question) merge(seen []sighting, views []view, both bool) (fault, string) {
	worst := slices.MinFunc(seen, func(a, b sighting) int {
		if c := cmp.Compare(b.fault.severity, a.fault.severity); c != 0 {
			return c
		}
		return a.fault.end.Compare(b.fault.end)
	})
	subject := q.about() + ipv6Mark
	for _, s := range seen {
		if q.subject(s.view, both) == q.about() {
			subject = q.about()
		}
	}
	side := views
	if subject != q.about() {
		side = slices.DeleteFunc(slices.Clone(views), func(v view) bool { return v.addr.Is4() })
	}
	f := worst.fault
	f.holds = !slices.ContainsFunc(seen, func(s sighting) bool { return !s.fault.holds })
	reached := 0
	for _, v := range side {
		if v.fault != noRoute {
			reached++
		}
	}
	if len(seen) < reached {
		f.of = reached
		for _, s := range seen {
			f.addrs = append(f.addrs, s.view.addr.String())
		}
	}
	return f, subject
}

// faults names everything that is wrong with one view, and the codes that it
// hides: the dates of somebody else's certificate are not the domain's.
func (q question) faults(v view) (all []fault, hidden []string) {
	switch {
	case v.fault == noRoute, v.chain == nil && q.optional:
		return nil, nil
	case v.chain == nil:
		return []fault{{code: connect, kind: noHandshake, severity: checks.Critical, trouble: v.fault, who: plain(v.alert)}}, nil
	}
	leaf := v.chain[0]
	names, more := covers(leaf)
	other := leaf.VerifyHostname(q.domain) != nil
	trust, end, ends := q.trust(v.chain)
	if q.lenient && (other || trust != nil) {
		return nil, order
	}
	if trust != nil {
		trust.names, trust.more, trust.otherOwn = names, more, other
		if trust.kind == selfSigned {
			// It is not the domain's certificate at all; its name and its dates
			// are mended together with it.
			return []fault{*trust}, []string{wrongName, chainBroken, notLoaded, namesMissing, expiring, expired, notYetValid}
		}
	}
	if other {
		hidden = []string{notLoaded, namesMissing, expiring, expired, notYetValid}
		all = append(all, fault{code: wrongName, kind: nameDiffers, severity: checks.Critical, names: names, more: more})
	}
	if trust != nil {
		all = append(all, *trust)
	}
	if other {
		return all, hidden
	}
	date, stand := q.date(leaf, end, ends), q.standing(v)
	behind := q.behind(leaf, stand)
	if date != nil {
		date.stand = stand
		date.holds = behind != nil && behind.kind == behindDisk && date.kind != intermediateEnds
		all = append(all, *date)
	}
	if behind != nil {
		all = append(all, *behind)
	}
	return all, hidden
}

// date judges the dates. end and ends are of the intermediate that ends before
// the certificate itself; or zero.
func (q question) date(leaf *x509.Certificate, end time.Time, ends string) *fault {
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	switch {
	case !q.now.Before(leaf.NotAfter):
		return &fault{code: expired, kind: leafEnded, severity: checks.Critical, end: leaf.NotAfter, life: life}
	case q.now.Before(leaf.NotBefore):
		return &fault{code: notYetValid, kind: leafEarly, severity: checks.Critical, end: leaf.NotBefore, life: life}
	}
	f := fault{code: expiring, kind: leafEnds, end: leaf.NotAfter, life: life}
	if !end.IsZero() && end.Before(leaf.NotAfter) {
		f.kind, f.end, f.who = intermediateEnds, end, ends
	}
	f.severity = q.limits.ending(life, f.end.Sub(q.now))
	if f.severity == checks.OK {
		return nil
	}
	return &f
}

// countedLife bounds the life of which a share is taken: whatever lives longer
// is renewed by hand, or as long before its end as a certificate of 90 days; a
// quarter of a year's certificate would be three months of warning (own).
const countedLife = 120 * 24 * time.Hour

// criticalFloor is the least time that is critical (defaults.md); it never
// comes before the warning.
const criticalFloor = 12 * time.Hour

// ending judges how much of a life is left.
func (c Config) ending(life, left time.Duration) checks.Severity {
	warning, critical := c.bounds(life)
	switch {
	case left < critical:
		return checks.Critical
	case left < warning:
		return checks.Warning
	}
	return checks.OK
}

// bounds are how much must be left of a life.
func (c Config) bounds(life time.Duration) (warning, critical time.Duration) {
	counted := float64(min(life, countedLife))
	warning = time.Duration(counted * c.WarningLife)
	return warning, min(max(time.Duration(counted*c.CriticalLife), criticalFloor), warning)
}

// finding makes a finding of a fault.
func (q question) finding(f fault, subject string) checks.Finding {
	out := checks.Finding{
		Code: f.code, Subject: subject, Severity: f.severity, Holds: f.holds, Road: checks.Now,
		Text: textOf(q, f, subject != q.about()), Advice: q.advice(f),
	}
	if f.code == expiring || f.code == notLoaded {
		out.Harm = f.end
	}
	if f.severity == checks.Warning || q.service.mail() { // defaults: mail ports can wait
		out.Road = checks.Morning
	}
	return out
}

// blind tells what could not be seen. Where a finding says why, only what is
// open needs to be told, so that it stays as it is.
func (q question) blind(views []view, found map[checks.Key]fault, both bool) []checks.Blind {
	var out []checks.Blind
	told := map[checks.Key]bool{}
	tell := func(key checks.Key, why checks.Text, mend checks.Advice) {
		if _, known := found[key]; !known && !told[key] {
			told[key] = true
			out = append(out, checks.Blind{Code: key.Code, Subject: key.Subject, Why: why, Mend: mend})
		}
	}
	for _, key := range q.open {
		if len(views) == 0 {
			tell(key, textBlind(key.Subject), checks.Advice{})
		}
	}
	for _, v := range views {
		subject := q.subject(v, both)
		_, hidden := q.faults(v)
		switch {
		case v.fault == noRoute && (v.addr.Is4() || q.ipv6Before):
			tell(checks.Key{Subject: subject}, textNoWay(subject), adviceNoNetwork())
		case v.fault == noRoute:
			// It never worked, and the summary says so; only what is open is held.
			for _, key := range q.open {
				if key.Subject == subject {
					tell(key, textNoWay(subject), checks.Advice{})
				}
			}
		default:
			if other, ok := q.elsewhere(v); ok {
				tell(checks.Key{Code: notLoaded, Subject: subject}, textElsewhere(q.about(), other), adviceElsewhere(other))
			}
			for _, key := range q.open {
				switch {
				case key.Subject != subject:
				case v.chain == nil:
					tell(key, textBlind(subject), checks.Advice{})
				case slices.Contains(hidden, key.Code):
					tell(key, textHidden(subject), checks.Advice{})
				}
			}
		}
	}
	return out
}

// stillOpen is what was found now, and what was before and could not be seen
// now.
func stillOpen(before []checks.Key, o checks.Observation) []checks.Key {
	var open []checks.Key
	for _, f := range o.Findings {
		open = append(open, f.Key())
	}
	for _, key := range before {
		hidden := slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Hides(key) })
		if hidden && !slices.Contains(open, key) {
			open = append(open, key)
		}
	}
	return open
}
