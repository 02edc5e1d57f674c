package domain

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A verdict is what the signatures of a domain are worth.
type verdict string

const (
	untold   verdict = ""        // nothing is known, or nothing that can be checked here
	sound    verdict = "sound"   // it can be verified
	ending   verdict = "ending"  // it can, but nobody seems to sign any more
	unkeyed  verdict = "unkeyed" // the registry says that it is signed, and it has no keys
	mismatch verdict = "mismatch"
	expired  verdict = "expired"
	early    verdict = "early" // not valid yet: a clock
	forged   verdict = "forged"
)

// broken tells whether those who verify refuse the domain.
func (v verdict) broken() bool { return v != untold && v != sound && v != ending }

// A proof is the verdict on one server's answers, and when its signatures end.
type proof struct {
	verdict verdict
	until   time.Time
}

// lastPart is the share of a signature's life at whose end it is renewed
// everywhere: signers leave a fifth to a half (own).
const lastPart = 10

// prove follows the chain from the registry's word for a key (DS) over the keys
// to the signature on the zone's first record.
func prove(ds []*dns.DS, keyAnswer, soaAnswer []dns.RR, fqdn string, now time.Time) proof {
	var keys []*dns.DNSKEY
	for _, rr := range keyAnswer {
		if k, ok := rr.(*dns.DNSKEY); ok && strings.EqualFold(k.Hdr.Name, fqdn) {
			keys = append(keys, k)
		}
	}
	if !checkable(ds) {
		// Those who verify take it as unsigned as well (RFC 4035, 5.2).
		return proof{}
	}
	if len(keys) == 0 {
		return proof{verdict: unkeyed}
	}
	var entries []*dns.DNSKEY
	for _, k := range keys {
		for _, d := range ds {
			if k.KeyTag() != d.KeyTag || k.Algorithm != d.Algorithm {
				continue
			}
			if made := k.ToDS(d.DigestType); made != nil && strings.EqualFold(made.Digest, d.Digest) {
				entries = append(entries, k)
			}
		}
	}
	if len(entries) == 0 {
		return proof{verdict: mismatch}
	}
	first := verify(keyAnswer, dns.TypeDNSKEY, fqdn, entries, now)
	if first.verdict.broken() {
		return first
	}
	second := verify(soaAnswer, dns.TypeSOA, fqdn, keys, now)
	if second.verdict.broken() || second.verdict == ending && first.verdict != ending || first.verdict == second.verdict && second.until.Before(first.until) {
		return second
	}
	return first
}

// checkable tells whether any of the registry's words can be followed here.
func checkable(ds []*dns.DS) bool {
	for _, d := range ds {
		switch d.Algorithm {
		case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
			switch d.DigestType {
			case dns.SHA1, dns.SHA256, dns.SHA384:
				return true
			}
		}
	}
	return false
}

// verify looks for one good signature over the records of a type; of bad ones
// it tells why the best is bad.
func verify(answer []dns.RR, kind uint16, fqdn string, keys []*dns.DNSKEY, now time.Time) proof {
	var set []dns.RR
	var signatures []*dns.RRSIG
	for _, rr := range answer {
		if !strings.EqualFold(rr.Header().Name, fqdn) {
			continue
		}
		if sig, ok := rr.(*dns.RRSIG); ok && sig.TypeCovered == kind {
			signatures = append(signatures, sig)
		} else if rr.Header().Rrtype == kind {
			set = append(set, rr)
		}
	}
	best := proof{verdict: forged}
	better := func(p proof) {
		rank := map[verdict]int{forged: 0, early: 1, expired: 2, ending: 3, sound: 4}
		if rank[p.verdict] > rank[best.verdict] || p.verdict == best.verdict && p.until.After(best.until) {
			best = p
		}
	}
	// A signature and a key are paired by number; a flood of either is cut.
	for _, sig := range signatures[:min(len(signatures), 8)] {
		for _, k := range keys[:min(len(keys), 16)] {
			if len(sig.Signature) == 0 || sig.Verify(k, set) != nil {
				continue
			}
			from, until := stamp(sig.Inception, now), stamp(sig.Expiration, now)
			switch {
			case now.Before(from):
				better(proof{verdict: early, until: until})
			case now.After(until):
				better(proof{verdict: expired, until: until})
			case until.Sub(now) < until.Sub(from)/lastPart:
				better(proof{verdict: ending, until: until})
			default:
				better(proof{verdict: sound, until: until})
			}
		}
	}
	return best
}

// stamp is the instant that 32 bits mean, nearest to now (RFC 4034, 3.1.5).
func stamp(seconds uint32, now time.Time) time.Time {
	apart := int32(seconds - uint32(now.Unix()))
	return time.Unix(now.Unix()+int64(apart), 0).UTC()
}
