package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A page is the part of a list that is asked for. Without min_id it is the
// newest part below max_id and above since_id: what lies between since_id and
// the page is skipped. With min_id it is the part directly above it, and
// since_id means nothing. Either way the newest comes first.
type page struct {
	max, since, min string
	limit           int
}

// limitOf reads a limit: the default when there is none, and never more than
// twice the default.
func limitOf(text string, standard int) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return standard
	}
	return min(max(n, -n, 0), 2*standard)
}

func (c *call) page(standard int) page {
	return page{
		max: c.text("max_id"), since: c.text("since_id"), min: c.text("min_id"),
		limit: limitOf(c.text("limit"), standard),
	}
}

// cut takes the page from a list in ascending order.
func cut[T any](ascending []T, id func(T) string, p page) []T {
	taken := make([]T, 0, min(p.limit, len(ascending)))
	below := func(v T) bool { return p.max == "" || compareIDs(id(v), p.max) < 0 }
	if p.min != "" {
		for _, v := range ascending {
			if len(taken) < p.limit && compareIDs(id(v), p.min) > 0 && below(v) {
				taken = append(taken, v)
			}
		}
		slices.Reverse(taken)
		return taken
	}
	for _, v := range slices.Backward(ascending) {
		if len(taken) < p.limit && below(v) && (p.since == "" || compareIDs(id(v), p.since) > 0) {
			taken = append(taken, v)
		}
	}
	return taken
}

// link writes the Link header: next is older, prev is newer. An empty page has
// none. The names in keep are repeated from the request.
func (c *call) link(newest, oldest string, older bool, keep ...string) {
	if newest == "" {
		return
	}
	to := func(rel, cursor, id string) string {
		q := url.Values{cursor: {id}}
		for _, name := range keep {
			if values, ok := c.params[name]; ok {
				q[name] = values
			}
		}
		return "<" + c.base() + c.r.URL.Path + "?" + q.Encode() + `>; rel="` + rel + `"`
	}
	var links []string
	if older {
		links = append(links, to("next", "max_id", oldest))
	}
	links = append(links, to("prev", "min_id", newest))
	c.header.Set("Link", strings.Join(links, ", "))
}
