package mail

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

const memoryKey = "memory"

// memory is what one look tells the next: what is under way, and what was last
// seen of each level that is not asked at every look.
type memory struct {
	// Talk is the last conversation with the mail server, TalkRow how many in a
	// row went badly.
	Talk    talk `json:"talk,omitzero"`
	TalkRow int  `json:"talk_row,omitempty"`
	// Boxes are sababan's own mailboxes by their address.
	Boxes map[string]box `json:"boxes,omitempty"`
	// Records are the answers of the DNS, RecordsRow how many in a row were bad.
	Records    records `json:"records,omitzero"`
	RecordsRow int     `json:"records_row,omitempty"`
	// Joined is the last look at the latest sign-ups.
	Joined joined `json:"joined,omitzero"`
}

// A box is what is known of one mailbox.
type box struct {
	// Probes are the messages that are under way, the oldest first.
	Probes []probe `json:"probes,omitempty"`
	// Sent is when the last was sent.
	Sent time.Time `json:"sent,omitzero"`
	// Last is what became of the newest whose fate is known.
	Last verdict `json:"last,omitzero"`
	// Rows tells by code how many of the last messages in a row went badly.
	Rows map[string]int `json:"rows,omitempty"`
	// Firm is what the provider last said of each method for certain.
	Firm said `json:"firm,omitzero"`
	// Visit is the last look into the mailbox, VisitRow how many in a row failed.
	Visit    visit `json:"visit,omitzero"`
	VisitRow int   `json:"visit_row,omitempty"`
}

// A probe is a message of ours that is under way.
type probe struct {
	ID   string    `json:"id"`
	Sent time.Time `json:"sent"`
	// Lost tells that it was given up; should it come yet, it is cleared away.
	Lost bool `json:"lost,omitempty"`
}

// A verdict is what became of a message.
type verdict struct {
	Sent  time.Time     `json:"sent"`
	At    time.Time     `json:"at"` // when it was known
	Lost  bool          `json:"lost,omitempty"`
	Delay time.Duration `json:"delay,omitempty"`
	// Folder is where it lay; Junk tells that it is that for junk mail.
	Folder string `json:"folder,omitempty"`
	Junk   bool   `json:"junk,omitempty"`
	trace
}

func (v verdict) known() bool { return !v.Sent.IsZero() }

const (
	// probesKept and probeLife bound the messages that are waited for: after
	// five days a mail server gives up (RFC 5321, 4.5.4.1), after that nothing
	// comes any more.
	probesKept = 12
	probeLife  = 7 * 24 * time.Hour
)

// outstanding are the names of the messages to look for.
func (b box) outstanding() []string {
	var ids []string
	for _, p := range b.Probes {
		ids = append(ids, p.ID)
	}
	return ids
}

// pending tells whether there is a message whose fate is open.
func (b box) pending() bool {
	return slices.ContainsFunc(b.Probes, func(p probe) bool { return !p.Lost })
}

func recall(past checks.Past) (memory, bool) {
	var m memory
	b, ok := past.Load(memoryKey)
	if !ok || json.Unmarshal(b, &m) != nil {
		return memory{}, false
	}
	return m, true
}

// after is the memory with what one look has seen.
func (m memory) after(o outside, in inside, a about, now time.Time, p pace) memory {
	next := m
	if o.talk != nil {
		next.Talk, next.TalkRow = *o.talk, row(m.TalkRow, o.talk.Fault != "")
	}
	if a.server == nil || next.Talk.Place != a.server.at() {
		next.Talk, next.TalkRow = talk{}, 0
	}
	if o.records != nil {
		next.Records, next.RecordsRow = *o.records, row(m.RecordsRow, o.records.troubled())
	}
	if in.joined.Seen {
		next.Joined = in.joined
	}
	next.Boxes = map[string]box{}
	for _, one := range a.set.boxes {
		b := m.Boxes[one.address]
		for _, s := range o.sent {
			if s.box == one.address {
				b.Probes, b.Sent = append(slices.Clone(b.Probes), probe{ID: s.id, Sent: s.at}), s.at
			}
		}
		if v, ok := o.visits[one.address]; ok {
			b = b.visited(v, one, now, p)
		}
		b.Probes = slices.DeleteFunc(slices.Clone(b.Probes), func(p probe) bool { return now.Sub(p.Sent) > probeLife })
		b.Probes = b.Probes[max(len(b.Probes)-probesKept, 0):]
		next.Boxes[one.address] = b
	}
	return next
}

// row counts how often in a row something was bad.
func row(before int, bad bool) int {
	if !bad {
		return 0
	}
	return before + 1
}

// visited is the box after a look into the mailbox: a message that is there has
// arrived; one that is not there after a while is lost, if the mailbox could be
// read and had room.
func (b box) visited(v visit, of mailbox, now time.Time, p pace) box {
	b.Visit, b.VisitRow = v, row(b.VisitRow, v.Fault != "")
	b.Visit.seen = nil
	b.Probes = slices.Clone(b.Probes)
	for _, s := range v.seen {
		i := slices.IndexFunc(b.Probes, func(p probe) bool { return p.ID == s.id })
		if i < 0 {
			continue
		}
		sent := b.Probes[i].Sent
		b.Probes = slices.Delete(b.Probes, i, i+1)
		b = b.judged(verdict{
			Sent: sent, At: now, Delay: delay(sent, s.at, v.At), Folder: s.folder, Junk: s.junk,
			trace: readTrace(s.header, of),
		}, p)
	}
	if v.Fault == "" {
		for i, pr := range b.Probes {
			if !pr.Lost && v.At.Sub(pr.Sent) >= p.lost {
				b.Probes[i].Lost = true
				b = b.judged(verdict{Sent: pr.Sent, At: now, Lost: true}, p)
			}
		}
	}
	return b
}

// delay is how long a message took: the mailbox's own clock, which counts whole
// seconds, tells when it took it, and ours when it was seen there at the latest.
func delay(sent, taken, seen time.Time) time.Duration {
	most := max(seen.Sub(sent), 0)
	if taken.IsZero() {
		return most
	}
	return min(max(taken.Sub(sent), time.Second), most)
}

// judged takes the fate of one message into account. What came of an older one
// is no news where that of a newer one is known.
func (b box) judged(v verdict, p pace) box {
	if v.Sent.Before(b.Last.Sent) {
		return b
	}
	rows := map[string]int{}
	for code, n := range b.Rows {
		rows[code] = n
	}
	b.Last, b.Rows = v, rows
	rows[codeLost] = row(rows[codeLost], v.Lost)
	if v.Lost {
		return b
	}
	rows[codeLate] = row(rows[codeLate], v.Delay > p.late)
	rows[codeJunk] = row(rows[codeJunk], v.Junk)
	for code, said := range v.Said.methods() {
		// Where nothing is said, or nothing certain, it stays as it was.
		if said.certain() {
			rows[code] = row(rows[code], said != pass)
			b.Firm = b.Firm.with(code, said, v.Said.By)
		}
	}
	return b
}

// worst is how often in a row the worst went badly, and whether that is about
// arrival itself.
func (b box) worst() (rows int, arrival bool) {
	for code, n := range b.Rows {
		rows = max(rows, n)
		arrival = arrival || n > 0 && (code == codeLost || code == codeLate)
	}
	return rows, arrival
}
