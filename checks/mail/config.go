package mail

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// Config is the table [checks.mail] as it is written.
type Config struct {
	// SMTP is a mail server that takes mail from us: "smtp://user@host:587" or
	// "smtps://user@host:465"; better a credential of our own at Mastodon's
	// provider than Mastodon's.
	SMTP string `toml:"smtp"`
	// SMTPPasswordFile holds the password of that user.
	SMTPPasswordFile string `toml:"smtp_password_file"`
	// From is the address that Mastodon sends from, where SMTP_FROM_ADDRESS is
	// not found.
	From string `toml:"from"`
	// Mailboxes are where test messages should arrive.
	Mailboxes []Mailbox `toml:"mailbox"`
	// Addresses are those that this server's own mail server sends from; found
	// where Mastodon hands its mail to this machine.
	Addresses []string `toml:"addresses"`
	// BlockLists are asked about those addresses.
	BlockLists []string `toml:"block_lists"`
}

// Mailbox is one [[checks.mail.mailbox]]: one with nothing else in it.
type Mailbox struct {
	// Address is what is written to.
	Address string `toml:"address"`
	// IMAP is where it is read: "imaps://imap.example.com"; the user is the
	// address where the URL names none.
	IMAP string `toml:"imap"`
	// PasswordFile holds its password.
	PasswordFile string `toml:"password_file"`
	// Authserv is the name that its provider writes into Authentication-Results;
	// told by the name of the server that received the message where it is not
	// set.
	Authserv string `toml:"authserv"`
}

// defaultConfig holds the project's defaults: two lists that answer anybody
// who asks by a resolver of one's own (own).
func defaultConfig() Config {
	return Config{BlockLists: []string{"zen.spamhaus.org", "bl.spamcop.net"}}
}

const (
	// boxLimit, listLimit and addressLimit bound what is asked (own).
	boxLimit, listLimit, addressLimit = 8, 10, 8
	// nameLimit is the longest name in the DNS.
	nameLimit = 253
)

// settings is the written form, understood.
type settings struct {
	server    *server // nil where none is set
	from      sender
	boxes     []mailbox
	addresses []string
	lists     []string
}

// nothing tells whether nothing is set that could be asked.
func (s settings) nothing() bool {
	return s.server == nil && len(s.boxes) == 0 && s.from.address == "" && len(s.addresses) == 0
}

// A server is one that mail is handed to, or read at.
type server struct {
	host, port string
	within     bool // within TLS from the first byte on
	user       string
	secret     string // path of the password's file
	set        bool   // in our table; else it is Mastodon's
}

func (s server) at() string { return net.JoinHostPort(s.host, s.port) }

// local tells whether it is this machine.
func (s server) local() bool {
	ip, err := netip.ParseAddr(s.host)
	return strings.EqualFold(s.host, "localhost") || err == nil && ip.IsLoopback()
}

// A mailbox is one of ours.
type mailbox struct {
	address  string
	server   server
	authserv string
}

// A sender is an address that mail comes from, and how it is written.
type sender struct{ address, domain, written string }

func parseSender(s string) (sender, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return sender{}, err
	}
	address, domain, err := plainAddress(a.Address)
	if err != nil {
		return sender{}, err
	}
	return sender{address: address, domain: domain, written: (&mail.Address{Name: a.Name, Address: address}).String()}, nil
}

// plainAddress tells whether an address can stand in an SMTP command.
func plainAddress(s string) (address, domain string, err error) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>()[]",:;\`, r) }) {
		return "", "", errors.New("not a plain address")
	}
	domain = strings.ToLower(s[at+1:])
	if !hostName(domain) {
		return "", "", errors.New("not a domain")
	}
	return s[:at+1] + domain, domain, nil
}

// hostName tells whether a name is written as those in the DNS are.
func hostName(s string) bool {
	return s != "" && len(s) <= nameLimit && !strings.HasPrefix(s, ".") && !strings.Contains(s, "..") &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
		})
}

