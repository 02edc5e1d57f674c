package certs

import (
	"crypto/x509"
	"time"

	"github.com/sababan/sababan/checks"
)

// measures are the least of what each side has.
func (q question) measures(views []view, both bool) []checks.Measure {
	var out []checks.Measure
	for _, subject := range q.subjects() {
		var worst *x509.Certificate
		var slowest time.Duration
		for _, v := range views {
			if q.subject(v, both) != subject || v.chain == nil {
				continue
			}
			slowest = max(slowest, v.took)
			if worst == nil || v.chain[0].NotAfter.Before(worst.NotAfter) {
				worst = v.chain[0]
			}
		}
		if worst == nil {
			continue
		}
		left, life := worst.NotAfter.Sub(q.now), worst.NotAfter.Sub(worst.NotBefore)
		ratio := 0.0
		if life > 0 {
			ratio = min(max(left.Seconds()/life.Seconds(), 0), 1)
		}
		out = append(out,
			checks.Measure{Name: "life_left", Subject: subject, Value: left.Seconds(), Unit: checks.Seconds},
			checks.Measure{Name: "life_left_ratio", Subject: subject, Value: ratio, Unit: checks.Ratio},
			checks.Measure{Name: "handshake", Subject: subject, Value: slowest.Seconds(), Unit: checks.Seconds},
		)
	}
	return out
}

// remember adds what was seen to what was known.
func (q question) remember(before memory, views []view) memory {
	after := memory{Ends: map[string]int64{}, IPv6: before.IPv6}
	both := q.bothFamilies(views)
	for _, subject := range q.subjects() {
		if end, ok := before.Ends[subject]; ok {
			after.Ends[subject] = end
		}
	}
	for _, v := range views {
		if v.addr.Is6() && v.fault != noRoute {
			after.IPv6 = true
		}
		if v.chain == nil || v.chain[0].VerifyHostname(q.domain) != nil {
			continue
		}
		subject := q.subject(v, both)
		after.Ends[subject] = max(after.Ends[subject], v.chain[0].NotAfter.Unix())
	}
	return after
}

// renewals tells of a certificate that ends later than any that was served
// before. One event is enough for both sides.
func (q question) renewals(before, after memory) []checks.Event {
	for _, subject := range q.subjects() {
		was, known := before.Ends[subject]
		if end := after.Ends[subject]; known && end > was {
			return []checks.Event{{At: q.now, Code: "renewed", Subject: q.about(), Text: textRenewed(q.about(), time.Unix(end, 0))}}
		}
	}
	return nil
}
