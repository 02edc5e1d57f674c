package usage

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/hang"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/trend"
)

// worthATrend is the least size of an area whose history is read (own).
const worthATrend = 100 * megabyte

// A report is one walk on its way to an observation.
type report struct {
	*survey
	found      site.Found
	root       string
	past       checks.Past
	before     memory
	now        time.Time
	deleted    openDeleted
	deletedErr error
	disks      map[uint64]room
	// said is what PostgreSQL says of the cluster at place; nil where it was not
	// to be asked.
	said  *said
	place string

	o        checks.Observation
	remember []remembered
	grown    []grown
}

// grown is an area with what is known of its going.
type grown struct {
	sized
	Usual   checks.Band // Days is 0 where it is not known
	Trend   trend.Trend // of the room that it takes away
	Pace    pace
	PaceOK  bool
	Left    time.Duration // until the disk is full at its pace
	LeftOK  bool
	verdict verdict
}

// over is how much an area is above the usual.
func (g grown) over() float64 { return float64(g.Bytes) - g.Usual.Mid }

func (r *report) write(list []spot) checks.Observation {
	areas := r.biggest()
	for _, a := range areas {
		r.o.Measures = append(r.o.Measures, checks.Measure{Name: areaBytes, Subject: checks.Subject(a.Path), Value: float64(a.Bytes), Unit: checks.Bytes})
		r.grown = append(r.grown, r.going(a))
	}
	r.wal()
	r.dumps()
	r.journal()
	r.ruby()
	r.caches()
	r.media()
	r.growth()
	r.open()
	r.blind(list)
	r.o.Summary = r.summary()
	return r.o
}

func (r *report) disk(a sized) room {
	known, ok := r.disks[a.Device]
	if !ok {
		known = roomAt(a.Real)
		r.disks[a.Device] = known
	}
	return known
}

// going reads what the past knows of an area.
func (r *report) going(a sized) grown {
	g := grown{sized: a}
	if a.Bytes < worthATrend {
		return g
	}
	id := checks.Subject(a.Path)
	usual, known := r.past.Normal(areaBytes, id, r.now)
	if known {
		g.Usual = usual
	}
	g.verdict = judgeGrowth(float64(a.Bytes), usual, known)
	samples, err := r.past.Series(areaBytes, id, r.now.Add(-trend.Window))
	if err != nil || len(samples) == 0 {
		return g // what cannot be read is not spoken of
	}
	g.Pace, g.PaceOK = paceOf(samples, float64(a.Bytes), r.now)
	room := make([]checks.Sample, 0, len(samples)+1)
	for _, s := range append(samples, checks.Sample{At: r.now, Value: float64(a.Bytes)}) {
		room = append(room, checks.Sample{At: s.At, Value: -s.Value})
	}
	if g.Trend = trend.Fit(room, r.now); g.Trend.Confident {
		g.Left, g.LeftOK = g.Trend.Left(r.disk(a).Available)
	}
	return g
}

// add puts a finding down, and that it was there; path is where it lies.
func (r *report) add(path string, f checks.Finding) {
	f.Severity = checks.Warning
	since, known := r.before.since(f.Code, f.Subject)
	if !known {
		since = r.now
	}
	r.o.Findings = append(r.o.Findings, f)
	r.remember = append(r.remember, remembered{f.Code, f.Subject, path, since})
}

func (r *report) has(code, subject string) bool {
	return slices.ContainsFunc(r.o.Findings, func(f checks.Finding) bool { return f.Code == code && f.Subject == subject && !f.Holds })
}

// onDatabase tells whether a device holds the database.
func (r *report) onDatabase(device uint64) bool {
	return slices.ContainsFunc(r.found.PostgresData, func(data string) bool {
		if a, ok := r.area(data); ok {
			return a.Device == device
		}
		st, ok := deviceAt(data)
		return ok && st == device
	})
}

func (r *report) wal() {
	for _, data := range r.found.PostgresData {
		a, ok := r.area(filepath.Join(data, "pg_wal"))
		if !ok || a.Unread > 0 {
			continue
		}
		settings, why, advice, err := r.walOf(data, a.Bytes)
		if err != nil {
			r.o.Blind = append(r.o.Blind, checks.Blind{Code: codeWAL, Subject: checks.Subject(data), Why: blindWAL(data), Mend: mendOnce()})
			continue
		}
		if judgeWAL(a.Bytes, settings).Found {
			road := checks.Morning
			if r.toldOf(data) != nil {
				road = checks.Week // the check of the database has told it by then
			}
			r.add(data, checks.Finding{
				Code: codeWAL, Subject: checks.Subject(data), Road: road, Text: walText(a, settings, why), Advice: advice,
			})
		}
	}
}

