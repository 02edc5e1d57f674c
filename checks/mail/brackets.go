package mail

import (
	"errors"
	"sync"
)

// bracketsMost bounds the opening brackets of one visit to a mailbox, and
// bracketsLine those of one line (own: one for each folder, and a few for each
// message).
const bracketsMost, bracketsLine = 10_000, 500

var errBrackets = errors.New("more brackets than a mailbox can have")

// brackets hears everything that is said in a visit, within TLS, and ends it at
// too many of them. IMAP nests by brackets, and the library goes down one level
// for each without an end: four million take a gigabyte of stack, and the whole
// program with them, which nothing can recover from. What closes is not taken
// off, for it may stand in quotes.
type brackets struct {
	mu         sync.Mutex // both directions are heard
	seen, line int
}

// Write counts; the error ends the connection.
func (b *brackets) Write(said []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range said {
		switch c {
		case '\n':
			b.line = 0
		case '(':
			b.seen++
			b.line++
		}
		if b.seen > bracketsMost || b.line > bracketsLine {
			return 0, errBrackets
		}
	}
	return len(said), nil
}
