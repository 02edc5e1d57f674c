package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of everything that is ours.
const module = "github.com/sababan/sababan"

// root is the top of the tree, as seen from this folder.
const root = "../.."

// An arrow is one import of something of ours, from a folder to another.
type arrow struct {
	file, from, to string
	test           bool
}

// arrows reads every import of ours in the tree.
func arrows(t *testing.T) []arrow {
	t.Helper()
	var found []arrow
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ours := strings.CutPrefix(to, module+"/"); ours {
				found = append(found, arrow{
					file: filepath.ToSlash(rel), from: path.Dir(filepath.ToSlash(rel)), to: to,
					test: strings.HasSuffix(rel, "_test.go"),
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no imports found: this test looks in the wrong place")
	}
	return found
}

// rooms in the order in which imports may run: each may use those after it.
var rooms = []string{"cmd", "bot", "schedule", "checks"}

func room(folder string) int {
	first, _, _ := strings.Cut(folder, "/")
	return slices.Index(rooms, first)
}

// isCheck tells whether a folder is one item of the checklist.
func isCheck(folder string) bool {
	below, ok := strings.CutPrefix(folder, "checks/")
	if !ok {
		return false
	}
	name, _, _ := strings.Cut(below, "/")
	return !slices.Contains([]string{"site", "api", "checkstest", "child", "systemd", "trend", "hang", "public", "registry"}, name)
}

// refusal says why an import may not be, or "".
func refusal(a arrow) string {
	from, to := room(a.from), room(a.to)
	inside := a.to == a.from || strings.HasPrefix(a.to, a.from+"/") || strings.HasPrefix(a.from, a.to+"/")
	switch {
	case from < 0 || to < 0:
		return "the house has no such room"
	case to < from:
		return "imports run downhill: cmd, bot, schedule, checks"
	case strings.HasPrefix(a.from, "bot/sandbox") && !strings.HasPrefix(a.to, "bot/sandbox"):
		return "the sandbox imports nothing of ours"
	case a.from == "checks" && !a.test:
		return "checks imports nothing of ours"
	case isCheck(a.to) && rooms[from] != "cmd" && (!isCheck(a.from) || !inside):
		return "only cmd imports a concrete check"
	case strings.HasPrefix(a.to, "checks/checkstest") && !strings.HasPrefix(a.from, "checks/checkstest") && !a.test && rooms[from] != "cmd":
		return "checkstest is for tests"
	case rooms[from] == "schedule" && rooms[to] == "checks" && a.to != "checks" && !a.test:
		return "schedule knows checks in general and none of their folders"
	}
	return ""
}

func TestImportsRunDownhill(t *testing.T) {
	for _, a := range arrows(t) {
		if why := refusal(a); why != "" {
			t.Errorf("%s imports %s: %s", a.file, a.to, why)
		}
	}
}

func TestWhichImportsAreRefused(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test     bool
		refused  bool
	}{
		{"cmd/sababan", "checks/disk", false, false},
		{"cmd/sababan", "bot", false, false},
		{"bot", "schedule/incident", false, false},
		{"bot/mastodon", "checks/api", false, false},
		{"bot/mastodon", "bot", false, false},
		{"bot", "bot/sandbox", true, false},
		{"checks/disk", "checks", false, false},
		{"checks/disk", "checks/site", false, false},
		{"checks/disk", "checks/checkstest", true, false},
		{"schedule/state", "checks", false, false},
		{"checks", "checks/site", false, true},
		{"checks/disk", "checks/memory", false, true},
		{"checks/disk", "checks/checkstest", false, true},
		{"checks/api", "checks/disk", false, true},
		{"checks/certs", "schedule", false, true},
		{"schedule", "bot", false, true},
		{"schedule", "bot", true, true},
		{"schedule", "checks/disk", false, true},
		{"schedule", "checks/api", false, true},
		{"bot", "checks/disk", false, true},
		{"bot", "cmd/sababan", false, true},
		{"bot/sandbox", "checks", false, true},
		{"bot/sandbox", "bot", true, true},
		{"tools", "checks", false, true},
	} {
		if why := refusal(arrow{from: c.from, to: c.to, test: c.test}); (why != "") != c.refused {
			t.Errorf("%s → %s (test: %v): %q", c.from, c.to, c.test, why)
		}
	}
}
