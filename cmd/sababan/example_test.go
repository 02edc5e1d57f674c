package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

const example = "config.example.toml"

// commentedOut is a setting or a table that is shown and not set.
var commentedOut = regexp.MustCompile(`(?m)^# ([a-z_]+ = .*|\[[a-z.\[]+\]+)$`)

// exampleText is the example, with everything that is commented out set.
func exampleText(t *testing.T, everything bool) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, example))
	if err != nil {
		t.Fatal(err)
	}
	if !everything {
		return string(text)
	}
	return commentedOut.ReplaceAllString(string(text), "$1")
}

func exampleRaw(t *testing.T) map[string]any {
	t.Helper()
	raw := map[string]any{}
	if _, err := toml.Decode(exampleText(t, true), &raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// knownKeys adds the dotted names of all keys of a written form, with their
// defaults; a list of tables counts as one table.
func knownKeys(at string, v reflect.Value, into map[string]reflect.Value) {
	for name, f := range fieldsOf(v) {
		key := strings.TrimPrefix(at+"."+name, ".")
		switch {
		case key == "checks":
		case f.Kind() == reflect.Struct && !reflect.PointerTo(f.Type()).Implements(textType):
			knownKeys(key, f, into)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			knownKeys(key, reflect.New(f.Type().Elem()).Elem(), into)
		default:
			into[key] = f
		}
	}
}

// shownAt finds a dotted name in the example.
func shownAt(raw map[string]any, key string) (any, bool) {
	name, rest, more := strings.Cut(key, ".")
	v, ok := raw[name]
	if !ok || !more {
		return v, ok
	}
	switch t := v.(type) {
	case map[string]any:
		return shownAt(t, rest)
	case []map[string]any: // one of several examples is enough
		for _, one := range t {
			if shown, ok := shownAt(one, rest); ok {
				return shown, true
			}
		}
	}
	return nil, false
}

// lineFor is what is missing where a key is not shown.
func lineFor(key string, v any) string {
	i := strings.LastIndexByte(key, '.')
	return fmt.Sprintf("%s lacks a line in [%s]: # %s = %v", example, key[:max(i, 0)], key[i+1:], v)
}

// exampleMistakes compares the example with what the code knows.
func exampleMistakes(raw map[string]any, kinds []checks.Kind) []string {
	var wrong []string
	keys := map[string]reflect.Value{}
	w := defaults()
	knownKeys("", reflect.ValueOf(&w).Elem(), keys)
	for _, k := range kinds {
		c := writtenCheck{Enabled: true, Cron: k.Cron, Timeout: checks.Duration(k.Timeout)}
		knownKeys("checks."+k.Name, reflect.ValueOf(&c).Elem(), keys)
		if k.Settings != nil {
			knownKeys("checks."+k.Name, reflect.ValueOf(k.Settings()).Elem(), keys)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		inCode := keys[key]
		shown, ok := shownAt(raw, key)
		if !ok {
			wrong = append(wrong, lineFor(key, inCode))
			continue
		}
		if inCode.IsZero() && inCode.Kind() != reflect.Bool {
			continue // no default: an example is shown
		}
		var d decoder
		decoded := reflect.New(inCode.Type()).Elem()
		d.value(place{{name: key}}, shown, decoded)
		if len(d.all) > 0 || !sameValue(decoded, inCode) {
			wrong = append(wrong, fmt.Sprintf("%s: %s is shown as %v, the default is %v", example, key, shown, inCode))
		}
	}
	return wrong
}

// sameValue takes a number that is written with three digits for the one it
// stands for.
func sameValue(a, b reflect.Value) bool {
	if a.CanFloat() {
		return math.Abs(a.Float()-b.Float()) <= math.Abs(b.Float())/1000
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

func TestTheExampleShowsEverySettingWithItsDefault(t *testing.T) {
	for _, line := range exampleMistakes(exampleRaw(t), checklist(&site.Site{Proc: "/proc"})) {
		t.Error(line)
	}
}

func TestAnExampleThatLacksAKindOrShowsAnotherDefaultIsNamed(t *testing.T) {
	raw := exampleRaw(t)
	raw["state"] = map[string]any{"path": "/tmp/state.db", "url": "x"}
	delete(raw["bot"].(map[string]any), "timezone")
	raw["checks"].(map[string]any)["fine"] = map[string]any{
		"enabled": false, "cron": "*/5 * * * *", "timeout": "10s", "warning_percent": int64(85), "ignore": []any{}, "source": []map[string]any{{"path": "/x", "keep": int64(1)}},
	}
	want := []string{
		`config.example.toml lacks a line in [bot]: # timezone = `,
		`config.example.toml: checks.fine.enabled is shown as false, the default is true`,
		`config.example.toml lacks a line in [checks.fine]: # every = 5m`,
		`config.example.toml: state.path is shown as /tmp/state.db, the default is /var/lib/sababan/state.db`,
	}
	if diff := cmp.Diff(want, exampleMistakes(raw, testKinds("fine")(&site.Site{}))); diff != "" {
		t.Error(diff)
	}
}

func TestTheExampleIsAConfiguration(t *testing.T) {
	for _, everything := range []bool{false, true} {
		path := writeConfig(t, exampleText(t, everything))
		c, err := loadConfig(path, checklist, func(string) string { return "" })
		if err != nil {
			t.Errorf("everything set: %v: %v", everything, err)
			continue
		}
		for _, one := range c.Checks {
			// Where Mastodon keeps its data is found where Mastodon is.
			data := one.NotSetUp != nil && slices.Contains([]string{"[server] database_url", "[server] redis_url", "[[checks.dues.due]]", "[[checks.watch.domain]] name"}, one.NotSetUp.Setting)
			if one.Check == nil && (everything || !data) {
				t.Errorf("everything set: %v: %s is not set up: %v", everything, one.Kind.Name, one.NotSetUp)
			}
		}
	}
}

func TestAnAdminOfTheExampleIsAnAdminWithDefaults(t *testing.T) {
	load := func(everything bool) *Config {
		text, _, _ := strings.Cut(exampleText(t, everything), "[checks.")
		c, err := loadConfig(writeConfig(t, text), testKinds(), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain, full := load(false).Bot.Admins[0], load(true).Bot.Admins[0]
	plain.Zone, full.Zone = nil, nil // the system's, and an example
	if diff := cmp.Diff(plain, full); diff != "" {
		t.Error(diff)
	}
}

// readmeMistakes names the kinds that have no row in the table of checks.
func readmeMistakes(readme string, kinds []checks.Kind) []string {
	var wrong []string
	for _, k := range kinds {
		if !regexp.MustCompile("(?m)^\\| `" + k.Name + "` \\|").MatchString(readme) {
			wrong = append(wrong, fmt.Sprintf("README.md lacks a row in the table of checks: | `%s` | %s | … |", k.Name, k.Title.En))
		}
	}
	return wrong
}

func TestTheREADMEHasARowForEachCheck(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatalf("README.md: %v", err)
	}
	for _, line := range readmeMistakes(string(text), checklist(&site.Site{Proc: "/proc"})) {
		t.Error(line)
	}
}

func TestAREADMEThatLacksAKindIsNamed(t *testing.T) {
	got := readmeMistakes("| check | looks at |\n|---|---|\n| `fine` | x |\n", testKinds("fine", "critical")(nil))
	if diff := cmp.Diff([]string{"README.md lacks a row in the table of checks: | `critical` | critical | … |"}, got); diff != "" {
		t.Error(diff)
	}
}

// settingNames are the keys of a written form.
func settingNames(settings any) []string {
	return slices.Collect(maps.Keys(fieldsOf(reflect.ValueOf(settings).Elem())))
}
