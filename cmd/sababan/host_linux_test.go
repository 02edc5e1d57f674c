package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sababan/sababan/checks/site"
)

func TestOnAMastodonHostTheProgramFindsItsWayWithoutConfiguration(t *testing.T) {
	h := mastodonHost(t)
	t.Run("before any right is given, one cause is told once", h.beforeRights)
	t.Run("the lines that it prints give the rights", h.giveRights)
	t.Run("every check looks and tells true figures", h.isWell)
	t.Run("in both languages", h.inBothLanguages)
	t.Run("what takes long looks when it is named", h.byName)
	t.Run("an ordinary user is told the one line that helps", h.asOrdinary)
	t.Run("eight ills at once, each with the commands for this host", h.isIll)
	t.Run("and all is well again", h.isWell)
}

const (
	noRole  = `PostgreSQL does not let sababan in ("role 'sababan' does not exist")`
	noToken = "whether events arrive is not looked at: that needs [server] token_file"
)

func (h *host) beforeRights(t *testing.T) {
	s := h.run(t, "root", "check", "--lang", "en")
	s.says(t, "[Unknown] database, Sidekiq, federation, moderation, …: "+noRole, "  Look: sudo sababan check --verbose")
	s.never(t, "GRANT")
	h.run(t, "root", "check", "--lang", "ja").says(t, "【確認できず】データベース、Sidekiq、連合、モデレーション、…: PostgreSQLに接続を拒否されました（「role 'sababan' does not exist」）")
}

func (h *host) giveRights(t *testing.T) {
	head := grantsHead().En
	first := h.run(t, "root", "check", "--verbose", "--lang", "en")
	first.says(t,
		"Found: domain: "+hostDomain+" (by "+hostLive+"/.env.production)", "Found: Mastodon's code: "+hostLive+" (by mastodon-web.service)",
		"Found: user: mastodon (by mastodon-web.service)", "Found: Redis' data: /var/lib/redis (by /etc/redis/redis.conf)",
		"Found: web server: nginx (by its process nginx)", "Found: streaming ports: 4000 (by what is enabled of mastodon-streaming@)",
		"Found: PostgreSQL's data: /var/lib/postgresql/…/main/postgresql.conf)",
	)
	block := first.pasted(t, strings.TrimPrefix(head, "\n"))
	// All but amcheck, as before an update of the program: it is asked for again.
	h.sh(t, strings.Replace(block, "CREATE EXTENSION", "-- CREATE EXTENSION", 1)+"true")
	second := h.run(t, "root", "check", "--verbose", "database")
	second.says(t, "[Unknown] database: the extension amcheck is not in the database: whether indexes are broken cannot be told")
	h.sh(t, second.pasted(t, strings.TrimPrefix(head, "\n")))
	if s := h.run(t, "root", "check", "--verbose", "database"); strings.Contains(s.out, "GRANT") || s.status != exitOK {
		t.Errorf("with the rights given: %d\n%s", s.status, s.out)
	}
}

// unsynchronised tells whether the kernel, which is not the guest's own, says
// that nothing keeps the clock.
func unsynchronised(t *testing.T) bool {
	t.Helper()
	var x unix.Timex
	state, err := unix.Adjtimex(&x)
	if err != nil {
		t.Fatal(err)
	}
	return state == unix.TIME_ERROR || x.Status&unix.STA_UNSYNC != 0
}

