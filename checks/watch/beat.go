package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/sababan/sababan/checks/api"
)

const (
	// BeatField is the name of the profile field in which a sababan writes the
	// time of its last round, and BeatForm how it is written, in UTC.
	BeatField = "sababan"
	BeatForm  = "2006-01-02T15:04Z"

	// BeatEvery is how often it is written (requirement: hourly at most).
	BeatEvery = time.Hour
	// beatSilent is for how long it may stay the same: two rounds (defaults), and
	// what one may come late (own).
	beatSilent = 2*BeatEvery + 10*time.Minute
	// beatLook is how often it is read (own).
	beatLook = 20 * time.Minute
	// beatAhead is how far another clock may be ahead (own).
	beatAhead = 10 * time.Minute
)

const lookupPath = "/api/v1/accounts/lookup"

// A friend is a bot that watches over another server.
type friend struct {
	name string // of the account
	door door
	// last is the time that it wrote itself, zero while none was ever seen.
	last time.Time
	// looked is when its profile was read, and seen what came of that.
	looked time.Time
	seen   place
	known  known
}

// Reasons of a profile that tells nothing.
const (
	noAccount reason = "account" // there is no such account
	noField   reason = "field"   // it has no such field
)

// read reads the profile, without a token.
func (p *prober) read(ctx context.Context, f *friend) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	now := p.now()
	v, err := p.enter(ctx, &f.door)
	if err != nil {
		f.looked, f.seen = now, failed(err)
		return
	}
	defer func() { v.close() }()
	r, err := v.get(ctx, lookupPath+"?"+url.Values{"acct": {f.name}}.Encode(), "application/json", &f.known)
	f.looked = now
	switch {
	case err != nil:
		f.seen = failed(err)
	case r.code == http.StatusNotModified:
		f.seen = place{well, noReason, r.code}
	case r.code == http.StatusNotFound:
		f.seen = place{ill, noAccount, r.code}
	case r.code != http.StatusOK:
		f.seen = readStatus(r.code)
	default:
		f.read(r.body, now)
	}
}

func (f *friend) read(body []byte, now time.Time) {
	var profile struct {
		Fields []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"fields"`
	}
	if api.Depth(body) > depthLimit || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || json.Unmarshal(body, &profile) != nil {
		f.seen, f.known = place{ill, notJSON, http.StatusOK}, known{}
		return
	}
	for _, field := range profile.Fields {
		if !strings.EqualFold(strings.TrimSpace(field.Name), BeatField) {
			continue
		}
		at, err := time.Parse(BeatForm, strings.TrimSpace(plainText(field.Value)))
		if err == nil && !at.After(now.Add(beatAhead)) {
			f.last, f.seen = at, place{well, noReason, http.StatusOK}
			return
		}
	}
	f.seen, f.known = place{ill, noField, http.StatusOK}, known{}
}

// fieldLimit bounds the text of a field, in bytes (own: Mastodon's has 255).
const fieldLimit = 4096

// plainText is the text of a field, which a server shows as HTML.
func plainText(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s[:min(len(s), fieldLimit)]))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			_, _ = b.Write(z.Text())
		}
	}
}

// Beat is the value of the profile field for a round that ended then.
func Beat(at time.Time) string { return at.UTC().Format(BeatForm) }
