package mail

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// A letter is one message to one of sababan's own mailboxes; without a text it is only
// asked whether it would be taken.
type letter struct {
	to, id string
	text   []byte
	at     time.Time // when it was handed over
	// perhaps tells that nobody may read at this address: a server that says so
	// has answered as it should.
	perhaps bool
}

// newLetter writes the test message. It says what it is: whoever finds one in a
// mailbox, or in a server's log, should not have to wonder.
func newLetter(from sender, to, host string, now time.Time) letter {
	l := letter{to: to, id: "<sababan." + strings.ToLower(rand.Text()) + "@" + from.domain + ">"}
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.written},
		{"To", "<" + to + ">"},
		{"Subject", "sababan: does mail of " + host + " arrive?"},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", l.id},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=us-ascii"},
		{"Content-Transfer-Encoding", "7bit"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	fmt.Fprintf(&b, "\r\nThis is a test message. sababan, which watches %s, sends one a day to\r\n"+
		"this mailbox, sees how long it takes, and deletes it when it has arrived.\r\n", host)
	l.text = b.Bytes()
	return l
}
