package bot

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// longAgo is how far back a history goes: what is older is forgotten (own).
const longAgo = 365 * 24 * time.Hour

// history tells what has been going on with a check.
func (b *Bot) history(ctx context.Context, q question) checks.Text {
	names := b.named(ctx, q)
	if len(names) == 0 || q.all {
		return b.lately(ctx, q)
	}
	var answers []checks.Text
	for _, check := range names {
		past, err := b.o.Schedule.Incidents().OfCheck(ctx, check, q.now.Add(-longAgo), 1000)
		if err != nil {
			return b.unreadable("history", err)
		}
		var done deeds
		err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
			done, err = deedsSince(ctx, tx, check, q.now.Add(-longAgo), mostDeeds)
			return err
		})
		if err != nil {
			return b.unreadable("history", err)
		}
		answers = append(answers, b.historyText(b.titleOf(check), past, done, q.now))
	}
	return checks.Lines(answers...)
}

// lately tells what was going on lately with any check, and what admins did.
func (b *Bot) lately(ctx context.Context, q question) checks.Text {
	var past []incident.Incident
	for _, k := range b.o.Schedule.Kinds() {
		some, err := b.o.Schedule.Incidents().OfCheck(ctx, k.Name, q.now.Add(-longAgo), mostPast)
		if err != nil {
			return b.unreadable("history", err)
		}
		past = append(past, some...)
	}
	slices.SortFunc(past, func(a, b incident.Incident) int { return b.Noticed.Compare(a.Noticed) })
	past = past[:min(len(past), mostPast)]
	var done deeds
	err := b.o.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		done, err = deedsSince(ctx, tx, "", q.now.Add(-longAgo), mostDeeds)
		return err
	})
	if err != nil {
		return b.unreadable("history", err)
	}
	if len(past)+len(done) == 0 {
		return checks.Text{En: "Nothing has happened so far, as far as I have been watching.", Ja: "見守りを始めてから、何も起きていません。"}
	}
	lines := []checks.Text{{En: "Lately:", Ja: "最近のこと:"}}
	for _, i := range past {
		lines = append(lines, pastLine(i, q.now))
	}
	lines = append(lines, deedLines(b, done, past)...)
	return checks.Lines(append(lines, checks.Text{
		En: "\"history NAME\" says more about one check.", Ja: "「履歴 ○○」で項目ごとに詳しく答えます。",
	})...)
}

// pastLine is one incident, that is open or was.
func pastLine(i incident.Incident, now time.Time) checks.Text {
	at, num, took, h := checks.At(i.Noticed), number(i.Number), checks.Span(lasted(i, now)), i.Finding.Text.Headline()
	if i.Phase == incident.Open {
		l := label(i.Severity, i.Finding.Road)
		return checks.Text{
			En: fmt.Sprintf("%s %s since %s, %s so far: %s", l.En, num.En, at, took.En, h.En),
			Ja: fmt.Sprintf("%s%s %sから%s継続中: %s", l.Ja, num.Ja, at, took.Ja, h.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%s %s, %s: %s", num.En, at, took.En, h.En),
		Ja: fmt.Sprintf("%s %s、%s: %s", num.Ja, at, took.Ja, h.Ja),
	}
}

// deedLines are what admins did, with the numbers of what they did it about.
func deedLines(b *Bot, done deeds, past []incident.Incident) []checks.Text {
	var lines []checks.Text
	for _, d := range done {
		line := b.deedText(d, nil)
		for _, i := range past {
			if d.Incident != 0 && d.about(i) {
				num := number(i.Number)
				line = plus(line, checks.Text{En: " (" + num.En + ")", Ja: "（" + num.Ja + "）"})
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (b *Bot) historyText(title checks.Text, past []incident.Incident, done deeds, now time.Time) checks.Text {
	if len(past)+len(done) == 0 {
		return checks.Text{
			En: title.En + ": nothing in the last year, as far as I have been watching.",
			Ja: title.Ja + ": この1年（見守りを始めてから）異常はありません。",
		}
	}
	if len(past) == 0 {
		return checks.Lines(append([]checks.Text{{En: title.En + ": no trouble in the last year", Ja: title.Ja + ": この1年、異常はありません"}}, deedLines(b, done, past)...)...)
	}
	var total time.Duration
	for _, i := range past {
		total += lasted(i, now)
	}
	oldest := past[len(past)-1].Noticed
	span, since := checks.Span(total), checks.On(oldest)
	lines := []checks.Text{{
		En: fmt.Sprintf("%s: %s since %s, %s in all", title.En, counted(len(past), "time", "times"), since, span.En),
		Ja: fmt.Sprintf("%s: %sから%d回、合計%s", title.Ja, since, len(past), span.Ja),
	}}
	for _, i := range past[:min(len(past), mostPast)] {
		lines = append(lines, pastLine(i, now))
	}
	if more := len(past) - mostPast; more > 0 {
		lines = append(lines, checks.Text{En: fmt.Sprintf("and %d before", more), Ja: fmt.Sprintf("ほか%d件", more)})
	}
	return checks.Lines(append(lines, deedLines(b, done, past)...)...)
}

// lasted is how long an incident lasted, or has until now.
func lasted(i incident.Incident, now time.Time) time.Duration {
	if i.Phase == incident.Open {
		return now.Sub(i.Noticed)
	}
	return i.Resolved.Sub(i.Noticed)
}
