package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
)

// standing is everything that status speaks of: a value, so that what is said
// is a pure function of it.
type standing struct {
	site      string
	now       time.Time
	views     []schedule.View
	incidents []incident.Incident
	notSetUp  []checks.Kind
	health    Health
	degraded  string // why the state is kept in memory; "" when it is not
	// unreached are admins whom messages do not reach as they should, and why.
	unreached []checks.Text
	// ways are the other ways out.
	ways []wayState
	// deeds are what admins have changed and still holds.
	deeds deeds
}

// status is worst first, one line each.
func (b *Bot) status(ctx context.Context, q question) checks.Text {
	s, err := b.standing(ctx, q.now)
	if err != nil {
		b.log.Error("status could not be read", "err", err)
		return checks.Text{En: "I could not read my own state; the log says why.", Ja: "自分の記録を読めませんでした（詳細はログ）。"}
	}
	return statusText(s)
}

func (b *Bot) standing(ctx context.Context, now time.Time) (standing, error) {
	views, err := b.o.Schedule.Views(ctx)
	if err != nil {
		return standing{}, err
	}
	open, err := b.o.Schedule.Incidents().Open(ctx)
	if err != nil {
		return standing{}, err
	}
	s := standing{
		site: b.o.Site, now: now, views: views, incidents: open, notSetUp: b.o.NotSetUp,
		health: b.out.Health(), unreached: b.people.troubles(),
	}
	if why, _, yes := b.o.DB.Degraded(); yes {
		s.degraded = why
	}
	return s, b.standingDeeds(ctx, &s)
}

// tally counts the checks by how they stand.
type tally struct{ critical, warning, fine, unknown, waiting int }

func (s standing) tally() tally {
	var t tally
	for _, v := range s.views {
		switch {
		case !v.Looked:
			t.waiting++
		case v.Severity == checks.Critical:
			t.critical++
		case v.Severity == checks.Warning:
			t.warning++
		case v.Severity == checks.Unknown:
			t.unknown++
		default:
			t.fine++
		}
	}
	return t
}

// countText is "1 action needed, 1 warning, 19 fine, 1 unknown".
func (t tally) countText() checks.Text {
	var parts []checks.Text
	add := func(n int, en, ja string) {
		if n > 0 {
			parts = append(parts, checks.Text{En: fmt.Sprintf("%d %s", n, en), Ja: fmt.Sprintf("%s%d", ja, n)})
		}
	}
	add(t.critical, "action needed", "要対応")
	if t.warning > 0 {
		parts = append(parts, checks.Text{En: counted(t.warning, "warning", "warnings"), Ja: fmt.Sprintf("注意%d", t.warning)})
	}
	add(t.fine, "fine", "正常")
	add(t.unknown, "unknown", "確認できず")
	add(t.waiting, "not looked at yet", "未確認")
	if len(parts) == 0 {
		return checks.Text{En: "nothing to look at is set up", Ja: "確認する項目が設定されていません"}
	}
	return checks.Join(checks.Text{En: ", ", Ja: "／"}, parts...)
}

func statusText(s standing) checks.Text {
	count := s.tally().countText()
	lines := []checks.Text{{
		En: fmt.Sprintf("%s %s. %s", s.site, checks.At(s.now), count.En),
		Ja: fmt.Sprintf("%s %s %s", s.site, checks.At(s.now), count.Ja),
	}}
	lines = append(lines, maintenanceText(s))
	for _, i := range s.incidents {
		lines = append(lines, plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline(), asideText(s.deeds, i, s.now)))
	}
	lines = append(lines, unnumbered(s)...)
	var fine []checks.Text
	for _, v := range s.views {
		if v.Looked && v.Severity == checks.OK {
			fine = append(fine, plus(v.Summary.Headline(), lookedAgo(v.Started, s.now)))
		}
	}
	if len(fine) > 0 {
		all := checks.Join(checks.Same(" · "), fine...)
		lines = append(lines, checks.Text{En: "Fine: " + all.En, Ja: "正常: " + all.Ja})
	}
	if len(s.notSetUp) > 0 {
		var names []checks.Text
		for _, k := range s.notSetUp {
			names = append(names, checks.Same(k.Name))
		}
		all := checks.Join(checks.Text{En: ", ", Ja: "、"}, names...)
		lines = append(lines, checks.Text{En: "Not set up: " + all.En, Ja: "未設定: " + all.Ja})
	}
	return checks.Lines(append(lines, reachText(s)...)...)
}

// unnumbered are findings that have not been seen often enough to have a
// number, and what could not be seen.
func unnumbered(s standing) []checks.Text {
	open := map[incident.Key]bool{}
	for _, i := range s.incidents {
		open[incident.Key{Check: i.Key.Check, Code: i.Key.Code, Subject: i.Key.Subject}] = true
	}
	var lines []checks.Text
	for _, severity := range []checks.Severity{checks.Critical, checks.Warning} {
		for _, v := range s.views {
			for _, f := range v.Findings {
				if f.Severity == severity && !f.Holds && !open[incident.Key{Check: v.Kind.Name, Code: f.Code, Subject: f.Subject}] {
					l := label(f.Severity, f.Road)
					h := f.Text.Headline()
					lines = append(lines, checks.Text{En: l.En + " " + h.En + " (just noticed)", Ja: l.Ja + h.Ja + "（検知したばかり）"})
				}
			}
		}
	}
	l := label(checks.Unknown, checks.Morning)
	for _, v := range s.views {
		why := v.Why
		if why.Empty() && len(v.Blind) > 0 {
			why = v.Blind[0].Why
		}
		told := slices.ContainsFunc(s.incidents, func(i incident.Incident) bool {
			return i.Key.Check == v.Kind.Name && i.Key.Code == incident.UnseenCode
		})
		if v.Looked && !why.Empty() && !told {
			lines = append(lines, checks.Text{En: l.En + " " + v.Kind.Title.En + ": " + why.En, Ja: l.Ja + v.Kind.Title.Ja + " " + why.Ja})
		}
	}
	return lines
}

// reachText says whether alarms reach people.
func reachText(s standing) []checks.Text {
	var lines []checks.Text
	if s.degraded != "" {
		why := checks.Quote(s.degraded)
		lines = append(lines, checks.Text{
			En: "My own state cannot be written (" + why + "); I go on in memory.",
			Ja: "自分の記録を書き込めないため（" + why + "）、メモリ上で続けています。",
		})
	}
	if s.health.Problem != "" {
		why := checks.Quote(s.health.Problem)
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("Since %s messages do not get through (%s); %d wait.", checks.At(s.health.Since), why, s.health.Waiting),
			Ja: fmt.Sprintf("%sから送信できていません（%s）。%d件が待っています。", checks.At(s.health.Since), why, s.health.Waiting),
		})
	}
	lines = append(lines, s.unreached...)
	return append(lines, waysText(s.ways, len(lines) == 0)...)
}
