package certs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestWhatMakesTheWebServerLoadItsCertificates(t *testing.T) {
	for hook, want := range map[string]bool{
		"systemctl reload nginx":                      true,
		"nginx -s reload":                             true,
		"/usr/sbin/nginx -t && service nginx restart": true,
		"docker exec web nginx -s reload":             true,
		"docker compose restart nginx":                true,
		"kill -HUP $(cat /run/nginx.pid)":             true,
		"apachectl graceful":                          true,
		"systemctl start nginx":                       true, // after it was stopped for the renewal
		"systemctl reload haproxy":                    true,
		"systemctl reload $SERVICE":                   true,
		"/usr/local/bin/after-renewal":                true, // nobody can look into it
		"sh /etc/letsencrypt/deploy.sh":               true,
		"#!/bin/sh\n# reloads nginx\nset -e\nsystemctl reload nginx postfix dovecot\n": true,
		"":                            false,
		"systemctl reload postfix":    false,
		"systemctl restart dovecot":   false,
		"#!/bin/sh\n# nginx reload\n": false,
		"echo done":                   false,
		"cp /etc/letsencrypt/live/x/fullchain.pem /etc/nginx/": false,
	} {
		if got := reloadsWeb(hook); got != want {
			t.Errorf("%q: %v, want %v", hook, got, want)
		}
	}
}

func TestARenewalWithoutAReloadIsAdvice(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	for _, tt := range []struct {
		name   string
		set    func(t *testing.T, h host)
		server string
		want   bool
	}{
		{"no hook anywhere", func(t *testing.T, h host) { h.conf(t, domain, "installer = None") }, "nginx", true},
		{"certbot's own plugin for nginx", func(t *testing.T, h host) { h.conf(t, domain, "installer = nginx") }, "nginx", false},
		{"a hook in the note", func(t *testing.T, h host) { h.conf(t, domain, "renew_hook = systemctl reload nginx") }, "nginx", false},
		{"a hook for mail alone", func(t *testing.T, h host) { h.conf(t, domain, "renew_hook = systemctl reload postfix") }, "nginx", true},
		{"a hook after the renewal", func(t *testing.T, h host) { h.conf(t, domain, "post_hook = service nginx reload") }, "nginx", false},
		{"a hook before it", func(t *testing.T, h host) { h.conf(t, domain, "pre_hook = systemctl restart nginx") }, "nginx", true},
		{"a hook for all in cli.ini", func(t *testing.T, h host) {
			h.conf(t, domain, "")
			h.write(t, "/etc/letsencrypt/cli.ini", "max-log-backups = 0\ndeploy-hook = systemctl reload nginx\n", 0o644)
		}, "nginx", false},
		{"a program in the folder of hooks", func(t *testing.T, h host) {
			h.conf(t, domain, "")
			h.write(t, "/etc/letsencrypt/renewal-hooks/post/nginx", "#!/bin/sh\nsystemctl reload nginx\n", 0o755)
		}, "nginx", false},
		{"a program that is not executable", func(t *testing.T, h host) {
			h.conf(t, domain, "")
			h.write(t, "/etc/letsencrypt/renewal-hooks/deploy/nginx", "#!/bin/sh\nsystemctl reload nginx\n", 0o644)
		}, "nginx", true},
		{"a link to a program elsewhere", func(t *testing.T, h host) {
			h.conf(t, domain, "")
			h.link(t, "/usr/local/bin/reload", "/etc/letsencrypt/renewal-hooks/deploy/reload")
		}, "nginx", false},
		{"the service itself reloads", func(t *testing.T, h host) {
			h.conf(t, domain, "")
			h.write(t, "/etc/systemd/system/certbot.service.d/reload.conf", "[Service]\nExecStartPost=/bin/systemctl reload nginx\n", 0o644)
		}, "nginx", false},
		{"a line of cron reloads every week", func(t *testing.T, h host) {
			h.conf(t, domain, "")
			h.write(t, "/etc/cron.d/reload", "0 5 * * 1 root systemctl reload nginx\n", 0o644)
		}, "nginx", false},
		{"a lineage of another site", func(t *testing.T, h host) { h.conf(t, "blog.example", "") }, "nginx", false},
		{"Caddy looks at its files itself", func(t *testing.T, h host) { h.conf(t, domain, "") }, "caddy", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := host{t.TempDir()}
			h.wellKept(t)
			if err := os.RemoveAll(filepath.Join(h.root, "etc/letsencrypt/renewal-hooks")); err != nil {
				t.Fatal(err)
			}
			c := ca.Issue(t, checkstest.Lifetime(90*d, 60*d, domain))
			h.archive(t, domain, 1, c, c.Leaf.NotBefore)
			tt.set(t, h)
			dr := h.drawer(t, domain)
			dr.server = tt.server
			o := judged(t, dr)
			if !tt.want {
				wantCodes(t, o)
				return
			}
			wantCodes(t, o, "no-reload-hook certbot")
			f := o.Findings[0]
			if f.Road != checks.Week || f.Severity != checks.Warning {
				t.Errorf("%v by %v", f.Severity, f.Road)
			}
			says(t, f.Text, "no hook of certbot reloads nginx after a renewal", "更新後にnginxをリロードするフックがありません（certbot）")
			h.follow(t, f.Advice)
			wantCodes(t, judged(t, h.drawer(t, domain)))
		})
	}
}

