// Package dues recalls what only a person knows: bills, cards and plans that
// end on a day.
package dues

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// codeDue is the code of every finding; the subject is the name of the due.
const codeDue = "due"

// Kind makes the check of what has to be paid or renewed by hand. Its commands
// are "dues", which lists them, and "paid NAME [DATE]", which moves one on.
func Kind(_ *site.Site) checks.Kind {
	// The commands speak of the check that was made last.
	var made atomic.Pointer[check]
	k := checks.Kind{
		Name:  "dues",
		Title: checks.Text{En: "dues", Ja: "支払い"},
		Words: checks.Words{
			En: []string{"bills", "payments", "renewals"},
			Ja: []string{"支払い", "料金", "支払い期限"},
		},
		Scope: checks.Site,
		// Before the morning message at 08:00 and not after it, as the defaults
		// have it (09:00): told a day later, "due tomorrow" would mean today.
		Cron:     "30 6 * * *",
		Timeout:  10 * time.Second,
		Settings: func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			var config Config
			if err := t.Decode(&config); err != nil {
				return nil, err
			}
			c, err := config.check()
			if err != nil {
				return nil, err
			}
			if len(c.dues) == 0 {
				return nil, &checks.NotSetUp{Setting: "[[checks.dues.due]]"}
			}
			made.Store(c)
			return c, nil
		},
	}
	k.Commands = []checks.Command{
		{
			Name: "dues",
			Words: checks.Words{
				En: []string{"bills", "payments"},
				Ja: []string{"支払い一覧", "支払い予定", "支払い期限", "支払い", "料金"},
			},
			Help:   textHelpDues(),
			Answer: command(&made, (*check).list),
		},
		{
			Name: "paid",
			Words: checks.Words{
				En: []string{"settled"},
				Ja: []string{"支払い済み", "支払済み", "支払済", "支払いました", "支払った", "払いました", "払った"},
			},
			Help:   textHelpPaid(),
			Answer: command(&made, (*check).paid),
		},
	}
	return k
}

// answer is what a command makes of what followed it.
type answer func(c *check, past checks.Past, rest string, now time.Time) (checks.Text, map[string][]byte)

func command(made *atomic.Pointer[check], do answer) func(context.Context, checks.Past, string) (checks.Text, map[string][]byte, error) {
	return func(_ context.Context, past checks.Past, rest string) (checks.Text, map[string][]byte, error) {
		c := made.Load()
		if c == nil {
			return checks.Text{}, nil, &checks.NotSetUp{Setting: "[[checks.dues.due]]"}
		}
		text, remember := do(c, past, rest, time.Now())
		return text, remember, nil
	}
}

type check struct {
	zone *time.Location
	dues []due
}

// A due is one that has been understood.
type due struct {
	name       string
	rule       rule
	pays, note string
	automatic  bool
}

// What is remembered of a due stands under two keys, each with one writer: a
// look that runs beside a command cannot undo it.
const (
	// seenKey, with the name behind it, is written by the look.
	seenKey = "seen/"
	// paidKey is written by the command.
	paidKey = "paid/"
)

// A record is what is remembered under either key. It counts only for the rule
// that it was written under: another date in the configuration begins anew.
type record struct {
	Rule string `json:"rule"`
	// Day is from when the rule is counted (seen), or what is due next (paid).
	Day time.Time `json:"day,omitzero"`
	// Done: paid, and it does not come again.
	Done bool `json:"done,omitempty"`
	// At is when that was said.
	At time.Time `json:"at,omitzero"`
}

func load(past checks.Past, key string, d due) (record, bool) {
	raw, ok := past.Load(key + d.name)
	if !ok {
		return record{}, false
	}
	var r record
	// What cannot be read is as if nothing had been remembered.
	err := json.Unmarshal(raw, &r)
	return r, err == nil && r.Rule == d.rule.text && (r.Done || !r.Day.IsZero())
}

func (r record) bytes() []byte {
	raw, err := json.Marshal(r)
	if err != nil { // texts and times always can be
		return nil
	}
	return raw
}

// A standing is when a due is next, and how far that is.
type standing struct {
	due
	day  time.Time
	left int // days; negative when it is over
	done bool
}

