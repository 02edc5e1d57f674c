package checks

import "time"

// Past is what a check may ask about its own earlier looks.
type Past interface {
	// Last returns the newest sample of a measure.
	Last(name, subject string) (Sample, bool)
	// Normal returns what is usual for a measure at this hour of the week;
	// false before there are seven days of samples.
	Normal(name, subject string, at time.Time) (Band, bool)
	// Series returns the samples since an instant, oldest first.
	Series(name, subject string, since time.Time) ([]Sample, error)
	// Load gives back what the last look wanted to remember.
	Load(key string) ([]byte, bool)
}

// NoPast is the past of the command line, which has no memory.
type NoPast struct{}

// Last knows nothing.
func (NoPast) Last(string, string) (Sample, bool) { return Sample{}, false }

// Normal knows nothing.
func (NoPast) Normal(string, string, time.Time) (Band, bool) { return Band{}, false }

// Series knows nothing.
func (NoPast) Series(string, string, time.Time) ([]Sample, error) { return nil, nil }

// Load knows nothing.
func (NoPast) Load(string) ([]byte, bool) { return nil, false }
