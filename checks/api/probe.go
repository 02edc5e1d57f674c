package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// Probe gets path and tells how the answer came: any status is an answer, and
// redirects are not followed. Beside an error stands what was seen until then.
// [Answer.Decode], [Answer.InstanceV1] and [Answer.InstanceV2] read it on.
func (c *Client) Probe(ctx context.Context, path string, query url.Values) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	none := Answer{Method: http.MethodGet, Path: path}
	req, err := c.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return none, fmt.Errorf("GET %s: %w", path, &TransportError{Err: err})
	}

	// The hooks run in other goroutines, some of them after the answer.
	var asked, connected, first atomic.Int64
	var reused atomic.Bool
	began := time.Now()
	since := func(into *atomic.Int64) { into.Store(int64(time.Since(began))) }
	req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { since(&asked) },
		GotConn:              func(info httptrace.GotConnInfo) { reused.Store(info.Reused); since(&connected) },
		GotFirstResponseByte: func() { since(&first) },
	}))

	direct := c.HTTP()
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := direct.Do(req)
	a := none
	if err != nil {
		err = callError(http.MethodGet, path, err)
	} else {
		defer func() { _ = resp.Body.Close() }()
		a, err = c.answer(http.MethodGet, path, resp)
	}
	a.Total = time.Since(began)
	a.FirstByte = time.Duration(first.Load())
	if connected.Load() > 0 && !reused.Load() {
		a.Fresh = true
		a.Connect = time.Duration(connected.Load() - asked.Load())
	}
	return a, err
}

// Runtime is how long the application says that it worked on the answer.
// A cached answer repeats the number of the time when it was made.
func (a Answer) Runtime() (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(a.Header.Get("X-Runtime"), 64)
	if err != nil || !(seconds >= 0 && seconds <= time.Hour.Seconds()) { // NaN, too
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
