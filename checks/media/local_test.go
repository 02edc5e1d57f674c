package media

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// safe are the headers of Mastodon's own nginx.conf, as far as they matter here.
const safe = "add_header X-Content-Type-Options nosniff; add_header Content-Security-Policy \"default-src 'none'; form-action 'none'\";"

func TestMediaOnThisMachineAreShownSafelyAndNotListed(t *testing.T) {
	root, file := t.TempDir(), "media_attachments/files/112/345/678/901/234/567/original/a1b2.png"
	path := filepath.Join(root, "srv/mastodon/public/system", file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("\x89PNG"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(root, "etc/sababan/site.env")
	if err := os.MkdirAll(filepath.Dir(env), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(env, []byte("LOCAL_DOMAIN=masto.test\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ca := checkstest.NewCA(t, "root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"masto.test"}})
	n := checkstest.NewNginx(t)
	n.Install(t, cert.FullChain(), cert)
	n.Write(t, "www/system/"+file, []byte("\x89PNG"))
	n.Write(t, "www/index.html", []byte("<!doctype html>"))
	n.Start(t, n.Server("location /system/ {"+safe+"}"))
	s, err := site.New(site.Config{Domain: "masto.test", Address: n.Addr, Root: root, Live: "/srv/mastodon"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Roots = ca.Roots()
	w := &world{t: t, site: s, past: &checkstest.Past{}}
	w.kind = Kind(s)
	w.check = checkstest.Make(t, w.kind, "").(*check)
	thorough := func() checks.Observation {
		t.Helper()
		o, err := w.check.LookThoroughly(t.Context(), w.past)
		if err != nil {
			t.Fatal(err)
		}
		checkstest.AssertObservation(t, w.kind, o)
		w.past.Record(o, w.check.now())
		return o
	}
	o := thorough()
	w.nothing(o)
	t.Log(o.Summary)
	for _, one := range []struct{ server, code, want, look string }{
		{"location /system/ {}", codeHeaders, "without protecting headers", "grep -n -A8 'location ^~ /system/' /srv/mastodon/dist/nginx.conf"},
		{"location /system/ { autoindex on;" + safe + "}", codeListing, "anybody can list", ""},
		{"location /system/ { return 404; }", codeGet, "404 Not Found", ""},
		{"location /system/ { deny all; }", codeGet, "403 Forbidden", "namei -l /srv/mastodon/public/system"},
		{"location /system/ { rewrite ^ /index.html last; }", codeGet, "something else", ""},
	} {
		n.Reload(t, n.Server(one.server))
		if f := w.find(thorough(), one.code, one.want); one.look != "" && f.Advice.Look.String() != one.look {
			t.Errorf("%s: %s", one.code, f.Advice.Look)
		}
		n.Reload(t, n.Server("location /system/ {"+safe+"}"))
		w.nothing(thorough())
	}
	// Its own name is asked also where nothing else is.
	s.Offline = true
	w.nothing(thorough())
}
