package bot

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// How long a maintenance may be, and is where nothing is said (defaults).
const (
	usualMaintenance   = time.Hour
	longestMaintenance = 12 * time.Hour
)

// Words that end a maintenance, and those that begin one and mean nothing more.
var (
	overWords  = []string{"off", "over", "end", "ended", "done", "stop", "finished", "終了", "終わり", "おわり", "終わった", "完了", "明け", "解除"}
	beginWords = []string{"on", "start", "begin", "開始", "入ります", "始めます", "はじめます"}
)

// maintenance begins an announced silence, or ends it.
func (b *Bot) maintenance(ctx context.Context, q question) checks.Text {
	t := takePeriod(q)
	ends := false
	if word := lowered(t.note); slices.Contains(overWords, word) || strings.Contains(lowered(fold(q.said)), "メンテ終了") || strings.Contains(q.said, "メンテ明け") {
		ends = true
	} else {
		for _, w := range beginWords {
			if rest, found := strings.CutPrefix(word, w); found && (rest == "" || rest[0] == ' ' || ideographic(w)) {
				t.note = strings.TrimSpace(t.note[len(t.note)-len(rest):])
				break
			}
		}
	}
	return b.keep(ctx, q, func(tx *sql.Tx, s situation) (checks.Text, []note, error) {
		standing, under := s.deeds.maintenance()
		under = under && standing.Until.After(q.now)
		switch {
		case ends && !under:
			return checks.Text{En: "No maintenance is under way.", Ja: "メンテナンス中ではありません。"}, nil, nil
		case ends:
			return b.endMaintenance(ctx, tx, q, standing)
		}
		length := usualMaintenance
		if t.period.given() {
			length = t.period.end(q.now).Sub(q.now)
		}
		cut := length > longestMaintenance
		length = min(length, longestMaintenance)
		if length <= 0 {
			return checks.Text{En: "That is past already.", Ja: "その時刻はもう過ぎています。"}, nil, nil
		}
		until := q.now.Add(length)
		d := deed{At: q.now, Admin: q.who.Account, What: deedMaintenance, Severity: checks.Critical, Until: until, Note: t.note, Mention: q.mention, Line: q.line}
		fresh, err := b.replaceDeed(ctx, tx, s, d, func(old deed) bool { return old.What == deedMaintenance })
		if err != nil {
			return checks.Text{}, nil, err
		}
		if fresh && b.relay != nil {
			if _, err := b.relay.insertRelay(ctx, tx, relayMaintenance, "", checks.OK, maintenanceRelay(d), q.now); err != nil {
				return checks.Text{}, nil, err
			}
		}
		at, said := checks.At(until), quoted(t.note)
		answer := checks.Text{
			En: fmt.Sprintf("Maintenance until %s: until then I tell only what needs action and was not to be expected, and at its end how everything stands. \"maintenance off\" ends it.", at),
			Ja: fmt.Sprintf("%sまでメンテナンス中とします。想定外の重大な異常だけを知らせ、終わりに全体の様子をお伝えします。早く終わったら「メンテ終了」と返信してください。", at),
		}
		if cut {
			span := checks.Span(longestMaintenance)
			answer = checks.Lines(answer, checks.Text{En: span.En + " is the longest.", Ja: "最長" + span.Ja + "です。"})
		}
		if !fresh {
			return answer, nil, nil
		}
		return answer, []note{{text: checks.Text{
			En: fmt.Sprintf("%s announced maintenance until %s%s", name(q.who.Account), at, said.En),
			Ja: fmt.Sprintf("%sさんが%sまでメンテナンスを行います%s", name(q.who.Account), at, said.Ja),
		}}}, nil
	})
}

// endMaintenance makes an announced silence end now; its round follows.
func (b *Bot) endMaintenance(ctx context.Context, tx *sql.Tx, q question, standing deed) (checks.Text, []note, error) {
	own := deed{At: q.now, Admin: q.who.Account, What: deedOver, Until: q.now, Ended: q.now, Mention: q.mention, Line: q.line}
	if _, err := insertDeed(ctx, tx, own); err != nil {
		return checks.Text{}, nil, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE deed SET until = ? WHERE id = ?`, q.now.UnixMilli(), standing.ID); err != nil {
		return checks.Text{}, nil, err
	}
	return checks.Text{
		En: "Maintenance is over. I look at everything now and tell you how it stands.",
		Ja: "メンテナンスを終了しました。全体を確認して結果をお知らせします。",
	}, nil, nil
}
