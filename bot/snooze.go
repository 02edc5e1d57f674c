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

const (
	// longestSnooze and longestDown bound a silence; the second that of what is
	// down now (defaults).
	longestSnooze = 30 * 24 * time.Hour
	longestDown   = 24 * time.Hour
	// usualSnooze is how long where nothing is said (own).
	usualSnooze = 24 * time.Hour
	// beforeHarm is how long before known harm a silence ends (own).
	beforeHarm = 24 * time.Hour
)

// longestFor is how long an incident may be silenced: what is critical and down
// now a day, what will be so until a day before, anything else a month.
func longestFor(i incident.Incident, now time.Time) time.Duration {
	if i.Phase != incident.Open || i.Severity < checks.Critical {
		return longestSnooze
	}
	if !i.Finding.Harm.After(now) {
		return longestDown
	}
	return min(max(i.Finding.Harm.Sub(now)-beforeHarm, longestDown), longestSnooze)
}

// snooze silences incidents, or a check.
func (b *Bot) snooze(ctx context.Context, q question) checks.Text {
	t := b.takeFrom(q)
	if t.unsure != "" {
		q.request.unsure, q.between = t.unsure, t.between
		return b.whichOf(q)
	}
	if !t.period.given() {
		t.period.For = usualSnooze
	}
	if !t.period.end(q.now).After(q.now) {
		return checks.Text{En: "That is past already. Nothing is snoozed.", Ja: "その時刻はもう過ぎています。保留しませんでした。"}
	}
	return b.keep(ctx, q, func(tx *sql.Tx, s situation) (checks.Text, []note, error) {
		var found []incident.Incident
		check := ""
		if len(t.kinds) > 0 {
			check = t.kinds[0]
			for _, i := range s.live {
				if i.Phase == incident.Open && i.Key.Check == check {
					found = append(found, i)
				}
			}
		} else {
			var instead checks.Text
			if found, instead = b.targets(s, q, t); len(found) == 0 {
				return instead, nil, nil
			}
		}
		most := longestSnooze
		for _, i := range found {
			most = min(most, longestFor(i, q.now))
		}
		until, cut := t.period.end(q.now), false
		if until.Sub(q.now) > most {
			until, cut = q.now.Add(most), true
		}
		notes, err := b.silence(ctx, tx, s, q, check, found, until, t.note)
		if err != nil {
			return checks.Text{}, nil, err
		}
		return snoozedText(b.titleOf(check), found, until, cut, most), notes, nil
	})
}

// silence writes the deeds of a snooze down, instead of those that stood.
func (b *Bot) silence(ctx context.Context, tx *sql.Tx, s situation, q question, check string, found []incident.Incident, until time.Time, said string) ([]note, error) {
	var notes []note
	if check != "" {
		d := deed{At: q.now, Admin: q.who.Account, What: deedSnooze, Check: check, Severity: checks.Warning, Until: until, Note: said, Mention: q.mention, Line: q.line}
		for _, i := range found {
			d.Severity = max(d.Severity, i.Severity)
		}
		fresh, err := b.replaceDeed(ctx, tx, s, d, func(old deed) bool { return old.What == deedSnooze && old.Check == check })
		if err != nil || !fresh {
			return nil, err
		}
		title := b.titleOf(check)
		return []note{{text: snoozeNote(q.who, title, until, said), check: check}}, nil
	}
	for _, i := range found {
		d := q.deedOf(deedSnooze, i)
		d.Until, d.Note = until, said
		fresh, err := b.replaceDeed(ctx, tx, s, d, func(old deed) bool {
			return old.What == deedSnooze && old.Incident != 0 && old.about(i)
		})
		if err != nil {
			return nil, err
		}
		if fresh {
			notes = append(notes, note{incidents: []int64{i.ID}, text: snoozeNote(q.who, called([]incident.Incident{i}), until, said)})
		}
	}
	return notes, nil
}

// replaceDeed writes a deed down and ends those that it stands for.
func (b *Bot) replaceDeed(ctx context.Context, tx *sql.Tx, s situation, d deed, which func(deed) bool) (fresh bool, err error) {
	if fresh, err = insertDeed(ctx, tx, d); err != nil || !fresh {
		return false, err
	}
	_, err = endDeeds(ctx, tx, s.deeds, d.At, which)
	return true, err
}

