package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// soonAfter is how long an answer may take before "looking" is said first (own:
// a person wonders after about as long).
const soonAfter = 8 * time.Second

// check looks now, by the same method as the clock, and says what it sees.
func (b *Bot) check(ctx context.Context, q question) checks.Text {
	names := b.named(ctx, q)
	if len(names) == 0 {
		// "check" alone is answered with what there is to check.
		return b.help(ctx, q)
	}
	return b.lookAtAll(ctx, q, names, !q.all)
}

// recheck looks again at what is named, or at all that is not well.
func (b *Bot) recheck(ctx context.Context, q question) checks.Text {
	names := b.named(ctx, q)
	if len(names) == 0 {
		open, err := b.o.Schedule.Incidents().Open(ctx)
		if err != nil {
			return b.unreadable("recheck", err)
		}
		for _, i := range openOf(open, q.who) {
			names = append(names, i.Key.Check)
		}
	}
	if len(names) == 0 {
		return checks.Text{
			En: "Nothing is open, so there is nothing to look at again. \"check all\" looks at everything.",
			Ja: "続いている異常はありません。全部を見るなら「確認 全部」と返信してください。",
		}
	}
	return b.lookAtAll(ctx, q, names, true)
}

// lookAtAll looks at several checks at once. What takes long is announced.
func (b *Bot) lookAtAll(ctx context.Context, q question, names []string, thorough bool) checks.Text {
	slices.Sort(names)
	names = b.inOrder(slices.Compact(names))
	before, err := b.o.Schedule.Incidents().Open(ctx)
	if err != nil {
		return b.unreadable("check", err)
	}
	looked := make([]sight, len(names))
	done := make(chan struct{})
	var looks sync.WaitGroup
	for i, name := range names {
		looks.Go(func() { looked[i] = b.lookAt(ctx, name, thorough) })
	}
	go func() {
		defer close(done)
		looks.Wait()
	}()
	wait := soonAfter
	if slices.ContainsFunc(b.o.Schedule.Kinds(), func(k checks.Kind) bool { return k.Long && slices.Contains(names, k.Name) }) {
		wait = 0
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
		if q.soon != nil {
			q.soon(b.lookingText(names))
		}
		<-done
	}
	open, err := b.o.Schedule.Incidents().Open(ctx)
	if err != nil {
		return b.unreadable("check", err)
	}
	var lines []checks.Text
	for _, one := range looked {
		if one.instead.Empty() {
			one.instead = resultText(one.result, open)
		}
		lines = append(lines, one.instead)
	}
	if len(before) > 0 && ctx.Err() == nil {
		lines = append(lines, b.whatEnded(ctx, names, before)...)
	}
	return checks.Lines(lines...)
}

// inOrder puts names into the order of the checklist.
func (b *Bot) inOrder(names []string) []string {
	var sorted []string
	for _, k := range b.kinds {
		if slices.Contains(names, k.Name) {
			sorted = append(sorted, k.Name)
		}
	}
	return sorted
}

func (b *Bot) lookingText(names []string) checks.Text {
	if len(names) > 3 {
		return checks.Text{
			En: fmt.Sprintf("Looking at %d checks; this takes a while. The result follows here.", len(names)),
			Ja: fmt.Sprintf("%d項目を確認中です。少し時間がかかるので、終わったらここに返信します。", len(names)),
		}
	}
	var en, ja []string
	for _, n := range names {
		t := b.titleOf(n)
		en, ja = append(en, t.En), append(ja, t.Ja)
	}
	return checks.Text{
		En: "Looking at " + strings.Join(en, ", ") + "; this takes a while. The result follows here.",
		Ja: strings.Join(ja, "、") + "を確認中です。少し時間がかかるので、終わったらここに返信します。",
	}
}

// whatEnded says which incidents these looks have ended, and which they have not
// although nothing of them was seen.
func (b *Bot) whatEnded(ctx context.Context, names []string, before []incident.Incident) []checks.Text {
	var lines []checks.Text
	for _, old := range before {
		if !slices.Contains(names, old.Key.Check) {
			continue
		}
		now, err := b.o.Schedule.Incidents().Get(ctx, old.Number)
		if err != nil {
			continue
		}
		num := number(now.Number)
		switch {
		case now.Phase == incident.Resolved:
			took := checks.Span(now.Resolved.Sub(now.Noticed))
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("%s fixed, %s after it was noticed.", num.En, took.En),
				Ja: fmt.Sprintf("%sは解消しました（検知から%s）。", num.Ja, took.Ja),
			})
		case now.Phase == incident.Open && !now.Unsteady.IsZero() && now.Good > 0:
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("%s is gone at the moment; it comes and goes, so it stays open until it was quiet for a day.", num.En),
				Ja: fmt.Sprintf("%sは今は見えません。出たり消えたりしているので、1日落ち着くまで継続扱いにします。", num.Ja),
			})
		case now.Phase == incident.Open && now.Good > 0:
			lines = append(lines, checks.Text{
				En: fmt.Sprintf("%s is not seen any more; it is over when the next looks agree.", num.En),
				Ja: fmt.Sprintf("%sは見えなくなりました。次の確認でも同じなら解消とします。", num.Ja),
			})
		}
	}
	return lines
}

// sight is what became of one look; instead is said where there was none.
type sight struct {
	result  checks.Result
	instead checks.Text
}

func (b *Bot) lookAt(ctx context.Context, name string, named bool) sight {
	if t, not := b.notLooking(name); not {
		return sight{instead: t}
	}
	r, err := b.o.Schedule.Look(ctx, name, named)
	title := b.titleOf(name)
	switch {
	case errors.Is(err, schedule.ErrNoCheck):
		return sight{instead: switchedOff(title)}
	case err != nil:
		b.log.Warn("a look that was asked for did not end", "check", name, "err", err)
		return sight{instead: checks.Text{En: title.En + ": did not end in time", Ja: title.Ja + ": 時間内に終わりませんでした"}}
	}
	return sight{result: r}
}

func switchedOff(title checks.Text) checks.Text {
	return checks.Text{En: title.En + ": switched off in the configuration", Ja: title.Ja + ": 設定で無効になっています"}
}

// resultText is one look as an answer: each finding with its number and its
// advice, or the line with the number where there is none.
func resultText(r checks.Result, open []incident.Incident) checks.Text {
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
		first := checks.Text{En: l.En + " " + h.En, Ja: l.Ja + h.Ja}
		for _, i := range open {
			if i.Key.Check == r.Check && i.Key.Code == f.Code && i.Key.Subject == f.Subject {
				first = plus(head(f.Severity, f.Road, i.Number), h)
			}
		}
		lines = append(lines, first, f.Text.Body(), adviceText(f.Advice))
	}
	found := len(lines) > 0
	well := !found
	said := map[checks.Text]bool{}
	for _, blind := range r.Blind {
		well = false
		if said[blind.Why] {
			continue // one reason hides several things
		}
		said[blind.Why] = true
		l := label(checks.Unknown, checks.Now)
		lines = append(lines, checks.Text{En: l.En + " " + blind.Why.En, Ja: l.Ja + blind.Why.Ja}, adviceText(blind.Mend))
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
