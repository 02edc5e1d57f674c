package mastodon

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// Thresholds (defaults).
const (
	patchAfter   = 24 * time.Hour
	patchWeek    = 7 * 24 * time.Hour
	checkerAfter = 48 * time.Hour
	supportNear  = 90 * 24 * time.Hour
	pendingAfter = 30 * time.Minute
	postAfter    = 24 * time.Hour
	runningAfter = time.Hour
)

// A question is all that one look knows.
type question struct {
	now      time.Time
	watched  bool // there was a look before
	memory   memory
	found    site.Found
	offline  bool
	updates  string // address of the service; "" where it is switched off
	releases string
	domain   string
	running  running
	code     code
	table    table
}

func (q question) plan() plan {
	return plan{now: q.now, offline: q.offline, updates: q.updates, releases: q.releases}
}

// version is the one that runs, or the one on disk where nobody tells.
func (q question) version() version {
	if q.running.version.known() {
		return q.running.version
	}
	return q.code.version
}

// settle brings what is remembered up to this look. What could not be seen now
// stays as it was.
func (q *question) settle() {
	m := &q.memory
	if q.told() {
		m.Seen = q.seen()
	}
	if q.running.version.known() && q.code.version.known() {
		m.Running = q.lasting(m.Running, !q.code.same(q.running.version), q.began())
	}
	if q.comparable() {
		l := q.code.lacked(q.table.migrations)
		// Code that no process runs yet may well be ahead of the database.
		m.Pending = q.lasting(m.Pending, l.pending > 0 && m.Running == 0, q.began())
		m.Post = q.lasting(m.Post, l.post > 0 && m.Running == 0, q.began())
	}
	if q.watchesChecker() {
		m.Checker = q.lasting(m.Checker, len(q.unknownToTable())+len(q.leftInTable()) > 0, q.now)
	}
}

// seen is since when each newer version is known to be out.
func (q question) seen() map[string]int64 {
	out := map[string]int64{}
	for _, o := range q.newer() {
		first := q.memory.Seen[o.Version]
		if first <= 0 || first > q.now.Unix() {
			first = q.now.Unix()
		}
		if o.Since > 0 {
			first = min(first, o.Since)
		}
		out[o.Version] = first
	}
	return out
}

// lasting is since when something is so: since before, or since it began.
func (q question) lasting(before int64, so bool, began time.Time) int64 {
	switch {
	case !so:
		return 0
	case before > 0 && before <= q.now.Unix():
		return before
	}
	return began.Unix()
}

// began is when what is wrong with the code began, if it is new: now, or where
// nobody has looked before, when the code was changed.
func (q question) began() time.Time {
	if !q.watched && !q.code.changed.IsZero() && q.code.changed.Before(q.now) {
		return q.code.changed
	}
	return q.now
}

// lasts tells whether what is so since an instant has been so for so long.
func (q question) lasts(at int64, long time.Duration) bool {
	return at > 0 && q.now.Sub(time.Unix(at, 0)) >= long
}

// comparable tells whether code and database are both known.
func (q question) comparable() bool {
	return q.code.there && q.code.err == nil && q.table.asked && q.table.err == nil
}

// newer are the releases that are newer than what runs, by all who know,
// ascending.
func (q question) newer() []offer {
	byVersion := map[string]offer{}
	add := func(all []offer) {
		for _, o := range all {
			v := o.version()
			if !v.known() || v.early() || v.compare(q.version()) <= 0 {
				continue
			}
			before := byVersion[o.Version]
			o.Urgent, o.Security = o.Urgent || before.Urgent, o.Security || before.Security
			o.Notes = cmp.Or(before.Notes, o.Notes)
			if before.Since > 0 && (o.Since == 0 || before.Since < o.Since) {
				o.Since = before.Since
			}
			byVersion[o.Version] = o
		}
	}
	if q.table.err == nil {
		add(q.table.offers)
	}
	if q.serviceTells() {
		add(q.memory.Service.Offers)
	}
	if q.releasesTell() {
		add(q.memory.Releases.Offers)
	}
	return slices.SortedFunc(maps.Values(byVersion), func(a, b offer) int { return a.version().compare(b.version()) })
}

func (q question) serviceTells() bool { return q.updates != "" && q.memory.Service.tells(q.now) }

// releasesTell: the list knows nothing of urgency, so it speaks only where the
// service does not.
func (q question) releasesTell() bool {
	return q.releases != off && !q.serviceTells() && q.memory.Releases.tells(q.now)
}

