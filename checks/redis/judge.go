package redis

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

const (
	memoryAbove  = 0.80 // of maxmemory, else of the machine (defaults)
	memoryHolds  = 0.75 // own
	savedAfter   = 24 * time.Hour
	slowAbove    = time.Second            // own: a question usually takes a millisecond
	slowHolds    = 500 * time.Millisecond // own
	clientsAbove = 0.90                   // of maxclients (own)
	clientsHolds = 0.80                   // own
)

// judge makes an observation of what one server said. was is what it had
// counted at the last look, usual what it usually uses in bytes.
func judge(r reading, was counters, usual checks.Band, m machine, now time.Time) checks.Observation {
	o := checks.Observation{Measures: []checks.Measure{
		{Name: "answer_time", Subject: r.subject, Value: r.took.Seconds(), Unit: checks.Seconds},
	}}
	if v, ok := r.number("used_memory"); ok {
		o.Measures = append(o.Measures, checks.Measure{Name: "used_bytes", Subject: r.subject, Value: v, Unit: checks.Bytes})
	}
	if v, ok := r.number("connected_clients"); ok {
		o.Measures = append(o.Measures, checks.Measure{Name: "clients", Subject: r.subject, Value: v, Unit: checks.Count})
	}
	if r.loading() {
		o.Findings = append(o.Findings, checks.Finding{
			Code: codeAnswer, Subject: r.subject, Severity: checks.Critical, Road: checks.Now, Harm: now,
			Text: textLoading(r, now), Advice: adviceLog(m, r.local),
		})
		return o
	}
	for _, f := range []checks.Finding{
		judgeWrites(r, m, now), judgeRewrite(r, m), judgeSaved(r, m, now), judgeRole(r, m, now),
		judgeMemory(r, was, usual, m, now), judgeEviction(r, was, m, now), judgeSlow(r, m), judgeClients(r, m),
	} {
		if f.Severity > checks.OK {
			f.Subject = r.subject
			o.Findings = append(o.Findings, f)
		}
	}
	for _, code := range unsaid(r) {
		o.Blind = append(o.Blind, checks.Blind{Code: code, Subject: r.subject, Why: textUnsaid(r)})
	}
	return o
}

// unsaid are the codes that INFO says nothing about; some hosted Redis leave
// out sections.
func unsaid(r reading) []string {
	var out []string
	for _, one := range []struct{ field, code string }{
		{"rdb_last_bgsave_status", codeWrites},
		{"rdb_last_save_time", codeSaved},
		{"role", codeRole},
		{"used_memory", codeMemory},
	} {
		if r.info[one.field] == "" && (one.code != codeWrites || r.refusal == "") {
			out = append(out, one.code)
		}
	}
	return out
}

// silent makes the finding of a server that does not answer; false where that
// says more about our own rights or settings.
func silent(s seen, sure bool, m machine, now time.Time) (checks.Finding, bool) {
	fault := site.RedisFaultOf(s.err)
	// One that has no connection left says so and hangs up, often before it is read.
	cut := errors.Is(s.err, io.EOF) || errors.Is(s.err, syscall.EPIPE) || errors.Is(s.err, syscall.ECONNRESET)
	switch fault {
	case site.NotThere, site.Silent, site.Full, site.Starting:
	default:
		sure = sure && cut
	}
	if !sure {
		return checks.Finding{}, false
	}
	return checks.Finding{
		Code: codeAnswer, Subject: s.subject, Severity: checks.Critical, Road: checks.Now, Harm: now,
		Text: textSilent(s.reading, fault, cut), Advice: adviceSilent(s.reading, fault, m),
	}, true
}

// judgeWrites finds that what is in memory could not be saved; by default Redis
// then refuses all writes.
func judgeWrites(r reading, m machine, now time.Time) checks.Finding {
	rdb := r.info["rdb_last_bgsave_status"] == "err"
	aof := r.info["aof_enabled"] == "1" && r.info["aof_last_write_status"] == "err"
	if r.refusal == "" && !rdb && !aof {
		return checks.Finding{}
	}
	f := checks.Finding{
		Code: codeWrites, Severity: checks.Critical, Road: checks.Now,
		Text: textWrites(r, m, aof), Advice: adviceWrites(r, m, aof),
	}
	if r.refusal != "" {
		f.Harm = now
	}
	return f
}

// judgeRewrite finds an append-only file that only grows.
func judgeRewrite(r reading, m machine) checks.Finding {
	if r.info["aof_enabled"] != "1" || r.info["aof_last_bgrewrite_status"] != "err" {
		return checks.Finding{}
	}
	return checks.Finding{
		Code: codeRewrite, Severity: checks.Warning, Road: checks.Morning,
		Text: textRewrite(r), Advice: adviceRewrite(r, m),
	}
}

