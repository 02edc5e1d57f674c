package bot

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// switching is what a summary is asked for besides being shown.
type switching int

const (
	showOnly switching = iota
	switchOn
	switchOff
)

// Words that switch the summary, alone behind the command: a post for everybody
// is never made of a sentence that was understood half.
var (
	onWords  = []string{"on", "start", "enable", "オン", "開始", "有効"}
	offWords = []string{"off", "stop", "disable", "オフ", "停止", "無効", "やめる", "やめて", "中止"}
	// aroundOn is what may stand around them.
	aroundOn = []string{"にする", "にして", "に", "を", "は", "する", "して", "ください", "下さい", "お願いします", "ます", "please", "turn", "switch", "it"}
)

// switchingOf reads what stands behind the command.
func switchingOf(args string) switching {
	rest := strings.TrimFunc(lowered(fold(args)), notLetter)
	for _, a := range aroundOn {
		if ideographic(a) {
			rest = strings.ReplaceAll(rest, a, "")
			continue
		}
		rest = strings.Join(slices.DeleteFunc(strings.Fields(rest), func(w string) bool { return w == a }), " ")
	}
	rest = strings.TrimFunc(rest, notLetter)
	switch {
	case slices.Contains(offWords, rest):
		return switchOff
	case slices.Contains(onWords, rest):
		return switchOn
	}
	return showOnly
}

func notLetter(r rune) bool {
	return strings.ContainsRune(" \t　、。,.:;!！?？-ー・「」\"'", r)
}

// summaryState is how the weekly summary stands, for an answer.
type summaryState struct {
	on      deed
	isOn    bool
	allowed bool
	named   bool
	next    time.Time
	visible string
	// enough is whether so much was watched that it would be posted.
	enough bool
	// trouble is why the newest one did not get through; "" where it did.
	trouble string
}

// summary shows the weekly post as it would be now, and switches it on or off.
func (b *Bot) summary(ctx context.Context, q question) checks.Text {
	wish := switchingOf(q.args)
	if wish == switchOff {
		return b.summaryOff(ctx, q)
	}
	week, err := b.lastWeek(ctx, q.now.In(lastZone(b.o.Summary.Times.Next(q.now))))
	if err != nil {
		return b.unreadable("summary", err)
	}
	s := summaryState{
		allowed: b.o.Summary.Allowed, named: b.o.Summary.Site != "", next: b.o.Summary.Times.Next(q.now),
		visible: b.o.Summary.Visibility, enough: week.Watched >= leastWatched,
	}
	if !s.allowed || !s.named {
		return forbiddenText(s)
	}
	text, pictures, err := b.publicPost(ctx, week)
	if err != nil {
		return b.unreadable("summary", err)
	}
	shown := false
	answer := b.keep(ctx, q, func(tx *sql.Tx, _ situation) (checks.Text, []note, error) {
		if s.on, s.isOn, err = summaryOn(ctx, tx); err != nil {
			return checks.Text{}, nil, err
		}
		if s.trouble, err = lastTrouble(ctx, tx); err != nil {
			return checks.Text{}, nil, err
		}
		seen, err := b.previewSeen(ctx, tx, q)
		if err != nil {
			return checks.Text{}, nil, err
		}
		if wish == switchOn && seen && !s.isOn {
			return b.switchedOn(ctx, tx, q, s)
		}
		if err := setMeta(ctx, tx, seenKey, b.previewOf()+" "+q.mention); err != nil {
			return checks.Text{}, nil, err
		}
		shown = true
		return checks.Lines(stateText(s, wish == switchOn), previewText(s), checks.Same(text)), nil, nil
	})
	if shown && q.attach != nil {
		for _, p := range pictures {
			q.attach(p)
		}
	}
	return answer
}

// lastZone is the zone of the timetable's next run; UTC where nothing runs.
func lastZone(next time.Time) *time.Location {
	if next.IsZero() {
		return time.UTC
	}
	return next.Location()
}

// previewOf names what a preview is of: another kind of post is to be seen anew.
func (b *Bot) previewOf() string {
	langs := ""
	for _, l := range b.o.Summary.Langs {
		langs += string(l)
	}
	return b.o.Summary.Site + "/" + b.o.Summary.Visibility + "/" + langs
}

// previewSeen tells whether an admin has been shown what would be posted, by an
// answer to another question than this.
func (b *Bot) previewSeen(ctx context.Context, tx *sql.Tx, q question) (bool, error) {
	value, err := metaValue(ctx, tx, seenKey)
	what, by, _ := strings.Cut(value, " ")
	return what == b.previewOf() && by != q.mention, err
}

// switchedOn writes the word of an admin down.
func (b *Bot) switchedOn(ctx context.Context, tx *sql.Tx, q question, s summaryState) (checks.Text, []note, error) {
	d := deed{At: q.now, Admin: q.who.Account, What: deedSummaryOn, Mention: q.mention, Line: q.line}
	if _, err := insertDeed(ctx, tx, d); err != nil {
		return checks.Text{}, nil, err
	}
	poke(b.weekly)
	who, at, seen := name(q.who.Account), checks.At(s.next), visibleText(s.visible)
	answer := checks.Text{
		En: "On: the summary is posted every week from now on, first at " + at + ", " + seen.En + ". \"summary off\" ends it.",
		Ja: "オンにしました。毎週まとめを" + seen.Ja + "で投稿します（初回は" + at + "）。やめるときは「まとめ オフ」と返信してください。",
	}
	told := checks.Text{
		En: who + " switched the weekly public summary on: first at " + at + ", " + seen.En + ". \"summary\" shows it.",
		Ja: who + "さんが週1回の公開まとめをオンにしました（初回は" + at + "、" + seen.Ja + "）。内容は「まとめ」で見られます。",
	}
	return answer, []note{{text: told}}, nil
}