func (r *report) dumps() {
	byFolder := map[string][]dump{}
	var folders []string
	for _, d := range r.Dumps {
		// What users have had packed for themselves is no dump.
		if r.now.Sub(d.At) <= dumpAge || r.found.Live != "" && under(d.Path, filepath.Join(r.found.Live, "public")) {
			continue
		}
		folder := filepath.Dir(d.Path)
		if byFolder[folder] == nil {
			folders = append(folders, folder)
		}
		byFolder[folder] = append(byFolder[folder], d)
	}
	for _, folder := range folders {
		a := r.around(folder)
		total := 0.0
		for _, d := range byFolder[folder] {
			total += float64(d.Bytes)
		}
		if judgeDumps(total, r.disk(a).Size, r.onDatabase(a.Device)).Found {
			r.add(folder, checks.Finding{
				Code: codeDump, Subject: checks.Subject(folder), Road: checks.Week,
				Text: dumpText(folder, byFolder[folder], total), Advice: dumpAdvice(folder),
			})
		}
	}
}

// around is the smallest area that a path lies in.
func (r *report) around(path string) sized {
	var nearest sized
	for _, a := range r.Areas {
		if under(path, a.Path) && len(a.Path) > len(nearest.Path) {
			nearest = a
		}
	}
	return nearest
}

func (r *report) journal() {
	for _, a := range r.Areas {
		if a.Of != ofJournal || a.Path != r.root+"/var/log/journal" {
			continue
		}
		limit, err := journalLimit(r.root)
		if err != nil {
			r.o.Blind = append(r.o.Blind, checks.Blind{Code: codeJournal, Subject: checks.Subject(a.Path), Why: blindJournal(), Mend: mendOnce()})
			continue
		}
		if judgeJournal(float64(a.Bytes), r.disk(a).Size, limit).Found {
			r.add(a.Path, checks.Finding{
				Code: codeJournal, Subject: checks.Subject(a.Path), Road: checks.Week, Text: journalText(a), Advice: journalAdvice(),
			})
		}
	}
}

func (r *report) ruby() {
	if r.found.Live == "" {
		return
	}
	wanted := rubyWanted(r.found.Live)
	var installed []sized
	var names []string
	for _, a := range r.Areas {
		if a.Of == ofRuby && filepath.Base(a.Path) != "versions" && filepath.Base(filepath.Dir(a.Path)) == "versions" {
			installed = append(installed, a)
			names = append(names, filepath.Base(a.Path))
		}
	}
	for i, a := range installed {
		if judgeRuby(names[i], wanted, names, a.Bytes).Found {
			r.add(a.Path, checks.Finding{
				Code: codeRuby, Subject: checks.Subject(a.Path), Road: checks.Week,
				Text: rubyText(names[i], wanted, a), Advice: rubyAdvice(names[i], a.Path, r.found.User),
			})
		}
	}
}

func (r *report) caches() {
	for _, a := range r.Areas {
		if a.Of == ofPackages && a.Bytes > cacheLeast && r.around(filepath.Dir(a.Path)).Of != ofPackages {
			r.add(a.Path, checks.Finding{
				Code: codeCache, Subject: checks.Subject(a.Path), Road: checks.Week, Text: cacheText(a), Advice: cacheAdvice(a),
			})
		}
	}
}

// media judges the cached media; where Mastodon keeps them with the others
// (before 3.0 of it had a folder of their own), all.
func (r *report) media() {
	own := slices.ContainsFunc(r.grown, func(g grown) bool { return g.Of == ofCached })
	for _, g := range r.grown {
		if r.found.Live == "" && r.found.Compose == "" || g.Of != ofCached && (own || g.Of != ofMedia) {
			continue
		}
		base := filepath.Base(g.Path)
		if base != "cache" && base != "system" || !judgeMedia(g.Pace, g.PaceOK).Found {
			continue
		}
		r.add(g.Path, r.twoNights(checks.Finding{
			Code: codeMedia, Subject: checks.Subject(g.Path), Road: checks.Morning,
			Text: mediaText(g), Advice: mediaAdvice(r.found),
		}))
	}
}

// twoNights makes a finding hold until it has been seen in two nights.
func (r *report) twoNights(f checks.Finding) checks.Finding {
	since, known := r.before.since(f.Code, f.Subject)
	f.Holds = f.Holds || !known || !secondNight(since, r.now)
	return f
}

