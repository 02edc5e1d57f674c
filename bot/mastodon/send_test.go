package mastodon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
)

func TestAMessageReachesItsReaderAndNobodyElse(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		first := w.deliver(w.message("[Warning] disk: 91 % used (usually 70)\nFix: sudo du -x / | sort -n"))
		m := w.message("it is over")
		m.Parent = first
		w.deliver(m)

		all := w.inbox(2)
		if got := all[0].Source; !strings.HasSuffix(got, "\n@alice") || strings.HasPrefix(got, "@") {
			w.t.Errorf("the mention does not stand on a line of its own at the end: %q", got)
		}
		if all[0].Visibility != sandbox.Direct || len(all[0].Mentions) != 1 || all[0].Language != "en" {
			w.t.Errorf("not direct to one reader in English: %+v", all[0].Status)
		}
		if all[1].InReplyTo != first {
			w.t.Errorf("the second answers %q, want %q", all[1].InReplyTo, first)
		}
		if all[1].Key != m.Key {
			w.t.Errorf("the idempotency key is %q, want %q", all[1].Key, m.Key)
		}
	})
}

func TestAMessageIsDeliveredWhetherOrNotTheReadersServerFiltersIt(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.deliver(w.message("before alice follows"))
		w.server.Follow(w.alice, w.saba)
		w.deliver(w.message("now she does"))
		if all := w.inbox(2); all[0].Dropped || all[1].Dropped {
			w.t.Error("a message was dropped")
		}
		relation, err := w.home.Relation(w.t.Context(), w.alice.ID)
		if err != nil || !relation.FollowedBy || relation.Following || relation.Blocked {
			w.t.Errorf("relation %+v, %v: want followed by alice only", relation, err)
		}
	})
}

func TestAMessageReachesAReaderElsewhere(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		m := w.message("hello from afar")
		m.To = bot.Recipient{ID: w.afar.ID, Handle: "bob@afar.example"}
		w.deliver(m)
		if _, found := w.find(m); !found {
			w.t.Error("it is not found again")
		}
	})
}

func TestAReaderWhomTheServerDoesNotMentionIsToldAboutAndThePostDeleted(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Block(w.alice, w.saba)
		m := w.message("nobody hears this")
		for range 3 {
			w.expect(w.send(m), forMessage(), "reached nobody")
		}
		if left := w.server.Statuses(); len(left) != 0 {
			w.t.Errorf("%d posts are left", len(left))
		}
	})
}

func TestAMessageThatReachedNobodyPassesWhenTheReaderIsThereAgain(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		m := w.message("try again")
		m.To.Handle = "alicia"
		w.expect(w.send(m), forMessage(), "reached nobody")
		m.To.Handle = "alice"
		w.deliver(m) // also where the first key now leads to a deleted post
		w.inbox(1)
	})
}

func TestAKeyOfADeletedPostIsNotFollowedForEver(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		m := w.message("deleted by a moderator")
		if err := w.server.Delete(w.deliver(m)); err != nil {
			w.t.Fatal(err)
		}
		w.expect(w.send(m), forMessage(), "the next attempt uses another")
		w.deliver(m)
		w.inbox(1)
	})
}

func TestATextThatWouldMentionSomebodyIsNeverSent(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		for _, text := range []string{"login failed for @evil", "（@evil）", "＠evil", "\u2060@evil@example.com"} {
			w.expect(w.send(w.message(text)), final(), "would mention")
		}
		w.expect(w.send(w.message(" \n")), final(), "empty")
		m := w.message("fine")
		m.To.Handle = "alice @evil"
		w.expect(w.send(m), final(), "no account")
		m.To = bot.Recipient{ID: w.alice.ID, Handle: "alice"}
		m.Key = "two\nlines"
		w.expect(w.send(m), final(), "cannot stand in a header")
		m.To = bot.Recipient{Handle: "alice"}
		w.expect(w.send(m), final(), "no account")
		if len(w.server.Statuses()) != 0 {
			w.t.Error("something was posted")
		}
	})
}

// leak makes the form mention one more, as if the check before had missed it.
func (w *world) leak(m bot.Message) bot.Receipt {
	w.t.Helper()
	p, err := w.home.post(w.t.Context(), form(m, "evil and also\n@alice"), m.Key)
	if err != nil {
		return receiptOf(err)
	}
	r, ok := w.home.judge(w.t.Context(), p, m)
	if ok {
		w.t.Fatal("it was taken for a message to the reader alone")
	}
	return r
}

func TestAPostThatReachedOthersIsDeletedOrNeverStored(t *testing.T) {
	for name, why := range map[string]string{
		"Mastodon 4.5":                          "would also have reached 1 other",
		"Mastodon 4.2":                          "would also have reached 1 other",
		"GoToSocial":                            "deleted",
		"a fork without keys and guarded names": "also reached account",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, flavours[name], func(w *world) {
				w.expect(w.leak(w.message("a line from a log")), final(), why)
				if len(w.server.Statuses()) != 0 {
					w.t.Error("the post is still there")
				}
			})
		})
	}
}

