package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// A stock is what the state says in the end, and what the server has.
type stock struct {
	*voyage
	alerts   []incident.Alert // oldest first
	tellings map[tellingKey]tellingRow
	posts    map[string]postRow
	statuses map[string]sandbox.Status // of the bot, by id
}

type tellingKey struct {
	alert int64
	admin string
}

type tellingRow struct{ reason, state, post string }

type postRow struct {
	key, kind, admin, recipient, handle, parent, state string
	parts, ids                                         []string
}

// takeStock compares what happened, what was to be told of it, and what the
// admins have.
func (v *voyage) takeStock() {
	s := &stock{voyage: v, tellings: map[tellingKey]tellingRow{}, posts: map[string]postRow{}, statuses: map[string]sandbox.Status{}}
	s.read()
	for _, st := range v.server.Statuses() {
		if st.Author.ID == v.saba.ID {
			s.statuses[st.ID] = st
		}
	}
	s.incidentsAreWhole()
	s.everyPostIsThereOnce()
	s.picturesAreThere()
	for account := range v.admins {
		s.isTold(account)
	}
	s.everyQuestionIsAnsweredOnce()
	s.nobodyElseHears()
	s.sum()
}

func (s *stock) read() {
	s.t.Helper()
	ctx := context.Background()
	db, err := state.Open(ctx, s.file("state.db"), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	err = db.Read(ctx, func(tx *sql.Tx) error {
		var last int64
		if err := tx.QueryRow(`SELECT COALESCE(MAX(id), 0) FROM alert`).Scan(&last); err != nil {
			return err
		}
		for id := int64(1); id <= last; id++ {
			a, err := incident.AlertByID(ctx, tx, id)
			if err != nil {
				return fmt.Errorf("alert %d: %w", id, err)
			}
			s.alerts = append(s.alerts, a)
		}
		rows, err := tx.Query(`SELECT alert, admin, reason, state, COALESCE(post, '') FROM telling`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k tellingKey
			var r tellingRow
			if err := rows.Scan(&k.alert, &k.admin, &r.reason, &r.state, &r.post); err != nil {
				return err
			}
			s.tellings[k] = r
		}
		posts, err := tx.Query(`SELECT key, kind, admin, recipient_id, recipient_handle, COALESCE(parent, ''), state, parts, ids FROM post`)
		if err != nil {
			return err
		}
		defer posts.Close()
		for posts.Next() {
			var p postRow
			var parts, ids []byte
			if err := posts.Scan(&p.key, &p.kind, &p.admin, &p.recipient, &p.handle, &p.parent, &p.state, &parts, &ids); err != nil {
				return err
			}
			if err := cmp.Or(json.Unmarshal(parts, &p.parts), json.Unmarshal(ids, &p.ids)); err != nil {
				return err
			}
			s.posts[p.key] = p
		}
		return cmp.Or(rows.Err(), posts.Err())
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// ofIncident are the alerts of each incident, oldest first.
func (s *stock) ofIncident() map[int64][]incident.Alert {
	all := map[int64][]incident.Alert{}
	for _, a := range s.alerts {
		all[a.Incident] = append(all[a.Incident], a)
	}
	return all
}

// incidentsAreWhole: each was opened once and resolved once, and between them
// it got worse and eased in turn.
func (s *stock) incidentsAreWhole() {
	numbers := map[int64]bool{}
	for _, alerts := range s.ofIncident() {
		number := alerts[0].Number
		var changes []string
		severity, whole := checks.OK, alerts[0].Change == incident.OpenedNow && alerts[len(alerts)-1].Change == incident.ResolvedNow
		for i, a := range alerts {
			changes = append(changes, string(a.Change))
			switch a.Change {
			case incident.OpenedNow:
				whole = whole && i == 0
			case incident.Worse:
				whole = whole && severity == checks.Warning && a.Severity == checks.Critical
			case incident.Eased:
				whole = whole && severity == checks.Critical && a.Severity == checks.Warning
			case incident.ResolvedNow:
				whole = whole && i == len(alerts)-1
			}
			severity = a.Severity
		}
		if !whole || number == 0 || numbers[number] {
			s.t.Errorf("incident #%d: %s", number, strings.Join(changes, ", "))
		}
		numbers[number] = true
	}
}

// everyPostIsThereOnce: what the state holds and what the server holds are the
// same, one to one, in the right place, before the right eyes only.
func (s *stock) everyPostIsThereOnce() {
	owner := map[string]string{}
	for key, p := range s.posts {
		if p.state != "delivered" || len(p.ids) != len(p.parts) {
			s.t.Errorf("post %s is %s with %d of %d parts", key, p.state, len(p.ids), len(p.parts))
			continue
		}
		before := p.parent
		if head, ok := strings.CutPrefix(p.parent, "post:"); ok {
			before = ""
			if ids := s.posts[head].ids; len(ids) > 0 {
				before = ids[0]
			}
		}
		for i, id := range p.ids {
			if other := owner[id]; other != "" {
				s.t.Errorf("status %s is taken for a part of two posts: %s and %s", id, other, key)
			}
			owner[id] = key
			st, there := s.statuses[id]
			if !there {
				s.t.Errorf("part %d of post %s is not there: %q", i+1, key, p.parts[i])
				continue
			}
			if st.Source != p.parts[i]+"\n@"+p.handle {
				s.t.Errorf("part %d of post %s is %q, should be %q", i+1, key, st.Source, p.parts[i])
			}
			if st.InReplyTo != before {
				s.t.Errorf("part %d of post %s (%q) answers %q, should answer %q", i+1, key, p.parts[i], st.InReplyTo, before)
			}
			if st.Visibility != sandbox.Direct || len(st.Mentions) != 1 || st.Mentions[0].ID != p.recipient || p.recipient != s.admins[p.admin].ID {
				s.t.Errorf("part %d of post %s for %s (%s) is %s for %+v", i+1, key, p.admin, p.recipient, st.Visibility, st.Mentions)
			}
			before = id
		}
	}
	for id, st := range s.statuses {
		if owner[id] == "" {
			s.t.Errorf("status %s is there, and the state does not know it: answers %q, to %+v, %q", id, st.InReplyTo, st.Mentions, st.Source)
		}
	}
}

// picturesAreThere: an answer with a picture has it once, with its words, or says
// in words what it shows; and none is kept.
func (s *stock) picturesAreThere() {
	drawn, said := 0, 0
	for id, st := range s.statuses {
		if !strings.Contains(st.Source, ": speed 12") && !strings.Contains(st.Source, "の速さ 12") {
			if len(st.Media) > 0 {
				s.t.Errorf("status %s has a picture: %q", id, st.Source)
			}
			continue
		}
		inWords := strings.Contains(st.Source, "could not be attached") || strings.Contains(st.Source, "添付できませんでした")
		switch {
		case inWords && len(st.Media) == 0:
			said++
		case len(st.Media) == 1 && st.Media[0].Description != "" && !inWords:
			drawn++
		default:
			s.t.Errorf("status %s has %d pictures: %q", id, len(st.Media), st.Source)
		}
	}
	if drawn == 0 {
		s.t.Error("no picture was drawn in all the storm")
	}
	if n := s.count(`SELECT COUNT(*) FROM picture`); n != 0 {
		s.t.Errorf("%d pictures are kept", n)
	}
	s.t.Logf("%d answers with a picture, %d in words instead", drawn, said)
}

// isTold: one admin has heard of every change that was to be told, once, in one
// thread from the opening to the end; and what was not told was rightly not
// told.
func (s *stock) isTold(account string) {
	said := s.saidTo(account)
	for _, alerts := range s.ofIncident() {
		opening, head := "", int64(0)
		var severity checks.Severity // that was told last
		var heard []string
		for i, a := range alerts {
			where := fmt.Sprintf("#%d %s, %s", a.Number, a.Change, account)
			row, decided := s.tellings[tellingKey{a.ID, account}]
			if !decided {
				s.t.Errorf("%s: nobody decided whether it is told", where)
				continue
			}
			if row.state == "dropped" {
				if why := untrue(bot.Reason(row.reason), a, alerts[i+1:], opening != "", severity); why != "" {
					s.t.Errorf("%s: %q, but %s", where, row.reason, why)
				}
				continue
			}
			p, frozen := s.posts[row.post]
			if row.state != "delivered" || !frozen || p.admin != account {
				s.t.Errorf("%s: %s in post %q for %q", where, row.state, row.post, p.admin)
				continue
			}
			id := s.lineAt(p, a)
			heard = append(heard, row.post)
			switch {
			case opening == "" && a.Change == incident.ResolvedNow:
				s.t.Errorf("%s: told, and the opening never was", where)
			case opening == "":
				opening = row.post
			case p.parent != "post:"+opening:
				s.t.Errorf("%s: stands below %q, its opening is %q", where, p.parent, "post:"+opening)
			}
			if id < head {
				s.t.Errorf("%s: told before what happened before it", where)
			}
			head, severity = id, a.Severity
		}
		last := alerts[len(alerts)-1]
		if end := s.tellings[tellingKey{last.ID, account}]; opening != "" && end.state != "delivered" {
			s.t.Errorf("#%d, %s: its opening was told and its end was not: %+v", last.Number, account, end)
		}
		if got := said[last.Number]; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(heard))) {
			s.t.Errorf("#%d is spoken of to %s in posts %q, should be in %q", last.Number, account, got, heard)
		}
	}
}

// untrue says what is wrong with the reason for which a change was not told;
// told is whether anything of the incident was before, severity what that was.
func untrue(r bot.Reason, a incident.Alert, later []incident.Alert, told bool, severity checks.Severity) string {
	switch r {
	case bot.ToldInsteadOf:
		if len(later) == 0 {
			return "nothing came after it"
		}
	case bot.OverUntold:
		if told || a.Change != incident.ResolvedNow {
			return "it was told"
		}
	case bot.BackUntold:
		if !told || a.Severity != severity || a.Change == incident.ResolvedNow || a.Change == incident.OpenedNow {
			return "what was told differs: " + severity.String()
		}
	default:
		return "nothing in this storm is a reason for that"
	}
	return ""
}

var numbered = regexp.MustCompile(`(?m)^\[[A-Z][a-z ]+\] #(\d+) `)

// saidTo are the posts in which each incident's number begins a line, with
// repetitions, unless they are answers.
func (s *stock) saidTo(account string) map[int64][]string {
	said := map[int64][]string{}
	for key, p := range s.posts {
		if p.admin != account || p.kind == "reply" {
			continue
		}
		for _, m := range numbered.FindAllStringSubmatch(strings.Join(p.parts, "\n"), -1) {
			if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
				said[n] = append(said[n], key)
			}
		}
	}
	return said
}

// lineAt is the id of the status in which a post speaks of a change.
func (s *stock) lineAt(p postRow, a incident.Alert) int64 {
	label := map[incident.Change]string{incident.Worse: "worse: ", incident.Eased: "better, not over: "}[a.Change]
	begin := "[Action needed]"
	switch {
	case a.Change == incident.ResolvedNow:
		begin = "[Resolved]"
	case a.Severity < checks.Critical:
		begin = "[Warning]"
	}
	line := fmt.Sprintf("%s #%d %s", begin, a.Number, label)
	for i, part := range p.parts {
		if strings.HasPrefix(part, line) || strings.Contains(part, "\n"+line) {
			if i >= len(p.ids) {
				break
			}
			id, err := strconv.ParseInt(p.ids[i], 10, 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return id
		}
	}
	s.t.Errorf("#%d %s: post %s does not say %q: %q", a.Number, a.Change, p.key, line, p.parts)
	return 0
}

func (s *stock) everyQuestionIsAnsweredOnce() {
	answers := map[string][]string{}
	for key, p := range s.posts {
		if p.kind == "reply" {
			answers[p.parent] = append(answers[p.parent], key)
		}
	}
	direct := map[string]int{}
	for _, st := range s.statuses {
		direct[st.InReplyTo]++
	}
	for _, id := range s.questions {
		if len(answers[id]) != 1 || direct[id] != 1 {
			s.t.Errorf("question %s has %d answers in the state and %d on the server", id, len(answers[id]), direct[id])
		}
		delete(answers, id)
	}
	for parent, keys := range answers {
		s.t.Errorf("nobody asked %q, and it was answered: %q", parent, keys)
	}
	hellos := map[string]int{}
	for _, p := range s.posts {
		if p.kind == "hello" {
			hellos[p.admin]++
		}
	}
	for account := range s.admins {
		if hellos[account] != 1 {
			s.t.Errorf("%s was greeted %d times", account, hellos[account])
		}
	}
}

func (s *stock) nobodyElseHears() {
	if inbox := s.server.Inbox(s.mallory); len(inbox) > 0 {
		s.t.Errorf("mallory reads along: %+v", inbox)
	}
	heard := 0
	for _, a := range s.admins {
		for _, m := range s.server.Inbox(a) {
			if m.Dropped {
				s.t.Errorf("%s was not told of %s", a.Username, m.ID)
			}
			heard++
		}
	}
	if heard != len(s.statuses) {
		s.t.Errorf("the admins have %d messages, the bot has posted %d", heard, len(s.statuses))
	}
}

// sum says what there was, and asserts that it was enough to prove something.
func (s *stock) sum() {
	adopted := 0
	for _, line := range s.log.lines() {
		switch {
		case strings.Contains(line, "a post whose answer was lost is there"):
			adopted++
		case strings.Contains(line, "DATA RACE"), strings.HasPrefix(line, "panic:"), strings.HasPrefix(line, "fatal error:"):
			s.t.Errorf("a daemon said %s", line)
		}
	}
	states := map[string]int{}
	for _, r := range s.tellings {
		states[r.state]++
	}
	kinds := map[string]int{}
	threads := 0
	for _, p := range s.posts {
		kinds[p.kind]++
		if len(p.parts) > 1 {
			threads++
		}
	}
	met := 0
	for _, f := range s.faults {
		met += f.Count()
	}
	incidents := len(s.ofIncident())
	slices.Sort(s.starts)
	s.t.Logf("ready in %v, at the worst in %v; home in %v", s.starts[len(s.starts)/2], s.starts[len(s.starts)-1], s.home)
	s.t.Logf("%d kills, %d incidents with %d changes, tellings %v, posts %v (%d of them threads) in %d statuses, %d questions, %d adopted after a lost answer, %d faults",
		kills, incidents, len(s.alerts), states, kinds, threads, len(s.statuses), len(s.questions), adopted, met)
	if adopted < kills/20 || states["delivered"] < kills || incidents < kills/4 || len(s.questions) < kills/10 || threads == 0 {
		s.t.Error("this was no storm")
	}
}