// isWell is that of all the checks each looks, sees everything, and finds
// nothing but what is so of the machine below.
func (h *host) isWell(t *testing.T) {
	looked := h.look(t)
	var names []string
	for _, k := range checklist(&site.Site{Proc: "/proc"}) {
		if !k.Long {
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(looked)); !slices.Equal(got, names) {
		t.Errorf("looked: %q, want %q", got, names)
	}
	for name, c := range looked {
		want := "ok"
		switch {
		case c.Severity == severityNotSetUp && !slices.Contains([]string{"[server] domain", "[server] database_url", "[server] redis_url"}, c.Needs):
			continue // what nothing on a host can tell
		case name == "streaming" && !strings.HasSuffix(c.Summary, "; "+noToken):
			t.Errorf("streaming does not say what is not set up: %s", c.Summary)
		case name == "clock" && unsynchronised(t):
			want = "warning"
		}
		if c.Severity != want || c.Error != "" {
			t.Errorf("%s is %s: %s %s %+v %+v", name, c.Severity, c.Summary, c.Error, c.Findings, c.Blind)
		}
	}
	h.figures(t, looked)
}

// figures compares what was measured with what the tools of the host say.
func (h *host) figures(t *testing.T, looked map[string]jsonCheck) {
	t.Helper()
	tool := func(script string) float64 {
		t.Helper()
		out := strings.TrimSpace(h.sh(t, script))
		n, err := strconv.ParseFloat(out, 64)
		if err != nil {
			t.Fatalf("%s: %q", script, out)
		}
		return n
	}
	const megabyte, minute = 1 << 20, 60
	psql := func(query string) float64 {
		return tool("runuser -u postgres -- psql -XqAtd mastodon_production -c \"" + query + "\"")
	}
	for _, c := range []struct {
		check, measure, subject string
		want, slack             float64
	}{
		{"disk", "available_bytes", "/home", tool("df -B1 --output=avail /home | tail -n 1"), megabyte},
		{"disk", "used_ratio", "/mnt/backup", tool("df -B1 --output=used,size /mnt/backup | awk 'END {print $1 / $2}'"), 0.001},
		{"memory", "total_bytes", "", tool("free -b | awk '/^Mem/ {print $2}'"), 0},
		{"services", "services_running", "", 6, 0},
		{"database", "wal_bytes", "", psql("select sum(size) from pg_ls_waldir()"), 0},
		{"database", "database_bytes", "", psql("select pg_database_size(current_database())"), megabyte},
		{"redis", "used_bytes", "", tool("redis-cli info memory | awk -F: '/^used_memory:/ {print $2 + 0}'"), 2 * megabyte},
		{"sidekiq", "retries", "", hostRetries, 0},
		{"mail", "mailers_waiting", "", tool("redis-cli llen queue:mailers"), 0},
		{"sidekiq", "processes", "", tool("redis-cli scard processes"), 0},
		{"timers", "timer_age", "certbot.timer", tool("echo $(($(date +%s) - $(stat -c %Y /var/lib/systemd/timers/stamp-certbot.timer)))"), minute},
		{"backups", "size_bytes", "/mnt/backup/mastodon-db-*.dump", tool("stat -c %s /mnt/backup/mastodon-db-$(date +%Y%m%d).dump"), 0},
		{"certs", "life_left", hostDomain, tool("echo $(($(date -d \"$(openssl x509 -noout -enddate -in /etc/letsencrypt/live/" + hostDomain + "/cert.pem | cut -d= -f2)\" +%s) - $(date +%s)))"), minute},
		{"federation", "newest_remote_age", "", psql("select extract(epoch from now() at time zone 'UTC' - max(created_at)) from statuses where not local"), minute},
		{"moderation", "signups_waiting", "", psql("select count(*) from users where not approved"), 0},
		{"moderation", "reports_open", "", psql("select count(*) from reports where action_taken_at is null"), 0},
		{"rules", "rules", "", 1, 0},
		{"cacerts", "roots", "system", tool("grep -c 'BEGIN CERT' /etc/ssl/certs/ca-certificates.crt"), 0},
	} {
		near(t, c.check+" "+c.measure+" "+c.subject, measured(t, looked[c.check], c.measure, c.subject).Value, c.want, c.slack)
	}
}

func (h *host) inBothLanguages(t *testing.T) {
	en := h.run(t, "root", "check", "--lang", "en")
	en.says(t,
		hostDomain+" … fine",
		"Fine disk: / … other file systems fine", "Fine services: all 6 services run: sidekiq, streaming@4000, web, nginx, postgresql@…, redis-server",
		"Fine Sidekiq: jobs wait less than 1 s, 1 process, 0 of 25 threads busy, 2 retries, 0 dead",
		"Fine certificate: valid to …; "+hostDomain+", "+hostOther+"; the newest on disk",
		"Fine mail: localhost:25 accepts mail up to RCPT TO in …; SPF, DMARC in the DNS; no mail waits inside Mastodon; 0 of the last 2 sign-ups not confirmed; whether mail arrives is not checked: that needs [checks.mail] smtp, [[checks.mail.mailbox]]",
		"Fine web UI: front page in … ms, its 3 files are right, Mastodon 4.5.2", "Fine instance API: v1 and v2 answer in … ms, Mastodon 4.5.2",
		"Fine moderation: 2 sign-ups wait … in the last hour", "Fine Mastodon's version: 4.5.2, the newest",
		"Fine streaming: …; "+noToken, "Takes long, so only by name: sababan check usage…",
	)
	en.never(t, "GRANT", "[server] domain", "[server] database_url", "[server] redis_url", "No Mastodon", "Found:")
	ja := h.run(t, "root", "check", "--lang", "ja")
	ja.says(t,
		"正常 サービス: サービス6個すべて稼働中（sidekiq、streaming@4000、web、nginx、postgresql@…、redis-server）",
		"正常 Sidekiq: 待ち時間1秒未満、プロセス1、スレッド0／25使用中、再試行2、デッド0",
		"正常 メール: localhost:25 はRCPT TOまで受け付け（…。SPF・DMARCはDNSにあり。Mastodon内の送信待ちなし。直近の登録2件のうちメール未確認0件。届くかどうかは未確認（[checks.mail] smtp、[[checks.mail.mailbox]] が必要）",
		"正常 証明書: …ディスク上の最新と一致", "正常 Web画面: トップページ…、読み込むファイル3個も正常、Mastodon 4.5.2",
		"正常 モデレーション: 承認待ち2件…登録0件", "正常 Mastodonのバージョン: 4.5.2（最新）",
		"時間がかかるため、名前を指定したときだけ: sababan check usage…",
	)
	want := exitOK
	if unsynchronised(t) {
		want = exitWarning
	}
	if en.status != want || ja.status != want {
		t.Errorf("status %d and %d, want %d", en.status, ja.status, want)
	}
	t.Logf("\n%s\n%s", en.out, ja.out)
}

func (h *host) byName(t *testing.T) {
	looked := h.look(t, "usage", "backups")
	for name, c := range looked {
		if c.Severity != "ok" {
			t.Errorf("%s is %s: %s %+v %+v", name, c.Severity, c.Summary, c.Findings, c.Blind)
		}
	}
	sizes := strings.Fields(h.sh(t, "du -sx -B1 /home/mastodon /var/lib/postgresql/*/main"))
	for i := 0; i+1 < len(sizes); i += 2 {
		want, err := strconv.ParseFloat(sizes[i], 64)
		if err != nil {
			t.Fatal(err)
		}
		near(t, sizes[i+1], measured(t, looked["usage"], "area_bytes", sizes[i+1]).Value, want, 8<<20)
	}
	accounts, err := strconv.ParseFloat(h.sql(t, "select count(*) from accounts where username !~ '^new'"), 64)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "accounts inside the dump", measured(t, looked["backups"], "accounts_inside", "/mnt/backup/mastodon-db-*.dump").Value, accounts, 2)
	s := h.run(t, "root", "check", "--lang", "ja", "ディスクの内訳", "バックアップ")
	s.says(t, "正常 ディスクの内訳: PostgreSQL …", "正常 バックアップ: …")
	t.Logf("\n%s\n%s", h.run(t, "root", "check", "usage", "backups").out, s.out)
}

