package bot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

const (
	// justBefore is how long before an incident was noticed something may have
	// happened that explains it (own: the slower checks look once an hour).
	justBefore = 90 * time.Minute
	// How much of each is shown (own: a post or two).
	mostEvents, mostFigures, mostDeeds, mostPast = 4, 5, 6, 8
)

// detail is everything that is known of an incident.
type detail struct {
	incident incident.Incident
	events   []checks.Event
	figures  []schedule.Number
	// cause and effects are numbers; 0 and none where there are none.
	cause   int64
	effects []int64
	deeds   deeds
	told    []toldWhen
	went    []went
}

// toldWhen is when an admin first heard of an incident.
type toldWhen struct {
	admin string
	at    time.Time
}

// why tells everything that is known of one incident, or of a check.
func (b *Bot) why(ctx context.Context, q question) checks.Text {
	switch {
	case q.number != 0:
		return b.whyNumber(ctx, q, q.number)
	case len(q.kinds) > 0 || q.all:
		var answers []checks.Text
		for _, name := range q.kinds {
			answers = append(answers, b.detailOf(ctx, q, name))
		}
		if len(answers) > 0 {
			return checks.Lines(answers...)
		}
	}
	open, err := b.o.Schedule.Incidents().Open(ctx)
	switch {
	case err != nil:
		return b.unreadable("why", err)
	case len(open) == 1:
		return b.whyNumber(ctx, q, open[0].Number)
	case len(open) == 0:
		return checks.Text{
			En: "Nothing is open. \"detail NAME\" tells of a check, \"why quiet\" why I say nothing.",
			Ja: "いま起きている異常はありません。項目のことは「詳しく ○○」、静かな理由は「なぜ静か」と聞いてください。",
		}
	}
	lines := []checks.Text{{En: "Which one? Open are:", Ja: "どれでしょうか？ 番号を付けて返信してください。"}}
	for _, i := range open {
		lines = append(lines, plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline()))
	}
	return checks.Lines(lines...)
}

func (b *Bot) whyNumber(ctx context.Context, q question, n int64) checks.Text {
	i, err := b.o.Schedule.Incidents().Get(ctx, n)
	if errors.Is(err, incident.ErrNoIncident) {
		num := number(n)
		return checks.Text{En: "There is no " + num.En + ".", Ja: num.Ja + "はありません。"}
	}
	if err != nil {
		return b.unreadable("why", err)
	}
	d := detail{incident: i}
	if d.events, err = b.o.Schedule.Happened(ctx, i.Noticed.Add(-justBefore), i.Noticed.Add(time.Minute), 50); err != nil {
		return b.unreadable("why", err)
	}
	if all, err := b.o.Schedule.Numbers(ctx, i.Key.Check, 100, q.now.In(q.who.zone())); err == nil {
		for _, f := range all {
			if (f.Subject == i.Key.Subject || f.Subject == "") && len(d.figures) < mostFigures {
				d.figures = append(d.figures, f)
			}
		}
	}
	err = b.o.DB.Read(ctx, func(tx *sql.Tx) error {
		if d.deeds, err = deedsOn(ctx, tx, i); err != nil {
			return err
		}
		if d.told, err = whoWasTold(ctx, tx, i.ID); err != nil {
			return err
		}
		if d.went, err = b.relay.wentOf(ctx, tx, i.ID, i.Number); err != nil {
			return err
		}
		live, err := incident.Live(ctx, tx)
		if cause, found := b.desk.after.because(i, live); found && i.Phase == incident.Open {
			d.cause = cause.Number
		}
		d.effects = nil
		for _, other := range live {
			if cause, found := b.desk.after.because(other, live); found && cause.ID == i.ID && other.Phase == incident.Open {
				d.effects = append(d.effects, other.Number)
			}
		}
		return err
	})
	if err != nil {
		return b.unreadable("why", err)
	}
	return b.detailText(d)
}

func whoWasTold(ctx context.Context, tx *sql.Tx, id int64) ([]toldWhen, error) {
	rows, err := tx.QueryContext(ctx, `SELECT t.admin, MIN(COALESCE(p.delivered, p.created)) FROM telling t JOIN alert a ON a.id = t.alert JOIN post p ON p.key = t.post
		WHERE a.incident = ? AND t.state = ? GROUP BY t.admin ORDER BY 2`, id, tellingDelivered)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var told []toldWhen
	for rows.Next() {
		var t toldWhen
		var at int64
		if err := rows.Scan(&t.admin, &at); err != nil {
			return nil, err
		}
		t.at = time.UnixMilli(at)
		told = append(told, t)
	}
	return told, rows.Err()
}

