package main

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
)

// web is nginx with a certificate of an authority that the guest trusts, which
// certbot would renew.
func (h *host) web(t *testing.T) {
	t.Helper()
	root := checkstest.NewCA(t, "Test Root")
	h.ca = root.Intermediate(t, "Test Intermediate")
	h.Write(t, "/usr/local/share/ca-certificates/test-root.crt", string(checkstest.Certificate{Leaf: root.Cert}.Alone()))
	h.Run(t, "update-ca-certificates")
	h.Run(t, "mkdir", "-p", "/etc/letsencrypt/live/"+hostDomain)
	h.certificate(t, 1, 60*24*time.Hour)
	h.Write(t, "/etc/letsencrypt/renewal/"+hostDomain+".conf", fmt.Sprintf("version = 2.1.0\narchive_dir = /etc/letsencrypt/archive/%[1]s\n"+
		"cert = /etc/letsencrypt/live/%[1]s/cert.pem\nprivkey = /etc/letsencrypt/live/%[1]s/privkey.pem\nchain = /etc/letsencrypt/live/%[1]s/chain.pem\n"+
		"fullchain = /etc/letsencrypt/live/%[1]s/fullchain.pem\n[renewalparams]\naccount = 0123456789abcdef\nauthenticator = webroot\nserver = https://acme-v02.api.letsencrypt.org/directory\n", hostDomain))
	h.Write(t, "/etc/letsencrypt/renewal-hooks/deploy/nginx.sh", "#!/bin/sh\nsystemctl reload nginx\n")
	h.Run(t, "chmod", "755", "/etc/letsencrypt/renewal-hooks/deploy/nginx.sh")
	others := h.ca.Issue(t, checkstest.Leaf{Names: panel})
	h.Write(t, "/etc/ssl/panel.pem", string(others.FullChain()))
	h.Write(t, "/etc/ssl/panel.key", string(others.KeyPEM(t)))
	h.Write(t, "/etc/hosts", "127.0.0.1 localhost guest\n127.0.0.1 "+hostDomain+" "+hostOther+" "+strings.Join(panel, " ")+"\n")
	h.sh(t, "rm -f /etc/nginx/sites-enabled/*")
	h.Write(t, "/etc/nginx/conf.d/mastodon.conf", nginxConf())
	h.Write(t, partFolder+"/v1.json", h.v1())
	h.Write(t, partFolder+"/v2.json", h.v2())
	h.Write(t, partFolder+"/timeline.json", "[]")
	// Renewal is looked for twice a day; the last time was this morning.
	h.sh(t, "mkdir -p /var/lib/systemd/timers; touch -d '5 hours ago' /var/lib/systemd/timers/stamp-certbot.timer; systemctl enable --now certbot.timer")
}

func nginxConf() string {
	return `proxy_cache_path /var/cache/nginx levels=1:2 keys_zone=CACHE:10m inactive=7d max_size=1g;
server {
  listen 443 ssl http2 default_server;
  server_name ` + strings.Join(panel, " ") + `;
  ssl_certificate /etc/ssl/panel.pem;
  ssl_certificate_key /etc/ssl/panel.key;
  location /update-check { default_type application/json; return 200 '{"updatesAvailable":[]}'; }
  location /repos/ { default_type application/json; return 200 '[]'; }
  location / { return 200 'well\n'; }
}
server { listen 80; server_name ` + hostDomain + `; return 301 https://$host$request_uri; }
server {
  listen 443 ssl http2;
  server_name ` + hostDomain + ` ` + hostOther + `;
  ssl_certificate /etc/letsencrypt/live/` + hostDomain + `/fullchain.pem;
  ssl_certificate_key /etc/letsencrypt/live/` + hostDomain + `/privkey.pem;
  root ` + hostLive + `/public;
  location / { try_files $uri @proxy; }
  location ^~ /system/ {
    add_header Cache-Control "public, max-age=2419200, immutable"; add_header X-Content-Type-Options nosniff;
    add_header Content-Security-Policy "default-src 'none'; form-action 'none'"; try_files $uri =404;
  }
  location ^~ /packs/ { add_header Cache-Control "public, max-age=2419200, must-revalidate"; try_files $uri =404; }
  location ^~ /api/v1/streaming {
    proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
    proxy_http_version 1.1; proxy_buffering off; proxy_pass http://127.0.0.1:4000;
  }
  location @proxy {
    proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https;
    proxy_pass http://127.0.0.1:3000;
    proxy_cache CACHE; proxy_cache_valid 200 7d; proxy_cache_valid 410 24h;
    proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
    add_header X-Cached $upstream_cache_status;
  }
}
`
}

func (h *host) v1() string {
	return `{"uri":"` + hostDomain + `","title":"Test","version":"4.5.2","urls":{"streaming_api":"wss://` + hostDomain + `"},"stats":{"user_count":5,"status_count":48,"domain_count":12},"rules":[]}`
}

