package services_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/services"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
)

// read writes a text out as its reader sees it.
func read(t checks.Text, l checks.Lang) string {
	return t.Read(checks.Reader{Lang: l, Zone: time.UTC, Now: time.Now()})
}

// A box is what the proxy says of one container.
type box struct {
	Service, Image, Name, Project string
	Status, Health, Policy        string
	ExitCode, Restarts            int
	OOM, OneOff                   bool
	Started                       time.Time
}

// proxy speaks as much of Docker's API as a read-only proxy of its socket does.
type proxy struct {
	*httptest.Server
	mu      sync.Mutex
	boxes   []*box
	status  int
	foreign []string // what it was asked that no reader asks
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{status: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	for service, image := range map[string]string{
		"web": "ghcr.io/mastodon/mastodon:v4.5.1", "sidekiq": "ghcr.io/mastodon/mastodon:v4.5.1",
		"streaming": "ghcr.io/mastodon/mastodon-streaming:v4.5.1", "db": "postgres:14-alpine", "redis": "redis:7-alpine",
	} {
		p.boxes = append(p.boxes, &box{
			Service: service, Image: image, Name: "live-" + service + "-1", Project: "live", Status: "running",
			Health: "healthy", Policy: "always", Started: time.Now().Add(-72 * time.Hour),
		})
	}
	p.boxes = append(p.boxes,
		&box{Service: "app", Image: "nextcloud", Name: "cloud-app-1", Project: "cloud", Status: "exited", ExitCode: 1},
		&box{Service: "web", Image: "ghcr.io/mastodon/mastodon:v4.5.1", Name: "live-web-run-1", Project: "live", Status: "exited", ExitCode: 1, OneOff: true},
	)
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method != http.MethodGet {
		p.foreign = append(p.foreign, r.Method+" "+r.URL.Path)
	}
	if p.status != http.StatusOK {
		w.WriteHeader(p.status)
		return
	}
	var answer any
	switch {
	case r.URL.Path == "/containers/json":
		filters := map[string][]string{}
		if err := json.Unmarshal([]byte(r.URL.Query().Get("filters")), &filters); err != nil || r.URL.Query().Get("all") != "1" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		list := []map[string]any{}
		for i, b := range p.boxes {
			list = append(list, map[string]any{
				"Id": fmt.Sprint(i), "Names": []string{"/" + b.Name}, "Image": b.Image, "State": b.Status,
				"Labels": map[string]string{
					"com.docker.compose.project": b.Project, "com.docker.compose.service": b.Service,
					"com.docker.compose.project.working_dir": "/srv/" + b.Project,
					"com.docker.compose.oneoff":              map[bool]string{true: "True", false: "False"}[b.OneOff],
				},
			})
		}
		answer = list
	case strings.HasPrefix(r.URL.Path, "/containers/"):
		var i int
		if _, err := fmt.Sscanf(r.URL.Path, "/containers/%d/json", &i); err != nil || i >= len(p.boxes) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		b := p.boxes[i]
		state := map[string]any{
			"Status": b.Status, "ExitCode": b.ExitCode, "OOMKilled": b.OOM, "StartedAt": b.Started.Format(time.RFC3339Nano),
			"FinishedAt": "0001-01-01T00:00:00Z",
		}
		if b.Health != "" {
			state["Health"] = map[string]any{"Status": b.Health}
		}
		answer = map[string]any{
			"RestartCount": b.Restarts, "State": state,
			"HostConfig": map[string]any{"RestartPolicy": map[string]any{"Name": b.Policy}},
		}
	default:
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// change makes a container another; the zero service changes the proxy.
func (p *proxy) change(service string, do func(*box)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.boxes {
		if b.Service == service && b.Project == "live" && !b.OneOff {
			do(b)
		}
	}
}

func inContainers(t *testing.T) checks.Kind {
	t.Helper()
	s, err := site.New(site.Config{})
	if err != nil {
		t.Fatal(err)
	}
	found := func(context.Context) site.Found { return site.Found{Compose: "/srv/live"} }
	return services.Kind(s, services.On(systemd.Host{Root: t.TempDir()}), services.WithFound(found))
}

func TestContainersThroughAReadOnlyProxy(t *testing.T) {
	p := newProxy(t)
	k := inContainers(t)
	table := checkstest.Table(`docker = "` + p.URL + `"`)
	c, past := checkstest.Make(t, k, table), &checkstest.Past{}
	look := func(t *testing.T) checks.Observation { t.Helper(); return checkstest.Look(t, k, c, past) }
	o := look(t)
	if len(o.Findings) != 0 || len(o.Blind) != 0 || !strings.HasPrefix(o.Summary.En, "all 5 services run: live-db-1") {
		t.Errorf("%s %+v %+v", o.Summary.En, o.Findings, o.Blind)
	}
	well := func(b *box) {
		b.Status, b.Health, b.Policy, b.ExitCode, b.OOM, b.Started = "running", "healthy", "always", 0, false, time.Now().Add(-72*time.Hour)
	}
	for name, ill := range map[string]struct {
		service, code, words string
		severity             checks.Severity
		do                   func(*box)
	}{
		"a container that has failed": {"web", "down", "has failed", checks.Critical, func(b *box) { b.Status, b.ExitCode = "exited", 1 }},
		"a container killed for want of memory": {"sidekiq", "down", "lack of memory", checks.Critical, func(b *box) {
			b.Status, b.ExitCode, b.OOM = "exited", 137, true
		}},
		"a container that was stopped":              {"redis", "down", "does not run", checks.Critical, func(b *box) { b.Status = "exited" }},
		"a container that is restarted all along":   {"streaming", "down", "again and again", checks.Critical, func(b *box) { b.Status = "restarting" }},
		"a container whose own test fails":          {"db", "down", "health check", checks.Critical, func(b *box) { b.Health = "unhealthy" }},
		"a container that starts for ten minutes":   {"web", "down", "has been starting", checks.Critical, func(b *box) { b.Health, b.Started = "starting", time.Now().Add(-10*time.Minute) }},
		"a container that no boot would start":      {"web", "boot", "after a reboot", checks.Warning, func(b *box) { b.Policy = "no" }},
		"a container that nobody has thought about": {"web", "boot", "after a reboot", checks.Warning, func(b *box) { b.Policy = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			p.change(ill.service, ill.do)
			o := look(t)
			f, ok := checkstest.Find(o, ill.code, "docker:live-"+ill.service+"-1")
			if !ok || f.Severity != ill.severity || !strings.Contains(f.Text.En, ill.words) {
				t.Errorf("%+v", o.Findings)
			}
			t.Logf("%s\n%s\n%v", read(f.Text, checks.English), read(f.Text, checks.Japanese), f.Advice)
			p.change(ill.service, well)
			if o := look(t); len(o.Findings) != 0 {
				t.Errorf("healed: %+v", o.Findings)
			}
		})
	}
	t.Run("restarts are counted from look to look", func(t *testing.T) {
		p.change("sidekiq", func(b *box) { b.Restarts++ })
		if _, ok := checkstest.Find(look(t), "crashed", "docker:live-sidekiq-1"); !ok {
			t.Error("one restart is not told")
		}
		p.change("sidekiq", func(b *box) { b.Restarts += 3 })
		if _, ok := checkstest.Find(look(t), "restarts", "docker:live-sidekiq-1"); !ok {
			t.Error("four restarts are not told")
		}
		past = &checkstest.Past{} // an hour later
		if o := look(t); len(o.Findings) != 0 {
			t.Errorf("%+v", o.Findings)
		}
	})
	t.Run("a name from outside is harmless", func(t *testing.T) {
		p.change("web", func(b *box) { b.Name, b.Status, b.ExitCode = "x @evil@example.com #1a\u202e'\n\"", "exited", 1 })
		if o := look(t); len(o.Findings) != 1 {
			t.Errorf("%+v", o.Findings)
		}
		p.change("web", func(b *box) { b.Name = "live-web-1"; well(b) })
	})
	t.Run("a proxy that refuses is a blind spot and ends nothing", func(t *testing.T) {
		p.change("web", func(b *box) { b.Status = "exited" })
		look(t)
		p.change("web", func(*box) { p.status = http.StatusForbidden })
		o := look(t)
		key := checks.Key{Code: "down", Subject: "docker:live-web-1"}
		if len(o.Findings) != 0 || !slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Hides(key) }) {
			t.Errorf("%+v %+v", o.Findings, o.Blind)
		}
		if s := o.Blind[0].Mend.Text.En; !strings.Contains(s, "CONTAINERS=1") {
			t.Error(s)
		}
		p.change("web", func(b *box) { p.status = http.StatusOK; well(b) })
		if o := look(t); len(o.Findings) != 0 || len(o.Blind) != 0 {
			t.Errorf("%+v", o)
		}
	})
	t.Run("the contract", func(t *testing.T) { checkstest.Contract(t, k, table) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.foreign) > 0 {
		t.Errorf("it does more than read: %q", p.foreign)
	}
}

func TestAProxyThatIsAwayOrHangsIsABlindSpot(t *testing.T) {
	k := inContainers(t)
	away := newProxy(t)
	away.Close()
	o := checkstest.Look(t, k, checkstest.Make(t, k, checkstest.Table(`docker = "`+away.URL+`"`)), nil)
	if len(o.Blind) != 1 || o.Blind[0].Subject != "docker:compose" {
		t.Errorf("%+v", o.Blind)
	}
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hangs.Close)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	o, err := checkstest.Make(t, k, checkstest.Table(`docker = "`+hangs.URL+`"`)).Look(ctx, &checkstest.Past{})
	if err != nil || len(o.Blind) != 1 || time.Since(start) > 2*time.Second {
		t.Errorf("after %v: %+v, %v", time.Since(start), o.Blind, err)
	}
}

func TestContainersWithoutASettingNameIt(t *testing.T) {
	k := inContainers(t)
	_, err := checkstest.Make(t, k, "").Look(t.Context(), &checkstest.Past{})
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || !strings.Contains(unseen.Advice.Text.En, "docker in [checks.services]") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsWrittenWrongIsSaid(t *testing.T) {
	k := inContainers(t)
	for table, want := range map[checkstest.Table]string{
		`docker = "unix:///var/run/docker.sock"`:   "is root",
		`docker = "/var/run/docker.sock"`:          "is root",
		`docker = "127.0.0.1:2375"`:                "is not an address",
		`docker = "http://user:pw@127.0.0.1:2375"`: "is not an address",
		`watch = ["a/b"]`:                          "watch:",
		`ignore = ["["]`:                           "ignore:",
	} {
		_, err := k.New(table)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
	}
	if _, err := k.New(checkstest.Table(`docker = "http://127.0.0.1:2375/"`)); err != nil {
		t.Error(err)
	}
}
