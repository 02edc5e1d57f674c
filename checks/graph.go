package checks

import "sync"

// A Graph is a measure that is worth drawing.
type Graph struct {
	Measure string
	// Title is what of the subject is measured: "used", 「使用率」. Empty where the
	// kind's title says it.
	Title Text
	// By is the measure by which the subjects are put in order, the greatest
	// first; "" is the measure itself.
	By string
	// Least puts the least first instead.
	Least bool
}

// A Limit is a value of a measure beyond which something is told.
type Limit struct {
	Severity Severity
	Value    float64
	Below    bool // the trouble is below it and not above
}

// A Limited check can say, as it is set up, at which values of a measure it
// speaks. It says so out of what its rule decides by, never out of a second copy.
type Limited interface {
	Limits(past Past, measure, subject string) []Limit
}

// SeenLimits are the limits that only a look finds out, such as shares of what a
// machine has: those of the last look. Before the first one there are none.
type SeenLimits struct {
	mu sync.Mutex
	of map[[2]string][]Limit // by measure and subject
}

// See writes down what a look found; none takes back what was there.
func (s *SeenLimits) See(measure, subject string, list ...Limit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[[2]string][]Limit{}
	}
	s.of[[2]string{measure, subject}] = list
}

// Forget takes back everything: the look that begins sees it anew.
func (s *SeenLimits) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = nil
}

// Of is what was seen last.
func (s *SeenLimits) Of(measure, subject string) []Limit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[[2]string{measure, subject}]
}

// Steps are a warning and what is critical, without a warning that would never
// come before it.
func Steps(warning, critical float64, below bool) []Limit {
	list := []Limit{{Severity: Critical, Value: critical, Below: below}}
	if below == (warning > critical) && warning != critical {
		list = append([]Limit{{Severity: Warning, Value: warning, Below: below}}, list...)
	}
	return list
}
