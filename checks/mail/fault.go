package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"
)

// A fault is what kept us from going on; "" where nothing did.
type fault string

const (
	unreachable fault = "unreachable" // no connection
	silent      fault = "silent"      // no answer in time, or an end in the middle
	plain       fault = "plain"       // no STARTTLS where it must be
	untrusted   fault = "untrusted"   // the certificate
	noTLS       fault = "tls"         // TLS fails otherwise
	wrong       fault = "password"    // of ours
	refused     fault = "refused"     // by a word of the server
	limited     fault = "limit"       // of the provider
	full        fault = "full"        // a mailbox of ours
	unread      fault = "secret"      // the file of our password
)

// A step is how far a conversation with a mail server has come.
type step int

const (
	began     step = iota
	connected      // it has greeted us and told what it can
	encrypted
	signedIn
	recipient // it would take a message for the recipient
	message   // it has taken one
)

// wordsMost bounds what is kept of a server's words, in bytes: they are
// remembered, and a message shows a line of them (own).
const wordsMost = 1000

func few(words string) string {
	return strings.ToValidUTF8(words[:min(len(words), wordsMost)], "")
}

// reply is the code and the first words of a server's answer; zero where an
// error is none.
func reply(err error) (code int, words string) {
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return answer.Code, few(answer.Msg)
	}
	return 0, ""
}

// faultOf names what an error of a conversation means, at the step that was
// reached before it.
func faultOf(err error, reached step) fault {
	code, words := reply(err)
	switch {
	case code == 0:
		return wireFault(err, reached)
	case quotaWords.MatchString(words):
		return full
	case limitWords.MatchString(words):
		return limited
	case reached < signedIn && (code == 535 || code == 534):
		return wrong
	}
	return refused
}

func wireFault(err error, reached step) fault {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var protocol textproto.ProtocolError
	switch {
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verify):
		return untrusted
	case errors.As(err, &record), errors.As(err, &alert), strings.HasPrefix(err.Error(), "tls: "):
		return noTLS
	case errors.As(err, &protocol), errors.Is(err, errTooMuch):
		return silent
	}
	var dial *net.OpError
	var dns *net.DNSError
	if reached == began && (errors.As(err, &dns) || errors.As(err, &dial) && dial.Op == "dial") {
		return unreachable
	}
	return silent
}

// certWords is why a certificate is not trusted, as a word for text.go.
func certWords(err error) string {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired"
	}
	return "unknown"
}

// limitWords are how providers say that no more is sent today, or not so fast.
var limitWords = regexp.MustCompile(`(?i)(daily|hourly|monthly|sending|send|message|messages|mail|mails|email|emails|recipient|user|rate|credits?)[a-z ]{0,40}(limit|quota|credits?|rate)[a-z ]{0,30}(exceed|reach)` +
	`|(exceed|reach)[a-z ]{1,40}(limit|quota|rate|credits)|limit exceeded|rate limit|throttl|too many (messages|mails|emails|e-mails|recipients|connections|sends)|maximum (credits|sending rate) exceeded`)

// quotaWords are how a server says that a mailbox is full (RFC 3463: X.2.2).
var quotaWords = regexp.MustCompile(`(?i)\b[45]\.2\.2\b|mailbox (is )?full|over ?quota|quota exceeded \(mailbox`)

// errTooMuch ends a conversation with somebody who does not stop.
var errTooMuch = errors.New("more was said than anybody would")

// A bounded connection gives no more than so many bytes, and ends with a
// context.
type bounded struct {
	net.Conn
	left int64
	stop func() bool
}

func (b *bounded) Close() error {
	b.stop()
	return b.Conn.Close()
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.Conn.Read(p)
	b.left -= int64(n)
	return n, err
}

// dial connects to a server, and ends the connection with the context.
func (s server) dial(ctx context.Context, limit int64) (*bounded, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.at())
	if err != nil {
		return nil, err
	}
	return &bounded{Conn: conn, left: limit, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
}

// trust is how a server's certificate is looked at. That of a mail server on
// this very machine is not, unless it gets a password: it is made for nobody.
func (s server) trust(roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName: s.host, RootCAs: roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: s.local() && s.user == "", //nolint:gosec // see above
	}
}

// over tells whether an error is an end of the connection or of our time.
func over(err error) bool {
	var wire net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &wire)
}
