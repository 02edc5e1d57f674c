package bot

import (
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
)

func TestAKindHasCommandsOfItsOwn(t *testing.T) {
	dues := checks.Kind{
		Name: "dues", Words: checks.Words{En: []string{"bills"}, Ja: []string{"支払い", "料金"}},
		Commands: []checks.Command{
			{Name: "dues", Words: checks.Words{En: []string{"bills"}, Ja: []string{"支払い一覧", "支払い", "料金"}}},
			{Name: "paid", Words: checks.Words{Ja: []string{"支払い済み", "支払いました", "払いました"}}},
		},
	}
	v := words()
	v.kinds = append(v.kinds, dues)
	b := &Bot{kinds: v.kinds}
	v.commands = b.commands()
	for _, c := range []struct{ said, command, kinds, rest string }{
		{"dues", "dues", "", ""},
		{"bills please", "dues", "", "please"},
		{"料金", "dues", "", ""},
		{"支払い一覧", "dues", "", ""},
		{"check dues", "check", "dues", ""},
		{"dues check", "check", "dues", ""},
		{"支払い 確認", "check", "dues", ""},
		{"why dues", "why", "dues", ""},
		{"history dues", "history", "dues", ""},
		{"snooze dues 3d", "snooze", "", ""},
		{"check version", "check", "mastodon", ""},
		{"version", "version", "", ""},
		{"paid server", "paid", "", "server"},
		{"Paid SMTP Plan ①", "paid", "", "SMTP Plan ①"},
		{"paid the disk status", "paid", "", "the disk status"},
		{"ＰＡＩＤ ｻｰﾊﾞｰ", "paid", "", "ｻｰﾊﾞｰ"},
		{"サーバー代 支払いました", "paid", "", "サーバー代"},
		{"支払い済み ドメイン 2027-04-01", "paid", "", "ドメイン 2027-04-01"},
	} {
		r := v.parse(c.said)
		kinds := strings.Join(r.kinds, " ")
		if c.command == "dues" {
			kinds = "" // it is said to that kind alone
		}
		if r.command != c.command || kinds != c.kinds || c.rest != "" && r.rest != c.rest {
			t.Errorf("%q: command %q of %q, rest %q; want %+v", c.said, r.command, r.kinds, r.rest, c)
		}
	}
}
