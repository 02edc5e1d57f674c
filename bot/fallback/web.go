package fallback

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// answerLimit bounds what a service may answer (own; they say a few hundred
// bytes).
const answerLimit = 64 << 10

// A caller makes requests that are never led elsewhere, each on a connection of
// its own: there are a few a week.
type caller struct {
	client   *http.Client
	agent    string
	patience time.Duration
}

func newCaller(o Options) *caller {
	transport := api.NewTransport(api.Options{
		UserAgent: o.UserAgent, Dial: o.Dial, Roots: o.Roots, MaxBody: answerLimit,
		HeaderTimeout: o.Patience, Timeout: o.Patience, Fresh: true, PlainHTTP: true,
	})
	return &caller{
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		agent: o.UserAgent, patience: o.Patience,
	}
}

// an answer of a service.
type answer struct {
	code int
	body []byte
}

// call makes one request. The error never shows the address, which may be a
// secret.
func (c *caller) call(ctx context.Context, method, address string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the address cannot be used")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, withoutAddress(err)
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	a := answer{code: resp.StatusCode, body: got}
	if err != nil && a.code >= 200 && a.code < 300 {
		return a, nil // it was taken, whatever it would have said
	}
	return a, withoutAddress(err)
}

// post sends JSON and says what became of it.
func (c *caller) post(ctx context.Context, method, address string, header http.Header, value any) (answer, bot.Receipt) {
	body, err := json.Marshal(value)
	if err != nil {
		return answer{}, bot.Receipt{Outcome: bot.Refused, ForMessage: true, Final: true, Why: "the message cannot be written as JSON"}
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	a, err := c.call(ctx, method, address, header, body)
	return a, receiptOf(a, err)
}

// receiptOf says what an answer means.
func receiptOf(a answer, err error) bot.Receipt {
	var limited *api.RateLimitError
	switch {
	case errors.As(err, &limited):
		return bot.Receipt{Outcome: bot.Refused, Why: "too many requests (429)", NotBefore: limited.Reset}
	case err != nil && !api.Sent(err):
		return bot.Receipt{Outcome: bot.Refused, Why: "not sent: " + checks.Quote(err.Error())}
	case err != nil:
		return bot.Receipt{Outcome: bot.Uncertain, Why: "no answer: " + checks.Quote(err.Error())}
	case a.code >= 200 && a.code < 300:
		return bot.Receipt{Outcome: bot.Delivered}
	}
	why := fmt.Sprintf("it answered %d", a.code)
	switch {
	case a.code >= 500:
		// A proxy may give up on a request that the service goes on with.
		return bot.Receipt{Outcome: bot.Uncertain, Why: why}
	case a.code >= 300 && a.code < 400:
		return bot.Receipt{Outcome: bot.Refused, Why: why + ", leading elsewhere; write the address it leads to"}
	case a.code == http.StatusBadRequest, a.code == http.StatusRequestEntityTooLarge, a.code == http.StatusUnprocessableEntity:
		return bot.Receipt{Outcome: bot.Refused, ForMessage: true, Why: why}
	}
	return bot.Receipt{Outcome: bot.Refused, Why: why}
}

// A lostAddress is an error whose address is left out; what it was is kept for
// errors.As.
type lostAddress struct {
	words string
	err   error
}

func (e *lostAddress) Error() string { return e.words }
func (e *lostAddress) Unwrap() error { return e.err }

// withoutAddress says what went wrong on the network, without the address that
// was asked.
func withoutAddress(err error) error {
	if err == nil {
		return nil
	}
	words := "the connection broke"
	var (
		dns  *net.DNSError
		op   *net.OpError
		slow interface{ Timeout() bool }
	)
	cause := err
	for {
		var wrapped *url.Error
		if !errors.As(cause, &wrapped) {
			break
		}
		cause = wrapped.Err
	}
	var transport *api.TransportError
	if errors.As(cause, &transport) && transport.Err != nil {
		cause = transport.Err
	}
	switch {
	case errors.As(err, &dns):
		words = "no address for " + checks.QuoteName(dns.Name)
	case errors.As(err, &slow) && slow.Timeout(), errors.Is(err, context.DeadlineExceeded):
		words = "no answer in time"
	case errors.As(err, &op):
		words = op.Err.Error()
		if op.Op == "dial" && op.Addr != nil {
			words = op.Addr.String() + ": " + words
		}
	default:
		if isCertificate(cause) {
			words = cause.Error()
		}
	}
	return &lostAddress{checks.Quote(words), err}
}

func isCertificate(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad)
}
