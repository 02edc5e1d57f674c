package watch

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// nameLimit keeps a domain from filling a headline (own).
const nameLimit = 45

func named(name string) string { return checks.Shorten(checks.QuoteName(name), nameLimit) }

func textOffline() checks.Text {
	return checks.Text{En: "other servers are not looked at (offline)", Ja: "他サーバーは確認しません（offline）"}
}

func textNoTime() checks.Text {
	return checks.Text{En: "no time was left to look", Ja: "確認する時間が残っていませんでした"}
}

func textNotYet(name string) checks.Text {
	n := named(name)
	return checks.Text{En: n + " has not been looked at since the start", Ja: n + " は起動後まだ確認していません"}
}

// textOurs says that nobody can be reached.
func textOurs(why reason) checks.Text {
	if why == noResolver {
		return checks.Text{
			En: "hardly any watched server's name can be resolved; probably the fault is here",
			Ja: "見守り対象のほとんどで名前解決ができません。こちら側の問題と思われます",
		}
	}
	return checks.Text{
		En: "hardly any watched server can be reached; probably the fault is here",
		Ja: "見守り対象のほとんどに接続できません。こちら側の問題と思われます",
	}
}

// what says what is wrong, behind the name of the server.
func what(o outcome) checks.Text {
	switch o.why {
	case noName:
		return checks.Text{En: "its name does not exist", Ja: "名前が存在しません（DNS）"}
	case private:
		return checks.Text{En: "its name leads to no public address", Ja: "名前の指す先が公開アドレスではありません"}
	case refused:
		return checks.Text{En: "connections are refused", Ja: "接続を拒否されます"}
	case unreachable:
		return checks.Text{En: "there is no way to it", Ja: "到達できません"}
	case badTLS:
		return checks.Text{En: "no TLS connection can be made", Ja: "TLS接続ができません"}
	case certOver:
		return checks.Text{En: "its certificate has expired", Ja: "証明書が期限切れです"}
	case certEarly:
		return checks.Text{En: "its certificate is not valid yet", Ja: "証明書の有効期間がまだ始まっていません"}
	case certName:
		return checks.Text{En: "its certificate is for another name", Ja: "証明書の名前が一致しません"}
	case certSelf:
		return checks.Text{En: "its certificate is self-signed", Ja: "証明書が自己署名です"}
	case certUnknown:
		return checks.Text{En: "its certificate cannot be verified", Ja: "証明書を検証できません"}
	}
	for _, one := range []struct {
		place
		name checks.Text
	}{
		{o.page, checks.Text{En: "the web page", Ja: "Web画面"}},
		{o.api, checks.Text{En: "the instance API", Ja: "インスタンスAPI"}},
		{o.streaming, checks.Text{En: "streaming", Ja: "ストリーミング"}},
	} {
		if one.state == ill {
			return whatPlace(one.name, one.place, o.to)
		}
	}
	if o.why == mute {
		return checks.Text{En: "no answer in time", Ja: "時間内に応答がありません"}
	}
	return checks.Text{En: "the connection is cut", Ja: "接続が切れます"}
}

// whatPlace says what is wrong with one place.
func whatPlace(name checks.Text, p place, to string) checks.Text {
	switch p.why {
	case status:
		s := api.StatusName(p.code)
		return checks.Text{En: name.En + " fails (" + s + ")", Ja: name.Ja + "がエラーになっています（" + s + "）"}
	case stale:
		return checks.Text{En: "only the cache of " + name.En + " answers", Ja: name.Ja + "は古いキャッシュしか返りません"}
	case moved:
		t := checks.Text{En: name.En + " leads to another host", Ja: name.Ja + "が別のホストに転送されます"}
		if to != "" {
			n := checks.Named(to, nameLimit)
			t.En, t.Ja = t.En+", "+n.En, name.Ja+"が別のホスト（"+n.Ja+"）に転送されます"
		}
		return t
	case noRoot:
		return checks.Text{En: name.En + " is not Mastodon's", Ja: name.Ja + "がMastodonのものではありません"}
	case notJSON:
		return checks.Text{En: name.En + " does not answer with JSON", Ja: name.Ja + "の応答がJSONではありません"}
	case strange:
		return checks.Text{En: name.En + " does not answer as it should", Ja: name.Ja + "の応答が本来のものではありません"}
	case tooLarge:
		return checks.Text{En: name.En + " sends far too large an answer", Ja: name.Ja + "の応答が異常に大きくなっています"}
	case mute:
		return checks.Text{En: name.En + " gives no answer in time", Ja: name.Ja + "が時間内に応答しません"}
	}
	return checks.Text{En: name.En + " cuts the connection", Ja: name.Ja + "への接続が切れます"}
}

