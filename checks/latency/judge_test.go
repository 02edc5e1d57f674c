package latency

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

const ms = time.Millisecond

// every makes one sample a minute, ten to each of three windows, newest first.
func every(now time.Time, windows ...time.Duration) []sample {
	var out []sample
	for n, took := range windows {
		for i := range 10 {
			out = append(out, sample{at: now.Add(-time.Duration(n)*window - time.Duration(i)*time.Minute), took: took})
		}
	}
	return out
}

func TestOneWindowAgainstWhatIsNormal(t *testing.T) {
	for _, tt := range []struct {
		name          string
		normal, ninth time.Duration
		want          level
	}{
		{"as usual", 80 * ms, 84 * ms, fine},
		{"three times, but still quick", 80 * ms, 300 * ms, fine},
		{"0.7 s where 80 ms is usual opens nothing", 80 * ms, 700 * ms, between},
		{"0.9 s where 80 ms is usual", 80 * ms, 900 * ms, warning},
		{"0.9 s where 400 ms is usual: not twice", 400 * ms, 790 * ms, fine},
		{"0.9 s where 400 ms is usual", 400 * ms, 900 * ms, between},
		{"1.3 s where 400 ms is usual", 400 * ms, 1300 * ms, warning},
		{"1.9 s where 80 ms is usual: many times, but no two seconds", 80 * ms, 1900 * ms, warning},
		{"2.1 s where 80 ms is usual", 80 * ms, 2100 * ms, critical},
		{"4.9 s where 1 s is usual", time.Second, 4900 * ms, warning},
		{"5.1 s, whatever is usual", 4 * time.Second, 5100 * ms, critical},
		{"nothing is known to be normal: 0.6 s", 0, 600 * ms, fine},
		{"nothing is known to be normal: 0.9 s", 0, 900 * ms, between},
		{"nothing is known to be normal: 1.1 s", 0, 1100 * ms, warning},
		{"nothing is known to be normal: 9 s is no more", 0, 9 * time.Second, warning},
	} {
		if got := (question{normal: tt.normal}).level(tt.ninth); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTheWindowsTogether(t *testing.T) {
	now := time.Now()
	const usual, bad, worse = 80 * ms, 900 * ms, 3 * time.Second
	for _, tt := range []struct {
		name    string
		normal  time.Duration
		samples []sample
		want    verdict
	}{
		{"no sample", usual, nil, tooEarly},
		{"four samples", usual, every(now, bad)[:4], tooEarly},
		{"five samples", usual, every(now, usual)[:5], quick},
		{"as usual", usual, every(now, usual, usual, usual), quick},
		{"one bad window", usual, every(now, bad, usual, usual), holds},
		{"two bad windows", usual, every(now, bad, bad, usual), slowNow},
		{"a bad window that is over", usual, every(now, usual, bad, bad), holds},
		{"over for two windows", usual, every(now, usual, usual, bad), quick},
		{"one very bad window", usual, every(now, worse), muchSlower},
		{"it was very bad, now it is bad", usual, every(now, bad, worse), slowNow},
		{"between the thresholds", usual, every(now, 700*ms, 700*ms), holds},
		{"one slow answer of ten", usual, append(every(now, usual)[:9], sample{at: now, took: 9 * time.Second}), quick},
		{"two slow answers of ten", usual, append(every(now, usual)[:8], sample{at: now, took: worse}, sample{at: now, took: worse}), muchSlower},
		{"nothing known to be normal, twenty minutes above a second", 0, every(now, 1200*ms, 1200*ms), holds},
		{"nothing known to be normal, thirty minutes above a second", 0, every(now, 1200*ms, 1200*ms, 1200*ms), slowNow},
		{"samples of long ago only", usual, every(now.Add(-time.Hour), worse), tooEarly},
	} {
		q := question{side: apiSide, now: now, samples: tt.samples, normal: tt.normal}
		if got := q.verdict(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTooFewSamplesEndNothing(t *testing.T) {
	now := time.Now()
	few := every(now, 30*ms)[:2]
	for name, q := range map[string]question{
		"after a restart":                    {watched: true, open: true},
		"after a restart, asked by name":     {watched: true, open: true, row: few},
		"in the first minutes of the daemon": {watched: true},
		"where there is no memory":           {},
	} {
		q.side, q.now, q.samples = apiSide, now, few
		l, v, f := q.judge()
		if v != tooEarly || f != nil || l.early != q.watched {
			t.Errorf("%s: %v, %+v, %+v", name, v, l, f)
		}
	}
}

func TestWhereTheTimeGoes(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    detail
		want string
		mend string
	}{
		{"the application says nothing", detail{side: apiSide, half: time.Second, ninth: 2 * time.Second}, "", "analyze"},
		{"most of it in the application", detail{side: apiSide, half: time.Second, ninth: 2 * time.Second, app: 900 * ms}, "memory or the database", "analyze"},
		{"little of it in the application", detail{side: page, half: time.Second, ninth: 2 * time.Second, app: 90 * ms}, "waiting for a free web process", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			says(t, textSlow(tt.d), tt.want, "")
			a := adviceSlow(tt.d)
			got := ""
			if len(a.Mend) > 0 {
				got = a.Mend[0][0][len(a.Mend[0][0])-1]
			}
			if got != tt.mend {
				t.Errorf("advice %q, want %q", got, tt.mend)
			}
		})
	}
}

func TestQuantilesAreByNearestRank(t *testing.T) {
	var row []sample
	for i := range 10 {
		row = append(row, sample{took: time.Duration(10-i) * time.Second})
	}
	if got := quantile(row, ninety); got != 9*time.Second {
		t.Errorf("nine of ten within %v", got)
	}
	if got := median(row).took; got != 5*time.Second {
		t.Errorf("the middle is %v", got)
	}
	if got := quantile(row[:1], ninety); got != 10*time.Second {
		t.Errorf("of one %v", got)
	}
}

func TestTheSummaryNamesTheWorst(t *testing.T) {
	lines := []line{{side: apiSide, took: 84 * ms, normal: 80 * ms}, {side: page, took: 120 * ms}}
	s := summary(lines, nil)
	if s.En != "API 84 ms (usually 80), page 120 ms" || s.Ja != "API 84ms（普段80ms）、ページ120ms" {
		t.Errorf("%q, %q", s.En, s.Ja)
	}
	holding := checks.Finding{Holds: true, Severity: checks.Warning, Text: checks.Same("no")}
	worst := checks.Finding{Severity: checks.Critical, Text: checks.Same("yes\nmore")}
	if s := summary(lines, []checks.Finding{holding, {Severity: checks.Warning, Text: checks.Same("no")}, worst}); s.En != "yes" {
		t.Errorf("%q", s.En)
	}
}
