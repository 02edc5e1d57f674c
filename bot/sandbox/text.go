package sandbox

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A handle is "@user" or "@user@host" in a text, from one byte to another.
type handle struct {
	from, to   int
	user, host string
}

// handles finds what Mastodon takes for a mention: an "@" that does not follow
// a word character, "=" or "/", and that a name follows directly.
func handles(text string) []handle {
	var found []handle
	for at := 0; at < len(text); at++ {
		if text[at] != '@' {
			continue
		}
		if before, size := utf8.DecodeLastRuneInString(text[:at]); size > 0 && (word(before) || before == '=' || before == '/') {
			continue
		}
		user := name(text[at+1:], plainWord)
		if user == "" {
			continue
		}
		h := handle{from: at, to: at + 1 + len(user), user: user}
		if rest := text[h.to:]; strings.HasPrefix(rest, "@") {
			if host := name(rest[1:], word); host != "" {
				host += port(rest[1+len(host):])
				h.host, h.to = host, h.to+1+len(host)
			}
		}
		found = append(found, h)
		at = h.to - 1
	}
	return found
}

// name reads words that are joined by dots and hyphens; it never ends in one.
func name(text string, is func(rune) bool) string {
	end := 0
	for n, r := range text {
		switch {
		case is(r):
			end = n + utf8.RuneLen(r)
		case n == 0 || r != '.' && r != '-':
			return text[:end]
		}
	}
	return text[:end]
}

// port reads ":8080".
func port(text string) string {
	if !strings.HasPrefix(text, ":") {
		return ""
	}
	end := 1
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end == 1 {
		return ""
	}
	return text[:end]
}

func plainWord(r rune) bool { return r < utf8.RuneSelf && word(r) }

func word(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.In(r, unicode.Nd, unicode.Pc)
}

// A span is a hashtag or a link in a text.
type span struct {
	from, to int
	text     string // the tag without its sign, or the address
}

// hashtags finds what Mastodon takes for a hashtag: "#" or "＃" that does not
// follow a letter, a digit, "=", "/" or ")", and then word characters of which
// at least one is no digit.
func hashtags(text string) []span {
	var found []span
	for at, sign := range text {
		if sign != '#' && sign != '＃' {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		if unicode.IsLetter(before) || unicode.IsNumber(before) || strings.ContainsRune("=/)", before) {
			continue
		}
		from := at + utf8.RuneLen(sign)
		if tag := tagName(text[from:]); tag != "" {
			found = append(found, span{from: at, to: from + len(tag), text: tag})
		}
	}
	return found
}

// tagName reads word characters; between them "·", "・" and a zero-width
// non-joiner may stand. Digits alone are no name; a letter makes it one, and so
// does a separator in the middle.
func tagName(text string) string {
	end, lettered, separated := 0, false, false
	for n, r := range text {
		separator := r == '_' || r == '·' || r == '・' || r == '\u200c'
		if !word(r) && (!separator || n == 0) {
			break
		}
		if word(r) {
			end = n + utf8.RuneLen(r)
			lettered = lettered || unicode.IsLetter(r) || unicode.IsMark(r) || separated
		}
		separated = separated || separator && n > 0
	}
	if !lettered {
		return ""
	}
	return text[:end]
}

// links finds addresses with a scheme and a name that ends in letters: what is
// reached by number only (http://127.0.0.1) is not made a link.
func links(text string) []span {
	var found []span
	for at := 0; at < len(text); {
		next := strings.Index(text[at:], "http")
		if next < 0 {
			break
		}
		from := at + next
		at = from + len("http")
		before, _ := utf8.DecodeLastRuneInString(text[:from])
		if word(before) || strings.ContainsRune("@＠#＃$", before) {
			continue
		}
		rest := text[from:]
		if end := linkEnd(rest); end > 0 {
			found = append(found, span{from: from, to: from + end, text: rest[:end]})
			at = from + end
		}
	}
	return found
}

// linkEnd answers where the address ends with which the text begins, or 0.
func linkEnd(text string) int {
	after, ok := strings.CutPrefix(text, "https://")
	if !ok {
		if after, ok = strings.CutPrefix(text, "http://"); !ok {
			return 0
		}
	}
	host := name(after, word)
	top := host[strings.LastIndexByte(host, '.')+1:]
	numbered := strings.ContainsFunc(top, unicode.IsDigit) && !strings.HasPrefix(top, "xn--")
	if !strings.Contains(host, ".") || utf8.RuneCountInString(top) < 2 || numbered {
		return 0
	}
	hostEnd := len(text) - len(after) + len(host)
	rest := text[hostEnd:]
	number := port(rest)
	path := rest[len(number):]
	if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "?") && !strings.HasPrefix(path, "#") {
		return hostEnd + len(number)
	}
	stop := strings.IndexFunc(path, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>"「」『』（）、。`, r)
	})
	if stop >= 0 {
		path = path[:stop]
	}
	unopened := strings.Count(path, ")") - strings.Count(path, "(")
	for {
		path = strings.TrimRight(path, ".,:;!?'*")
		if unopened <= 0 || !strings.HasSuffix(path, ")") {
			return hostEnd + len(number) + len(path)
		}
		path = strings.TrimSuffix(path, ")")
		unopened--
	}
}

// linkLength is what each address counts, however long it is.
const linkLength = 23

// length counts a text as Mastodon does: characters as a reader sees them, an
// address as 23, and of "@user@host" only "@user".
func length(text string) int {
	total, from := 0, 0
	type cutting struct{ from, to, counts int }
	var cuts []cutting
	for _, l := range links(text) {
		cuts = append(cuts, cutting{l.from, l.to, linkLength})
	}
	for _, h := range handles(text) {
		cuts = append(cuts, cutting{h.from, h.to, 1 + len(h.user)})
	}
	slices.SortFunc(cuts, func(a, b cutting) int { return a.from - b.from })
	for _, c := range cuts {
		if c.from < from {
			continue // a handle inside an address
		}
		total += characters(text[from:c.from]) + c.counts
		from = c.to
	}
	return total + characters(text[from:])
}

// characters counts what a reader takes for one character each: combining
// marks, joined emoji, skin tones and the second half of a flag count nothing.
// A rare script may come out higher by one or two than on Mastodon.
func characters(text string) int {
	const joiner = '\u200d'
	total := 0
	var before rune
	flags := 0 // regional indicators in a row
	for _, r := range text {
		flag := r >= 0x1F1E6 && r <= 0x1F1FF
		if flag {
			flags++
		} else {
			flags = 0
		}
		switch {
		case unicode.IsMark(r), r == joiner, r == '\u200c',
			r >= 0x1F3FB && r <= 0x1F3FF, r >= 0xE0020 && r <= 0xE007F:
			if before == 0 {
				total++
			}
		case before == joiner && unicode.Is(unicode.So, r), flag && flags%2 == 0, before == '\r' && r == '\n':
		default:
			total++
		}
		before = r
	}
	return total
}
