package checkstest

import (
	"time"

	"github.com/sababan/sababan/checks"
)

// Past is a [checks.Past] that a test fills by hand.
type Past struct {
	Samples map[Series][]checks.Sample
	Bands   map[Series]checks.Band
	Memory  map[string][]byte
}

// Series names one series of measures.
type Series struct{ Name, Subject string }

var _ checks.Past = (*Past)(nil)

// Record takes what a look saw into the past, as the daemon does.
func (p *Past) Record(o checks.Observation, at time.Time) {
	if p.Samples == nil {
		p.Samples = map[Series][]checks.Sample{}
	}
	for _, m := range o.Measures {
		key := Series{m.Name, m.Subject}
		p.Samples[key] = append(p.Samples[key], checks.Sample{At: at, Value: m.Value})
	}
	if p.Memory == nil {
		p.Memory = map[string][]byte{}
	}
	for k, v := range o.Remember {
		p.Memory[k] = v
	}
}

// Last returns the newest sample.
func (p *Past) Last(name, subject string) (checks.Sample, bool) {
	all := p.Samples[Series{name, subject}]
	if len(all) == 0 {
		return checks.Sample{}, false
	}
	return all[len(all)-1], true
}

// Normal returns the band that the test has set.
func (p *Past) Normal(name, subject string, _ time.Time) (checks.Band, bool) {
	b, ok := p.Bands[Series{name, subject}]
	return b, ok
}

// Series returns the samples since an instant.
func (p *Past) Series(name, subject string, since time.Time) ([]checks.Sample, error) {
	var out []checks.Sample
	for _, s := range p.Samples[Series{name, subject}] {
		if !s.At.Before(since) {
			out = append(out, s)
		}
	}
	return out, nil
}

// Load gives back what was remembered.
func (p *Past) Load(key string) ([]byte, bool) {
	v, ok := p.Memory[key]
	return v, ok
}
