package main

import (
	"strings"
	"testing"
)

// plainHost is a Debian as it is installed: what these tests have added to this
// machine for others is not in it.
func plainHost(t *testing.T) *host {
	t.Helper()
	h := bareHost(t)
	h.sh(t, `
		rm -rf /etc/redis /etc/postgresql /etc/nginx /var/lib/postgresql /var/lib/redis
		for name in certbot nginx redis-server postgresql pgbouncer; do rm -f /lib/systemd/system/$name[.@]* /etc/init.d/$name; done
		systemctl daemon-reload`)
	h.packages(t, "tzdata", "adduser")
	return h
}

func TestOnAPlainDebianTheProgramIsBriefAndTrue(t *testing.T) {
	h := plainHost(t)
	en, ja := h.run(t, "root", "check", "--lang", "en"), h.run(t, "root", "check", "--lang", "ja")
	t.Logf("\n%s\n%s", en.out, ja.out)
	en.says(t,
		"Fine disk: / … other file systems fine", "Fine services: no service of Mastodon's on this machine",
		"Fine backups: no Mastodon and no backups on this machine", "[Warning] 2 security updates waiting", "  Packages: adduser, tzdata.",
		"Not set up: database, redis, sidekiq, certs, webui, streaming, instance, latency, federation, moderation, …",
		"No Mastodon was found on this machine. To watch one that runs elsewhere, write its name into [server] domain of the configuration.",
		"Takes long, so only by name: sababan check usage…",
	)
	ja.says(t,
		"正常 サービス: このマシンではMastodon関係のサービスは動いていません", "正常 バックアップ: このマシンにはMastodonもバックアップもありません",
		"【注意】セキュリティ更新が2件あります",
		"未設定: database、redis、sidekiq、certs、webui、streaming、instance、latency、federation、moderation、…",
		"このマシンにMastodonは見つかりませんでした。別のマシンのMastodonを見るには、設定ファイルの [server] domain に名前を書いてください。",
	)
	for _, s := range []saying{en, ja, h.run(t, "ordinary", "check")} {
		s.never(t, "PostgreSQL", "certbot", "GRANT", "sudo sababan check", "[checks.services]")
		if lines := strings.Count(s.out, "\n"); lines > 60 {
			t.Errorf("%d lines:\n%s", lines, s.out)
		}
	}
	h.run(t, "root", "check", "--verbose", "--lang", "en").says(t, "Found: nothing of a Mastodon on this machine", "Not set up: certs needs [server] domain")
	if s := h.run(t, "root", "check", "certs"); s.status != exitUnknown {
		t.Errorf("a check that is named and not set up: %d\n%s", s.status, s.out)
	}

	looked := h.look(t)
	for name, want := range map[string]string{"disk": "ok", "services": "ok", "timers": "ok", "backups": "ok", "packages": "warning", "redis": severityNotSetUp, "certs": severityNotSetUp, "database": severityNotSetUp} {
		if c := looked[name]; c.Severity != want || c.Error != "" {
			t.Errorf("%s is %s: %s %s %+v", name, c.Severity, c.Summary, c.Error, c.Findings)
		}
	}
	upgradable := strings.Count(h.sh(t, "apt list --upgradable 2>/dev/null"), "[upgradable from: ")
	near(t, "updates", measured(t, looked["packages"], "updates", "").Value, float64(upgradable), 0)
}
