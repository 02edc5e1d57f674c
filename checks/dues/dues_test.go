package dues

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

const table = `
timezone = "Asia/Tokyo"
[[due]]
name = "server"
when = "monthly on the 27th"
pays = "alice"
[[due]]
name = "ドメイン"
when = "毎年4月1日"
note = "bob@example.com の口座から"
[[due]]
name = "visa"
card = "08/27"
[[due]]
name = "object storage"
when = 2027-03-31
[[due]]
name = "smtp"
when = "monthly on the 31st"
automatic = true
`

func TestContract(t *testing.T) {
	checkstest.Contract(t, Kind(nil), table)
}

// made is the check of a table, with its kind.
func made(t *testing.T, text checkstest.Table) (checks.Kind, *check) {
	t.Helper()
	k := Kind(nil)
	return k, checkstest.Make(t, k, text).(*check)
}

// at is noon of a day in Tokyo.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	return day(t, s).Add(3 * time.Hour)
}

func lookAt(t *testing.T, k checks.Kind, c *check, past *checkstest.Past, now time.Time) checks.Observation {
	t.Helper()
	o := c.look(past, now)
	checkstest.AssertObservation(t, k, o)
	past.Record(o, now)
	return o
}

func say(c *check, past *checkstest.Past, rest string, now time.Time) checks.Text {
	text, remember := c.paid(past, rest, now)
	past.Record(checks.Observation{Remember: remember}, now)
	return text
}

func TestAMonthlyBillFromReminderToOverdueToPaid(t *testing.T) {
	k, c := made(t, `
timezone = "Asia/Tokyo"
[[due]]
name = "server"
when = "monthly on the 27th"
pays = "alice"`)
	past := &checkstest.Past{}
	type want struct {
		day, severity, road, en, ja string
	}
	for _, w := range []want{
		{day: "2026-11-10"},
		{day: "2026-11-23"},
		{"2026-11-24", "warning", "morning", "server: due in 3 d, on Fri 27 Nov", "「server」の期限は11/27（金）です（あと3日）"},
		{"2026-11-26", "warning", "morning", "server: due tomorrow, on Fri 27 Nov", "「server」の期限は11/27（金）です（明日）"},
		{"2026-11-27", "warning", "morning", "server: due today, on Fri 27 Nov", "「server」の期限は11/27（金）です（今日）"},
		{"2026-11-28", "critical", "now", "server: overdue for 1 d; it was due on Fri 27 Nov", "「server」の期限を1日過ぎています（11/27（金）まで）"},
		{"2026-12-26", "critical", "now", "server: overdue for 29 d; it was due on Fri 27 Nov", "「server」の期限を29日過ぎています（11/27（金）まで）"},
		{"2027-01-10", "critical", "now", "server: overdue for 44 d; it was due on Fri 27 Nov", "「server」の期限を44日過ぎています（11/27（金）まで）"},
	} {
		o := lookAt(t, k, c, past, at(t, w.day))
		f, found := checkstest.Find(o, codeDue, "server")
		if !found {
			if w.severity != "" {
				t.Errorf("%s: nothing is recalled: %+v", w.day, o)
			}
			continue
		}
		if h := f.Text.Headline(); f.Severity.String() != w.severity || f.Road.String() != w.road || h.En != w.en || h.Ja != w.ja {
			t.Errorf("%s: %v %v %q %q", w.day, f.Severity, f.Road, h.En, h.Ja)
		}
		if !strings.Contains(f.Text.En, "Who pays: alice") || !strings.Contains(f.Advice.Text.Ja, "支払い済み server") {
			t.Errorf("%s: %+v", w.day, f)
		}
		if (f.Severity == checks.Critical) != f.Harm.IsZero() {
			t.Errorf("%s: harm at %v", w.day, f.Harm)
		}
	}
	got := say(c, past, "server", at(t, "2027-01-10"))
	if got.En != "server: noted as paid. Next: Wed 27 Jan, in 17 d." || got.Ja != "「server」を支払い済みにしました。次は1/27（水）、あと17日です。" {
		t.Errorf("%+v", got)
	}
	if o := lookAt(t, k, c, past, at(t, "2027-01-11")); len(o.Findings) > 0 || o.Summary.En != "next is server on Wed 27 Jan, in 16 d; 1 in all" {
		t.Errorf("after it was paid: %+v", o)
	}
	// Another process, with only what was remembered.
	_, again := made(t, `
timezone = "Asia/Tokyo"
[[due]]
name = "server"
when = "monthly on the 27th"`)
	if f, ok := checkstest.Find(lookAt(t, k, again, past, at(t, "2027-01-24")), codeDue, "server"); !ok || !strings.Contains(f.Text.En, "due in 3 d") {
		t.Errorf("%+v", f)
	}
}