// tableTells tells whether Mastodon's own table says anything: that it is empty
// proves nothing, unless nobody else may be asked.
func (q question) tableTells() bool {
	if !q.table.asked || q.table.err != nil || !q.table.checks {
		return false
	}
	return q.offline || slices.ContainsFunc(q.table.offers, func(o offer) bool { return o.version().compare(q.version()) > 0 })
}

// told tells whether anybody knows which versions are out.
func (q question) told() bool { return q.tableTells() || q.serviceTells() || q.releasesTell() }

// watchesChecker tells whether Mastodon's own check can be compared with what
// the service says.
func (q question) watchesChecker() bool {
	return q.table.asked && q.table.err == nil && q.table.checks && q.serviceTells() && q.running.version.known()
}

// unknownToTable are the versions that the service lists and the table should
// have.
func (q question) unknownToTable() []offer {
	var out []offer
	for _, o := range q.memory.Service.Offers {
		there := slices.ContainsFunc(q.table.offers, func(t offer) bool { return t.Version == o.Version })
		if v := o.version(); !there && v.known() && v.compare(q.version()) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// leftInTable are versions that run already: Mastodon deletes them at each of
// its looks, every half hour.
func (q question) leftInTable() []offer {
	var out []offer
	for _, t := range q.table.offers {
		if v := t.version(); v.known() && v.compare(q.version()) <= 0 {
			out = append(out, t)
		}
	}
	return out
}

// judge makes the observation.
func (q question) judge() checks.Observation {
	var o checks.Observation
	if q.told() {
		newer := q.newer()
		o.Findings = append(o.Findings, q.updateFindings(newer)...)
		o.Measures = append(o.Measures, checks.Measure{Name: newerVersions, Value: float64(len(newer)), Unit: checks.Count})
	} else {
		o.Blind = append(o.Blind, checks.Blind{Code: codeUpdate, Why: q.textNobodyTells(), Mend: q.adviceNobodyTells()})
	}
	if f, ok := q.support(); ok {
		o.Findings = append(o.Findings, f)
	}
	q.judgeChecker(&o)
	q.judgeCode(&o)
	o.Summary = q.summary(o)
	return o
}

// updateFindings are at most two: the newest of the branch that runs, and the
// newest of all where that is another branch.
func (q question) updateFindings(newer []offer) []checks.Finding {
	var own, other []offer
	for _, o := range newer {
		if q.version().newBranch(o.version()) {
			other = append(other, o)
		} else {
			own = append(own, o)
		}
	}
	urgent := func(all []offer) bool { return slices.ContainsFunc(all, func(o offer) bool { return o.Urgent }) }
	var out []checks.Finding
	if len(own) > 0 {
		newest := own[len(own)-1]
		first := slices.MinFunc(own, func(a, b offer) int { return cmp.Compare(q.memory.Seen[a.Version], q.memory.Seen[b.Version]) })
		f := checks.Finding{Code: codeUpdate, Subject: patch, Severity: checks.Warning, Road: checks.Morning}
		switch {
		case urgent(own):
			f.Severity, f.Road = checks.Critical, checks.Now
		case q.lasts(q.memory.Seen[newest.Version], patchWeek):
			f.Road = checks.Week
		}
		if f.Severity == checks.Critical || q.lasts(q.memory.Seen[first.Version], patchAfter) {
			f.Text, f.Advice = q.textUpdate(newest, urgent(own), own), q.adviceUpdate(newest)
			out = append(out, f)
		}
	}
	if len(other) > 0 {
		newest := other[len(other)-1]
		f := checks.Finding{Code: codeUpdate, Subject: release, Severity: checks.Warning, Road: checks.Week}
		// Where the own branch has what mends it, nobody has to change branches.
		pressing := urgent(other) && !urgent(own)
		if pressing {
			f.Severity, f.Road = checks.Critical, checks.Now
		}
		f.Text, f.Advice = q.textUpdate(newest, pressing, other), q.adviceUpdate(newest)
		out = append(out, f)
	}
	return out
}

// knownEnds are ends of support that Mastodon has announced (its security
// policy, August 2026); they stand where nobody tells a newer date.
var knownEnds = map[string]time.Time{"4.4": time.Date(2026, 12, 17, 0, 0, 0, 0, time.UTC)}

// lastOver is the newest branch whose support was over by then, without a date.
const lastOver = "4.3"

// end is when the support of the branch that runs ends; over where it has, on a
// day that nobody knows.
func (q question) end() (at time.Time, over bool) {
	branch := q.version().branch()
	if t, ok := q.table.ends[branch]; ok && q.table.err == nil {
		return t, false
	}
	if s := q.memory.Service; q.updates != "" && s.Branch == branch && s.Ends > 0 {
		return time.Unix(s.Ends, 0).UTC(), false
	}
	for _, all := range [][]offer{q.memory.Service.Offers, q.table.offers} {
		for _, o := range all {
			if o.Ends > 0 && o.version().branch() == branch {
				return time.Unix(o.Ends, 0).UTC(), false
			}
		}
	}
	if t, ok := knownEnds[branch]; ok {
		return t, false
	}
	return time.Time{}, compareBranches(branch, lastOver) <= 0
}

// support finds that the branch which runs is no longer mended, or will not be
// for long.
func (q question) support() (checks.Finding, bool) {
	at, over := q.end()
	f := checks.Finding{Code: codeSupport, Subject: q.version().branch(), Severity: checks.Warning, Road: checks.Morning}
	switch {
	case over, !at.IsZero() && q.now.Sub(at) >= 24*time.Hour: // the last day counts
		f.Severity, f.Road = checks.Critical, checks.Now
		f.Text = q.textSupportOver(at)
	case !at.IsZero() && at.Sub(q.now) < supportNear:
		f.Text = q.textSupportEnds(at)
	default:
		return checks.Finding{}, false
	}
	f.Advice = q.adviceSupport()
	return f, true
}

// judgeChecker finds that Mastodon's own check stands still: then its admins get
// no mail about updates either.
func (q question) judgeChecker(o *checks.Observation) {
	switch {
	case !q.table.asked || q.updates == "" || q.offline:
	case q.table.err != nil:
		why, mend := checks.Explain(q.table.err)
		o.Blind = append(o.Blind, checks.Blind{Code: codeChecker, Why: why, Mend: mend})
	case q.table.checks && !q.watchesChecker() && q.lasts(q.memory.Checker, checkerAfter):
		o.Blind = append(o.Blind, checks.Blind{Code: codeChecker, Why: q.textNoService()})
	case q.watchesChecker() && q.lasts(q.memory.Checker, checkerAfter):
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeChecker, Severity: checks.Warning, Road: checks.Morning,
			Text: q.textChecker(), Advice: q.adviceChecker(),
		})
	}
}

