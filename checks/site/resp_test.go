package site

import (
	"errors"
	"strings"
	"testing"
)

func TestHonestAnswersOfRedisPass(t *testing.T) {
	for name, text := range map[string]string{
		"pong":                        "+PONG\r\n",
		"an empty state":              "+\r\n",
		"an error":                    "-NOAUTH Authentication required.\r\n",
		"a number":                    ":-12\r\n",
		"nothing":                     "$-1\r\n",
		"no array":                    "*-1\r\n",
		"an empty array":              "*0\r\n",
		"a text with line ends in it": "$9\r\n# Server\n\r\n",
		"an empty text":               "$0\r\n\r\n",
		"a greeting":                  "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.1\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
		"a scan":                      "*2\r\n$1\r\n0\r\n*2\r\n$3\r\nabc\r\n$3\r\n1.5\r\n",
		"a pipeline":                  "+OK\r\n*1\r\n*1\r\n*0\r\n-ERR no\r\n:1\r\n$1\r\nx\r\n",
	} {
		for size := 1; size <= len(text); size++ {
			var r replies
			if err := follow(&r, text, size); err != nil || len(r.open) > 0 || r.skip > 0 || len(r.line) > 0 {
				t.Errorf("%s in pieces of %d: %v, left with %+v", name, size, err, r)
			}
		}
	}
}

func TestEveryQuestionBeginsTheCountAgain(t *testing.T) {
	var r replies
	large := "$1048576\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
	for range 100 {
		r.asked()
		if err := follow(&r, large, 4096); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		err = follow(&r, large, 4096)
	}
	if !errors.Is(err, errTooMuch) {
		t.Errorf("without end: %v", err)
	}
}

// follow gives a text to it in pieces of one size.
func follow(r *replies, text string, size int) error {
	for len(text) > 0 {
		n := min(size, len(text))
		if err := r.take([]byte(text[:n])); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

func FuzzReplies(f *testing.F) {
	for _, text := range []string{
		"+PONG\r\n", "$-1\r\n", "*2\r\n$1\r\n0\r\n*2\r\n$3\r\nabc\r\n$3\r\n1.5\r\n", "*1000000000\r\n", "$4294967296\r\nx", strings.Repeat("*1\r\n", 20),
		"HTTP/1.1 400 Bad Request\r\n", "-ERR " + strings.Repeat("x", 100), ":1\r\n:2\r\n:3\r\n",
	} {
		f.Add(text, uint8(1), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text string, one, other uint8) {
		var a, b replies
		first, second := follow(&a, text, int(one)+1), follow(&b, text, int(other)+1)
		if (first == nil) != (second == nil) || first != nil && first.Error() != second.Error() {
			t.Errorf("in pieces of %d: %v; in pieces of %d: %v", int(one)+1, first, int(other)+1, second)
		}
		if a.skip > respBulk+2 || a.items > respItems || len(a.open) > respDepth || len(a.line) > respLine {
			t.Errorf("more than it may: %+v", a)
		}
	})
}
