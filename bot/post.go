package bot

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// shellLine writes a command for a message; it is "" where it cannot be written
// safely or would name somebody.
func shellLine(s checks.Shell) string {
	line := s.String()
	if checks.Live(line) {
		return ""
	}
	return line
}

// mostParts bounds a thread: nobody reads more on a phone at night (own).
const mostParts = 8

// partsRoom is kept free in each part for "\n(12/12)" and for what a server
// counts otherwise than we do.
const partsRoom = 12

// Split cuts a text into the parts of a thread that fit a post of so many
// characters, of which the mention at the end needs some: between lines where
// it can, else between words, else anywhere. What is longer than the longest
// thread is cut with a mark.
func Split(text string, limit, mention int) []string {
	room := max(limit-mention, 60)
	text = strings.TrimRight(text, "\n ")
	if utf8.RuneCountInString(text) <= room {
		return []string{text}
	}
	room -= partsRoom
	var parts []string
	var part strings.Builder
	used := 0
	flush := func() {
		if used > 0 {
			parts = append(parts, strings.TrimRight(part.String(), "\n "))
			part.Reset()
			used = 0
		}
	}
	for _, line := range strings.Split(text, "\n") {
		n := utf8.RuneCountInString(line)
		if used > 0 && used+1+n > room {
			flush()
		}
		for n > room {
			var head string
			head, line = cutAt(line, room)
			parts = append(parts, head)
			n = utf8.RuneCountInString(line)
		}
		if used > 0 {
			part.WriteByte('\n')
			used++
		}
		part.WriteString(line)
		used += n
	}
	flush()
	if len(parts) > mostParts {
		parts = parts[:mostParts]
		last, _ := cutAt(parts[mostParts-1], room-2)
		parts[mostParts-1] = last + " …"
	}
	for i := range parts {
		parts[i] += fmt.Sprintf("\n(%d/%d)", i+1, len(parts))
	}
	return parts
}

// cutAt cuts a line before the character limit, at a space if one is near.
func cutAt(line string, limit int) (head, rest string) {
	runes := []rune(line)
	if len(runes) <= limit {
		return line, ""
	}
	at := limit
	for i := limit; i > limit*2/3; i-- {
		if runes[i] == ' ' {
			at = i
			break
		}
	}
	return string(runes[:at]), strings.TrimLeft(string(runes[at:]), " ")
}
