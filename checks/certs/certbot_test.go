package certs

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// issued is a dressed machine on which real certbot has real certificates of a
// real ACME server, and a real nginx serves one of them.
type issued struct {
	*served
	host
	acme   *checkstest.Pebble
	config string
}

const blog = "blog.mastodon.example"

func newIssued(t *testing.T, life time.Duration) *issued {
	t.Helper()
	h := host{t.TempDir()}
	i := &issued{served: &served{Nginx: checkstest.NewNginx(t), past: &checkstest.Past{}}, host: h, config: filepath.Join(h.root, "etc/letsencrypt")}
	i.acme = checkstest.NewPebble(t, life)
	h.wellKept(t)
	// What the hook does is the real thing, for this nginx.
	h.write(t, "/etc/letsencrypt/renewal-hooks/deploy/reload-nginx", "#!/bin/sh\nkill -HUP $(cat "+i.Dir+"/nginx.pid) # nginx\n", 0o755)
	return i
}

// certbot must do what is asked.
func (i *issued) certbot(t *testing.T, command string, words ...string) {
	t.Helper()
	if out, err := i.acme.Certbot(t, i.config, command, words...); err != nil {
		t.Fatalf("certbot %s %s: %v\n%s", command, strings.Join(words, " "), err, out)
	}
}

func (i *issued) start(t *testing.T) {
	t.Helper()
	live := filepath.Join(i.config, "live", domain)
	i.Start(t, "server { listen "+i.Addr+" ssl; ssl_certificate "+live+"/fullchain.pem; ssl_certificate_key "+live+"/privkey.pem; }\n")
	i.kind = Kind(&site.Site{Domain: domain, Address: i.Addr, Roots: i.acme.Roots, Proc: "/nowhere", Root: i.root})
	i.c = checkstest.Make(t, i.kind, "")
	i.c.(*check).find = foundNginx
}

// until looks again and again until something is found, or is no longer.
func (i *issued) until(t *testing.T, what string, so func(checks.Observation) bool) checks.Observation {
	t.Helper()
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	over := time.NewTimer(2 * time.Minute)
	defer over.Stop()
	for {
		o := i.look(t)
		if so(o) {
			return o
		}
		select {
		case <-over.C:
			t.Fatalf("two minutes passed before %s: %+v", what, o.Findings)
		case <-again.C:
		}
	}
}

func found(code, subject string) func(checks.Observation) bool {
	return func(o checks.Observation) bool {
		_, ok := checkstest.Find(o, code, subject)
		return ok
	}
}

func TestCertbotIssuesRenewsAndFailsToRenew(t *testing.T) {
	t.Parallel() // most of it is waiting
	// The shares of a life are the same for 30 seconds as for 90 days: a
	// renewed one must be loaded after a twelfth, and a quarter left is late.
	const life = 30 * time.Second
	i := newIssued(t, life)
	i.certbot(t, "certonly", "-d", domain)
	i.start(t)
	o := i.look(t)
	well(t, o)
	says(t, o.Summary, "; the newest on disk", "。ディスク上の最新と一致")

	// Renewed, and nobody tells nginx.
	i.certbot(t, "certonly", "-d", blog) // which nobody serves
	i.certbot(t, "renew", "--cert-name", domain, "--no-directory-hooks")
	o = i.until(t, "what is not loaded is found", found(notLoaded, domain))
	f, _ := checkstest.Find(o, notLoaded, domain)
	if got := fmt.Sprint(mends(f.Advice)); got != "[sudo systemctl reload nginx]" || !strings.Contains(f.Text.En, "nginx") {
		t.Errorf("%s\n%s", f.Text.En, got)
	}
	i.Reload(t, "")
	o = i.look(t)
	if found(notLoaded, domain)(o) || found(expiring, domain)(o) {
		t.Errorf("after the reload: %+v", o.Findings)
	}

	// The authority is out of reach: the renewal fails, and nothing is late yet.
	i.acme.Close(t)
	out, err := i.acme.Certbot(t, i.config, "renew")
	if err == nil || !strings.Contains(out, "2 renew failure(s)") {
		t.Errorf("certbot: %v\n%s", err, out)
	}
	o = i.until(t, "what is late is found", func(o checks.Observation) bool {
		return found(expiring, domain)(o) && found(overdue, blog)(o)
	})
	f, _ = checkstest.Find(o, expiring, domain)
	says(t, f.Text, "There is no newer one on disk: its renewal has not worked.", "ディスク上にも新しい証明書はありません。自動更新が失敗しています。")
	f, _ = checkstest.Find(o, overdue, blog)
	says(t, f.Text, "\""+blog+"\" on disk", "ディスク上")
	if f.Road != checks.Week {
		t.Errorf("road %v", f.Road)
	}

	// It is back: the next renewal ends it all, for its hook reloads nginx.
	i.acme.Open(t)
	i.certbot(t, "renew")
	i.until(t, "all is well", func(o checks.Observation) bool { return len(o.Findings)+len(o.Blind) == 0 })
}

func TestCertbotsOwnFilesOfNinetyDaysAreUnderstood(t *testing.T) {
	t.Parallel()
	i := newIssued(t, 90*d)
	const files = "files.mastodon.example"
	i.certbot(t, "certonly", "-d", domain, "-d", files)
	i.start(t)
	o := i.look(t)
	well(t, o)
	if left := checkstest.Value(t, o, "disk_life_left", domain); left < 89*d.Seconds() || left > 90*d.Seconds() {
		t.Errorf("disk_life_left is %v", left)
	}
	if out, err := i.acme.Certbot(t, i.config, "renew"); err != nil || !strings.Contains(out, "not yet due for renewal") {
		t.Errorf("certbot: %v\n%s", err, out)
	}
	well(t, i.look(t))

	// A day is given to load it, but a name that it has lost is told at once.
	i.certbot(t, "certonly", "--cert-name", domain, "--force-renewal", "--no-directory-hooks")
	o = i.look(t)
	well(t, o)
	if len(o.Events) != 1 || o.Events[0].Code != "renewed" {
		t.Errorf("events %+v", o.Events)
	}
	i.certbot(t, "certonly", "--cert-name", domain, "--renew-with-new-domains", "--no-directory-hooks", "-d", files)
	wantCodes(t, i.look(t), namesMissing+" "+domain)
	i.certbot(t, "certonly", "--cert-name", domain, "--renew-with-new-domains", "-d", domain, "-d", files)
	i.until(t, "all is well", func(o checks.Observation) bool { return len(o.Findings)+len(o.Blind) == 0 })

	// Nobody reloads: the hook is gone.
	if out, err := i.acme.Certbot(t, i.config, "certificates"); err != nil || !strings.Contains(out, domain) {
		t.Errorf("certbot: %v\n%s", err, out)
	}
	i.write(t, "/etc/letsencrypt/renewal-hooks/deploy/reload-nginx", "#!/bin/sh\n", 0o755)
	wantCodes(t, i.look(t), noHook+" "+string(byCertbot))
}