func (r *report) growth() {
	for _, g := range r.grown {
		if !g.verdict.Found {
			continue
		}
		f := checks.Finding{
			Code: codeGrowth, Subject: checks.Subject(g.Path), Road: checks.Week, Holds: g.verdict.Holds,
			Text: growthText(g, r.now), Advice: growthAdvice(g, r.found),
		}
		// One cause is told once: where it is nearest to it.
		f.Holds = f.Holds || r.has(codeJournal, f.Subject) || r.has(codeMedia, f.Subject) ||
			r.has(codeWAL, checks.Subject(filepath.Dir(g.Path))) && filepath.Base(g.Path) == "pg_wal" || r.explained(g)
		r.add(g.Path, r.twoNights(f))
	}
}

// explained tells whether a part of an area has grown by most of what the area
// has.
func (r *report) explained(g grown) bool {
	return slices.ContainsFunc(r.grown, func(part grown) bool {
		return part.Path != g.Path && under(part.Path, g.Path) && part.verdict.Found && !part.verdict.Holds && part.over() > g.over()/2
	})
}

func (r *report) open() {
	if r.deletedErr != nil {
		r.o.Blind = append(r.o.Blind, checks.Blind{Code: codeDeleted, Why: blindProcesses()})
		return
	}
	for _, h := range r.deleted.Holders {
		if h.Bytes > deletedLeast {
			r.add("", checks.Finding{
				Code: codeDeleted, Subject: checks.Subject(h.Name), Road: checks.Week, Text: deletedText(h), Advice: deletedAdvice(h),
			})
		}
	}
	if r.deleted.Hidden > 0 || r.deleted.Part {
		r.o.Blind = append(r.o.Blind, checks.Blind{Code: codeDeleted, Why: blindOpen(r.deleted.Hidden), Mend: mendOnce()})
	}
}

// hold says that something which was found could not be looked for.
func (r *report) hold(f remembered, why checks.Text) {
	r.o.Blind = append(r.o.Blind, checks.Blind{Code: f.Code, Subject: f.Subject, Why: why, Mend: mendOnce()})
	r.remember = append(r.remember, f)
}

// blind says what could not be seen, once for each spot, and holds what was
// found there before.
func (r *report) blind(list []spot) {
	told := map[string]bool{}
	tell := func(path string, why checks.Text, mend checks.Advice) {
		if !told[path] {
			told[path] = true
			r.o.Blind = append(r.o.Blind, checks.Blind{Code: codeGrowth, Subject: checks.Subject(path), Why: why, Mend: mend})
		}
	}
	for _, f := range r.Failed {
		if up := filepath.Dir(f.Path); slices.ContainsFunc(r.Failed, func(o failure) bool { return under(up, o.Path) }) {
			continue // told with the folder above it
		}
		if errors.Is(f.Err, fs.ErrPermission) && r.around(f.Path).Unread > 0 {
			continue // told with the area that it lies in
		}
		switch {
		case errors.Is(f.Err, fs.ErrPermission):
			tell(f.Path, blindDenied(f.Path), r.mend(f.spot))
		case f.Err != nil && strings.HasPrefix(f.Err.Error(), "walk "):
			tell(f.Path, blindTime(f.Path), mendTime())
		case errors.Is(f.Err, hang.ErrSlow), errors.Is(f.Err, hang.ErrPending):
			tell(f.Path, blindSilent(f.Path), mendSilent(f.Path))
		default:
			tell(f.Path, blindError(f.Path, f.Err), checks.Advice{})
		}
	}
	for _, s := range list {
		a, ok := r.area(s.Path)
		if !ok || a.Unread == 0 || slices.ContainsFunc(list, func(o spot) bool {
			up, ok := r.area(o.Path)
			return ok && o.Path != s.Path && under(s.Path, o.Path) && up.Unread > 0
		}) {
			continue
		}
		var some []unread
		for _, u := range r.Unread {
			if under(u.Path, s.Path) {
				some = append(some, u)
			}
		}
		tell(a.Path, blindPart(a, some), r.mend(s))
	}
	for _, f := range r.before.Found {
		gone := !slices.ContainsFunc(r.remember, func(now remembered) bool { return now.Code == f.Code && now.Subject == f.Subject })
		if f.Code == codeDeleted || !gone || !r.dark(f.Path) {
			continue
		}
		if told[f.Path] && f.Code == codeGrowth {
			r.remember = append(r.remember, f)
			continue
		}
		r.hold(f, blindHeld(f.Path))
	}
}

// mend says how a spot comes to be seen.
func (r *report) mend(s spot) checks.Advice {
	if s.Of == ofDatabase || slices.ContainsFunc(r.found.PostgresData, func(d string) bool { return under(d, s.Path) }) {
		return mendDatabase()
	}
	return mendOnce()
}
