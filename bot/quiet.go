package bot

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// quiet says for each check why nothing is heard of it, and who would hear.
func (b *Bot) quiet(ctx context.Context, q question) checks.Text {
	if !q.why {
		return checks.Text{
			En: "Quiet in which way? \"why quiet\" says why I say nothing; \"snooze NAME 1d\" silences one thing; \"maintenance 2h\" all of it for a while.",
			Ja: "どうしましょうか？ 静かな理由は「なぜ静か」、一つを保留するなら「あとで ○○ 1日」、しばらく全体を止めるなら「メンテ 2時間」と返信してください。",
		}
	}
	s, err := b.standing(ctx, q.now)
	if err != nil {
		return b.unreadable("quiet", err)
	}
	return quietText(s, b.o.Admins, b.o.Off)
}

func quietText(s standing, admins []Admin, off []checks.Kind) checks.Text {
	open := len(s.incidents)
	lines := []checks.Text{{
		En: fmt.Sprintf("%s %s; %s open.", counted(len(s.views), "check watches", "checks watch"), s.site, counted(open, "incident", "incidents")),
		Ja: fmt.Sprintf("%s を%d項目で見守っています。続いている異常は%d件です。", s.site, len(s.views), open),
	}}
	lines = append(lines, maintenanceText(s))
	for _, v := range s.views {
		lines = append(lines, quietLine(v, s))
	}
	for _, k := range off {
		lines = append(lines, checks.Text{En: k.Name + ": switched off", Ja: k.Name + ": 無効"})
	}
	if len(s.notSetUp) > 0 {
		var names []string
		for _, k := range s.notSetUp {
			names = append(names, k.Name)
		}
		lines = append(lines, checks.Text{En: "Not set up, so never heard of: " + strings.Join(names, ", "), Ja: "未設定で見ていないもの: " + strings.Join(names, "、")})
	}
	for _, a := range admins {
		lines = append(lines, hearsText(a))
	}
	if s.health.Delivered.IsZero() {
		lines = append(lines, checks.Text{En: "No message has got through since I was started.", Ja: "起動してからまだ一通も届けていません。"})
	} else {
		at := checks.At(s.health.Delivered)
		lines = append(lines, checks.Text{En: "My last message got through at " + at + ".", Ja: "最後に届いたのは" + at + "です。"})
	}
	return checks.Lines(append(lines, reachText(s)...)...)
}

// quietLine is one check: when it looked, what it saw, what makes it speak.
func quietLine(v schedule.View, s standing) checks.Text {
	if !v.Looked {
		return checks.Text{En: v.Kind.Name + ": not looked at yet", Ja: v.Kind.Name + ": まだ確認していません"}
	}
	at := checks.At(v.Started)
	var saw checks.Text
	switch {
	case v.Severity == checks.OK:
		saw = checks.Text{En: "fine", Ja: "正常"}
	case v.Severity == checks.Unknown:
		saw = checks.Text{En: "could not tell", Ja: "確認できず"}
	default:
		saw = checks.Text{En: "not well", Ja: "異常あり"}
	}
	for _, i := range s.incidents {
		if i.Key.Check == v.Kind.Name {
			num, aside := number(i.Number), asideText(s.deeds, i, s.now)
			saw = checks.Text{En: num.En + " is open" + aside.En, Ja: num.Ja + "が継続中" + aside.Ja}
			break
		}
	}
	for _, d := range s.deeds {
		if d.What == deedSnooze && d.Check == v.Kind.Name && d.holds(s.now) {
			until := checks.At(d.Until)
			saw = plus(saw, checks.Text{En: ", snoozed until " + until + " by " + name(d.Admin), Ja: "、" + name(d.Admin) + "さんが" + until + "まで保留"})
		}
	}
	needs := looksToSpeak(v.Kind)
	return checks.Text{
		En: fmt.Sprintf("%s, %s: %s; speaks after %s", v.Kind.Name, at, saw.En, needs.En),
		Ja: fmt.Sprintf("%s（%s）: %s。%sで通知", v.Kind.Name, at, saw.Ja, needs.Ja),
	}
}

// looksToSpeak is how many bad looks in a row make a check speak.
func looksToSpeak(k checks.Kind) checks.Text {
	least, most := 0, 0
	for code := range k.Rules {
		r := k.Rule(code)
		for _, n := range []int{r.Warning.Open, r.Critical.Open} {
			if least == 0 || n < least {
				least = n
			}
			most = max(most, n)
		}
	}
	least, most = max(least, 1), max(most, 1)
	if least == most {
		return checks.Text{En: counted(least, "bad look", "bad looks"), Ja: fmt.Sprintf("異常%d回", least)}
	}
	return checks.Text{En: fmt.Sprintf("%d to %d bad looks", least, most), Ja: fmt.Sprintf("異常%d〜%d回", least, most)}
}

// hearsText says what an admin hears, and when not.
func hearsText(a Admin) checks.Text {
	what := checks.Text{En: "hears everything", Ja: "すべて"}
	switch a.Hears {
	case HearsCritical:
		what = checks.Text{En: "hears only what needs action", Ja: "要対応のみ"}
	case HearsEscalation:
		what = checks.Text{En: "hears what nobody takes", Ja: "誰も対応しないものだけ"}
	}
	topics := ""
	if len(a.Topics) > 0 && a.Topics[0] != "all" {
		topics = " (" + strings.Join(a.Topics, ", ") + ")"
	}
	t := checks.Text{En: name(a.Account) + " " + what.En + topics, Ja: name(a.Account) + "さん: " + what.Ja + topics}
	if a.Quiet.From != a.Quiet.To {
		t.En += fmt.Sprintf(", quiet %s–%s", a.Quiet.From, a.Quiet.To)
		t.Ja += fmt.Sprintf("、%s〜%sは静かに", a.Quiet.From, a.Quiet.To)
	}
	return t
}

// maintenanceText says that a maintenance is under way.
func maintenanceText(s standing) checks.Text {
	m, under := s.deeds.maintenance()
	if !under {
		return checks.Text{}
	}
	at := checks.At(m.Until)
	return checks.Text{
		En: fmt.Sprintf("Maintenance until %s (%s): only what needs action and was not to be expected is told.", at, name(m.Admin)),
		Ja: fmt.Sprintf("%sまでメンテナンス中（%sさん）: 想定外の重大な異常だけを知らせます。", at, name(m.Admin)),
	}
}

// standingDeeds reads what admins have changed and still holds, how other ways
// stand, and what they have taken.
func (b *Bot) standingDeeds(ctx context.Context, s *standing) error {
	return b.o.DB.Read(ctx, func(tx *sql.Tx) (err error) {
		if s.deeds, err = standingDeeds(ctx, tx, s.now); err != nil {
			return err
		}
		s.went = nil
		for _, i := range s.incidents {
			some, err := b.relay.wentOf(ctx, tx, i.ID, i.Number)
			if err != nil {
				return err
			}
			s.went = append(s.went, some...)
		}
		s.ways, err = wayStates(ctx, tx, b.o.Ways)
		return err
	})
}

// openOf are the open incidents that an admin cares for.
func openOf(all []incident.Incident, who Admin) (open []incident.Incident) {
	for _, i := range all {
		if who.Cares(i.Key.Check) {
			open = append(open, i)
		}
	}
	return open
}
