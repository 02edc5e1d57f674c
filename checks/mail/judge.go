package mail

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A view is everything that a judgement rests on.
type view struct {
	about
	memory  memory
	inside  inside
	offline bool
	now     time.Time
	pace    pace
	usual   func(name, subject string) (checks.Band, bool)
	shares  func() ([]checks.Sample, error)
}

// judge turns what is known into what is told.
func (v view) judge() checks.Observation {
	var o checks.Observation
	v.judgeQueue(&o)
	v.judgeLimit(&o)
	v.judgeSignups(&o)
	v.judgeTalk(&o)
	v.judgeBoxes(&o)
	v.judgeArrival(&o)
	v.judgeMethods(&o)
	v.judgeRecords(&o)
	o.Summary = v.summary()
	return o
}

func find(o *checks.Observation, f checks.Finding) { o.Findings = append(o.Findings, f) }

func blind(o *checks.Observation, why checks.Text, mend checks.Advice, subject string, codes ...string) {
	for _, code := range codes {
		o.Blind = append(o.Blind, checks.Blind{Code: code, Subject: subject, Why: why, Mend: mend})
	}
}

func measure(o *checks.Observation, name, subject string, value float64, unit string) {
	o.Measures = append(o.Measures, checks.Measure{Name: name, Subject: subject, Value: value, Unit: unit})
}

// fresh tells whether something was seen in this look.
func (v view) fresh(at time.Time) bool { return !at.IsZero() && !at.Before(v.now) }

const (
	// failuresFrom and failuresTimes: a wrong address now and then is everyday,
	// several an hour and more than usual are not (own).
	failuresFrom, failuresTimes = 5, 3
)

func (v view) judgeQueue(o *checks.Observation) {
	w := v.inside.queue
	if w == nil {
		if err := v.inside.queueErr; err != nil && !notSetUp(err) {
			why, mend := checks.Explain(err)
			blind(o, why, mend, "", codeQueue, codeRetries)
		}
		return
	}
	failing := w.total()
	measure(o, mailersWaiting, "", float64(w.mails), checks.Count)
	measure(o, mailersFailing, "", float64(failing), checks.Count)
	if w.mails > 0 && !w.oldest.IsZero() && v.now.Sub(w.oldest) >= v.pace.late {
		// How long jobs wait is told loudly by the check of Sidekiq.
		find(o, checks.Finding{
			Code: codeQueue, Severity: checks.Warning, Road: checks.Morning,
			Text: textQueue(*w, v.now.Sub(w.oldest)), Advice: v.adviceQueue(),
		})
	}
	usual, known := v.usual(mailersFailing, "")
	if failing < failuresFrom || known && float64(failing) < failuresTimes*usual.Mid {
		return
	}
	f := checks.Finding{
		Code: codeRetries, Severity: checks.Warning, Road: checks.Morning,
		Text: textRetries(*w, usual, known), Advice: v.adviceRetries(w.main()),
	}
	if systematic(w.main()) {
		f.Severity, f.Road = checks.Critical, checks.Now
	}
	find(o, f)
}

// judgeLimit tells of the provider's limit, by whatever hears of it.
func (v view) judgeLimit(o *checks.Observation) {
	words, n := "", 0
	if w := v.inside.queue; w != nil {
		n, words = w.failing[string(limited)], w.sample[string(limited)]
	}
	if t := v.memory.Talk; t.Fault == limited {
		words = cmp.Or(words, withoutAddresses(t.Words))
	} else if n == 0 {
		if err := v.inside.queueErr; err != nil && !notSetUp(err) {
			why, mend := checks.Explain(err)
			blind(o, why, mend, "", codeLimit)
		}
		return
	}
	find(o, checks.Finding{
		Code: codeLimit, Severity: checks.Warning, Road: checks.Now,
		Text: textLimit(n, words), Advice: adviceLimit(),
	})
}