func TestPaidIsUnderstood(t *testing.T) {
	for _, c := range []struct {
		name, rest, en string
		changes        bool
	}{
		{"by its name", "server", "server: noted as paid. Next: Sun 27 Dec, in 32 d.", true},
		{"in other letters", " ＳＥＲＶＥＲ ", "server: noted as paid. Next: Sun 27 Dec, in 32 d.", true},
		{"by its beginning", "ser", "server: noted as paid. Next: Sun 27 Dec, in 32 d.", true},
		{"inside a sentence", "the server, thanks", "server: noted as paid. Next: Sun 27 Dec, in 32 d.", true},
		{"by a name of two words", "object storage", "object storage: noted as done. To be reminded of the next one: \"paid object storage 2027-11-25\", with its date.", true},
		{"a card that was replaced", "visa 08/31", "visa: noted as paid. Next: 31 Aug 2031, in 1740 d.", true},
		{"a card without a new date", "visa", "visa: noted as done. To be reminded of the next one: \"paid visa 08/31\", with its date.", true},
		{"with its next date", "server 2027-05-27", "server: noted as paid. Next: 27 May 2027, in 183 d.", true},
		{"nothing said means what is being recalled", "", "server: noted as paid. Next: Sun 27 Dec, in 32 d.", true},
		{"in Japanese, with a particle, months before it is due", "ドメインを", "ドメイン: noted as paid. Next: 1 Apr 2028, in 493 d.", true},
		{"one that is far off", "smtp 2026-11-01", "smtp: Sun 1 Nov is over already, so nothing was changed. Give the next date that something is due.", false},
		{"one that nobody knows", "rent", "I know no due named \"rent\". Which one is paid? Reply \"paid\" and one of: server, smtp, object storage, ドメイン, visa", false},
		{"two that begin so", "s", "Which one is paid? Reply \"paid\" and one of: server, smtp", false},
		{"a flood", strings.Repeat("x ", 10000), "", false},
		{"bytes that are no text", "\xff\xfe server", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, check := made(t, table)
			text, remember := check.paid(&checkstest.Past{}, c.rest, at(t, "2026-11-25"))
			if c.en != "" && text.En != c.en {
				t.Errorf("%q", text.En)
			}
			if text.Ja == "" || len([]rune(text.Ja)) > 500 {
				t.Errorf("%q", text.Ja)
			}
			if (len(remember) > 0) != c.changes {
				t.Errorf("remembers %q", remember)
			}
		})
	}
}

func TestPaidTwiceDoesNotPayForTwo(t *testing.T) {
	k, c := made(t, table)
	past := &checkstest.Past{}
	now := at(t, "2026-11-25")
	lookAt(t, k, c, past, now)
	say(c, past, "server", now)
	text := say(c, past, "server", now)
	if text.En != `server: nothing to pay before Sun 27 Dec, in 32 d, so nothing was changed. If that one is paid as well: "paid server 2027-01-27"` {
		t.Errorf("%q", text.En)
	}
	if text := say(c, past, "server 2027-01-27", now); text.En != "server: noted as paid. Next: Wed 27 Jan, in 63 d." {
		t.Errorf("%q", text.En)
	}
	say(c, past, "visa", now)
	if text := say(c, past, "visa", now); !strings.Contains(text.En, "done already") {
		t.Errorf("%q", text.En)
	}
}

func TestAnotherDateInTheConfigurationBeginsAnew(t *testing.T) {
	form := func(card string) checkstest.Table {
		return checkstest.Table(fmt.Sprintf("timezone = 'Asia/Tokyo'\n[[due]]\nname = 'visa'\ncard = '%s'", card))
	}
	past := &checkstest.Past{}
	k, c := made(t, form("12/26"))
	if _, ok := checkstest.Find(lookAt(t, k, c, past, at(t, "2026-11-25")), codeDue, "visa"); !ok {
		t.Fatal("nothing is recalled")
	}
	say(c, past, "visa", at(t, "2026-11-25"))
	if o := lookAt(t, k, c, past, at(t, "2026-11-26")); len(o.Findings) > 0 || o.Summary.En != "nothing left to pay" {
		t.Fatalf("%+v", o)
	}
	k, c = made(t, form("01/27"))
	f, ok := checkstest.Find(lookAt(t, k, c, past, at(t, "2026-12-20")), codeDue, "visa")
	if !ok || f.Text.Headline().En != "visa: the card is valid only until Sun 31 Jan (in 42 d)" || f.Text.Headline().Ja != "カード「visa」の有効期限は1/31（日）です（あと42日）" {
		t.Errorf("%+v", f)
	}
	f, _ = checkstest.Find(lookAt(t, k, c, past, at(t, "2027-02-01")), codeDue, "visa")
	if f.Severity != checks.Critical || f.Text.Headline().En != "visa: the card is no longer valid; it ended on Sun 31 Jan, yesterday" || !strings.Contains(f.Text.Ja, "切れています") {
		t.Errorf("%+v", f)
	}
}

