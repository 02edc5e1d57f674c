package page

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// say posts as the reader, with the mention of the bot where it has none.
func (p *Page) say(w http.ResponseWriter, r *http.Request) {
	var wish struct{ Text, Parent string }
	if !p.read(w, r, &wish) {
		return
	}
	text := strings.TrimSpace(wish.Text)
	if text == "" {
		p.refuse(w, http.StatusUnprocessableEntity, p.words.NothingToSay)
		return
	}
	if handle := "@" + p.o.Bot.Acct(); !strings.HasPrefix(text, handle) {
		text = handle + " " + text
	}
	_, err := p.o.Server.Say(p.o.Reader, text, sandbox.SayOptions{Language: p.words.Lang, InReplyTo: wish.Parent})
	var no *sandbox.Refusal
	switch {
	case errors.As(err, &no):
		p.refuse(w, no.Code, no.Reason)
	case err != nil:
		p.refuse(w, http.StatusInternalServerError, err.Error())
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// sickness makes one ill or well.
func (p *Page) sickness(w http.ResponseWriter, r *http.Request) {
	var wish struct {
		Name string
		Ill  bool
	}
	if !p.read(w, r, &wish) {
		return
	}
	at := slices.IndexFunc(p.o.Sicknesses, func(s Sickness) bool { return s.Name == wish.Name })
	if at < 0 {
		p.refuse(w, http.StatusNotFound, p.words.NoSuchPage)
		return
	}
	if err := p.o.Sicknesses[at].Set(wish.Ill); err != nil {
		p.refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	p.Refresh()
	w.WriteHeader(http.StatusNoContent)
}

// read takes what the page sent; it answers false when it refused.
func (p *Page) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if !fromPage(r) {
		p.refuse(w, http.StatusForbidden, p.words.Refused)
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience)) // every listener of ours has deadlines
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		p.refuse(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

func (p *Page) refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": why}) // the browser may be gone
}
