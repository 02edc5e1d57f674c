package webui

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// Thresholds: more than slowAbove is a warning (defaults.md); it holds down to
// slowHolds (own).
const (
	slowAbove = 3 * time.Second
	slowHolds = 2 * time.Second
)

// looked is one look on its way from what was asked to what is told.
type looked struct {
	domain  string
	offline bool
	now     time.Time
	waits   time.Duration // for the page, at most
	normal  time.Duration // of the page; 0 where it is not known
	found   site.Found
	views   views
	before  memory
	after   memory

	events  []checks.Event
	changed bool
	scope   scope
	// walkedNow: all files were asked for at this look. late is how many there
	// was no time for, elsewhere how many were left out, by host.
	walkedNow bool
	late      int
	elsewhere map[string]int

	// readBuild: the build on disk was looked at. otherDisk: what is served does
	// not come from it.
	readBuild, otherDisk bool
	build                build
	// shut is the folder or file that is closed to other users.
	shut string
}

// changes compares the page with the one before.
func (l *looked) changes() {
	p := l.views.fresh.page
	if l.views.fresh.state != well {
		return
	}
	version, set := p.version, setOf(p.assets)
	known := l.before.Version
	switch {
	case version != "" && known != "" && version != known:
		l.changed = true
		l.events = append(l.events, checks.Event{At: l.now, Code: EventVersion, Subject: checks.QuoteName(version), Text: textVersion(known, version)})
	case len(l.before.Sets) > 0 && !slices.Contains(l.before.Sets, set):
		l.changed = true
		l.events = append(l.events, checks.Event{At: l.now, Code: EventAssets, Text: textRebuilt()})
	}
	// A page out of a cache may name other files than the one behind it does.
	if old := l.views.visitor; old.state == well && old.cached != "" {
		if set := setOf(old.page.assets); set != l.before.Cached && !slices.Contains(l.before.Sets, set) {
			l.changed, l.after.Cached = true, set
		}
	}
	l.after.Version = cmp.Or(version, known)
}

// judge makes an observation of the look.
func (l *looked) judge() (checks.Observation, error) {
	o := checks.Observation{Events: l.events}
	fresh := l.views.fresh
	if fresh.state == ill {
		o.Findings = append(o.Findings, checks.Finding{
			Code: codePage, Severity: checks.Critical, Road: checks.Now, Text: l.textPage(), Advice: l.advicePage(),
		})
	}
	l.stale(&o)
	l.slow(&o)
	l.files(&o)
	l.manifest(&o)
	if fresh.state == well && fresh.cached == "" {
		o.Measures = append(o.Measures, checks.Measure{Name: pageTime, Value: fresh.took.Seconds(), Unit: checks.Seconds})
	}
	o.Summary = l.summary(o)
	l.after.PageIll = fresh.state == ill
	l.after.Open = open(l.before.Open, o)
	b, err := json.Marshal(l.after)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("webui: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

// stale finds a cache that hides that nothing answers behind it. Where the
// query was passed by and the cache itself answers as stale, it is asked a
// second time, as a visitor: one that renews itself in the background is
// fresh by then.
func (l *looked) stale(o *checks.Observation) {
	fresh, visitor := l.views.fresh, l.views.visitor
	hides := fresh.state == ill && fresh.down() && visitor.state == well && visitor.cached != ""
	passed := fresh.state == well && fresh.cached == "STALE" && visitor.state == well && visitor.cached == "STALE"
	if hides || passed {
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeStale, Severity: checks.Warning, Road: checks.Now,
			Text: textStale(visitor.cached, hides), Advice: l.adviceStale(hides),
		})
		return
	}
	if visitor.wrong() && fresh.state == well {
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeStale, Severity: checks.Critical, Road: checks.Now,
			Text: textCachedError(visitor), Advice: l.adviceCache(),
		})
		return
	}
	if visitor.state == unseen && slices.Contains(l.before.Open, codeStale) {
		o.Blind = append(o.Blind, checks.Blind{Code: codeStale, Why: textNoVisitor()})
	}
}

// wrong tells whether an answer came, and is not the page. A visitor who waits
// too long is the slow page's own finding.
func (o outcome) wrong() bool {
	return o.state == ill && (o.why == status || o.why == noRoot || o.why == noState || o.why == maintenance || o.why == notPage)
}

func (l *looked) slow(o *checks.Observation) {
	fresh := l.views.fresh
	switch {
	case fresh.state != well || fresh.cached != "":
		if slices.Contains(l.before.Open, codeSlow) {
			o.Blind = append(o.Blind, checks.Blind{Code: codeSlow, Why: textNotMeasured()})
		}
	case fresh.took > slowHolds:
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeSlow, Severity: checks.Warning, Road: checks.Now, Holds: fresh.took <= slowAbove,
			Text: textSlow(fresh.took, l.normal), Advice: adviceSlow(),
		})
	}
}

// A group are the faults that are told together.
type group struct {
	code, host string
	faults     []fault // the worst first
}

