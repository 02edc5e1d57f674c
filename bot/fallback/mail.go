package fallback

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// A mail is a mail server that takes messages for some addresses. A message that
// is sent again has the same Message-ID, by which mailboxes tell that it is one.
type mail struct {
	name     string
	host     string // a name or an address
	at       string // host:port
	within   bool   // TLS from the first byte
	user     string
	password credential
	from     string
	to       []string
	helo     string
	roots    *x509.CertPool
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	patience time.Duration
}

// mailBytes bounds what a mail server may say in one conversation (own; it says
// about 1 kB).
const mailBytes = 256 << 10

// newMail takes smtp:// and smtps://user:password@host:port/?from=…&to=…, and
// mailto:address for the mail server of this machine.
func newMail(u *url.URL, o Options) (bot.Way, error) {
	m := &mail{roots: o.Roots, dial: o.Dial, patience: o.Patience, helo: o.Host}
	if m.helo == "" {
		m.helo = "localhost"
	}
	var to []string
	var q url.Values
	var err error
	if u.Scheme == "mailto" {
		if q, err = known(u, "from"); err != nil {
			return nil, err
		}
		m.host, m.at = "localhost", "localhost:25"
		address, err := url.PathUnescape(u.Opaque)
		if err != nil {
			return nil, errors.New("should be an address such as \"mailto:me@example.com\"")
		}
		to = []string{address}
	} else {
		if q, err = known(u, "from", "to", "password_file"); err != nil {
			return nil, err
		}
		port := u.Port()
		if m.within = u.Scheme == "smtps"; port == "" {
			if port = "587"; m.within {
				port = "465"
			}
		}
		m.host, m.user, to = u.Hostname(), u.User.Username(), q["to"]
		m.at = net.JoinHostPort(m.host, port)
		if m.host == "" || strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("should be %s://user:password@host:port/?from=…&to=…", u.Scheme)
		}
		if password, has := u.User.Password(); has {
			q.Set("password", password)
		}
		if m.password, err = o.credentialOf(q, "password"); err != nil {
			return nil, err
		}
		if m.user != "" && m.password.empty() {
			return nil, fmt.Errorf("%s: has a user and no password; add password_file=…", u.Scheme)
		}
	}
	for _, list := range to {
		for one := range strings.SplitSeq(list, ",") {
			address, err := plainAddress(one)
			if err != nil {
				return nil, fmt.Errorf("to: %w", err)
			}
			m.to = append(m.to, address)
		}
	}
	if len(m.to) == 0 {
		return nil, errors.New("to: is missing; write …?to=me@example.com")
	}
	from := q.Get("from")
	if from == "" {
		if from = m.user; !strings.Contains(from, "@") {
			from = "sababan@" + m.helo
		}
	}
	if m.from, err = plainAddress(from); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	m.name = wayName("mail", append([]string{m.at, m.user}, m.to...)...)
	return m, nil
}

// plainAddress is an address alone, without a name.
func plainAddress(s string) (string, error) {
	a, err := netmail.ParseAddress(strings.TrimSpace(s))
	if err != nil || strings.ContainsAny(a.Address, "\r\n<> ") {
		return "", errors.New("is no mail address; write for example me@example.com")
	}
	for _, r := range a.Address {
		if r > '~' {
			return "", errors.New("is a mail address with letters that not every server takes")
		}
	}
	return a.Address, nil
}

func (m *mail) Name() string            { return m.name }
func (m *mail) Title() checks.Text      { return checks.Text{En: "mail", Ja: "メール"} }
func (m *mail) Limit() int              { return 0 }
func (m *mail) Patience() time.Duration { return m.patience }

// Find never finds: what is sent again has the same Message-ID.
func (m *mail) Find(context.Context, bot.Message) (string, bool, error) { return "", false, nil }

// Send hands a message over. Up to its last line it certainly is not taken.
func (m *mail) Send(ctx context.Context, msg bot.Message) bot.Receipt {
	r := m.send(ctx, msg)
	if password, err := m.password.read(); err == nil {
		r.Why = password.Hide(r.Why) // some servers repeat the line that they do not take
	}
	return r
}

