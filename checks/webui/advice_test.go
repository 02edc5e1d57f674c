package webui

import (
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// on looks with a site that is known otherwise.
func (w *world) on(t *testing.T, c site.Config) {
	t.Helper()
	c.Domain, c.Address = domain, w.Addr
	s, err := site.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = w.ca.Roots()
	w.site, w.kind = s, Kind(s)
	w.again(t, nil)
}

func TestTheCommandIsRightForThisHost(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.puma.set(w.puma.failing(500, errorPage))
	for _, tt := range []struct {
		name   string
		config site.Config
		en, ja string
		look   string
		mends  string
		advice string
	}{
		{
			"containers",
			site.Config{Compose: "/opt/mastodon", Root: t.TempDir()},
			"probably assets:precompile did not finish", "assets:precompileが完了していないようです",
			"sudo docker compose --project-directory /opt/mastodon logs --tail 50 web",
			"sudo docker compose --project-directory /opt/mastodon pull web\nsudo docker compose --project-directory /opt/mastodon up -d --force-recreate web\n",
			"in their image",
		},
		{
			"another machine",
			site.Config{Root: t.TempDir()},
			"probably assets:precompile did not finish", "assets:precompileが完了していないようです", "", "",
			"RAILS_ENV=production bin/rails assets:precompile",
		},
		{
			"code in another place",
			site.Config{Live: "/srv/my mastodon", Root: w.root},
			"probably assets:precompile did not finish", "assets:precompileが完了していないようです",
			"sudo journalctl -u mastodon-web -n 50 --no-pager",
			"sudo -u mastodon -H env -C '/srv/my mastodon' 'PATH=/srv/.rbenv/shims:/usr/local/bin:/usr/bin:/bin' 'RAILS_ENV=production' bin/rails assets:precompile\nsudo systemctl restart mastodon-web\n", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.on(t, tt.config)
			f := finds(t, w.look(t), "page")
			says(t, f.Text, tt.en, tt.ja)
			says(t, f.Advice.Text, tt.advice, "")
			if got := mends(f.Advice); got != tt.mends || f.Advice.Look.String() != tt.look {
				t.Errorf("look %q, mends %q", f.Advice.Look.String(), got)
			}
		})
	}
}

func TestContainersRestartTheirWebService(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.on(t, site.Config{Compose: "/opt/mastodon", Root: t.TempDir()})
	healthy(t, w.look(t))
	w.back.Close()
	f := finds(t, w.look(t), "page", "stale")
	if got := mends(f.Advice); got != "sudo docker compose --project-directory /opt/mastodon restart web\n" {
		t.Errorf("mends with %q", got)
	}
	w.restart(t)
	healthy(t, w.look(t))
}

func TestSeveralFindingsOfOneCauseAreToldOnce(t *testing.T) {
	l := &looked{
		domain: domain, views: views{fresh: outcome{state: well}},
		after: memory{Ill: map[string]fault{
			"https://a.example/packs/a.js":            {URL: "https://a.example/packs/a.js", Entry: true, What: missing, Code: 404},
			"https://a.example/packs/b.js":            {URL: "https://a.example/packs/b.js", What: hidden},
			"https://" + domain + "/packs/c.css":      {URL: "https://" + domain + "/packs/c.css", Role: style, What: wrongType, Kind: "text/x-#1 @bob"},
			"https://" + domain + "/packs/old.js":     {URL: "https://" + domain + "/packs/old.js", Entry: true, What: missing, Cached: true},
			"https://b.example/packs/old.js":          {URL: "https://b.example/packs/old.js", Entry: true, What: missing, Cached: true},
			"https://" + domain + "/p/@alice%20#9.js": {URL: "https://" + domain + "/p/@alice%20#9.js", What: missing, Code: 404},
		}},
	}
	o := checks.Observation{Summary: checks.Same("-")}
	l.files(&o)
	finds(t, o, "asset", "asset a.example", "stale")
	for _, f := range o.Findings {
		if strings.Contains(f.Text.En, " @") {
			t.Errorf("a live mention in %q", f.Text.En)
		}
	}
}
