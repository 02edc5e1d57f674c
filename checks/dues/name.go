package dues

import (
	"strings"
	"time"
)

// restLimit bounds what of a command is read, in bytes (own).
const restLimit = 500

// cutDate takes a date or a card's month off the end of what followed "paid".
func cutDate(rest string) (before string, day time.Time) {
	if len(rest) > restLimit {
		rest = rest[:restLimit]
	}
	words := strings.Fields(strings.ToValidUTF8(rest, ""))
	if len(words) == 0 {
		return "", time.Time{}
	}
	last := fold(words[len(words)-1])
	before = strings.Join(words[:len(words)-1], " ")
	if day, ok := parseDay(last); ok {
		return before, day
	}
	if r, err := parseCard(last); err == nil {
		return before, r.only
	}
	return strings.Join(words, " "), time.Time{}
}

// named finds what somebody means: the one with the name, else those whose name
// begins so, else those whose name stands in what was said. Nothing said means
// what is being recalled.
func named(all []standing, said string) []standing {
	said = fold(said)
	pick := func(is func(name string, s standing) bool) (found []standing) {
		for _, s := range all {
			if is(fold(s.name), s) {
				found = append(found, s)
			}
		}
		return found
	}
	if said == "" {
		return pick(func(_ string, s standing) bool {
			_, heard := s.rule.ladder.step(s.left)
			return heard && !s.done
		})
	}
	if found := pick(func(name string, _ standing) bool { return name == said }); len(found) > 0 {
		return found
	}
	if found := pick(func(name string, _ standing) bool { return strings.HasPrefix(name, said) }); len(found) > 0 {
		return found
	}
	found := pick(func(name string, _ standing) bool { return strings.Contains(said, name) })
	// "server bill" is said of the one with that name, not of "server".
	for _, s := range found {
		longest := true
		for _, other := range found {
			longest = longest && strings.Contains(fold(s.name), fold(other.name))
		}
		if longest {
			return []standing{s}
		}
	}
	return found
}
