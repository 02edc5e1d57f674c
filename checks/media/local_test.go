package media

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// safe are the headers of Mastodon's own nginx.conf, as far as they matter here.
const safe = "add_header X-Content-Type-Options nosniff; add_header Content-Security-Policy \"default-src 'none'; form-action 'none'\";"

// A local is a world whose media lie on this machine, behind a real nginx that
// shows their folder.
type local struct {
	*world
	nginx  *checkstest.Nginx
	folder string
}

const upload1 = "media_attachments/files/112/345/678/901/234/567/original/a1b2.png"

func newLocal(t *testing.T, settings string) *local {
	t.Helper()
	root := t.TempDir()
	l := &local{folder: filepath.Join(root, "home/mastodon/live/public/system")}
	file := filepath.Join(l.folder, upload1)
	env := filepath.Join(root, "etc/sababan/site.env")
	for _, path := range []string{file, env} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte("\x89PNG"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(env, []byte("LOCAL_DOMAIN=masto.test\n"+settings), 0o644); err != nil {
		t.Fatal(err)
	}
	ca := checkstest.NewCA(t, "root")
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"masto.test"}})
	l.nginx = checkstest.NewNginx(t)
	l.nginx.Install(t, cert.FullChain(), cert)
	l.nginx.Write(t, "www/index.html", []byte("<!doctype html>"))
	l.nginx.Start(t, l.nginx.Server("location ^~ /system/ { alias "+l.folder+"/; "+safe+"}"))
	s, err := site.New(site.Config{Domain: "masto.test", Address: l.nginx.Addr, Root: root, Live: "/home/mastodon/live"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.Roots = ca.Roots()
	l.world = &world{t: t, site: s, past: &checkstest.Past{}}
	l.kind = Kind(s)
	l.check = checkstest.Make(t, l.kind, "").(*check)
	return l
}

// serve changes what nginx does; "" is as it should be.
func (l *local) serve(block string) {
	l.t.Helper()
	if block == "" {
		block = "location ^~ /system/ { alias " + l.folder + "/; " + safe + "}"
	}
	l.nginx.Reload(l.t, l.nginx.Server(strings.ReplaceAll(block, "FOLDER", l.folder)))
}

func (l *local) thorough() checks.Observation {
	l.t.Helper()
	o, err := l.check.LookThoroughly(l.t.Context(), l.past)
	if err != nil {
		l.t.Fatal(err)
	}
	checkstest.AssertObservation(l.t, l.kind, o)
	l.past.Record(o, l.check.now())
	return o
}

// setUp makes the bot's own folder.
func (l *local) setUp() string {
	l.t.Helper()
	own := filepath.Join(l.folder, "sababan")
	if err := os.Mkdir(own, 0o755); err != nil {
		l.t.Fatal(err)
	}
	return own
}

func TestMediaOnThisMachineAreShownSafelyAndNotListed(t *testing.T) {
	l := newLocal(t, "")
	o := l.thorough()
	l.nothing(o)
	if !strings.Contains(o.Summary.En, "no folder sababan/ there") || !strings.Contains(o.Summary.Ja, "未作成") || len(o.Blind) > 3 {
		t.Errorf("%+v %+v", o.Summary, o.Blind)
	}
	t.Log(o.Summary)
	for _, one := range []struct{ server, code, want, look string }{
		{"location ^~ /system/ { alias FOLDER/; }", codeHeaders, "without protecting headers", "grep -n -A8 'location ^~ /system/' /home/mastodon/live/dist/nginx.conf"},
		{"location ^~ /system/ { alias FOLDER/; autoindex on;" + safe + "}", codeListing, "anybody can list", ""},
		{"location /system/ { return 404; }", codeGet, "404 Not Found", ""},
		{"location /system/ { deny all; }", codeGet, "403 Forbidden", "namei -l /home/mastodon/live/public/system"},
		{"location /system/ { rewrite ^ /index.html last; }", codeGet, "something else", ""},
	} {
		l.serve(one.server)
		if f := l.find(l.thorough(), one.code, one.want); one.look != "" && f.Advice.Look.String() != one.look {
			t.Errorf("%s: %s", one.code, f.Advice.Look)
		}
		l.serve("")
		l.nothing(l.thorough())
	}
	// Its own name is asked also where nothing else is.
	l.site.Offline = true
	l.nothing(l.thorough())
}

func TestAFileOfTheBotsOwnIsStoredShownAndDeletedOnThisMachine(t *testing.T) {
	l := newLocal(t, "")
	own := l.setUp()
	left := strings.Repeat("a", 26) + ".txt" // by a look that was cut off
	for _, name := range []string{left, "README"} {
		if err := os.WriteFile(filepath.Join(own, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(own, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	o := l.thorough()
	l.nothing(o)
	if checkstest.Value(t, o, putTime, "") <= 0 || checkstest.Value(t, o, getTime, "") <= 0 || checkstest.Value(t, o, deleteTime, "") <= 0 || !strings.HasPrefix(o.Summary.En, "stored in ") {
		t.Errorf("%+v %v", o.Measures, o.Summary)
	}
	t.Log(o.Summary)
	entries, err := os.ReadDir(own)
	if err != nil || len(entries) != 1 || entries[0].Name() != "README" {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	for _, one := range []struct{ server, code, want string }{
		{"location /system/ { return 502; }", codeGet, "502 Bad Gateway"},
		{"location ^~ /system/sababan/ { return 404; } location ^~ /system/ { alias FOLDER/; " + safe + "}", codePrefix, "test file is not shown"},
		{"location ^~ /system/sababan/ { return 200 'another'; } location ^~ /system/ { alias FOLDER/; " + safe + "}", codeGet, "something else comes"},
		{"open_file_cache max=50 inactive=60s; open_file_cache_valid 60s; location ^~ /system/ { alias FOLDER/; " + safe + "}", codeCached, "still shown at masto.test"},
	} {
		l.serve(one.server)
		l.find(l.thorough(), one.code, one.want)
		l.serve("")
		l.nothing(l.thorough())
	}
	// Its folder goes with the file system that it is on.
	if err := os.Rename(own, own+".away"); err != nil {
		t.Fatal(err)
	}
	o = l.thorough()
	l.nothing(o)
	if b := blindOf(o, codePut); !strings.Contains(b.Why.En, "is gone") || b.Mend.Look.String() == "" {
		t.Errorf("%+v", o.Blind)
	}
	if err := os.Rename(own+".away", own); err != nil {
		t.Fatal(err)
	}
	o = l.thorough()
	l.nothing(o)
	if b := blindOf(o, codePut); b.Code != "" {
		t.Errorf("%+v", b)
	}
}

func TestWhereMastodonTellsTheCacheTheBotsOwnFileProvesNothing(t *testing.T) {
	l := newLocal(t, "CACHE_BUSTER_ENABLED=true\n")
	l.setUp()
	l.serve("open_file_cache max=50 inactive=60s; open_file_cache_valid 60s; location ^~ /system/ { alias FOLDER/; " + safe + "}")
	l.nothing(l.thorough())
}

func TestAFolderThatLeadsElsewhereIsNotWrittenInto(t *testing.T) {
	l := newLocal(t, "")
	own := l.setUp()
	elsewhere := filepath.Join(t.TempDir(), strings.Repeat("b", 26)+".txt")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("c", 26)
	l.check.name = func() string { return name }
	if err := os.Symlink(elsewhere, filepath.Join(own, name+".txt")); err != nil {
		t.Fatal(err)
	}
	l.thorough()
	if raw, err := os.ReadFile(elsewhere); err != nil || string(raw) != "precious" {
		t.Errorf("%q %v", raw, err)
	}
}

func blindOf(o checks.Observation, code string) checks.Blind {
	for _, b := range o.Blind {
		if b.Code == code {
			return b
		}
	}
	return checks.Blind{}
}
