package watch

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// state is how a server, or a place of it, is.
type state int8

const (
	unasked state = iota // not looked at
	unseen               // nothing is known of it
	well                 // as it should be
	absent               // its software has no such place, or does not show it
	ill
)

// reason is why something is not well, or not seen.
type reason string

// The reasons.
const (
	noReason    reason = ""
	noName      reason = "name"        // its name does not exist
	private     reason = "private"     // its name leads to no public address
	refused     reason = "refused"     // nothing listens
	unreachable reason = "unreachable" // no way to it
	mute        reason = "mute"        // no answer in time
	cut         reason = "cut"         // the connection is cut
	badTLS      reason = "tls"         // no TLS that both know
	certOver    reason = "over"        // its certificate has ended
	certEarly   reason = "early"       // its certificate has not begun
	certName    reason = "other"       // its certificate is for another name
	certSelf    reason = "self"        // its certificate vouches for itself
	certUnknown reason = "unknown"     // nobody that is trusted here vouches for it
	status      reason = "status"      // an HTTP status that is no success
	stale       reason = "stale"       // only a cache answers
	moved       reason = "moved"       // it leads to another host
	noRoot      reason = "root"        // a page, but not Mastodon's
	notJSON     reason = "json"        // a page where JSON should be
	strange     reason = "strange"     // something else than should be there
	tooLarge    reason = "large"

	// What says something of this machine, or of the moment, and nothing of the
	// server.
	noResolver reason = "resolver"
	noRoute    reason = "route"
	guarded    reason = "guarded" // it refuses this machine
	crowded    reason = "crowded" // no turn, or no time
)

// A place is one thing that was asked for.
type place struct {
	state state
	why   reason
	code  int
}

// An outcome is what one look at a server came to.
type outcome struct {
	state state
	why   reason // where the places were not reached; else of the first that is ill
	// end and life are of its certificate; zero where none was seen.
	end  time.Time
	life time.Duration
	to   string // the host that its page leads to
	took time.Duration
	// page, api and streaming are what was asked for.
	page, api, streaming place
}

// sum makes the state of the whole of those of its places.
func (o *outcome) sum() {
	o.state, o.why = well, noReason
	for _, p := range []place{o.page, o.api, o.streaming} {
		switch {
		case p.state == ill:
			o.state, o.why = ill, p.why
			return
		case p.state == unseen && o.state == well:
			o.state, o.why = unseen, p.why
		}
	}
}

// unconnected is an outcome without a connection.
func unconnected(err error) (state, reason) {
	var (
		dns    *net.DNSError
		op     *net.OpError
		record tls.RecordHeaderError
		alert  tls.AlertError
		timed  net.Error
	)
	switch {
	case errors.Is(err, errCrowded), errors.Is(err, context.Canceled):
		return unseen, crowded
	case errors.Is(err, errPrivate):
		return ill, private
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return ill, noName
		}
		return unseen, noResolver
	case errors.Is(err, syscall.ECONNREFUSED):
		return ill, refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL),
		errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EAFNOSUPPORT):
		return unseen, noRoute
	case errors.Is(err, syscall.EHOSTUNREACH):
		return ill, unreachable
	case errors.As(err, &record), errors.As(err, &alert), errors.As(err, &op) && op.Op == "remote error":
		return ill, badTLS
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ill, cut
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout():
		return ill, mute
	case strings.Contains(err.Error(), "tls: "):
		return ill, badTLS
	}
	return ill, cut
}

// readStatus judges an HTTP status that is no success.
func readStatus(code int) place {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusUnavailableForLegalReasons:
		return place{unseen, guarded, code}
	}
	return place{ill, status, code}
}
