package backups

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
)

// statementLimit bounds one statement, in bytes (own: the longest of Mastodon's
// is a view of some kilobytes).
const statementLimit = 16 << 20

var errLongStatement = errors.New("a statement is too long")

// A script reads SQL as pg_dump writes it and gives its statements one by one;
// the commands of psql in it are passed over, so that nothing but a database
// ever acts on it.
type script struct {
	in *bufio.Reader
	// want is the database that counts in a dump of several, "" where there is
	// one; active tells that it has begun.
	want   string
	active bool

	text  bytes.Buffer
	state lexer
}

func newScript(r io.Reader, want string) *script {
	return &script{in: bufio.NewReaderSize(r, 64<<10), want: want, active: want == ""}
}

// next returns the next statement; io.EOF after the last. The rows of a COPY
// stand behind it and are read by [script.rows].
func (s *script) next() (string, error) {
	s.text.Reset()
	s.state = lexer{}
	for {
		line, err := s.readLine()
		if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
			return "", err
		}
		if s.text.Len() == 0 {
			if line[0] == '\\' {
				if m := connectLine.FindSubmatch(line); m != nil && s.want != "" {
					s.active = string(m[1]) == s.want
				}
				continue
			}
			if blank := bytes.TrimSpace(line); len(blank) == 0 || bytes.HasPrefix(blank, []byte("--")) {
				continue
			}
		}
		if s.text.Len()+len(line) > statementLimit {
			return "", errLongStatement
		}
		s.text.Write(line)
		if !s.state.take(string(line)) {
			continue
		}
		text := s.text.String()
		if isAtomic(text) && strings.TrimSpace(string(line)) != "END;" {
			continue
		}
		if s.active {
			return text, nil
		}
		if isCopy(text) {
			if _, err := io.Copy(io.Discard, s.rows()); err != nil {
				return "", err
			}
		}
		s.text.Reset()
	}
}

func (s *script) readLine() ([]byte, error) {
	var whole []byte
	for {
		part, err := s.in.ReadSlice('\n')
		if err == nil && whole == nil {
			return part, nil
		}
		if whole = append(whole, part...); !errors.Is(err, bufio.ErrBufferFull) {
			return whole, err
		}
		if len(whole) > statementLimit {
			return nil, errLongStatement
		}
	}
}

// rows are the rows behind a COPY, without the line that ends them.
func (s *script) rows() *rows { return &rows{in: s.in, begun: true} }

// rows reads up to the line that ends them, and not beyond.
type rows struct {
	in    *bufio.Reader
	rest  []byte
	begun bool // a line begins
	ended bool
}

func (r *rows) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.ended {
			return 0, io.EOF
		}
		part, err := r.in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.ErrUnexpectedEOF
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		case r.begun && (string(part) == "\\.\n" || string(part) == "\\.\r\n"):
			r.ended = true
			continue
		}
		r.rest, r.begun = part, err == nil
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func isCopy(statement string) bool {
	return strings.HasPrefix(statement, "COPY ") && copyLine.MatchString(strings.TrimRight(statement, "\r\n"))
}

var atomic = regexp.MustCompile(`(?is)^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\b.*\bBEGIN ATOMIC\b`)

// isAtomic tells whether a statement has a body with statements of its own.
func isAtomic(statement string) bool {
	return strings.HasPrefix(statement, "CREATE ") && atomic.MatchString(statement)
}

// A lexer knows where in SQL a statement ends: not inside of quotes, of dollar
// quotes and of comments.
type lexer struct {
	quote   byte   // ', ", or E for a string with backslashes; 0 outside
	tag     string // of the dollar quote that is open: "$$", "$body$"
	comment int    // how deep
	last    byte   // the last character that counts
}

var dollar = regexp.MustCompile(`^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$`)

// take reads a line and tells whether a statement ends with it.
func (l *lexer) take(line string) bool {
	for i := 0; i < len(line); i++ {
		c := line[i]
		rest := line[i:]
		switch {
		case l.tag != "":
			end := strings.Index(rest, l.tag)
			if end < 0 {
				return false
			}
			i += end + len(l.tag) - 1
			l.tag, l.last = "", '$'
		case l.comment > 0 && strings.HasPrefix(rest, "*/"):
			l.comment--
			i++
		case l.comment > 0:
			if strings.HasPrefix(rest, "/*") {
				l.comment++
				i++
			}
		case l.quote == 'E' && c == '\\':
			i++
		case l.quote != 0:
			if c == l.quote || l.quote == 'E' && c == '\'' {
				l.quote, l.last = 0, c
			}
		case strings.HasPrefix(rest, "--"):
			return l.last == ';'
		case strings.HasPrefix(rest, "/*"):
			l.comment++
			i++
		case c == '\'':
			l.quote = c
			if i > 0 && (line[i-1] == 'E' || line[i-1] == 'e') && (i == 1 || !wordByte(line[i-2])) {
				l.quote = 'E'
			}
		case c == '"':
			l.quote = c
		case c == '$' && (i == 0 || !wordByte(line[i-1])) && dollar.MatchString(rest):
			l.tag = dollar.FindString(rest)
			i += len(l.tag) - 1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			l.last = c
		}
	}
	return l.quote == 0 && l.tag == "" && l.comment == 0 && l.last == ';'
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
