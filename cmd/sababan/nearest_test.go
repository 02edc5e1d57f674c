package main

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"disk", "memory", "certs", "instance", "latency", "空き容量"}
	for _, c := range []struct{ situation, typed, want string }{
		{"a letter too many", "diskk", "disk"},
		{"a letter left out", "memry", "memory"},
		{"two letters swapped", "isntance", "instance"},
		{"a letter mistaken", "dusk", "disk"},
		{"full-width letters", "ｄｉｓｋ", "disk"},
		{"capitals", "LATENCY", "latency"},
		{"two slips in a long word", "latensi", "latency"},
		{"kanji", "空容量", "空き容量"},
		{"nothing like it", "sidekiq", ""},
		{"nothing at all", "", ""},
		{"one letter is near to everything and offers nothing", "d", ""},
	} {
		t.Run(c.situation, func(t *testing.T) {
			if got := nearest(c.typed, names); got != c.want {
				t.Errorf("nearest(%q) = %q, want %q", c.typed, got, c.want)
			}
		})
	}
}
