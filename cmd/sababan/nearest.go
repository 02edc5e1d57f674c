package main

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// nearest returns the candidate that was probably meant by a mistyped word,
// or "" when none is near: one slip is forgiven in a short word, one more for
// every three letters (own).
func nearest(word string, candidates []string) string {
	typed := []rune(fold(word))
	if len(typed) == 0 || len(typed) > 64 {
		return ""
	}
	best, bestSlips := "", len(typed)+1
	for _, c := range candidates {
		meant := []rune(fold(c))
		allowed := max(1, max(len(typed), len(meant))/3)
		if min(len(typed), len(meant)) < 2 {
			allowed = 0
		}
		if n := slips(typed, meant); n <= allowed && n < bestSlips {
			best, bestSlips = c, n
		}
	}
	return best
}

// fold makes a typed word comparable: full-width letters, case and spaces do
// not count.
func fold(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(s))), " ")
}

// slips is the Damerau–Levenshtein distance (restricted): letters added, left
// out, mistaken, or swapped with their neighbour.
func slips(a, b []rune) int {
	if len(b) > 64 {
		return len(b)
	}
	var before, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, above, row = above, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
