package backups

import (
	"fmt"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// rehearseAge is after how long the restore should be done by hand again, and
	// by somebody else (own: half a year).
	rehearseAge = 180 * day
	// restoredFresh is for how long a weekly restore vouches for the dumps that
	// have come since (own: a week, and a night that was missed).
	restoredFresh = 9 * day
	// retryRestore is after how long a restore that was not the dump's failure
	// is tried again: the next night (own).
	retryRestore = 20 * time.Hour
	// namedLeast is how much time there must be for a restore that was not asked
	// for by name: a daemon has it, a command line has not (own).
	namedLeast = 5 * time.Minute
)

// Reasons for restoring a backup now, or not.
const (
	rebuildOff    = "not switched on"
	rebuildUnread = "not read to its end yet, or nothing of today's Mastodon"
	rebuildDone   = "restored already"
	rebuildNamed  = "asked for by name"
	rebuildWaits  = "waits for the night"
	rebuildAgain  = "the last one could not be restored"
	rebuildWeekly = "restored within the week"
	rebuildRetry  = "tried this night"
	rebuildNight  = "a week has passed, and it is night"
)

// dueRebuild decides whether the newest backup is restored now. t is how
// reading it went, last the restore before.
func dueRebuild(on bool, newest string, t tested, last rebuilt, named bool, now time.Time) (bool, string) {
	night := now.Hour() >= testFrom && now.Hour() < testUntil
	readable := t.ID == newest && t.Outcome == outcomeWhole && !t.Bad && (t.Inside.Holds == holdsMastodon || t.Inside.Holds == holdsInserts)
	switch {
	case !on:
		return false, rebuildOff
	case !readable:
		return false, rebuildUnread
	case last.ID == newest && last.tried():
		return false, rebuildDone
	case named:
		return true, rebuildNamed
	case !night:
		return false, rebuildWaits
	case last.Outcome == outcomeDamaged || last.Outcome == outcomeFaulty:
		return true, rebuildAgain
	case last.tried() && now.Sub(last.At) < week-retryRestore/2:
		return false, rebuildWeekly
	case !last.At.IsZero() && !last.tried() && now.Sub(last.At) < retryRestore:
		return false, rebuildRetry
	}
	return true, rebuildNight
}

// judgeRebuilt compares what a restore has brought with what was counted in
// the dump.
func judgeRebuilt(got, inside contents, faults int, first string) (outcome, said string) {
	lost := func(what string, got, want int64) (string, string) {
		if first != "" {
			return outcomeDamaged, first
		}
		return outcomeDamaged, fmt.Sprintf("%s: %d, in the dump %d", what, got, want)
	}
	switch counted := inside.Holds == holdsMastodon; {
	case got.Accounts == 0 || counted && got.Accounts != inside.Accounts:
		return lost("accounts", got.Accounts, inside.Accounts)
	case counted && got.Users != inside.Users:
		return lost("users", got.Users, inside.Users)
	case counted && got.Newest != inside.Newest:
		return lost("newest status", got.Newest, inside.Newest)
	case faults > 0:
		return outcomeFaulty, first
	}
	return outcomeWhole, ""
}

// judgeOutcome is what a restore's outcome means.
func judgeOutcome(b rebuilt) verdict {
	switch b.Outcome {
	case outcomeDamaged:
		return verdict{checks.Critical, "rows are missing"}
	case outcomeFaulty:
		return verdict{checks.Warning, "all rows, and errors"}
	}
	return verdict{Why: "restored, or not tried"}
}

// further is the level beyond being readable: what is inside, and whether a
// restore vouches for it.
func further(l level, inside verdict, restored bool) level {
	switch {
	case l < levelComplete || inside.found() || inside.Why == insideUnasked:
		return l
	case restored:
		return levelRestored
	case inside.Why != insideToday && inside.Why != insideAlone:
		return l
	}
	return levelContents
}

// judgeRehearsal decides whether something that people should practise is due;
// since is when it was last done, or when this began to look.
func judgeRehearsal(since, now time.Time) verdict {
	if since.IsZero() || now.Sub(since) <= rehearseAge {
		return verdict{Why: "not yet"}
	}
	return verdict{checks.Warning, "half a year ago"}
}
