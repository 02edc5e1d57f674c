package checks

import (
	"slices"
	"testing"
)

func TestLiveMentions(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing at all":                              {"disk: 71 % used", nil},
		"at the beginning":                            {"@evil", []string{"@evil"}},
		"with a host":                                 {"see @evil@example.com now", []string{"@evil"}},
		"behind a bracket":                            {"(@evil)", []string{"@evil"}},
		"behind a line break":                         {"a\n@evil", []string{"@evil"}},
		"behind Japanese punctuation":                 {"「@evil」", []string{"@evil"}},
		"behind a zero-width space":                   {"a\u200b@evil", []string{"@evil"}},
		"behind a superscript, which is no word":      {"m²@evil", []string{"@evil"}},
		"full width":                                  {"＠evil", []string{"＠evil"}},
		"a number":                                    {"unit @4000", []string{"@4000"}},
		"a name in another script, as GoToSocial has": {" @鯖", []string{"@鯖"}},
		"a name that begins with a hyphen or a dot":   {"@-x @.y", []string{"@-x", "@.y"}},
		"two":                                 {"@a @b", []string{"@a", "@b"}},
		"inside the name of a unit":           {"mastodon-streaming@4000.service", nil},
		"inside an address of mail":           {"admin@example.social", nil},
		"behind kana, which is a word":        {"鯖@evil", nil},
		"behind an underscore":                {"x_@evil", nil},
		"behind an equals sign":               {"user=@evil", nil},
		"behind a slash, as in links":         {"https://example.social/@alice/1", nil},
		"alone":                               {"2 @ 3, @", nil},
		"with dots only":                      {"@... @-", nil},
		"parted from its name":                {"@\u2060evil ＠\u2060evil", nil},
		"parted from its name by a space":     {"@ evil", nil},
		"the second @ of a dead handle":       {"@\u2060evil@example.com", nil},
		"before the beginning of another one": {"@@evil", []string{"@evil"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := LiveMentions(c.text); !slices.Equal(got, c.want) {
				t.Errorf("%q: got %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func FuzzALiveMentionIsFoundAgainBehindAnything(f *testing.F) {
	f.Add("disk 71 %")
	f.Add("a@b ＠")
	f.Fuzz(func(t *testing.T, text string) {
		if len(LiveMentions(text+"\n@evil")) == 0 {
			t.Errorf("%q hides it", text)
		}
		if Live(Harmless(text)) {
			t.Errorf("%q is not made harmless", text)
		}
		for _, live := range LiveMentions(text) {
			if len(live) < 2 {
				t.Errorf("%q is no mention", live)
			}
		}
	})
}
