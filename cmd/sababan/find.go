package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks"
)

// spoken lists what people type for a kind: its name, its title, and its words
// in every language.
func spoken(k checks.Kind) []string {
	all := append([]string{k.Name, k.Title.En, k.Title.Ja}, k.Words.En...)
	return slices.DeleteFunc(append(all, k.Words.Ja...), func(w string) bool { return w == "" })
}

// nearestKind returns the name of the kind that was probably meant.
func nearestKind(word string, kinds []checks.Kind) (string, bool) {
	// An exact word of a kind is nearer than a name with a slip in it.
	for _, k := range kinds {
		if says(k, word) {
			return k.Name, true
		}
	}
	if near := nearest(word, kindNames(kinds)); near != "" {
		return near, true
	}
	var words []string
	for _, k := range kinds {
		words = append(words, spoken(k)...)
	}
	near := nearest(word, words)
	for _, k := range kinds {
		if near != "" && says(k, near) {
			return k.Name, true
		}
	}
	return "", false
}

func says(k checks.Kind, word string) bool {
	return slices.ContainsFunc(spoken(k), func(w string) bool { return fold(w) == fold(word) })
}

// choose returns the checks to run, in the order of the checklist: those that
// are named, in any language, or all that are enabled. An unknown name is an
// error that offers the nearest.
func choose(all []configured, names []string) ([]configured, error) {
	var kinds []checks.Kind
	for _, c := range all {
		kinds = append(kinds, c.Kind)
	}
	wanted := map[string]bool{}
	var wrong []string
	for _, word := range names {
		found := false
		for _, k := range kinds {
			if k.Name == fold(word) {
				wanted[k.Name], found = true, true
			}
		}
		if found {
			continue
		}
		// A word of several kinds asks for all of them.
		for _, k := range kinds {
			if says(k, word) {
				wanted[k.Name], found = true, true
			}
		}
		if !found {
			wrong = append(wrong, unknownName(word, kinds))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	var chosen []configured
	for _, c := range all {
		if wanted[c.Kind.Name] || len(names) == 0 && c.Enabled {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

func unknownName(word string, kinds []checks.Kind) string {
	if near, ok := nearestKind(word, kinds); ok {
		return fmt.Sprintf("there is no check %q; did you mean %q?", checks.Quote(word), near)
	}
	return fmt.Sprintf("there is no check %q; there are: %s", checks.Quote(word), strings.Join(kindNames(kinds), ", "))
}
