package mail

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// place is a world without servers: only the DNS is asked.
func place(t *testing.T, table string) *world {
	t.Helper()
	s, err := site.New(site.Config{Domain: "lab.test", Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{zone: serve(t), past: &checkstest.Past{}, site: s, ca: checkstest.NewCA(t, "Root")}
	w.dress(t, "from = \"notifications@lab.test\"\n"+table)
	return w
}

// changed changes the zone and looks when the DNS is asked again.
func (w *world) changed(t *testing.T, f func(*zone)) checks.Observation {
	t.Helper()
	w.zone.set(f)
	w.pass(t, 25*time.Hour)
	return w.look(t)
}

func TestRecordsThatAreRightSaySo(t *testing.T) {
	t.Parallel()
	w := place(t, "")
	o := w.look(t)
	healthy(t, o)
	says(t, o.Summary, "SPF, DMARC in the DNS", "SPF・DMARCはDNSにあり")
}

func TestEachFaultOfARecordIsNamedAndItsEnd(t *testing.T) {
	t.Parallel()
	w := place(t, `addresses = ["198.51.100.25"]`+"\nblock_lists = []")
	w.zone.set(func(z *zone) {
		z.ptr["25.100.51.198.in-addr.arpa"] = []string{"mail.lab.test"}
		z.a["mail.lab.test"] = []string{"198.51.100.25"}
	})
	good := map[string][]string{}
	healthy(t, w.look(t))
	w.zone.set(func(z *zone) {
		for name, texts := range z.txt {
			good[name] = texts
		}
	})
	var deep []string
	for _, x := range "abcdefghijkl" {
		deep = append(deep, "include:"+string(x)+".lab.test")
	}
	for _, tt := range []struct {
		name   string
		spoil  func(*zone)
		mend   func(*zone)
		code   string
		road   checks.Road
		en, ja string
	}{
		{
			"no SPF", func(z *zone) { z.txt["lab.test"] = []string{"something else"} }, nil, codeSPF, checks.Morning,
			"SPF of lab.test: there is no record at lab.test", "lab.test のSPF: lab.test にレコードがありません",
		},
		{
			"two of them", func(z *zone) { z.txt["lab.test"] = []string{"v=spf1 mx -all", "v=spf1 a -all"} }, nil, codeSPF, checks.Morning,
			"more than one record at lab.test; none counts", "レコードが複数あり、どれも無効になります",
		},
		{
			"one that cannot be read", func(z *zone) { z.txt["lab.test"] = []string{"v=spf1 ip4:none mx -all"} }, nil, codeSPF, checks.Morning,
			"cannot be understood", "書き方に誤りがあります",
		},
		{
			"one that asks too much", func(z *zone) {
				z.txt["lab.test"] = []string{"v=spf1 " + strings.Join(deep, " ") + " -all"}
				for _, x := range "abcdefghijkl" {
					z.txt[string(x)+".lab.test"] = []string{"v=spf1 ip4:203.0.113.1 ?all"}
				}
			}, nil, codeSPF, checks.Morning,
			"takes more than ten look-ups", "問い合わせが10回の上限を超えます",
		},
		{
			"one that leaves out who sends", func(z *zone) { z.txt["lab.test"] = []string{"v=spf1 ip4:203.0.113.1 -all"} }, nil, codeSPF, checks.Morning,
			"does not allow 198.51.100.25", "198.51.100.25 が許可されていません",
		},
		{
			"no DMARC", func(z *zone) { delete(z.txt, "_dmarc.lab.test") }, nil, codeDMARC, checks.Week,
			"DMARC of lab.test: there is no record at _dmarc.lab.test\nLarge providers ask for DMARC", "lab.test のDMARC: _dmarc.lab.test にレコードがありません",
		},
		{
			"DMARC that cannot be read", func(z *zone) { z.txt["_dmarc.lab.test"] = []string{"v=DMARC1; p=maybe"} }, nil, codeDMARC, checks.Morning,
			"cannot be understood", "書き方に誤りがあります",
		},
		{
			"a domain that takes no mail", func(z *zone) {
				z.mx["lab.test"] = []string{"."}
				z.txt["lab.test"] = []string{"v=spf1 ip4:198.51.100.25 -all"}
			}, func(z *zone) { z.mx["lab.test"] = []string{"mail.lab.test"} }, codeMX, checks.Morning,
			"lab.test says that it takes no mail (null MX), and Mastodon sends from it", "「メールを受け取らない」設定（null MX）",
		},
		{
			"no mail server", func(z *zone) { delete(z.mx, "lab.test"); z.txt["lab.test"] = []string{"v=spf1 ip4:198.51.100.25 -all"} }, func(z *zone) { z.mx["lab.test"] = []string{"mail.lab.test"} }, codeMX, checks.Week,
			"has no mail server (MX)", "メールサーバー（MX）がありません",
		},
		{
			"a mail server without an address", func(z *zone) {
				z.mx["lab.test"] = []string{"gone.lab.test"}
				z.txt["lab.test"] = []string{"v=spf1 ip4:198.51.100.25 -all"}
			}, func(z *zone) { z.mx["lab.test"] = []string{"mail.lab.test"} }, codeMX, checks.Week,
			"the mail server of lab.test has no address (gone.lab.test)", "メールサーバーのアドレスが引けません（gone.lab.test）",
		},
		{
			"no reverse name", func(z *zone) { delete(z.ptr, "25.100.51.198.in-addr.arpa") }, func(z *zone) { z.ptr["25.100.51.198.in-addr.arpa"] = []string{"mail.lab.test"} }, codeReverse, checks.Morning,
			"198.51.100.25, which mail is sent from, has no reverse name", "メールの送信元 198.51.100.25 に逆引きがありません",
		},
		{
			"a reverse name that leads elsewhere", func(z *zone) {
				z.ptr["25.100.51.198.in-addr.arpa"] = []string{"static-25.host.test"}
				z.a["static-25.host.test"] = []string{"203.0.113.9"}
			}, func(z *zone) { z.ptr["25.100.51.198.in-addr.arpa"] = []string{"mail.lab.test"} }, codeReverse, checks.Morning,
			"does not lead back to it (static-25.host.test)", "（static-25.host.test）が、元のアドレスに戻りません",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := w.changed(t, tt.spoil)
			f := found(t, o, tt.code, "*", checks.Warning, tt.road)
			says(t, f.Text, tt.en, tt.ja)
			if len(o.Findings) != 1 {
				t.Errorf("found %s", aloud(o))
			}
			// It is asked again at the very next look.
			w.zone.set(func(z *zone) {
				for name, texts := range good {
					z.txt[name] = texts
				}
				if tt.mend != nil {
					tt.mend(z)
				}
			})
			healthy(t, w.look(t))
		})
	}
}

func TestWithoutTheDNSNothingIsSaidToBeWellOrIll(t *testing.T) {
	t.Parallel()
	w := place(t, "")
	healthy(t, w.look(t))
	o := w.changed(t, func(z *zone) { z.txt["lab.test"] = nil })
	found(t, o, codeSPF, "lab.test", checks.Warning, checks.Morning)
	o = w.changed(t, func(z *zone) { z.dead["*"] = true })
	if len(o.Findings) > 0 || len(o.Blind) != 3 {
		t.Fatalf("found %s, blind %v", aloud(o), o.Blind)
	}
	if !o.Blind[0].Hides(checks.Key{Code: codeSPF, Subject: "lab.test"}) {
		t.Error("what was open is not held")
	}
	says(t, o.Blind[0].Why, "the DNS gives no answer for lab.test", "DNSから lab.test の応答がありません")
}

func TestABlockListCountsOnlyWhereItAnswersTruly(t *testing.T) {
	t.Parallel()
	w := place(t, `addresses = ["198.51.100.25"]`+"\n"+`block_lists = ["good.list.test", "rude.list.test", "dead.list.test", "all.list.test"]`)
	w.zone.set(func(z *zone) {
		z.ptr["25.100.51.198.in-addr.arpa"] = []string{"mail.lab.test"}
		z.a["2.0.0.127.good.list.test"] = []string{"127.0.0.2"}
		// It refuses us, and tells so for every question.
		for _, ip := range []string{"2.0.0.127", "1.0.0.127", "25.100.51.198"} {
			z.a[ip+".rude.list.test"] = []string{"127.255.255.254"}
			z.a[ip+".all.list.test"] = []string{"127.0.0.2"} // its domain was sold
		}
	})
	o := w.look(t)
	if len(o.Findings) > 0 || len(o.Blind) != 3 {
		t.Fatalf("found %s, blind %v", aloud(o), o.Blind)
	}
	readAloud(t, o)
	for _, b := range o.Blind {
		if b.Code != codeBlocked || b.Subject == "good.list.test" {
			t.Errorf("blind %+v", b)
		}
	}
	o = w.changed(t, func(z *zone) { z.a["25.100.51.198.good.list.test"] = []string{"127.0.0.4"} })
	f := found(t, o, codeBlocked, "good.list.test", checks.Warning, checks.Morning)
	says(t, f.Text, "the block list good.list.test has 198.51.100.25 on it", "ブロックリスト good.list.test に 198.51.100.25 が載っています")
	w.zone.set(func(z *zone) { delete(z.a, "25.100.51.198.good.list.test") })
	gone(t, w.look(t), codeBlocked)
}

func TestARefusalOfAListIsNoListing(t *testing.T) {
	t.Parallel()
	w := place(t, "")
	n := asker{w.zone.resolver()}
	w.zone.set(func(z *zone) {
		z.a["25.100.51.198.x.test"] = []string{"127.255.255.255"}
		z.a["26.100.51.198.x.test"] = []string{"127.0.0.10", "127.0.0.4"}
		z.a["27.100.51.198.x.test"] = []string{"203.0.113.80"}
		z.dead["28.100.51.198.x.test"] = true
	})
	for ip, want := range map[string]condition{
		"198.51.100.25": unanswer, "198.51.100.26": listed, "198.51.100.27": unanswer, "198.51.100.28": unanswer, "198.51.100.29": "",
	} {
		if got := n.onList(t.Context(), "x.test", ip); got != want {
			t.Errorf("%s: %q, want %q", ip, got, want)
		}
	}
	if got := backwards("2001:db8::1"); got != "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2" {
		t.Errorf("IPv6 backwards is %s", got)
	}
}

func TestTheKeyOfASignatureIsLookedAt(t *testing.T) {
	t.Parallel()
	const rsa1024 = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
	for _, tt := range []struct {
		name, text string
		want       condition
	}{
		{"a key of 1024 bits", "v=DKIM1; k=rsa; p=" + rsa1024, ""},
		{"without a version, with spaces", "p=" + rsa1024[:40] + " " + rsa1024[40:], ""},
		{"an Ed25519 key", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", ""},
		{"one that was withdrawn", "v=DKIM1; p=", withdrawn},
		{"no key at all", "v=DKIM1; k=rsa", malformed},
		{"rubbish", "v=DKIM1; p=!!!", malformed},
		{"another version", "v=DKIM2; p=" + rsa1024, malformed},
		{"an Ed25519 key that is too long", "k=ed25519; p=" + rsa1024, malformed},
		{"512 bits", "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALqcUlHKMJ1nM9bGDgWFxX0dsAk8cGPr6kxYQmwkQkRvQkZb7vrjWjCUx+cvT0zIuDWNBkJdyF5xHkQDqfEfFBkCAwEAAQ==", weak},
	} {
		if got := keyCondition(tt.text); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	w := place(t, "")
	n := asker{w.zone.resolver()}
	keys := []key{{"relay", "provider.test"}, {"main", "lab.test"}}
	if got := n.dkim(t.Context(), "lab.test", keys); got.Is != absent || got.Name != "main._domainkey.lab.test" {
		t.Errorf("%+v", got)
	}
	w.zone.set(func(z *zone) { z.txt["main._domainkey.lab.test"] = []string{"p=" + rsa1024} })
	if got := n.dkim(t.Context(), "lab.test", keys); got.Is != "" {
		t.Errorf("%+v", got)
	}
}

func TestWhoSendsByItselfIsToldByItsMailServerAndByWhatArrived(t *testing.T) {
	t.Parallel()
	w := place(t, "block_lists = []")
	w.own = []string{"198.51.100.25"}
	w.settings(t, "SMTP_SERVER=localhost\nSMTP_PORT="+port(checkstest.FreeAddr(t))+"\n")
	w.dress(t, "from = \"notifications@lab.test\"\nblock_lists = []")
	found(t, w.look(t), codeReverse, "198.51.100.25", checks.Warning, checks.Morning)
	w.settings(t, "SMTP_SERVER=smtp.invalid\n")
	w.dress(t, "from = \"notifications@lab.test\"\nblock_lists = []")
	w.pass(t, 25*time.Hour)
	gone(t, w.look(t), codeReverse)
	for _, tt := range []struct {
		name       string
		ours, hops []string
		want       int
	}{
		{"before a message has arrived", []string{"a", "b"}, nil, 2},
		{"one of ours handed it over", []string{"a", "b"}, []string{"b", "x"}, 1},
		{"a provider did", []string{"a", "b"}, []string{"x"}, 0},
	} {
		if got := sending(tt.ours, tt.hops); len(got) != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
