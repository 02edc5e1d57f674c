package certs

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTheLayoutsOfCertbotCaddyAndAcmeShAreRead(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	h := host{t.TempDir()}
	issue := func(name string) checkstest.Certificate { return ca.Issue(t, checkstest.Lifetime(90*d, 60*d, name)) }
	came := time.Now().Add(-30 * d).Truncate(time.Second)
	for n := 1; n <= 9; n++ {
		h.archive(t, domain, n, issue(domain), came.Add(time.Duration(n-9)*time.Hour+time.Hour))
	}
	h.write(t, "/etc/letsencrypt/live/README", "not a certificate", 0o644)
	h.write(t, "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/caddy.example/caddy.example.crt", string(issue("caddy.example").FullChain()), 0o600)
	h.write(t, "/root/.acme.sh/acme.example_ecc/fullchain.cer", string(issue("acme.example").FullChain()), 0o644)
	h.write(t, "/root/.acme.sh/acme.example_ecc/acme.example.conf",
		"Le_Domain='acme.example'\nLe_ReloadCmd='__ACME_BASE64__START_"+base64.StdEncoding.EncodeToString([]byte("systemctl reload nginx"))+"__ACME_BASE64__END_'\n", 0o600)
	h.write(t, "/home/alice/.acme.sh/two.example/fullchain.cer", string(issue("two.example").FullChain()), 0o644)
	h.write(t, "/etc/ssl/own/one.pem", string(issue("one.example").FullChain()), 0o644)
	h.write(t, "/etc/ssl/own/one.key", "never opened", 0o600)

	s := readShelf(t.Context(), h.root, []string{"/etc/ssl/own/*.pem"}, []string{domain})
	var got []string
	for _, l := range s.lineages {
		if l.err != nil {
			t.Errorf("%s: %v", l.name, l.err)
		}
		got = append(got, string(l.by)+" "+l.name+" "+l.path)
	}
	want := []string{
		"certbot mastodon.example /etc/letsencrypt/live/mastodon.example/fullchain.pem",
		"Caddy caddy.example /var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/caddy.example/caddy.example.crt",
		"acme.sh acme.example /root/.acme.sh/acme.example_ecc/fullchain.cer",
		"acme.sh two.example /home/alice/.acme.sh/two.example/fullchain.cer",
		" /etc/ssl/own/one.pem /etc/ssl/own/one.pem",
	}
	if !slices.Equal(got, want) {
		t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	first := s.lineages[0]
	if len(first.older) != olderLimit || !first.older[0].replaced.Equal(first.since) {
		t.Errorf("kept %+v since %v", first.older, first.since)
	}
	if s.lineages[2].reload != "systemctl reload nginx" {
		t.Errorf("acme.sh runs %q", s.lineages[2].reload)
	}
	if len(s.denied) > 0 || s.beyond > 0 {
		t.Errorf("denied %q, beyond %d", s.denied, s.beyond)
	}
}

// TestWhatIsNoCertificateIsToldAndNeverWaitedFor puts everything into the place
// of a certificate that can stand there.
func TestWhatIsNoCertificateIsToldAndNeverWaitedFor(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	good := ca.Issue(t, checkstest.Lifetime(90*d, 60*d, "a.example"))
	const live = "/etc/letsencrypt/live/ill/"
	for _, tt := range []struct {
		name   string
		put    func(t *testing.T, h host)
		en, ja string
	}{
		{"an empty file", func(t *testing.T, h host) { h.write(t, live+"fullchain.pem", "", 0o644) }, "is empty", "が空です"},
		{"a file of blanks", func(t *testing.T, h host) { h.write(t, live+"fullchain.pem", "\n \n", 0o644) }, "is empty", "が空です"},
		{"text", func(t *testing.T, h host) { h.write(t, live+"fullchain.pem", "hello @admin\n", 0o644) }, "cannot be read as a certificate", "証明書として読めません"},
		{"half a certificate", func(t *testing.T, h host) {
			h.write(t, live+"fullchain.pem", string(good.Alone()[:200]), 0o644)
		}, "cannot be read as a certificate", "証明書として読めません"},
		{"a certificate of other bytes", func(t *testing.T, h host) {
			h.write(t, live+"fullchain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0o644)
		}, "cannot be read as a certificate", "証明書として読めません"},
		{"a private key", func(t *testing.T, h host) { h.write(t, live+"fullchain.pem", string(good.KeyPEM(t)), 0o644) }, "holds a private key", "秘密鍵を含むため"},
		{"a link to a private key", func(t *testing.T, h host) {
			h.write(t, "/etc/letsencrypt/archive/ill/privkey1.pem", string(good.Alone()), 0o644)
			h.link(t, "../../archive/ill/privkey1.pem", live+"fullchain.pem")
		}, "is a link to something that is no certificate", "証明書ではないものを指しています"},
		{"a link out of the folder", func(t *testing.T, h host) {
			h.link(t, "/etc/hostname.pem", live+"fullchain.pem")
		}, "is a link to something that is no certificate", "証明書ではないものを指しています"},
		{"a link out of the folder, by the way up", func(t *testing.T, h host) {
			h.write(t, "/etc/other.pem", string(good.Alone()), 0o644)
			h.link(t, "../../../other.pem", live+"fullchain.pem")
		}, "is a link to something that is no certificate", "証明書ではないものを指しています"},
		{"a link to nothing", func(t *testing.T, h host) { h.link(t, "../../archive/ill/fullchain7.pem", live+"fullchain.pem") }, "is missing", "が見つかりません"},
		{"a link to itself", func(t *testing.T, h host) { h.link(t, "fullchain.pem", live+"fullchain.pem") }, "is a link to something that is no certificate", "証明書ではないものを指しています"},
		{"a pipe that nobody writes to", func(t *testing.T, h host) {
			if err := syscall.Mkfifo(h.write(t, live+"fullchain.pem", "", 0o644)+".pipe", 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(h.root, live, "fullchain.pem.pipe"), filepath.Join(h.root, live, "fullchain.pem")); err != nil {
				t.Fatal(err)
			}
		}, "is no ordinary file", "通常のファイルではありません"},
		{"a folder", func(t *testing.T, h host) { h.write(t, live+"fullchain.pem/x", "", 0o644) }, "is no ordinary file", "通常のファイルではありません"},
		{"a gigabyte", func(t *testing.T, h host) {
			if err := os.Truncate(h.write(t, live+"fullchain.pem", "", 0o644), 1<<30); err != nil {
				t.Fatal(err)
			}
		}, "is far too large", "が大きすぎます"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := host{t.TempDir()}
			h.wellKept(t)
			tt.put(t, h)
			o := judged(t, h.drawer(t, domain))
			wantCodes(t, o, "broken-file ill")
			says(t, o.Findings[0].Text, tt.en, tt.ja)
		})
	}
}

func TestNamesOnDiskAreHarmless(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	for _, name := range []string{
		"@evil@example.com", "two\nlines", "a'; reboot #", "-rf", "\u202elive", "\xff\xfe", "$(reboot)", "#12x", strings.Repeat("n", 200),
	} {
		h := host{t.TempDir()}
		h.wellKept(t)
		h.write(t, "/etc/letsencrypt/live/"+name+"/fullchain.pem", "", 0o644)
		h.write(t, "/etc/letsencrypt/live/x"+name+"/fullchain.pem", string(ca.Issue(t, checkstest.Lifetime(90*d, 2*d, "x.example")).Alone()), 0o644)
		h.conf(t, name, "renew_hook = systemctl reload postfix")
		o := judged(t, h.drawer(t, domain)) // it asserts that every text and command is harmless
		if len(o.Findings) != 2 {
			t.Errorf("%q: found %q", name, codes(o))
		}
		for _, f := range o.Findings {
			for _, sh := range f.Advice.Mend {
				if s := sh.String(); strings.Contains(s, "reboot") || strings.Contains(s, " -rf") {
					t.Errorf("%q: %s", name, s)
				}
			}
		}
	}
}

func TestThousandsOfCertificatesAreReadOnlyInPart(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	h := host{t.TempDir()}
	h.wellKept(t)
	one := string(ca.Issue(t, checkstest.Lifetime(90*d, 60*d, "many.example")).FullChain())
	for i := range 3000 {
		h.write(t, fmt.Sprintf("/etc/letsencrypt/live/n%04d.example/fullchain.pem", i), one, 0o644)
	}
	ours := ca.Issue(t, checkstest.Lifetime(90*d, 60*d, domain))
	h.archive(t, domain, 1, ours, ours.Leaf.NotBefore)
	began := time.Now()
	dr := h.drawer(t, domain)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if len(dr.lineages) != lineageLimit || dr.lineages[0].name != domain || dr.beyond != 3001-lineageLimit {
		t.Errorf("read %d, first %q, %d beyond", len(dr.lineages), dr.lineages[0].name, dr.beyond)
	}
	o := judged(t, dr)
	if len(o.Findings) != 0 || len(o.Blind) != 1 {
		t.Fatalf("found %q, blind %+v", codes(o), o.Blind)
	}
	says(t, o.Blind[0].Why, "only 300 certificates on disk were read; 2,701 more are there", "ディスク上の証明書は300件まで確認しました。ほかに2,701件あります")
	if raw := len(dr.prints()); raw > rememberedLimit {
		t.Errorf("%d are remembered", raw)
	}
}

func TestAnOverdueRenewalIsJudgedByTheShareOfItsLife(t *testing.T) {
	for _, tt := range []struct {
		name       string
		life, left time.Duration
		names      []string
		another    bool // a second lineage for the same name is well
		served     bool
		want       string
		road       checks.Road
	}{
		{"90 days: 23 left is in time", 90 * d, 23 * d, []string{domain}, false, false, "", 0},
		{"90 days: 22 left is overdue", 90 * d, 22 * d, []string{domain}, false, false, overdue, checks.Morning},
		{"47 days: 13 left is in time", 47 * d, 13 * d, []string{domain}, false, false, "", 0},
		{"47 days: 11 left is overdue", 47 * d, 11 * d, []string{domain}, false, false, overdue, checks.Morning},
		{"six days: two left is in time", 6 * d, 2 * d, []string{domain}, false, false, "", 0},
		{"six days: one left is overdue", 6 * d, d, []string{domain}, false, false, overdue, checks.Morning},
		{"one for other names can wait for the week", 90 * d, 10 * d, []string{"blog.example"}, false, false, overdue, checks.Week},
		{"one that another makes superfluous as well", 90 * d, 10 * d, []string{domain}, true, false, overdue, checks.Week},
		{"one that has ended is still spoken of", 90 * d, -3 * d, []string{domain}, false, false, overdue, checks.Morning},
		{"one that ended two months ago is not", 90 * d, -60 * d, []string{"blog.example"}, false, false, "", 0},
		{"what is served is judged where it is served", 90 * d, 10 * d, []string{domain}, false, true, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := checkstest.NewCA(t, "Root")
			h := host{t.TempDir()}
			h.wellKept(t)
			c := ca.Issue(t, checkstest.Lifetime(tt.life, tt.left, tt.names...))
			h.archive(t, "one", 1, c, c.Leaf.NotBefore)
			if tt.another {
				c := ca.Issue(t, checkstest.Lifetime(90*d, 80*d, domain, "more.example"))
				h.archive(t, "two", 1, c, c.Leaf.NotBefore)
			}
			dr := h.drawer(t, domain)
			dr.served = map[string]bool{fingerprint(c.Leaf): tt.served}
			o := judged(t, dr)
			if tt.want == "" {
				wantCodes(t, o)
				return
			}
			wantCodes(t, o, tt.want+" one")
			if o.Findings[0].Road != tt.road {
				t.Errorf("road %v, want %v", o.Findings[0].Road, tt.road)
			}
			if got := mends(o.Findings[0].Advice); !slices.Equal(got, []string{"sudo certbot renew --cert-name one", "sudo systemctl reload nginx"}) {
				t.Errorf("mend %q", got)
			}
		})
	}
}