func (b *Bot) detailText(d detail) checks.Text {
	i := d.incident
	at, num := checks.At(i.Noticed), number(i.Number)
	lines := []checks.Text{plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline())}
	if i.Phase == incident.Resolved {
		l, lasted, over := label(checks.OK, checks.Now), checks.Span(i.Resolved.Sub(i.Noticed)), checks.At(i.Resolved)
		h := i.Finding.Text.Headline()
		lines = []checks.Text{
			{En: l.En + " " + num.En + " was: " + h.En, Ja: l.Ja + num.Ja + " 内容: " + h.Ja},
			{En: fmt.Sprintf("Noticed %s, over %s, after %s.", at, over, lasted.En), Ja: fmt.Sprintf("検知 %s、解消 %s（%s）", at, over, lasted.Ja)},
		}
	} else {
		seen := checks.At(i.LastSeen)
		lines = append(lines, i.Finding.Text.Body(), checks.Text{
			En: fmt.Sprintf("Noticed %s (%s ago), last seen %s.", at, checks.Ago(i.Noticed), seen),
			Ja: fmt.Sprintf("検知 %s（%s前）、最後に見えたのは %s", at, checks.Ago(i.Noticed), seen),
		})
	}
	if !i.Unsteady.IsZero() && i.Phase == incident.Open {
		since := checks.At(i.Unsteady)
		lines = append(lines, checks.Text{En: "It has come and gone since " + since + ".", Ja: since + "から出たり消えたりしています。"})
	}
	if len(d.figures) > 0 && i.Phase == incident.Open {
		all := figuresText(d.figures, checks.Text{En: "; ", Ja: "、"}, false)
		lines = append(lines, checks.Text{En: "Now: " + all.En, Ja: "現在: " + all.Ja})
	}
	lines = append(lines, eventsText(d.events), d.relations())
	for _, one := range d.deeds[max(0, len(d.deeds)-mostDeeds):] {
		lines = append(lines, b.deedText(one, nil))
	}
	if len(d.told) > 0 || len(d.went) == 0 {
		lines = append(lines, toldText(d.told))
	}
	lines = append(lines, wentTexts(d.went)...)
	if i.Phase == incident.Open {
		n := i.Number
		lines = append(lines, adviceText(i.Finding.Advice), checks.Text{
			En: fmt.Sprintf("Reply: check %s / ack %d / snooze %d 1d / history %s", i.Key.Check, n, n, i.Key.Check),
			Ja: fmt.Sprintf("返信: 確認 %s／対応します%d／あとで%d 1日／履歴 %s", i.Key.Check, n, n, i.Key.Check),
		})
	}
	return checks.Lines(lines...)
}

// relations says what explains it, and what it explains.
func (d detail) relations() checks.Text {
	if d.cause != 0 {
		num := number(d.cause)
		return checks.Text{En: "Probably because of " + num.En + ".", Ja: "おそらく" + num.Ja + "の影響です。"}
	}
	if len(d.effects) == 0 {
		return checks.Text{}
	}
	var en, ja []string
	for _, n := range d.effects {
		num := number(n)
		en, ja = append(en, num.En), append(ja, num.Ja)
	}
	return checks.Text{En: "Probably the cause of " + strings.Join(en, ", ") + " too.", Ja: strings.Join(ja, "、") + "の原因もおそらくこれです。"}
}

// eventsText is what happened just before, the newest of it.
func eventsText(events []checks.Event) checks.Text {
	var all []checks.Text
	for _, e := range events[max(0, len(events)-mostEvents):] {
		h := e.Text.Headline()
		if h.Empty() {
			h = checks.Same(checks.QuoteName(strings.TrimSpace(e.Code + " " + e.Subject)))
		}
		at := checks.At(e.At)
		all = append(all, checks.Text{En: at + " " + h.En, Ja: at + " " + h.Ja})
	}
	if len(all) == 0 {
		return checks.Text{}
	}
	t := checks.Join(checks.Text{En: "; ", Ja: "、"}, all...)
	return checks.Text{En: "Just before: " + t.En, Ja: "直前の変化: " + t.Ja}
}

func toldText(told []toldWhen) checks.Text {
	if len(told) == 0 {
		return checks.Text{En: "Nobody was told of it so far.", Ja: "まだ誰にも知らせていません。"}
	}
	var en, ja []string
	for _, t := range told {
		en = append(en, name(t.admin)+" "+checks.At(t.at))
		ja = append(ja, name(t.admin)+"さん "+checks.At(t.at))
	}
	return checks.Text{En: "Told: " + strings.Join(en, ", "), Ja: "通知: " + strings.Join(ja, "、")}
}