// textUnwell says that a server is not as it should be.
func textUnwell(t *target) checks.Text {
	w := what(t.last)
	n := named(t.Name)
	t1 := checks.Text{En: n + ": " + w.En, Ja: n + " " + w.Ja}
	if t.Own {
		t1 = checks.Text{En: n + " from outside: " + w.En, Ja: n + "（外から確認） " + w.Ja}
	}
	return checks.Lines(t1, textNotice(t), textSince(t))
}

// textNotice is what people notice.
func textNotice(t *target) checks.Text {
	o := t.last
	switch {
	case o.page.state != ill && o.page.state != unasked && o.api.state == ill:
		return checks.Text{En: "Apps cannot use the server.", Ja: "アプリからサーバーを使えません。"}
	case o.page.state != ill && o.page.state != unasked && o.streaming.state == ill:
		return checks.Text{
			En: "Timelines do not update by themselves; apps show new posts late.",
			Ja: "タイムラインが自動で更新されず、新しい投稿の表示が遅れます。",
		}
	case t.Own:
		return checks.Text{
			En: "Looked at from another machine: visitors and other servers probably meet the same.",
			Ja: "別のマシンから見た結果です。利用者や他サーバーからも、おそらく同じ状態です。",
		}
	}
	return checks.Text{
		En: "Its people probably cannot use it, and posts to it have to wait.",
		Ja: "おそらく利用者も使えず、こちらからの投稿も配送待ちになります。",
	}
}

func textSince(t *target) checks.Text {
	if t.streak.Since == 0 {
		return checks.Text{}
	}
	at := checks.At(time.Unix(t.streak.Since, 0))
	return checks.Text{En: "First seen at " + at + ".", Ja: at + "に最初に検知しました。"}
}

func textNoCertificate(name string) checks.Text {
	n := named(name)
	return checks.Text{En: "the certificate of " + n + " has not been seen since the start", Ja: n + " の証明書は起動後まだ確認できていません"}
}

func textExpired(t *target) checks.Text {
	n, at := named(t.Name), checks.At(t.last.end)
	return checks.Text{En: "certificate of " + n + " expired " + at, Ja: "証明書 期限切れ（" + n + "、" + at + "まで）"}
}

func textExpiring(t *target) checks.Text {
	n := named(t.Name)
	return checks.Lines(checks.Text{
		En: "certificate of " + n + " expires in " + checks.Left(t.last.end),
		Ja: "証明書 期限まで" + checks.Left(t.last.end) + "（" + n + "）",
	}, checks.Text{
		En: "It is valid to " + checks.At(t.last.end) + "; its renewal is overdue.",
		Ja: checks.At(t.last.end) + "まで有効です。普通ならもう更新されている時期です。",
	}, checks.Text{
		En: "After that, browsers and other servers can no longer connect.",
		Ja: "期限を過ぎると、ブラウザからも他サーバーからも接続できません。",
	})
}

func textSilent(t *target) checks.Text {
	bot := checks.Named(strings.TrimPrefix(t.Bot, "@"), nameLimit)
	return checks.Lines(checks.Text{
		En: "the bot " + bot.En + " has been silent for " + checks.Ago(t.friend.last),
		Ja: "ボット " + bot.Ja + " が" + checks.Ago(t.friend.last) + "沈黙しています",
	}, checks.Text{
		En: "Its last round was at " + checks.At(t.friend.last) + "; it writes the time every hour. Perhaps nobody is watching over " + named(t.Name) + " now.",
		Ja: "最後の巡回は" + checks.At(t.friend.last) + "です（普段は1時間ごとに記録）。" + named(t.Name) + " を見守るものがいない可能性があります。",
	})
}