const (
	// shareTimes, joinedFrom and shareHistory are when sign-ups that do not
	// confirm are too many (defaults).
	shareTimes, joinedFrom = 2, 10
	shareHistory           = 30 * 24 * time.Hour
	// shareKnown is how long the share must have been seen, and chance how many
	// times the spread of chance it must lie above what is usual (own: of ten
	// sign-ups four often do not confirm where two usually do not).
	shareKnown = 7 * 24 * time.Hour
	chance     = 3
)

func (v view) judgeSignups(o *checks.Observation) {
	if err := v.inside.joinErr; err != nil && !notSetUp(err) {
		why, mend := checks.Explain(err)
		blind(o, why, mend, "", codeSignups)
		return
	}
	j := v.memory.Joined
	if j.Count < joinedFrom || v.now.Sub(j.At) > 2*v.pace.joinedEvery {
		return
	}
	share := float64(j.Open) / float64(j.Count)
	if v.inside.joined.Seen {
		measure(o, unconfirmed, "", share, checks.Ratio)
	}
	usual, known := v.usualShare()
	if known && tooMany(j.Open, j.Count, usual) {
		find(o, checks.Finding{
			Code: codeSignups, Severity: checks.Warning, Road: checks.Morning,
			Text: textSignups(j, usual), Advice: v.adviceSignups(),
		})
	}
}

