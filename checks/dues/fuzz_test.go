package dues

import (
	"testing"
	"time"
)

// FuzzWhen: what is taken as a rule has a day that is not in the past, and the
// one behind it is later.
func FuzzWhen(f *testing.F) {
	for _, s := range []string{"2027-03-31", "monthly on the 27th", "毎月27日", "monthly on the last day", "yearly 29 february", "毎年2月29日", "every 3 months from 2026-12-15", "3か月ごとに2026-12-15から", "every 99 years from 9999-12-31", "08/27", "２０２７/3/31", "every 0 months from 2026-01-01"} {
		f.Add(s)
	}
	today := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func(string) (rule, error){parseWhen, parseCard} {
			r, err := read(s)
			if err != nil || r.once() {
				continue
			}
			first := r.from(today)
			if first.Before(today) {
				t.Errorf("%q: %v", s, first)
			}
			if next := r.after(first, today); !next.After(first) {
				t.Errorf("%q: %v, then %v", s, first, next)
			}
		}
	})
}