func snoozedText(title checks.Text, found []incident.Incident, until time.Time, cut bool, most time.Duration) checks.Text {
	what := title
	if what.Empty() {
		what = called(found)
	}
	at := checks.At(until)
	t := checks.Text{
		En: fmt.Sprintf("Nothing about %s until %s, unless it gets worse.", what.En, at),
		Ja: fmt.Sprintf("%sは、悪化しない限り%sまでお知らせしません。", what.Ja, at),
	}
	if !cut {
		return t
	}
	span := checks.Span(most)
	why := checks.Text{En: span.En + " is the longest.", Ja: "最長" + span.Ja + "です。"}
	if most < longestSnooze {
		why = checks.Text{En: "It is urgent, so " + span.En + " is the longest.", Ja: "急ぐものなので、最長" + span.Ja + "です。"}
	}
	return checks.Lines(t, why)
}

func snoozeNote(who Admin, what checks.Text, until time.Time, text string) checks.Text {
	said, at := quoted(text), checks.At(until)
	return checks.Text{
		En: fmt.Sprintf("%s snoozed %s until %s%s", name(who.Account), what.En, at, said.En),
		Ja: fmt.Sprintf("%sさんが%sを%sまで保留にしました%s", name(who.Account), what.Ja, at, said.Ja),
	}
}

// unsnooze ends silences before their time.
func (b *Bot) unsnooze(ctx context.Context, q question) checks.Text {
	t := b.takeFrom(q)
	return b.keep(ctx, q, func(tx *sql.Tx, s situation) (checks.Text, []note, error) {
		var standing deeds
		for _, d := range s.deeds {
			if d.What != deedSnooze && d.What != deedKnown || !d.holds(q.now) {
				continue
			}
			named := t.all && d.What == deedSnooze || slices.Contains(t.kinds, d.Check) && d.Check != ""
			for _, i := range s.live {
				named = named || d.about(i) && (slices.Contains(t.numbers, i.Number) || d.Check == "" && slices.Contains(t.kinds, i.Key.Check))
			}
			if named || len(t.numbers)+len(t.kinds) == 0 && !t.all && d.What == deedSnooze {
				standing = append(standing, d)
			}
		}
		switch {
		case len(standing) == 0:
			return checks.Text{En: "None of that is snoozed.", Ja: "保留中のものはありません。"}, nil, nil
		case len(standing) > 1 && len(t.numbers)+len(t.kinds) == 0 && !t.all:
			lines := []checks.Text{{En: "Which one? Snoozed are:", Ja: "どれの保留を解除しますか？"}}
			for _, d := range standing {
				lines = append(lines, b.deedText(d, s.live))
			}
			return checks.Lines(lines...), nil, nil
		}
		var notes []note
		for _, d := range standing {
			if _, err := endDeeds(ctx, tx, deeds{d}, q.now, func(deed) bool { return true }); err != nil {
				return checks.Text{}, nil, err
			}
			own := d
			own.At, own.Admin, own.What, own.Until, own.Ended, own.Note, own.Mention, own.Line = q.now, q.who.Account, deedUnsnooze, time.Time{}, q.now, t.note, q.mention, q.line
			fresh, err := insertDeed(ctx, tx, own)
			if err != nil {
				return checks.Text{}, nil, err
			}
			if fresh {
				what := b.aboutText(d, s.live)
				told := note{check: d.Check, text: checks.Text{
					En: fmt.Sprintf("%s ended the snooze of %s", name(q.who.Account), what.En),
					Ja: fmt.Sprintf("%sさんが%sの保留を解除しました", name(q.who.Account), what.Ja),
				}}
				if d.Incident != 0 {
					told.incidents = []int64{d.Incident}
				}
				notes = append(notes, told)
			}
		}
		what := b.aboutText(standing[0], s.live)
		if n := len(standing); n > 1 {
			what = checks.Text{En: fmt.Sprintf("%d of them", n), Ja: fmt.Sprintf("%d件", n)}
		}
		return checks.Text{En: "Not snoozed any more: " + what.En + ".", Ja: what.Ja + "の保留を解除しました。"}, notes, nil
	})
}

// titleOf is how a check is called.
func (b *Bot) titleOf(check string) checks.Text { return b.kindOf(check).Title }

// aboutText is what a deed is about.
func (b *Bot) aboutText(d deed, live []incident.Incident) checks.Text {
	if d.Check != "" {
		return b.titleOf(d.Check)
	}
	for _, i := range live {
		if d.Incident != 0 && d.about(i) && i.Number != 0 {
			return called([]incident.Incident{i})
		}
	}
	return checks.Text{En: "everything", Ja: "全体"}
}
