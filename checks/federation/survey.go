package federation

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// Bounds of the look at one server (own).
const (
	atOnce      = 8 // servers
	surveyLimit = 20
	surveyTime  = 15 * time.Second // all of a round
	// surveyEvery keeps to one round an hour, also where it is asked for by name.
	surveyEvery = 50 * time.Minute
	lookTime    = 7 * time.Second // one request
	lookHeader  = 6 * time.Second
	lookBody    = 64 << 10
	// perOwner is how many servers of one registrable domain are looked at in one
	// round (defaults).
	perOwner = 2
)

// A surveyor looks at servers, a few at a time.
type surveyor struct {
	network Network
	roots   *x509.CertPool
	// others is a second list of roots, for telling whose fault an unknown
	// authority is; called at most once, nil where there is none.
	others func() *x509.CertPool
	agent  string
	crowd  crowd
	now    func() time.Time
}

func (c *check) surveyor() *surveyor {
	agent := "sababan"
	if c.site.Domain != "" {
		agent += " (+https://" + c.site.Domain + "/)"
	}
	return &surveyor{
		network: c.network, roots: c.site.Roots, agent: agent, now: time.Now,
		others: sync.OnceValue(func() *x509.CertPool { return otherRoots(c.site.Root) }),
	}
}

// survey looks at all of them, eight at a time. Those whose turn did not come
// are not in the answer.
func (s *surveyor) survey(ctx context.Context, domains []string) map[string]outcome {
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	outcomes := make([]outcome, len(domains))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, domain := range domains {
		group.Go(func() error {
			if ctx.Err() == nil {
				outcomes[i] = s.look(ctx, domain)
			}
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
	seen := map[string]outcome{}
	for i, domain := range domains {
		if o := outcomes[i]; o.Kind != "" && o.Kind != putOff {
			seen[domain] = o
		}
	}
	return seen
}

// nodeinfo is the document that every kind of server keeps for others.
type nodeinfo struct {
	Links []struct {
		Rel string `json:"rel"`
	} `json:"links"`
}

// look asks one server for its nodeinfo, and where it has none by WebFinger.
func (s *surveyor) look(ctx context.Context, domain string) outcome {
	if !hostName(domain) {
		return outcome{Kind: private}
	}
	g := guide{network: s.network, crowd: &s.crowd, domain: domain}
	wire := api.NewTransport(api.Options{
		UserAgent: s.agent, Dial: g.dial, Roots: s.roots, MaxBody: lookBody,
		HeaderTimeout: lookHeader, Timeout: lookTime, Brief: true,
	})
	defer wire.CloseIdle()
	client, err := api.New("https://"+domain, checks.Secret{}, wire)
	if err != nil {
		return outcome{Kind: odd}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*lookTime)
	defer cancel()
	var doc nodeinfo
	err = client.Get(ctx, "/.well-known/nodeinfo", nil, &doc)
	if err == nil && len(doc.Links) > 0 {
		return outcome{Kind: there}
	}
	o := s.read(err, domain)
	if o.Kind != nothing || o.Code == http.StatusGone {
		return o
	}
	// The account of the server itself; any answer in JSON, also that there is no
	// such account, is one of a server.
	err = client.Get(ctx, "/.well-known/webfinger", url.Values{"resource": {"acct:" + domain + "@" + domain}}, nil)
	var status *api.StatusError
	switch {
	case err == nil:
		return outcome{Kind: there}
	case errors.As(err, &status) && strings.HasPrefix(strings.TrimSpace(string(status.Body)), "{"):
		return outcome{Kind: there}
	}
	return o
}

// choose picks whom to look at in this round: at most so many in all, and two
// of one owner. The list is in the order of their turns.
func choose(waiting []string, limit int) []string {
	var chosen []string
	owners := map[string]int{}
	for _, domain := range waiting {
		if len(chosen) >= limit {
			break
		}
		owner := ownerOf(domain)
		if owners[owner] >= perOwner {
			continue
		}
		owners[owner]++
		chosen = append(chosen, domain)
	}
	return chosen
}

// ownerOf is the registrable domain, by the list of public suffixes.
func ownerOf(domain string) string {
	owner, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return owner
}

// Survey looks at servers as a round does, all of them within ctx, and returns
// a word for each: "there", "gone" and so on; "" where there was no time. It is
// for measuring.
func Survey(ctx context.Context, s *site.Site, n Network, domains []string) []string {
	c := &check{site: s, network: n}
	v := c.surveyor()
	words := make([]string, len(domains))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, domain := range domains {
		group.Go(func() error {
			if ctx.Err() == nil {
				words[i] = string(v.look(ctx, domain).Kind)
			}
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
	return words
}
