package checks

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time as the configuration writes it: "90s", "5m",
// "12h", "3d", "2w", or several of them ("1d12h"). A bare number is refused.
type Duration time.Duration

// Std returns it as a [time.Duration].
func (d Duration) Std() time.Duration { return time.Duration(d) }

// MarshalText writes it as the configuration would.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string {
	const day = 24 * time.Hour
	t := time.Duration(d)
	switch {
	case t == 0:
		return "0s"
	case t%(7*day) == 0:
		return strconv.FormatInt(int64(t/(7*day)), 10) + "w"
	case t%day == 0:
		return strconv.FormatInt(int64(t/day), 10) + "d"
	case t%time.Hour == 0:
		return strconv.FormatInt(int64(t/time.Hour), 10) + "h"
	case t%time.Minute == 0:
		return strconv.FormatInt(int64(t/time.Minute), 10) + "m"
	}
	return t.String()
}

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// longestDuration bounds what can be written: ten years, beyond which a number
// is a slip of the finger.
const longestDuration = 3660 * 24 * time.Hour

// ParseDuration reads a length of time with units ms, s, m, h, d and w.
func ParseDuration(s string) (time.Duration, error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return 0, fmt.Errorf(`an empty duration; write for example "90s", "5m", "3d" or "2w"`)
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return 0, fmt.Errorf(`%s has no unit; write "%ss" or "%sm"`, Quote(text), Quote(text), Quote(text))
	}
	var total time.Duration
	for rest := text; rest != ""; {
		i := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i == 0 || (i < 0 && rest != "0") {
			return 0, badDuration(text)
		}
		if i < 0 {
			return 0, nil
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return 0, badDuration(text)
		}
		rest = rest[i:]
		j := strings.IndexAny(rest, "0123456789.")
		if j < 0 {
			j = len(rest)
		}
		unit, ok := durationUnits[strings.TrimSpace(rest[:j])]
		if !ok {
			return 0, badDuration(text)
		}
		part := n * float64(unit)
		if part > float64(longestDuration) || total > longestDuration {
			return 0, fmt.Errorf("%s is longer than ten years", Quote(text))
		}
		total += time.Duration(part)
		rest = rest[j:]
	}
	return total, nil
}

var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

func badDuration(s string) error {
	return fmt.Errorf(`%q is not a duration; write for example "90s", "5m", "3d" or "2w"`, Quote(s))
}