// usualShare is how large the share was in the last thirty days, without what
// is being judged.
func (v view) usualShare() (float64, bool) {
	all, err := v.shares()
	if err != nil || len(all) == 0 || v.now.Sub(all[0].At) < shareKnown {
		return 0, false
	}
	sum, n := 0.0, 0
	for _, s := range all {
		if v.now.Sub(s.At) >= joinedOld {
			sum, n = sum+s.Value, n+1
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}

// tooMany tells whether so many of all are more than twice the usual share, and
// more than chance.
func tooMany(open, all int, usual float64) bool {
	expected := usual * float64(all)
	return float64(open) > shareTimes*expected && float64(open) > expected+chance*math.Sqrt(expected+1)
}

// judgeTalk tells how far the mail server lets us, and whose fault it is.
func (v view) judgeTalk(o *checks.Observation) {
	t := v.memory.Talk
	if v.server == nil || t.Place == "" {
		return
	}
	if v.offline {
		if t.Fault != "" {
			blind(o, textOffline(), checks.Advice{}, t.Place, codeSMTP)
			blind(o, textOffline(), checks.Advice{}, subjectSMTP, codePassword)
		}
		return
	}
	if t.Step >= recipient && v.fresh(t.At) {
		measure(o, smtpTime, "", t.Took.Seconds(), checks.Seconds)
	}
	ours := v.server.user != "" && t.Step < signedIn
	switch t.Fault {
	case "":
	case unread:
		blind(o, textUnread(subjectSMTP, v.server.secret, site.SecretFault(t.Words)), site.SecretFault(t.Words).Advice(v.server.secret), t.Place, codeSMTP)
		blind(o, textUnread(subjectSMTP, v.server.secret, site.SecretFault(t.Words)), site.SecretFault(t.Words).Advice(v.server.secret), subjectSMTP, codePassword)
	case limited, full:
		blind(o, textStopped(t), checks.Advice{}, t.Place, codeSMTP)
		if ours {
			blind(o, textStopped(t), checks.Advice{}, subjectSMTP, codePassword)
		}
	case wrong:
		find(o, checks.Finding{
			Code: codePassword, Subject: subjectSMTP, Severity: checks.Warning, Road: checks.Morning,
			Text: textWrongSMTP(t), Advice: v.adviceWrong(v.server.secret),
		})
		blind(o, textStopped(t), checks.Advice{}, t.Place, codeSMTP)
	default:
		f := checks.Finding{
			Code: codeSMTP, Subject: t.Place, Severity: checks.Critical, Road: checks.Now,
			Text: textTalk(t, *v.server, !v.server.set || v.server.host == v.found.Settings["SMTP_SERVER"]), Advice: v.adviceTalk(t),
		}
		if t.Fault == plain && !v.server.set {
			f.Severity, f.Road = checks.Warning, checks.Morning
		}
		find(o, f)
		if ours {
			blind(o, textStopped(t), checks.Advice{}, subjectSMTP, codePassword)
		}
	}
}

// subjectSMTP is the subject of a password of ours that is for no mailbox.
const subjectSMTP = "smtp"

// judgeBoxes tells what is the matter with sababan's own mailboxes.
func (v view) judgeBoxes(o *checks.Observation) {
	for _, b := range v.set.boxes {
		memo := v.memory.Boxes[b.address]
		last := memo.Visit
		if v.offline {
			if last.Fault != "" {
				blind(o, textOffline(), checks.Advice{}, b.address, codePassword, codeMailbox)
			}
			continue
		}
		tooFull := last.Fault == full || v.memory.Talk.Fault == full && v.memory.Talk.To == b.address
		switch {
		case last.Fault == unread:
			blind(o, textUnread(b.address, b.server.secret, site.SecretFault(last.Words)), site.SecretFault(last.Words).Advice(b.server.secret), b.address, codePassword, codeMailbox)
		case last.Fault == wrong:
			find(o, checks.Finding{
				Code: codePassword, Subject: b.address, Severity: checks.Warning, Road: checks.Morning,
				Text: textWrongBox(b, last), Advice: v.adviceWrong(b.server.secret),
			})
			blind(o, textClosed(b), checks.Advice{}, b.address, codeMailbox)
		case tooFull:
			find(o, checks.Finding{
				Code: codeMailbox, Subject: b.address, Severity: checks.Warning, Road: checks.Morning,
				Text: textFullBox(b), Advice: adviceFullBox(),
			})
		case last.Fault != "":
			find(o, checks.Finding{
				Code: codeMailbox, Subject: b.address, Severity: checks.Warning, Road: checks.Morning,
				Text: textBox(b, last), Advice: adviceBox(last),
			})
			blind(o, textClosed(b), checks.Advice{}, b.address, codePassword)
		}
	}
}

// certainFrom is how many messages in a row must have gone badly (defaults).
const certainFrom = 2

// an arrival is what became of the last message to one mailbox.
type arrival struct {
	box  mailbox
	memo box
}

func (v view) arrivals() []arrival {
	var out []arrival
	for _, b := range v.set.boxes {
		if memo := v.memory.Boxes[b.address]; memo.Last.known() {
			out = append(out, arrival{b, memo})
		}
	}
	return out
}

func (v view) badly(code string) []arrival {
	return slices.DeleteFunc(v.arrivals(), func(a arrival) bool { return a.memo.Rows[code] < certainFrom })
}

func (v view) judgeArrival(o *checks.Observation) {
	for _, a := range v.arrivals() {
		if v.fresh(a.memo.Last.At) && !a.memo.Last.Lost {
			measure(o, roundTrip, a.box.address, a.memo.Last.Delay.Seconds(), checks.Seconds)
		}
	}
	all := v.arrivals()
	if lost := v.badly(codeLost); len(lost) > 0 {
		find(o, checks.Finding{
			Code: codeLost, Severity: checks.Critical, Road: checks.Now,
			Text: textLost(lost, all, v.memory.Talk, v.pace), Advice: v.adviceLost(),
		})
	}
	if late := v.badly(codeLate); len(late) > 0 {
		find(o, checks.Finding{
			Code: codeLate, Severity: checks.Warning, Road: checks.Morning,
			Text: textLate(late, v.usual), Advice: v.adviceLate(),
		})
	}
	if junk := v.badly(codeJunk); len(junk) > 0 {
		find(o, checks.Finding{
			Code: codeJunk, Severity: checks.Warning, Road: checks.Morning,
			Text: textJunk(junk, all), Advice: v.adviceJunk(),
		})
	}
}

// A method is one of the three by which a receiver tells whether mail is really
// from whom it says.
type method struct {
	code, name string
	record     record
	// against are the mailboxes whose provider says no, for those that say yes.
	against, favour []arrival
	says            func(said) word
}

func (v view) methods() []method {
	r := v.memory.Records
	all := []method{
		{code: codeSPF, name: "SPF", record: r.SPF, says: func(s said) word { return s.SPF }},
		{code: codeDKIM, name: "DKIM", record: r.DKIM, says: func(s said) word { return s.DKIM }},
		{code: codeDMARC, name: "DMARC", record: r.DMARC, says: func(s said) word { return s.DMARC }},
	}
	for i := range all {
		m := &all[i]
		m.against = v.badly(m.code)
		for _, a := range v.arrivals() {
			if m.says(a.memo.Firm) == pass {
				m.favour = append(m.favour, a)
			}
		}
	}
	return all
}

// judgeMethods tells one thing of each method, whether a mailbox's provider or
// the DNS says it: what the provider says is the effect, the record the cause.
func (v view) judgeMethods(o *checks.Observation) {
	if v.from.domain == "" {
		return
	}
	for _, m := range v.methods() {
		at := v.from.domain
		wrongRecord := m.record.Is.bad()
		if m.record.Is == omits && len(m.favour) > 0 {
			wrongRecord = false // whoever really sends is named
		}
		switch {
		case len(m.against) > 0 || wrongRecord && !v.offline:
			find(o, checks.Finding{
				Code: m.code, Subject: at, Severity: checks.Warning, Road: roadOf(m),
				Text: textMethod(m, at), Advice: adviceMethod(m, at),
			})
		case m.record.Is == unanswer && !v.offline:
			blind(o, textUnanswered(v.unanswered(m.record)), checks.Advice{}, at, m.code)
		case v.offline && wrongRecord:
			blind(o, textOffline(), checks.Advice{}, at, m.code)
		}
	}
}

// unanswered is the name that the DNS does not answer for: one for all where it
// answers for none.
func (v view) unanswered(r record) string {
	if of := v.memory.Records; of.SPF.Is == unanswer && of.DMARC.Is == unanswer && of.MX.Is == unanswer {
		return v.from.domain
	}
	return r.Name
}

// roadOf: what only the DNS says, and no mailbox has felt, can wait for the
// digest where it is only missing.
func roadOf(m method) checks.Road {
	if len(m.against) == 0 && m.code == codeDMARC && m.record.Is == absent {
		return checks.Week
	}
	return checks.Morning
}

// judgeRecords tells of the rest of the DNS.
func (v view) judgeRecords(o *checks.Observation) {
	r := v.memory.Records
	one := func(code, subject string, is record, road checks.Road, text func() checks.Text, advice func() checks.Advice, why checks.Text, mend checks.Advice) {
		switch {
		case v.offline && is.Is.bad():
			blind(o, textOffline(), checks.Advice{}, subject, code)
		case v.offline:
		case is.Is.bad():
			find(o, checks.Finding{Code: code, Subject: subject, Severity: checks.Warning, Road: road, Text: text(), Advice: advice()})
		case is.Is == unanswer:
			blind(o, why, mend, subject, code)
		}
	}
	if v.from.domain != "" {
		one(codeMX, v.from.domain, r.MX, roadOfMX(r.MX), func() checks.Text { return textMX(r.MX) }, adviceMX, textUnanswered(v.unanswered(r.MX)), checks.Advice{})
	}
	for _, ip := range sorted(r.Reverse) {
		is := r.Reverse[ip]
		one(codeReverse, ip, is, checks.Morning, func() checks.Text { return textReverse(is) }, v.adviceReverse, textUnanswered(ip), checks.Advice{})
	}
	for _, zone := range sorted(r.Lists) {
		is := r.Lists[zone]
		one(codeBlocked, zone, is, checks.Morning, func() checks.Text { return textBlocked(is) }, func() checks.Advice { return adviceBlocked(zone) }, textListMute(zone), adviceListMute())
	}
}

// roadOfMX: a domain that says it takes no mail is refused as a sender; one
// without a mail server only loses the answers.
func roadOfMX(r record) checks.Road {
	if r.Is == refusing {
		return checks.Morning
	}
	return checks.Week
}

func sorted(m map[string]record) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
