package memory

import "testing"

// FuzzReadings: what the kernel says becomes shares and sizes that can be.
func FuzzReadings(f *testing.F) {
	f.Add("some avg10=1.50 avg60=0.00 avg300=100.00 total=5\nfull avg10=0.00\n")
	f.Add("pswpin 5\npswpout 18446744073709551615\noom_kill 1\n")
	f.Add("100 50 20 1 0 5 0")
	f.Add("some avg10=.. avg60=1 avg300=1 total=\npswpin x")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parsePressure(text); err == nil {
			for _, v := range []float64{p.Some10, p.Some60, p.Some300} {
				if !(v >= 0 && v <= 1) {
					t.Errorf("%+v", p)
				}
			}
		}
		if c, err := parseVmstat(text, 4096); err != nil && c != (counters{}) {
			t.Errorf("%v beside %+v", err, c)
		}
		if resident, shared, ok := parseStatm(text); ok && (resident < 0 || shared < 0) {
			t.Errorf("%d %d", resident, shared)
		}
	})
}
