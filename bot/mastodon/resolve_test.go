package mastodon

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/sandbox"
)

func TestAnAccountIsFoundHoweverItIsWritten(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		for written, want := range map[string]sandbox.Account{
			"alice": w.alice, "@alice": w.alice, " ALICE ": w.alice, "＠alice": w.alice,
			"alice@sandbox.example": w.alice, "@Alice@Sandbox.Example": w.alice,
			"bob@afar.example": w.afar, "@bob@AFAR.example": w.afar,
		} {
			got, err := w.home.Resolve(w.t.Context(), written)
			if err != nil || got.ID != want.ID || got.Handle != want.Acct() {
				w.t.Errorf("%q: got %+v, %v", written, got, err)
			}
		}
	})
}

func TestAnAccountThatTheServerHasNotMetIsAskedForElsewhere(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		far := w.server.AddAccount(sandbox.Account{Username: "carol", Domain: "new.example", Unseen: true})
		got, err := w.home.Resolve(w.t.Context(), "carol@new.example")
		if err != nil || got.ID != far.ID {
			w.t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestTheGeneralSearchStandsInForTheOneForAccounts(t *testing.T) {
	inWorld(t, sandbox.Options{}, func(w *world) {
		w.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, PathPrefix: "/api/v1/accounts/search", Status: 404})
		far := w.server.AddAccount(sandbox.Account{Username: "carol", Domain: "new.example", Unseen: true})
		if got, err := w.home.Resolve(w.t.Context(), "carol@new.example"); err != nil || got.ID != far.ID {
			w.t.Errorf("got %+v, %v", got, err)
		}
		w.home = w.client(w.server.Token(w.saba, "read:accounts"))
		if _, err := w.home.Resolve(w.t.Context(), "nobody@new.example"); err == nil || !strings.Contains(err.Error(), "read:search") {
			w.t.Errorf("without the scope: %v", err)
		}
	})
}

func TestOnlyTheServersOwnAnswerMeansThatThereIsNoSuchAccount(t *testing.T) {
	inEveryWorld(t, func(w *world) {
		ask := func(written string) error {
			_, err := w.home.Resolve(w.t.Context(), written)
			return err
		}
		for _, written := range []string{"nobody", "nobody@afar.example", "alic", "alice@elsewhere.example", "alicea"} {
			if err := ask(written); !errors.Is(err, bot.ErrNoSuchAccount) || !strings.Contains(err.Error(), strings.ToLower(written)) {
				w.t.Errorf("%q: %v", written, err)
			}
		}
		for name, fault := range map[string]sandbox.Fault{
			"503": {Kind: sandbox.Answer, Status: 503}, "429": {Kind: sandbox.Answer, Status: 429},
			"401": {Kind: sandbox.Answer, Status: 401}, "403": {Kind: sandbox.Answer, Status: 403},
			"cut": {Kind: sandbox.CutBefore}, "broken": {Kind: sandbox.Garbage}, "a page": {Kind: sandbox.Challenge},
		} {
			for _, path := range []string{"/api/v1/accounts/lookup", "/api/v1/accounts/search", "/api/v"} {
				if name == "403" && path == "/api/v1/accounts/search" {
					continue // the other search answers
				}
				fault.PathPrefix = path
				force := w.server.Misbehave(fault)
				if err := ask("nobody@afar.example"); err == nil || errors.Is(err, bot.ErrNoSuchAccount) {
					w.t.Errorf("%s at %s: %v", name, path, err)
				}
				force.Stop()
			}
		}
		for _, written := range []string{"", "@", "a b", "alice@", "alice@a@b"} {
			if err := ask(written); err == nil || errors.Is(err, bot.ErrNoSuchAccount) || !strings.Contains(err.Error(), "is not an account") {
				w.t.Errorf("%q: %v", written, err)
			}
		}
	})
}

func TestAnAccountThatTheServerKnowsByAnotherNameIsNotTakenForTheAskedOne(t *testing.T) {
	for name, c := range map[string]struct {
		lookup, search string
		none           bool
	}{
		"another host":           {`{"id":"7","acct":"alice@example.social"}`, "", false},
		"another name":           {`{"id":"7","acct":"alicia@social.example.social"}`, "", true},
		"another host, searched": {"", `[{"id":"7","acct":"alice@example.social"}]`, false},
		"without an id":          {`{"acct":"alice@social.example.social"}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := stranger(t, func(w http.ResponseWriter, r *http.Request) {
				switch body := c.lookup; {
				case strings.HasSuffix(r.URL.Path, "/instance"):
					says(200, "application/json", `{"domain":"home.example","uri":"home.example","version":"4.5.2"}`)(w, r)
				case strings.HasSuffix(r.URL.Path, "/lookup") && body != "":
					says(200, "application/json", body)(w, r)
				case strings.HasSuffix(r.URL.Path, "/search") && c.search != "":
					says(200, "application/json", c.search)(w, r)
				default:
					says(404, "application/json", `{"error":"Record not found"}`)(w, r)
				}
			})
			got, err := h.Resolve(t.Context(), "alice@social.example.social")
			if err == nil || errors.Is(err, bot.ErrNoSuchAccount) != c.none {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestTheHomesOwnDomainMayDifferFromItsHost(t *testing.T) {
	var asked string
	h := stranger(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/instance"):
			says(200, "application/json", `{"domain":"example.social","uri":"example.social","version":"4.5.2"}`)(w, r)
		case strings.HasSuffix(r.URL.Path, "/lookup"):
			asked = r.URL.Query().Get("acct")
			says(200, "application/json", `{"id":"7","acct":"alice"}`)(w, r)
		}
	})
	for _, written := range []string{"alice@example.social", "alice", "alice@127.0.0.1"} {
		if got, err := h.Resolve(t.Context(), written); err != nil || got.ID != "7" || asked != "alice" {
			t.Errorf("%q: asked for %q, got %+v, %v", written, asked, got, err)
		}
	}
	if got, err := h.Resolve(t.Context(), "alice@other.example"); err == nil {
		t.Errorf("the local alice was taken for %+v", got)
	}
}

func TestAddressesAreComparedWithoutRegardToCaseAndScript(t *testing.T) {
	own := []string{"", "home.example", "xn--bcher-kva.example"}
	for name, c := range map[string]struct {
		asked, acct string
		same        bool
	}{
		"local":                             {"alice", "alice", true},
		"local, another case":               {"Alice", "aLICE", true},
		"local with the home's domain":      {"alice@home.example", "alice", true},
		"local, the domain in Unicode":      {"alice@bücher.example", "alice", true},
		"local, shown with the domain":      {"alice", "alice@HOME.example", true},
		"elsewhere":                         {"alice@a.example", "alice@a.example", true},
		"elsewhere, Unicode and ASCII":      {"alice@鯖.example", "alice@xn--gq6a.example", true},
		"elsewhere, both in Unicode":        {"alice@鯖.example", "alice@鯖.EXAMPLE", true},
		"elsewhere, not local":              {"alice@a.example", "alice", false},
		"local, not elsewhere":              {"alice", "alice@a.example", false},
		"another name":                      {"alice", "alicia", false},
		"another host":                      {"alice@a.example", "alice@b.example", false},
		"a host that contains the other":    {"alice@a.example", "alice@a.example.evil", false},
		"a host with a full stop behind it": {"alice@a.example", "alice@a.example.", true},
	} {
		t.Run(name, func(t *testing.T) {
			asked, err := parseAddress(c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if got := asked.same(c.acct, own); got != c.same {
				t.Errorf("%q and %q: %v", c.asked, c.acct, got)
			}
		})
	}
}