// groups puts the faults together by code, and by host where that is not the
// site's own.
func (l *looked) groups() []group {
	by := map[checks.Key]*group{}
	var keys []checks.Key
	for _, url := range sortedKeys(l.after.Ill) {
		f := l.after.Ill[url]
		k := checks.Key{Code: f.code()}
		if host := (asset{URL: url}).host(); host != l.domain && k.Code != codeStale {
			k.Subject = checks.Subject(host)
		}
		if by[k] == nil {
			by[k] = &group{code: k.Code, host: k.Subject}
			keys = append(keys, k)
		}
		by[k].faults = append(by[k].faults, f)
	}
	var out []group
	for _, k := range keys {
		g := *by[k]
		slices.SortStableFunc(g.faults, func(a, b fault) int {
			return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(a.Role, b.Role))
		})
		out = append(out, g)
	}
	return out
}

// rank orders faults; what could not be seen comes last.
func (f fault) rank() int {
	if f.What == hidden {
		return -1
	}
	return int(f.severity())
}

func sortedKeys(m map[string]fault) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// files tells what is wrong with the files of the page. While the page is not
// well nobody knows which they are.
func (l *looked) files(o *checks.Observation) {
	for _, g := range l.groups() {
		// A stale page out of a cache is one thing, whatever is wrong with it.
		if g.code == codeStale && slices.ContainsFunc(o.Findings, func(f checks.Finding) bool { return f.Code == codeStale }) {
			continue
		}
		subject := g.host
		switch {
		case l.views.fresh.state != well:
			o.Blind = append(o.Blind, checks.Blind{Code: g.code, Subject: subject, Why: textNoPage()})
		case l.elsewhere[g.host] > 0 && g.host != "":
			o.Blind = append(o.Blind, checks.Blind{Code: g.code, Subject: subject, Why: textOffline(g.host)})
		case g.faults[0].What == hidden:
			o.Blind = append(o.Blind,
				checks.Blind{Code: codeAsset, Subject: subject, Why: textHidden(len(g.faults))},
				checks.Blind{Code: codeIntegrity, Subject: subject, Why: textHidden(len(g.faults))})
		default:
			o.Findings = append(o.Findings, checks.Finding{
				Code: g.code, Subject: subject, Severity: g.faults[0].severity(), Road: checks.Now,
				Text: l.textFiles(g), Advice: l.adviceFiles(g),
			})
		}
	}
	if l.late > 0 {
		// What there was no time for may be what was wrong.
		for _, code := range []string{codeAsset, codeIntegrity} {
			o.Blind = append(o.Blind, checks.Blind{Code: code, Why: textLate(l.late)})
		}
	}
	o.Blind = distinct(o)
}

// distinct leaves out blind spots that are told twice, or found after all.
func distinct(o *checks.Observation) []checks.Blind {
	known := map[checks.Key]bool{}
	for _, f := range o.Findings {
		known[f.Key()] = true
	}
	var out []checks.Blind
	for _, b := range o.Blind {
		k := checks.Key{Code: b.Code, Subject: b.Subject}
		if !known[k] {
			out = append(out, b)
		}
		known[k] = true
	}
	return out
}

// manifest tells what is wrong with the build on disk. Where that explains the
// page, or a file of the page, it is told there, and what is open stays so.
func (l *looked) manifest(o *checks.Observation) {
	if !l.readBuild {
		return
	}
	l.after.Build = false
	told := slices.ContainsFunc(o.Findings, func(f checks.Finding) bool {
		return f.Code == codePage || f.Code == codeAsset && f.Subject == ""
	})
	switch b := l.build; {
	case b.state == unread:
		l.after.Build = true
		o.Blind = append(o.Blind, checks.Blind{Code: codeManifest, Why: textUnread(b), Mend: adviceUnread(b)})
	case l.otherDisk && b.state != complete:
		if slices.Contains(l.before.Open, codeManifest) {
			l.after.Build = true
			o.Blind = append(o.Blind, checks.Blind{Code: codeManifest, Why: textOtherDisk()})
		}
	case b.state == noList || b.state == badList || b.state == lacking:
		l.after.Build = true
		severity := checks.Warning
		if b.state != lacking || b.files[b.gone[0]] {
			severity = checks.Critical
		}
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeManifest, Severity: severity, Road: checks.Now, Holds: told,
			Text: textBuild(b), Advice: adviceBuild(l.found),
		})
	}
}

// open is what was found now, and what was before and either holds or could
// not be seen now.
func open(before []string, o checks.Observation) []string {
	var codes []string
	add := func(code string) {
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	for _, f := range o.Findings {
		if !f.Holds || slices.Contains(before, f.Code) {
			add(f.Code)
		}
	}
	for _, b := range o.Blind {
		if slices.Contains(before, b.Code) {
			add(b.Code)
		}
	}
	return codes
}

// hostOf is a host as a sentence names it.
func hostOf(host string) checks.Text { return checks.Named(strings.TrimSuffix(host, "."), 40) }
