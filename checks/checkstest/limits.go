package checkstest

import (
	"testing"

	"github.com/sababan/sababan/checks"
)

// Limits proves that limits are those of a rule: a step beyond each the rule
// says at least its severity, a step before it less. The rule answers OK where
// it opens nothing.
func Limits(t *testing.T, list []checks.Limit, step float64, rule func(value float64) checks.Severity) {
	t.Helper()
	if len(list) == 0 {
		t.Error("there are no limits")
	}
	for _, l := range list {
		beyond := l.Value + step
		before := l.Value - step
		if l.Below {
			beyond, before = before, beyond
		}
		if said := rule(beyond); said < l.Severity {
			t.Errorf("beyond %v of %v, at %v, the rule says %v", l.Value, l.Severity, beyond, said)
		}
		if said := rule(before); said >= l.Severity {
			t.Errorf("before %v of %v, at %v, the rule says %v", l.Value, l.Severity, before, said)
		}
	}
}
