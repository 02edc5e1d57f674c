package main

import (
	"slices"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule"
)

func TestTheChecklistHoldsTogether(t *testing.T) {
	kinds := checklist(&site.Site{Proc: "/proc"})
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.Name] {
			t.Errorf("%s stands there twice", k.Name)
		}
		seen[k.Name] = true
		if _, err := schedule.ParseCron(k.Cron, time.UTC); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
		for _, other := range kinds {
			if other.Name != k.Name && says(other, k.Name) {
				t.Errorf("%q is the name of a check and a word of %s", k.Name, other.Name)
			}
		}
		for _, key := range commonKeys() {
			if k.Settings != nil && slices.Contains(settingNames(k.Settings()), key) {
				t.Errorf("%s has a setting %q of its own, which every check has", k.Name, key)
			}
		}
	}
}