func (h *host) v2() string {
	return `{"domain":"` + hostDomain + `","title":"Test","version":"4.5.2","source_url":"https://github.com/mastodon/mastodon","description":"","usage":{"users":{"active_month":5}},"languages":["ja"],
"configuration":{"urls":{"streaming":"wss://` + hostDomain + `"},"statuses":{"max_characters":500}},"registrations":{"enabled":true,"approval_required":true},"api_versions":{"mastodon":7},
"rules":[{"id":"1","text":"嫌がらせをしない","hint":"","translations":{}}]}`
}

// assets are a build of Vite's, and the page that names it.
func (h *host) assets(t *testing.T, hash string) {
	t.Helper()
	list := map[string]any{}
	var tags []string
	add := func(key, file, tag string) {
		body := "/* " + file + " */\n" + strings.Repeat("console.log('toot');\n", 100)
		h.Write(t, hostLive+"/public/packs/"+file, body)
		sum := sha512.Sum384([]byte(body))
		sri := "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
		list[key] = map[string]any{"file": file, "src": key, "integrity": sri, "isEntry": true}
		tags = append(tags, fmt.Sprintf(tag, "/packs/"+file, sri))
	}
	const script, style = `<script src="%s" crossorigin="anonymous" type="module" integrity="%s"></script>`, `<link rel="stylesheet" media="all" href="%s" crossorigin="anonymous" integrity="%s">`
	add("styles/entrypoints/themes/default.scss", "assets/default-"+hash+".css", style)
	add("entrypoints/common.ts", "common-"+hash+".js", script)
	add("entrypoints/application.ts", "application-"+hash+".js", script)
	manifest, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(t, hostLive+"/public/packs/.vite/manifest.json", string(manifest))
	h.Write(t, hostLive+"/vite.config.mts", "")
	h.Write(t, partFolder+"/page.html", "<!DOCTYPE html>\n<html lang='ja'><head><meta charset='utf-8'><title>Test</title>"+strings.Join(tags, "\n")+
		`<script id="initial-state" type="application/json">{"meta":{"version":"4.5.2","locale":"ja"}}</script></head>`+
		"<body class='app-body'><div class='app-holder notranslate' data-props='{}' id='mastodon'></div></body></html>")
}

// packages makes this a Debian for which security updates of some installed
// packages are out: what this machine itself has waiting is not this host's
// matter.
func (h *host) packages(t *testing.T, waiting ...string) {
	t.Helper()
	var list strings.Builder
	for _, name := range waiting {
		fmt.Fprintf(&list, "Package: %s\nVersion: 9999\nArchitecture: all\nFilename: ./%[1]s.deb\nSize: 1\nSHA256: %064d\nDescription: newer\n\n", name, 0)
	}
	h.Write(t, "/srv/apt/Packages", list.String())
	h.sh(t, `
		rm -rf /var/lib/apt/lists/* /etc/apt/sources.list /etc/apt/sources.list.d/*
		cd /srv/apt
		apt-ftparchive -o APT::FTPArchive::Release::Label=Debian-Security -o APT::FTPArchive::Release::Suite=stable-security release . >Release
		echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list
		apt-get -qq update`)
}

// backups are a nightly job that writes to another disk, and a week of it.
func (h *host) backups(t *testing.T) {
	t.Helper()
	h.Units(t, map[string]string{
		"mastodon-backup.service": "[Unit]\nDescription=Backup of Mastodon\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/mastodon-backup\n",
		"mastodon-backup.timer":   "[Timer]\nOnCalendar=*-*-* 03:30:00\nPersistent=true\n[Install]\nWantedBy=timers.target\n",
	})
	h.Write(t, "/usr/local/sbin/mastodon-backup", `#!/bin/sh
set -eu
cd /tmp
day=$(date +%Y%m%d)
runuser -u postgres -- pg_dump -Fc mastodon_production >/mnt/backup/mastodon-db-$day.dump
tar -C / -czf /mnt/backup/mastodon-files-$day.tar.gz home/mastodon/live/.env.production home/mastodon/live/public/system/media_attachments
`)
	h.sh(t, `
		chmod 755 /usr/local/sbin/mastodon-backup
		mkdir -p /mnt/backup && mount -t tmpfs -o size=2g tmpfs /mnt/backup
		systemctl start mastodon-backup
		for kind in db files; do for days in 1 2 3 4 5 6; do
			for f in /mnt/backup/mastodon-$kind-$(date +%Y%m%d).*; do
				to=$(echo "$f" | sed "s/$(date +%Y%m%d)/$(date -d "$days days ago" +%Y%m%d)/")
				cp "$f" "$to"; touch -d "$days days ago 1 hour ago" "$to"
			done
		done; done
		touch -d '1 hour ago' /mnt/backup/mastodon-*-$(date +%Y%m%d).*
		touch /var/lib/systemd/timers/stamp-mastodon-backup.timer
		systemctl enable --now mastodon-backup.timer`)
}
