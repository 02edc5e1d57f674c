package webui

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestABuildThatIsNotWholeIsFoundThoughThePageIsWell(t *testing.T) {
	for _, tt := range []struct {
		name, version string
		ill           func(t *testing.T, w *world)
		severity      checks.Severity
		en, ja        string
		detail        string
	}{
		{
			"a script that only somebody signed in needs", "4.5.2",
			func(t *testing.T, w *world) { w.remove(t, "packs/compose-A1b2.js") },
			checks.Warning, "web UI: 1 built file is not on disk", "ビルド済みファイル1個がディスクにありません", "Missing in public/packs: compose-A1b2.js.",
		},
		{
			"its style", "4.5.2",
			func(t *testing.T, w *world) { w.remove(t, "packs/assets/compose-A1b2.css") },
			checks.Warning, "1 built file is not on disk", "1個", "assets/compose-A1b2.css",
		},
		{
			"a picture of the second list", "4.5.2",
			func(t *testing.T, w *world) { w.remove(t, "packs/assets/main-A1b2.png") },
			checks.Warning, "1 built file is not on disk", "1個", "assets/main-A1b2.png",
		},
		{
			"a list without any file", "4.5.2",
			func(t *testing.T, w *world) { w.put(t, "packs/.vite/manifest.json", "{}") },
			checks.Critical, "the list of built files is broken; the next restart brings error pages", "壊れています", "empty or cut off",
		},
		{
			"a list that is cut off", "4.3.9",
			func(t *testing.T, w *world) { w.put(t, "packs/manifest.json", `{"common.js": {"src": "/pac`) },
			checks.Critical, "the list of built files is broken", "壊れています", "/home/mastodon/live/public/packs/manifest.json is empty or cut off.",
		},
		{
			"no list", "4.3.9",
			func(t *testing.T, w *world) { w.remove(t, "packs/manifest.json") },
			checks.Critical, "the list of built files is gone", "（マニフェスト）がありません", "/home/mastodon/live/public/packs/manifest.json does not exist.",
		},
		{
			"a chunk of webpacker's", "4.3.9",
			func(t *testing.T, w *world) { w.remove(t, "packs/js/features/compose-A1b2.chunk.js") },
			checks.Warning, "1 built file is not on disk", "1個", "js/features/compose-A1b2.chunk.js",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.version)
			healthy(t, w.look(t))
			tt.ill(t, w)
			o := w.lookAll(t)
			f := finds(t, o, "manifest")
			if f.Severity != tt.severity || f.Road != checks.Now {
				t.Errorf("severity %v, road %v", f.Severity, f.Road)
			}
			says(t, f.Text, tt.en, tt.ja)
			says(t, f.Text, tt.detail, "")
			if !strings.HasSuffix(mends(f.Advice), precompiled) {
				t.Errorf("mends with %q", mends(f.Advice))
			}
			finds(t, w.look(t), "manifest")
			w.buildAll(t, tt.version, "A1b2")
			healthy(t, w.look(t))
		})
	}
}

func TestAnEntryThatIsNotOnTheFrontPageIsCritical(t *testing.T) {
	w := newWorld(t, "4.5.2")
	var list map[string]map[string]any
	if err := json.Unmarshal([]byte(w.get(t, "packs/.vite/manifest.json")), &list); err != nil {
		t.Fatal(err)
	}
	list["entrypoints/admin.tsx"] = map[string]any{"file": "admin-A1b2.js", "isEntry": true}
	w.put(t, "packs/.vite/manifest.json", jsonOf(t, list))
	f := finds(t, w.look(t), "manifest")
	if f.Severity != checks.Critical {
		t.Errorf("severity %v", f.Severity)
	}
}

func TestABuildThatIsNotWhatIsServedSaysNothing(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.onCDN(t)
	body := map[string]string{}
	for _, name := range []string{"common-A1b2.js", "application-A1b2.js", "react-A1b2.js", "dep-A1b2.js", "intl/en-A1b2.js", "assets/default-A1b2.css", "assets/inert-A1b2.css"} {
		body["/packs/"+name] = w.get(t, "packs/"+name)
	}
	w.cdn(t, nil)
	healthy(t, w.look(t))
	w.remove(t, "packs/.vite")
	finds(t, w.lookAll(t), "manifest")
	w.remove(t, "packs")
	w.cdnServes(t, body)
	for _, look := range []func(*testing.T) checks.Observation{w.lookAll, w.look} {
		o := look(t)
		if len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeManifest {
			t.Errorf("findings %+v, blind %+v: what is open stays", o.Findings, o.Blind)
		}
	}
	w.past = &checkstest.Past{}
	healthy(t, w.look(t))
}

// lookVariable tells this test's second process where to look.
const lookVariable = "SABABAN_TEST_LIVE"

