package bot

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// A note is what the other admins are told of a deed. About incidents it goes to
// those who were told of any of them, about one in its thread; else to all.
type note struct {
	incidents []int64
	text      checks.Text
	// check is what it is about otherwise, for those who care; "" is everything.
	check string
}

// A doing is what a command changes within one transaction: it returns the answer,
// and what the others are told.
type doing func(tx *sql.Tx, s situation) (checks.Text, []note, error)

// keep lets a command change something, in one transaction with what the others
// are told of it and with the answer. A question that has changed something
// already changes nothing again and is answered as it was.
func (b *Bot) keep(ctx context.Context, q question, do doing) checks.Text {
	var answer checks.Text
	err := b.o.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		var before bool
		if answer, before, err = answeredBefore(ctx, tx, q); err != nil || before {
			return err
		}
		answer, err = b.keepIn(ctx, tx, q, do)
		return err
	})
	if err != nil {
		return b.unreadable(q.command, err)
	}
	b.changed()
	return answer
}

// keepIn is [Bot.keep] within a transaction, of a question that has changed
// nothing yet.
func (b *Bot) keepIn(ctx context.Context, tx *sql.Tx, q question, do doing) (checks.Text, error) {
	s, err := b.desk.situation(ctx, tx, q.now)
	if err != nil {
		return checks.Text{}, err
	}
	answer, notes, err := do(tx, s)
	if err != nil {
		return checks.Text{}, err
	}
	for _, n := range notes {
		if err := b.desk.passOn(ctx, tx, n, q.who, q.now); err != nil {
			return checks.Text{}, err
		}
	}
	return answer, noteAnswer(ctx, tx, q, answer)
}

// changed wakes whoever acts on what admins change.
func (b *Bot) changed() {
	b.News()
	b.out.Wake()
	if b.relay != nil {
		b.relay.Wake()
	}
}

// passOn freezes a note for everybody but the one whose deed it is about: in
// quiet hours it waits for their end.
func (d *desk) passOn(ctx context.Context, tx *sql.Tx, n note, by Admin, now time.Time) error {
	for _, who := range d.admins {
		if who.Account == by.Account || n.check != "" && !who.Cares(n.check) {
			continue
		}
		to, known, err := recipient(ctx, tx, who.Account)
		if err != nil {
			return err
		}
		greeted, err := metaValue(ctx, tx, "hello:"+who.Account)
		if err != nil {
			return err
		}
		told, parent := len(n.incidents) == 0, ""
		for _, id := range n.incidents {
			opening, err := openingPost(ctx, tx, id, who.Account)
			if err != nil {
				return err
			}
			told = told || opening != ""
			if len(n.incidents) == 1 {
				parent = opening
			}
		}
		if !known || greeted == "" || !told {
			continue
		}
		key, err := freshKey(ctx, tx)
		if err != nil {
			return err
		}
		p := post{Key: key, Kind: kindNote, Admin: who.Account, To: to, Lang: who.Lang, Text: write(n.text, who.Reader("", now)), Created: now}
		if parent != "" {
			p.Parent = parentPost + parent
		}
		if ends, quiet := who.Quiet.Ends(now, who.zone()); quiet {
			p.NotBefore = ends
		}
		if err := d.insert(ctx, tx, p); err != nil {
			return err
		}
	}
	return nil
}

// deedOf is a deed of the one who asks, about an incident where there is one.
func (q question) deedOf(what string, i incident.Incident) deed {
	return deed{
		At: q.now, Admin: q.who.Account, What: what, Incident: i.ID, Noticed: i.Noticed, Severity: i.Severity,
		Mention: q.mention, Line: q.line,
	}
}

// targets are the open incidents that a command is about: by their numbers, or
// the only one there is. Where that is not clear, what is said instead.
func (b *Bot) targets(s situation, q question, t taking) (found []incident.Incident, instead checks.Text) {
	var open []incident.Incident
	for _, i := range s.live {
		if i.Phase == incident.Open && q.who.Cares(i.Key.Check) {
			open = append(open, i)
		}
	}
	if len(t.numbers) == 0 {
		switch len(open) {
		case 0:
			return nil, checks.Text{En: "Nothing is open.", Ja: "いま起きている異常はありません。"}
		case 1:
			return open, checks.Text{}
		}
		lines := []checks.Text{{En: "Which one? Open are:", Ja: "どれでしょうか？ 番号を付けて返信してください。"}}
		for _, i := range open {
			lines = append(lines, plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline()))
		}
		return nil, checks.Lines(lines...)
	}
	for _, n := range t.numbers {
		at := -1
		for k, i := range s.live {
			if i.Phase == incident.Open && i.Number == n {
				at = k
			}
		}
		if at < 0 {
			num := number(n)
			return nil, checks.Text{
				En: fmt.Sprintf("%s is not open. \"why %d\" says what became of it.", num.En, n),
				Ja: fmt.Sprintf("%sは現在続いていません。経緯は「詳しく %d」でわかります。", num.Ja, n),
			}
		}
		found = append(found, s.live[at])
	}
	return found, checks.Text{}
}

// called are incidents by number, and the headline where it is one.
func called(all []incident.Incident) checks.Text {
	en, ja := numbersOf(all)
	t := checks.Text{En: en, Ja: ja}
	if len(all) == 1 {
		h := all[0].Finding.Text.Headline()
		t.En, t.Ja = t.En+" ("+h.En+")", t.Ja+"（"+h.Ja+"）"
	}
	return t
}

// quoted is a note as it is shown to others.
func quoted(text string) checks.Text {
	said := checks.Said(text)
	if said.Empty() {
		return said
	}
	return checks.Text{En: ": " + said.En, Ja: said.Ja}
}

// numbersOf are the numbers of incidents, in each language.
func numbersOf(all []incident.Incident) (en, ja string) {
	var ens, jas []string
	for _, i := range all {
		n := number(i.Number)
		ens, jas = append(ens, n.En), append(jas, n.Ja)
	}
	return strings.Join(ens, ", "), strings.Join(jas, "、")
}
