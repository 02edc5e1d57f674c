package bot

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// longAgo is how far back a history goes: what is older is forgotten (own).
const longAgo = 365 * 24 * time.Hour

// history tells what has been going on with a check.
func (b *Bot) history(ctx context.Context, q question) checks.Text {
	names := b.named(ctx, q)
	if len(names) == 0 {
		return b.which(q, checks.Text{En: "Whose history?", Ja: "どの項目の履歴でしょうか？"})
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

func (b *Bot) historyText(title checks.Text, past []incident.Incident, done deeds, now time.Time) checks.Text {
	if len(past) == 0 {
		return checks.Text{
			En: title.En + ": nothing in the last year, as far as I have been watching.",
			Ja: title.Ja + ": この1年（見守りを始めてから）異常はありません。",
		}
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
		at, num, took, h := checks.At(i.Noticed), number(i.Number), checks.Span(lasted(i, now)), i.Finding.Text.Headline()
		if i.Phase == incident.Open {
			l := label(i.Severity, i.Finding.Road)
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("%s %s since %s, %s so far: %s", l.En, num.En, at, took.En, h.En),
				Ja: fmt.Sprintf("%s%s %sから%s継続中: %s", l.Ja, num.Ja, at, took.Ja, h.Ja),
			})
			continue
		}
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("%s %s, %s: %s", num.En, at, took.En, h.En),
			Ja: fmt.Sprintf("%s %s、%s: %s", num.Ja, at, took.Ja, h.Ja),
		})
	}
	if more := len(past) - mostPast; more > 0 {
		lines = append(lines, checks.Text{En: fmt.Sprintf("and %d before", more), Ja: fmt.Sprintf("ほか%d件", more)})
	}
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
	return checks.Lines(lines...)
}

// lasted is how long an incident lasted, or has until now.
func lasted(i incident.Incident, now time.Time) time.Duration {
	if i.Phase == incident.Open {
		return now.Sub(i.Noticed)
	}
	return i.Resolved.Sub(i.Noticed)
}
