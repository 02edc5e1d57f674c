package backups

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A round is one look at all sources.
type round struct {
	c         *check
	now       time.Time
	past      checks.Past
	installed site.Found
	seen      []seen
	live      live
	failed    []job
	after     memory
	out       checks.Observation
}

// none is a look that found no backup at all.
func (r *round) none(strays []stray) (checks.Observation, error) {
	r.remember(strays)
	here := r.installed.Live != "" || r.installed.Compose != "" || len(r.installed.PostgresData) > 0
	if here {
		return checks.Observation{}, &checks.Unseen{Why: noneFound(strays), Advice: noneAdvice()}
	}
	r.out.Summary = noneHere(strays)
	return r.out, nil
}

// test reads to its end what is due, the smallest first.
func (r *round) test(ctx context.Context, named bool) {
	order := make([]*seen, 0, len(r.seen))
	for i := range r.seen {
		if s := &r.seen[i]; s.Newest != nil && s.Newest.Path != "" {
			order = append(order, s)
		}
	}
	slices.SortStableFunc(order, func(a, b *seen) int { return int(min(max(a.Newest.Size-b.Newest.Size, -1), 1)) })
	for _, s := range order {
		s.Trial = r.trial(ctx, *s.Newest, s.Tested, named)
		// What is merely unreadable must not make a damaged one forgotten.
		proven := s.Trial.Outcome == outcomeWhole || s.Trial.Outcome == outcomeDamaged
		if s.Trial.keeps() && (proven || s.Tested.Outcome != outcomeDamaged) {
			s.Tested = s.Trial
		}
	}
}

// trial is what is known of the newest backup after this look.
func (r *round) trial(ctx context.Context, a artefact, last tested, named bool) tested {
	if _, t := r.c.ready(a); t.Outcome != outcomeNone {
		return t
	}
	if ok, _ := due(a, last, named, r.now); ok && (named || enough(ctx, a.Size)) {
		return r.c.test(ctx, a, cmp.Or(r.installed.Settings["DB_NAME"], "mastodon_production"))
	}
	if last.ID == a.ID {
		return last
	}
	return tested{}
}

// readSpeed is what pg_restore was measured at, in bytes a second (defaults).
const readSpeed = 6 << 20

// enough tells whether there is time to read so much, as a daemon has and
// somebody at the command line has not.
func enough(ctx context.Context, size int64) bool {
	until, ok := ctx.Deadline()
	left := time.Until(until) - reserve
	return !ok || left >= wholeNight || left.Seconds() > float64(size)/readSpeed
}

// finding adds a finding about one source.
func (r *round) finding(s *seen, code string, v verdict, text checks.Text, advice checks.Advice) *checks.Finding {
	f := checks.Finding{Code: code, Severity: v.Severity, Road: checks.Morning, Text: text, Advice: advice}
	if v.Severity == checks.Critical {
		f.Road = checks.Now
	}
	if s != nil {
		f.Subject = checks.Subject(s.label())
		s.Illness = max(s.Illness, v.Severity)
	}
	r.out.Findings = append(r.out.Findings, f)
	return &r.out.Findings[len(r.out.Findings)-1]
}

func (r *round) blind(s *seen, code string, why checks.Text, mend checks.Advice) {
	r.out.Blind = append(r.out.Blind, checks.Blind{Code: code, Subject: checks.Subject(s.label()), Why: why, Mend: mend})
}

// judge makes the findings of one source.
func (r *round) judge(ctx context.Context, s *seen) {
	r.judgeLog(ctx, s)
	r.judgeEnd(s)
	switch {
	case s.Err != nil:
		r.blind(s, "", blindSource(*s), mendSource(*s))
		return
	case s.Newest == nil && (s.Writing || s.Status.Exit != 0):
		return // the very first is being written, or has failed
	case s.Newest == nil && len(s.Denied) > 0:
		r.blind(s, "", blindDenied(*s), mendDenied(s.Denied[0]))
		return
	case s.Newest == nil:
		v := verdict{checks.Warning, "there never was one"}
		if len(s.Runs) > 0 {
			v = verdict{checks.Critical, "there were some"}
		}
		r.finding(s, codeMissing, v, missingText(*s), missingAdvice(*s))
		return
	}
	r.measure(s)
	whole := r.judgeWhole(s)
	age := judgeAge(r.now.Sub(s.Newest.Time), s.Rhythm)
	size := judgeSize(s.Size, s.Usual)
	s.Level = further(reached(age, size, whole), s.Inside, r.now.Sub(s.Rebuilt.Proven) < restoredFresh)
	// Another that is being written at this moment is not late.
	if age.found() && !s.Writing {
		r.finding(s, codeOld, age, oldText(*s, r.failed), oldAdvice(*s))
	}
	if size.found() {
		code := codeSmall
		if size.Why == "large" {
			code = codeLarge
		}
		r.finding(s, code, size, sizeText(*s, code), sizeAdvice(*s, code))
	}
	if s.Tested.Outcome == outcomeDamaged {
		r.finding(s, codeIncomplete, verdict{checks.Critical, "damaged"}, incompleteText(*s), incompleteAdvice(*s))
	} else if s.Status.Trouble != "" && s.Status.Exit == 0 {
		r.finding(s, codeIncomplete, verdict{checks.Critical, "its tool complains"}, troubleText(*s), checks.Advice{})
	}
	r.judgeInside(s)
	r.judgeRebuilt(s)
	if s.FreeErr == nil && s.Newest.Path != "" {
		shared, newest := r.withServer(s.Newest.Device), max(s.Size, s.Newest.Size)
		need, short := roomNeeded(newest, shared)
		s.Room, s.RoomSeverity = max(need, 0), short.Severity
		if v := judgeRoom(newest, s.Free, shared); v.found() {
			f := r.finding(s, codeNoRoom, v, roomText(*s, shared), roomAdvice(*s))
			if v.Severity == checks.Critical && s.Rhythm > 0 {
				f.Harm = s.Newest.Time.Add(s.Rhythm)
			}
		}
	}
}

