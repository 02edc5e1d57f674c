package domain

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
func (r *registries) whoisOf(ctx context.Context, suffix string) (string, error) {
	tld := suffix[strings.LastIndexByte(suffix, '.')+1:]
	raw, err := r.converse(ctx, r.out.whois, tld)
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
	host := plainName(s)
	if host == "" || !strings.Contains(host, ".") || !site.IsServer(host) || net.ParseIP(host) != nil {
		return ""
	}
	return host
}

// whois asks the registry, and where that tells no date the registrar to whom
// it points.
func (r *registries) whois(ctx context.Context, server, name string) (registration, error) {
	var said registration
	var asked []string
	for {
		raw, err := r.converse(ctx, net.JoinHostPort(server, "43"), query(server, name))
		if err != nil {
			if len(asked) > 0 {
				return said, nil // the registry itself has answered
			}
			return registration{}, fmt.Errorf("WHOIS: %w", err)
		}
		more, next, err := readWhois(decode(raw), name)
		if err != nil {
			if len(asked) > 0 {
				return said, nil
			}
			return registration{}, fmt.Errorf("WHOIS: %w", err)
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
func (r *registries) converse(ctx context.Context, address, question string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := r.out.far(ctx, "tcp", address)
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