func TestAPathThatIsSetIsWatched(t *testing.T) {
	s := serve(t, checkstest.Lifetime(90*d, 30*d, domain))
	h := host{t.TempDir()}
	k := Kind(&site.Site{Domain: domain, Address: s.Addr, Roots: s.ca.Roots(), Proc: "/nowhere", Root: h.root})
	c := checkstest.Make(t, k, `paths = ["/etc/ssl/mastodon.pem"]`)
	c.(*check).find = foundNginx

	o := checkstest.Look(t, k, c, s.past)
	wantCodes(t, o, "broken-file /etc/ssl/mastodon.pem")
	says(t, o.Findings[0].Text, "is missing", "が見つかりません")

	file := h.write(t, "/etc/ssl/mastodon.pem", string(s.mid.Issue(t, checkstest.Lifetime(90*d, 85*d, domain)).FullChain()), 0o644)
	came := time.Now().Add(-5 * d)
	if err := os.Chtimes(file, came, came); err != nil {
		t.Fatal(err)
	}
	wantCodes(t, checkstest.Look(t, k, c, s.past), "not-loaded mastodon.example")

	h.write(t, "/etc/ssl/mastodon.pem", "", 0o644)
	o = checkstest.Look(t, k, c, s.past)
	if _, ok := checkstest.Find(o, brokenFile, "/etc/ssl/mastodon.pem"); !ok {
		t.Errorf("found %q", codes(o))
	}
}

func TestWhatWasFoundElsewhereIsHeldWhileNobodyCanTellWhereThatIs(t *testing.T) {
	k := keep(t, checkstest.Lifetime(90*d, 60*d, domain))
	c := k.c.(*check)
	c.resolver = nameServer(t, 2)
	c.find = func(context.Context) site.Found {
		return site.Found{Settings: map[string]string{"SMTP_SERVER": "mail.example"}}
	}
	key := checks.Key{Code: expiring, Subject: "mail.example:587"}
	k.past.Memory = map[string][]byte{memoryKey: []byte(`{"open":[{"Code":"expiring","Subject":"mail.example:587"}]}`)}
	for range 2 {
		o := k.look(t)
		if !slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Hides(key) }) {
			t.Errorf("blind %+v", o.Blind)
		}
	}
	c.find = foundNginx
	well(t, k.look(t))
}
