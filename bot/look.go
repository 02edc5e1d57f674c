package bot

import (
	"context"
	"errors"
	"sync"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
)

// check looks now, by the same method as the clock, and says what it sees.
func (b *Bot) check(ctx context.Context, q question) checks.Text {
	names := q.kinds
	if q.all || len(names) == 0 && q.request.number == 0 {
		names = nil
		for _, k := range b.kinds {
			names = append(names, k.Name)
		}
		if !q.all {
			// "check" alone is answered with what there is to check.
			return b.help(ctx, q)
		}
	}
	named := len(q.kinds) > 0
	answers := make([]checks.Text, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() { answers[i] = b.lookAt(ctx, name, named) })
	}
	wait.Wait()
	return checks.Lines(answers...)
}

func (b *Bot) lookAt(ctx context.Context, name string, named bool) checks.Text {
	for _, k := range b.o.NotSetUp {
		if k.Name == name {
			return checks.Text{
				En: k.Title.En + ": not set up. It needs " + b.o.Needs[name] + " in the configuration.",
				Ja: k.Title.Ja + ": 未設定です。設定ファイルの " + b.o.Needs[name] + " が必要です。",
			}
		}
	}
	r, err := b.o.Schedule.Look(ctx, name, named)
	switch {
	case errors.Is(err, schedule.ErrNoCheck):
		return checks.Text{En: name + ": switched off in the configuration", Ja: name + ": 設定で無効になっています"}
	case err != nil:
		b.log.Warn("a look that was asked for did not end", "check", name, "err", err)
		return checks.Text{En: name + ": did not end in time", Ja: name + ": 時間内に終わりませんでした"}
	}
	return resultText(r)
}

// resultText is one look as an answer: each finding with its advice, or the line
// with the number where there is none.
func resultText(r checks.Result) checks.Text {
	title := func(t checks.Text) checks.Text {
		return checks.Text{En: r.Title.En + ": " + t.En, Ja: r.Title.Ja + ": " + t.Ja}
	}
	if r.Err != nil {
		why, advice := checks.Explain(r.Err)
		l := label(checks.Unknown, checks.Now)
		line := title(why)
		return checks.Lines(checks.Text{En: l.En + " " + line.En, Ja: l.Ja + line.Ja}, adviceText(advice))
	}
	var lines []checks.Text
	for _, f := range r.Findings {
		if f.Holds {
			continue
		}
		l, h := label(f.Severity, f.Road), f.Text.Headline()
		lines = append(lines, checks.Text{En: l.En + " " + h.En, Ja: l.Ja + h.Ja}, f.Text.Body(), adviceText(f.Advice))
	}
	found := len(lines) > 0
	well := !found
	for _, blind := range r.Blind {
		l := label(checks.Unknown, checks.Now)
		lines = append(lines, checks.Text{En: l.En + " " + blind.Why.En, Ja: l.Ja + blind.Why.Ja}, adviceText(blind.Mend))
		well = false
	}
	if r.Summary.Empty() || found {
		return checks.Lines(lines...)
	}
	line := title(r.Summary)
	if well {
		line.Ja += " ヨシ!"
	}
	return checks.Lines(append([]checks.Text{line}, lines...)...)
}
