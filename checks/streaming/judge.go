package streaming

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// A sight is everything that one look saw.
type sight struct {
	now    time.Time
	domain string
	found  site.Found
	about  about
	base   base
	ports  []process
	public outcome
	socket socket
	tested bool // the own post was made in this look
	held   bool // a connection without traffic was held in this look
	posts  bool // the own post may be made
	pace   pace
	usual  func(name string) (checks.Band, bool)
}

// A level is how far up streaming is dead.
type level string

const (
	noLevel  level = ""
	atPort   level = "port"   // no process answers
	atHealth level = "health" // it does not answer under the public name
	atRoute  level = "route"  // the public name leads elsewhere
	atOpen   level = "open"   // no WebSocket opens
	atPing   level = "ping"   // one opens, and nothing comes
)

// deadAt tells at which level no event can arrive.
func deadAt(s sight) level {
	near := s.someWell()
	switch {
	case s.public.state == ill && len(s.ports) > 0 && s.allIll():
		return atPort
	case s.public.state == ill:
		return atHealth
	case s.public.state == guarded && s.socket.state == unopened:
		return noLevel // perhaps it is this machine alone that is not let in
	case s.socket.state == unopened && s.public.state == absent, s.socket.state == tokenless && s.public.state == absent && near && s.about.mastodon():
		return atRoute
	case s.socket.state == unopened:
		return atOpen
	case s.socket.state == closed && s.socket.lived < s.pace.atOnce:
		return atOpen
	case s.socket.state == deaf && s.about.pings():
		return atPing
	}
	return noLevel
}

// pings tells whether the server is one that pings by itself, or has not said
// what it is.
func (a about) pings() bool {
	name := api.Software(a.Version).Name
	return a.Version == "" || name == api.Mastodon || name == api.GoToSocial
}

func (s sight) someWell() bool {
	return slices.ContainsFunc(s.ports, func(p process) bool { return p.state == well })
}

func (s sight) allIll() bool {
	return !slices.ContainsFunc(s.ports, func(p process) bool { return p.state != ill })
}

// unsure tells whether this look cannot say that what was dead is alive again.
func unsure(s sight, before level) bool {
	switch {
	case s.public.state == unseen, s.public.state == unasked:
		return true
	case s.socket.state == alive:
		return false
	case s.public.state == guarded, s.public.state == absent && s.socket.state == tokenless:
		return true
	}
	switch before {
	case atPing:
		return s.socket.state != closed
	case atOpen, atRoute:
		return s.socket.state != open && s.socket.state != closed
	}
	return false
}

// listened tells whether the look came so far that events could be seen.
func (s sight) listening() bool { return s.socket.state == alive || s.socket.state == open }

// unset is the setting that nobody has given, where that is all that keeps
// events from being seen; "" elsewhere.
func (s sight) unset() string {
	var missing *checks.NotSetUp
	if s.socket.state == tokenless && errors.As(s.socket.err, &missing) {
		return missing.Setting
	}
	return ""
}

// judge makes an observation of a look, and what the next should know.
func judge(s sight, m memory) (checks.Observation, memory) {
	var o checks.Observation
	now := deadAt(s)
	o.Findings = append(o.Findings, ports(s, now)...)
	switch {
	case now != noLevel:
		if m.Dead.IsZero() {
			m.Dead = s.now
		}
		m.Level = now
		o.Findings = append(o.Findings, deadFinding(s, now, m.Dead))
	case unsure(s, m.Level):
		if why := textLevelUnseen(s); !m.Dead.IsZero() || s.public.state != well {
			o.Blind = append(o.Blind, checks.Blind{Code: codeDead, Why: why, Mend: adviceUnseen(s.public, s.domain)})
		}
	default:
		m.Dead, m.Level = time.Time{}, noLevel
	}
	event(&o, s, m)
	idle(&o, s, m)
	channel(&o, s, m)
	ourToken(&o, s, m)
	m.Counters = measure(&o, s, m)
	o.Summary = summary(s, m, o)
	return o, m
}

// ports finds the processes that do not answer, where others do.
func ports(s sight, now level) []checks.Finding {
	var out []checks.Finding
	for _, p := range s.ports {
		if p.state == ill {
			out = append(out, checks.Finding{
				Code: codePort, Subject: strconv.Itoa(p.port), Severity: checks.Warning, Road: checks.Now,
				// Where nothing answers at all that is the one thing to tell.
				Holds: now == atPort,
				Text:  textPort(p, s.ports, s.pace), Advice: advicePort(s, p.port),
			})
		}
	}
	return out
}

func deadFinding(s sight, at level, since time.Time) checks.Finding {
	f := checks.Finding{Code: codeDead, Severity: checks.Warning, Road: checks.Now, Text: textDead(s, at, since), Advice: adviceDead(s, at)}
	if s.now.Sub(since) >= s.pace.dead {
		f.Severity, f.Harm = checks.Critical, since
	}
	return f
}

