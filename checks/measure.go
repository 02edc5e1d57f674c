package checks

import "time"

// Units of a [Measure]. They are part of the JSON contract of `check --json`.
const (
	Bytes   = "B"
	Seconds = "s"
	Ratio   = "ratio" // 0 to 1
	Count   = "count"
)

// A Measure is one number that a check saw: what is normal is learned from
// these. Name and Subject are stable; Subject is "" where there is only one.
type Measure struct {
	Name    string  `json:"name"`
	Subject string  `json:"subject"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
}

// A Sample is a measure's value at an instant.
type Sample struct {
	At    time.Time
	Value float64
}

// A Band is what is normal for a measure: the median and the range around it
// in which it usually lies. Days is how many days of samples it rests on.
type Band struct {
	Low, Mid, High float64
	Days           int
}
