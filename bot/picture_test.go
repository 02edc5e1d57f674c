package bot

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/state"
)

func TestPicturesThatCannotBeAttachedAreSaidInWords(t *testing.T) {
	line, long := Picture{Alt: "disk rises from 60 to 70 %"}, strings.Repeat("word ", 90)
	for name, c := range map[string]struct {
		parts    []string
		pictures []Picture
		want     []string
	}{
		"behind the words where there is room": {
			[]string{"disk, 7 days"},
			[]Picture{line},
			[]string{"disk, 7 days\n(The picture could not be attached.) disk rises from 60 to 70 %"},
		},
		"each on a line of its own": {
			[]string{"disk"},
			[]Picture{line, {Alt: "two"}},
			[]string{"disk\n(The picture could not be attached.) disk rises from 60 to 70 %\ntwo"},
		},
		"in a part of its own where there is none": {
			[]string{long},
			[]Picture{line},
			[]string{long, "(The picture could not be attached.) disk rises from 60 to 70 %"},
		},
		"behind the last part of a thread": {
			[]string{"a\n(1/2)", "b\n(2/2)"},
			[]Picture{line},
			[]string{"a\n(1/2)", "b\n(2/2)\n(The picture could not be attached.) disk rises from 60 to 70 %"},
		},
		"a picture without words leaves none": {[]string{"disk"}, []Picture{{}}, []string{"disk"}},
	} {
		if got := inWords(c.parts, c.pictures, 480, 10, checks.English); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := inWords([]string{"図"}, []Picture{line}, 500, 10, checks.Japanese); !strings.Contains(got[0], "画像を添付できませんでした") {
		t.Errorf("in Japanese: %q", got)
	}
	for _, part := range inWords([]string{"a"}, []Picture{{Alt: strings.Repeat("長い ", 700)}}, 500, 20, checks.Japanese) {
		if n := len([]rune(part)); n > 480 {
			t.Errorf("a part of %d characters", n)
		}
	}
}

// pen is a channel that answers as it is told and keeps what it was given.
type pen struct {
	noChannel
	answers []Receipt
	sent    []Message
}

func (p *pen) Send(_ context.Context, m Message) Receipt {
	p.sent = append(p.sent, m)
	r := p.answers[0]
	p.answers = p.answers[1:]
	return r
}

// desktop is an outbox with one post with pictures in it.
func desktop(t *testing.T, p post, answers ...Receipt) (*outbox, *pen) {
	t.Helper()
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	limit := func() int { return defaultLimit }
	d := &desk{db: db, limit: limit}
	if err := db.Write(t.Context(), func(tx *sql.Tx) error { return d.insert(t.Context(), tx, p) }); err != nil {
		t.Fatal(err)
	}
	c := &pen{answers: answers}
	return newOutbox(db, slog.New(slog.DiscardHandler), c, limit), c
}

// turn makes the next attempt; false where nothing may go.
func (o *outbox) turn(t *testing.T) bool {
	t.Helper()
	p, _, err := o.next(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if p != nil {
		failures := 0
		o.attempt(t.Context(), p, &failures)
	}
	return p != nil
}

func (o *outbox) pictures(t *testing.T) (n int) {
	t.Helper()
	if err := o.db.Read(t.Context(), func(tx *sql.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM picture`).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func pictureOf(alt string) []Picture { return []Picture{{PNG: []byte("png"), Alt: alt}} }

var reader = Recipient{ID: "7", Handle: "alice"}

func TestPicturesGoWithTheFirstPartAndAreGoneOnceItIsThere(t *testing.T) {
	o, c := desktop(t, post{Key: "a", Kind: kindReply, Admin: "alice", To: reader, Text: strings.Repeat("many words ", 60), Pictures: pictureOf("for @evil")},
		Receipt{Outcome: Refused, ForMessage: true}, Receipt{ID: "1"}, Receipt{ID: "2"})
	for range 3 {
		if !o.turn(t) {
			t.Fatal("nothing to send")
		}
	}
	if len(c.sent[0].Pictures) != 1 || len(c.sent[1].Pictures) != 1 || len(c.sent[2].Pictures) != 0 {
		t.Errorf("sent %+v", c.sent)
	}
	if checks.Live(c.sent[0].Pictures[0].Alt) {
		t.Error("the words of the picture name somebody")
	}
	if n := o.pictures(t); n != 0 || o.turn(t) {
		t.Errorf("%d pictures are kept", n)
	}
}

func TestAPostGoesOnInWordsWhereItsPicturesAreNotTaken(t *testing.T) {
	o, c := desktop(t, post{Key: "a", Kind: kindReply, Admin: "alice", To: reader, Text: "disk", Pictures: pictureOf("it rises")},
		Receipt{Outcome: Refused, ForMessage: true, NoPictures: true, Why: "422"}, Receipt{ID: "1"})
	for o.turn(t) {
	}
	if len(c.sent) != 2 || len(c.sent[1].Pictures) != 0 || c.sent[1].Text != "disk\n(The picture could not be attached.) it rises" {
		t.Fatalf("sent %+v", c.sent)
	}
	if c.sent[0].Key != c.sent[1].Key {
		t.Error("it is another message now")
	}
}

func TestAPublicPostIsToNobody(t *testing.T) {
	o, c := desktop(t, post{Key: "a", Kind: kindReply, Text: "this week", Visibility: Unlisted, Lang: checks.Japanese, Pictures: pictureOf("x")}, Receipt{ID: "1"})
	o.turn(t)
	if m := c.sent[0]; m.To != (Recipient{}) || m.Visibility != Unlisted || m.Lang != checks.Japanese || len(m.Pictures) != 1 {
		t.Errorf("sent %+v", m)
	}
}

func TestPicturesOfWhatIsGivenUpAreNotKept(t *testing.T) {
	o, _ := desktop(t, post{Key: "a", Kind: kindReply, Admin: "alice", To: reader, Text: "disk", Pictures: pictureOf("x")},
		Receipt{Outcome: Refused, ForMessage: true, Final: true})
	o.turn(t)
	if n := o.pictures(t); n != 0 {
		t.Errorf("%d pictures are kept", n)
	}
}

func TestAPictureThatIsTooLargeIsNotFrozen(t *testing.T) {
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := &desk{db: db, limit: func() int { return defaultLimit }}
	for name, pictures := range map[string][]Picture{
		"too large": {{PNG: make([]byte, mostPictureBytes+1)}}, "empty": {{}}, "too many": make([]Picture, MostPictures+1),
	} {
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			return d.insert(t.Context(), tx, post{Key: "a", Kind: kindReply, Text: "x", Pictures: pictures})
		})
		if err == nil {
			t.Errorf("%s: frozen", name)
		}
	}
}
