package checks

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
// speaks.
type Limited interface {
	Limits(past Past, measure, subject string) []Limit
}
