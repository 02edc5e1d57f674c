package api

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const maxCommand = 2_000 // runes (own)

// CommandText takes out of a mention's HTML what was said: without mentions
// and the link to a quoted post, in the plainest characters (NFKC, straight
// quotes, single spaces, nothing invisible), line by line, at most 2,000
// runes. mentionURLs are the url of each of the post's mentions: servers mark
// mentions in many ways, and some not at all.
func CommandText(source string, mentionURLs []string) string {
	mentioned := make([]string, len(mentionURLs))
	for i, u := range mentionURLs {
		mentioned[i] = sameURL(u)
	}
	said := plainText(source, maxCommand, func(t tag) bool {
		has := func(class string) bool { return slices.Contains(t.classes, class) }
		switch t.name {
		case "a":
			return has("mention") && !has("hashtag") || t.href != "" && slices.Contains(mentioned, sameURL(t.href))
		case "span":
			return has("mention") && !has("hashtag") || has("h-card")
		case "p":
			return has("quote-inline")
		}
		return false
	})
	// Invisible characters go first, so that they do not keep apart what
	// normalising would join; it makes a few of its own.
	said = strings.Map(plain, norm.NFKC.String(strings.Map(plain, said)))

	var lines []string
	for line := range strings.SplitSeq(said, "\n") {
		if line = address(strings.Join(strings.Fields(line), " ")); line != "" {
			lines = append(lines, line)
		}
	}
	out := []rune(strings.Join(lines, "\n"))
	return strings.TrimSpace(string(out[:min(len(out), maxCommand)]))
}

// sameURL makes two ways of writing one address equal.
func sameURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return s
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return strings.TrimSuffix(u.String(), "/")
}

// plain maps a character to the one that people mean, and drops what cannot be
// seen: control, zero-width and bidirectional characters, variation
// selectors, fillers.
func plain(r rune) rune {
	switch {
	case r == '\n':
		return r
	case unicode.IsSpace(r):
		return ' '
	case strings.ContainsRune("‘’‚‛′‵＇´", r):
		return '\''
	case strings.ContainsRune("“”„‟«»″＂", r):
		return '"'
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector),
		strings.ContainsRune("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0", r):
		return -1
	}
	return r
}

// A handle as it is typed: a name, perhaps a host, perhaps its port. Nothing
// beyond ASCII, since Japanese follows without a space.
var handle = regexp.MustCompile(`^@[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?)?`)

// address takes the typed handles off the head of a line, and the colon or
// comma behind them.
func address(line string) string {
	for {
		line = strings.TrimLeft(line, " :,、")
		found := handle.FindString(line)
		if found == "" {
			return line
		}
		line = line[len(found):]
		if strings.HasPrefix(line, "@") { // a host in other letters
			_, line, _ = strings.Cut(line, " ")
		}
	}
}
