package media

import (
	"strings"
	"testing"
)

func TestAWordMayBeAsLongAsItsFormSaysAndNoLonger(t *testing.T) {
	for name, c := range map[string]struct {
		f     form
		least int
	}{
		"bucket": {bucketName, 2}, "key": {keyID, 1}, "region": {regionName, 1}, "file": {fileName, 1}, "word": {plainWord, 1},
	} {
		for n, want := range map[int]bool{0: false, c.least - 1: false, c.least: true, c.f.most: true, c.f.most + 1: false} {
			if got := c.f.MatchString(strings.Repeat("a", n)); got != want {
				t.Errorf("%s: %d letters: %v, want %v", name, n, got, want)
			}
		}
		for _, not := range []string{"aa\n", "a b", "aé", "a?"} {
			if c.f.MatchString(not) {
				t.Errorf("%s: %q is let through", name, not)
			}
		}
	}
}