// deedText is one line about what an admin did.
func (b *Bot) deedText(d deed, live []incident.Incident) checks.Text {
	who, at, until, said := name(d.Admin), checks.At(d.At), checks.At(d.Until), quoted(d.Note)
	var about checks.Text
	if live != nil || d.Check != "" {
		what := b.aboutText(d, live)
		about = checks.Text{En: " " + what.En, Ja: what.Ja + "を"}
	}
	var t checks.Text
	switch d.What {
	case deedAck:
		t = checks.Text{En: "took it", Ja: "対応を開始"}
	case deedUnack:
		t = checks.Text{En: "gave it back", Ja: "対応を取り消し"}
	case deedSnooze:
		t = checks.Text{En: "snoozed" + about.En + " until " + until, Ja: about.Ja + until + "まで保留"}
	case deedUnsnooze:
		t = checks.Text{En: "ended the snooze of" + about.En, Ja: about.Ja + "保留解除"}
		if about.Empty() {
			t.En = "ended the snooze"
		}
	case deedKnown:
		t = checks.Text{En: "put it away as known", Ja: "既知に変更"}
	case deedMaintenance:
		t = checks.Text{En: "announced maintenance until " + until, Ja: until + "までメンテナンス"}
	case deedOver:
		t = checks.Text{En: "ended the maintenance", Ja: "メンテナンス終了"}
	case deedSaid:
		t = checks.Text{En: "said", Ja: "発言"}
	case deedSummaryOn:
		t = checks.Text{En: "switched the weekly summary on", Ja: "週のまとめをオン"}
	case deedSummaryOff:
		t = checks.Text{En: "switched the weekly summary off", Ja: "週のまとめをオフ"}
	}
	return checks.Text{En: at + " " + who + " " + t.En + said.En, Ja: at + " " + who + "さん: " + t.Ja + said.Ja}
}

// detailOf is everything that is known of one check.
func (b *Bot) detailOf(ctx context.Context, q question, check string) checks.Text {
	if t, not := b.notLooking(check); not {
		return t
	}
	s, err := b.standing(ctx, q.now)
	if err != nil {
		return b.unreadable("detail", err)
	}
	var lines []checks.Text
	for _, v := range s.views {
		if v.Kind.Name != check {
			continue
		}
		if !v.Looked {
			lines = append(lines, checks.Text{En: v.Kind.Title.En + ": not looked at yet", Ja: v.Kind.Title.Ja + ": まだ確認していません"})
			continue
		}
		at := checks.At(v.Started)
		lines = append(lines, checks.Text{
			En: v.Kind.Title.En + ", looked at " + at + ": " + v.Summary.En + v.Why.En,
			Ja: v.Kind.Title.Ja + "（" + at + "に確認）: " + v.Summary.Ja + v.Why.Ja,
		})
		for _, blind := range v.Blind {
			l := label(checks.Unknown, checks.Now)
			lines = append(lines, checks.Text{En: l.En + " " + blind.Why.En, Ja: l.Ja + blind.Why.Ja})
		}
		lines = append(lines, adviceText(v.Advice))
	}
	for _, i := range s.incidents {
		if i.Key.Check == check {
			lines = append(lines, plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline(), asideText(s.deeds, i, q.now)), i.Finding.Text.Body())
			lines = append(lines, wentTexts(slices.DeleteFunc(slices.Clone(s.went), func(w went) bool { return w.number != i.Number }))...)
			lines = append(lines, adviceText(i.Finding.Advice))
		}
	}
	figures, err := b.o.Schedule.Numbers(ctx, check, 2*mostFigures, q.now.In(q.who.zone()))
	if err == nil && len(figures) > 0 {
		lines = append(lines, figuresText(figures, checks.Text{En: "; ", Ja: "、"}, true))
	}
	lines = append(lines, checks.Text{
		En: fmt.Sprintf("Reply: check %s / normal %s / history %s", check, check, check),
		Ja: fmt.Sprintf("返信: 確認 %s／普段 %s／履歴 %s", check, check, check),
	})
	return checks.Lines(lines...)
}

// notLooking says why a check does not look; false where it does.
func (b *Bot) notLooking(check string) (checks.Text, bool) {
	for _, k := range b.o.NotSetUp {
		if k.Name == check {
			return checks.Text{
				En: k.Title.En + ": not set up. It needs " + b.o.Needs[check] + " in the configuration.",
				Ja: k.Title.Ja + ": 未設定です。設定ファイルの " + b.o.Needs[check] + " が必要です。",
			}, true
		}
	}
	for _, k := range b.o.Off {
		if k.Name == check {
			return switchedOff(k.Title), true
		}
	}
	return checks.Text{}, false
}
