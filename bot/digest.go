package bot

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

func digestKey(who Admin) string { return "digest:" + who.Account }

// digest freezes the weekly message to an admin when it is time for it, and
// returns what is owed besides, and when the next is. Weeks that were missed are
// one; a week in which there is nothing to say has none.
func (d *desk) digest(ctx context.Context, tx *sql.Tx, s situation, who Admin, to Recipient, owed []owedTelling, now time.Time) (wrote bool, rest []owedTelling, next time.Time, err error) {
	if who.Hears != HearsAll {
		return false, owed, time.Time{}, nil
	}
	value, err := metaValue(ctx, tx, digestKey(who))
	if err != nil {
		return false, nil, time.Time{}, err
	}
	last, known := stamped(value)
	if !known || last.After(now) {
		last = now
		if err := setMeta(ctx, tx, digestKey(who), stamp(now)); err != nil {
			return false, nil, time.Time{}, err
		}
	}
	if at := monday(who, last.Add(time.Minute)); at.After(now) {
		return false, owed, at, nil
	}
	if err := setMeta(ctx, tx, digestKey(who), stamp(now)); err != nil {
		return false, nil, time.Time{}, err
	}
	next = monday(who, now.Add(time.Minute))
	taken, rest, err := forDigest(ctx, tx, owed, who, now)
	if err != nil {
		return false, nil, time.Time{}, err
	}
	w := weekly{now: now, deeds: s.deeds}
	waits := map[int64]bool{} // what is told by itself in a moment
	for _, o := range rest {
		waits[o.alert.Incident] = true
	}
	for _, i := range s.live {
		if i.Phase == incident.Open && who.Cares(i.Key.Check) && !waits[i.ID] {
			w.open = append(w.open, i)
		}
	}
	for _, o := range taken {
		if o.alert.Change == incident.ResolvedNow {
			w.over = append(w.over, o.alert)
		}
	}
	if len(w.open)+len(w.over) == 0 {
		return false, rest, next, nil
	}
	key, err := freshKey(ctx, tx)
	if err != nil {
		return false, nil, time.Time{}, err
	}
	err = d.insert(ctx, tx, post{
		Key: key, Kind: kindDigest, Admin: who.Account, To: to, Lang: who.Lang, Severity: checks.Warning,
		Text: write(weeklyText(w), who.Reader("", now)), Created: now,
	})
	if err != nil {
		return false, nil, time.Time{}, err
	}
	return true, rest, next, markFrozen(ctx, tx, taken, key)
}

// forDigest parts what is owed: the openings that wait for this morning, and all
// that waits for this Monday, stand in the digest.
func forDigest(ctx context.Context, tx *sql.Tx, owed []owedTelling, who Admin, now time.Time) (taken, rest []owedTelling, err error) {
	for _, o := range owed {
		first := o.nth == 0 && !o.due.IsZero() && !o.due.After(now)
		if first && o.alert.Road == checks.Morning {
			parent, err := openingPost(ctx, tx, o.alert.Incident, who.Account)
			if err != nil {
				return nil, nil, err
			}
			first = parent == ""
		}
		if first && o.alert.Road != checks.Now {
			taken = append(taken, o)
		} else {
			rest = append(rest, o)
		}
	}
	return taken, rest, nil
}

// weekly is what the digest speaks of.
type weekly struct {
	now   time.Time
	open  []incident.Incident
	over  []incident.Alert
	deeds deeds
}

// pressing orders what is open: the worst first, then by road, then by when
// harm begins, then the oldest.
func pressing(a, b incident.Incident) int {
	harm := func(i incident.Incident) int64 {
		if i.Finding.Harm.IsZero() {
			return 1 << 62
		}
		return i.Finding.Harm.UnixMilli()
	}
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Finding.Road, b.Finding.Road),
		cmp.Compare(harm(a), harm(b)), a.Noticed.Compare(b.Noticed), cmp.Compare(a.ID, b.ID),
	)
}

