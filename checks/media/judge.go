package media

import (
	"errors"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

const (
	// missingUsual is how many times its usual the share must be (G6 of the
	// incidents), missingLeast from which share and missingFiles from how many
	// files on it means anything (own).
	missingUsual = 3
	missingLeast = 0.2
	missingFiles = 20
	// missingUnknown is the share where the usual one is not known yet (own).
	missingUnknown = 0.5
	stuckLeast     = 3 // (own)
	failedLeast    = 5 // (own)
)

func (v *visit) find(code string, severity checks.Severity, road checks.Road, text checks.Text, advice checks.Advice) {
	v.Findings = append(v.Findings, checks.Finding{Code: code, Severity: severity, Road: road, Text: text, Advice: advice})
}

// blindDatabase says what the database does not tell.
func (v *visit) blindDatabase(err error) {
	why, mend := checks.Explain(err)
	var missing *checks.NotSetUp
	if errors.As(err, &missing) {
		return
	}
	v.blind(why, mend, codeMissing, codeStuck, codeRetention)
}

// judgeRows judges what the database knows.
func (v *visit) judgeRows() {
	t := v.day
	if t.remote > 0 {
		share := float64(t.absent) / float64(t.remote)
		v.Measures = append(v.Measures,
			checks.Measure{Name: missingShare, Value: share, Unit: checks.Ratio},
			checks.Measure{Name: remoteFiles, Value: float64(t.remote), Unit: checks.Count})
	}
	usual, known := v.past.Normal(missingShare, "", v.now)
	if n, of, bad := missing(t, usual, known); bad {
		v.find(codeMissing, checks.Warning, checks.Morning, textMissing(n, of, usual, known), adviceMissing())
	}
	if t.stuck >= stuckLeast || t.failed >= failedLeast && 2*t.failed > t.uploads {
		v.find(codeStuck, checks.Warning, checks.Morning, textStuck(t), adviceStuck())
	}
	switch k := v.memory.Kept; {
	case k.Older > 0 && k.Days > 0:
		v.find(codeRetention, checks.Warning, checks.Morning, textKept(k), adviceKept())
	case k.Older > 0:
		v.find(codeRetention, checks.Warning, checks.Week, textNoRetention(k), adviceNoRetention())
	}
}

// missing decides whether too many files of other servers have not arrived: of
// the last hours, or else of the day.
func missing(t tally, usual checks.Band, known bool) (n, of int, bad bool) {
	limit := missingLimit(usual, known)
	for _, one := range [][2]int{{t.lateAbsent, t.lateRemote}, {t.absent, t.remote}} {
		if one[1] >= missingFiles && float64(one[0]) > limit*float64(one[1]) {
			return one[0], one[1], true
		}
	}
	return t.absent, t.remote, false
}

// missingLimit is the share from which on too many have not arrived.
func missingLimit(usual checks.Band, known bool) float64 {
	if known {
		return max(missingUsual*usual.Mid, missingLeast)
	}
	return missingUnknown
}

// judgeTrip judges the test file and the existing one together.
func (v *visit) judgeTrip() {
	put, got, del, file := v.trip.put, v.trip.get, v.trip.del, v.file
	switch {
	case put.state == untried:
	case put.why == noSecret:
		file, f := v.config.SecretKeyFile, site.SecretFaultOf(put.err)
		v.blind(textNoSecret(file, f), f.Advice(file), codePut, codeDelete, codeKey, codePrefix, codeSlow)
	case put.state == unseen:
		v.unseen(textUnseen(put), codePut, codeDelete, codeKey, codePrefix, codeSlow)
		for i := range v.Blind {
			switch {
			case v.Blind[i].Code != codePut:
			case put.why == noRight:
				v.Blind[i].Mend = adviceFolder(v.ownFolder())
			case put.why == noFolder:
				v.Blind[i].Mend = adviceGone(v.ownFolder())
			}
		}
	case put.state == ill && v.place.kind == localKind:
		v.find(codePut, checks.Critical, checks.Now, textPutHere(put), advicePutHere(v.place))
		v.unseen(textNotTried(), codePrefix, codeSlow)
	case put.state == ill && (put.why == badKey || put.why == skewed || put.why == denied && !v.memory.Worked):
		v.find(codeKey, checks.Warning, checks.Morning, textKey(put), adviceKey(put))
		v.unseen(textKeyHides(), codePut, codeDelete, codePrefix, codeSlow)
	case put.state == ill:
		v.find(codePut, checks.Critical, checks.Now, textPut(put), advicePut(put))
		v.unseen(textNotTried(), codeDelete, codePrefix, codeSlow)
	default:
		v.measure(putTime, put.took)
		if del.state == ill && v.place.kind == localKind {
			v.unseen(textUnseen(del), codeDelete)
		} else if del.state == ill {
			v.find(codeDelete, checks.Warning, checks.Morning, textDelete(del), checks.Advice{})
		} else if del.state == unseen {
			v.unseen(textUnseen(del), codeDelete)
		} else {
			v.measure(deleteTime, del.took)
		}
	}
	switch {
	case got.state == ill && file.state == well && (got.why == notThere || got.why == denied):
		v.find(codePrefix, checks.Warning, checks.Week, textPrefix(v.place.public.Host, got), checks.Advice{})
	case got.state == ill:
		v.find(codeGet, checks.Critical, checks.Now, textGet(v.place.public.Host, got, true), adviceGet(v.place, got))
	case file.state == ill:
		v.find(codeGet, checks.Critical, checks.Now, textGet(v.place.public.Host, file, false), adviceGet(v.place, file))
	case got.state == unseen, got.state == untried && file.state == unseen:
		s := file
		if got.state == unseen {
			s = got
		}
		v.unseen(textUnseen(s), codeGet)
	case got.state == untried && file.state == untried:
		v.unseen(textNoExample(), codeGet)
	}
	if got.state == well {
		v.measure(getTime, got.took)
	} else if got.state == untried && file.state == well {
		v.measure(getTime, file.took)
	}
	if whole := put.took + max(got.took, file.took); whole > slowAfter && put.state != ill && got.state != ill && file.state != ill {
		v.find(codeSlow, checks.Warning, checks.Morning, textSlow(put.took, max(got.took, file.took)), checks.Advice{})
	}
}

// judgeHeaders looks whether a file of a stranger could act as a page of the
// site.
func (v *visit) judgeHeaders() {
	switch {
	case !v.place.own:
	case v.file.state != well:
		v.unseen(textNoExample(), codeHeaders)
	default:
		h := v.file.header
		nosniff := strings.EqualFold(strings.TrimSpace(h.Get("X-Content-Type-Options")), "nosniff")
		policy := strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "sandbox")
		if !nosniff || !policy {
			v.find(codeHeaders, checks.Warning, checks.Week, textHeaders(v.place.public.Path, nosniff, policy), adviceHeaders(v.place))
		}
	}
}