func TestABuildThatMayNotBeReadIsNamedWithTheGrant(t *testing.T) {
	if root := os.Getenv(lookVariable); root != "" {
		b := readBuild(t.Context(), root, live)
		l := looked{readBuild: true, build: b, found: site.Found{Live: live}}
		o := checks.Observation{Summary: checks.Same("-")}
		l.manifest(&o)
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n%s\n", text)
		return
	}
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root, to become somebody who is not")
	}
	w := newWorld(t, "4.5.2")
	for _, p := range []string{filepath.Dir(w.Dir), w.Dir} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(w.Dir, "look.test")
	if err := os.WriteFile(own, program, 0o755); err != nil {
		t.Fatal(err)
	}
	asNobody := func() checks.Observation {
		cmd := exec.CommandContext(t.Context(), own, "-test.run=^"+t.Name()+"$")
		cmd.Dir, cmd.Env = "/", append(os.Environ(), lookVariable+"="+w.root)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var o checks.Observation
		if err := json.Unmarshal([]byte(strings.Split(string(out), "\n")[1]), &o); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		checkstest.AssertObservation(t, w.kind, o)
		return o
	}
	healthy(t, asNobody())
	for place, want := range map[string]string{
		"home/mastodon":                                       "sudo setfacl -m u:sababan:x /home/mastodon\n",
		"home/mastodon/live/public/packs/.vite":               "sudo setfacl -m u:sababan:x /home/mastodon/live/public/packs/.vite\n",
		"home/mastodon/live/public/packs/intl":                "sudo setfacl -m u:sababan:x /home/mastodon/live/public/packs/intl\n",
		"home/mastodon/live/public/packs/.vite/manifest.json": "sudo setfacl -m u:sababan:rX /home/mastodon/live/public/packs/.vite/manifest.json\n",
	} {
		p := filepath.Join(w.root, place)
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, 0o700&info.Mode()); err != nil {
			t.Fatal(err)
		}
		o := asNobody()
		if len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: codeManifest}) {
			t.Fatalf("%s: findings %+v, blind %+v", place, o.Findings, o.Blind)
		}
		says(t, o.Blind[0].Why, "/"+place+" may not be read", "/"+place+" を読む権限がありません")
		if got := mends(o.Blind[0].Mend); got != want {
			t.Errorf("%s mends with %q, want %q", place, got, want)
		}
		if err := os.Chmod(p, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	healthy(t, asNobody())
}

func TestListsFromOutsideAreBounded(t *testing.T) {
	w := newWorld(t, "4.5.2")
	read := func() build { return readBuild(t.Context(), w.root, live) }
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for name, list := range map[string]string{
		"a path that climbs":    `{"a":{"file":"../../../../etc/passwd"},"b":{"file":"/etc/hostname"},"c":{"file":"common-A1b2.js"}}`,
		"numbers for names":     `{"a":{"file":3,"css":"x","assets":[1,null]},"b":[],"c":{"file":"common-A1b2.js"}}`,
		"maps of the sources":   `{"a":{"file":"gone.js.map"},"c":{"file":"common-A1b2.js"}}`,
		"objects within others": `{"a":` + deep + `,"c":{"file":"common-A1b2.js"}}`,
	} {
		w.put(t, "packs/.vite/manifest.json", list)
		if b := read(); b.state != complete || b.vite != true {
			t.Errorf("%s: %+v", name, b)
		}
	}
	var many strings.Builder
	many.WriteString("{")
	for i := range fileLimit + 10 {
		fmt.Fprintf(&many, `"%d":{"file":"%d.js"},`, i, i)
	}
	w.put(t, "packs/.vite/manifest.json", many.String()+`"x":{}}`)
	if b := read(); b.state != unread || b.err == nil {
		t.Errorf("too many files: %v %v", b.state, b.err)
	}
	w.remove(t, "packs/.vite/manifest.json")
	if err := syscall.Mkfifo(w.path("packs/.vite/manifest.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b := read(); b.state != unread {
		t.Errorf("a pipe: %v %v", b.state, b.err)
	}
}

func TestWhichBuildItIsIsToldByTheCode(t *testing.T) {
	w := newWorld(t, "4.5.2")
	w.put(t, "packs/manifest.json", `{"common.js":"/packs/js/old.js"}`) // left behind by the version before
	if b := readBuild(t.Context(), w.root, live); !b.vite || b.state != complete {
		t.Errorf("%+v", b)
	}
	old := newWorld(t, "4.3.9")
	if b := readBuild(t.Context(), old.root, live); b.vite || b.state != complete || !b.files["js/common-A1b2.chunk.js"] {
		t.Errorf("%+v", b)
	}
	if b := readBuild(t.Context(), w.root, ""); b.state != noBuild {
		t.Errorf("no code on this machine: %+v", b)
	}
	if b := readBuild(t.Context(), w.root, "/srv/nothing"); b.state != noBuild {
		t.Errorf("no such folder: %+v", b)
	}
}
