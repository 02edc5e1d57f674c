package mastodon

import (
	"testing"
)

func TestAHandleIsOneMentionAndNothingElse(t *testing.T) {
	for handle, want := range map[string]bool{
		"alice": true, "@alice": true, "al.i-ce_1": true, "alice@example.social": true,
		"alice@bücher.example": true, "alice@localhost:8090": true,
		"": false, "@": false, "@@alice": false, "alice@": false, "alice evil": false, "alice\n@evil": false,
		"alice@example.social @evil": false, "alice@a@b": false, ".alice": false, "alice@host.": false,
	} {
		if _, got := plainHandle(handle); got != want {
			t.Errorf("%q: got %v, want %v", handle, got, want)
		}
	}
}
