package mastodon

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// An address is an account as people write it. The domain is in ASCII and
// lower case, "" for the bot's own home.
type address struct{ name, domain string }

func (a address) String() string {
	if a.domain == "" {
		return a.name
	}
	return a.name + "@" + a.domain
}

// parseAddress reads "alice", "@alice", "alice@host" and "@alice@host".
func parseAddress(written string) (address, error) {
	handle := strings.NewReplacer("＠", "@").Replace(strings.TrimSpace(written))
	handle = strings.TrimPrefix(handle, "@")
	if !handleForm.MatchString(handle) {
		return address{}, fmt.Errorf("%q is not an account: write it as alice or alice@example.social", checks.Quote(written))
	}
	name, domain, _ := strings.Cut(handle, "@")
	return address{name: name, domain: asciiDomain(domain)}, nil
}

// asciiDomain is how a domain is compared: servers show it in Unicode and keep
// it in ASCII.
func asciiDomain(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		return ascii
	}
	return domain
}

// same tells whether the account that a server calls acct is the one that was
// asked for; own are the domains of the server itself.
func (a address) same(acct string, own []string) bool {
	name, domain, _ := strings.Cut(strings.TrimPrefix(acct, "@"), "@")
	return strings.EqualFold(name, a.name) && a.home(own) == address{domain: asciiDomain(domain)}.home(own)
}

// home is the address's domain, "" where it is one of the server's own.
func (a address) home(own []string) string {
	if slices.Contains(own, a.domain) {
		return ""
	}
	return a.domain
}

// Resolve finds an account by its written form. The error wraps
// [bot.ErrNoSuchAccount] only where the server answered that it knows none and
// found none; a server also finds none where the account's own server does not
// answer it, which it does not tell.
func (h *Mastodon) Resolve(ctx context.Context, written string) (bot.Account, error) {
	asked, err := parseAddress(written)
	if err != nil {
		return bot.Account{}, err
	}
	fail := func(err error) (bot.Account, error) {
		return bot.Account{}, fmt.Errorf("looking up %s at %s: %w", asked, h.api.Server().Host, err)
	}
	own, ownErr := h.ownDomains(ctx)
	query := address{name: asked.name, domain: asked.home(own)}.String()

	candidates, err := h.lookUp(ctx, query)
	if err == nil && len(candidates) == 0 {
		candidates, err = h.search(ctx, query)
	}
	if err != nil {
		return fail(err)
	}
	for _, c := range candidates {
		if c.ID != "" && asked.same(c.Handle, own) {
			return c, nil
		}
	}
	// Without its own domains it cannot be told what is local.
	if ownErr != nil {
		return fail(ownErr)
	}
	for _, c := range candidates {
		name, _, _ := strings.Cut(c.Handle, "@")
		if asked.home(own) != "" && strings.EqualFold(name, asked.name) {
			return fail(fmt.Errorf("it answered with %s, which may be somebody else: if it is the same person, write it so", checks.QuoteName(c.Handle)))
		}
	}
	return fail(bot.ErrNoSuchAccount)
}

// lookUp asks for an account that the server knows; none and no error where it
// says that it does not.
func (h *Mastodon) lookUp(ctx context.Context, query string) ([]bot.Account, error) {
	found, err := h.library.AccountLookup(ctx, query)
	err = h.libraryError(http.MethodGet, "/api/v1/accounts/lookup", err)
	switch {
	case notFound(err):
		return nil, nil
	case err != nil:
		return nil, scoped(err, "read:accounts")
	}
	return []bot.Account{{ID: string(found.ID), Handle: found.Acct, URL: found.URL, Bot: found.Bot}}, nil
}

// search makes the server ask the account's own server. The search for
// accounts needs no scope that the bot does not have; the general one needs
// read:search, and is asked where the other is not there.
func (h *Mastodon) search(ctx context.Context, query string) ([]bot.Account, error) {
	const most = 5
	var all []bot.Account
	accounts, err := h.library.AccountsSearchResolve(ctx, query, most, true)
	err = h.libraryError(http.MethodGet, "/api/v1/accounts/search", err)
	if err == nil {
		for _, a := range accounts {
			all = append(all, bot.Account{ID: string(a.ID), Handle: a.Acct, URL: a.URL, Bot: a.Bot})
		}
		return all, nil
	}
	if code := statusCode(err); code != http.StatusForbidden && code != http.StatusNotFound {
		return nil, err
	}
	var results struct {
		Accounts []account `json:"accounts"`
	}
	err = h.api.Get(ctx, "/api/v2/search", url.Values{
		"q": {query}, "type": {"accounts"}, "resolve": {"true"}, "limit": {fmt.Sprint(most)},
	}, &results)
	if err != nil {
		return nil, scoped(err, "read:search")
	}
	for _, a := range results.Accounts {
		all = append(all, a.known())
	}
	return all, nil
}

// ownDomains are the names of the server itself: the host that is asked, and
// the domain that stands behind its accounts. Beside an error stands the first.
func (h *Mastodon) ownDomains(ctx context.Context) ([]string, error) {
	server := h.api.Server()
	own := []string{"", asciiDomain(server.Host), asciiDomain(server.Hostname())}
	in, err := h.knownInstance(ctx)
	if err != nil {
		return own, err
	}
	own = append(own, asciiDomain(in.Domain))
	if host, _, err := net.SplitHostPort(in.Domain); err == nil {
		own = append(own, asciiDomain(host))
	}
	return own, nil
}