// judgeListings judges what strangers can list; what was found yesterday stands
// until it was looked at again.
func (v *visit) judgeListings(list []listing) {
	for _, l := range list {
		known := slices.Contains(v.memory.Open, l.host)
		switch {
		case l.open:
			if !known {
				v.memory.Open = append(v.memory.Open, l.host)
			}
			if !slices.ContainsFunc(v.Findings, func(f checks.Finding) bool { return f.Code == codeListing && f.Subject == l.host }) {
				v.Findings = append(v.Findings, checks.Finding{
					Code: codeListing, Subject: l.host, Severity: checks.Critical, Road: checks.Now,
					Text: textListing(l.host), Advice: adviceListing(v.place),
				})
			}
		case l.code == 0 || l.code >= 500: // nothing is known of it
			v.Blind = append(v.Blind, checks.Blind{Code: codeListing, Subject: l.host, Why: textUnseen(l.step)})
		case known && !slices.ContainsFunc(list, func(o listing) bool { return o.host == l.host && o.open }):
			v.memory.Open = slices.DeleteFunc(v.memory.Open, func(h string) bool { return h == l.host })
		}
	}
	v.Blind = slices.DeleteFunc(v.Blind, func(b checks.Blind) bool {
		return slices.ContainsFunc(v.Findings, func(f checks.Finding) bool { return f.Code == b.Code && f.Subject == b.Subject })
	})
}
