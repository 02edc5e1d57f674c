package main

import (
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/cacerts"
	"github.com/sababan/sababan/checks/certs"
	"github.com/sababan/sababan/checks/clock"
	"github.com/sababan/sababan/checks/disk"
	"github.com/sababan/sababan/checks/instance"
	"github.com/sababan/sababan/checks/latency"
	"github.com/sababan/sababan/checks/memory"
	"github.com/sababan/sababan/checks/site"
)

// checklist is the checklist: one line per kind of check, in the order in
// which they are shown.
func checklist(s *site.Site) []checks.Kind {
	return []checks.Kind{
		disk.Kind(s),
		memory.Kind(s),
		certs.Kind(s),
		instance.Kind(s),
		latency.Kind(s),
		cacerts.Kind(s),
		clock.Kind(s),
	}
}