func (r *round) measure(s *seen) {
	add := func(name string, value float64, unit string) {
		r.out.Measures = append(r.out.Measures, checks.Measure{Name: name, Subject: checks.Subject(s.label()), Value: value, Unit: unit})
	}
	add("age", max(r.now.Sub(s.Newest.Time).Seconds(), 0), checks.Seconds)
	if s.Size >= 0 {
		add("size_bytes", float64(s.Size), checks.Bytes)
	}
	if s.Newest.Path != "" && s.FreeErr == nil {
		add("free_bytes", float64(s.Free), checks.Bytes)
	}
	if s.Trial.Took > 0 {
		add("read_time", s.Trial.Took.Seconds(), checks.Seconds)
	}
	if s.Tested.ID == s.Newest.ID && s.Tested.Inside.Holds == holdsMastodon {
		add("statuses_inside", float64(s.Tested.Inside.Statuses), checks.Count)
		add("accounts_inside", float64(s.Tested.Inside.Accounts), checks.Count)
	}
	if s.Rebuilt.Lasted > 0 {
		add("restore_time", s.Rebuilt.Lasted.Seconds(), checks.Seconds)
	}
}

// judgeWhole tells whether the newest was read to its end, and says what
// prevents it.
func (r *round) judgeWhole(s *seen) bool {
	if s.Tested.Outcome == outcomeDamaged {
		return false // found, and not blind
	}
	switch s.Trial.Outcome {
	case outcomeDenied:
		r.blind(s, codeIncomplete, blindFile(*s), mendFile(*s))
	case outcomeNoTool:
		r.blind(s, codeIncomplete, blindTool(*s), mendTool(*s))
	case outcomeSlow:
		r.blind(s, codeIncomplete, blindSlow(*s), mendSlow())
	}
	return s.Trial.Outcome == outcomeWhole && !s.Trial.Unsure
}

// reached is the level that a source's newest backup has reached. One whose
// usual size is not known yet reaches the next level only by what is proven.
func reached(age, size verdict, whole bool) level {
	switch {
	case age.found():
		return levelNothing
	case size.found():
		return levelRecent
	case whole:
		return levelComplete
	case size.Why == "usual":
		return levelSize
	}
	return levelRecent
}

// together makes the findings that are about all sources.
func (r *round) together() {
	r.rehearsals()
	if where, same := r.sameDisk(); same {
		v := verdict{checks.Warning, "nothing elsewhere is known"}
		r.finding(nil, codeSameDisk, v, sameDiskText(where), sameDiskAdvice(r.seen)).Road = checks.Week
	}
	r.judgeEnv()
	r.judgeMedia()
}

// sameDisk tells whether every backup lies on the file system of the database,
// or on the system's own, and on which.
func (r *round) sameDisk() (where string, same bool) {
	n := 0
	for i := range r.seen {
		s := &r.seen[i]
		device := uint64(0)
		switch {
		case s.Elsewhere, s.Err != nil:
			return "", false
		case s.StatusFile != "":
			info, err := os.Stat(s.Status.Location)
			if s.Status.Location == "" || err != nil {
				return "", false
			}
			device, _ = whereIs(info)
		case s.Newest == nil:
			continue
		default:
			device = s.Newest.Device
		}
		if !r.withServer(device) {
			return "", false
		}
		where = cmp.Or(where, r.sharedWith(device))
		n++
	}
	return where, n > 0
}

// What backups should not share a file system with.
const (
	sharedDatabase = "database"
	sharedSystem   = "system"
)

// withServer tells whether a device is one that the server lives on. Where no
// server lives, there is none.
func (r *round) withServer(device uint64) bool { return r.sharedWith(device) != "" }

func (r *round) sharedWith(device uint64) string {
	if device == 0 || r.installed.Live == "" && r.installed.Compose == "" && len(r.installed.PostgresData) == 0 {
		return ""
	}
	on := func(folder string) bool {
		info, err := os.Stat(folder)
		if err != nil {
			return false
		}
		d, _ := whereIs(info)
		return d == device
	}
	if slices.ContainsFunc(r.installed.PostgresData, on) {
		return sharedDatabase
	}
	if on("/") || r.installed.Live != "" && on(r.installed.Live) {
		return sharedSystem
	}
	return ""
}

// remember keeps what the next look needs.
func (r *round) remember(strays []stray) {
	for i := range r.seen {
		s := &r.seen[i]
		k := s.known
		if s.Found {
			k.FoundAt = s.Glob
		}
		r.after.Sources[s.label()] = k
	}
	for _, s := range strays {
		r.after.Sources[s.Pattern] = known{Runs: s.Runs, FoundAt: s.Pattern}
	}
	if raw, err := json.Marshal(r.after); err == nil { // strings and numbers always can be
		r.out.Remember = map[string][]byte{memoryKey: raw}
	}
}
