package api

import (
	"context"
	"errors"
	"fmt"
)

// A TransportError is a request that got no whole answer. Wrote is false only
// where it certainly never reached the server: no address, no connection, no
// TLS.
type TransportError struct {
	Err   error
	Wrote bool
}

func (e *TransportError) Error() string { return e.Err.Error() }

func (e *TransportError) Unwrap() error { return e.Err }

// Timeout says whether time ran out, whoever's limit it was.
func (e *TransportError) Timeout() bool {
	if errors.Is(e.Err, context.DeadlineExceeded) {
		return true
	}
	var timed interface{ Timeout() bool }
	return errors.As(e.Err, &timed) && timed.Timeout()
}

// Is makes every time-out a [context.DeadlineExceeded].
func (e *TransportError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Timeout()
}

// A StatusError is an answer other than success: below 200, from 300 on, and
// 206, by which Mastodon says that media is still being worked on.
type StatusError struct {
	Method, Path string
	Code         int
	Message      string // the server's words: one line, at most 200 runes
	Body         []byte // at most 64 KiB
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d: %s", e.Method, e.Path, e.Code, e.Message)
}

// A NotJSONError is an answer that is not JSON where JSON should be.
// Challenge says that something in front of the server wants to see a browser.
type NotJSONError struct {
	Method, Path string
	Code         int
	ContentType  string
	Start        string // of the answer: one line, at most 200 runes
	Challenge    bool
}

func (e *NotJSONError) Error() string {
	what := "not JSON"
	if e.Challenge {
		what = "a challenge page for browsers, not JSON"
	}
	return fmt.Sprintf("%s %s: %d: %s (%s): %q", e.Method, e.Path, e.Code, what, e.ContentType, e.Start)
}

// A ShapeError is JSON of another shape than was expected.
type ShapeError struct {
	Method, Path string
	Err          error
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("%s %s: unexpected JSON: %s", e.Method, e.Path, oneLine(e.Err.Error(), maxWords))
}

func (e *ShapeError) Unwrap() error { return e.Err }

// Sent says whether the request of this outcome may have reached the server.
// It is false only where it certainly did not, so that asking again cannot do
// a thing twice.
func Sent(err error) bool {
	var transport *TransportError
	return !errors.As(err, &transport) || transport.Wrote
}