// weeklyText is the digest: what to do this week, most pressing first, then what
// is known, then what is over.
func weeklyText(w weekly) checks.Text {
	slices.SortFunc(w.open, pressing)
	var todo, known []checks.Text
	var count [4]int
	for _, i := range w.open {
		age := checks.Ago(i.Noticed)
		if w.deeds.hold(deedKnown, i, w.now).covers(i.Severity) {
			n, h := number(i.Number), i.Finding.Text.Headline()
			known = append(known, checks.Text{En: n.En + " " + h.En + " (" + age + ")", Ja: n.Ja + " " + h.Ja + "（" + age + "）"})
			continue
		}
		switch {
		case i.Severity == checks.Warning && i.Finding.Road == checks.Week:
			count[3]++
		case i.Severity == checks.Critical:
			count[0]++
		case i.Severity == checks.Unknown:
			count[2]++
		default:
			count[1]++
		}
		line := plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline())
		line = plus(line, checks.Text{En: " (noticed " + age + " ago)", Ja: "（" + age + "前に検知）"}, asideText(w.deeds, i, w.now))
		todo = append(todo, line, firstFix(i.Finding.Advice))
	}
	lines := []checks.Text{weeklyHead(count, len(known), len(w.over))}
	lines = append(lines, todo...)
	if len(known) > 0 {
		all := checks.Join(checks.Text{En: "; ", Ja: "、"}, known...)
		lines = append(lines, checks.Text{En: "Known: " + all.En, Ja: "既知: " + all.Ja})
	}
	for _, a := range w.over {
		lines = append(lines, resolvedText(a))
	}
	if len(todo) > 0 {
		n := w.first()
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("Reply: why %d / ack %d / snooze %d 7d", n, n, n),
			Ja: fmt.Sprintf("返信: 詳しく%d／対応します%d／あとで%d 7日", n, n, n),
		})
	}
	return checks.Lines(lines...)
}

// first is the number of the most pressing incident that is not put aside.
func (w weekly) first() int64 {
	for _, i := range w.open {
		if !w.deeds.hold(deedKnown, i, w.now).covers(i.Severity) {
			return i.Number
		}
	}
	return 0
}

func weeklyHead(count [4]int, known, over int) checks.Text {
	var en, ja []string
	add := func(n int, one, many, inJa string) {
		if n > 0 {
			en, ja = append(en, counted(n, one, many)), append(ja, fmt.Sprintf("%s%d", inJa, n))
		}
	}
	add(count[0], "action needed", "action needed", "要対応")
	add(count[1], "warning", "warnings", "注意")
	add(count[2], "unknown", "unknown", "確認できず")
	add(count[3], "note", "notes", "参考")
	if len(en) == 0 {
		add(known, "known", "known", "既知")
		add(over, "over", "over", "解消")
		return checks.Text{En: "This week: nothing to do (" + strings.Join(en, ", ") + ").", Ja: "今週の作業はありません（" + strings.Join(ja, "／") + "）。"}
	}
	return checks.Text{En: "To do this week: " + strings.Join(en, ", ") + ".", Ja: "今週の作業: " + strings.Join(ja, "／")}
}

// asideText says what admins have said about an incident.
func asideText(all deeds, i incident.Incident, now time.Time) checks.Text {
	var notes []checks.Text
	if h := all.hold(deedAck, i, now); h.covers(i.Severity) {
		notes = append(notes, checks.Text{En: name(h.By) + " is on it", Ja: name(h.By) + "さんが対応中"})
	}
	if h := all.hold(deedSnooze, i, now); h.covers(i.Severity) {
		until := checks.At(h.Until)
		notes = append(notes, checks.Text{En: "snoozed until " + until, Ja: until + "まで保留"})
	}
	if h := all.hold(deedKnown, i, now); h.covers(i.Severity) {
		notes = append(notes, checks.Text{En: "known", Ja: "既知"})
	}
	if !i.Unsteady.IsZero() {
		notes = append(notes, checks.Text{En: "comes and goes", Ja: "出たり消えたり"})
	}
	if len(notes) == 0 {
		return checks.Text{}
	}
	t := checks.Join(checks.Text{En: ", ", Ja: "、"}, notes...)
	return checks.Text{En: " (" + t.En + ")", Ja: "（" + t.Ja + "）"}
}

// name is how an admin is called in a message to another.
func name(account string) string { return checks.QuoteName(account) }
