package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	// went is what of the open incidents was told by these.
	went []went
	// deeds are what admins have changed and still holds.
	deeds deeds
	// room is how many characters one post has; 0 for any number.
	room int
}

// status is worst first, one line each, and within one post where it can be.
func (b *Bot) status(ctx context.Context, q question) checks.Text {
	if len(q.kinds) > 0 && !q.all {
		return b.check(ctx, q) // "is the disk ok?"
	}
	s, err := b.standing(ctx, q.now)
	if err != nil {
		return b.unreadable("status", err)
	}
	s.room = int(b.limit.Load()) - handleRoom
	return statusText(s)
}

// handleRoom is kept free for the mention at the end of a post (own: the longest
// handles that are seen).
const handleRoom = 40

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
type tally struct{ critical, warning, note, fine, unknown, waiting int }

func (s standing) tally() tally {
	var t tally
	for _, v := range s.views {
		switch {
		case !v.Looked:
			t.waiting++
		case v.Severity == checks.Critical:
			t.critical++
		case v.Severity == checks.Warning && onlyNotes(v.Findings):
			t.note++
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

// onlyNotes tells whether all that was found is for the weekly digest.
func onlyNotes(all []checks.Finding) bool {
	found := slices.DeleteFunc(slices.Clone(all), func(f checks.Finding) bool { return f.Severity <= checks.Unknown || f.Holds })
	return len(found) > 0 && !slices.ContainsFunc(found, func(f checks.Finding) bool { return f.Road != checks.Week })
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
	if t.note > 0 {
		parts = append(parts, checks.Text{En: counted(t.note, "note", "notes"), Ja: fmt.Sprintf("参考%d", t.note)})
	}
	add(t.fine, "fine", "正常")
	add(t.unknown, "unknown", "確認できず")
	add(t.waiting, "not looked at yet", "未確認")
	if len(parts) == 0 {
		return checks.Text{En: "nothing to look at is set up", Ja: "確認する項目が設定されていません"}
	}
	return checks.Join(checks.Text{En: ", ", Ja: "／"}, parts...)
}

// mostIll of what is not well are shown one by one: nobody reads more (own).
const mostIll = 30

// statusText says how everything stands. What is fine is said with its numbers
// where there is room, else by name.
func statusText(s standing) checks.Text {
	long := statusLines(s, true)
	if s.room == 0 || s.fits(long) {
		return long
	}
	return statusLines(s, false)
}

func (s standing) fits(t checks.Text) bool {
	for _, lang := range []checks.Lang{checks.English, checks.Japanese} {
		if utf8.RuneCountInString(t.Read(checks.Reader{Lang: lang, Now: s.now})) > s.room {
			return false
		}
	}
	return true
}

func statusLines(s standing, numbers bool) checks.Text {
	count := s.tally().countText()
	lines := []checks.Text{{
		En: fmt.Sprintf("%s %s. %s", s.site, checks.At(s.now), count.En),
		Ja: fmt.Sprintf("%s %s %s", s.site, checks.At(s.now), count.Ja),
	}}
	lines = append(lines, maintenanceText(s))
	ill := unnumbered(s)
	for _, i := range s.incidents {
		ill = append(ill, line{
			check: i.Key.Check, severity: i.Severity, road: i.Finding.Road,
			text: plus(head(i.Severity, i.Finding.Road, i.Number), i.Finding.Text.Headline(), asideText(s.deeds, i, s.now)),
		})
	}
	slices.SortStableFunc(ill, worstFirst)
	for _, one := range ill[:min(len(ill), mostIll)] {
		lines = append(lines, one.text)
	}
	if more := len(ill) - mostIll; more > 0 {
		lines = append(lines, checks.Text{En: fmt.Sprintf("and %d more; \"check NAME\" shows them", more), Ja: fmt.Sprintf("ほか%d件（「確認 ○○」で表示します）", more)})
	}
	lines = append(lines, wentAll(s.went)...)
	var fine []checks.Text
	for _, v := range s.views {
		switch {
		case !v.Looked || v.Severity != checks.OK:
		case numbers:
			fine = append(fine, plus(titled(v.Kind.Title, " ", " ", v.Summary.Headline()), lookedAgo(v.Started, s.now)))
		default:
			fine = append(fine, v.Kind.Title)
		}
	}
	sep := checks.Same(" · ")
	if !numbers {
		sep = checks.Text{En: ", ", Ja: "、"}
	}
	if len(fine) > 0 {
		all := checks.Join(sep, fine...)
		lines = append(lines, checks.Text{En: "Fine: " + all.En, Ja: "正常: " + all.Ja})
	}
	lines = append(lines, checkSnoozes(s))
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

// titled is a text after what it is of, unless it says that itself.
func titled(title checks.Text, en, ja string, text checks.Text) checks.Text {
	t := text
	if !strings.HasPrefix(lowered(t.En), lowered(title.En)) {
		t.En = title.En + en + t.En
	}
	if !strings.HasPrefix(lowered(t.Ja), lowered(title.Ja)) {
		t.Ja = title.Ja + ja + t.Ja
	}
	return t
}

// checkSnoozes says which checks are snoozed as a whole.
func checkSnoozes(s standing) checks.Text {
	var all []checks.Text
	for _, d := range s.deeds {
		if d.What != deedSnooze || d.Check == "" || !d.holds(s.now) {
			continue
		}
		title, until, by := checks.Same(d.Check), checks.At(d.Until), name(d.Admin)
		for _, v := range s.views {
			if v.Kind.Name == d.Check {
				title = v.Kind.Title
			}
		}
		all = append(all, checks.Text{En: title.En + " until " + until + " (" + by + ")", Ja: title.Ja + " " + until + "まで（" + by + "さん）"})
	}
	if len(all) == 0 {
		return checks.Text{}
	}
	t := checks.Join(checks.Text{En: ", ", Ja: "、"}, all...)
	return checks.Text{En: "Snoozed: " + t.En, Ja: "保留中: " + t.Ja}
}

// line is one line about something that is not well.
type line struct {
	check    string
	severity checks.Severity
	road     checks.Road
	text     checks.Text
}

// worstFirst orders lines as severities are: what needs action, warnings, notes,
// what could not be told.
func worstFirst(a, b line) int {
	rank := func(l line) int {
		switch {
		case l.severity == checks.Critical:
			return 0
		case l.severity == checks.Warning && l.road != checks.Week:
			return 1
		case l.severity == checks.Warning:
			return 2
		case l.severity == checks.Unknown:
			return 3
		}
		return 4
	}
	return rank(a) - rank(b)
}

// unnumbered are findings that have not been seen often enough to have a
// number, and what could not be seen.
func unnumbered(s standing) []line {
	open := map[incident.Key]bool{}
	for _, i := range s.incidents {
		open[incident.Key{Check: i.Key.Check, Code: i.Key.Code, Subject: i.Key.Subject}] = true
	}
	var lines []line
	for _, v := range s.views {
		for _, f := range v.Findings {
			if f.Severity > checks.Unknown && !f.Holds && !open[incident.Key{Check: v.Kind.Name, Code: f.Code, Subject: f.Subject}] {
				l, h := label(f.Severity, f.Road), f.Text.Headline()
				lines = append(lines, line{v.Kind.Name, f.Severity, f.Road, checks.Text{En: l.En + " " + h.En + " (just noticed)", Ja: l.Ja + h.Ja + "（検知したばかり）"}})
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
			t := titled(v.Kind.Title, ": ", " ", why)
			lines = append(lines, line{v.Kind.Name, checks.Unknown, checks.Morning, checks.Text{En: l.En + " " + t.En, Ja: l.Ja + t.Ja}})
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
			En: fmt.Sprintf("Since %s messages have not got through (%s); %d wait.", checks.At(s.health.Since), why, s.health.Waiting),
			Ja: fmt.Sprintf("%sから送信できていません（%s）。%d件が待っています。", checks.At(s.health.Since), why, s.health.Waiting),
		})
	}
	lines = append(lines, s.unreached...)
	return append(lines, waysText(s.ways, len(lines) == 0)...)
}
