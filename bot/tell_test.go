package bot

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
)

func tokyo(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestWhoHearsOfAnAlertWhenAndWhy(t *testing.T) {
	zone := tokyo(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	noon, night, dawn := at(22, 12, 0), at(23, 3, 0), at(23, 7, 0) // 22 November 2026 is a Sunday
	who := Admin{Account: "alice", Hears: HearsAll, Topics: []string{"all"}, Zone: zone, Quiet: Quiet{23 * 60, 7 * 60}, Morning: 8 * 60}
	critical := incident.Alert{Change: incident.OpenedNow, Severity: checks.Critical, Road: checks.Now, Key: incident.Key{Check: "disk"}}
	with := func(a incident.Alert, f func(*incident.Alert)) incident.Alert { f(&a); return a }
	warning := with(critical, func(a *incident.Alert) { a.Severity, a.Road = checks.Warning, checks.Morning })
	advice := with(warning, func(a *incident.Alert) { a.Road = checks.Week })
	harm := func(at time.Time) incident.Alert {
		return with(critical, func(a *incident.Alert) { a.Harm = at })
	}
	change := func(a incident.Alert, c incident.Change) incident.Alert { a.Change = c; return a }
	admin := func(f func(*Admin)) Admin { a := who; f(&a); return a }
	moderator := admin(func(a *Admin) { a.Topics = []string{"moderation", "web"} })
	calm := admin(func(a *Admin) { a.Hears = HearsCritical })
	second := admin(func(a *Admin) { a.Hears = HearsEscalation })
	day := Told{Ever: true, Severity: checks.Critical}
	for _, c := range []struct {
		name  string
		alert incident.Alert
		who   Admin
		told  Told
		now   time.Time
		want  Telling
	}{
		{"a critical one by day is told now", critical, who, Told{}, noon, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"a warning waits for the morning message", warning, who, Told{}, noon, Telling{Tell: true, Due: at(23, 8, 0), Reason: ToldMorning}},
		{"a warning at exactly eight is in this morning's message", warning, who, Told{}, at(22, 8, 0), Telling{Tell: true, Due: at(22, 8, 0), Reason: ToldMorning}},
		{"advice waits for Monday", advice, who, Told{}, noon, Telling{Tell: true, Due: at(23, 8, 0), Reason: ToldWeek}},
		{"advice on Monday after eight waits a week", advice, who, Told{}, at(23, 9, 0), Telling{Tell: true, Due: at(30, 8, 0), Reason: ToldWeek}},
		{"severity is not urgency: critical without known harm lets people sleep", critical, who, Told{}, night, Telling{Tell: true, Due: dawn, Reason: HeldQuiet}},
		{"a certificate that ends on Thursday wakes nobody on Tuesday night", harm(at(26, 13, 0)), who, Told{}, night, Telling{Tell: true, Due: dawn, Reason: HeldQuiet}},
		{"harm that is now breaks the night", harm(night), who, Told{}, night, Telling{Tell: true, Due: night, Reason: ToldInNight}},
		{"harm before the quiet hours end breaks the night", harm(at(23, 6, 0)), who, Told{}, night, Telling{Tell: true, Due: night, Reason: ToldInNight}},
		{"harm an hour after they end breaks it too", harm(at(23, 8, 0)), who, Told{}, night, Telling{Tell: true, Due: night, Reason: ToldInNight}},
		{"harm two hours after they end does not", harm(at(23, 9, 0)), who, Told{}, night, Telling{Tell: true, Due: dawn, Reason: HeldQuiet}},
		{"at seven sharp the night is over", critical, who, Told{}, dawn, Telling{Tell: true, Due: dawn, Reason: ToldNow}},
		{"without quiet hours night is like day", critical, admin(func(a *Admin) { a.Quiet = Quiet{} }), Told{}, night, Telling{Tell: true, Due: night, Reason: ToldNow}},
		{"a moderator does not hear of disks", critical, moderator, Told{}, noon, Telling{Reason: NotTopic}},
		{"who hears critical things only is spared a warning", warning, calm, Told{}, noon, Telling{Reason: NotCritical}},
		{"but hears when it becomes critical", change(critical, incident.Worse), calm, Told{}, noon, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"who hears escalations only is not told at first", critical, second, Told{}, noon, Telling{Reason: NotEscalated}},
		{"a resolve is owed for what was told", change(critical, incident.ResolvedNow), who, day, noon, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"and for nothing else", change(critical, incident.ResolvedNow), who, Told{}, noon, Telling{Reason: NeverTold}},
		{"what is over before it was told is not told at all", change(critical, incident.ResolvedNow), who, Told{Owed: true}, noon, Telling{Reason: OverUntold, Supersede: true}},
		{"a resolve is silent at night", change(critical, incident.ResolvedNow), who, day, night, Telling{Tell: true, Due: dawn, Reason: HeldQuiet}},
		{"unless the night was broken for it", change(critical, incident.ResolvedNow), who, Told{Ever: true, AtNight: true}, night, Telling{Tell: true, Due: night, Reason: Follows}},
		{"worse is told by its own road", change(critical, incident.Worse), who, Told{Ever: true, Severity: checks.Warning}, noon, Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{"worse replaces an opening that waits for the morning", change(critical, incident.Worse), who, Told{Owed: true}, noon, Telling{Tell: true, Due: noon, Reason: ToldNow, Supersede: true}},
		{"eased is told where the opening was", change(warning, incident.Eased), who, day, noon, Telling{Tell: true, Due: noon, Reason: Follows}},
		{"eased back to what was told last is not worth a word", change(warning, incident.Eased), who, Told{Ever: true, Severity: checks.Warning, Owed: true}, noon, Telling{Reason: BackUntold, Supersede: true}},
		{"eased before anything was told is told as the warning it is", change(warning, incident.Eased), who, Told{Owed: true}, noon, Telling{Tell: true, Due: at(23, 8, 0), Reason: ToldMorning, Supersede: true}},
		{"the resolve replaces a worse that was not sent yet", change(critical, incident.ResolvedNow), who, Told{Ever: true, Severity: checks.Warning, Owed: true}, noon, Telling{Tell: true, Due: noon, Reason: Follows, Supersede: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Tell(c.alert, c.who, c.told, Standing{}, c.now)
			if got.Tell != c.want.Tell || !got.Due.Equal(c.want.Due) || got.Reason != c.want.Reason || got.Supersede != c.want.Supersede {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestWhatAnUpdateBreaksIsHeldForItsRound(t *testing.T) {
	zone := tokyo(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	noon, night, dawn := at(22, 12, 0), at(23, 3, 0), at(23, 7, 0)
	who := Admin{Account: "alice", Hears: HearsAll, Topics: []string{"all"}, Zone: zone, Quiet: Quiet{23 * 60, 7 * 60}, Morning: 8 * 60}
	critical := incident.Alert{Change: incident.OpenedNow, Severity: checks.Critical, Road: checks.Now, Key: incident.Key{Check: "webui"}}
	warning, harmful, over := critical, critical, critical
	warning.Severity, warning.Road = checks.Warning, checks.Morning
	harmful.Harm = night
	over.Change = incident.ResolvedNow
	for _, c := range []struct {
		name         string
		alert        incident.Alert
		told         Told
		now, silence time.Time
		want         Telling
	}{
		{name: "what an update breaks is held until its round", alert: critical, now: noon, silence: at(22, 12, 13), want: Telling{Tell: true, Due: at(22, 12, 13), Reason: HeldUpdate}},
		{name: "an update that is over holds nothing", alert: critical, now: noon, silence: at(22, 11, 0), want: Telling{Tell: true, Due: noon, Reason: ToldNow}},
		{name: "a warning waits for the morning, update or not", alert: warning, now: noon, silence: at(22, 12, 13), want: Telling{Tell: true, Due: at(23, 8, 0), Reason: ToldMorning}},
		{name: "an update at night wakes nobody after its silence", alert: critical, now: night, silence: at(23, 3, 13), want: Telling{Tell: true, Due: dawn, Reason: HeldQuiet}},
		{name: "unless what it broke does harm now", alert: harmful, now: night, silence: at(23, 3, 13), want: Telling{Tell: true, Due: at(23, 3, 13), Reason: ToldInNight}},
		{name: "the end of what was told does not wait for the round", alert: over, told: Told{Ever: true, Severity: checks.Critical}, now: noon, silence: at(22, 12, 13), want: Telling{Tell: true, Due: noon, Reason: Follows}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Tell(c.alert, who, c.told, Standing{Update: c.silence}, c.now); got.Tell != c.want.Tell || !got.Due.Equal(c.want.Due) || got.Reason != c.want.Reason {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestWhatIsOwedBecomesOnePost(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	after := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	for _, c := range []struct {
		name string
		owed []Owed
		last time.Time
		want time.Time
	}{
		{"nothing is owed", nil, time.Time{}, time.Time{}},
		{"the first critical leaves at once", []Owed{{now, checks.Critical}}, time.Time{}, now},
		{"what follows within half a minute is one more", []Owed{{after(5), checks.Critical}, {after(9), checks.Critical}}, now, after(30)},
		{"a warning waits half a minute for company", []Owed{{now, checks.Warning}}, time.Time{}, after(30)},
		{"a critical one takes the waiting warning along", []Owed{{now, checks.Warning}, {after(10), checks.Critical}}, time.Time{}, after(10)},
		{"what is due tomorrow waits until then", []Owed{{now.Add(20 * time.Hour), checks.Warning}}, now.Add(-time.Second), now.Add(20*time.Hour + 30*time.Second)},
		{"an old post delays nothing", []Owed{{now, checks.Critical}}, now.Add(-time.Hour), now},
		{"a post from the future, after the clock was set back, delays nothing", []Owed{{now, checks.Critical}}, now.Add(time.Hour), now},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := FreezeAt(c.owed, usualGrouping, c.last, now); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestQuietHours(t *testing.T) {
	zone := tokyo(t)
	q, err := ParseQuiet("23:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	for hhmm, want := range map[string]bool{"22:59": false, "23:00": true, "00:00": true, "06:59": true, "07:00": false, "12:00": false} {
		c, err := ParseClock(hhmm)
		if err != nil {
			t.Fatal(err)
		}
		_, got := q.Ends(time.Date(2026, 11, 22, int(c)/60, int(c)%60, 30, 0, zone), zone)
		if got != want {
			t.Errorf("%s quiet: %v", hhmm, got)
		}
	}
	for _, bad := range []string{"23-7", "25:00-07:00", "23:00", "a:b-c:d", "23:0-07:00"} {
		if _, err := ParseQuiet(bad); err == nil {
			t.Errorf("ParseQuiet(%q) was accepted", bad)
		}
	}
}

func TestTheMorningThatTheClocksLeaveOut(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := ParseClock("02:30")
	got := c.Next(time.Date(2026, 3, 8, 0, 0, 0, 0, zone), zone) // 02:00 to 03:00 does not exist
	if got.Day() != 8 || got.Hour() > 4 {
		t.Errorf("got %v", got)
	}
}
