package media

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// Bounds of one question (own; Mastodon itself waits for five seconds).
const (
	stepTime  = 8 * time.Second
	bodyLimit = 64 << 10
)

// state is how a step went.
type state int8

const (
	untried state = iota
	unseen        // nothing is known of the storage
	well
	ill
)

// reason is why a step did not go well.
type reason string

// The reasons.
const (
	noReason    reason = ""
	badKey      reason = "key"    // the bot's own key
	skewed      reason = "clock"  // this machine's clock
	denied      reason = "denied" // 403
	full        reason = "full"
	busy        reason = "busy"
	noBucket    reason = "bucket"
	notThere    reason = "404"
	otherThing  reason = "other" // something else than was stored
	status      reason = "status"
	redirected  reason = "redirect"
	mute        reason = "mute"
	refused     reason = "refused"
	cut         reason = "cut"
	certificate reason = "certificate"
	noName      reason = "name"

	noResolver reason = "resolver"
	noRoute    reason = "route"
	tooMany    reason = "too-many"
	noSecret   reason = "secret" // the file with the bot's key
	noRight    reason = "right"  // to write where the media of this machine are
	noFolder   reason = "folder" // the bot's own, which was there before
	broken     reason = "broken" // the file system
)

// A step is one question and what came of it.
type step struct {
	state  state
	why    reason
	code   int
	word   string // the storage's own, such as "AccessDenied"
	took   time.Duration
	header http.Header
	body   []byte
	err    error
}

// do asks, and reads at most a little.
func do(ctx context.Context, wire *api.Transport, req *http.Request) step {
	return doTo(ctx, wire, req, bodyLimit)
}

// doTo asks, and reads at most so many bytes.
func doTo(ctx context.Context, wire *api.Transport, req *http.Request, limit int64) step {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	began := time.Now()
	client := http.Client{Transport: wire, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return failed(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	var large *api.TooLargeError
	if err != nil && !errors.As(err, &large) {
		return failed(err)
	}
	s := step{state: well, code: resp.StatusCode, took: time.Since(began), header: resp.Header, body: body}
	switch {
	case s.code >= 200 && s.code < 300:
		return s
	case s.code >= 300 && s.code < 400:
		s.why = redirected
	default:
		s.word = wordOf(body)
		s.why = whyRefused(s.code, s.word)
	}
	s.state = ill
	return s
}

func get(ctx context.Context, wire *api.Transport, u *url.URL) step {
	req, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return step{state: unseen, why: noRoute, err: err}
	}
	req.Header.Set("Range", "bytes=0-4095") // the beginning is enough
	s := do(ctx, wire, req)
	if s.code == http.StatusRequestedRangeNotSatisfiable { // an empty file
		s.state, s.why = well, noReason
	}
	return s
}

// plainWord is what a storage's own words look like.
var plainWord = form{regexp.MustCompile(`^[A-Za-z0-9.]+$`), 60}

// wordOf is the storage's word for a refusal; "" where it has none.
func wordOf(body []byte) string {
	var said struct {
		Code string `xml:"Code"`
	}
	if !bytes.Contains(body, []byte("<Code>")) || xml.Unmarshal(body, &said) != nil || !plainWord.MatchString(said.Code) {
		return ""
	}
	return said.Code
}

func whyRefused(code int, word string) reason {
	switch word {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "AuthorizationHeaderMalformed":
		return badKey
	case "RequestTimeTooSkewed", "RequestExpired":
		return skewed
	case "NoSuchBucket":
		return noBucket
	case "SlowDown", "ServiceUnavailable", "TooManyRequests":
		return busy
	case "QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull", "InsufficientStorage", "QuotaExceededException":
		return full
	}
	switch code {
	case http.StatusForbidden, http.StatusUnauthorized:
		return denied
	case http.StatusNotFound:
		return notThere
	case http.StatusInsufficientStorage:
		return full
	case http.StatusServiceUnavailable:
		return busy
	}
	return status
}

// failed is a step without an answer.
func failed(err error) step {
	s := step{state: ill, why: cut, err: err}
	var (
		dns     *net.DNSError
		trust   *tls.CertificateVerificationError
		limited *api.RateLimitError
		timed   *api.TransportError
	)
	switch {
	case errors.As(err, &limited):
		s.state, s.why = unseen, tooMany
	case errors.As(err, &dns) && dns.IsNotFound:
		s.why = noName
	case errors.As(err, &dns):
		s.state, s.why = unseen, noResolver
	case errors.As(err, &trust):
		s.why = certificate
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		s.state, s.why = unseen, noRoute
	case errors.As(err, &timed) && timed.Timeout(), errors.Is(err, context.DeadlineExceeded):
		s.why = mute
	case errors.Is(err, syscall.ECONNREFUSED):
		s.why = refused
	}
	return s
}

// looksLikePage tells whether an answer is HTML, whatever it calls itself.
func (s step) looksLikePage() bool {
	return strings.HasPrefix(s.header.Get("Content-Type"), "text/html") ||
		strings.HasPrefix(strings.ToLower(string(bytes.TrimSpace(s.body[:min(len(s.body), 64)]))), "<!doctype html")
}
