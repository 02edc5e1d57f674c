package bot

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

// ack notes that somebody is on it.
func (b *Bot) ack(ctx context.Context, q question) checks.Text {
	t := b.takeFrom(q)
	return b.keep(ctx, q, func(tx *sql.Tx, s situation) (checks.Text, []note, error) {
		found, instead := b.targets(s, q, t)
		if len(found) == 0 {
			return instead, nil, nil
		}
		until := q.now.Add(ackLife)
		var notes []note
		for _, i := range found {
			if h := s.deeds.hold(deedAck, i, q.now); h.By == q.who.Account && h.covers(i.Severity) && t.note == "" {
				until = h.Until // said twice it is no news
				continue
			}
			d := q.deedOf(deedAck, i)
			d.Until, d.Note = until, t.note
			fresh, err := insertDeed(ctx, tx, d)
			if err != nil {
				return checks.Text{}, nil, err
			}
			if fresh {
				notes = append(notes, note{incidents: []int64{i.ID}, text: ackNote(q.who, i, t.note)})
			}
		}
		what, at := called(found), checks.At(until)
		return checks.Text{
			En: fmt.Sprintf("You are on %s. No reminders until %s, unless it gets worse.", what.En, at),
			Ja: fmt.Sprintf("%sは対応中として記録しました。悪化しない限り、%sまで催促しません。", what.Ja, at),
		}, notes, nil
	})
}

func ackNote(who Admin, i incident.Incident, text string) checks.Text {
	num, h, said := number(i.Number), i.Finding.Text.Headline(), quoted(text)
	return checks.Text{
		En: fmt.Sprintf("%s is on %s (%s)%s", name(who.Account), num.En, h.En, said.En),
		Ja: fmt.Sprintf("%sさんが%s（%s）に対応中です%s", name(who.Account), num.Ja, h.Ja, said.Ja),
	}
}

// unack takes that back, whoever had said it.
func (b *Bot) unack(ctx context.Context, q question) checks.Text {
	t := b.takeFrom(q)
	return b.keep(ctx, q, func(tx *sql.Tx, s situation) (checks.Text, []note, error) {
		if len(t.numbers) == 0 {
			for _, i := range s.live {
				if s.deeds.hold(deedAck, i, q.now).By != "" {
					t.numbers = append(t.numbers, i.Number)
				}
			}
			if len(t.numbers) == 0 {
				return checks.Text{En: "Nobody is on anything.", Ja: "対応中のものはありません。"}, nil, nil
			}
			if len(t.numbers) > 1 {
				t.numbers = nil
			}
		}
		found, instead := b.targets(s, q, t)
		if len(found) == 0 {
			return instead, nil, nil
		}
		var notes []note
		taken := false
		for _, i := range found {
			ended, err := endDeeds(ctx, tx, s.deeds, q.now, func(d deed) bool { return d.What == deedAck && d.about(i) })
			if err != nil {
				return checks.Text{}, nil, err
			}
			d := q.deedOf(deedUnack, i)
			d.Ended, d.Note = q.now, t.note
			fresh, err := insertDeed(ctx, tx, d)
			if err != nil {
				return checks.Text{}, nil, err
			}
			taken = taken || len(ended) > 0
			if fresh && len(ended) > 0 {
				num, said := number(i.Number), quoted(t.note)
				notes = append(notes, note{incidents: []int64{i.ID}, text: checks.Text{
					En: fmt.Sprintf("Nobody is on %s any more: %s took it back%s", num.En, name(q.who.Account), said.En),
					Ja: fmt.Sprintf("%sの対応は取り消されました（%sさん）%s", num.Ja, name(q.who.Account), said.Ja),
				}})
			}
		}
		what := called(found)
		if !taken {
			return checks.Text{En: "Nobody was on " + what.En + ".", Ja: what.Ja + "は誰も対応中ではありません。"}, nil, nil
		}
		return checks.Text{
			En: fmt.Sprintf("Nobody is on %s now. Reminders go on.", what.En),
			Ja: fmt.Sprintf("%sの対応を取り消しました。催促を再開します。", what.Ja),
		}, notes, nil
	})
}

