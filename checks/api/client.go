package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sababan/sababan/checks"
)

// A Client asks one server, with one token or none. However it is printed,
// it shows the server only.
type Client struct {
	server *url.URL
	// A function, since fmt prints the words of a secret that stands in an
	// unexported field, where it may call no methods.
	token func() checks.Secret
	rt    http.RoundTripper
}

// New makes a client for a server: https://host, or http:// on loopback (or
// anywhere with [Options.PlainHTTP]). The error says in one sentence what is
// wrong with the server or the token. The round tripper should be a
// [*Transport]; nil is one with the default options.
func New(server string, token checks.Secret, rt http.RoundTripper) (*Client, error) {
	if rt == nil {
		rt = NewTransport(Options{})
	}
	own, ok := rt.(*Transport)
	u, err := serverURL(server, ok && own.opts.PlainHTTP)
	if err != nil {
		return nil, err
	}
	for _, r := range token.Reveal() {
		if r <= ' ' || r >= 0x7f {
			return nil, errors.New("the token has a character in it that no token has, such as a space or a line break")
		}
	}
	return &Client{server: u, token: func() checks.Secret { return token }, rt: rt}, nil
}

func serverURL(server string, plain bool) (*url.URL, error) {
	if server == "" {
		return nil, errors.New("the server is empty: write it as https://mastodon.example")
	}
	if !strings.Contains(server, "://") {
		return nil, fmt.Errorf("server %q has no scheme: write it as https://mastodon.example", server)
	}
	u, err := url.Parse(server)
	switch {
	case err != nil:
		return nil, fmt.Errorf("server %q is not an address: write it as https://mastodon.example", oneLine(server, maxWords))
	case u.User != nil:
		return nil, errors.New("the server has a user name in it: the token is given apart")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("server %q begins with %s://: it must be https://", server, u.Scheme)
	case u.Hostname() == "":
		return nil, fmt.Errorf("server %q has no host: write it as https://mastodon.example", server)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("server %q goes on after the host: leave out everything behind %s://%s", server, u.Scheme, u.Host)
	case u.Scheme == "http" && !plain && !loopback(u.Hostname()):
		return nil, fmt.Errorf("server %q is plain http, which would show the token to the network: write https://%s", server, u.Host)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Server is where the client asks: scheme and host.
func (c *Client) Server() *url.URL {
	u := *c.server
	return &u
}

// Token is what it asks with.
func (c *Client) Token() checks.Secret { return c.token() }

// HTTP is a client over the same transport, for libraries that bring their own
// calls. It has no Timeout of its own; the transport has.
func (c *Client) HTTP() *http.Client {
	return &http.Client{Transport: c.rt, CheckRedirect: SameSite}
}

// String names the server.
func (c *Client) String() string { return "api.Client(" + c.server.String() + ")" }

// Format serves every verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue serves log/slog.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Get reads path into a JSON value; nil takes any answer that is not a page.
// Segments of a path that come from outside go through [url.PathEscape].
func (c *Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, into)
}

// Post sends a form; see [WithIdempotencyKey].
func (c *Client) Post(ctx context.Context, path string, form url.Values, into any) error {
	return c.call(ctx, http.MethodPost, path, nil, form, into)
}

// Patch sends a form.
func (c *Client) Patch(ctx context.Context, path string, form url.Values, into any) error {
	return c.call(ctx, http.MethodPatch, path, nil, form, into)
}

// Put sends a form.
func (c *Client) Put(ctx context.Context, path string, form url.Values, into any) error {
	return c.call(ctx, http.MethodPut, path, nil, form, into)
}

// Delete sends a form, or nothing when it is empty.
func (c *Client) Delete(ctx context.Context, path string, form url.Values, into any) error {
	return c.call(ctx, http.MethodDelete, path, nil, form, into)
}

func (c *Client) call(ctx context.Context, method, path string, query, form url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	req, err := c.request(ctx, method, path, query, form)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, &TransportError{Err: err})
	}
	resp, err := c.HTTP().Do(req)
	if err != nil {
		return callError(method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	a, err := c.answer(method, path, resp)
	if err != nil {
		return err
	}
	return a.decode(into)
}

func (c *Client) request(ctx context.Context, method, path string, query, form url.Values) (*http.Request, error) {
	u := c.Server()
	var err error
	if u.Path, err = cleanPath(path); err != nil {
		return nil, err
	}
	u.RawPath = path
	u.RawQuery = query.Encode()
	var body io.Reader
	if len(form) > 0 {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token := c.token(); !token.Empty() {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return req, nil
}

// cleanPath refuses a path that would lead to another host or climb: ids come
// from servers.
func cleanPath(path string) (string, error) {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "?#\\") {
		return "", fmt.Errorf("path %q must begin with one slash and have no query", oneLine(path, maxWords))
	}
	clean, err := url.PathUnescape(path)
	if err != nil {
		return "", fmt.Errorf("path %q: bad escape", oneLine(path, maxWords))
	}
	for segment := range strings.SplitSeq(clean, "/") {
		if segment == "." || segment == ".." {
			return "", fmt.Errorf("path %q climbs", oneLine(path, maxWords))
		}
	}
	return clean, nil
}

// callError takes off what net/http says about the address, and says which
// call it was.
func callError(method, path string, err error) error {
	if limited := (*RateLimitError)(nil); errors.As(err, &limited) {
		return limited
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	return fmt.Errorf("%s %s: %w", method, path, err)
}
