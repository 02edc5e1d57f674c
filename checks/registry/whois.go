package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks/site"
)

const (
	// whoisLimit bounds an answer, in bytes; honest ones have a few thousand (own).
	whoisLimit = 64 << 10
	// whoisHops bounds how often one server sends to another (own): registry,
	// registrar.
	whoisHops = 2
)

var errSilent = errors.New("it says nothing")

// whoisOf is the WHOIS server of a suffix, by IANA's own; "" where it has none.
func (r *Book) whoisOf(ctx context.Context, suffix string) (string, error) {
	tld := suffix[strings.LastIndexByte(suffix, '.')+1:]
	raw, err := r.converse(ctx, r.out.WHOIS, tld)
	if err != nil {
		return "", fmt.Errorf("WHOIS of IANA: %w", err)
	}
	for _, f := range readLines(decode(raw)) {
		if f.label == "refer" || f.label == "whois" {
			if host := whoisHost(f.value); host != "" {
				return host, nil
			}
		}
	}
	return "", nil
}

// whoisHost is a host that may be asked; "" for anything else. A port or a
// scheme is none of WHOIS.
func whoisHost(s string) string {
	host := PlainName(s)
	if host == "" || !strings.Contains(host, ".") || !site.IsServer(host) || net.ParseIP(host) != nil {
		return ""
	}
	return host
}

// whois asks the registry, and where that tells no date the registrar to whom
// it points.
func (r *Book) whois(ctx context.Context, server, name string) (Registration, error) {
	var said Registration
	var asked []string
	for {
		raw, err := r.converse(ctx, net.JoinHostPort(server, "43"), query(server, name))
		if err != nil {
			if len(asked) > 0 {
				return said, nil // the registry itself has answered
			}
			return Registration{}, fmt.Errorf("WHOIS: %w", err)
		}
		more, next, err := readWhois(decode(raw), name)
		if errors.Is(err, errStrange) {
			r.doors.strike(server) // many say in words of their own that it was too often
		}
		if err != nil {
			if len(asked) > 0 {
				return said, nil
			}
			return Registration{}, fmt.Errorf("WHOIS: %w", err)
		}
		if len(asked) > 0 {
			// A registrar may not know a customer that the registry knows.
			more.Missing = false
		}
		said = said.with(more)
		asked = append(asked, server)
		if !said.Expires.IsZero() || next == "" || len(asked) >= whoisHops || slices.Contains(asked, next) {
			return said, nil
		}
		server = next
	}
}

// query is a question in the words that a server wants.
func query(server, name string) string {
	switch server {
	case "whois.jprs.jp":
		return name + "/e" // in English
	case "whois.denic.de":
		return "-T dn,ace " + name
	case "whois.verisign-grs.com":
		return "domain " + name
	}
	return name
}

// converse asks one question, and reads what comes until the other end closes
// or the limits are reached: of what never ends the beginning counts.
func (r *Book) converse(ctx context.Context, address, question string) ([]byte, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	leave, err := r.doors.enter(ctx, host)
	if err != nil {
		return nil, err
	}
	raw, err := r.talk(ctx, address, question)
	leave(err)
	return raw, err
}

func (r *Book) talk(ctx context.Context, address, question string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := r.out.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, question+"\r\n"); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(conn, whoisLimit))
	if len(raw) == 0 {
		if err == nil {
			err = errSilent
		}
		return nil, err
	}
	return raw, nil
}
