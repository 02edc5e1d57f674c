package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
)

// words is a vocabulary like the real one.
func words() vocabulary {
	b := &Bot{}
	return vocabulary{commands: b.commands(), kinds: []checks.Kind{
		{Name: "disk", Words: checks.Words{En: []string{"space", "storage"}, Ja: []string{"ディスク", "空き容量", "容量", "空き"}}},
		{Name: "memory", Words: checks.Words{En: []string{"ram", "swap"}, Ja: []string{"メモリ", "スワップ"}}},
		{Name: "certs", Words: checks.Words{En: []string{"cert", "certificate", "certificates", "tls"}, Ja: []string{"証明書", "期限"}}},
		{Name: "latency", Words: checks.Words{En: []string{"slow", "speed"}, Ja: []string{"応答時間", "遅い", "重い"}}},
	}}
}

func TestWhatAdminsReallyTypeIsUnderstood(t *testing.T) {
	type want struct {
		command string
		kinds   string
		all     bool
		strange string
		near    string
		lang    checks.Lang
	}
	for text, w := range map[string]want{
		"status":                     {command: "status", lang: "en"},
		"Status?":                    {command: "status", lang: "en"},
		"STATUS please":              {command: "status", lang: "en"},
		"ｓｔａｔｕｓ":                     {command: "status", lang: "en"},
		"stat":                       {command: "status", lang: "en"},
		"what's the status":          {command: "status", lang: "en"},
		"状態":                         {command: "status", lang: "ja"},
		"調子どう？":                      {command: "status", lang: "ja"},
		"稼働状況を教えてください":               {command: "status", lang: "ja"},
		"check certs":                {command: "check", kinds: "certs", lang: "en"},
		"certs check":                {command: "check", kinds: "certs", lang: "en"},
		"check the certificate, pls": {command: "check", kinds: "certs", lang: "en"},
		"check disk memory":          {command: "check", kinds: "disk memory", lang: "en"},
		"check all":                  {command: "check", all: true, lang: "en"},
		"check dsik":                 {command: "check", strange: "dsik", near: "disk", lang: "en"},
		"disk":                       {kinds: "disk", lang: "en"},
		"証明書 確認":                     {command: "check", kinds: "certs", lang: "ja"},
		"確認 証明書":                     {command: "check", kinds: "certs", lang: "ja"},
		"証明書の確認をお願いします。": {command: "check", kinds: "certs", lang: "ja"},
		"証明書確認して":        {command: "check", kinds: "certs", lang: "ja"},
		"空き容量とメモリを見て":    {command: "check", kinds: "disk memory", lang: "ja"},
		"ﾃﾞｨｽｸ 確認":       {command: "check", kinds: "disk", lang: "ja"},
		"全部チェック":         {command: "check", all: true, lang: "ja"},
		"disk確認":         {command: "check", kinds: "disk", lang: "ja"},
		"ヘルプ":            {command: "help", lang: "ja"},
		"使い方を教えて":        {command: "help", lang: "ja"},
		"help":           {command: "help", lang: "en"},
		"frobnicate":     {strange: "frobnicate", lang: "en"},
		"":               {},
		"？！":             {},
		"🎉":              {},
	} {
		r := words().parse(text)
		got := want{r.command, strings.Join(r.kinds, " "), r.all, r.strange, r.near, r.lang}
		if got != w {
			t.Errorf("%q\n got %+v\nwant %+v", text, got, w)
		}
	}
}

func TestAWordThatBeginsTwoThingsIsNotGuessed(t *testing.T) {
	// "s" would begin status, space, swap, slow …
	if r := words().parse("s check"); r.command != "check" || len(r.kinds) != 0 {
		t.Errorf("%+v", r)
	}
	if r := words().parse("sp"); !slices.Equal(r.kinds, nil) || r.strange == "" {
		t.Errorf("space and speed: %+v", r)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"check certs", "証明書 確認", "\u202e@x", strings.Repeat("確認", 400), "\x00\xff"} {
		f.Add(s)
	}
	v := words()
	f.Fuzz(func(t *testing.T, s string) {
		r := v.parse(s)
		for _, k := range r.kinds {
			if !slices.ContainsFunc(v.kinds, func(kind checks.Kind) bool { return kind.Name == k }) {
				t.Errorf("%q names the check %q", s, k)
			}
		}
		b := &Bot{kinds: v.kinds}
		for _, l := range []checks.Lang{checks.English, checks.Japanese} {
			if out := write(b.strange(question{request: r}), checks.Reader{Lang: l}); checks.Live(out) || strings.Contains(out, "\n") {
				t.Errorf("%q is answered with %q", s, out)
			}
		}
	})
}
