package dues

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	today := time.Date(2026, time.November, 25, 0, 0, 0, 0, time.UTC)
	due := func(name string, left int, set ...func(*standing)) standing {
		s := standing{day: today.AddDate(0, 0, left), left: left}
		s.name, s.rule = name, rule{months: 12, start: 11, day: 1}
		for _, f := range set {
			f(&s)
		}
		return s
	}
	card := func(s *standing) { s.rule = rule{card: true} }
	paysItself := func(s *standing) { s.automatic = true }
	noted := func(s *standing) { s.pays, s.note = "Alice", "invoice goes to the association" }
	done := func(s *standing) { s.done = true }
	monthly := func(s *standing) { s.rule = rule{months: 1, day: 25} }

	server, domain := due("server", 9), due("example.social", -3, noted)
	say := checkstest.Say
	checkstest.Texts(
		t, "dues",
		say("due", textDue(server, today), advicePaid(server)),
		say("due tomorrow, with who pays and a note", textDue(due("server", 1, noted), today), advicePaid(server)),
		say("due today", textDue(due("server", 0), today)),
		say("due next year", textDue(due("backup space", 200), today)),
		say("paid by itself", textDue(due("server", 2, paysItself), today), advicePaid(due("server", 2, paysItself))),
		say("overdue", textDue(domain, today), advicePaid(domain)),
		say("card", textDue(due("visa", 21, card), today), advicePaid(due("visa", 21, card))),
		say("card, over since yesterday", textDue(due("visa", -1, card), today), advicePaid(due("visa", -1, card))),
		say("summary", textSummary([]standing{server, domain, due("x", 3, done)}, today)),
		say("summary, nothing", textSummary([]standing{due("x", 3, done)}, today)),
		say("answer: a line", textLine(server, today)),
		say("answer: a line, overdue, who pays", textLine(domain, today)),
		say("answer: a line, by itself", textLine(due("server", 2, paysItself), today)),
		say("answer: a line, done", textLine(due("server", 2, done), today)),
		say("answer: paid", textPaid(due("server", 40, monthly), today)),
		say("answer: paid, once", textPaid(due("server", 40, done), today)),
		say("answer: paid, a card", textPaid(due("visa", 40, card, done), today)),
		say("answer: paid already", textAlready(due("server", 40, monthly), today)),
		say("answer: done already", textDoneAlready(due("server", 40, done))),
		say("answer: a day that is over", textPast(server, today.AddDate(0, 0, -3), today)),
		say("answer: which one", textWhich([]string{"server", "example.social", "visa"}, "")),
		say("answer: which one, unknown", textWhich([]string{"server", "example.social", "visa"}, "sever")),
		say("answer: help of dues", textHelpDues()),
		say("answer: help of paid", textHelpPaid()),
	)
}
