package api

import (
	"context"
	"errors"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// An Instance is what a server tells of itself. A number that it does not tell
// is 0, a word "".
type Instance struct {
	Domain  string // host only
	Title   string
	Version string // as written; see [Software]

	MaxCharacters    int    // of a post; 500 on Mastodon
	ReservedPerURL   int    // what a link counts for; 23 on Mastodon
	DescriptionLimit int    // of a medium's description; told since Mastodon 4.4
	Streaming        string // base URL, ws or wss

	Rules         []Rule
	Languages     []string
	Registrations Registrations
	APIVersions   map[string]int // since Mastodon 4.3
}

// A Rule is one of the server's rules.
type Rule struct {
	ID, Text     string
	Translations map[string]string // language to text; since Mastodon 4.4
}

// Registrations say who can sign up.
type Registrations struct {
	Open     bool
	Approval bool // an admin looks at each
}

// InstanceV2 reads /api/v2/instance.
func (c *Client) InstanceV2(ctx context.Context) (Instance, error) {
	return c.instance(ctx, "/api/v2/instance", Answer.InstanceV2)
}

// InstanceV1 reads /api/v1/instance, which older servers have and which fails
// apart from v2.
func (c *Client) InstanceV1(ctx context.Context) (Instance, error) {
	return c.instance(ctx, "/api/v1/instance", Answer.InstanceV1)
}

func (c *Client) instance(ctx context.Context, path string, read func(Answer) (Instance, error)) (Instance, error) {
	a, err := c.Probe(ctx, path, nil)
	if err != nil {
		return Instance{}, err
	}
	return read(a)
}

type wireConfiguration struct {
	URLs loose[struct {
		Streaming loose[string] `json:"streaming"`
	}] `json:"urls"`
	Statuses loose[struct {
		MaxCharacters loose[int] `json:"max_characters"`
		PerURL        loose[int] `json:"characters_reserved_per_url"`
	}] `json:"statuses"`
	Media loose[struct {
		DescriptionLimit loose[int] `json:"description_limit"`
	}] `json:"media_attachments"`
}

type wireRule struct {
	ID           any           `json:"id"`
	Text         loose[string] `json:"text"`
	Translations loose[map[string]loose[struct {
		Text loose[string] `json:"text"`
	}]] `json:"translations"`
}

type wireInstance struct {
	Domain        string                       `json:"domain"` // v2
	URI           string                       `json:"uri"`    // v1
	Title         loose[string]                `json:"title"`
	Version       string                       `json:"version"`
	Languages     loose[[]string]              `json:"languages"`
	Rules         loose[[]loose[wireRule]]     `json:"rules"`
	APIVersions   loose[map[string]loose[int]] `json:"api_versions"`
	Configuration loose[wireConfiguration]     `json:"configuration"`

	// v2
	Registrations loose[struct {
		Enabled  loose[bool] `json:"enabled"`
		Approval loose[bool] `json:"approval_required"`
	}] `json:"registrations"`
}

// wireInstanceV1 is what v1 writes otherwise.
type wireInstanceV1 struct {
	URLs loose[struct {
		Streaming loose[string] `json:"streaming_api"`
	}] `json:"urls"`
	Registrations loose[bool] `json:"registrations"`
	Approval      loose[bool] `json:"approval_required"`
	MaxTootChars  loose[int]  `json:"max_toot_chars"` // forks, Pleroma
}

// InstanceV2 reads the answer of /api/v2/instance. Only the domain and the
// version must be there; what a fork writes with another type is left out.
func (a Answer) InstanceV2() (Instance, error) {
	var w wireInstance
	if err := a.decode(&w); err != nil {
		return Instance{}, err
	}
	in := w.common(w.Domain)
	in.Streaming = w.Configuration.v.URLs.v.Streaming.v
	in.Registrations = Registrations{Open: w.Registrations.v.Enabled.v, Approval: w.Registrations.v.Approval.v}
	return a.whole(in, "domain")
}

// InstanceV1 reads the answer of /api/v1/instance.
func (a Answer) InstanceV1() (Instance, error) {
	var w wireInstance
	if err := a.decode(&w); err != nil {
		return Instance{}, err
	}
	var v1 wireInstanceV1
	if err := a.decode(&v1); err != nil {
		return Instance{}, err
	}
	in := w.common(w.URI)
	in.Streaming = v1.URLs.v.Streaming.v
	in.Registrations = Registrations{Open: v1.Registrations.v, Approval: v1.Approval.v}
	if in.MaxCharacters == 0 {
		in.MaxCharacters = sane(v1.MaxTootChars.v)
	}
	return a.whole(in, "uri")
}

func (a Answer) whole(in Instance, domain string) (Instance, error) {
	switch {
	case in.Domain == "":
		return Instance{}, &ShapeError{Method: a.Method, Path: a.Path, Err: errors.New("no " + domain)}
	case in.Version == "":
		return Instance{}, &ShapeError{Method: a.Method, Path: a.Path, Err: errors.New("no version")}
	}
	return in, nil
}

func (w wireInstance) common(domain string) Instance {
	config := w.Configuration.v
	in := Instance{
		Domain: hostOf(domain), Title: w.Title.v, Version: w.Version, Languages: w.Languages.v,
		MaxCharacters:    sane(config.Statuses.v.MaxCharacters.v),
		ReservedPerURL:   sane(config.Statuses.v.PerURL.v),
		DescriptionLimit: sane(config.Media.v.DescriptionLimit.v),
	}
	for _, r := range w.Rules.v {
		rule := Rule{ID: opaque(r.v.ID), Text: r.v.Text.v}
		for language, t := range r.v.Translations.v {
			if rule.Translations == nil {
				rule.Translations = map[string]string{}
			}
			rule.Translations[language] = t.v.Text.v
		}
		in.Rules = append(in.Rules, rule)
	}
	for name, version := range w.APIVersions.v {
		if in.APIVersions == nil {
			in.APIVersions = map[string]int{}
		}
		in.APIVersions[name] = version.v
	}
	return in
}

// sane drops what cannot be a limit.
func sane(n int) int {
	if n < 1 || n > 10_000_000 {
		return 0
	}
	return n
}

// hostOf takes the host out of what older and other software writes as a URL.
func hostOf(domain string) string {
	if u, err := url.Parse(domain); err == nil && u.Host != "" {
		return u.Host
	}
	return strings.TrimSuffix(domain, "/")
}

// opaque keeps an id that is a string or a whole number.
func opaque(id any) string {
	switch id := id.(type) {
	case string:
		return id
	case float64:
		if id == math.Trunc(id) && math.Abs(id) < 1<<53 {
			return strconv.FormatFloat(id, 'f', 0, 64)
		}
	}
	return ""
}