// summaryOff writes the word of an admin down, and takes back what waits.
func (b *Bot) summaryOff(ctx context.Context, q question) checks.Text {
	return b.keep(ctx, q, func(tx *sql.Tx, _ situation) (checks.Text, []note, error) {
		on, isOn, err := summaryOn(ctx, tx)
		if err != nil {
			return checks.Text{}, nil, err
		}
		if !isOn {
			return checks.Text{En: "The weekly summary is off; nothing is posted.", Ja: "週のまとめはオフです。何も投稿しません。"}, nil, nil
		}
		own := deed{At: q.now, Admin: q.who.Account, What: deedSummaryOff, Until: q.now, Ended: q.now, Mention: q.mention, Line: q.line}
		if _, err := insertDeed(ctx, tx, own); err != nil {
			return checks.Text{}, nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE deed SET ended = ? WHERE what = ? AND ended IS NULL`, q.now.UnixMilli(), deedSummaryOn); err != nil {
			return checks.Text{}, nil, err
		}
		waited, begun, err := withdrawSummary(ctx, tx)
		if err != nil {
			return checks.Text{}, nil, err
		}
		by := checks.Text{}
		if on.Admin != q.who.Account {
			by = checks.Text{En: " (" + name(on.Admin) + " had switched it on)", Ja: "（オンにしたのは" + name(on.Admin) + "さん）"}
		}
		answer := checks.Text{
			En: "Off" + by.En + ": no weekly summary is posted any more. \"summary on\" begins anew.",
			Ja: "オフにしました" + by.Ja + "。週のまとめは投稿しません。再開は「まとめ オン」です。",
		}
		switch {
		case begun:
			answer = checks.Lines(answer, checks.Text{En: "One was just being posted; it may be there already.", Ja: "ちょうど投稿中のものがありました。すでに公開されているかもしれません。"})
		case waited:
			answer = checks.Lines(answer, checks.Text{En: "The one that was waiting to be posted was taken back.", Ja: "投稿待ちだったものは取り下げました。"})
		}
		who := name(q.who.Account)
		return answer, []note{{text: checks.Text{
			En: who + " switched the weekly public summary off.",
			Ja: who + "さんが週1回の公開まとめをオフにしました。",
		}}}, nil
	})
}

// lastTrouble is why the newest summary is not posted; "" where it is.
func lastTrouble(ctx context.Context, tx *sql.Tx) (string, error) {
	var state, problem string
	err := tx.QueryRowContext(ctx, `SELECT state, COALESCE(problem, '') FROM post WHERE kind = ? ORDER BY created DESC LIMIT 1`, kindSummary).Scan(&state, &problem)
	if errors.Is(err, sql.ErrNoRows) || state == postDelivered || problem == withdrawn {
		return "", nil
	}
	return problem, err
}

func forbiddenText(s summaryState) checks.Text {
	if !s.named {
		return checks.Text{
			En: "There is no weekly summary: the public name of the server is not set ([server] domain).",
			Ja: "週のまとめは作れません。サーバーの公開名が未設定です（[server] domain）。",
		}
	}
	return checks.Text{
		En: "The weekly summary is off for good: the configuration says [summary] enabled = false.",
		Ja: "週のまとめは設定で無効になっています（[summary] enabled = false）。",
	}
}

// visibleText is who sees a post, in a word.
func visibleText(visibility string) checks.Text {
	if visibility == Public {
		return checks.Text{En: "public", Ja: "公開"}
	}
	return checks.Text{En: "unlisted", Ja: "ひかえめな公開"}
}

// stateText says whether the summary is on, and when the next is.
func stateText(s summaryState, wished bool) checks.Text {
	at, seen := checks.At(s.next), visibleText(s.visible)
	var t checks.Text
	switch {
	case s.isOn:
		who, since := name(s.on.Admin), checks.At(s.on.At)
		t = checks.Text{
			En: "The weekly summary is on (" + who + ", " + since + "): next at " + at + ", " + seen.En + ". \"summary off\" ends it.",
			Ja: "週のまとめはオンです（" + who + "さん、" + since + "から）。次回は" + at + "、" + seen.Ja + "で投稿します。やめるときは「まとめ オフ」。",
		}
	case wished:
		t = checks.Text{
			En: "Not on yet: look at it first. If it may be posted like this every week (" + seen.En + ", first at " + at + "), say \"summary on\" again.",
			Ja: "まだオンにしていません。内容を確かめて、毎週このように投稿してよければ（" + seen.Ja + "、初回は" + at + "）、もう一度「まとめ オン」と返信してください。",
		}
	default:
		t = checks.Text{
			En: "The weekly summary is off. With \"summary on\" it is posted every week, first at " + at + ", " + seen.En + ".",
			Ja: "週のまとめはオフです。「まとめ オン」で毎週投稿します（初回は" + at + "、" + seen.Ja + "）。",
		}
	}
	if s.trouble != "" {
		why := checks.Quote(s.trouble)
		t = checks.Lines(t, checks.Text{En: "The newest one is not posted: " + why, Ja: "前回分は投稿できていません: " + why})
	}
	return t
}

func previewText(s summaryState) checks.Text {
	if !s.enough {
		return checks.Text{
			En: "Less than a day of this week was watched, so it would be left out; as far as is known:",
			Ja: "この1週間で見守れたのが1日に満たないため、今なら投稿を見送ります。現時点の内容:",
		}
	}
	return checks.Text{En: "As of now it would read:", Ja: "現時点の内容:"}
}
