package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/smtp"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// smtpBytes bounds what a mail server may say in one conversation (own; it says
// about 1 kB).
const smtpBytes = 256 << 10

// A talk is what came of a conversation with the mail server.
type talk struct {
	At    time.Time `json:"at"`
	Place string    `json:"place"` // host:port
	Step  step      `json:"step"`  // the last that was reached
	Fault fault     `json:"fault,omitempty"`
	// Words are the server's, or those that tell more of the fault.
	Words string `json:"words,omitempty"`
	Code  int    `json:"code,omitempty"`
	// To is the recipient that was refused.
	To string `json:"to,omitempty"`
	// Took is the time up to the last answer of the step, without a message.
	Took time.Duration `json:"took,omitempty"`
	// Verb is what was refused.
	Verb string `json:"verb,omitempty"`
	// Plainly tells that there was no encryption, as none was needed.
	Plainly bool `json:"plainly,omitempty"`
}

// A post is one conversation with a mail server.
type post struct {
	server   server
	roots    *x509.CertPool
	helo     string
	from     string
	password checks.Secret
}

// deliver goes step by step as far as it can: connection, TLS, sign-in, and for
// each letter MAIL FROM, RCPT TO, and the message where there is one. It tells
// how far it came and which messages were taken.
func (p post) deliver(ctx context.Context, letters []letter) (talk, []letter) {
	t, taken := p.converse(ctx, letters)
	t.Words = p.password.Hide(t.Words) // some repeat the line that they do not take
	return t, taken
}

func (p post) converse(ctx context.Context, letters []letter) (talk, []letter) {
	t := talk{At: time.Now(), Place: p.server.at()}
	client, err := p.open(ctx, &t)
	if client != nil {
		defer func() { _ = client.Close() }()
	}
	if err == nil {
		err = p.signIn(client, &t)
	}
	t.Took = time.Since(t.At)
	if err != nil {
		t.fail(err)
		return t, nil
	}
	if asks, _ := client.Extension("AUTH"); asks && p.server.user == "" && !p.server.set {
		letters = nil // it takes nothing from those who do not sign in, and we cannot
	}
	var taken []letter
	for _, l := range letters {
		began := time.Now()
		err := p.letter(client, l, &t)
		if err == nil {
			l.at = began
			if len(l.text) > 0 {
				taken = append(taken, l)
			}
			continue
		}
		if t.Fault == "" {
			t.To = l.to
			t.fail(err)
		}
		if over(err) || client.Reset() != nil {
			return t, taken
		}
	}
	_ = client.Quit() // what was to be known is known
	return t, taken
}

func (t *talk) fail(err error) {
	t.Fault = faultOf(err, t.Step)
	t.Code, t.Words = reply(err)
	switch t.Fault {
	case untrusted:
		t.Words = certWords(err)
	case unreachable, silent, noTLS:
		t.Words = ""
	}
	var none *noWay
	if errors.As(err, &none) {
		t.Fault, t.Words = none.fault, none.words
	}
}

// noWay is a step that cannot be gone though nobody refused it.
type noWay struct {
	fault fault
	words string
}

func (e *noWay) Error() string { return string(e.fault) + ": " + e.words }

// open connects and encrypts.
func (p post) open(ctx context.Context, t *talk) (*smtp.Client, error) {
	conn, err := p.server.dial(ctx, smtpBytes)
	if err != nil {
		return nil, err
	}
	var client *smtp.Client
	if p.server.within {
		within := tls.Client(conn, p.server.trust(p.roots))
		if err := within.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		client, err = smtp.NewClient(within, p.server.host)
	} else {
		client, err = smtp.NewClient(conn, p.server.host)
	}
	if err != nil {
		_ = conn.Close()
		t.Verb = "220"
		return nil, err
	}
	if err := client.Hello(p.helo); err != nil {
		t.Verb = "EHLO"
		return client, err
	}
	t.Step = connected
	if p.server.within {
		t.Step = encrypted
		return client, nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		if !p.server.local() {
			return client, &noWay{fault: plain}
		}
		t.Plainly = true
		return client, nil
	}
	if err := client.StartTLS(p.server.trust(p.roots)); err != nil {
		t.Verb = "STARTTLS"
		return client, err
	}
	t.Step = encrypted
	return client, nil
}

func (p post) signIn(client *smtp.Client, t *talk) error {
	if p.server.user == "" {
		return nil
	}
	t.Verb = "AUTH"
	_, offered := client.Extension("AUTH")
	var way smtp.Auth
	words := p.password.Reveal()
	switch ways := " " + strings.ToUpper(offered) + " "; {
	case strings.Contains(ways, " PLAIN "):
		way = smtp.PlainAuth("", p.server.user, words, p.server.host)
	case strings.Contains(ways, " LOGIN "):
		way = &login{user: p.server.user, password: p.password, host: p.server.host}
	case strings.Contains(ways, " CRAM-MD5 "):
		way = smtp.CRAMMD5Auth(p.server.user, words)
	default:
		return &noWay{fault: refused, words: ""}
	}
	if err := client.Auth(way); err != nil {
		return err
	}
	t.Step = signedIn
	return nil
}

// letter hands one over; without a text it stops where the message would begin.
func (p post) letter(client *smtp.Client, l letter, t *talk) error {
	t.Verb = "MAIL FROM"
	// Not by client.Mail: that asks for SMTPUTF8 wherever it is offered, and then
	// a server on the way that does not know it refuses the message.
	if err := command(client, 250, "MAIL FROM:<%s>", p.from); err != nil {
		return err
	}
	t.Verb = "RCPT TO"
	if err := client.Rcpt(l.to); err != nil && !(l.perhaps && unknownThere(err)) {
		return err
	}
	if t.Step < recipient {
		t.Step, t.Took = recipient, time.Since(t.At)
	}
	if len(l.text) == 0 {
		return client.Reset()
	}
	t.Verb = "DATA"
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(l.text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	t.Step = max(t.Step, message)
	return nil
}

// unknownThere tells whether a server would take a message, and not for this one
// name of its own (RFC 3463: X.1.1).
func unknownThere(err error) bool {
	code, words := reply(err)
	return code == 550 && strings.HasPrefix(words, "5.1.1 ")
}

func command(client *smtp.Client, want int, format string, args ...any) error {
	id, err := client.Text.Cmd(format, args...)
	if err != nil {
		return err
	}
	client.Text.StartResponse(id)
	defer client.Text.EndResponse(id)
	_, _, err = client.Text.ReadResponse(want)
	return err
}

// login is the way to sign in that some providers know alone.
type login struct {
	user, host string
	password   checks.Secret
	asked      int
}

func (l *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if s.Name != l.host || !s.TLS && !(server{host: s.Name}).local() {
		return "", nil, &noWay{fault: plain}
	}
	return "LOGIN", nil, nil
}

func (l *login) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.password.Reveal()), nil
	}
	return nil, fmt.Errorf("smtp: asked %d times", l.asked)
}