func TestWhatIsPaidByItselfIsNeverOverdue(t *testing.T) {
	k, c := made(t, `
timezone = "Asia/Tokyo"
[[due]]
name = "smtp"
when = "monthly on the 31st"
automatic = true
[[due]]
name = "once"
when = 2026-12-01
automatic = true`)
	past := &checkstest.Past{}
	o := lookAt(t, k, c, past, at(t, "2026-11-29"))
	if f, ok := checkstest.Find(o, codeDue, "smtp"); !ok || f.Text.Headline().En != "smtp: is paid by itself tomorrow, on Mon 30 Nov" || f.Text.Headline().Ja != "「smtp」は11/30（月）に自動で支払われます（明日）" {
		t.Errorf("%+v", o)
	}
	if o := lookAt(t, k, c, past, at(t, "2026-12-02")); len(o.Findings) > 0 || o.Summary.En != "next is smtp on Thu 31 Dec, in 29 d; 1 in all" {
		t.Errorf("%+v", o)
	}
}

func TestADateThatHasPassedWhenItIsWrittenIsOverdue(t *testing.T) {
	k, c := made(t, "timezone = \"Asia/Tokyo\"\n[[due]]\nname = \"storage\"\nwhen = \"2026-11-01\"")
	if f, ok := checkstest.Find(lookAt(t, k, c, &checkstest.Past{}, at(t, "2026-11-22")), codeDue, "storage"); !ok || f.Severity != checks.Critical {
		t.Errorf("%+v", f)
	}
}

func TestTheListSaysWhatIsNext(t *testing.T) {
	_, c := made(t, table)
	past := &checkstest.Past{}
	now := at(t, "2026-11-22")
	say(c, past, "object storage", now)
	text, remember := c.list(past, "", now)
	if len(remember) > 0 {
		t.Error("a list changes nothing")
	}
	want := checks.Text{
		En: "server: Fri 27 Nov, in 5 d, alice pays\nsmtp: Mon 30 Nov, in 8 d, paid by itself\nドメイン: Thu 1 Apr, in 130 d\nvisa: 31 Aug 2027, in 282 d\nobject storage: done",
		Ja: "server: 11/27（金） あと5日（alice）\nsmtp: 11/30（月） あと8日・自動払い\nドメイン: 4/1（木） あと130日\nvisa: 2027/8/31（火） あと282日\nobject storage: 済",
	}
	if text != want {
		t.Errorf("%s\n%s", text.En, text.Ja)
	}
}

func TestTheCommandsSpeakOfTheCheckThatWasMade(t *testing.T) {
	k := Kind(nil)
	if len(k.Commands) != 2 || k.Commands[0].Name != "dues" || k.Commands[1].Name != "paid" {
		t.Fatalf("%+v", k.Commands)
	}
	var missing *checks.NotSetUp
	if _, _, err := k.Commands[0].Answer(t.Context(), &checkstest.Past{}, ""); !errors.As(err, &missing) {
		t.Errorf("before it was set up: %v", err)
	}
	checkstest.Make(t, k, table)
	past := &checkstest.Past{}
	for i, want := range []string{"server: ", "server: noted as paid. Next: "} {
		text, remember, err := k.Commands[i].Answer(context.Background(), past, "server 2099-01-01")
		if err != nil || !strings.Contains(text.En, want) {
			t.Errorf("%q %v", text.En, err)
		}
		past.Record(checks.Observation{Remember: remember}, time.Now())
	}
	if text, _, _ := k.Commands[0].Answer(context.Background(), past, ""); !strings.Contains(text.En, "server: 1 Jan 2099") {
		t.Errorf("what was paid is forgotten: %q", text.En)
	}
}

func TestALookBesideACommandUndoesNothing(t *testing.T) {
	k, c := made(t, table)
	past := &checkstest.Past{}
	now := at(t, "2026-11-26")
	lookAt(t, k, c, past, now)
	late := c.look(past, now) // reads before the command, and is recorded behind it
	say(c, past, "server", now)
	past.Record(late, now)
	if o := lookAt(t, k, c, past, now); len(o.Findings) != 0 {
		t.Errorf("%+v", o.Findings)
	}
}

