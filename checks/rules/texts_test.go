package rules

import (
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	say := checkstest.Say
	checkstest.Texts(
		t, "rules",
		say("no rules at all", textNone(), adviceNone("example.social")),
		say("no rule is translated", textUntranslated("ja", 7, 7), adviceTranslate("example.social")),
		say("some rules are not translated", textUntranslated("ja", 2, 7), adviceTranslate("example.social")),
		say("unseen: only for those signed in", textClosed()),
		say("unseen: no answer", textNoAnswer()),
		say("summary, one", textSummary(1, nil)),
		say("summary, several with translations", textSummary(7, []string{"ja", "de"})),
	)
}
