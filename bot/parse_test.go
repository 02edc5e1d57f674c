package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

// words is a vocabulary like the real one.
func words() vocabulary {
	b := &Bot{kinds: []checks.Kind{
		{Name: "disk", Words: checks.Words{En: []string{"space", "storage"}, Ja: []string{"ディスク", "空き容量", "容量", "空き"}}},
		{Name: "memory", Words: checks.Words{En: []string{"ram", "swap"}, Ja: []string{"メモリ", "スワップ"}}},
		{Name: "certs", Title: checks.Text{En: "certificates", Ja: "証明書"}, Words: checks.Words{En: []string{"cert", "certificate", "certificates", "tls"}, Ja: []string{"証明書", "期限", "証明書の更新"}}},
		{Name: "latency", Words: checks.Words{En: []string{"slow", "speed", "response time"}, Ja: []string{"応答時間", "遅い", "重い"}}},
		{Name: "packages", Title: checks.Text{En: "packages", Ja: "パッケージ"}, Words: checks.Words{En: []string{"package", "apt", "updates"}, Ja: []string{"パッケージ", "OSの更新", "OS更新"}}},
		{Name: "dues", Title: checks.Text{En: "dues", Ja: "支払い"}, Words: checks.Words{En: []string{"bills"}, Ja: []string{"支払い"}}, Commands: []checks.Command{
			{Name: "dues", Words: checks.Words{Ja: []string{"支払い"}}}, {Name: "paid", Words: checks.Words{Ja: []string{"支払いました", "支払い済み"}}},
		}},
		{Name: "mastodon", Title: checks.Text{En: "Mastodon", Ja: "Mastodon"}, Words: checks.Words{En: []string{"version", "mastodon update"}, Ja: []string{"バージョン", "アップデート", "Mastodonの更新"}}},
	}}
	return b.vocabulary()
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
		"証明書の確認をお願いします。":          {command: "check", kinds: "certs", lang: "ja"},
		"証明書確認して":                 {command: "check", kinds: "certs", lang: "ja"},
		"空き容量とメモリを見て":             {command: "check", kinds: "disk memory", lang: "ja"},
		"ﾃﾞｨｽｸ 確認":                {command: "check", kinds: "disk", lang: "ja"},
		"全部チェック":                  {command: "check", all: true, lang: "ja"},
		"まとめて確認":                  {command: "check", all: true, lang: "ja"},
		"今週のまとめ":                  {command: "summary", lang: "ja"},
		"週報を見せて":                  {command: "summary", lang: "ja"},
		"まとめ オン":                  {command: "summary", lang: "ja"},
		"summary on":              {command: "summary", lang: "en"},
		"weekly summary":          {command: "summary", lang: "en"},
		"disk確認":                  {command: "check", kinds: "disk", lang: "ja"},
		"ヘルプ":                     {command: "help", lang: "ja"},
		"使い方を教えて":                 {command: "help", lang: "ja"},
		"help":                    {command: "help", lang: "en"},
		"frobnicate":              {strange: "frobnicate", lang: "en"},
		"容量どう？":                   {kinds: "disk", lang: "ja"},
		"証明書いつまで？":                {kinds: "certs", lang: "ja"},
		"サーバー大丈夫ですか？":             {command: "status", lang: "ja"},
		"何か問題ありますか":               {command: "status", lang: "ja"},
		"いま落ちてる？":                 {command: "status", lang: "ja"},
		"what's up?":              {command: "status", lang: "en"},
		"is it down?":             {command: "status", lang: "en"},
		"any problems?":           {command: "status", lang: "en"},
		"でぃすく":                    {strange: "でぃすく", lang: "ja"},
		"確認 ほげほげ":                 {command: "check", strange: "ほげほげ", lang: "ja"},
		"what's up with the disk": {command: "status", kinds: "disk", lang: "en"},
		"how is memory doing?":    {kinds: "memory", lang: "en"},
		"is the disk really full": {kinds: "disk", lang: "en"},
		"check dsik and memory":   {command: "check", kinds: "memory", strange: "dsik", near: "disk", lang: "en"},
		"ディスク 大丈夫ですか":             {command: "status", kinds: "disk", lang: "ja"},
		"ディスクがパンパン":               {kinds: "disk", lang: "ja"},
		"明日まで":                    {command: "snooze", lang: "ja"},
		"12番は明日の朝まで":              {command: "snooze", lang: "ja"},
		"ディスクは月曜まで":               {command: "snooze", kinds: "disk", lang: "ja"},
		"支払いはいつまで？":               {command: "dues", lang: "ja"},
		"ありがとうございます！":             {lang: "ja"},
		"thanks!":                 {lang: "en"},
		"":                        {},
		"？！":                      {},
		"🎉":                       {},
	} {
		r := words().parse(text)
		got := want{r.command, strings.Join(r.kinds, " "), r.all, r.strange, r.near, r.lang}
		if got != w {
			t.Errorf("%q\n got %+v\nwant %+v", text, got, w)
		}
	}
}

