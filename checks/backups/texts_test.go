package backups

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	const gb = 1 << 30
	now := checkstest.TextsNow
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	week := []point{{Time: ago(9 * day), Size: 4 * gb}, {Time: ago(5 * day), Size: 4 * gb}, {Time: ago(31 * time.Hour), Size: 4 * gb}}
	base := func(set ...func(*seen)) seen {
		s := seen{Name: nameOf("pg"), Rhythm: day, How: rhythmLearned, Usual: 4 * gb, Size: 4 * gb, Level: levelComplete}
		s.Source.Name, s.Glob = "pg", "/var/backups/mastodon/*.dump"
		s.Runs = week
		s.Newest = &artefact{Path: "/var/backups/mastodon/2026-11-24.dump", Time: ago(31 * time.Hour), Size: 4 * gb, ID: "new"}
		s.Tested = tested{ID: "new", Outcome: outcomeWhole, Path: s.Newest.Path, Made: s.Newest.Time, Tool: "pg_restore"}
		s.Here, s.Compared = true, true
		for _, f := range set {
			f(&s)
		}
		return s
	}
	how := func(h string) func(*seen) { return func(s *seen) { s.How = h } }
	at := func(l level) func(*seen) { return func(s *seen) { s.Level = l } }
	young := func(s *seen) { s.Runs = week[1:] }
	inStatus := func(s *seen) {
		s.Status = status{Tool: "restic", Trouble: "unable to open repository: connection refused", Exit: 3}
		s.Newest.Path, s.Newest.Size, s.Glob, s.StatusFile, s.Size = "", -1, "", "/var/lib/restic/snapshots.json", -1
	}
	copied := func(s *seen) { s.Newest.Header.Made = s.Newest.Time }
	sized := func(n int64) func(*seen) {
		return func(s *seen) { s.Size, s.Newest.Size = n, n }
	}
	damaged := func(tool string, cut bool) func(*seen) {
		return func(s *seen) {
			s.Tested.Outcome, s.Tested.Tool, s.Tested.Cut, s.Level = outcomeDamaged, tool, cut, levelSize
			s.Tested.Said = "could not read from input file: end of file"
		}
	}
	older := func(s *seen) {
		s.Tested.ID, s.Tested.Path, s.Tested.Made = "old", "/var/backups/mastodon/2026-11-23.dump", ago(55*time.Hour)
	}
	inside := func(why string, newest time.Time, accounts int64) func(*seen) {
		return func(s *seen) {
			s.Inside = verdict{Severity: checks.Critical, Why: why}
			s.Tested.Inside = contents{Holds: holdsMastodon, Accounts: accounts}
			if !newest.IsZero() {
				s.Tested.Inside.Newest = newest.UnixMilli() << 16
			}
			s.Accounts = 81200
		}
	}
	fine := func(s *seen) { s.Inside.Severity = checks.OK }
	alone := func(s *seen) { s.Compared = false }
	restored := func(outcome string, set ...func(*rebuilt)) func(*seen) {
		return func(s *seen) {
			s.Rebuilt = rebuilt{Outcome: outcome, At: ago(5 * time.Hour), Made: ago(31 * time.Hour), Took: 40 * time.Minute, Faults: 2, Said: `could not create unique index "index_tags_on_name_lower_btree"`, Proven: ago(2 * day), Lasted: 11 * time.Minute, Version: 15, Need: 60 * gb, Free: 12 * gb}
			for _, f := range set {
				f(&s.Rebuilt)
			}
		}
	}
	silent := func(b *rebuilt) { b.Said = "" }
	failed := job{Unit: "pg-backup.service", Result: "exit-code", Status: 1, At: ago(6 * time.Hour), Said: []string{"pg_dump: connection to server failed"}}
	tool := func(name, said string) func(*seen) {
		return func(s *seen) { s.Trial = tested{Outcome: outcomeNoTool, Tool: name, Said: said} }
	}
	fault := func(err error) func(*seen) { return func(s *seen) { s.Err = err } }
	logged := base()
	logged.Source.Log = "/var/log/pg-backup.log"
	logged.known.Log = logState{At: ago(6 * time.Hour), Trouble: "pg_dump: connection to server failed"}
	none := base(func(s *seen) { s.Runs, s.Newest, s.Status.Exit = nil, nil, 1 })
	gone := base(func(s *seen) { s.Newest = nil })
	found := base(func(s *seen) { s.Newest, s.Found = nil, true })

	say := checkstest.Say
	old, large, small, empty := base(), base(sized(19*gb)), base(sized(gb/2)), base(sized(0), at(levelRecent))
	cut := base(damaged("gzip", true))
	said := []checkstest.Said{
		say("old", oldText(old, nil), oldAdvice(old)),
		say("old, by few days, after a failed job", oldText(base(young, at(levelSize)), []job{failed}), oldAdvice(old)),
		say("old, set, by a status file", oldText(base(how(rhythmSet), inStatus), nil), oldAdvice(old)),
		say("old, assumed, an old dump is copied", oldText(base(how(rhythmAssumed), copied), nil), oldAdvice(old)),
		say("old, no rhythm", oldText(base(how(rhythmUnknown)), nil), oldAdvice(old)),
		say("never there", missingText(none), missingAdvice(none)),
		say("none left", missingText(gone), missingAdvice(gone)),
		say("none left, found by itself", missingText(found), missingAdvice(found)),
		say("empty", sizeText(empty, codeSmall), sizeAdvice(empty, codeSmall)),
		say("small", sizeText(small, codeSmall), sizeAdvice(small, codeSmall)),
		say("small, by few days", sizeText(base(sized(gb/2), young), codeSmall)),
		say("large", sizeText(large, codeLarge), sizeAdvice(large, codeLarge)),
		say("cut off", incompleteText(cut), incompleteAdvice(cut)),
	}
	for _, one := range []string{"pg_restore", "zstd", "tar"} {
		s := base(damaged(one, false), older)
		said = append(said, say("damaged, by "+one, incompleteText(s), incompleteAdvice(s)))
	}
	reported := base(inStatus)
	oldInside, fewInside := base(inside(insideOld, ago(80*day), 80110), alone), base(inside(insideFew, ago(31*time.Hour), 1204), older)
	said = append(
		said,
		say("an error in the status file", troubleText(reported)),
		say("the job ended with an error", exitText(reported)),
		say("the job ended with an error, no words", exitText(none)),
		say("no room", roomText(base(func(s *seen) { s.Free = 3 * gb }), false), roomAdvice(base())),
		say("no room, on the server's disk", roomText(base(func(s *seen) { s.Free = 3 * gb }), true), roomAdvice(base())),
		say("same disk as the database", sameDiskText(sharedDatabase), sameDiskAdvice([]seen{base()})),
		say("same disk as the system", sameDiskText(sharedSystem), sameDiskAdvice(nil)),
		say("no .env.production", noEnvText(), noEnvAdvice("/home/mastodon/live")),
		say("no media", noMediaText(), noMediaAdvice("/home/mastodon/live/public/system")),
		say("inside: old", contentsText(oldInside), contentsAdvice(oldInside)),
		say("inside: few", contentsText(fewInside), contentsAdvice(fewInside)),
		say("inside: nothing", contentsText(base(inside(insideEmpty, time.Time{}, 3)))),
		say("not restorable", unrestorableText(base(restored(outcomeDamaged))), unrestorableAdvice(base())),
		say("restorable with errors", unrestorableText(base(restored(outcomeFaulty)))),
		say("not restored for long", unrestoredText(ago(140*day)), unrestoredAdvice()),
		say("never restored", neverRestoredText(ago(40*day))),
		say("time to rehearse, never done", rehearseText(time.Time{}), unrestoredAdvice()),
		say("time to rehearse", rehearseText(ago(400*day))),
		say("a second person", secondText(time.Time{}), secondAdvice()),
		say("a second person, once there", secondText(ago(200*day)), secondAdvice()),
		say("a job failed", jobText(failed), jobAdvice(failed)),
		say("a job failed, a timeout", jobText(job{Unit: "pg-backup.service", Result: "timeout"}), jobAdvice(failed)),
		say("a job failed, killed", jobText(job{Unit: "pg-backup.service", Result: "oom-kill", At: ago(time.Hour)})),
		say("a job failed, in a way of its own", jobText(job{Unit: "pg-backup.service", Result: "resources", At: ago(time.Hour)})),
		say("a log", logText(logged), logAdvice(logged)),
		say("unseen: a log, no permission", blindLog(logged, fs.ErrPermission)),
		say("unseen: a log, not there", blindLog(logged, fs.ErrNotExist)),
		say("unseen: a log, hangs", blindLog(logged, errHangs)),
		say("unseen: a log, an error", blindLog(logged, errors.New("input/output error"))),
		say("unseen: nothing", nothingSeen()),
		say("unseen: none found", noneFound(nil), noneAdvice()),
		say("unseen: only a single dump", noneFound([]stray{{Path: "/home/mastodon/before-4.5.dump", Time: ago(60 * day)}}), noneAdvice()),
		say("unseen: no Mastodon", noneHere(nil)),
		say("unseen: does not answer", blindSource(base(fault(errHangs)))),
		say("unseen: no permission for a status file", blindSource(base(fault(fs.ErrPermission)))),
		say("unseen: another form", blindSource(base(fault(errForm))), mendSource(base(fault(errForm)))),
		say("unseen: too large", blindSource(base(fault(errTooLarge)))),
		say("unseen: an error", blindSource(base(fault(errors.New("input/output error"))))),
		say("unseen: no permission", blindDenied(base(func(s *seen) { s.Denied = []string{"/var/backups/mastodon"} }))),
		say("unseen: no permission for the file", blindFile(base()), checks.Advice{Text: mendFile(base()).Text}),
		say("unseen: no pg_restore", blindTool(base(tool("pg_restore", ""))), mendTool(base(tool("pg_restore", "")))),
		say("unseen: an old pg_restore", blindTool(base(tool("pg_restore", "unsupported version (1.16) in file header"))), mendTool(base(tool("pg_restore", "unsupported version (1.16) in file header")))),
		say("unseen: slow", blindSlow(base()), mendSlow()),
		say("unseen: what borg holds", blindPaths(base()), mendPaths(base())),
		say("unseen: the running server", blindLive(base(), checks.Text{En: "PostgreSQL at 127.0.0.1:5432 does not answer in time", Ja: "PostgreSQL（127.0.0.1:5432）から時間内に応答がありません"})),
		say("unseen: media", blindMedia(), mendMedia()),
	)
	for _, outcome := range []string{outcomeRoot, outcomeNoTool, outcomeSlow, outcomeRoom, outcomePlace, outcomeBroke} {
		s := base(restored(outcome))
		if outcome == outcomePlace {
			s.Rebuilt.Said = "read-only file system"
		}
		said = append(said, say("unseen: restore, "+outcome, blindRebuild(s, "/var/lib/sababan/restore"), mendRebuild(s, "/var/lib/sababan/restore")))
	}
	slow := base(restored(outcomeSlow, silent))
	said = append(said, say("unseen: restore, would be slow", blindRebuild(slow, "/var/lib/sababan/restore")))

	for n, one := range []struct {
		what string
		seen seen
	}{
		{"proven by its end", base()},
		{"contents", base(at(levelContents), inside(insideToday, ago(32*time.Hour), 81140), fine)},
		{"contents, not compared", base(at(levelContents), inside(insideAlone, ago(32*time.Hour), 81140), fine)},
		{"restored", base(at(levelRestored), restored(outcomeWhole))},
		{"damaged", cut},
		{"old inside", oldInside},
		{"restored with errors", base(restored(outcomeFaulty))},
		{"without Mastodon", base(func(s *seen) { s.Tested.Inside.Holds = holdsOther })},
		{"foreign", base(at(levelSize), func(s *seen) { s.Trial.Outcome = outcomeForeign })},
		{"by a status file", base(inStatus, at(levelRecent), how(rhythmSet))},
	} {
		said = append(said, say(fmt.Sprintf("summary %d, %s", n, one.what), (&round{seen: []seen{one.seen}}).summarise()))
	}
	unread := base(at(levelSize), young)
	unread.Found = true
	writing := none
	writing.Writing = true
	hidden := none
	said = append(
		said,
		say("summary, found by itself, not read yet", (&round{seen: []seen{unread}}).summarise()),
		say("summary, many, with a failed job", (&round{seen: []seen{base(), base(), base(), base(), writing, hidden}, failed: []job{failed}}).summarise()),
		say("summary, the first is being written", (&round{seen: []seen{writing}}).summarise()),
	)
	checkstest.Texts(t, "backups", said...)
}
