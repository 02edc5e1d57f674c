package bot

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

// A went is one piece of news that another way has taken.
type went struct {
	number int64 // of the incident
	way    checks.Text
	at     time.Time
	why    Reason
}

// wentOf reads what of an incident another way has taken, the oldest first. What
// followed because its opening had gone there is left out.
func (r *relayer) wentOf(ctx context.Context, tx *sql.Tx, incidentID, number int64) ([]went, error) {
	rows, err := tx.QueryContext(ctx, `SELECT p.went, p.delivered, r.reason FROM relayed r JOIN relay p ON p.key = r.relay JOIN alert a ON a.id = r.alert
		WHERE a.incident = ? AND p.state = ? AND r.reason <> ? ORDER BY p.delivered, r.alert, r.nth`, incidentID, relayDelivered, string(RelayFollows))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []went
	for rows.Next() {
		w := went{number: number}
		var way, why string
		var at int64
		if err := rows.Scan(&way, &at, &why); err != nil {
			return nil, err
		}
		w.way, w.at, w.why = r.title(way), time.UnixMilli(at), Reason(why)
		all = append(all, w)
	}
	return all, rows.Err()
}

// wentWhy is why it went that way, as half a sentence.
func wentWhy(why Reason) checks.Text {
	switch why {
	case RelayAtOnce:
		return checks.Text{En: "because what is ill may hold up my direct messages", Ja: "DMの配送にも影響するおそれがあったため"}
	case RelayMuffled:
		return checks.Text{En: "because my own server was ill", Ja: "自分のサーバーに異常があったため"}
	case RelayRefused:
		return checks.Text{En: "because my own server refused it", Ja: "自分のサーバーが受け付けなかったため"}
	case ToldFallback:
		return checks.Text{En: "because nobody had taken it", Ja: "誰も対応に入っていなかったため"}
	}
	return checks.Text{En: "because my own server took no messages", Ja: "自分のサーバーに送信できなかったため"}
}

// wentTexts say it of one incident: "Told by mail at 03:12, because …".
func wentTexts(all []went) []checks.Text {
	var lines []checks.Text
	for _, w := range all {
		at, why := checks.At(w.at), wentWhy(w.why)
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("Told by %s at %s, %s.", w.way.En, at, why.En),
			Ja: fmt.Sprintf("%sに%sで通知（%s）", at, w.way.Ja, why.Ja),
		})
	}
	return lines
}

// wentAll say it of several incidents, in one line for each way and reason.
func wentAll(all []went) []checks.Text {
	type group struct {
		way checks.Text
		why Reason
	}
	var order []group
	told := map[group][]checks.Text{}
	for _, w := range all {
		g := group{w.way, w.why}
		if len(told[g]) == 0 {
			order = append(order, g)
		}
		num, at := number(w.number), checks.At(w.at)
		told[g] = append(told[g], checks.Text{En: num.En + " (" + at + ")", Ja: num.Ja + "（" + at + "）"})
	}
	var lines []checks.Text
	for _, g := range order {
		which, why := checks.Join(checks.Text{En: ", ", Ja: "、"}, told[g]...), wentWhy(g.why)
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("Told by %s, %s: %s", g.way.En, why.En, which.En),
			Ja: fmt.Sprintf("%sで通知済み（%s）: %s", g.way.Ja, why.Ja, which.Ja),
		})
	}
	return lines
}