func TestWhatIsWrittenWrongIsSaidByItsPlace(t *testing.T) {
	for _, c := range []struct{ name, table, want string }{
		{"no name", "[[due]]\nwhen = 'monthly 1'", `due 1 (""): name: is missing`},
		{"neither date nor card", "[[due]]\nname = 'a'", `due 1 ("a"): either when = `},
		{"both", "[[due]]\nname = 'a'\nwhen = 'monthly 1'\ncard = '08/27'", `due 1 ("a"): either when = `},
		{"two of a name", "[[due]]\nname = 'a'\nwhen = 'monthly 1'\n[[due]]\nname = 'Ａ'\nwhen = 'monthly 1'", `due 2 ("Ａ"): name: there are two of this name`},
		{"a rule that is none", "[[due]]\nname = 'a'\nwhen = 'sometimes'", `due 1 ("a"): when: it is neither a date such as 2027-03-31 nor a rule such as "monthly on the 27th"`},
		{"a number", "[[due]]\nname = 'a'\nwhen = 27", `due 1 ("a"): when: is neither a date`},
		{"a card that is none", "[[due]]\nname = 'a'\ncard = '27-08'", `due 1 ("a"): card: "27-08" is not month and year`},
		{"a zone that is none", "timezone = 'Tokyo'\n[[due]]\nname = 'a'\nwhen = 'monthly 1'", `timezone: "Tokyo" is not a zone`},
		{"a name that would be a mention", "[[due]]\nname = '@alice'\nwhen = 'monthly 1'", "name: has a character in it"},
		{"a name as long as a headline", "[[due]]\nname = '" + strings.Repeat("x", 41) + "'\nwhen = 'monthly 1'", "name: is longer than 40 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Kind(nil).New(checkstest.Table(c.table))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	var missing *checks.NotSetUp
	if _, err := Kind(nil).New(checkstest.Table("")); !errors.As(err, &missing) || missing.Setting != "[[checks.dues.due]]" {
		t.Error(err)
	}
}

func TestWhatWasRememberedAndIsBrokenIsForgotten(t *testing.T) {
	k, c := made(t, table)
	past := &checkstest.Past{Memory: map[string][]byte{seenKey + "server": []byte("{"), paidKey + "server": []byte(`{"rule":"another","day":"2030-01-01T00:00:00Z"}`)}}
	if o := lookAt(t, k, c, past, at(t, "2026-11-22")); o.Summary.En != "next is server on Fri 27 Nov, in 5 d; 5 in all" || o.Summary.Ja != "次は「server」11/27（金）、あと5日（全5件）" {
		t.Errorf("%+v", o.Summary)
	}
}

func TestEachStepIsToBeHeardOnceMore(t *testing.T) {
	for _, c := range []struct {
		name, table string
		last        string // the day it is due
		steps       []int  // days before it on which it is to be heard anew, from 70 on
	}{
		{"a monthly bill: 3 days, 1 day, the day itself, and then every day", "when = \"monthly on the 27th\"", "2026-11-27", []int{3, 1, 0, -1, -2, -3}},
		{"what comes once: a month, two weeks, a week, the day before, and then every day", "when = 2027-03-31", "2027-03-31", []int{30, 14, 7, 1, 0, -1, -2, -3}},
		{"a card: two months, for a new one takes weeks", "card = \"08/27\"", "2027-08-31", []int{60, 30, 14, 7, -1, -2, -3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, made := made(t, checkstest.Table("timezone = \"Asia/Tokyo\"\n[[due]]\nname = \"x\"\n"+c.table))
			past := &checkstest.Past{}
			last := day(t, c.last)
			// A monthly bill has been due before: what is looked at begins behind that.
			first := 70
			if c.steps[0] == 3 {
				first = 20
			}
			var heard []int
			var before time.Time
			for left := first; left >= -3; left-- {
				now := last.AddDate(0, 0, -left).Add(3 * time.Hour)
				o := lookAt(t, k, made, past, now)
				if len(o.Findings) == 0 {
					continue
				}
				again := o.Findings[0].Again
				if again.After(now) || again.IsZero() {
					t.Fatalf("%d days before: the step began %v", left, again)
				}
				if !again.Equal(before) {
					heard = append(heard, left)
					if want := midnight(dayOf(now, made.zone), made.zone); !again.Equal(want) {
						t.Errorf("%d days before: the step began %v, want %v", left, again, want)
					}
				}
				before = again
			}
			if fmt.Sprint(heard) != fmt.Sprint(c.steps) {
				t.Errorf("heard %v days before, want %v", heard, c.steps)
			}
		})
	}
}