// textNoBeat says why nothing is known of a bot.
func textNoBeat(t *target) checks.Text {
	bot := checks.Named(strings.TrimPrefix(t.Bot, "@"), nameLimit)
	switch t.friend.seen.why {
	case noAccount:
		return checks.Text{En: "there is no account " + bot.En, Ja: "アカウント " + bot.Ja + " がありません"}
	case noField:
		return checks.Text{
			En: bot.En + " does not write the time of its rounds into its profile",
			Ja: bot.Ja + " のプロフィールに巡回時刻がありません",
		}
	case guarded:
		return checks.Text{
			En: "the profile of " + bot.En + " is not shown without a token",
			Ja: bot.Ja + " のプロフィールは、トークンなしでは見られません",
		}
	}
	return checks.Text{
		En: "the profile of " + bot.En + " cannot be read now",
		Ja: bot.Ja + " のプロフィールを今は読めません",
	}
}

// textUnseen says why nothing is known of a server.
func textUnseen(t *target) checks.Text {
	n := named(t.Name)
	switch t.last.why {
	case noResolver:
		return checks.Text{En: "the resolver of this machine gives no answer for " + n, Ja: "このマシンのDNSリゾルバーから " + n + " の答えが得られません"}
	case noRoute:
		return checks.Text{En: "this machine has no way to " + n, Ja: "このマシンから " + n + " への経路がありません"}
	case guarded:
		return checks.Text{En: n + " refuses to answer this machine", Ja: n + " がこのマシンからのアクセスを拒否しています"}
	}
	return checks.Text{En: "there was no time to look at " + n, Ja: n + " を確認する時間がありませんでした"}
}

// textSummary is the one line.
func textSummary(n tally, all []*target, l *leases, o checks.Observation, now time.Time) checks.Text {
	if worst, ok := (checks.Result{Observation: o}).Worst(); ok {
		t := worst.Text.Headline()
		more := 0
		for _, f := range o.Findings {
			if !f.Holds {
				more++
			}
		}
		if more > 1 {
			t = checks.Text{En: fmt.Sprintf("%s; and %d more", t.En, more-1), Ja: fmt.Sprintf("%s、ほか%d件", t.Ja, more-1)}
		}
		return t
	}
	whole, fine := checks.Number(int64(len(all))), checks.Number(int64(n.well))
	t := checks.Text{En: fine.En + " of " + whole.En + " servers answer well", Ja: whole.Ja + "サーバー中" + fine.Ja + "サーバーが正常に応答"}
	switch {
	case len(all) == 1 && n.well == 1:
		t = checks.Text{En: named(all[0].Name) + " answers well", Ja: named(all[0].Name) + " は正常に応答"}
	case n.well == len(all):
		t = checks.Text{En: checks.All(len(all)) + " servers answer well", Ja: whole.Ja + "サーバーすべて正常に応答"}
	}
	sep := checks.Text{En: "; ", Ja: "、"}
	var slowest time.Duration
	var first *target
	for _, one := range all {
		if one.last.state == well {
			slowest = max(slowest, one.last.took)
			if first == nil || one.last.end.Before(first.last.end) {
				first = one
			}
		}
	}
	if first != nil {
		s, left := checks.Millis(slowest), checks.Span(first.last.end.Sub(now))
		if len(all) == 1 {
			return checks.Join(sep, t, checks.Text{En: "in " + s.En, Ja: "応答" + s.Ja}, checks.Text{En: "its certificate lasts for " + left.En, Ja: "証明書は残り" + left.Ja}, textLeases(l, now))
		}
		t = checks.Join(sep, t, checks.Text{En: "the slowest in " + s.En, Ja: "最も遅くて" + s.Ja})
		t = checks.Join(sep, t, checks.Text{En: "certificates last for " + left.En + " at least", Ja: "証明書は残り" + left.Ja + "以上"}, textLeases(l, now))
	}
	for _, one := range []struct {
		count  int
		en, ja string
	}{
		{n.ill, "being looked at again", "再確認中"}, {n.unseen, "could not be seen", "確認できず"}, {n.waiting, "not looked at yet", "未確認"},
	} {
		if one.count > 0 {
			c := checks.Number(int64(one.count))
			t = checks.Join(sep, t, checks.Text{En: c.En + " " + one.en, Ja: one.ja + c.Ja})
		}
	}
	return t
}
