package certs

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// host is a folder dressed as the root of a machine.
type host struct{ root string }

func (h host) write(t *testing.T, path, data string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(h.root, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func (h host) link(t *testing.T, to, path string) {
	t.Helper()
	file := filepath.Join(h.root, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, file); err != nil {
		t.Fatal(err)
	}
}

// archive puts version n of a lineage where certbot does, as of an instant, and
// makes the links of live lead to it.
func (h host) archive(t *testing.T, name string, n int, c checkstest.Certificate, at time.Time) {
	t.Helper()
	for kind, data := range map[string]string{
		"cert": string(c.Alone()), "fullchain": string(c.FullChain()), "privkey": string(c.KeyPEM(t)),
	} {
		mode := os.FileMode(0o644)
		if kind == "privkey" {
			mode = 0o600
		}
		file := kind + strconv.Itoa(n) + ".pem"
		path := h.write(t, "/etc/letsencrypt/archive/"+name+"/"+file, data, mode)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		h.link(t, "../../archive/"+name+"/"+file, "/etc/letsencrypt/live/"+name+"/"+kind+".pem")
	}
}

// conf writes certbot's note of how a lineage is renewed.
func (h host) conf(t *testing.T, name, params string) {
	t.Helper()
	h.write(t, "/etc/letsencrypt/renewal/"+name+".conf",
		"# renew_before_expiry = 30 days\nversion = 2.1.0\narchive_dir = /etc/letsencrypt/archive/"+name+
			"\n\n# Options used in the renewal process\n[renewalparams]\naccount = 0123\nauthenticator = webroot\n"+params+"\n", 0o644)
}

// wellKept makes renewals start by themselves, and end with a reload.
func (h host) wellKept(t *testing.T) {
	t.Helper()
	h.write(t, "/lib/systemd/system/certbot.timer", "[Timer]\nOnCalendar=*-*-* 00,12:00:00\n", 0o644)
	h.write(t, "/lib/systemd/system/certbot.service", "[Service]\nExecStart=/usr/bin/certbot -q renew\n", 0o644)
	h.link(t, "/lib/systemd/system/certbot.timer", "/etc/systemd/system/timers.target.wants/certbot.timer")
	h.write(t, "/etc/letsencrypt/renewal-hooks/deploy/reload-nginx", "#!/bin/sh\nsystemctl reload nginx\n", 0o755)
}

// kept is a dressed machine whose real nginx serves a certificate of certbot's.
type kept struct {
	*served
	host
}

// keep starts nginx on the first version of the lineage of the domain.
func keep(t *testing.T, l checkstest.Leaf) *kept {
	t.Helper()
	h := host{t.TempDir()}
	ca := checkstest.NewCA(t, "Test Root X1")
	mid := ca.Intermediate(t, "Test Intermediate R3")
	k := &kept{served: &served{Nginx: checkstest.NewNginx(t), ca: ca, mid: mid, past: &checkstest.Past{}}, host: h}
	first := mid.Issue(t, l)
	h.archive(t, domain, 1, first, first.Leaf.NotBefore)
	h.conf(t, domain, "")
	h.wellKept(t)
	live := filepath.Join(h.root, "etc/letsencrypt/live", domain)
	k.Start(t, "server { listen "+k.Addr+" ssl; ssl_certificate "+live+"/fullchain.pem; ssl_certificate_key "+live+"/privkey.pem; }\n")
	k.kind = Kind(&site.Site{Domain: domain, Address: k.Addr, Roots: ca.Roots(), Proc: "/nowhere", Root: h.root})
	k.c = checkstest.Make(t, k.kind, "")
	k.c.(*check).find = foundNginx
	return k
}

// renew puts the next version on the disk, as of an instant, and reloads
// nothing.
func (k *kept) renew(t *testing.T, n int, l checkstest.Leaf, at time.Time) {
	t.Helper()
	k.archive(t, domain, n, k.mid.Issue(t, l), at)
}

// seen is what a look that asks nobody would say of the disk alone.
func (h host) drawer(t *testing.T, names ...string) drawer {
	t.Helper()
	s := readShelf(t.Context(), h.root, nil, names)
	d := drawer{shelf: s, now: time.Now(), limits: DefaultConfig(), names: names, server: "nginx", user: "sababan", rotas: map[manager]rota{}}
	for _, by := range []manager{byCertbot, byAcmeSh} {
		d.rotas[by] = readRota(h.root, by)
	}
	return d
}

// judged asserts what holds of every observation.
func judged(t *testing.T, d drawer) checks.Observation {
	t.Helper()
	o := d.judge()
	o.Summary = checks.Same("disk")
	checkstest.AssertObservation(t, Kind(&site.Site{Domain: domain}), o)
	return o
}

// codes lists what was found, as "code subject".
func codes(o checks.Observation) []string {
	var list []string
	for _, f := range o.Findings {
		held := ""
		if f.Holds {
			held = " (holds)"
		}
		list = append(list, f.Code+" "+f.Subject+held)
	}
	return list
}

func wantCodes(t *testing.T, o checks.Observation, want ...string) {
	t.Helper()
	if got := codes(o); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found %q, want %q", got, want)
	}
}

func mends(a checks.Advice) []string {
	var list []string
	for _, sh := range a.Mend {
		list = append(list, sh.String())
	}
	return list
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
