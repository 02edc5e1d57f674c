package api

import "testing"

func TestWordsFromOutsideFitOnOneLine(t *testing.T) {
	for _, tc := range []struct{ name, words, want string }{
		{"nothing", "", ""},
		{"only white space", " \n\t ", ""},
		{"a line break", "a\r\n\u2028b", "a b"},
		{"control and direction", "a\u001b[31m\u202eb\u200e", "a[31mb"},
		{"a fit", "12345678", "12345678"},
		{"too long", "123456789", "12345678…"},
		{"too long by its space", "1234567 9", "1234567…"},
		{"broken UTF-8", "a\xffb", "a\ufffdb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := oneLine(tc.words, 8); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
