package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// parseConfig reads the text; a mistake of syntax is told by its place and
// never by showing the line, which may hold a secret.
func parseConfig(path, text string) (map[string]any, positions, error) {
	bad := func(line string) error { return &badConfig{file: path, lines: []string{line}} }
	if tooDeep(text) {
		return nil, positions{}, bad(fmt.Sprintf("brackets nest deeper than %d, or a key has more than %d parts; no configuration needs that", deepest, longChain))
	}
	raw, read, err := decodeTOML(text)
	if err != nil {
		return nil, positions{}, bad(syntaxMistake(text, err))
	}
	return raw, findPositions(text, read), nil
}

// decodeTOML asks the library, which panics on faults of its own.
func decodeTOML(text string) (raw map[string]any, read toml.MetaData, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the library: %v", p)
		}
	}()
	raw = map[string]any{}
	read, err = toml.Decode(text, &raw)
	return raw, read, err
}

var definedTwice = regexp.MustCompile(`^Key '(.*)' (has already been defined|was already created)`)

// syntaxMistake puts an error of the library into a sentence with line and
// column. The library's own words are not used: they quote the text.
func syntaxMistake(text string, err error) string {
	var at toml.ParseError
	if !errors.As(err, &at) {
		return "is not TOML that can be read"
	}
	line, column, before := lineAndColumn(text, at.Position.Start)
	if m := definedTwice.FindStringSubmatch(at.Message); m != nil {
		header := strings.HasPrefix(strings.TrimSpace(before), "[")
		return fmt.Sprintf("%s: stands there a second time in line %d; each key and table may stand once", dottedName(m[1], header), line)
	}
	return fmt.Sprintf("line %d, column %d: %s", line, column, syntaxWords(at.Message))
}

// lineAndColumn turns an offset of the library, which does not count the byte
// order mark, into line and column, and returns the line up to there.
func lineAndColumn(text string, offset int) (line, column int, before string) {
	text = strings.TrimPrefix(text, "\uFEFF")
	text = text[:min(max(offset, 0), len(text))]
	last := strings.LastIndexByte(text, '\n') + 1
	return strings.Count(text, "\n") + 1, utf8.RuneCountInString(text[last:]) + 1, text[last:]
}

// dottedName writes a dotted key as mistakes begin: "[bot] server", "[bot]".
func dottedName(key string, header bool) string {
	var p place
	for _, name := range strings.Split(key, ".") {
		p = p.child(name)
	}
	if header {
		return mask(p.table(), "")
	}
	return mask(p.key(), "")
}

// syntaxWords says what kind of mistake the library has met, by how its
// message begins.
func syntaxWords(message string) string {
	for _, w := range []struct{ begins, says string }{
		{"expected value but found", "a value is expected after the =; text stands in quotes"},
		{"unexpected EOF; expected value", "the value after the = is missing"},
		{"unexpected EOF; expected '\"", "a text is not closed with its quotation mark"},
		{"unexpected EOF; expected \"'", "a text is not closed with its quotation mark"},
		{"strings cannot contain newlines", "a text is not closed with its quotation mark on its line"},
		{"unexpected EOF; expected key separator", "a key without = and value"},
		{"expected '.' or '='", "a key without = and value"},
		{"expected '.' or ']'", "the name of a table is not closed with ]"},
		{"expected end of table array", "the name of a table is not closed with ]]"},
		{"unexpected end of table name", "a table without a name"},
		{"unexpected '='", "a value without a key before its ="},
		{"expected a comma (',') or array", "in a list, a comma or the closing ] is missing"},
		{"expected a comma or an inline table", "in a table in one line, a comma or the closing } is missing"},
		{"expected a top-level item to end", "after a value the line must end"},
		{"invalid escape", `a \ in "…" begins an escape; write '…' or \\ for a plain one`},
		{"invalid UTF-8", "the text is not UTF-8"},
		{"files cannot contain NULL", "the text is not UTF-8 (there are NUL bytes)"},
		{"invalid float", "a number that cannot be read; text stands in quotes"},
		{"Invalid integer", "a number that cannot be read; text stands in quotes"},
		{"Invalid float", "a number that cannot be read; text stands in quotes"},
		{"unexpected comma", "a comma with nothing before it"},
	} {
		if strings.HasPrefix(message, w.begins) {
			return w.says
		}
	}
	return "this is not TOML"
}
