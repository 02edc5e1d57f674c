package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

const (
	maxErrorBody = 64 << 10 // of an answer that is no success, in bytes (own)
	maxDepth     = 64       // of JSON (own)
)

// An Answer is what a server said to one request, and how long it took.
type Answer struct {
	Method, Path string
	Code         int
	ContentType  string
	Header       http.Header // Server, X-Cached, X-Runtime, X-RateLimit-*, Location; each one line
	Body         []byte      // bounded; whole unless there was an error beside it

	Fresh     bool          // the connection was made for this request
	Connect   time.Duration // DNS, TCP and TLS; 0 on a kept connection
	FirstByte time.Duration // from the beginning to the answer's first byte
	Total     time.Duration // from the beginning to its last

	mitigated bool // a proxy said by header that this is a challenge
}

// keptHeaders are the ones that tell something about the server's health.
var keptHeaders = []string{
	"Server", "X-Cached", "X-Runtime", "Location",
	"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
}

// answer reads a response, whole when it is a success.
func (c *Client) answer(method, path string, resp *http.Response) (Answer, error) {
	a := Answer{
		Method: method, Path: path, Code: resp.StatusCode,
		ContentType: oneLine(resp.Header.Get("Content-Type"), maxWords),
		Header:      http.Header{},
		mitigated: resp.Header.Get("Cf-Mitigated") == "challenge" ||
			slices.Contains([]string{"challenge", "captcha"}, resp.Header.Get("X-Amzn-Waf-Action")),
	}
	for _, name := range keptHeaders {
		if v := resp.Header.Get(name); v != "" {
			a.Header.Set(name, string(c.hide([]byte(oneLine(v, maxWords)))))
		}
	}
	limit := int64(maxErrorBody)
	if success(a.Code) {
		limit = maxBody
		if own, ok := c.rt.(*Transport); ok {
			limit = own.opts.MaxBody
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	full := int64(len(body)) > limit
	if full {
		body = body[:limit]
	}
	a.Body = c.hide(body)
	switch tooLarge := (*TooLargeError)(nil); {
	case !success(a.Code): // what could be read of it says enough
		return a, nil
	case errors.As(err, &tooLarge):
		return a, tooLarge
	case full:
		return a, &TooLargeError{Method: method, Path: path, Limit: limit}
	case err != nil:
		return a, fmt.Errorf("%s %s: reading the answer: %w", method, path, &TransportError{Err: err, Wrote: true})
	}
	return a, nil
}

func success(code int) bool {
	return code >= 200 && code < 300 && code != http.StatusPartialContent
}

// hide masks the token in what a server sends back: some show the request in
// their error pages.
func (c *Client) hide(said []byte) []byte {
	if words := []byte(c.token().Reveal()); len(words) >= 8 && bytes.Contains(said, words) {
		return bytes.ReplaceAll(said, words, []byte(c.token().String()))
	}
	return said
}

// Decode reads the answer's JSON with the errors of [Client.Get].
func (a Answer) Decode(into any) error { return a.decode(into) }

func (a Answer) decode(into any) error {
	page := a.page()
	challenge := a.mitigated || page && challenging(a.Body)
	if !success(a.Code) && !challenge {
		return &StatusError{Method: a.Method, Path: a.Path, Code: a.Code, Message: a.message(page), Body: a.Body}
	}
	if into != nil && !page && Depth(a.Body) > maxDepth {
		return &ShapeError{Method: a.Method, Path: a.Path, Err: fmt.Errorf("nested more than %d deep", maxDepth)}
	}
	if page || challenge || into != nil && !json.Valid(a.Body) {
		return &NotJSONError{
			Method: a.Method, Path: a.Path, Code: a.Code, ContentType: a.ContentType,
			Start: oneLine(string(a.Body[:min(len(a.Body), 4*maxWords)]), maxWords), Challenge: challenge,
		}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return &ShapeError{Method: a.Method, Path: a.Path, Err: err}
	}
	return nil
}

// page says whether the answer is HTML, whatever it calls itself.
func (a Answer) page() bool {
	kind, _, _ := mime.ParseMediaType(a.ContentType)
	return len(a.Body) > 0 && (kind == "text/html" || kind == "application/xhtml+xml" ||
		bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<")))
}

// StatusName is an HTTP status as people say it: "502 Bad Gateway".
func StatusName(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// Depth is how deeply brackets nest outside of strings, whether or not the
// rest is JSON.
func Depth(b []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// message is what the server says of its refusal.
func (a Answer) message(page bool) string {
	var words struct {
		Error       loose[string] `json:"error"`
		Description loose[string] `json:"error_description"`
		Message     loose[string] `json:"message"`
	}
	said := ""
	switch {
	case page:
		said = title(a.Body)
	case Depth(a.Body) <= maxDepth && json.Unmarshal(a.Body, &words) == nil:
		said = firstOf(words.Description.v, words.Error.v, words.Message.v)
	case strings.HasPrefix(a.ContentType, "text/plain"):
		said = string(a.Body[:min(len(a.Body), 4*maxWords)])
	}
	return firstOf(oneLine(said, maxWords), http.StatusText(a.Code), "no words")
}

func firstOf(words ...string) string {
	for _, w := range words {
		if strings.TrimSpace(w) != "" {
			return w
		}
	}
	return ""
}

func title(page []byte) string {
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken:
			if name, _ := z.TagName(); string(name) == "title" && z.Next() == html.TextToken {
				return string(z.Text())
			}
		}
	}
}

// challengeMarks are found in pages that Cloudflare, DDoS-Guard, Sucuri, AWS,
// Akamai, Anubis and go-away show to whoever does not look like a browser.
// The script that Cloudflare adds to ordinary pages is none of them.
var challengeMarks = []string{
	"_cf_chl_opt", "cf-browser-verification", "<title>just a moment...</title>",
	"/.well-known/ddos-guard/", "sucuri_cloudproxy", "awswafcookiedomainlist", "/_sec/cp_challenge/",
	"/.within.website/x/cmd/anubis", "anubis_challenge", "/.well-known/.git.gammaspectra.live/git/go-away",
}

func challenging(page []byte) bool {
	low := strings.ToLower(string(page[:min(len(page), maxErrorBody)]))
	for _, mark := range challengeMarks {
		if strings.Contains(low, mark) {
			return true
		}
	}
	return false
}

// loose is a value that other software writes with another type: then it is
// as if it were absent.
type loose[T any] struct{ v T }

func (l *loose[T]) UnmarshalJSON(b []byte) error {
	var v T
	if json.Unmarshal(b, &v) == nil {
		l.v = v
	}
	return nil
}
