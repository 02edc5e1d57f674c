package site

import (
	"errors"
	"fmt"
	"strconv"
)

// What an exchange with Redis may hold (own). The library makes room for what
// an answer announces, and calls itself for every array inside an array; both
// would end this process, whose memory is 128 MB in its unit.
const (
	// respBulk is the length of one string, in bytes. Redis allows 512 MB;
	// Mastodon takes activities of 1 MB at most, and they are the largest that
	// lie in its queues.
	respBulk = 8 << 20
	// respRound is all that comes back to one question or pipeline, in bytes.
	respRound = 32 << 20
	// respItems is how many items all its arrays announce.
	respItems = 1 << 17
	// respDepth is how many arrays may lie inside one another; what is asked
	// for has two.
	respDepth = 16
	// respLine is the length of a line, in bytes: of a state or an error.
	respLine = 64 << 10
	// respNumber is the length of a line that is a number, in bytes.
	respNumber = 32
)

var (
	errNotRedis = errors.New("this is not the protocol of Redis")
	errTooMuch  = errors.New("more than any answer")
)

// replies follows the answers of a Redis (RESP2) byte by byte, in whatever
// pieces they come, and says when they hold more than they may. The zero value
// stands before an answer.
type replies struct {
	line  []byte // the line that has begun
	skip  int    // what is left of a string, its end of line included
	open  []int  // how many items each open array still lacks
	items int    // announced since the question
	bytes int    // read since the question
}

// asked begins a new question.
func (r *replies) asked() { r.items, r.bytes = 0, 0 }

// take follows the next piece.
func (r *replies) take(piece []byte) error {
	if r.bytes += len(piece); r.bytes > respRound {
		return fmt.Errorf("%w: over %d bytes to one question", errTooMuch, respRound)
	}
	for len(piece) > 0 {
		if r.skip > 0 {
			n := min(r.skip, len(piece))
			r.skip, piece = r.skip-n, piece[n:]
			if r.skip == 0 {
				r.item()
			}
			continue
		}
		b := piece[0]
		piece = piece[1:]
		if len(r.line) == 0 && !oneOf(b, "+-:$*") {
			return fmt.Errorf("%w: an answer begins with %q", errNotRedis, b)
		}
		if r.line = append(r.line, b); b == '\n' {
			line := r.line
			r.line = r.line[:0]
			if err := r.header(line); err != nil {
				return err
			}
			continue
		}
		if most := limitOf(r.line[0]); len(r.line) > most {
			return fmt.Errorf("%w: a line of over %d bytes", errTooMuch, most)
		}
	}
	return nil
}

func oneOf(b byte, all string) bool {
	for i := range len(all) {
		if all[i] == b {
			return true
		}
	}
	return false
}

func limitOf(kind byte) int {
	if kind == '+' || kind == '-' {
		return respLine
	}
	return respNumber
}

// header is a whole line.
func (r *replies) header(line []byte) error {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return fmt.Errorf("%w: a line ends in the middle", errNotRedis)
	}
	if !oneOf(line[0], "$*") {
		r.item()
		return nil
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n < -1 {
		return fmt.Errorf("%w: a length that is none", errNotRedis)
	}
	if line[0] == '$' {
		switch {
		case n > respBulk:
			return fmt.Errorf("%w: a string of %d bytes", errTooMuch, n)
		case n == -1:
			r.item()
		default:
			r.skip = n + 2
		}
		return nil
	}
	if n <= 0 {
		r.item()
		return nil
	}
	if n > respItems-r.items {
		return fmt.Errorf("%w: arrays of over %d items", errTooMuch, respItems)
	}
	r.items += n
	if len(r.open) == respDepth {
		return fmt.Errorf("%w: over %d arrays inside one another", errTooMuch, respDepth)
	}
	r.open = append(r.open, n)
	return nil
}

// item ends one item, and the arrays that it was the last of.
func (r *replies) item() {
	for n := len(r.open); n > 0; n = len(r.open) {
		if r.open[n-1]--; r.open[n-1] > 0 {
			return
		}
		r.open = r.open[:n-1]
	}
}
