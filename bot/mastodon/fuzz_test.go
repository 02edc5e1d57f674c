package mastodon

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// FuzzMentions: whatever a page of notifications holds, the cursor never goes
// back, what is handed on is new, once, not our own, and of one page's size; and
// its text holds no character that is not seen.
func FuzzMentions(f *testing.F) {
	for _, s := range []string{
		`[{"id":"11","type":"mention","created_at":"2026-11-22T10:00:00Z","account":{"id":"5","acct":"a@b.example","url":"https://b.example/@a"},"status":{"id":"7","content":"<p><span class=\"h-card\"><a href=\"https://m.example/@bot\" class=\"u-url mention\">@<span>bot</span></a></span> status</p>","visibility":"direct","mentions":[{"url":"https://m.example/@bot"}]}}]`,
		`[{"id":12,"type":"mention"},{"id":"01K","type":"mention","account":{"id":"1"},"status":{"content":"\u202e\u0000<svg>"}},{"id":""},7,null]`, `[{"id":"9"},{"id":"9999999999999999999999"},{"id":"12","account":[]}]`, `[{"id":"12","type":"mention","account":{"id":"me"},"status":{}}]`,
	} {
		f.Add([]byte(s), "10")
	}
	f.Add([]byte(`[{"id":"-1"},{"id":"x"},{"id":"0"}]`), "0")
	h := &Mastodon{log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, page []byte, cursor string) {
		var raw []json.RawMessage
		if cursor == "" || json.Unmarshal(page, &raw) != nil {
			return
		}
		mentions, next := h.sort(raw, cursor, "me")
		if compareIDs(next, cursor) < 0 || len(mentions) > len(raw) {
			t.Errorf("from %q to %q with %d", cursor, next, len(mentions))
		}
		seen := map[string]bool{}
		for _, m := range mentions {
			if m.ID == "" || m.From.ID == "" || m.From.ID == "me" || seen[m.ID] || compareIDs(m.ID, cursor) <= 0 || compareIDs(m.ID, next) > 0 {
				t.Errorf("%+v between %q and %q", m, cursor, next)
			}
			seen[m.ID] = true
			if utf8.RuneCountInString(m.Text) > 2000 || strings.ContainsFunc(m.Text, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }) {
				t.Errorf("%q", m.Text)
			}
		}
	})
}

// FuzzAddress: an account as somebody writes it is a name and a domain, read as
// itself again, or refused in words that reach nobody.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"alice", "@alice@例え.jp", "＠alice＠a.example", "a@b@c", "alice@EXAMPLE.social.", "a@b:99", "@@", "a\nb", "a@b/../c?x", "a.-b@c.-d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, written string) {
		a, err := parseAddress(written)
		if err != nil {
			if checks.Live(err.Error()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		if strings.ContainsAny(a.String(), " \n/?#\\") || strings.Count(a.String(), "@") > 1 || a.name == "" {
			t.Errorf("%+v", a)
		}
		if again, err := parseAddress(a.String()); err != nil || again != a {
			t.Errorf("%q: %+v is read again as %+v, %v", written, a, again, err)
		}
	})
}