func TestALeakIsDeletedAlsoWhenTheCallerEnds(t *testing.T) {
	inWorld(t, flavours["GoToSocial"], func(w *world) {
		m := w.message("the bot is told to end")
		p, err := w.home.post(w.t.Context(), form(m, "evil\n@alice"), m.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		r, _ := w.home.judge(ended(w.t.Context()), p, m)
		w.expect(r, final(), "deleted")
		if len(w.server.Statuses()) != 0 {
			w.t.Error("the post is still there")
		}
	})
}

func TestALeakThatCannotBeDeletedIsSaidToBe(t *testing.T) {
	inWorld(t, flavours["GoToSocial"], func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Method: http.MethodDelete, Status: 503})
		w.expect(w.leak(w.message("it stays")), final(), "could not be deleted")
		if !strings.Contains(w.log.String(), "level=ERROR") {
			w.t.Error("the log does not say so")
		}
	})
}

func TestTooLongATextIsRefusedForGood(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.expect(w.send(w.message(strings.Repeat("long ", 1100))), final(), "5")
	})
}

func TestAnAnswerThatIsLostAfterTheStoreIsUncertainAndTheMessageIsFound(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.CutAfter, Method: http.MethodPost, Times: 1})
		m := w.message("was it stored?")
		w.expect(w.send(m), uncertain(), "no usable answer")
		id, found := w.find(m)
		if all := w.inbox(1); !found || id != all[0].ID {
			w.t.Errorf("found %v with id %q, want %q", found, id, all[0].ID)
		}
	})
}

func TestAConnectionThatIsCutBeforeTheStoreIsUncertainAndTheMessageIsNotFound(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.CutBefore, Method: http.MethodPost, Times: 1})
		m := w.message("was it stored?")
		w.expect(w.send(m), uncertain(), "no usable answer")
		if id, found := w.find(m); found {
			w.t.Errorf("found as %q", id)
		}
		w.deliver(m)
		w.inbox(1)
	})
}

func TestAServerThatCannotBeReachedRefusesForTheWholeChannel(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Close()
		w.expect(w.send(w.message("nobody home")), wide(), "not sent")
		if _, _, err := w.home.Find(w.t.Context(), w.message("nobody home")); err == nil {
			w.t.Error("not found, although nobody could be asked")
		}
	})
}

func TestAMessageIsNotEvenTriedWhenTheCallerHasEnded(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.expect(w.home.Send(ended(w.t.Context()), w.message("too late")), wide(), "not sent")
		w.inbox(0)
	})
}

func TestAnAttemptEndsWithinItsPatienceHoweverSlowTheServer(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"the answer never comes":         {Kind: sandbox.Hang, Method: http.MethodPost},
		"the answer comes too late":      {Kind: sandbox.Slow, Method: http.MethodPost, Delay: time.Minute},
		"the reading back never ends":    {Kind: sandbox.Hang, Method: http.MethodGet},
		"everything hangs":               {Kind: sandbox.Hang},
		"the answer never ends":          {Kind: sandbox.Endless, Method: http.MethodGet},
		"the answer is slow, but usable": {Kind: sandbox.Slow, Method: http.MethodPost, Delay: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, sandbox.Options{}, func(w *world) {
				w.server.Misbehave(fault)
				began := time.Now()
				r := w.send(w.message("slowly"))
				if took := time.Since(began); took > w.home.Patience() {
					t.Errorf("took %s", took)
				}
				usable := strings.Contains(name, "usable")
				if usable && r.Outcome != bot.Delivered || !usable && r.Outcome != bot.Uncertain {
					t.Errorf("receipt %+v", r)
				}
				w.server.Behave()
			})
		})
	}
}

func TestAnAnswerBeyondPatienceIsFoundAfterwards(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Late, Method: http.MethodPost, Delay: 13 * time.Second, Times: 1})
		m := w.message("stored behind our back")
		w.expect(w.send(m), uncertain(), "no usable answer")
		if _, found := w.find(m); found {
			w.t.Error("it is there too early")
		}
		w.pass(w.home.Patience())
		if _, found := w.find(m); !found {
			w.t.Error("it is not found after the patience")
		}
		w.inbox(1)
	})
}

func TestASuccessThatStoredNothingIsNoDelivery(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		fault := w.server.Misbehave(sandbox.Fault{Kind: sandbox.FakeStatus})
		m := w.message("buy cheap disks")
		w.expect(w.send(m), forMessage(), "nothing is stored")
		fault.Stop()
		w.deliver(m)
		w.inbox(1)
	})
}

