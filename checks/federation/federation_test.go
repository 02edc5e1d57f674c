package federation

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	w := newWorld(t, "4.6")
	checkstest.Contract(t, w.kind, "")
}

func TestEveryVersionIsReadWithExactlyTheRightsThatAreAskedFor(t *testing.T) {
	for _, version := range postgres.Versions() {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t, version, "server03.test")
			o := w.look(t, true)
			w.nothingFound(t, o)
			if age := checkstest.Value(t, o, newestAge, ""); age < 30 || age > 600 {
				t.Errorf("the newest post is %v s old", age)
			}
			if n := checkstest.Value(t, o, serversHeard, ""); n != 12 {
				t.Errorf("heard %v servers", n)
			}
			t.Logf("%s\n%s", o.Summary.En, o.Summary.Ja)
			w.usual(20, 60)
			o = w.look(t, false)
			t.Logf("%s\n%s", o.Summary.En, o.Summary.Ja)
		})
	}
}

func TestRightsThatAreMissingAreNamed(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	none := db.Site(t)
	c := checkstest.Make(t, Kind(none), "")
	_, err := c.Look(t.Context(), &checkstest.Past{})
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || len(unseen.Advice.Look) == 0 {
		t.Errorf("without any right: %v", err)
	}
	// The pulse alone may be read: what else there was stays as it is.
	reads := Kind(none).Reads[:2]
	k := Kind(db.Site(t, reads...))
	o := checkstest.Look(t, k, checkstest.Make(t, k, ""), nil)
	checkstest.Value(t, o, newestAge, "")
	hidden := map[string]bool{}
	for _, b := range o.Blind {
		hidden[b.Code] = true
	}
	for _, code := range []string{codeMissing, codeRefused, codeFriend, codeUs} {
		if !hidden[code] {
			t.Errorf("%s is not said to be unseen", code)
		}
	}
}

func TestAMistakeInTheTableIsNamed(t *testing.T) {
	k := Kind(&site.Site{})
	for _, table := range []string{`friends = ["https://example.social"]`, `friends = ["localhost"]`, `friends = ["10.0.0.1"]`, `friend = []`} {
		if _, err := k.New(checkstest.Table(table)); err == nil || !strings.Contains(err.Error(), "friend") {
			t.Errorf("%s: %v", table, err)
		}
	}
	s, err := site.New(site.Config{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = Kind(s).New(checkstest.Table(`friends = ["例え.jp"]`))
	var missing *checks.NotSetUp
	if !errors.As(err, &missing) {
		t.Errorf("without a database: %v", err)
	}
}

func TestAFrozenDatabaseIsSaidInTime(t *testing.T) {
	c := postgres.Own(t)
	db := c.Mastodon(t, "4.6")
	s := db.Site(t, Kind(&site.Site{}).Reads...)
	k := Kind(s)
	look := checkstest.Make(t, k, "")
	checkstest.Look(t, k, look, nil)
	c.Freeze(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	began := time.Now()
	_, err := look.Look(ctx, &checkstest.Past{})
	if err == nil || time.Since(began) > 4*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	c.Thaw(t)
}