func (h *host) asOrdinary(t *testing.T) {
	s := h.run(t, "ordinary", "check", "--lang", "en")
	s.says(t,
		hostLive+"/.env.production may not be read by this user; more is seen with: sudo sababan check",
		"[Unknown] database, Sidekiq, federation, moderation…: PostgreSQL does not let sababan in (\"Peer authentication failed for user 'sababan'\")",
		"  Only root and the system user sababan can see this:", "  Look: sudo sababan check",
		"Not set up: certs, webui, streaming, instance, latency, …", "Fine Redis …",
	)
	s.never(t, "--verbose", "No Mastodon was found")
	h.run(t, "ordinary", "check", "--verbose").never(t, "GRANT", "ACL SETUSER")
	h.run(t, "ordinary", "check", "--lang", "ja").says(t,
		hostLive+"/.env.production はこのユーザーでは読めません。次のコマンドなら、さらに確認できます: sudo sababan check",
		"  確認できるのは、rootかシステムユーザーsababanだけです。")
	// The daemon's own user reads the database without any password.
	h.run(t, "sababan", "check", "database", "moderation").says(t, "Fine moderation: 2 sign-ups wait … in the last hour")
}

// isIll breaks eight things, reads what is said, and mends each by what is said.
func (h *host) isIll(t *testing.T) {
	h.certificate(t, 2, 81*24*time.Hour)
	for _, name := range []string{"fullchain", "cert", "chain", "privkey"} {
		h.age(t, 9*24*time.Hour, fmt.Sprintf("/etc/letsencrypt/archive/%s/%s2.pem", hostDomain, name))
	}
	h.sh(t, `
		systemctl stop mastodon-sidekiq
		systemctl stop postfix
		mkdir -p /mnt/media && mount -t tmpfs -o size=20m media /mnt/media && head -c 20100000 /dev/zero >/mnt/media/full
		rm `+hostLive+`/public/packs/application-A1b2.js`)
	h.sql(t, "REFRESH MATERIALIZED VIEW instances WITH NO DATA")
	h.sql(t, "SELECT pg_create_physical_replication_slot('old_replica', true)")
	for range 12 {
		h.sql(t, "SELECT pg_logical_emit_message(false, 'x', repeat('x', 9000000))")
		h.sql(t, "SELECT pg_switch_wal()")
		h.sql(t, "CHECKPOINT")
	}
	// What the proxy's cache still tells is not what is asked here.
	h.sh(t, "rm -rf /var/cache/nginx/*")
	en, ja := h.run(t, "root", "check", "--lang", "en"), h.run(t, "root", "check", "--lang", "ja")
	t.Logf("\n%s\n%s", en.out, ja.out)
	if en.status != exitCritical || ja.status != exitCritical {
		t.Errorf("status %d and %d", en.status, ja.status)
	}
	psql := "sudo -u postgres psql -d mastodon_production -c "
	for _, ill := range []struct {
		en, ja string
		fixes  []string
	}{
		{"certificate", "証明書", []string{"sudo systemctl reload nginx"}},
		{"[Action needed] mastodon-sidekiq does not run", "【要対応】mastodon-sidekiq が動いていません", []string{"sudo systemctl start mastodon-sidekiq.service"}},
		{"[Action needed] no Sidekiq process runs", "【要対応】Sidekiqのプロセスが動いていません", []string{"sudo systemctl restart --all 'mastodon-sidekiq*'"}},
		{"the view instances was never filled", "ビュー instances が一度も更新されていません", []string{psql + "'REFRESH MATERIALIZED VIEW instances'"}},
		{"pg_wal has grown to ", "pg_walが", []string{psql + `'select pg_drop_replication_slot('\''old_replica'\'')'`}},
		{"web UI: the script application-A1b2.js is missing (404 Not Found)", "Web画面 スクリプト application-A1b2.js がありません", []string{
			"sudo -u mastodon -H env -C " + hostLive + " 'PATH=/home/mastodon/.rbenv/shims:/usr/local/bin:/usr/bin:/bin' 'RAILS_ENV=production' bin/rails assets:precompile",
			"sudo systemctl restart mastodon-web",
		}},
		{"[Action needed] the mail server localhost:25 cannot be reached", "【要対応】メールサーバー localhost:25 につながりません", []string{"sudo systemctl restart postfix"}},
		{"/mnt/media is 9", "/mnt/media 使用9", nil},
	} {
		if got := en.fixes(t, ill.en); !slices.Equal(got, ill.fixes) {
			t.Errorf("%s is mended with %q, want %q", ill.en, got, ill.fixes)
		}
		if !strings.Contains(ja.out, ill.ja) {
			t.Errorf("lacks %q", ill.ja)
		}
		for _, command := range ill.fixes {
			if strings.Contains(command, "assets:precompile") {
				h.assets(t, "A1b2") // there is no Rails here
				continue
			}
			h.sh(t, command)
		}
	}
	h.sh(t, "rm /mnt/media/full")
	h.sql(t, "CHECKPOINT")
	h.up(t)
}
