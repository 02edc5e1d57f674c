// Package rules looks whether a server has rules, and in which of its languages
// they can be read.
package rules

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings; a translation's subject is the language.
const (
	none        = "none"
	translation = "translation"
)

// ruleCount is the measure: how many rules are written.
const ruleCount = "rules"

// Bounds of one question (own).
const (
	headerTimeout = 10 * time.Second
	wholeTimeout  = 12 * time.Second
	maxBody       = 1 << 20
)

// Config is the table [checks.rules].
type Config struct {
	// Languages that the rules are to be read in, the one they are written in
	// first; empty takes what the server says.
	Languages []string `toml:"languages"`
}

// Kind makes the check of a site's rules.
func Kind(s *site.Site) checks.Kind {
	return checks.Kind{
		Name:  "rules",
		Title: checks.Text{En: "rules", Ja: "ルール"},
		Words: checks.Words{
			En: []string{"server rules", "rule", "translations"},
			Ja: []string{"ルール", "規約", "サーバールール"},
		},
		Scope:    checks.Site,
		After:    []string{"certs", "services", "webui", "instance"},
		Cron:     "0 9 * * 1",
		Timeout:  30 * time.Second,
		Settings: func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			var config Config
			if err := t.Decode(&config); err != nil {
				return nil, err
			}
			if err := config.mistake(); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			wire := api.NewTransport(api.Options{
				UserAgent: "sababan", Address: s.Address, Roots: s.Roots,
				MaxBody: maxBody, HeaderTimeout: headerTimeout, Timeout: wholeTimeout, Brief: true,
			})
			client, err := api.New("https://"+s.Domain, checks.Secret{}, wire)
			if err != nil {
				return nil, err
			}
			return &check{config: config, domain: s.Domain, client: client, wire: wire}, nil
		},
	}
}

// tag is a language as Mastodon names it: "ja", "zh-CN", "kmr".
var tag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func (c Config) mistake() error {
	for _, l := range c.Languages {
		if !tag.MatchString(l) {
			return fmt.Errorf("languages: %q is not a language such as %q", checks.Quote(l), "ja")
		}
	}
	return nil
}

type check struct {
	config Config
	domain string
	client *api.Client
	wire   *api.Transport
}

// Look reads the rules that everybody can read.
func (c *check) Look(ctx context.Context, _ checks.Past) (checks.Observation, error) {
	defer c.wire.CloseIdle()
	in, err := c.client.InstanceV2(ctx)
	var refused *api.StatusError
	if errors.As(err, &refused) && refused.Code == http.StatusNotFound { // before Mastodon 4.0
		in, err = c.client.InstanceV1(ctx)
	}
	if err != nil {
		return checks.Observation{}, unseen(err)
	}
	return judge(c.domain, in, c.config.Languages), nil
}

func unseen(err error) error {
	var refused *api.StatusError
	if errors.As(err, &refused) && (refused.Code == http.StatusUnauthorized || refused.Code == http.StatusForbidden) {
		return &checks.Unseen{Why: textClosed(), Err: err}
	}
	return &checks.Unseen{Why: textNoAnswer(), Err: err}
}

// judge makes an observation of what the server tells.
func judge(domain string, in api.Instance, wanted []string) checks.Observation {
	var written []api.Rule
	for _, r := range in.Rules {
		if strings.TrimSpace(r.Text) != "" {
			written = append(written, r)
		}
	}
	o := checks.Observation{Measures: []checks.Measure{{Name: ruleCount, Value: float64(len(written)), Unit: checks.Count}}}
	if len(written) == 0 {
		o.Findings = []checks.Finding{{
			Code: none, Severity: checks.Warning, Road: checks.Week, Text: textNone(), Advice: adviceNone(domain),
		}}
		o.Summary = textNone().Headline()
		return o
	}
	languages := wanted
	if len(languages) == 0 {
		languages = in.Languages
	}
	lacks := map[string]int{}
	for i, language := range languages {
		if i == 0 || !translatable(in) {
			continue // written in it; or this version knows no translations
		}
		for _, r := range written {
			if !translated(r, language) {
				lacks[language]++
			}
		}
		if n := lacks[language]; n > 0 {
			o.Findings = append(o.Findings, checks.Finding{
				Code: translation, Subject: checks.Subject(language), Severity: checks.Warning, Road: checks.Week,
				Text: textUntranslated(language, n, len(written)), Advice: adviceTranslate(domain),
			})
		}
	}
	o.Summary = textSummary(len(written), spoken(written))
	return o
}

// translatable tells whether rules can have translations: Mastodon 4.4 and
// later, where the API's own number is 6.
func translatable(in api.Instance) bool {
	return in.APIVersions["mastodon"] >= 6 || api.Software(in.Version).Version.AtLeast(4, 4)
}

// translated tells whether a rule can be read in a language; "zh" is served by
// "zh-CN", and the other way round.
func translated(r api.Rule, language string) bool {
	for have, text := range r.Translations {
		if strings.TrimSpace(text) == "" {
			continue
		}
		if strings.EqualFold(have, language) || strings.EqualFold(base(have), base(language)) && (base(have) == have || base(language) == language) {
			return true
		}
	}
	return false
}

func base(language string) string {
	b, _, _ := strings.Cut(language, "-")
	return b
}

// spoken are the languages that every rule is translated to, sorted.
func spoken(written []api.Rule) []string {
	count := map[string]int{}
	for _, r := range written {
		for l, text := range r.Translations {
			if strings.TrimSpace(text) != "" && tag.MatchString(l) {
				count[l]++
			}
		}
	}
	var all []string
	for l, n := range count {
		if n == len(written) {
			all = append(all, l)
		}
	}
	slices.Sort(all)
	return all
}
