package bot

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

func TestWhatStandsIsToldAgain(t *testing.T) {
	zone := tokyo(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	who := Admin{Account: "alice", Hears: HearsAll, Topics: []string{"all"}, Zone: zone, Quiet: Quiet{23 * 60, 7 * 60}, Morning: 8 * 60}
	second := who
	second.Account, second.Hears = "bob", HearsEscalation
	critical := incident.Incident{
		ID: 1, Number: 1, Phase: incident.Open, Severity: checks.Critical, Key: incident.Key{Check: "disk"}, Noticed: at(24, 8, 59), Opened: at(24, 9, 0),
		Finding: checks.Finding{Severity: checks.Critical, Road: checks.Now},
	}
	warning := critical
	warning.Severity, warning.Finding = checks.Warning, checks.Finding{Severity: checks.Warning, Road: checks.Morning}
	burning := critical
	burning.Finding.Harm = at(24, 9, 0)
	// A bill that is recalled in steps: the step of the 26th holds, or on the 28th
	// it is overdue.
	step, overdue := warning, critical
	step.Finding.Again = at(26, 0, 0)
	overdue.Finding.Again = at(28, 0, 0)
	gone, flapping := critical, critical
	gone.Good = 1
	flapping.Unsteady, flapping.Changed = at(24, 14, 0), at(24, 15, 30)
	told := func(news, last time.Time) Told {
		return Told{Ever: true, Severity: checks.Critical, News: news, Last: last}
	}
	nine := told(at(24, 9, 0), at(24, 9, 0))
	hold := func(s checks.Severity) Hold { return Hold{By: "alice", Severity: s} }
	for _, c := range []struct {
		name string
		i    incident.Incident
		who  Admin
		told Told
		st   Standing
		now  time.Time
		want Telling
	}{
		{name: "something critical is told again after six hours", i: critical, who: who, told: nine, now: at(24, 9, 1), want: Telling{Tell: true, Due: at(24, 15, 0), Reason: Again}},
		{name: "then after twelve", i: critical, who: who, told: told(at(24, 9, 0), at(24, 15, 0)), now: at(24, 15, 1), want: Telling{Tell: true, Due: at(24, 21, 0), Reason: Again}},
		{name: "then every day", i: critical, who: who, told: told(at(24, 9, 0), at(24, 21, 0)), now: at(24, 21, 1), want: Telling{Tell: true, Due: at(25, 21, 0), Reason: Again}},
		{name: "and the day after", i: critical, who: who, told: told(at(24, 9, 0), at(25, 21, 0)), now: at(25, 21, 1), want: Telling{Tell: true, Due: at(26, 21, 0), Reason: Again}},
		{name: "reminders that were missed are one", i: critical, who: who, told: nine, now: at(28, 12, 0), want: Telling{Tell: true, Due: at(28, 12, 0), Reason: Again}},
		{name: "and the next comes at its own time", i: critical, who: who, told: told(at(24, 9, 0), at(28, 12, 0)), now: at(28, 12, 1), want: Telling{Tell: true, Due: at(28, 21, 0), Reason: Again}},
		{name: "no reminder in quiet hours", i: critical, who: who, told: told(at(24, 18, 0), at(24, 18, 0)), now: at(24, 18, 1), want: Telling{Tell: true, Due: at(25, 7, 0), Reason: Again}},
		{name: "not even of what does harm now", i: burning, who: who, told: told(at(24, 18, 0), at(24, 18, 0)), now: at(24, 18, 1), want: Telling{Tell: true, Due: at(25, 7, 0), Reason: Again}},
		{name: "a warning is not told again", i: warning, who: who, told: nine, now: at(25, 9, 0), want: Telling{Reason: NotCritical}},
		{name: "what somebody took is not told again", i: critical, who: who, told: nine, st: Standing{Ack: hold(checks.Critical)}, now: at(24, 16, 0), want: Telling{Reason: NotTaken}},
		{name: "but what got worse since is", i: critical, who: who, told: nine, st: Standing{Ack: hold(checks.Warning)}, now: at(24, 16, 0), want: Telling{Tell: true, Due: at(24, 16, 0), Reason: Again}},
		{name: "after a week it is told although it was taken", i: critical, who: who, told: nine, st: Standing{AckEnded: at(29, 10, 0)}, now: at(29, 10, 0), want: Telling{Tell: true, Due: at(29, 10, 0), Reason: Untaken}},
		{name: "what is snoozed is not told again", i: critical, who: who, told: nine, st: Standing{Snooze: hold(checks.Critical)}, now: at(24, 16, 0), want: Telling{Reason: NotSnoozed}},
		{name: "a snooze that is over brings it back at once", i: critical, who: who, told: nine, st: Standing{SnoozeEnded: at(25, 9, 0)}, now: at(25, 9, 0), want: Telling{Tell: true, Due: at(25, 9, 0), Reason: BackAgain}},
		{name: "in the night when the night is over", i: critical, who: who, told: nine, st: Standing{SnoozeEnded: at(25, 2, 0)}, now: at(25, 2, 0), want: Telling{Tell: true, Due: at(25, 7, 0), Reason: BackAgain}},
		{name: "a warning comes back in the morning", i: warning, who: who, told: nine, st: Standing{SnoozeEnded: at(25, 9, 0)}, now: at(25, 9, 0), want: Telling{Tell: true, Due: at(26, 8, 0), Reason: BackAgain}},
		{name: "and only once", i: warning, who: who, told: told(at(24, 9, 0), at(26, 8, 0)), st: Standing{SnoozeEnded: at(25, 9, 0)}, now: at(26, 8, 1), want: Telling{Reason: NotCritical}},
		{name: "what is recalled in steps is told again in the morning of the next one", i: step, who: who, told: told(at(24, 9, 0), at(24, 9, 0)), now: at(26, 6, 40), want: Telling{Tell: true, Due: at(26, 8, 0), Reason: NextStep}},
		{name: "and that stays so when the morning is there", i: step, who: who, told: told(at(24, 9, 0), at(24, 9, 0)), now: at(26, 8, 0), want: Telling{Tell: true, Due: at(26, 8, 0), Reason: NextStep}},
		{name: "and when it is over", i: step, who: who, told: told(at(24, 9, 0), at(24, 9, 0)), now: at(26, 17, 0), want: Telling{Tell: true, Due: at(26, 17, 0), Reason: NextStep}},
		{name: "not in the night", i: step, who: who, told: told(at(24, 9, 0), at(24, 9, 0)), now: at(27, 1, 0), want: Telling{Tell: true, Due: at(27, 7, 0), Reason: NextStep}},
		{name: "a step that was heard is not heard twice", i: step, who: who, told: told(at(24, 9, 0), at(26, 8, 0)), now: at(27, 9, 0), want: Telling{Reason: NotAgain}},
		{name: "nor is what turned up in the middle of a step", i: step, who: who, told: told(at(26, 12, 0), at(26, 12, 0)), now: at(26, 12, 1), want: Telling{Reason: NotAgain}},
		{name: "what is overdue is told once a day", i: overdue, who: who, told: told(at(27, 7, 0), at(27, 7, 0)), now: at(28, 6, 40), want: Telling{Tell: true, Due: at(28, 7, 0), Reason: NextStep}},
		{name: "and not every six hours", i: overdue, who: who, told: told(at(27, 7, 0), at(28, 7, 0)), now: at(28, 15, 0), want: Telling{Reason: NotAgain}},
		{name: "nobody is recalled what somebody took", i: step, who: who, told: nine, st: Standing{Ack: hold(checks.Warning)}, now: at(26, 9, 0), want: Telling{Reason: NotCritical}},
		{name: "nor what they snoozed", i: step, who: who, told: nine, st: Standing{Snooze: hold(checks.Warning)}, now: at(26, 9, 0), want: Telling{Reason: NotSnoozed}},
		{name: "a maintenance holds it", i: step, who: who, told: nine, st: Standing{Maintenance: at(26, 9, 3)}, now: at(26, 7, 0), want: Telling{Tell: true, Due: at(26, 9, 3), Reason: NextStep}},
		{name: "what is known is not told again", i: critical, who: who, told: nine, st: Standing{Known: hold(checks.Critical)}, now: at(24, 16, 0), want: Telling{Reason: NotKnown}},
		{name: "what is not there at the moment is not told again", i: gone, who: who, told: nine, now: at(24, 16, 0), want: Telling{Reason: NotThere}},
		{name: "nor is what comes and goes", i: flapping, who: who, told: nine, now: at(24, 16, 0), want: Telling{Reason: NotThere}},
		{name: "unless it stays for hours", i: flapping, who: who, told: nine, now: at(24, 22, 0), want: Telling{Tell: true, Due: at(24, 22, 0), Reason: Again}},
		{name: "what another explains is not told again", i: critical, who: who, told: nine, st: Standing{Because: 7}, now: at(24, 16, 0), want: Telling{Reason: HeldCause}},
		{name: "a maintenance holds reminders too", i: critical, who: who, told: nine, st: Standing{Maintenance: at(24, 17, 3)}, now: at(24, 15, 0), want: Telling{Tell: true, Due: at(24, 17, 3), Reason: Again}},
		{name: "nothing is told again while something of it is on its way", i: critical, who: who, told: Told{Ever: true, Owed: true}, now: at(24, 16, 0), want: Telling{Reason: ToldInsteadOf}},
		{name: "the next admin hears after two hours", i: critical, who: second, st: Standing{Others: at(24, 9, 0)}, now: at(24, 9, 1), want: Telling{Tell: true, Due: at(24, 11, 0), Reason: Escalated}},
		{name: "the one after that after four", i: critical, who: second, st: Standing{Others: at(24, 9, 0), Rank: 1}, now: at(24, 9, 1), want: Telling{Tell: true, Due: at(24, 13, 0), Reason: Escalated}},
		{name: "where nobody else hears of anything, two hours after it began", i: critical, who: second, st: Standing{Since: at(24, 9, 0)}, now: at(24, 9, 1), want: Telling{Tell: true, Due: at(24, 11, 0), Reason: Escalated}},
		{name: "nobody else hears of what somebody took", i: critical, who: second, st: Standing{Others: at(24, 9, 0), Ack: hold(checks.Critical)}, now: at(24, 12, 0), want: Telling{Reason: NeverTold}},
		{name: "nor of warnings", i: warning, who: second, st: Standing{Others: at(24, 9, 0)}, now: at(24, 12, 0), want: Telling{Reason: NeverTold}},
		{name: "nor at night of what can wait", i: critical, who: second, st: Standing{Others: at(24, 22, 0)}, now: at(24, 22, 1), want: Telling{Tell: true, Due: at(25, 7, 0), Reason: Escalated}},
		{name: "but at night of harm that is now", i: burning, who: second, st: Standing{Others: at(24, 22, 0)}, now: at(24, 22, 1), want: Telling{Tell: true, Due: at(25, 0, 0), Reason: Escalated}},
		{name: "once told, the next admin is reminded as the others are", i: critical, who: second, told: told(at(24, 11, 0), at(24, 11, 0)), now: at(24, 11, 1), want: Telling{Tell: true, Due: at(24, 17, 0), Reason: Again}},
		{name: "whom another way reaches is told by it after half an hour", i: critical, who: who, told: nine, st: Standing{Fallback: true}, now: at(24, 9, 1), want: Telling{Tell: true, Due: at(24, 9, 30), Reason: ToldFallback}},
		{name: "not in the night", i: critical, who: who, told: told(at(24, 22, 50), at(24, 22, 50)), st: Standing{Fallback: true}, now: at(24, 22, 51), want: Telling{Tell: true, Due: at(25, 7, 0), Reason: ToldFallback}},
		{name: "but in the night of harm that is now", i: burning, who: who, told: told(at(24, 22, 50), at(24, 22, 50)), st: Standing{Fallback: true}, now: at(24, 22, 51), want: Telling{Tell: true, Due: at(24, 23, 20), Reason: ToldFallback}},
		{name: "nor in a maintenance", i: critical, who: who, told: nine, st: Standing{Fallback: true, Maintenance: at(24, 10, 0)}, now: at(24, 9, 1), want: Telling{Tell: true, Due: at(24, 10, 0), Reason: ToldFallback}},
		{name: "and by it once", i: critical, who: who, told: Told{Ever: true, News: at(24, 9, 0), Last: at(24, 9, 30), Fallback: true}, st: Standing{Fallback: true}, now: at(24, 9, 31), want: Telling{Tell: true, Due: at(24, 15, 0), Reason: Again}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Remind(c.i, c.who, c.told, c.st, c.now)
			if got.Tell != c.want.Tell || !got.Due.Equal(c.want.Due) || got.Reason != c.want.Reason {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestWhatAdminsChangedHoldsNews(t *testing.T) {
	zone := tokyo(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	noon := at(24, 12, 0)
	who := Admin{Account: "alice", Hears: HearsAll, Topics: []string{"all"}, Zone: zone, Quiet: Quiet{23 * 60, 7 * 60}, Morning: 8 * 60}
	critical := incident.Alert{Change: incident.OpenedNow, Severity: checks.Critical, Road: checks.Now, Key: incident.Key{Check: "webui"}}
	with := func(a incident.Alert, f func(*incident.Alert)) incident.Alert { f(&a); return a }
	warning := with(critical, func(a *incident.Alert) { a.Severity, a.Road = checks.Warning, checks.Morning })
	change := func(a incident.Alert, c incident.Change) incident.Alert { a.Change = c; return a }
	until := func(t time.Time, s checks.Severity) Hold { return Hold{By: "bob", Until: t, Severity: s} }
	both := Told{Ever: true, Severity: checks.Critical}
	warned := Told{Ever: true, Severity: checks.Warning}
	for _, c := range []struct {
		name  string
		alert incident.Alert
		told  Told
		st    Standing
		want  Telling
	}{
		{"a snooze holds an opening until it ends", critical, Told{}, Standing{Snooze: until(at(25, 12, 0), checks.Critical)}, Telling{Tell: true, Due: at(25, 12, 0), Reason: HeldSnooze}},
		{"and to the end of the night after it", critical, Told{}, Standing{Snooze: until(at(25, 3, 0), checks.Critical)}, Telling{Tell: true, Due: at(25, 7, 0), Reason: HeldSnooze}},
		{"a warning to the morning after it", warning, Told{}, Standing{Snooze: until(at(25, 12, 0), checks.Warning)}, Telling{Tell: true, Due: at(26, 8, 0), Reason: HeldSnooze}},
		{"what is worse than what was snoozed is told now", critical, Told{}, Standing{Snooze: until(at(25, 12, 0), checks.Warning)}, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"so is what was told and gets worse", change(critical, incident.Worse), warned, Standing{Snooze: until(at(25, 12, 0), checks.Warning)}, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"easing is not told while it is snoozed", change(warning, incident.Eased), both, Standing{Snooze: until(at(25, 12, 0), checks.Critical)}, Telling{Reason: NotSnoozed}},
		{"its end is", change(critical, incident.ResolvedNow), both, Standing{Snooze: until(at(25, 12, 0), checks.Critical)}, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"what is known is not told", warning, Told{}, Standing{Known: until(time.Time{}, checks.Warning)}, Telling{Reason: NotKnown}},
		{"until it gets worse", change(critical, incident.Worse), warned, Standing{Known: until(time.Time{}, checks.Warning)}, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"the end of what is known is told to whom it was told", change(warning, incident.ResolvedNow), warned, Standing{Known: until(time.Time{}, checks.Warning)}, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"what somebody is on is told when it gets worse", change(critical, incident.Worse), warned, Standing{Ack: until(at(30, 0, 0), checks.Warning)}, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"and when it gets better", change(warning, incident.Eased), both, Standing{Ack: until(at(30, 0, 0), checks.Critical)}, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"and when it is over", change(critical, incident.ResolvedNow), both, Standing{Ack: until(at(30, 0, 0), checks.Critical)}, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"a maintenance holds what is expected of it", critical, Told{}, Standing{Maintenance: at(24, 14, 3)}, Telling{Tell: true, Due: at(24, 14, 3), Reason: HeldMaintenance}},
		{"and the end of what was told", change(critical, incident.ResolvedNow), both, Standing{Maintenance: at(24, 14, 3)}, Telling{Tell: true, Due: at(24, 14, 3), Reason: HeldMaintenance}},
		{"a maintenance over the morning holds the morning's warning", warning, Told{}, Standing{Maintenance: at(25, 9, 3)}, Telling{Tell: true, Due: at(25, 9, 3), Reason: HeldMaintenance}},
		{"one that ends in the night wakes nobody", critical, Told{}, Standing{Maintenance: at(25, 1, 3)}, Telling{Tell: true, Due: at(25, 7, 0), Reason: HeldQuiet}},
		{"what another explains waits for its end", critical, Told{}, Standing{Because: 12}, Telling{Tell: true, Reason: HeldCause}},
		{"a warning for the morning does not", warning, Told{}, Standing{Because: 12}, Telling{Tell: true, Due: at(25, 8, 0), Reason: ToldMorning}},
		{"what got worse does not", change(critical, incident.Worse), warned, Standing{Because: 12}, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"what may explain another, or be explained, waits a minute", critical, Told{}, Standing{Wait: time.Minute}, Telling{Tell: true, Due: noon.Add(time.Minute), Reason: WaitsCause}},
		{"what comes and goes is told once, where its opening was", change(critical, incident.UnsteadyNow), both, Standing{}, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"by its own road where nothing of it was told", change(warning, incident.UnsteadyNow), Told{}, Standing{}, Telling{Tell: true, Due: at(25, 8, 0), Reason: ToldMorning}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Tell(c.alert, who, c.told, c.st, noon)
			if got.Tell != c.want.Tell || !got.Due.Equal(c.want.Due) || got.Reason != c.want.Reason {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestWhatIsOwedIsDecidedAnewBeforeItIsTold(t *testing.T) {
	zone := tokyo(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	now := at(24, 8, 0)
	who := Admin{Account: "alice", Hears: HearsAll, Topics: []string{"all"}, Zone: zone, Quiet: Quiet{23 * 60, 7 * 60}, Morning: 8 * 60}
	critical := incident.Alert{Change: incident.OpenedNow, Severity: checks.Critical, Road: checks.Now, Key: incident.Key{Check: "webui"}}
	warning := critical
	warning.Severity, warning.Road = checks.Warning, checks.Morning
	snoozed := Standing{Snooze: Hold{By: "bob", Until: at(25, 12, 0), Severity: checks.Critical}}
	for _, c := range []struct {
		name    string
		alert   incident.Alert
		told    Told
		st      Standing
		was     Reason
		due     time.Time
		want    Telling
		changed bool
	}{
		{"nothing has changed", warning, Told{}, Standing{}, ToldMorning, now, Telling{}, false},
		{"somebody snoozed it since", warning, Told{}, snoozed, ToldMorning, now, Telling{Tell: true, Due: at(26, 8, 0), Reason: HeldSnooze}, true},
		{"it is snoozed as it was", warning, Told{}, snoozed, HeldSnooze, at(26, 8, 0), Telling{}, false},
		{"the snooze was ended before its time", critical, Told{}, Standing{}, HeldSnooze, at(25, 12, 0), Telling{Tell: true, Due: now, Reason: ToldNow}, true},
		{"somebody put it away as known", warning, Told{}, Standing{Known: Hold{By: "bob", Severity: checks.Warning}}, ToldMorning, now, Telling{Reason: NotKnown}, true},
		{"what explains it has turned up", critical, Told{}, Standing{Because: 12}, WaitsCause, now.Add(time.Minute), Telling{Tell: true, Reason: HeldCause}, true},
		{"what explained it is over, and it has a while to follow", critical, Told{}, Standing{}, HeldCause, time.Time{}, Telling{Tell: true, Due: now.Add(causePatience), Reason: AfterCause}, true},
		{"a maintenance was announced meanwhile", warning, Told{}, Standing{Maintenance: at(24, 9, 3)}, ToldMorning, now, Telling{Tell: true, Due: at(24, 9, 3), Reason: HeldMaintenance}, true},
		{"the maintenance was ended before its time", critical, Told{}, Standing{}, HeldMaintenance, at(24, 9, 3), Telling{Tell: true, Due: now, Reason: ToldNow}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, changed := Resettle(c.alert, who, c.told, c.st, c.was, c.due, now)
			if changed != c.changed || changed && (got.Tell != c.want.Tell || !got.Due.Equal(c.want.Due) || got.Reason != c.want.Reason) {
				t.Errorf("got  %v %+v\nwant %v %+v", changed, got, c.changed, c.want)
			}
		})
	}
}

func TestWhatExplainsAnother(t *testing.T) {
	t0 := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	one := func(id int64, check string, minutes int) incident.Incident {
		return incident.Incident{
			ID: id, Number: id, Key: incident.Key{Check: check, Code: "down"}, Phase: incident.Open, Severity: checks.Critical,
			Noticed: t0.Add(time.Duration(minutes) * time.Minute),
		}
	}
	r := relations{"webui": {"services", "database", "disk"}, "sidekiq": {"redis", "database"}, "database": {"disk", "services"}, "services": {"disk"}}
	mild, unseen, over := one(2, "database", 0), one(2, "database", 0), one(2, "database", 0)
	mild.Severity, unseen.Key.Code, over.Phase = checks.Warning, incident.UnseenCode, incident.Resolved
	for _, c := range []struct {
		name string
		live []incident.Incident
		want int64
	}{
		{"nothing else is wrong", nil, 0},
		{"the database explains the page", []incident.Incident{one(2, "database", -2)}, 2},
		{"also when it is noticed a few minutes later", []incident.Incident{one(2, "database", 5)}, 2},
		{"the disk that explains the database explains the page", []incident.Incident{one(2, "database", -2), one(3, "disk", -4)}, 3},
		{"of two the one that was first", []incident.Incident{one(2, "database", -1), one(3, "services", -3)}, 3},
		{"what has been so for days explains nothing of today", []incident.Incident{one(3, "disk", -3000)}, 0},
		{"a warning explains nothing", []incident.Incident{mild}, 0},
		{"not seeing explains nothing", []incident.Incident{unseen}, 0},
		{"what is over explains nothing", []incident.Incident{over}, 0},
		{"what comes after it explains nothing", []incident.Incident{one(2, "sidekiq", -2)}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cause, found := r.because(one(1, "webui", 0), c.live)
			if found != (c.want != 0) || cause.Number != c.want {
				t.Errorf("got %d %v, want %d", cause.Number, found, c.want)
			}
		})
	}
}
