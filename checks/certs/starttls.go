package certs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// A service is what is spoken at a port.
type service int

const (
	web         service = iota // TLS from the first byte on
	smtp                       // SMTP that changes to TLS by STARTTLS
	submissions                // SMTP within TLS
	imap                       // IMAP that changes to TLS by STARTTLS
	imaps                      // IMAP within TLS
)

// serviceAt is what is spoken at the well-known ports.
func serviceAt(port string) service {
	switch port {
	case "25", "587":
		return smtp
	case "465":
		return submissions
	case "143":
		return imap
	case "993":
		return imaps
	}
	return web
}

func (s service) mail() bool { return s != web }

const (
	// replyLimit is how many bytes of a mail server's words are read before TLS
	// (own; a greeting with all its extensions has under 1 kB).
	replyLimit = 16 << 10
	// farewellTimeout is how long the last word may take (own).
	farewellTimeout = time.Second
	// replyLines is how many lines one reply may have (own).
	replyLines = 100
)

// A refusal is a mail server's word instead of TLS; "" where it does not know
// STARTTLS.
type refusal struct{ word string }

func (e *refusal) Error() string { return "no STARTTLS: " + e.word }

var errBeforeTLS = errors.New("more was sent than the answer to STARTTLS")

// startTLS brings a mail server to where the handshake begins.
func startTLS(ctx context.Context, conn net.Conn, s service) error {
	if s != smtp && s != imap {
		return nil
	}
	// The end of the context ends the conversation.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	in := bufio.NewReaderSize(io.LimitReader(conn, replyLimit), 1024)
	start := startSMTP
	if s == imap {
		start = startIMAP
	}
	err := start(conn, in)
	if err == nil && in.Buffered() > 0 {
		err = errBeforeTLS // a stranger's words would count as said within TLS
	}
	return err
}

func startSMTP(out net.Conn, in *bufio.Reader) error {
	if _, err := smtpReply(in, "220"); err != nil {
		return err
	}
	if _, err := io.WriteString(out, "EHLO "+ownLiteral(out)+"\r\n"); err != nil {
		return err
	}
	lines, err := smtpReply(in, "250")
	if err != nil {
		return err
	}
	offered := false
	for _, l := range lines {
		offered = offered || strings.EqualFold(l, "STARTTLS")
	}
	if !offered {
		_, _ = io.WriteString(out, "QUIT\r\n")
		return &refusal{}
	}
	if _, err := io.WriteString(out, "STARTTLS\r\n"); err != nil {
		return err
	}
	_, err = smtpReply(in, "220")
	return err
}

// ownLiteral is what this machine calls itself to a mail server: its address
// in brackets, which needs no name (RFC 5321, 4.1.3).
func ownLiteral(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	switch {
	case err != nil:
		return "[127.0.0.1]"
	case strings.Contains(host, ":"):
		return "[IPv6:" + host + "]"
	}
	return "[" + host + "]"
}

// smtpReply reads a reply of one or more lines; any other code is a refusal.
func smtpReply(in *bufio.Reader, code string) ([]string, error) {
	var lines []string
	for range replyLines {
		line, err := replyLine(in)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(line, code) {
			return nil, &refusal{word: line}
		}
		rest := line[len(code):]
		lines = append(lines, strings.TrimSpace(strings.TrimLeft(rest, "-")))
		if !strings.HasPrefix(rest, "-") {
			return lines, nil
		}
	}
	return nil, fmt.Errorf("a reply of more than %d lines", replyLines)
}

func startIMAP(out net.Conn, in *bufio.Reader) error {
	line, err := replyLine(in)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "* OK") {
		return &refusal{word: line}
	}
	if _, err := io.WriteString(out, "a1 STARTTLS\r\n"); err != nil {
		return err
	}
	for range replyLines {
		line, err := replyLine(in)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(line, "a1 OK"):
			return nil
		case strings.HasPrefix(line, "a1 "):
			_, _ = io.WriteString(out, "a2 LOGOUT\r\n")
			return &refusal{word: strings.TrimPrefix(line, "a1 ")}
		}
	}
	return fmt.Errorf("a reply of more than %d lines", replyLines)
}

// errLongLine is a line that no mail server says.
var errLongLine = errors.New("a line without end")

func replyLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errLongLine
	}
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

// farewell leaves a mail server as its protocol wants it, so that its log shows
// no lost connection.
func farewell(conn net.Conn, s service) {
	_ = conn.SetDeadline(time.Now().Add(farewellTimeout))
	switch s {
	case smtp, submissions:
		_, _ = io.WriteString(conn, "QUIT\r\n")
	case imap, imaps:
		_, _ = io.WriteString(conn, "a9 LOGOUT\r\n")
	}
}