// judgeSaved finds changes that wait for longer than a day. With an append-only
// file each is on disk at once.
func judgeSaved(r reading, m machine, now time.Time) checks.Finding {
	last := r.instant("rdb_last_save_time")
	if last.IsZero() || r.info["aof_enabled"] == "1" || r.count("rdb_changes_since_last_save") == 0 || r.info["role"] == "slave" {
		return checks.Finding{}
	}
	age := now.Sub(last)
	if age <= savedAfter*9/10 {
		return checks.Finding{}
	}
	return checks.Finding{
		Code: codeSaved, Severity: checks.Warning, Road: checks.Morning,
		// A save that failed is told by itself.
		Holds: age <= savedAfter || r.info["rdb_last_bgsave_status"] == "err",
		Text:  textSaved(r, last), Advice: adviceSaved(r, m),
	}
}

// judgeRole finds a replica where a primary should be: Mastodon writes.
func judgeRole(r reading, m machine, now time.Time) checks.Finding {
	if r.info["role"] != "slave" {
		return checks.Finding{}
	}
	return checks.Finding{
		Code: codeRole, Severity: checks.Critical, Road: checks.Now, Harm: now,
		Text: textRole(r), Advice: adviceRole(r, m),
	}
}

// evicts tells whether keys are thrown away when the memory is used up, and
// whether any key is or only those that expire.
func (r reading) evicts() (some, any bool) {
	policy := r.info["maxmemory_policy"]
	if r.count("maxmemory") == 0 || policy == "" || policy == "noeviction" {
		return false, false
	}
	return true, strings.HasPrefix(policy, "allkeys")
}

// limit is how much it may use, and whether that is a limit of its own.
func (r reading) limit() (bytes float64, own bool) {
	own = r.count("maxmemory") > 0
	if own {
		return r.count("maxmemory"), true
	}
	return r.count("total_system_memory"), false
}

func judgeMemory(r reading, was counters, usual checks.Band, m machine, now time.Time) checks.Finding {
	limit, own := r.limit()
	used := r.count("used_memory")
	if limit <= 0 || used <= 0 {
		return checks.Finding{}
	}
	if some, _ := r.evicts(); some {
		return checks.Finding{} // it never goes beyond; what it throws away is told
	}
	f := checks.Finding{Code: codeMemory, Severity: checks.Warning, Road: checks.Morning}
	// What replicas and the append-only file wait for does not count (INFO says
	// how much).
	full := own && (used-r.count("mem_not_counted_for_evict") >= limit || grown(r, was, was.Full, r.refusedFull()) > 0)
	switch share := used / limit; {
	case full:
		f.Severity, f.Road, f.Harm = checks.Critical, checks.Now, now
	case share > memoryAbove:
	case share > memoryHolds:
		f.Holds = true
	default:
		return checks.Finding{}
	}
	f.Text, f.Advice = textMemory(r, used, limit, own, full, usual), adviceMemory(r, m, own)
	return f
}

func judgeEviction(r reading, was counters, m machine, now time.Time) checks.Finding {
	some, any := r.evicts()
	if !some {
		return checks.Finding{}
	}
	lost := grown(r, was, was.Evicted, r.count("evicted_keys"))
	f := checks.Finding{Code: codeEviction, Severity: checks.Warning, Road: checks.Morning}
	switch {
	case r.jobs && any && lost > 0:
		f.Severity, f.Road, f.Harm = checks.Critical, checks.Now, now
	case !r.jobs && lost == 0:
		return checks.Finding{} // home timelines are made anew
	}
	since := was.At
	f.Text, f.Advice = textEviction(r, any, lost, since), adviceEviction(r, m)
	return f
}

func judgeSlow(r reading, m machine) checks.Finding {
	if r.took <= slowHolds {
		return checks.Finding{}
	}
	return checks.Finding{
		Code: codeSlow, Severity: checks.Warning, Road: checks.Now, Holds: r.took <= slowAbove,
		Text: textSlow(r), Advice: adviceSlow(r, m),
	}
}

func judgeClients(r reading, m machine) checks.Finding {
	most, used := r.count("maxclients"), r.count("connected_clients")
	if most <= 0 || used <= clientsHolds*most {
		return checks.Finding{}
	}
	return checks.Finding{
		Code: codeClients, Severity: checks.Warning, Road: checks.Now, Holds: used <= clientsAbove*most,
		Text: textClients(r, used, most), Advice: adviceClients(r, m),
	}
}