// event tells how the last own post came.
func event(o *checks.Observation, s sight, m memory) {
	e := m.Event
	blind := func(why checks.Text, mend checks.Advice) {
		o.Blind = append(o.Blind, checks.Blind{Code: codeEvent, Why: why, Mend: mend})
	}
	switch {
	case s.unset() != "" && e.Bad.IsZero():
		// Not set up, which the summary says; nothing is open that could be lost.
	case s.socket.state == tokenless:
		blind(tokenError(s.socket.err), adviceToken())
	case !s.listening() || m.Token != noFault:
		// What stands in the way is told by another finding.
		if !e.Bad.IsZero() {
			blind(textEventUnseen(), checks.Advice{})
		}
	case e.State == missing:
		f := checks.Finding{Code: codeEvent, Severity: checks.Warning, Road: checks.Now, Text: textMissing(s, e), Advice: adviceEvent(s, e)}
		if s.now.Sub(e.Missing) >= s.pace.dead {
			f.Severity, f.Harm = checks.Critical, e.Missing
		}
		o.Findings = append(o.Findings, f)
	case e.State == arrived && !e.Bad.IsZero():
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeEvent, Severity: checks.Warning, Road: checks.Now, Text: textLate(s, e), Advice: adviceEvent(s, e),
		})
	case e.State == unposted:
		blind(textUnposted(e), checks.Advice{})
	case !e.Bad.IsZero():
		blind(textEventUnseen(), checks.Advice{})
	}
}

// idle tells what became of a connection without traffic.
func idle(o *checks.Observation, s sight, m memory) {
	switch {
	case m.Idle.State == idleWell:
	case s.listening() || s.socket.state == closed && m.Idle.Early:
		text, advice := textCut(m.Idle), adviceCut(s)
		if m.Idle.State == idleDeaf {
			text, advice = textDeaf(m.Idle), adviceRestart(s)
		}
		o.Findings = append(o.Findings, checks.Finding{Code: codeIdle, Severity: checks.Warning, Road: checks.Now, Text: text, Advice: advice})
	default:
		o.Blind = append(o.Blind, checks.Blind{Code: codeIdle, Why: textIdleUnseen()})
	}
}

// channel tells whether the public channels are refused.
func channel(o *checks.Observation, s sight, m memory) {
	switch r := m.Event.Refused; {
	case r == nil:
	case s.listening() && m.Token == noFault:
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeChannel, Severity: checks.Warning, Road: checks.Now, Text: textRefused(*r), Advice: adviceLog(s),
		})
	default:
		o.Blind = append(o.Blind, checks.Blind{Code: codeChannel, Why: textEventUnseen()})
	}
}

// ourToken tells what is wrong with the token, which is nobody's concern but
// ours.
func ourToken(o *checks.Observation, s sight, m memory) {
	switch {
	case m.Token == noFault || s.socket.state == tokenless:
	case s.listening() || s.socket.state == rejected:
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeToken, Severity: checks.Warning, Road: checks.Morning, Text: textToken(s, m), Advice: adviceToken(),
		})
	default:
		o.Blind = append(o.Blind, checks.Blind{Code: codeToken, Why: textEventUnseen()})
	}
}

// measure writes down the numbers, and gives the counters to remember.
func measure(o *checks.Observation, s sight, m memory) map[int]counter {
	say := func(name, subject string, value float64, unit string) {
		o.Measures = append(o.Measures, checks.Measure{Name: name, Subject: subject, Value: value, Unit: unit})
	}
	if s.public.state == well {
		say(healthTime, "", s.public.took.Seconds(), checks.Seconds)
	}
	if s.tested && m.Event.State == arrived {
		say(eventDelay, "", m.Event.Delay.Seconds(), checks.Seconds)
	}
	if s.held && m.Idle.Lived > 0 {
		say(idleLife, "", m.Idle.Lived.Seconds(), checks.Seconds)
	}
	counters := map[int]counter{}
	for _, p := range s.ports {
		subject := strconv.Itoa(p.port)
		if p.state == well {
			say(healthTime, subject, p.took.Seconds(), checks.Seconds)
		}
		if p.numbers.clients != nil {
			say(clients, subject, *p.numbers.clients, checks.Count)
		}
		if p.numbers.lag != nil {
			say(eventloopLag, subject, *p.numbers.lag, checks.Seconds)
		}
		if p.numbers.heard == nil {
			continue
		}
		counters[p.port] = counter{s.now, *p.numbers.heard}
		before, known := m.Counters[p.port]
		if minutes := s.now.Sub(before.At).Minutes(); known && minutes > 0 && *p.numbers.heard >= before.Value {
			say(heardPerMin, subject, (*p.numbers.heard-before.Value)/minutes, checks.Count)
		}
	}
	return counters
}
