package main

import (
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/backups"
	"github.com/sababan/sababan/checks/cacerts"
	"github.com/sababan/sababan/checks/certs"
	"github.com/sababan/sababan/checks/clock"
	"github.com/sababan/sababan/checks/database"
	"github.com/sababan/sababan/checks/disk"
	"github.com/sababan/sababan/checks/domain"
	"github.com/sababan/sababan/checks/dues"
	"github.com/sababan/sababan/checks/federation"
	"github.com/sababan/sababan/checks/instance"
	"github.com/sababan/sababan/checks/latency"
	"github.com/sababan/sababan/checks/mail"
	"github.com/sababan/sababan/checks/mastodon"
	"github.com/sababan/sababan/checks/media"
	"github.com/sababan/sababan/checks/memory"
	"github.com/sababan/sababan/checks/moderation"
	"github.com/sababan/sababan/checks/packages"
	"github.com/sababan/sababan/checks/redis"
	"github.com/sababan/sababan/checks/rules"
	"github.com/sababan/sababan/checks/services"
	"github.com/sababan/sababan/checks/sidekiq"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/streaming"
	"github.com/sababan/sababan/checks/timers"
	"github.com/sababan/sababan/checks/usage"
	"github.com/sababan/sababan/checks/watch"
	"github.com/sababan/sababan/checks/webui"
)

// checklist is the checklist: one line per kind of check, in the order in
// which they are shown.
func checklist(s *site.Site) []checks.Kind {
	return []checks.Kind{
		disk.Kind(s),
		usage.Kind(s),
		memory.Kind(s),
		services.Kind(s),
		database.Kind(s),
		redis.Kind(s),
		sidekiq.Kind(s),
		timers.Kind(s),
		backups.Kind(s),
		packages.Kind(s),
		certs.Kind(s),
		webui.Kind(s),
		streaming.Kind(s, s.Token),
		instance.Kind(s),
		latency.Kind(s),
		federation.Kind(s),
		moderation.Kind(s),
		mail.Kind(s),
		media.Kind(s),
		watch.Kind(s),
		rules.Kind(s),
		mastodon.Kind(s),
		domain.Kind(s),
		dues.Kind(s),
		cacerts.Kind(s),
		clock.Kind(s),
	}
}