// judgeCode compares what runs with what lies on disk, and that with the
// database.
func (q question) judgeCode(o *checks.Observation) {
	if !q.code.there {
		return // on another machine, or inside an image
	}
	if q.code.err != nil {
		blind := func(code string) checks.Blind {
			return checks.Blind{Code: code, Why: q.textNoCode(), Mend: q.adviceNoCode()}
		}
		o.Blind = append(o.Blind, blind(codeMigrations))
		if !q.code.version.known() {
			o.Blind = append(o.Blind, blind(codeRunning))
		}
	}
	switch {
	case !q.code.version.known():
	case !q.running.version.known():
		if q.memory.Running > 0 {
			o.Blind = append(o.Blind, checks.Blind{Code: codeRunning, Why: textSilent(q.running)})
		}
	case q.lasts(q.memory.Running, runningAfter):
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeRunning, Severity: checks.Warning, Road: checks.Morning,
			Text: q.textRunning(), Advice: q.adviceRunning(),
		})
	}
	if q.code.err != nil || !q.table.asked {
		return
	}
	if q.table.err != nil {
		why, mend := checks.Explain(q.table.err)
		o.Blind = append(o.Blind, checks.Blind{Code: codeMigrations, Why: why, Mend: mend})
		return
	}
	q.judgeMigrations(o)
}

func (q question) judgeMigrations(o *checks.Observation) {
	l := q.code.lacked(q.table.migrations)
	o.Measures = append(o.Measures, checks.Measure{Name: missingMigrations, Value: float64(l.pending + l.post), Unit: checks.Count})
	add := func(subject string, s checks.Severity, road checks.Road, text checks.Text, advice checks.Advice) {
		o.Findings = append(o.Findings, checks.Finding{Code: codeMigrations, Subject: subject, Severity: s, Road: road, Text: text, Advice: advice})
	}
	if q.memory.Pending > 0 {
		switch {
		case q.running.failing:
			add(pending, checks.Critical, checks.Now, textPending(l, true), q.advicePending(l))
		case q.lasts(q.memory.Pending, pendingAfter):
			add(pending, checks.Warning, checks.Morning, textPending(l, false), q.advicePending(l))
		}
	}
	// While the others are missing these cannot be run either.
	if l.pending == 0 && q.lasts(q.memory.Post, postAfter) {
		add(post, checks.Warning, checks.Morning, textPost(l), q.advicePost())
	}
	if l.ahead > 0 {
		add(ahead, checks.Warning, checks.Week, textAhead(l), q.adviceAhead())
	}
}
