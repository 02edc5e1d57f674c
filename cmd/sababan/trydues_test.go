package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/dues"
	"github.com/sababan/sababan/checks/site"
)

func TestABillIsListedAndPaidByMention(t *testing.T) {
	yesterday := time.Now().AddDate(0, 0, -1)
	table := checkstest.Table("[[due]]\nname = \"Server\"\nwhen = " + yesterday.Format(time.DateOnly) + "\npays = \"alice\"\n[[due]]\nname = \"ドメイン\"\nwhen = \"" + yesterday.AddDate(0, 6, 0).Format("yearly 2 January") + "\"\n")
	var out, errs bytes.Buffer
	env := environment{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(string) string { return "" },
		columns: func() (int, bool) { return 0, false }, patience: time.Minute,
		checklist: func(s *site.Site) []checks.Kind {
			k := dues.Kind(s)
			made := k.New
			k.New = func(checks.Table) (checks.Check, error) { return made(table) }
			return []checks.Kind{k}
		},
	}
	if status := run(t.Context(), env, []string{"try", "--lang", "en", "--say", "dues", "--say", "paid SERVER", "--say", "check dues", "--say", "支払い済み ドメイン"}); status != exitOK {
		t.Errorf("status %d", status)
	}
	t.Logf("\n%s%s", out.String(), errs.String())
	for _, want := range []string{
		"[Action needed] #1 Server: overdue for 1 d", "Server: overdue for 1 d", "#1 fixed, ", "ドメイン",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q", want)
		}
	}
}