func TestTheOtherCommandsAreUnderstoodInBothLanguages(t *testing.T) {
	type want struct {
		command string
		kinds   string
		number  int64
		all     bool
		unsure  string
		between string
	}
	for text, w := range map[string]want{
		"why 12":      {command: "why", number: 12},
		"why #12?":    {command: "why", number: 12},
		"detail disk": {command: "why", kinds: "disk"},
		"詳しく 12":      {command: "why", number: 12},
		"12番 なぜ？":     {command: "why", number: 12},
		"１２番を詳しく教えてください": {command: "why", number: 12},
		"why quiet":     {command: "quiet"},
		"なぜ静かなの？":       {command: "quiet"},
		"なぜ静かなんですか":     {command: "quiet"},
		"dues":          {command: "dues"},
		"支払い":           {command: "dues"},
		"check dues":    {command: "check", kinds: "dues"},
		"支払い 確認":        {command: "check", kinds: "dues"},
		"history dues":  {command: "history", kinds: "dues"},
		"静かに":           {command: "quiet"},
		"history certs": {command: "history", kinds: "certs"},
		"証明書の履歴":        {command: "history", kinds: "certs"},
		"normal memory": {command: "normal", kinds: "memory"},
		"メモリの普段の数値":     {command: "normal", kinds: "memory"},
		"response time": {kinds: "latency"},
		"recheck":       {command: "recheck"},
		"recheck 12":    {command: "recheck", number: 12},
		"12番 直しました":     {command: "recheck", number: 12},
		"もう一度確認してください":  {command: "recheck"},
		"対応済み 12":       {command: "recheck", number: 12},
		"known all":     {command: "known", all: true},
		"全部 既知":         {command: "known", all: true},
		"version":       {command: "version"},
		"バージョン":         {command: "version"},
		"check version": {command: "check", kinds: "mastodon"},
		"バージョン 確認":      {command: "check", kinds: "mastodon"},
		"help snooze":   {command: "help"},
		"ヘルプ あとで":       {command: "help"},
		"対応状況":          {command: "status"},
		"12":            {number: 12},
		"更新":            {unsure: "更新", between: "certs packages mastodon"},
		"更新 確認":         {command: "check", unsure: "更新", between: "certs packages mastodon"},
		"証明書の更新":        {kinds: "certs"},
		"OSの更新を確認":      {command: "check", kinds: "packages"},
		"Mastodonの更新":   {kinds: "mastodon"},
		"check update":  {command: "check", unsure: "update", between: "packages mastodon"},
		"updates":       {kinds: "packages"},
	} {
		r := words().parse(text)
		got := want{r.command, strings.Join(r.kinds, " "), r.number, r.all, r.unsure, strings.Join(r.between, " ")}
		if got != w || r.strange != "" {
			t.Errorf("%q\n got %+v %q\nwant %+v", text, got, r.strange, w)
		}
	}
}

