package main

import (
	"math"
	"strings"

	"github.com/BurntSushi/toml"
)

// positions is where each place of a configuration stands. The TOML library
// does not say; it is found by reading the text a second time, for its keys
// only, and believed only where both readings agree.
type positions struct {
	lines map[string]int // by place.id
	seq   map[string]int
}

// line returns the line of a place, or of the table around it.
func (p positions) line(at place) (int, bool) { return nearestPlace(p.lines, at) }

// order is the place's rank in the file; what the file does not have is last.
func (p positions) order(at place) int {
	if n, ok := nearestPlace(p.seq, at); ok {
		return n
	}
	return math.MaxInt
}

// nearestPlace looks up a place, or the nearest around it. One of several
// stands where they all do, as far as a list in one line goes; and what is
// looked up as one may have been written as several.
func nearestPlace(known map[string]int, at place) (int, bool) {
	for ; len(at) > 0; at = at[:len(at)-1] {
		for _, try := range []place{at, at.nth(0), at.nth(1)} {
			if n, ok := known[try.id()]; ok {
				return n, true
			}
		}
	}
	return 0, false
}

// The bounds of what is read at all. A file of nothing but brackets would make
// the library recurse until the process dies.
const (
	deepest   = 32 // brackets within brackets
	longChain = 16 // names in one dotted key
)

// findPositions reads the places of a text that the library has read.
func findPositions(text string, read toml.MetaData) positions {
	none := positions{}
	var found []placed
	scanKeys(text, func(p placed) { found = append(found, p) })
	keys := read.Keys()
	p := positions{lines: map[string]int{}, seq: map[string]int{}}
	i := 0
	for n, f := range found {
		want := f.at.names()
		for i < len(keys) && !sameNames(keys[i], want) {
			i++
		}
		if i == len(keys) {
			return none
		}
		i++
		id := f.at.id()
		if _, double := p.seq[id]; !double {
			p.seq[id], p.lines[id] = n, f.line
		}
	}
	return p
}

func (p place) names() []string {
	names := make([]string, len(p))
	for i, s := range p {
		names[i] = s.name
	}
	return names
}

func sameNames(key toml.Key, names []string) bool {
	if len(key) != len(names) {
		return false
	}
	for i := range key {
		if key[i] != names[i] {
			return false
		}
	}
	return true
}

type placed struct {
	at   place
	line int
}

// tooDeep tells whether a text nests deeper than any configuration does. It is
// asked before the library reads the text.
func tooDeep(text string) bool {
	depth, chain := scanKeys(text, func(placed) {})
	return depth > deepest || chain > longChain
}

// scanKeys walks over a text and reports its tables and keys; of a text that
// is no TOML it makes what it can. It returns how deep brackets nest in values
// and how many names the longest dotted key has.
func scanKeys(text string, found func(placed)) (depth, chain int) {
	s := scanner{text: strings.TrimPrefix(text, "\uFEFF"), line: 1}
	var table place
	several := map[string]int{}
	for {
		s.skipBlank()
		if s.done() || s.chain > longChain {
			return s.depth, s.chain
		}
		line := s.line
		brackets := 0
		for brackets < 2 && s.peek() == '[' {
			brackets++
			s.i++
		}
		names := s.names()
		s.chain = max(s.chain, len(names))
		if brackets > 0 {
			table = nil
			for k, name := range names {
				table = table.child(name)
				id := table.id()
				if brackets == 2 && k == len(names)-1 {
					several[id]++
				}
				if n := several[id]; n > 0 {
					table = table.nth(n)
				}
			}
			if len(table) > 0 {
				found(placed{table, line})
			}
			s.skipLine()
			continue
		}
		at := table
		for _, name := range names {
			at = at.child(name)
		}
		if len(names) > 0 {
			found(placed{at, line})
		}
		s.skipValue()
	}
}

// A scanner is a position in a text of keys and values.
type scanner struct {
	text  string
	i     int
	line  int
	depth int // the deepest brackets seen
	chain int // the most names seen in one dotted key
}

func (s *scanner) done() bool { return s.i >= len(s.text) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.i]
}

// skipBlank goes on to what is neither space nor comment.
func (s *scanner) skipBlank() {
	for !s.done() {
		switch s.peek() {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		case '#':
			s.skipLine()
			continue
		default:
			return
		}
		s.i++
	}
}

// skipLine goes to the end of the line, not over it.
func (s *scanner) skipLine() {
	if n := strings.IndexByte(s.text[s.i:], '\n'); n >= 0 {
		s.i += n
	} else {
		s.i = len(s.text)
	}
}

// names reads a dotted key.
func (s *scanner) names() []string {
	var names []string
	for len(names) <= longChain {
		s.skipSpaces()
		start := s.i
		switch c := s.peek(); {
		case c == '"' || c == '\'':
			s.skipString()
			names = append(names, unquote(s.text[start:s.i]))
		default:
			for !s.done() && isBare(s.peek()) {
				s.i++
			}
			if s.i == start {
				return names
			}
			names = append(names, s.text[start:s.i])
		}
		s.skipSpaces()
		if s.peek() != '.' {
			return names
		}
		s.i++
	}
	return names
}

func (s *scanner) skipSpaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.i++
	}
}

// unquote reads a quoted key as the library does, or leaves it as it is.
func unquote(quoted string) string {
	var into map[string]any
	// The key of a text of one line is read by the one who knows how.
	if _, err := toml.Decode(quoted+"=0", &into); err != nil || len(into) != 1 {
		return quoted
	}
	for name := range into {
		return name
	}
	return quoted
}

func isBare(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// skipValue goes to the end of a value: the end of the line, or of the line on
// which its last bracket closes.
func (s *scanner) skipValue() {
	open, dots := 0, 0
	for !s.done() {
		switch s.peek() {
		case '.': // of a key in an inline table, or of a number
			dots++
			s.chain = max(s.chain, dots+1)
		case ',', '=', '{', '}', '[', ']', '\n':
			dots = 0
		}
		switch s.peek() {
		case '\n':
			if open == 0 {
				return
			}
			s.line++
		case '#':
			s.skipLine()
			continue
		case '"', '\'':
			s.skipString()
			continue
		case '[', '{':
			open++
			s.depth = max(s.depth, open)
		case ']', '}':
			open = max(open-1, 0)
		}
		s.i++
	}
}

// skipString goes over one string of any of the four sorts; one of a single
// line ends with the line at the latest.
func (s *scanner) skipString() {
	quote := s.peek()
	triple := strings.Repeat(string(quote), 3)
	long := strings.HasPrefix(s.text[s.i:], triple)
	if long {
		s.i += 3
	} else {
		s.i++
	}
	for !s.done() {
		switch c := s.peek(); {
		case c == '\\' && quote == '"':
			s.i++
			if s.peek() == '\n' {
				continue
			}
		case c == '\n' && !long:
			return
		case c == '\n':
			s.line++
		case c == quote && !long:
			s.i++
			return
		case c == quote && strings.HasPrefix(s.text[s.i:], triple):
			s.i += 3
			// Up to two quotes may stand right before the closing three.
			for n := 0; n < 2 && s.peek() == quote; n++ {
				s.i++
			}
			return
		}
		s.i++
	}
	s.i = min(s.i, len(s.text))
}
