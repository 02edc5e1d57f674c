package main

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/checks"
)

// decodeReport reads the object strictly, and nothing may follow it.
func decodeReport(t *testing.T, out string) jsonReport {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	var r jsonReport
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if d.More() {
		t.Fatalf("something follows the object: %s", out)
	}
	return r
}

// asWritten is the object as whoever reads it without our types sees it.
func asWritten(t *testing.T, out string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return v
}

func TestTheJSONObjectHasExactlyTheKeysOfTheContract(t *testing.T) {
	_, out, _ := typed(t, testKinds("fine", "critical", "blind", "broken", "needy", "holds"), "check", "--json")
	whole := asWritten(t, out)
	keys := func(v any) []string {
		var names []string
		for name := range v.(map[string]any) {
			names = append(names, name)
		}
		slices.Sort(names)
		return names
	}
	want := func(what string, v any, names string) {
		t.Helper()
		sorted := strings.Fields(names)
		slices.Sort(sorted)
		if diff := cmp.Diff(sorted, keys(v)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	want("the object", whole, "time host version severity checks")
	all := whole["checks"].([]any)
	if len(all) != 6 {
		t.Fatalf("%d checks", len(all))
	}
	for _, c := range all {
		want("a check", c, "name title host severity summary error started took_ms measures findings blind needs")
		for key, v := range c.(map[string]any) {
			if v == nil {
				t.Errorf("%s is null", key)
			}
		}
	}
	get := func(i int, key string) any { return all[i].(map[string]any)[key].([]any)[0] }
	want("a measure", get(0, "measures"), "name subject value unit")
	want("a finding", get(1, "findings"), "code subject severity road harm text advice")
	want("a blind spot", get(2, "blind"), "code subject why mend")
}

func TestWhatTheJSONObjectSays(t *testing.T) {
	_, out, _ := typed(t, testKinds("fine", "critical", "blind", "broken", "needy", "holds"), "check", "--json")
	r := decodeReport(t, out)
	if _, err := time.Parse(time.RFC3339, r.Time); err != nil || r.Version == "" || r.Host == "" || r.Severity != "critical" {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Checks {
		if _, err := time.Parse(time.RFC3339, c.Started); err != nil && c.Severity != "not-set-up" {
			t.Errorf("%s started %q", c.Name, c.Started)
		}
	}
	fine, critical, blind, broken, needy, holds := r.Checks[0], r.Checks[1], r.Checks[2], r.Checks[3], r.Checks[4], r.Checks[5]
	if fine.Severity != "ok" || fine.Title != "Disk" || fine.Summary != "71 % used, 7.2 GB free" || fine.Measures[0].Unit != "B" {
		t.Errorf("%+v", fine)
	}
	wantFinding := jsonFinding{
		Code: "used", Subject: "/", Severity: "critical", Road: "now", Harm: "2027-01-02T03:04:05.000Z",
		Text:   "the disk / is 97 % full\nPosts with pictures will soon fail.",
		Advice: "The journal can go first.\ndf -h / | tail -1\nsudo journalctl --vacuum-size=200M",
	}
	got := critical.Findings[0]
	harm, _ := time.Parse(time.RFC3339, got.Harm)
	got.Harm = harm.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	if diff := cmp.Diff(wantFinding, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]jsonBlind{{"used", "/mnt/far", "the server does not answer", "mount"}}, blind.Blind); diff != "" || blind.Severity != "unknown" {
		t.Error(diff, blind.Severity)
	}
	if broken.Severity != "unknown" || broken.Error != "no permission\nsudo usermod -aG adm sababan" || broken.Summary != "" {
		t.Errorf("%+v", broken)
	}
	if needy.Severity != "not-set-up" || needy.Needs != "[server] domain" || needy.Started != "" || needy.Error != "" {
		t.Errorf("%+v", needy)
	}
	if holds.Severity != "ok" || len(holds.Findings) != 0 {
		t.Errorf("%+v", holds)
	}
}

func TestTheJSONObjectSpeaksTheLanguageThatIsAskedFor(t *testing.T) {
	_, out, _ := typed(t, testKinds("fine", "critical"), "check", "--json", "--lang", "ja")
	r := decodeReport(t, out)
	if r.Checks[0].Title != "ディスク" || r.Checks[0].Summary != "使用71%、空き7.2GB" || r.Checks[0].Severity != "ok" ||
		!strings.HasPrefix(r.Checks[1].Findings[0].Text, "ディスク / が残りわずかです") || !strings.HasPrefix(r.Checks[1].Findings[0].Advice, "まずジャーナル") {
		t.Error(out)
	}
}

func TestNotSetUpIsNeverTheOverallSeverity(t *testing.T) {
	for _, args := range [][]string{{"check", "--json"}, {"check", "--json", "needy"}} {
		status, out, _ := typed(t, testKinds("needy"), args...)
		if r := decodeReport(t, out); r.Severity != "unknown" || status != 3 {
			t.Error(status, out)
		}
	}
}

func TestAnEmptyChecklistIsAnEmptyList(t *testing.T) {
	_, out, _ := typed(t, testKinds(), "check", "--json")
	if !strings.Contains(out, `"checks": []`) {
		t.Error(out)
	}
}

func TestNumbersThatJSONDoesNotHaveAreLeftOut(t *testing.T) {
	l := look{configured: configured{Kind: testKind("fine", nil), Check: saw(checks.Observation{})}}
	l.Result.Measures = []checks.Measure{
		{Name: "a", Value: math.NaN()}, {Name: "b", Value: math.Inf(1)}, {Name: "c", Value: 1},
	}
	if c := jsonOf(l, checks.Reader{Zone: time.UTC}); len(c.Measures) != 1 || c.Measures[0].Name != "c" {
		t.Errorf("%+v", c.Measures)
	}
}
