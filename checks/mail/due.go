package mail

import "time"

// A pace is how often, how long and how soon.
type pace struct {
	// patience is how long others may take to answer in one look.
	patience time.Duration
	// A message that has not come after lost is lost; after late it is late.
	lost, late time.Duration
	// again is how soon a level is tried again that has gone badly more than
	// once, and a message after one that went badly.
	again time.Duration
	// soon is how soon after a message another may be sent because somebody asks.
	soon time.Duration
	// talkEvery, recordsEvery and joinedEvery are how often the mail server, the
	// DNS and the sign-ups are asked where all is well.
	talkEvery, recordsEvery, joinedEvery time.Duration
	// recordsAgain is how soon the DNS is asked again after it was bad.
	recordsAgain time.Duration
	// dailyAt is the time of the day of the daily message.
	dailyAt time.Duration
}

func usualPace() pace {
	return pace{
		patience: 20 * time.Second,                                           // own: the command line waits for 30 s
		lost:     time.Hour, late: 10 * time.Minute, again: 30 * time.Minute, // defaults
		soon:      10 * time.Minute, // own
		talkEvery: 6 * time.Hour,    // defaults
		// Own: records change by hand, and caches keep them for hours.
		recordsEvery: 24 * time.Hour, recordsAgain: time.Hour,
		joinedEvery: time.Hour,                    // own
		dailyAt:     6*time.Hour + 30*time.Minute, // defaults
	}
}

// slack keeps a tick that is a little early from being missed by a whole one.
const slack = time.Minute

// An occasion is why and when somebody looks.
type occasion struct {
	now time.Time
	// known tells that there was a look before, thorough that somebody asked for
	// this one by name, offline that nothing may leave this machine.
	known, thorough, offline bool
}

// duties are the levels that are due.
type duties struct {
	talk    bool
	send    []string        // the mailboxes that get a message
	visit   map[string]bool // the mailboxes that are looked into
	records bool
	joined  bool
}

// plan tells which levels are due.
func plan(m memory, a about, o occasion, p pace) duties {
	d := duties{joined: o.thorough || due(o.now, m.Joined.At, p.joinedEvery), visit: map[string]bool{}}
	if o.offline {
		return d
	}
	for _, b := range a.set.boxes {
		d.visit[b.address] = visitDue(m.Boxes[b.address], o, p)
	}
	d.records = (a.from.domain != "" || len(a.sendsBy) > 0) &&
		(o.thorough || !o.known || rowDue(o.now, m.Records.At, m.RecordsRow, p.recordsEvery, p.recordsAgain))
	if a.server == nil {
		return d
	}
	d.talk = o.thorough || !o.known || m.Talk.Place != a.server.at() || rowDue(o.now, m.Talk.At, m.TalkRow, p.talkEvery, p.again)
	// What does not let us in need not be sent to.
	if a.server.set && a.from.address != "" && (m.TalkRow == 0 || d.talk) {
		for _, b := range a.set.boxes {
			if sendDue(m.Boxes[b.address], o, p) {
				d.send = append(d.send, b.address)
			}
		}
	}
	d.talk = d.talk || len(d.send) > 0
	return d
}

// due tells whether something that is done so often is due.
func due(now, last time.Time, every time.Duration) bool {
	return last.IsZero() || last.After(now) || now.Sub(last) >= every-slack
}

// rowDue is due for something that went badly so often in a row: the first time
// it is tried again at the next look, for one failure is none.
func rowDue(now, last time.Time, row int, every, again time.Duration) bool {
	switch row {
	case 0:
		return due(now, last, every)
	case 1:
		return true
	}
	return due(now, last, again)
}

// visitDue tells whether to look into a mailbox: for a message that is waited
// for at each look, for one that was given up with the rest, and else once a
// day to see that it is still open to us.
func visitDue(b box, o occasion, p pace) bool {
	if o.thorough || !o.known || b.pending() {
		return true
	}
	if len(b.Probes) > 0 {
		return due(o.now, b.Visit.At, p.again)
	}
	return rowDue(o.now, b.Visit.At, b.VisitRow, 24*time.Hour, p.again)
}

// sendDue tells whether a mailbox gets a message: one a day, another half an
// hour after one that went badly, and then, while none arrives or all are late,
// every half hour; what is told of one that arrived changes only when somebody
// changes it, and is asked for daily.
func sendDue(b box, o occasion, p pace) bool {
	switch {
	case !o.known || b.pending() || b.VisitRow > 0:
		return false // one at a time, and none that nobody could look for
	case b.Sent.IsZero() || b.Sent.After(o.now):
		return true
	case o.thorough:
		return o.now.Sub(b.Sent) >= p.soon
	}
	rows, arrival := b.worst()
	if (rows == 1 || rows > 1 && arrival) && due(o.now, b.Last.At, p.again) {
		return true
	}
	return b.Sent.Before(lastDaily(o.now, p.dailyAt))
}

// lastDaily is when the last daily message was due.
func lastDaily(now time.Time, dailyAt time.Duration) time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day(), int(dailyAt/time.Hour), int(dailyAt%time.Hour/time.Minute), 0, 0, now.Location())
	if at.After(now) {
		at = at.AddDate(0, 0, -1)
	}
	return at
}
