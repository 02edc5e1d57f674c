package mastodon

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// OutOfBand is the redirect of an authorisation whose code is shown to the
// person, who types it here (Mastodon and its forks take it).
const OutOfBand = "urn:ietf:wg:oauth:2.0:oob"

// Scopes are what the bot's token must allow, and nothing else (defaults).
func Scopes() []string {
	return []string{
		"read:accounts", "read:notifications", "read:statuses", "read:follows",
		"write:statuses", "write:follows", "write:notifications", "write:media", "write:accounts",
	}
}

// Lacking are the scopes of [Scopes] that a list of granted ones does not give:
// "read" gives every "read:…", "follow" both of following.
func Lacking(granted []string) (missing []string) {
	for _, scope := range Scopes() {
		family, _, _ := strings.Cut(scope, ":")
		ok := slices.Contains(granted, scope) || slices.Contains(granted, family) ||
			strings.HasSuffix(scope, ":follows") && slices.Contains(granted, "follow") ||
			scope == "read:accounts" && slices.Contains(granted, "profile")
		if !ok {
			missing = append(missing, scope)
		}
	}
	return missing
}

// An App is this program as a server knows it: what a person lets act for an
// account.
type App struct {
	api    *api.Client
	id     string
	secret func() checks.Secret
	scopes []string
}

// Register makes this program known to a server, so that somebody can let it
// act for an account; the redirects are all that may be used later. The token
// of the options is not used.
func Register(ctx context.Context, o Options, redirects ...string) (*App, error) {
	transport := api.NewTransport(api.Options{UserAgent: o.UserAgent, Dial: o.Dial, Roots: o.Roots, PlainHTTP: o.PlainHTTP})
	client, err := api.New(o.Server, checks.Secret{}, transport)
	if err != nil {
		return nil, err
	}
	var got struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	form := url.Values{
		"client_name":   {"sababan"},
		"redirect_uris": {strings.Join(redirects, "\n")},
		"scopes":        {strings.Join(Scopes(), " ")},
		"website":       {"https://github.com/sababan/sababan"},
	}
	if err := client.Post(ctx, "/api/v1/apps", form, &got); err != nil {
		return nil, fmt.Errorf("registering with %s: %w", client.Server(), plainly(err))
	}
	if got.ID == "" || got.Secret == "" {
		return nil, fmt.Errorf("registering with %s: the answer has no client_id or no client_secret", client.Server())
	}
	secret := checks.NewSecret(got.Secret)
	return &App{api: client, id: got.ID, secret: func() checks.Secret { return secret }, scopes: Scopes()}, nil
}

// A Permission is asked of a person once: the page to open, and what proves
// that the answer is to this question (PKCE, RFC 7636, and state).
type Permission struct {
	// Page is where the person says yes, signed in as the bot's account.
	Page     string
	State    string
	redirect string
	verifier func() checks.Secret
}

// Ask begins a permission that comes back by a redirect; [OutOfBand] shows a
// code instead. force makes the server ask also where it was allowed before.
func (a *App) Ask(redirect string) Permission {
	verifier, state := checks.NewSecret(rand.Text()+rand.Text()), rand.Text()
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	page := a.api.Server().JoinPath("oauth", "authorize")
	page.RawQuery = url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {redirect},
		"scope": {strings.Join(a.scopes, " ")}, "state": {state}, "force_login": {"true"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	return Permission{Page: page.String(), State: state, redirect: redirect, verifier: func() checks.Secret { return verifier }}
}

// A Grant is a token, and what it allows.
type Grant struct {
	Token  checks.Secret
	Scopes []string
}

// ErrCode means that the server does not take the code: it is wrong, used, or
// too old (ten minutes).
var ErrCode = errors.New("the server does not take the code")

// Redeem makes a token of the code that came back. Where the server does not
// take it the error wraps [ErrCode].
func (a *App) Redeem(ctx context.Context, p Permission, code string) (Grant, error) {
	var got struct {
		Token string `json:"access_token"`
		Scope string `json:"scope"`
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {strings.TrimSpace(code)}, "redirect_uri": {p.redirect},
		"client_id": {a.id}, "client_secret": {a.secret().Reveal()}, "code_verifier": {p.verifier().Reveal()},
	}
	err := a.api.Post(ctx, "/oauth/token", form, &got)
	switch code := statusCode(err); {
	case code == 400 || code == 401:
		return Grant{}, fmt.Errorf("%w (%d): ask for a new one", ErrCode, code)
	case err != nil:
		return Grant{}, fmt.Errorf("asking %s for the token: %w", a.api.Server(), err)
	case got.Token == "":
		return Grant{}, fmt.Errorf("asking %s for the token: there is none in the answer", a.api.Server())
	}
	return Grant{Token: checks.NewSecret(got.Token), Scopes: strings.Fields(got.Scope)}, nil
}

// Revoke ends a token that this application got.
func (a *App) Revoke(ctx context.Context, token checks.Secret) error {
	form := url.Values{"client_id": {a.id}, "client_secret": {a.secret().Reveal()}, "token": {token.Reveal()}}
	if err := a.api.Post(ctx, "/oauth/revoke", form, nil); err != nil {
		return fmt.Errorf("giving back the token: %w", err)
	}
	return nil
}