// known puts what is not urgent out of the way.
func (b *Bot) known(ctx context.Context, q question) checks.Text {
	return b.keep(ctx, q, func(tx *sql.Tx, s situation) (checks.Text, []note, error) {
		var found, urgent []incident.Incident
		if q.all || len(q.numbers) == 0 {
			if !q.all {
				return checks.Text{
					En: "Known: everything that is not urgent (\"known all\"), or one (\"known 12\")?",
					Ja: "急がないもの全部（「全部 既知」）でしょうか、一つ（「既知 12」）でしょうか？",
				}, nil, nil
			}
			for _, i := range s.live {
				switch {
				case i.Phase == incident.Open && i.Severity == checks.Critical:
					urgent = append(urgent, i)
				case i.Finding.Severity < checks.Critical:
					found = append(found, i) // also what has not been seen often enough to be told
				}
			}
		} else {
			var instead checks.Text
			if found, instead = b.targets(s, q, taking{numbers: q.numbers}); len(found) == 0 {
				return instead, nil, nil
			}
		}
		var open []int64
		fresh := false
		for _, i := range found {
			if i.Phase == incident.Open {
				open = append(open, i.ID)
			}
			d := q.deedOf(deedKnown, i)
			d.Severity = max(i.Severity, checks.Warning)
			if q.numbers != nil {
				d.Severity = i.Severity
			}
			once, err := insertDeed(ctx, tx, d)
			if err != nil {
				return checks.Text{}, nil, err
			}
			fresh = fresh || once && i.Phase == incident.Open
		}
		return knownText(q, found, urgent, open, fresh)
	})
}

// knownText is the answer, and what those are told who were told of any of it.
func knownText(q question, found, urgent []incident.Incident, open []int64, fresh bool) (checks.Text, []note, error) {
	var answer checks.Text
	told := len(open)
	switch {
	case len(found) == 0 && len(urgent) > 0:
		what := called(urgent)
		return checks.Text{
			En: "Nothing was put away: what is open needs action, " + what.En + ".",
			Ja: "急がないものはありません。要対応: " + what.Ja,
		}, nil, nil
	case told == 0 && len(found) == 0:
		answer = checks.Text{En: "There is nothing to put away.", Ja: "片づけるものはありません。"}
	case told == 0:
		answer = checks.Text{En: "Noted: what I have just noticed counts as known.", Ja: "検知したばかりのものも既知として記録しました。"}
	case told == 1 && len(found) == 1:
		what := called(found)
		answer = checks.Text{En: "Known: " + what.En + ". I list it in the weekly digest and speak of it when it gets worse.", Ja: what.Ja + "を既知にしました。週1回のまとめに載せ、悪化したときだけお知らせします。"}
	default:
		answer = checks.Text{
			En: fmt.Sprintf("Known: %d. I list them in the weekly digest and speak of one when it gets worse.", told),
			Ja: fmt.Sprintf("%d件を既知にしました。週1回のまとめに載せ、悪化したときだけお知らせします。", told),
		}
	}
	if len(urgent) > 0 {
		what := called(urgent)
		answer = checks.Lines(answer, checks.Text{
			En: "Left out, because it needs action: " + what.En + ".",
			Ja: "要対応のため残しました: " + what.Ja,
		})
	}
	if !fresh {
		return answer, nil, nil
	}
	what := called(found[:min(len(found), 1)])
	text := checks.Text{
		En: fmt.Sprintf("%s put %d away as known; the weekly digest lists them.", name(q.who.Account), told),
		Ja: fmt.Sprintf("%sさんが%d件を既知にしました（週1回のまとめに載ります）。", name(q.who.Account), told),
	}
	if told == 1 && len(found) == 1 {
		text = checks.Text{
			En: fmt.Sprintf("%s put %s away as known; the weekly digest lists it.", name(q.who.Account), what.En),
			Ja: fmt.Sprintf("%sさんが%sを既知にしました（週1回のまとめに載ります）。", name(q.who.Account), what.Ja),
		}
	}
	return answer, []note{{incidents: open, text: text}}, nil
}