func (c Config) parse() (settings, error) {
	var s settings
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.SMTP != "" {
		srv, err := parseServer(c.SMTP, "smtp", "587", "465")
		switch {
		case err != nil:
			bad("smtp: %w", err)
		case srv.user != "" && c.SMTPPasswordFile == "":
			bad(`smtp_password_file: is missing; write the file that holds the password, for example "/etc/sababan/smtp-password"`)
		case srv.user == "" && c.SMTPPasswordFile != "":
			bad(`smtp: names no user; write for example "smtp://user@%s"`, srv.at())
		}
		srv.secret, srv.set = c.SMTPPasswordFile, true
		s.server = &srv
	} else if c.SMTPPasswordFile != "" {
		bad(`smtp: is missing; write for example "smtp://user@smtp.example.com:587"`)
	}
	if c.SMTPPasswordFile != "" && !wholePath(c.SMTPPasswordFile) {
		bad(`smtp_password_file: %q is not a whole path such as "/etc/sababan/smtp-password"`, checks.Quote(c.SMTPPasswordFile))
	}
	if c.From != "" {
		from, err := parseSender(c.From)
		if err != nil {
			bad(`from: %q is not an address such as "Mastodon <notifications@mastodon.example>"`, checks.Quote(c.From))
		}
		s.from = from
	}
	if len(c.Mailboxes) > boxLimit {
		bad("mailbox: there are %d of them; at most %d are looked at", len(c.Mailboxes), boxLimit)
	}
	seen := map[string]bool{}
	for i, one := range c.Mailboxes {
		b, err := one.parse()
		if err != nil {
			bad("mailbox: number %d: %w", i+1, err)
			continue
		}
		if seen[b.address] {
			bad("mailbox: number %d: there are two of this address", i+1)
		}
		seen[b.address] = true
		s.boxes = append(s.boxes, b)
	}
	s.addresses, s.lists = c.Addresses, c.BlockLists
	if len(c.Addresses) > addressLimit || len(c.BlockLists) > listLimit {
		bad("addresses, block_lists: at most %d addresses and %d lists are asked about", addressLimit, listLimit)
	}
	for _, a := range c.Addresses {
		if ip, err := netip.ParseAddr(a); err != nil || ip.Zone() != "" {
			bad(`addresses: %q is not an address such as "192.0.2.1"`, checks.Quote(a))
		}
	}
	for _, l := range c.BlockLists {
		if !hostName(l) {
			bad(`block_lists: %q is not a name such as "zen.spamhaus.org"`, checks.Quote(l))
		}
	}
	return s, errors.Join(errs...)
}

func (m Mailbox) parse() (mailbox, error) {
	address, _, err := plainAddress(m.Address)
	if err != nil {
		return mailbox{}, fmt.Errorf(`address: %q is not an address such as "probe@example.com"`, checks.Quote(m.Address))
	}
	srv, err := parseServer(m.IMAP, "imap", "143", "993")
	if err != nil {
		return mailbox{}, fmt.Errorf("imap: %w", err)
	}
	if srv.user == "" {
		srv.user = address
	}
	if !wholePath(m.PasswordFile) {
		return mailbox{}, fmt.Errorf(`password_file: %q is not a whole path such as "/etc/sababan/mailbox-password"`, checks.Quote(m.PasswordFile))
	}
	if m.Authserv != "" && !hostName(m.Authserv) {
		return mailbox{}, fmt.Errorf(`authserv: %q is not a name such as "mx.example.com"`, checks.Quote(m.Authserv))
	}
	srv.secret, srv.set = m.PasswordFile, true
	return mailbox{address: address, server: srv, authserv: strings.ToLower(m.Authserv)}, nil
}

func wholePath(p string) bool {
	return path.IsAbs(p) && checks.Sh(p).String() != ""
}

// parseServer reads "smtp://user@host:port"; with an s behind the scheme it is
// within TLS. Its errors never show the user or a password.
func parseServer(s, scheme, port, portWithin string) (server, error) {
	example := fmt.Sprintf(`write for example "%ss://user@%s.example.com:%s"`, scheme, scheme, portWithin)
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != scheme && u.Scheme != scheme+"s" {
		return server{}, fmt.Errorf("is not an address of a server; %s", example)
	}
	if _, has := u.User.Password(); has {
		return server{}, errors.New("holds a password; put it into a file of its own")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return server{}, fmt.Errorf("has more than scheme, user, host and port; %s", example)
	}
	out := server{host: u.Hostname(), port: u.Port(), user: u.User.Username(), within: u.Scheme != scheme}
	if out.port == "" {
		out.port = port
		if out.within {
			out.port = portWithin
		}
	}
	if !site.IsServer(out.at()) || strings.ContainsAny(out.user, "\r\n\x00") {
		return server{}, fmt.Errorf("is not an address of a server; %s", example)
	}
	return out, nil
}

// mastodonServer is where Mastodon hands its mail to, as its settings tell; we
// have no credential there. Nil where they do not tell, or where it is a name
// that only Mastodon's own machine or containers know.
func mastodonServer(f site.Found) *server {
	host, way := f.Settings["SMTP_SERVER"], f.Settings["SMTP_DELIVERY_METHOD"]
	if host == "" || way != "" && way != "smtp" {
		return nil
	}
	s := server{host: host, port: f.Settings["SMTP_PORT"]}
	if s.port == "" {
		s.port = "587" // Mastodon's default
	}
	s.within = s.port == "465"
	switch {
	case !site.IsServer(s.at()):
		return nil
	case s.local() && (f.Live == "" || f.Compose != ""), f.Compose != "" && !strings.ContainsAny(host, ".:"):
		return nil
	}
	return &s
}
