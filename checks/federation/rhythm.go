package federation

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

// rhythmMemory is what a round tells the next.
type rhythmMemory struct {
	At time.Time `json:"at"`
	// Tried is when one was begun, whatever came of it.
	Tried time.Time `json:"tried"`
	// Surveyed is when servers were looked at last.
	Surveyed time.Time `json:"surveyed"`
	// Turned is when the present period of gaps began.
	Turned time.Time `json:"turned"`
	// Heard is how many of the followed servers were heard within a day.
	Heard int `json:"heard"`
	Of    int `json:"of"`

	Suspects []suspect `json:"suspects,omitempty"`
	Silence  streak    `json:"silence"`
	Refused  streak    `json:"refused"`
	Trust    streak    `json:"trust"`
	// Quiet counts, for each friend, the rounds without a reaction beyond its
	// rhythm.
	Quiet map[string]int `json:"quiet,omitempty"`
	held
}

// A hearing is what one round has read.
type hearing struct {
	recent, stopped, reactions map[string]time.Time
}

// rhythm is the hourly round.
func (v *visit) rhythm(ctx context.Context) {
	m := &v.memory.Rhythm
	m.Tried = v.now
	w, err := v.weights(ctx)
	if err != nil {
		v.unread(err)
		return
	}
	beats, reacted := v.beats(rhythmKey), v.beats(friendsKey)
	var h hearing
	s := sighting{now: v.now, weights: w, friends: v.config.Friends, before: m.Suspects, beats: beats}
	var suspended map[string]bool
	err = v.site.Database().ReadWithin(ctx, limits, func(ctx context.Context, tx pgx.Tx) (err error) {
		if h.recent, err = readRecent(ctx, tx); err != nil {
			return err
		}
		if h.stopped, err = readStopped(ctx, tx); err != nil {
			return err
		}
		if h.reactions, err = readReactions(ctx, tx, v.config.Friends); err != nil {
			return err
		}
		beats = v.listen(beats, h.recent, wanted(w, v.config.Friends))
		reacted = v.listen(reacted, h.reactions, v.config.Friends)
		s.beats, s.stopped = beats, h.stopped
		// The accounts heard last are no proof of silence: ask for it.
		doubtful := s.quiet()
		proven, err := readProven(ctx, tx, doubtful[:min(len(doubtful), provenDomains)])
		if err != nil {
			return err
		}
		for domain, at := range proven {
			beats[domain] = beats[domain].heard(at, v.now, false)
		}
		s.failing = v.memory.Them.Tally.Failing
		var names []string
		for _, one := range s.suspects() {
			names = append(names, one.Domain)
		}
		suspended, err = readSuspended(ctx, tx, names)
		return err
	})
	if err != nil {
		v.unread(err)
		return
	}
	m.Blind = nil
	m.count(w, beats, v.now)
	v.Remember[rhythmKey] = packBeats(beats)
	if len(v.config.Friends) > 0 {
		v.Remember[friendsKey] = packBeats(reacted)
	}
	v.measure(serversHeard, "", float64(m.Heard), checks.Count)
	v.enroll(ctx, h.recent)
	m.At = v.now
	if v.deaf || v.memory.Them.Streak.Open {
		// Whoever seems to be missing now may be missing because of us.
		v.holdRhythm()
		return
	}
	list := slices.DeleteFunc(s.suspects(), func(one suspect) bool { return suspended[one.Domain] || one.Domain == v.site.Domain })
	if len(v.memory.Them.Blind) > 0 {
		list = v.keepFailing(list)
	}
	m.Suspects = v.lookAt(ctx, list)
	v.judgeRound(s, reacted)
	v.holdRhythm()
}

// unread says that a round saw nothing: all that it could have found stays as it
// is, and a later look tries again.
func (v *visit) unread(err error) {
	m := &v.memory.Rhythm
	m.Blind = []checks.Blind{v.blind(codeMissing, "", err), v.blind(codeRefused, "", err), v.blind(codeFriend, "", err)}
	for _, subject := range []string{subjectSilence, subjectTrust} {
		m.Blind = append(m.Blind, v.blind(codeUs, subject, err))
	}
}

// wanted are the domains whose rhythm is learned.
func wanted(w weights, friends []string) []string {
	list := make([]string, 0, len(w.List)+len(friends))
	for _, one := range w.List {
		list = append(list, one.Domain)
	}
	for _, f := range friends {
		if _, there := w.byDomain[f]; !there {
			list = append(list, f)
		}
	}
	return list
}

func (v *visit) beats(key string) map[string]beat {
	if raw, ok := v.past.Load(key); ok {
		if got, err := unpackBeats(raw); err == nil {
			return got
		}
	}
	return map[string]beat{}
}

// listen takes in what was heard of each wanted domain; others are forgotten.
func (v *visit) listen(before map[string]beat, heard map[string]time.Time, wanted []string) map[string]beat {
	m := &v.memory.Rhythm
	listened := !m.At.IsZero() && v.now.Sub(m.At) <= beatPause
	turn := v.now.Sub(m.Turned) >= period
	next := make(map[string]beat, len(wanted))
	for _, domain := range wanted {
		b, known := before[domain]
		if turn {
			b = b.turn()
		}
		if at, ok := heard[domain]; ok {
			// A gap in which nothing at all came in is ours.
			deaf := v.memory.Pulse.Deaf > 0 && 60*b.Last <= v.memory.Pulse.Deaf
			b, known = b.heard(at, v.now, listened && !deaf), true
		}
		if known {
			next[domain] = b
		}
	}
	return next
}

