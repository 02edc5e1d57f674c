// Package host_test puts a Debian host up for a measurement: a systemd of its
// own as PID 1 of a guest, dressed as the machine of a Mastodon. It is a test
// only because the guest is one of the tests'; .ci/bench runs it.
package host_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/guest"
)

// What .ci/bench says by the environment.
const (
	programs = "SABABAN_BENCH_PROGRAMS" // a folder of programs, copied to the guest's /usr/local/bin
	planFile = "SABABAN_BENCH_PLAN"     // for the program timed
	outFile  = "SABABAN_BENCH_OUT"      // its answer
)

const (
	domain = "mastodon.example"
	live   = "/home/mastodon/live"
	sleep  = "/bin/sleep 100000"
)

// A service that runs, and is enabled.
func daemon(command, more string) string {
	return "[Service]\nType=simple\nExecStart=" + command + "\n" + more + "[Install]\nWantedBy=multi-user.target\n"
}

func TestMeasure(t *testing.T) {
	g := guest.Boot(t)
	dress(t, g)
	plan, err := os.ReadFile(os.Getenv(planFile))
	if err != nil {
		t.Fatal(err)
	}
	words := append(g.Enter(), "/usr/local/bin/timed")
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/root"}
	cmd.Dir = "/"
	var out, trouble bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(plan), &out, &trouble
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, trouble.String())
	}
	if !json.Valid(out.Bytes()) {
		t.Fatalf("%s", out.String())
	}
	if err := os.WriteFile(os.Getenv(outFile), out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dress makes a Mastodon host of the guest: units that run, timers that wait,
// certbot's certificate, and a real nginx that serves it.
func dress(t *testing.T, g *guest.Guest) {
	t.Helper()
	entries, err := os.ReadDir(os.Getenv(programs))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		program, err := os.ReadFile(filepath.Join(os.Getenv(programs), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		path := "/usr/local/bin/" + e.Name()
		g.Write(t, path, string(program))
		g.Run(t, "chmod", "755", path)
	}
	g.Write(t, live+"/lib/mastodon/version.rb", "module Mastodon\nend\n")
	g.Write(t, live+"/.env.production", "LOCAL_DOMAIN="+domain+"\nDB_HOST=/var/run/postgresql\nREDIS_HOST=127.0.0.1\n")
	g.Write(t, "/etc/hosts", "127.0.0.1 localhost "+domain+" one.example two.example\n")
	g.Write(t, "/etc/resolv.conf", "nameserver 127.0.0.1\n")

	ca := checkstest.NewCA(t, "Bench Root")
	leaf := ca.Intermediate(t, "Bench Intermediate").Issue(t, checkstest.Lifetime(90*24*time.Hour, 60*24*time.Hour, domain, "one.example", "two.example"))
	g.Write(t, "/etc/letsencrypt/archive/"+domain+"/fullchain1.pem", string(leaf.FullChain()))
	g.Write(t, "/etc/letsencrypt/archive/"+domain+"/privkey1.pem", string(leaf.KeyPEM(t)))
	g.Run(t, "mkdir", "-p", "/etc/letsencrypt/live/"+domain)
	for _, name := range []string{"fullchain", "privkey"} {
		g.Run(t, "ln", "-s", "../../archive/"+domain+"/"+name+"1.pem", "/etc/letsencrypt/live/"+domain+"/"+name+".pem")
	}
	g.Write(t, "/etc/letsencrypt/renewal/"+domain+".conf", "version = 2.1.0\narchive_dir = /etc/letsencrypt/archive/"+domain+"\n[renewalparams]\nauthenticator = webroot\n")
	g.Write(t, "/etc/letsencrypt/renewal-hooks/deploy/reload-nginx", "#!/bin/sh\nsystemctl reload nginx\n")
	g.Run(t, "chmod", "755", "/etc/letsencrypt/renewal-hooks/deploy/reload-nginx")
	// As update-ca-certificates does with an authority of one's own.
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	roots, err := os.ReadFile(g.Path(bundle))
	if err != nil {
		t.Fatal(err)
	}
	g.Write(t, bundle, string(roots)+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw})))

	g.Write(t, "/etc/nginx/nginx.conf", `worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 256; }
http {
  access_log off;
  server { listen 127.0.0.1:80; location / { return 200 "fine"; } }
  server {
    listen 127.0.0.1:443 ssl;
    ssl_certificate /etc/letsencrypt/live/`+domain+`/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/`+domain+`/privkey.pem;
    location / { default_type application/json; return 200 "{}"; }
  }
}
`)
	g.Write(t, "/etc/sababan/bench.toml", `[bot]
server = "https://`+domain+`"
token = "bench"
[[bot.admin]]
account = "admin@`+domain+`"
[server]
domain = "`+domain+`"
address = "127.0.0.1"
[checks.clock]
servers = ["one.example", "two.example"]
`)
	g.Run(t, "chmod", "600", "/etc/sababan/bench.toml")
	at := "WorkingDirectory=" + live + "\n"
	g.Units(t, map[string]string{
		"mastodon-web.service":          daemon(sleep, at),
		"mastodon-sidekiq.service":      daemon(sleep, at),
		"mastodon-streaming.service":    "[Unit]\nWants=mastodon-streaming@4000.service\n[Service]\nType=oneshot\nExecStart=/bin/true\nRemainAfterExit=yes\n[Install]\nWantedBy=multi-user.target\n",
		"mastodon-streaming@.service":   "[Unit]\nPartOf=mastodon-streaming.service\n[Service]\nExecStart=" + sleep + "\n" + at + "[Install]\nWantedBy=multi-user.target mastodon-streaming.service\n",
		"mastodon-media-remove.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"mastodon-media-remove.timer":   "[Timer]\nOnCalendar=daily\nPersistent=true\n[Install]\nWantedBy=timers.target\n",
		"postgresql.service":            daemon(sleep, ""),
		"redis-server.service":          daemon(sleep, ""),
		"nginx.service":                 daemon("/usr/sbin/nginx -g 'daemon off;'", "ExecReload=/bin/kill -HUP $MAINPID\n"),
		"certbot.service":               "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"certbot.timer":                 "[Timer]\nOnCalendar=*-*-* 00,12:00:00\nPersistent=true\n[Install]\nWantedBy=timers.target\n",
		"backup.service":                "[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"backup.timer":                  "[Timer]\nOnCalendar=daily\nPersistent=true\n[Install]\nWantedBy=timers.target\n",
	})
	// Persistent ones run at once where they never did: they have.
	for _, name := range []string{"mastodon-media-remove", "certbot", "backup", "apt-daily", "apt-daily-upgrade"} {
		g.Write(t, "/var/lib/systemd/timers/stamp-"+name+".timer", "")
	}
	g.Run(t, "systemctl", "enable", "--now", "mastodon-web", "mastodon-sidekiq", "mastodon-streaming", "mastodon-streaming@4000",
		"postgresql", "redis-server", "nginx", "mastodon-media-remove.timer", "certbot.timer", "backup.timer", "apt-daily.timer", "apt-daily-upgrade.timer")
	g.Until(t, "nginx listens", func() bool {
		_, err := g.Try("bash", "-c", ": </dev/tcp/127.0.0.1/443")
		return err == nil
	})
}
