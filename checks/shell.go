package checks

import "strings"

// String writes the command so that a POSIX shell reads exactly these words.
// It is "" when a word holds something that no line can carry safely (a
// control or bidirectional character): a command is left out rather than
// doubtful.
func (s Shell) String() string {
	var parts []string
	for _, words := range s {
		quoted := make([]string, 0, len(words))
		for _, w := range words {
			if unsafeText(w) {
				return ""
			}
			quoted = append(quoted, shellQuote(w))
		}
		if len(quoted) > 0 {
			parts = append(parts, strings.Join(quoted, " "))
		}
	}
	return strings.Join(parts, " | ")
}

// shellPlain are the characters that mean nothing to a POSIX shell anywhere in
// a word. "~" is left out because a leading one expands, and "=" because
// NAME=value before a command would be an assignment; behind the dash of an
// option it is none.
const shellPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+:,./-"

func shellQuote(w string) string {
	if w != "" && plainThroughout(w) {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

func plainThroughout(w string) bool {
	for _, r := range w {
		if !strings.ContainsRune(shellPlain, r) && (r != '=' || w[0] != '-') {
			return false
		}
	}
	return true
}

func unsafeText(w string) bool {
	for _, r := range w {
		if !printable(r) {
			return true
		}
	}
	return !validText(w)
}