func (m *mail) send(ctx context.Context, msg bot.Message) bot.Receipt {
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	client, err := m.open(ctx)
	if err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: mailWords(err)}
	}
	defer func() { _ = client.Close() }()
	// Not by client.Mail: that asks for SMTPUTF8 wherever it is offered, and then a
	// server on the way that does not know it refuses the message.
	if err := command(client, "MAIL FROM:<%s>", m.from); err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: "sender: " + mailWords(err)}
	}
	taken, why := 0, ""
	for _, to := range m.to {
		if err := client.Rcpt(to); err != nil {
			why = "recipient: " + mailWords(err)
			continue
		}
		taken++
	}
	if taken == 0 {
		return bot.Receipt{Outcome: bot.Refused, Why: why}
	}
	w, err := client.Data()
	if err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: mailWords(err)}
	}
	if _, err := w.Write(m.letter(msg)); err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: mailWords(err)}
	}
	if err := w.Close(); err != nil {
		var reply *textproto.Error
		if errors.As(err, &reply) {
			return bot.Receipt{Outcome: bot.Refused, Why: mailWords(err)}
		}
		return bot.Receipt{Outcome: bot.Uncertain, Why: "the answer was lost: " + mailWords(err)}
	}
	_ = client.Quit() // it is taken
	return bot.Receipt{Outcome: bot.Delivered, ID: m.id(msg), Why: why}
}

// open connects, encrypts and signs in.
func (m *mail) open(ctx context.Context) (client *smtp.Client, err error) {
	conn, err := m.dial(ctx, "tcp", m.at)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	if deadline, has := ctx.Deadline(); has {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if err != nil {
			stop()
		}
	}()
	var line net.Conn = &bounded{Conn: conn, left: mailBytes}
	if m.within {
		line = tls.Client(line, m.trust())
	}
	if client, err = smtp.NewClient(line, m.host); err != nil {
		return nil, err
	}
	if err = client.Hello(m.helo); err != nil {
		return nil, err
	}
	if offered, _ := client.Extension("STARTTLS"); offered && !m.within {
		if err = client.StartTLS(m.trust()); err != nil {
			return nil, err
		}
	} else if !m.within && !loopback(m.host) {
		err = errNoTLS
		return nil, err
	}
	if m.user == "" {
		return client, nil
	}
	password, err := m.password.read()
	if err != nil {
		return nil, err
	}
	err = client.Auth(m.auth(client, password))
	return client, err
}

var errNoTLS = errors.New("it offers no STARTTLS, so nothing is said to it")

// trust is what is believed of the server. What does not leave this machine
// needs no proof of who it is.
func (m *mail) trust() *tls.Config {
	return &tls.Config{ServerName: m.host, RootCAs: m.roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: loopback(m.host)}
}

func (m *mail) auth(client *smtp.Client, password checks.Secret) smtp.Auth {
	_, offered := client.Extension("AUTH")
	ways := " " + strings.ToUpper(offered) + " "
	switch {
	case strings.Contains(ways, " PLAIN ") || !strings.Contains(ways, " LOGIN "):
		return smtp.PlainAuth("", m.user, password.Reveal(), m.host)
	}
	return &login{user: m.user, password: password, host: m.host}
}

// login is the way to sign in that some providers know alone.
type login struct {
	user, host string
	password   checks.Secret
	asked      int
}

func (l *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if s.Name != l.host || !s.TLS && !loopback(s.Name) {
		return "", nil, errNoTLS
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
	return nil, errors.New("it asks for more than a name and a password")
}

func (m *mail) id(msg bot.Message) string {
	_, domain, _ := strings.Cut(m.from, "@")
	return "<" + msg.Key + "@" + domain + ">"
}

// letter writes a message. Its first line is the subject as well.
func (m *mail) letter(msg bot.Message) []byte {
	first, _, _ := strings.Cut(msg.Text, "\n")
	subject := cutTo(msg.Title+": "+first, 150)
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", "sababan <" + m.from + ">"},
		{"To", "<" + strings.Join(m.to, ">, <") + ">"},
		{"Subject", mime.BEncoding.Encode("utf-8", strings.Map(printable, subject))},
		{"Date", msg.Since.Format(time.RFC1123Z)},
		{"Message-ID", m.id(msg)},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		{"Content-Language", string(msg.Lang)},
	} {
		if h[1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	// Neither can fail: they write into memory.
	_, _ = io.WriteString(w, strings.ReplaceAll(msg.Text, "\n", "\r\n"))
	_, _ = io.WriteString(w, "\r\n")
	_ = w.Close()
	return b.Bytes()
}

func printable(r rune) rune {
	if r < ' ' {
		return ' '
	}
	return r
}

func command(client *smtp.Client, format string, args ...any) error {
	id, err := client.Text.Cmd(format, args...)
	if err != nil {
		return err
	}
	client.Text.StartResponse(id)
	defer client.Text.EndResponse(id)
	_, _, err = client.Text.ReadResponse(250)
	return err
}

// mailWords is what went wrong, in one line.
func mailWords(err error) string {
	var reply *textproto.Error
	switch {
	case errors.As(err, &reply):
		return fmt.Sprintf("the mail server answered %d %s", reply.Code, checks.Quote(reply.Msg))
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return "no answer in time"
	}
	return checks.Quote(err.Error())
}

// bounded is a connection from which no more than so much is read.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("it says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
