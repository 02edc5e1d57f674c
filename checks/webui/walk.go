package webui

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// scope is how many of a page's files are asked for.
type scope int

const (
	none     scope = iota
	suspects       // those that were found wrong
	all
)

// A moment is what decides how many files are asked for.
type moment struct {
	now  time.Time
	last time.Time // when all were asked for last; zero is never
	// asked: somebody wants to know. changed: another version, or files that
	// were never asked for. back: the page was not well at the last look. ill:
	// something was found wrong and has not been seen well since.
	asked, changed, back, ill bool
}

// A reason is why so many files are asked for.
type reason string

const (
	byName reason = "asked for by name"
	first  reason = "never looked at all of them"
	isNew  reason = "another version, or other files"
	isBack reason = "the page is back"
	hourly reason = "all of them each hour"
	clock  reason = "the clock has gone back"
	still  reason = "some were wrong"
	stands reason = "the last answer stands"
)

// hourMark is the minute of the hour at which all files are asked for
// (defaults.md).
const hourMark = 17 * time.Minute

// due decides how many files are asked for now.
func due(m moment) (scope, reason) {
	mark := m.now.Add(-hourMark).Truncate(time.Hour).Add(hourMark)
	switch {
	case m.asked:
		return all, byName
	case m.last.IsZero():
		return all, first
	case m.changed:
		return all, isNew
	case m.back:
		return all, isBack
	case m.last.Before(mark):
		return all, hourly
	case m.last.After(m.now):
		return all, clock
	case m.ill:
		return suspects, still
	}
	return none, stands
}

// walk asks for the files that are due. Those that were found wrong come
// first; when they are all well again, everything is asked for.
func (c *check) walk(ctx context.Context, l *looked) {
	budget := new(atomic.Int64)
	budget.Store(walkBytes)
	until := l.now.Add(walkTime)
	if end, ok := ctx.Deadline(); ok && end.Add(-judgeTime).Before(until) {
		until = end.Add(-judgeTime)
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	assets, others := l.assets()
	l.elsewhere = others
	if l.scope == suspects {
		wrong := slices.DeleteFunc(slices.Clone(assets), func(a asset) bool { return l.before.Ill[a.URL] == (fault{}) })
		l.forget(assets)
		if len(wrong) == 0 && len(l.after.Ill) > 0 {
			return // they are on hosts that may not be asked
		}
		some := wrong[:min(len(wrong), suspectLimit)]
		well := c.fetchAll(ctx, l, some, budget)
		if !well || len(some) < len(wrong) {
			return
		}
	}
	if l.scope == none {
		return
	}
	l.forget(assets)
	c.fetchAll(ctx, l, assets, budget)
	l.after.Walked, l.after.Count, l.after.More = l.now, len(assets)-l.late, l.views.fresh.page.more+l.late
	l.after.walked(setOf(assets))
	l.walkedNow = true
}

// fetchAll asks for some assets, a few at a time, and notes what is wrong with
// them; it tells whether nothing is. What there was no time for stays as it
// was.
func (c *check) fetchAll(ctx context.Context, l *looked, some []asset, budget *atomic.Int64) bool {
	results := make([]fault, len(some))
	done := make([]bool, len(some))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(parallel, len(some)) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(some) || ctx.Err() != nil {
					return
				}
				a := some[i]
				if strings.HasPrefix(a.URL, "http:") {
					results[i], done[i] = fault{URL: a.URL, Entry: a.entry(), Role: a.Role, Cached: a.Cached, What: plainHTTP}, true
					continue
				}
				f := faultOf(a, c.fetch(ctx, a, budget), l.domain)
				// What was broken off with the walk was not seen.
				results[i], done[i] = f, f.What == fine || ctx.Err() == nil
			}
		})
	}
	workers.Wait()
	well := true
	for i, a := range some {
		switch {
		case !done[i]:
			l.late++
			well = false
		case results[i].What == fine:
			delete(l.after.Ill, a.URL)
		default:
			l.after.Ill[a.URL] = results[i]
			well = false
		}
	}
	return well
}

// assets are the files of the page, and of the one out of a cache where that
// names others; and those that may not be asked for, by host.
func (l *looked) assets() (some []asset, others map[string]int) {
	known := map[string]bool{}
	every := slices.Clone(l.views.fresh.page.assets)
	for _, a := range every {
		known[a.URL] = true
	}
	if l.views.visitor.state == well && l.views.visitor.cached != "" {
		for _, a := range l.views.visitor.page.assets {
			if !known[a.URL] && a.built() && len(every) < 2*assetLimit {
				a.Cached = true
				every = append(every, a)
			}
		}
	}
	others = map[string]int{}
	for _, a := range every {
		if host := a.host(); l.offline && host != l.domain && !strings.HasSuffix(host, "."+l.domain) {
			others[host]++
			continue
		}
		some = append(some, a)
	}
	return some, others
}

// forget drops what was wrong with files that the page no longer names.
func (l *looked) forget(assets []asset) {
	named := map[string]bool{}
	for _, a := range assets {
		named[a.URL] = true
	}
	for url := range l.after.Ill {
		host := asset{URL: url}.host()
		if !named[url] && l.elsewhere[host] == 0 {
			delete(l.after.Ill, url)
		}
	}
}
