package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/guest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/checkstest/redis"
)

const (
	hostVersion = "4.5"
	hostDomain  = postgres.Domain
	hostLive    = "/home/mastodon/live"
	hostOther   = "files." + hostDomain
	hostRetries = 2
)

// hostSecrets are what stands in the host's files and must never be said.
var hostSecrets = []string{
	"hunter2-database", "hunter2-smtp", "hunter2-key-base", "hunter2-otp", "hunter2-vapid", "hunter2-encryption",
}

// panel are the servers of others that checks ask; here nginx is all of them.
var panel = []string{
	"letsencrypt.org", "www.google.com", "github.com", "www.wikipedia.org", "aws.amazon.com", "www.cloudflare.com", "www.debian.org",
	"api.joinmastodon.org", "api.github.com",
}

// A host is a guest with the program in it.
type host struct {
	*guest.Guest
	ca *checkstest.CA
	// identity is that of the Sidekiq that runs on it.
	identity string
}

// bareHost is a Debian with the program and nothing else of ours.
func bareHost(t *testing.T) *host {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sababan")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	h := &host{Guest: guest.Boot(t)}
	// What a guest shows of this machine lies on another file system than what
	// is written in it: what is measured gets one of its own.
	h.sh(t, `
		mount -t tmpfs -o mode=755,size=4g home /home
		mount -t tmpfs -o mode=700,size=1g root /root
		mkdir /mnt/log && mount -t tmpfs -o mode=755,size=1g log /mnt/log
		cd /var/log && find . -type d -print0 | tar --null --no-recursion -T - -cf - | tar -xf - -C /mnt/log
		cd / && mount --bind /mnt/log /var/log && umount /mnt/log && rmdir /mnt/log`)
	h.copyIn(t, program, "/usr/local/bin/sababan", 0o755)
	// What an admin pastes begins with sudo, which a machine of one's own lacks.
	h.Write(t, "/usr/local/bin/sudo", "#!/bin/sh\nif [ \"$1\" = -u ]; then who=$2; shift 2; exec runuser -u \"$who\" -- \"$@\"; fi\nexec \"$@\"\n")
	h.Run(t, "chmod", "755", "/usr/local/bin/sudo")
	h.sh(t, "useradd --system --home-dir /var/lib/sababan --shell /usr/sbin/nologin sababan; useradd --create-home --shell /bin/bash ordinary")
	// Nobody answers for names: what is not in the list does not exist.
	h.Write(t, "/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	h.Write(t, "/etc/hosts", "127.0.0.1 localhost guest\n")
	// As a fresh Debian has them; what was due this morning has run.
	h.sh(t, `
		mkdir -p /var/lib/systemd/timers
		for timer in apt-daily apt-daily-upgrade; do touch -d '2 hours ago' /var/lib/systemd/timers/stamp-$timer.timer; done
		systemctl enable --now apt-daily.timer apt-daily-upgrade.timer`)
	return h
}

// sh runs a script in the guest; the first command that fails ends the test.
func (h *host) sh(t *testing.T, script string) string {
	t.Helper()
	return h.Run(t, "bash", "-euo", "pipefail", "-c", script)
}

func (h *host) copyIn(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(t, to, string(b))
	if err := os.Chmod(h.Path(to), mode); err != nil {
		t.Fatal(err)
	}
}

// age gives files of the guest a date.
func (h *host) age(t *testing.T, ago time.Duration, paths ...string) {
	t.Helper()
	at := time.Now().Add(-ago)
	for _, p := range paths {
		if err := os.Chtimes(h.Path(p), at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// mastodonHost is a guest dressed as the documentation of Mastodon says that a
// host is set up, and well.
func mastodonHost(t *testing.T) *host {
	t.Helper()
	h := bareHost(t)
	h.sh(t, "useradd --create-home --shell /bin/bash mastodon; chmod 755 /home/mastodon")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h.copyIn(t, self, hostLive+"/bin/"+partCommand, 0o755)
	h.database(t)
	h.redis(t)
	h.code(t)
	h.web(t)
	h.names(t)
	h.mail(t)
	h.packages(t)
	h.backups(t)
	h.units(t)
	return h
}

// database starts Debian's PostgreSQL with Mastodon's own database in it.
func (h *host) database(t *testing.T) {
	t.Helper()
	cluster := postgres.Start(t)
	db := cluster.Mastodon(t, hostVersion)
	dump := filepath.Join(cluster.Socket, "host.dump")
	cluster.Run(t, "pg_dump", "-Fc", "--no-owner", "-f", dump, db.Name)
	h.copyIn(t, dump, "/srv/dump", 0o644)
	h.sh(t, `
		version=$(ls /usr/lib/postgresql | sort -V | tail -n 1)
		rm -rf /etc/postgresql/*
		mount -t tmpfs -o mode=755,size=4g data /var/lib/postgresql
		chown postgres:postgres /var/lib/postgresql
		pg_createcluster --locale C.UTF-8 "$version" main -- --no-sync >/dev/null
		printf 'max_wal_size = 64MB\nmin_wal_size = 32MB\nfsync = off\nautovacuum_naptime = 1d\n' >"/etc/postgresql/$version/main/conf.d/mastodon.conf"
		systemctl daemon-reload
		systemctl enable --now postgresql
		runuser -u postgres -- psql -Xqc 'CREATE ROLE mastodon LOGIN CREATEDB' -c 'CREATE DATABASE mastodon_production OWNER mastodon TEMPLATE template0'
		runuser -u postgres -- pg_restore --no-owner --role=mastodon -d mastodon_production /srv/dump
		runuser -u postgres -- psql -Xqd mastodon_production -c "DELETE FROM media_attachments WHERE remote_url = ''"
		runuser -u postgres -- psql -Xqd mastodon_production -c 'VACUUM ANALYZE'`)
	// Two people wait for a decision, and one report.
	h.sql(t, `WITH new AS (INSERT INTO accounts (id, username) SELECT timestamp_id('accounts'), 'new' || n FROM generate_series(1, 2) AS n RETURNING id)
		INSERT INTO users (email, encrypted_password, account_id, created_at, confirmed_at, approved)
		SELECT id || '@mail.test', '', id, now() - interval '2 hours', now() - interval '2 hours', false FROM new`)
	h.sql(t, `INSERT INTO reports (account_id, target_account_id, created_at)
		SELECT l.id, r.id, now() - interval '1 hour' FROM accounts l, accounts r WHERE l.username = 'aoi' AND r.username = 'user3' AND r.domain = 'server03.test'`)
}

// sql asks the guest's database as its superuser.
func (h *host) sql(t *testing.T, query string) string {
	t.Helper()
	return strings.TrimSpace(h.Run(t, "runuser", "-u", "postgres", "--", "psql", "-XqAtd", "mastodon_production", "-c", query))
}

// redis starts Debian's Redis with what a Sidekiq keeps in it; its process
// itself comes with its unit.
func (h *host) redis(t *testing.T) {
	t.Helper()
	s := redis.Start(t)
	q := s.Sidekiq(t, hostVersion, time.Now())
	h.identity = q.Identity
	fields, err := s.Client().HGetAll(t.Context(), q.Identity).Result()
	if err != nil {
		t.Fatal(err)
	}
	self, err := json.Marshal(map[string]any{"Identity": q.Identity, "Fields": fields})
	if err != nil {
		t.Fatal(err)
	}
	q.End(t, q.Identity)
	for range hostRetries {
		q.Retry(t, redis.Failure{Error: "HTTP::ConnectTimeoutError", Message: "timed out"}, time.Now().Add(time.Hour))
	}
	s.Do(t, "SAVE")
	h.Write(t, partFolder+"/sidekiq.json", string(self))
	h.copyIn(t, filepath.Join(s.Dir, "dump.rdb"), "/var/lib/redis/dump.rdb", 0o640)
	h.sh(t, `
		install -d -o redis -g redis -m 750 /var/lib/redis
		chown redis:redis /var/lib/redis/dump.rdb
		systemctl enable --now redis-server`)
}

// code is Mastodon's folder, as far as it is looked at.
func (h *host) code(t *testing.T) {
	t.Helper()
	h.Write(t, hostLive+"/lib/mastodon/version.rb", "module Mastodon\n  module Version\n    module_function\n\n"+
		"    def major\n      4\n    end\n\n    def minor\n      5\n    end\n\n    def patch\n      2\n    end\n\n    def default_prerelease\n      ''\n    end\n  end\nend\n")
	h.Write(t, hostLive+"/.ruby-version", "3.4.7\n")
	h.Write(t, hostLive+"/Gemfile.lock", "GEM\n")
	for _, version := range strings.Fields(h.sql(t, "SELECT version FROM schema_migrations")) {
		h.Write(t, hostLive+"/db/migrate/"+version+"_change.rb", "")
	}
	h.Write(t, hostLive+"/.env.production", strings.Join([]string{
		"# made by rake mastodon:setup", "LOCAL_DOMAIN=" + hostDomain, "SINGLE_USER_MODE=false",
		"SECRET_KEY_BASE=" + hostSecrets[2], "OTP_SECRET=" + hostSecrets[3], "VAPID_PRIVATE_KEY=" + hostSecrets[4],
		"ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY=" + hostSecrets[5],
		"DB_HOST=/var/run/postgresql", "DB_PORT=5432", "DB_NAME=mastodon_production", "DB_USER=mastodon", "DB_PASS=" + hostSecrets[0],
		"REDIS_HOST=localhost", "REDIS_PORT=6379", "REDIS_PASSWORD=",
		"SMTP_SERVER=localhost", "SMTP_PORT=25", "SMTP_AUTH_METHOD=none", "SMTP_LOGIN=", "SMTP_PASSWORD=" + hostSecrets[1], "SMTP_FROM_ADDRESS=notifications@" + hostDomain, "",
	}, "\n"))
	h.Write(t, "/home/mastodon/.rbenv/versions/3.4.7/bin/ruby", "#!/bin/sh\n")
	h.Write(t, hostLive+"/public/system/media_attachments/files/1/original/a.png", strings.Repeat("a", 100_000))
	h.Write(t, hostLive+"/public/system/cache/media_attachments/files/2/original/b.png", strings.Repeat("b", 200_000))
	h.Write(t, hostLive+"/log/production.log", "started\n")
	h.assets(t, "A1b2")
	h.sh(t, "chown -R mastodon:mastodon /home/mastodon; chmod 600 "+hostLive+"/.env.production; find "+hostLive+" -exec touch -d '9 days ago' {} +")
}

// units are those of Mastodon's own documentation.
func (h *host) units(t *testing.T) {
	t.Helper()
	const after = "After=network.target\n"
	one := func(title, more, command string) string {
		return "[Unit]\nDescription=" + title + "\n" + after + more + "\n[Service]\nType=simple\nUser=mastodon\nWorkingDirectory=" + hostLive +
			"\n" + command + "\nTimeoutSec=15\nRestart=always\n\n[Install]\nWantedBy=multi-user.target"
	}
	part := "ExecStart=" + hostLive + "/bin/" + partCommand + " "
	h.Units(t, map[string]string{
		"mastodon-web.service":     one("mastodon-web", "", "Environment=\"RAILS_ENV=production\"\nEnvironment=\"PORT=3000\"\n"+part+"web 3000") + "\n",
		"mastodon-sidekiq.service": one("mastodon-sidekiq", "", "Environment=\"RAILS_ENV=production\"\nEnvironment=\"DB_POOL=25\"\n"+part+"sidekiq") + "\n",
		"mastodon-streaming.service": "[Unit]\nDescription=Mastodon Streaming Service Runner\n" + after + "Wants=mastodon-streaming@4000.service\n" +
			"[Service]\nType=oneshot\nExecStart=/bin/echo started\nRemainAfterExit=yes\n[Install]\nWantedBy=multi-user.target\n",
		"mastodon-streaming@.service": one("Mastodon Streaming Service on port %i", "PartOf=mastodon-streaming.service\nReloadPropagatedFrom=mastodon-streaming.service\n",
			"Environment=\"NODE_ENV=production\"\nEnvironment=\"PORT=%i\"\n"+part+"streaming %i") + " mastodon-streaming.service\n",
	})
	h.sh(t, `
		systemctl enable --now mastodon-web mastodon-sidekiq mastodon-streaming mastodon-streaming@4000
		systemctl enable --now nginx`)
	h.up(t)
}

// up waits until every part answers.
func (h *host) up(t *testing.T) {
	t.Helper()
	for _, address := range []string{"http://127.0.0.1:3000/health", "http://127.0.0.1:4000/api/v1/streaming/health"} {
		h.Until(t, address+" answers", func() bool { _, err := h.Try("curl", "-fsS", address); return err == nil })
	}
	h.Until(t, "Sidekiq is heard", func() bool { return strings.TrimSpace(h.Run(t, "redis-cli", "exists", h.identity)) == "1" })
}

// certificate puts one where certbot would, the nth of its line.
func (h *host) certificate(t *testing.T, n int, left time.Duration) checkstest.Certificate {
	t.Helper()
	c := h.ca.Issue(t, checkstest.Lifetime(90*24*time.Hour, left, hostDomain, hostOther))
	for name, text := range map[string][]byte{"fullchain": c.FullChain(), "cert": c.Alone(), "chain": c.FullChain()[len(c.Alone()):], "privkey": c.KeyPEM(t)} {
		h.Write(t, fmt.Sprintf("/etc/letsencrypt/archive/%s/%s%d.pem", hostDomain, name, n), string(text))
		h.Run(t, "ln", "-sfn", fmt.Sprintf("../../archive/%s/%s%d.pem", hostDomain, name, n), fmt.Sprintf("/etc/letsencrypt/live/%s/%s.pem", hostDomain, name))
	}
	h.sh(t, "chmod 700 /etc/letsencrypt/live /etc/letsencrypt/archive; chmod 600 /etc/letsencrypt/archive/*/privkey*.pem")
	return c
}