// stands says when a due is next.
func (c *check) stands(d due, past checks.Past, today time.Time) standing {
	s := standing{due: d}
	seen, known := load(past, seenKey, d)
	paid, settled := load(past, paidKey, d)
	switch {
	case settled && paid.Done:
		s.done = true
		return s
	case settled:
		s.day = paid.Day
	case known:
		s.day = d.rule.from(seen.Day)
	default:
		s.day = d.rule.from(today)
	}
	if d.automatic && s.day.Before(today) {
		if d.rule.once() {
			s.done = true
			return s
		}
		s.day = d.rule.from(today)
	}
	s.left = daysUntil(today, s.day)
	return s
}

// standings are all of them: the most pressing first, those that are done last.
func (c *check) standings(past checks.Past, today time.Time) []standing {
	all := make([]standing, 0, len(c.dues))
	for _, d := range c.dues {
		all = append(all, c.stands(d, past, today))
	}
	slices.SortStableFunc(all, func(a, b standing) int {
		switch {
		case a.done != b.done && a.done:
			return 1
		case a.done != b.done:
			return -1
		}
		return a.day.Compare(b.day)
	})
	return all
}

// Look sees what is due.
func (c *check) Look(_ context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(past, time.Now()), nil
}

func (c *check) look(past checks.Past, now time.Time) checks.Observation {
	today := dayOf(now, c.zone)
	o := checks.Observation{Remember: map[string][]byte{}}
	for _, d := range c.dues {
		if _, ok := load(past, seenKey, d); !ok {
			o.Remember[seenKey+d.name] = record{Rule: d.rule.text, Day: today, At: now.UTC()}.bytes()
		}
	}
	all := c.standings(past, today)
	for _, s := range all {
		if f, ok := c.judge(s); ok {
			o.Findings = append(o.Findings, f)
		}
	}
	o.Summary = textSummary(all, today)
	return o
}

// judge makes a finding of what is due soon, or was. It is one incident from
// the first step of its ladder until it is paid.
func (c *check) judge(s standing) (checks.Finding, bool) {
	if s.done {
		return checks.Finding{}, false
	}
	began, heard := s.rule.ladder.step(s.left)
	if !heard {
		return checks.Finding{}, false
	}
	today := s.day.AddDate(0, 0, -s.left)
	f := checks.Finding{
		Code: codeDue, Subject: checks.Subject(s.name), Severity: checks.Warning, Road: checks.Morning,
		Harm: midnight(s.day.AddDate(0, 0, 1), c.zone), Again: midnight(s.day.AddDate(0, 0, -began), c.zone),
		Text: textDue(s, today), Advice: advicePaid(s),
	}
	if s.left < 0 {
		// A harm in the past would break the night, and a bill never does (defaults).
		f.Severity, f.Road, f.Harm = checks.Critical, checks.Now, time.Time{}
	}
	return f, true
}

// list answers with all of them.
func (c *check) list(past checks.Past, _ string, now time.Time) (checks.Text, map[string][]byte) {
	today := dayOf(now, c.zone)
	lines := []checks.Text{}
	for _, s := range c.standings(past, today) {
		lines = append(lines, textLine(s, today))
	}
	return checks.Lines(lines...), nil
}

// paid moves one on.
func (c *check) paid(past checks.Past, rest string, now time.Time) (checks.Text, map[string][]byte) {
	today := dayOf(now, c.zone)
	rest, until := cutDate(strings.TrimSpace(rest))
	all := c.standings(past, today)
	found := named(all, rest)
	if len(found) != 1 {
		if len(found) == 0 {
			return textWhich(names(all), rest), nil
		}
		return textWhich(names(found), ""), nil
	}
	s := found[0]
	record := record{Rule: s.rule.text, At: now.UTC()}
	switch {
	case !until.IsZero() && until.Before(today):
		return textPast(s, until, today), nil
	case !until.IsZero():
		record.Day = until
	case s.done:
		return textDoneAlready(s), nil
	case s.rule.once():
		record.Done = true
	case s.early(today):
		return textAlready(s, today), nil
	default:
		record.Day = s.rule.after(s.day, today)
	}
	next := standing{due: s.due, day: record.Day, done: record.Done}
	return textPaid(next, today), map[string][]byte{paidKey + s.name: record.bytes()}
}

// early tells whether a repeating due is further off than half its period: said
// twice, "paid" must not pay for two (own).
func (s standing) early(today time.Time) bool {
	period := daysUntil(s.rule.before(s.day), s.day)
	return 2*daysUntil(today, s.day) > period
}

func names(all []standing) []string {
	list := make([]string, len(all))
	for i, s := range all {
		list[i] = s.name
	}
	return list
}