func TestAPostThatCannotBeReadBackIsLookedForInsteadOfSentAgain(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		for name, fault := range map[string]sandbox.Fault{
			"503":          {Kind: sandbox.Answer, Status: 503},
			"cut":          {Kind: sandbox.CutBefore},
			"broken JSON":  {Kind: sandbox.Garbage},
			"a challenge":  {Kind: sandbox.Challenge},
			"rate limited": {Kind: sandbox.Answer, Status: 429, Delay: time.Minute},
		} {
			fault.Method, fault.PathPrefix = http.MethodGet, statusesAPI
			m := w.message("read back with " + name)
			force := w.server.Misbehave(fault)
			r := w.send(m)
			force.Stop()
			if (name == "rate limited") != !r.NotBefore.IsZero() {
				w.t.Errorf("%s: not before %s", name, r.NotBefore)
			}
			r.NotBefore = time.Time{}
			w.expect(r, uncertain(), "could not be read back")
			if _, found := w.find(m); !found {
				w.t.Errorf("%s: not found", name)
			}
		}
	})
}

func TestAReplicaThatLagsIsGivenASecondLook(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Status: 404, Method: http.MethodGet, PathPrefix: statusesAPI, Times: 1})
		w.deliver(w.message("a moment behind"))
	})
}

func TestAReplyToAPostThatIsGoneSaysSoAndPassesWithoutIt(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		parent := w.deliver(w.message("the opening"))
		if err := w.server.Delete(parent); err != nil {
			w.t.Fatal(err)
		}
		m := w.message("the end")
		m.Parent = parent
		r := forMessage()
		r.ParentGone = true
		w.expect(w.send(m), r, "is gone")
		m.Parent = ""
		w.deliver(m)
	})
}

func TestWhetherTheParentIsGoneIsNotGuessed(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Method: http.MethodGet, PathPrefix: statusesAPI, Status: 502})
		m := w.message("a reply")
		m.Parent = "4711"
		w.expect(w.send(m), forMessage(), "could not be told")
	})
}

func TestARateLimitRestsTheChannelUntilTheServersOwnReset(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Method: http.MethodPost, Status: 429, Delay: 7 * time.Minute, Times: 1})
		m := w.message("too many")
		r := w.send(m)
		if wait := time.Until(r.NotBefore).Round(time.Minute); wait != 7*time.Minute {
			w.t.Errorf("not before %s from now, want 7m", wait)
		}
		r.NotBefore = time.Time{}
		w.expect(r, wide(), "too many requests")
		w.deliver(m)
	})
}

func TestThePostsOfThreeHoursComeToAnEnd(t *testing.T) {
	inWorld(t, sandbox.Options{LimitFactor: 0.1}, func(w *world) {
		sent := 0
		for range 40 {
			r := w.send(w.message("message " + string(rune('a'+sent%26)) + strings.Repeat("x", sent)))
			if r.Outcome != bot.Delivered {
				if r.NotBefore.Before(time.Now()) {
					w.t.Errorf("receipt %+v without an end", r)
				}
				break
			}
			sent++
			w.pass(time.Minute)
		}
		if sent != 30 {
			w.t.Errorf("%d were sent, want 30", sent)
		}
	})
}

func TestATokenThatIsNotTakenRefusesForTheWholeChannel(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		w.server.Revoke(w.token)
		w.expect(w.send(w.message("with a dead token")), wide(), "token: ")
		w.home = w.client(w.server.Token(w.saba, "read"))
		w.expect(w.send(w.message("with a weak token")), wide(), "permission: ")
	})
}

func TestAServerErrorIsUncertain(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		for _, code := range []int{500, 502, 503, 504, 520} {
			w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, Method: http.MethodPost, Status: code, Times: 1})
			w.expect(w.send(w.message("hello")), uncertain(), http.StatusText(code))
		}
		w.inbox(0)
	})
}

func TestAKeyThatWasUsedForAnotherMessageIsNoDelivery(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		first := w.message("disk: 91 % used")
		w.deliver(first)

		soon := w.message("disk: 95 % used")
		soon.Key = first.Key
		w.expect(w.send(soon), final(), "another text")

		w.pass(10 * time.Minute)
		later := w.message("disk: 97 % used")
		later.Key = first.Key
		w.expect(w.send(later), forMessage(), "of another message")
		w.deliver(later)
		w.inbox(2)
	})
}

func TestTheSameKeyDeliversOnceWhereKeysAreHonoured(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		m := w.message("once")
		if first, second := w.deliver(m), w.deliver(m); first != second {
			w.t.Errorf("two posts, %s and %s", first, second)
		}
		w.inbox(1)
	})
}

func TestNothingThatIsPrintedShowsTheToken(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.deliver(w.message("hello"))
		w.server.Revoke(w.token)
		w.send(w.message("again"))
		w.home.log.Info("printed", "home", w.home)
		body, _ := json.Marshal(w.home.Health())
		for _, printed := range []string{
			w.log.String(), w.home.String(), string(body),
			fmt.Sprintf("%v %+v %#v %s %q", w.home, w.home, w.home, w.home, w.home),
		} {
			if strings.Contains(printed, w.token) {
				w.t.Errorf("the token stands in %q", printed)
			}
		}
	})
}