// count counts the followed servers that were heard within a day.
func (m *rhythmMemory) count(w weights, beats map[string]beat, now time.Time) {
	if now.Sub(m.Turned) >= period {
		m.Turned = now
	}
	m.Heard, m.Of = 0, len(w.List)
	for _, one := range w.List {
		if b, ok := beats[one.Domain]; ok && now.Sub(b.last()) < 24*time.Hour {
			m.Heard++
		}
	}
}

// keepFailing keeps those to which deliveries failed while it cannot be seen
// whether they still do.
func (v *visit) keepFailing(list []suspect) []suspect {
	for _, was := range v.memory.Rhythm.Suspects {
		if was.Days > 0 && !slices.ContainsFunc(list, func(s suspect) bool { return s.Domain == was.Domain }) {
			list = append(list, was)
		}
	}
	return list
}

// lookAt looks at those whose turn it is.
func (v *visit) lookAt(ctx context.Context, list []suspect) []suspect {
	m := &v.memory.Rhythm
	if age := v.now.Sub(m.Surveyed); v.site.Offline || len(list) == 0 || age >= 0 && age < surveyEvery {
		return list
	}
	chosen := choose(turns(list, v.site.Domain, v.now), surveyLimit)
	if len(chosen) == 0 {
		return list
	}
	m.Surveyed = v.now
	seen := v.surveyor().survey(ctx, chosen)
	for i := range list {
		if o, ok := seen[list[i].Domain]; ok {
			list[i].Outcome, list[i].Looked = o, v.now.Unix()
		}
	}
	return list
}

// judgeRound makes the findings of a round.
func (v *visit) judgeRound(s sighting, reacted map[string]beat) {
	m := &v.memory.Rhythm
	before := m.held.Findings
	m.held = held{}
	_, once := v.past.(checks.NoPast) // one look is all there is
	add := func(f checks.Finding) { m.Findings = append(m.Findings, f) }

	count, known, many := s.judgeSilence(m.Suspects)
	m.Silence = m.Silence.next(many, silenceOpen, silenceOpen)
	i := slices.IndexFunc(before, func(f checks.Finding) bool { return f.Code == codeUs && f.Subject == subjectSilence })
	switch {
	case m.Silence.Open && !many && i >= 0:
		add(before[i]) // until another round agrees that it is over
	case m.Silence.Open:
		add(checks.Finding{
			Code: codeUs, Subject: subjectSilence, Severity: checks.Warning, Road: checks.Morning,
			Text: textSilence(count, known), Advice: adviceDeaf(),
		})
	}
	strange := mistrusted(m.Suspects)
	if m.Trust = m.Trust.next(len(strange) > 0, 1, 1); m.Trust.Open {
		add(checks.Finding{
			Code: codeUs, Subject: subjectTrust, Severity: checks.Warning, Road: checks.Morning,
			Text: textTrust(strange), Advice: adviceTrust(),
		})
	}
	refused := refusals(m.Suspects, v.now)
	m.Refused = m.Refused.next(len(refused) >= refusedLeast, refusedOpen, 1)
	if m.Refused.Open {
		add(checks.Finding{
			Code: codeRefused, Severity: checks.Critical, Road: checks.Now, Harm: v.now,
			Text: textRefused(refused), Advice: adviceRefused(refused[0]),
		})
	}
	heavy := s.weights.heavy()
	for _, one := range m.Suspects {
		if !one.missing() || one.Bad < missingOpen && !once {
			continue
		}
		was := slices.ContainsFunc(before, func(f checks.Finding) bool { return f.Code == codeMissing && f.Subject == one.Domain && !f.Holds })
		covered := m.Silence.Bad > 0 || m.Silence.Open || slices.ContainsFunc(strange, func(o suspect) bool { return o.Domain == one.Domain })
		if covered && !was {
			continue // it is one of many, which is said once
		}
		add(checks.Finding{
			Code: codeMissing, Subject: one.Domain, Severity: checks.Warning, Road: one.road(heavy), Holds: covered,
			Text: textMissing(one, v.site.Offline), Advice: adviceMissing(one),
		})
	}
	v.judgeFriends(reacted, add)
}

// judgeFriends looks for friends who used to react and no longer do.
func (v *visit) judgeFriends(reacted map[string]beat, add func(checks.Finding)) {
	m := &v.memory.Rhythm
	quiet := map[string]int{}
	for _, f := range v.config.Friends {
		b, ok := reacted[f]
		if _, silent := b.silence(v.now); !ok || !silent {
			continue
		}
		quiet[f] = min(m.Quiet[f]+1, missingOpen)
		missing := slices.ContainsFunc(m.Findings, func(o checks.Finding) bool { return o.Code == codeMissing && o.Subject == f })
		if quiet[f] >= missingOpen && !missing {
			add(checks.Finding{
				Code: codeFriend, Subject: f, Severity: checks.Warning, Road: checks.Morning,
				Text: textFriend(f, b.last(), b.usual()), Advice: adviceFriend(f),
			})
		}
	}
	m.Quiet = quiet
}

// holdRhythm says again what the last round found.
func (v *visit) holdRhythm() {
	if len(v.memory.Rhythm.Blind) > 0 {
		for _, b := range v.memory.Rhythm.Blind {
			if !slices.ContainsFunc(v.Blind, func(o checks.Blind) bool { return o.Code == b.Code && o.Subject == b.Subject }) {
				v.Blind = append(v.Blind, b)
			}
		}
		return
	}
	v.Findings = append(v.Findings, v.memory.Rhythm.Findings...)
}