// follow does what an advice says, with the machine's root in the place of "/"
// and without systemd.
func (h host) follow(t *testing.T, a checks.Advice) {
	t.Helper()
	for _, line := range mends(a) {
		line = strings.ReplaceAll(line, "sudo ", "")
		line = strings.ReplaceAll(line, "tee /", "tee "+h.root+"/")
		line = strings.ReplaceAll(line, "+x /", "+x "+h.root+"/")
		if strings.HasPrefix(line, "systemctl daemon-reload") {
			continue
		}
		if unit, ok := strings.CutPrefix(line, "systemctl enable --now "); ok {
			h.link(t, "/etc/systemd/system/"+unit, "/etc/systemd/system/timers.target.wants/"+unit)
			continue
		}
		if unit, ok := strings.CutPrefix(line, "systemctl unmask "); ok {
			if err := os.Remove(filepath.Join(h.root, "etc/systemd/system", unit)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Join(h.root, "etc/letsencrypt/renewal-hooks/deploy"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(h.root, "etc/systemd/system"), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
}

func TestWhatStartsTheRenewals(t *testing.T) {
	const service = "[Service]\nExecStart=/usr/bin/certbot -q renew\n"
	timer := func(t *testing.T, h host, name string) {
		h.write(t, "/lib/systemd/system/"+name, "[Timer]\nOnCalendar=daily\n", 0o644)
	}
	enable := func(t *testing.T, h host, name string) {
		h.link(t, "/lib/systemd/system/"+name, "/etc/systemd/system/timers.target.wants/"+name)
	}
	certbot := func(t *testing.T, h host) { h.write(t, "/usr/bin/certbot", "", 0o755) }
	for _, tt := range []struct {
		name   string
		set    func(t *testing.T, h host)
		want   bool
		en, ja string
	}{
		{"nothing does", certbot, true, "No timer and no cron job that starts it was found.", "タイマーもcronも見つかりません"},
		{"and there is no certbot either", func(*testing.T, host) {}, true, "certbot itself was not found", "certbot自体も見つかりません"},
		{"Debian's timer", func(t *testing.T, h host) { timer(t, h, "certbot.timer"); enable(t, h, "certbot.timer") }, false, "", ""},
		{"Debian's timer, switched off", func(t *testing.T, h host) { timer(t, h, "certbot.timer") }, true, "certbot.timer is there, but is not switched on", "certbot.timerはありますが、有効になっていません"},
		{"Debian's timer, barred", func(t *testing.T, h host) {
			timer(t, h, "certbot.timer")
			enable(t, h, "certbot.timer")
			h.link(t, "/dev/null", "/etc/systemd/system/certbot.timer")
		}, true, "certbot.timer is there, but is masked: it cannot be started", "maskされています"},
		{"snap's timer", func(t *testing.T, h host) {
			h.write(t, "/etc/systemd/system/snap.certbot.renew.timer", "[Timer]\n", 0o644)
			enable(t, h, "snap.certbot.renew.timer")
		}, false, "", ""},
		{"a timer of another name that starts certbot", func(t *testing.T, h host) {
			timer(t, h, "tls.timer")
			enable(t, h, "tls.timer")
			h.write(t, "/etc/systemd/system/tls.service", service, 0o644)
		}, false, "", ""},
		{"a timer that names its service", func(t *testing.T, h host) {
			h.write(t, "/etc/systemd/system/night.timer", "[Timer]\nUnit=tls.service\n", 0o644)
			enable(t, h, "night.timer")
			h.write(t, "/etc/systemd/system/tls.service", service, 0o644)
		}, false, "", ""},
		{"an instance of a template", func(t *testing.T, h host) {
			timer(t, h, "renew@.timer")
			enable(t, h, "renew@mastodon.example.timer")
			h.write(t, "/lib/systemd/system/renew@.service", "[Service]\nExecStart=certbot renew --cert-name %i\n", 0o644)
		}, false, "", ""},
		{"a timer for something else", func(t *testing.T, h host) {
			timer(t, h, "apt-daily.timer")
			enable(t, h, "apt-daily.timer")
			certbot(t, h)
		}, true, "No timer", "タイマー"},
		{"a comment that names certbot is no start", func(t *testing.T, h host) {
			certbot(t, h)
			timer(t, h, "x.timer")
			enable(t, h, "x.timer")
			h.write(t, "/lib/systemd/system/x.service", "[Service]\n# certbot renew\nExecStart=/bin/true\n", 0o644)
		}, true, "No timer", "タイマー"},
		{"a line of cron", func(t *testing.T, h host) { h.write(t, "/etc/crontab", "0 0 * * * root certbot renew\n", 0o644) }, false, "", ""},
		{"a comment in cron", func(t *testing.T, h host) {
			certbot(t, h)
			h.write(t, "/etc/crontab", "# 0 0 * * * root certbot renew\n", 0o644)
		}, true, "No timer", "タイマー"},
		{"root's own crontab", func(t *testing.T, h host) {
			h.write(t, "/var/spool/cron/crontabs/root", "0 0 * * * /usr/local/bin/certbot renew\n", 0o600)
		}, false, "", ""},
		{"a daily program", func(t *testing.T, h host) {
			h.write(t, "/etc/cron.daily/renew", "#!/bin/sh\ncertbot -q renew\n", 0o755)
		}, false, "", ""},
		{"a daily program that is not executable", func(t *testing.T, h host) {
			certbot(t, h)
			h.write(t, "/etc/cron.daily/renew", "#!/bin/sh\ncertbot -q renew\n", 0o644)
		}, true, "No timer", "タイマー"},
		{"Debian's line of cron, without systemd", func(t *testing.T, h host) { h.write(t, "/etc/cron.d/certbot", debianCron, 0o644) }, false, "", ""},
		{"Debian's line of cron under systemd does nothing", func(t *testing.T, h host) {
			certbot(t, h)
			h.write(t, "/etc/cron.d/certbot", debianCron, 0o644)
			h.write(t, "/run/systemd/system/x", "", 0o644)
		}, true, "No timer", "タイマー"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := host{t.TempDir()}
			h.conf(t, "blog.example", "installer = nginx")
			tt.set(t, h)
			o := judged(t, h.drawer(t, domain))
			if !tt.want {
				wantCodes(t, o)
				return
			}
			wantCodes(t, o, "no-renewal certbot")
			f := o.Findings[0]
			says(t, f.Text, tt.en, tt.ja)
			if f.Road != checks.Morning {
				t.Errorf("road %v", f.Road)
			}
			if mends(f.Advice)[0] == "sudo apt-get install certbot" {
				return
			}
			h.follow(t, f.Advice)
			wantCodes(t, judged(t, h.drawer(t, domain)))
		})
	}
}

const debianCron = "SHELL=/bin/sh\n0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && perl -e 'sleep int(rand(43200))' && certbot -q renew\n"

func TestTheTimerIsPrintedReadyToPaste(t *testing.T) {
	h := host{t.TempDir()}
	h.conf(t, domain, "")
	h.write(t, "/usr/local/bin/certbot", "", 0o755)
	f, ok := checkstest.Find(judged(t, h.drawer(t, domain)), noRenewal, string(byCertbot))
	if !ok {
		t.Fatal("not found")
	}
	want := []string{
		`printf '%s\n' '[Unit]' 'Description=Renew the certificates' '' '[Service]' 'Type=oneshot' 'ExecStart=/usr/local/bin/certbot -q renew --deploy-hook "systemctl reload nginx"' 'PrivateTmp=true' | sudo tee /etc/systemd/system/certbot-renewal.service`,
		`printf '%s\n' '[Unit]' 'Description=Renew the certificates twice a day' '' '[Timer]' 'OnCalendar=*-*-* 00,12:00:00' 'RandomizedDelaySec=43200' 'Persistent=true' '' '[Install]' 'WantedBy=timers.target' | sudo tee /etc/systemd/system/certbot-renewal.timer`,
		"sudo systemctl daemon-reload",
		"sudo systemctl enable --now certbot-renewal.timer",
	}
	got := mends(f.Advice)
	if !slices.Equal(got, want) {
		t.Errorf("mend\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	h.follow(t, f.Advice)
	written, err := os.ReadFile(filepath.Join(h.root, "etc/systemd/system/certbot-renewal.service"))
	if err != nil || string(written) != "[Unit]\nDescription=Renew the certificates\n\n[Service]\nType=oneshot\nExecStart=/usr/local/bin/certbot -q renew --deploy-hook \"systemctl reload nginx\"\nPrivateTmp=true\n" {
		t.Errorf("wrote %q, %v", written, err)
	}
	wantCodes(t, judged(t, h.drawer(t, domain)))
}

func TestARenewalFromSomewhereElseIsNotMissed(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	h := host{t.TempDir()}
	for n := 1; n <= 2; n++ {
		c := ca.Issue(t, checkstest.Lifetime(90*d, 60*d, domain))
		h.archive(t, domain, n, c, c.Leaf.NotBefore)
	}
	h.conf(t, domain, "installer = nginx")
	wantCodes(t, judged(t, h.drawer(t, domain)))
}

func TestAcmeShNeedsALineOfCronAndAReload(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	h := host{t.TempDir()}
	h.write(t, "/root/.acme.sh/"+domain+"/fullchain.cer", string(ca.Issue(t, checkstest.Lifetime(90*d, 60*d, domain)).FullChain()), 0o644)
	o := judged(t, h.drawer(t, domain))
	wantCodes(t, o, "no-renewal acme.sh", "no-reload-hook acme.sh")
	h.write(t, "/var/spool/cron/crontabs/root", "12 0 * * * \"/root/.acme.sh\"/acme.sh --cron --home \"/root/.acme.sh\" > /dev/null\n", 0o600)
	h.write(t, "/root/.acme.sh/"+domain+"/"+domain+".conf", "Le_ReloadCmd='service nginx force-reload'\n", 0o600)
	wantCodes(t, judged(t, h.drawer(t, domain)))
}
