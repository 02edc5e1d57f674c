package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cronField is one of the five, with the bounds of its numbers.
type cronField struct {
	name      string
	low, high int
	names     []string // of low, low+1 …
}

func cronFields() []cronField {
	return []cronField{
		{name: "minute", low: 0, high: 59},
		{name: "hour", low: 0, high: 23},
		{name: "day of the month", low: 1, high: 31},
		{name: "month", low: 1, high: 12, names: []string{
			"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
		}},
		{name: "day of the week", low: 0, high: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// parseFields looks at every field before the library does, which takes much
// without a word: empty parts, steps larger than their range, "*-5". What comes
// back is the same expression, with Sunday as 0.
func parseFields(expr string) (string, error) {
	parts := strings.Fields(expr)
	fields := cronFields()
	if len(parts) != len(fields) {
		return "", fmt.Errorf("it has %d fields, and there should be 5: minute, hour, day of the month, month, day of the week", len(parts))
	}
	for i, f := range fields {
		var err error
		if parts[i], err = f.rewrite(parts[i]); err != nil {
			return "", fmt.Errorf("%s %q: %w", f.name, parts[i], err)
		}
	}
	return strings.Join(parts, " "), nil
}

// rewrite returns the field with every part of its list checked. On an error
// it returns the field as it was.
func (f cronField) rewrite(text string) (string, error) {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		var err error
		if parts[i], err = f.part(strings.ToLower(part)); err != nil {
			return text, err
		}
	}
	return strings.Join(parts, ","), nil
}

func (f cronField) part(text string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("a comma stands there with nothing beside it")
	}
	span, stepText, stepped := strings.Cut(text, "/")
	low, high, star := f.low, f.high, span == "*" || span == "?"
	if !star {
		first, last, ranged := strings.Cut(span, "-")
		var err error
		if low, err = f.number(first); err != nil {
			return "", err
		}
		switch {
		case ranged:
			if high, err = f.number(last); err != nil {
				return "", err
			}
			if f.week() && high == 0 && low > 0 {
				high = 7 // "fri-sun"
			}
			if f.week() && low == 7 {
				high %= 7
			}
			if low%(f.high+1) > high {
				return "", fmt.Errorf("the range %q runs backwards", span)
			}
		case !stepped:
			high = low % (f.high + 1)
		}
		low %= f.high + 1
	}
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 || stepText[0] == '+' {
			return "", fmt.Errorf("the step %q should be a number from 1", stepText)
		}
		if step > 1 && step > high-low {
			return "", fmt.Errorf("the step %d is larger than the range from %d to %d", step, low, high)
		}
	}
	if !f.week() || star {
		return text, nil
	}
	return weekdays(low, high, step), nil
}

func (f cronField) week() bool { return f.high == 6 }

// weekdays writes a range as a list, with 0 for a Sunday that was written as 7.
func weekdays(low, high, step int) string {
	var days []string
	for day := low; day <= high; day += step {
		days = append(days, strconv.Itoa(day%7))
	}
	return strings.Join(days, ",")
}

func (f cronField) number(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.low + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || text[0] == '+' {
		return 0, fmt.Errorf("%q is no number from %d to %d", text, f.low, f.high)
	}
	high := f.high
	if f.week() {
		high = 7 // Sunday, as most write it
	}
	if n < f.low || n > high {
		return 0, fmt.Errorf("%d is not between %d and %d", n, f.low, f.high)
	}
	return n, nil
}