func TestWhatFollowsACommandIsTheAdminsOwn(t *testing.T) {
	type want struct {
		command string
		numbers string
		kinds   string
		all     bool
		hours   float64
		note    string
	}
	who := Admin{Zone: time.UTC, Morning: 8 * 60}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for text, w := range map[string]want{
		"ack 12":                             {command: "ack", numbers: "[12]"},
		"ack #12 ordering a Disk, status ok": {command: "ack", numbers: "[12]", note: "ordering a Disk, status ok"},
		"ack 12 and 13":                      {command: "ack", numbers: "[12 13]"},
		"12 ack":                             {command: "ack", numbers: "[12]"},
		"please ack 12":                      {command: "ack", numbers: "[12]"},
		"Ack 12, will check certs tomorrow":  {command: "ack", numbers: "[12]", note: "will check certs tomorrow"},
		"対応します 12":                           {command: "ack", numbers: "[12]"},
		"12番 対応します":                          {command: "ack", numbers: "[12]"},
		"12番、対応します。":                         {command: "ack", numbers: "[12]"},
		"１２番に対応します":                          {command: "ack", numbers: "[12]"},
		"12番 見ます Diskを注文済み":                  {command: "ack", numbers: "[12]", note: "Diskを注文済み"},
		"対応します12 とりあえず再起動":                   {command: "ack", numbers: "[12]", note: "とりあえず再起動"},

		// A particle is a part of a word here.
		"12番 対応します もうすぐ終わります": {command: "ack", numbers: "[12]", note: "もうすぐ終わります"},

		"対応取消 12":                            {command: "unack", numbers: "[12]"},
		"unack 12":                           {command: "unack", numbers: "[12]"},
		"snooze 12 3d":                       {command: "snooze", numbers: "[12]", hours: 72},
		"sn 12 3d":                           {command: "snooze", numbers: "[12]", hours: 72},
		"snooze disk 3d waiting for 2 disks": {command: "snooze", kinds: "disk", hours: 72, note: "waiting for 2 disks"},
		"snooze certs until monday 09:00":    {command: "snooze", kinds: "certs", hours: 23},
		"snooze the disk for a day please":   {command: "snooze", kinds: "disk", hours: 24},
		"あとで 12 1日":                          {command: "snooze", numbers: "[12]", hours: 24},
		"12番 月曜の朝まで あとで 部品待ち":                {command: "snooze", numbers: "[12]", hours: 22, note: "部品待ち"},
		"ディスクはあとで 3日":                        {command: "snooze", kinds: "disk", hours: 72},
		"証明書を月曜の朝まで保留":                       {command: "snooze", kinds: "certs", hours: 22},
		"unsnooze disk":                      {command: "unsnooze", kinds: "disk"},
		"unsnooze all":                       {command: "unsnooze", all: true},
		"保留解除 12":                            {command: "unsnooze", numbers: "[12]"},
		"maintenance 2h moving the database": {command: "maintenance", hours: 2, note: "moving the database"},
		"maint on 2h":                        {command: "maintenance", hours: 2},
		"maintenance off":                    {command: "maintenance", note: "off"},
		"メンテ 2時間 DB移設":                       {command: "maintenance", hours: 2, note: "DB移設"},
		"メンテ開始 30分":                          {command: "maintenance", hours: 0.5},
		"メンテ終了":                              {command: "maintenance"},
		"paid Server 2027-01-31":             {command: "paid", note: "Server 2027-01-31"},
		"Server代 支払いました":                     {command: "paid", note: "Server代"},
	} {
		v := words()
		r := v.parse(text)
		taken := v.take(question{request: r, who: who, now: now})
		got := want{command: r.command, kinds: strings.Join(taken.kinds, " "), all: taken.all, note: taken.note}
		if len(taken.numbers) > 0 {
			got.numbers = fmt.Sprint(taken.numbers)
		}
		if taken.period.given() {
			got.hours = taken.period.end(now).Sub(now).Hours()
		}
		if got != w {
			t.Errorf("%q\n got %+v\nwant %+v", text, got, w)
		}
	}
}

func TestAnAmbiguousWordIsAnsweredWithItsMeanings(t *testing.T) {
	b := &Bot{kinds: words().kinds}
	for lang, want := range map[checks.Lang]string{
		checks.English:  `Which do you mean by "更新": certificates (check certs), or packages (check packages), or Mastodon (check mastodon)?`,
		checks.Japanese: "「更新」は、どれのことでしょうか？ 証明書の更新（確認 certs）／OSの更新（確認 packages）／Mastodonの更新（確認 mastodon）",
	} {
		got := write(b.whichOf(question{request: words().parse("更新")}), checks.Reader{Lang: lang})
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
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

func TestEveryWordOfACommandLeadsToIt(t *testing.T) {
	v := (&Bot{}).vocabulary()
	for _, c := range v.commands {
		for _, w := range slices.Concat([]string{c.name}, c.words.En, c.words.Ja) {
			if r := v.parse(w); r.command != c.name {
				t.Errorf("%q is said to mean %q and is read as %q", w, c.name, r.command)
			}
		}
	}
}
