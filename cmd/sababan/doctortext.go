package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

func configText(path string) checks.Text {
	name := checks.QuoteName(path)
	return checks.Text{En: name + " is complete", Ja: name + " に不備はありません"}
}

func zoneText() checks.Text {
	return checks.Text{
		En: "times are told in UTC: this machine's clock is in UTC and [bot] timezone is not set",
		Ja: "時刻はUTCで表示されます（このマシンがUTCで、[bot] timezone も未設定のため）",
	}
}

func accountWellText(handle string) checks.Text {
	name := checks.QuoteName(handle)
	return checks.Text{En: "the token is taken; the account is " + name, Ja: "トークンは有効です（アカウント: " + name + "）"}
}

func suspendedText() checks.Text {
	return checks.Text{En: "the bot's account is suspended: ask the moderators of its server", Ja: "ボットのアカウントが停止されています。そのサーバーの管理者に相談してください"}
}

func limitedText() checks.Text {
	return checks.Text{
		En: "the bot's account is limited by its server: whoever does not follow it does not see it",
		Ja: "ボットのアカウントがサーバーで制限されています。フォローしていない人には表示されません",
	}
}

func staffText() checks.Text {
	return checks.Text{
		En: "the bot's account may moderate its server: whoever has the token may, too; give it the role of anybody",
		Ja: "ボットのアカウントにモデレーター権限があります。トークンが漏れると危険なので、通常のロールに戻してください",
	}
}

func unmarkedText() checks.Text {
	return checks.Text{
		En: "the account is not marked as a bot: Preferences, Profile, \"This is an automated account\"",
		Ja: "アカウントがボットとして表示されていません（プロフィール編集の「これは自動のアカウントです」）",
	}
}

func scopesText(missing []string) checks.Text {
	list := strings.Join(missing, " ")
	return checks.Text{
		En: "the token lacks scopes: " + list + "; make a new one (sababan init)",
		Ja: "トークンの権限が足りません: " + list + "（sababan init で作り直せます）",
	}
}

func noAdminText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: name + ": the bot's server knows no such account", Ja: name + ": ボットのサーバーに見つかりません"}
}

func selfText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: name + " is the bot itself: it needs an account of its own", Ja: name + " はボット自身です。専用のアカウントが必要です"}
}

func blockedText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: name + " and the bot: one blocks the other; nothing arrives", Ja: name + " とボットの間にブロックがあり、何も届きません"}
}

func notFollowingText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{
		En: name + " does not follow the bot: its messages land among the filtered notifications, without a push",
		Ja: name + " がボットをフォローしていないため、通知がフィルターされて届きません",
	}
}

func adminWellText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: name + " is found and follows the bot", Ja: name + " が見つかり、ボットをフォローしています"}
}

func filterText(why []string) checks.Text {
	list := strings.Join(why, ", ")
	return checks.Text{
		En: "the bot's own notification filter keeps mentions apart (" + list + "); the daemon opens it at its start",
		Ja: "ボット自身の通知フィルターが有効です（" + list + "）。デーモンの起動時に解除されます",
	}
}

func streamWellText() checks.Text {
	return checks.Text{En: "the stream opens: mentions are heard at once", Ja: "ストリーミングに接続できます（メンションはすぐ届きます）"}
}

func streamText(why string) checks.Text {
	t := checks.Text{En: "the stream does not open", Ja: "ストリーミングに接続できません"}
	if why != "" {
		why = checks.Quote(why)
		t.En, t.Ja = t.En+" ("+why+")", t.Ja+"（"+why+"）"
	}
	t.En += ": mentions are heard within a minute"
	t.Ja += "。メンションへの返信が1分ほど遅れます"
	return t
}

func wayWellText(w bot.WayStanding) checks.Text {
	on := checks.On(w.Tested)
	return checks.Text{
		En: "another way out, " + w.Title.En + ": a test got through on " + on,
		Ja: "別の連絡先（" + w.Title.Ja + "）: " + on + "のテストは届いています",
	}
}

func wayFailsText(w bot.WayStanding) checks.Text {
	at, why := checks.At(w.Failed), checks.Quote(w.Why)
	return checks.Text{
		En: "another way out, " + w.Title.En + ": nothing has got through since " + at + " (" + why + ")",
		Ja: "別の連絡先（" + w.Title.Ja + "）: " + at + "から送信できていません（" + why + "）",
	}
}

func wayNotAllText(w bot.WayStanding) checks.Text {
	why := checks.Quote(w.Why)
	return checks.Text{
		En: "another way out, " + w.Title.En + ": it does not reach everybody (" + why + ")",
		Ja: "別の連絡先（" + w.Title.Ja + "）: 一部の宛先に届いていません（" + why + "）",
	}
}

func wayUntriedText(w bot.WayStanding) checks.Text {
	return checks.Text{
		En: "another way out, " + w.Title.En + ": never tried; the daemon sends a test when it starts",
		Ja: "別の連絡先（" + w.Title.Ja + "）: まだ試していません。デーモンの起動時にテストを送ります",
	}
}

func untoldWaysText(n int) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("whether the other ways out work (%d) cannot be told: what is remembered cannot be read", n),
		Ja: fmt.Sprintf("別の連絡先（%d件）が使えるかどうかは確認できません（記録を読めないため）", n),
	}
}

func offlineFallbacksText() checks.Text {
	return checks.Text{
		En: "the other ways out are not used, for offline = true: while the bot's server is down, nothing reaches anybody",
		Ja: "offline = true のため別の連絡先は使われません。ボットのサーバーが落ちている間は何も届きません",
	}
}

func noFallbacksText() checks.Text {
	return checks.Text{
		En: "there is no other way out ([[bot.fallback]]): while the bot's server is down, nothing reaches anybody",
		Ja: "別の連絡先（[[bot.fallback]]）がないため、ボットのサーバーが落ちている間は何も届きません",
	}
}

func stateText(path string, size int64) checks.Text {
	name, room := checks.QuoteName(path), checks.Size(float64(size))
	return checks.Text{En: "the state file " + name + " is sound (" + room.En + ")", Ja: "記録ファイル " + name + " は正常です（" + room.Ja + "）"}
}

func noStateText(path string) checks.Text {
	name := checks.QuoteName(path)
	return checks.Text{En: "there is no state file yet: the daemon makes " + name, Ja: "記録ファイル " + name + " はまだありません（起動時に作られます）"}
}

func closedStateText(path string) checks.Text {
	name := checks.QuoteName(path)
	return checks.Text{En: "the state file " + name + " may not be read by " + whoami(), Ja: "記録ファイル " + name + " を読む権限がありません（" + whoami() + "）"}
}

func stateRoomText(folder string, free uint64) checks.Text {
	name, room := checks.QuoteName(folder), checks.Size(float64(free))
	return checks.Text{
		En: "only " + room.En + " free at " + name + ": what is remembered may soon be kept in memory only",
		Ja: name + " の空きが" + room.Ja + "しかありません。まもなく記録を保存できなくなります",
	}
}

func staleText(path string, at time.Time) checks.Text {
	name, when := checks.QuoteName(path), checks.On(at)
	return checks.Text{
		En: name + " was changed on " + when + ", after it was copied: names or addresses may be old",
		Ja: name + " は写しを作ったあと（" + when + "）に変更されています。名前やアドレスが古い可能性があります",
	}
}

func mountsUnseenText() checks.Text {
	return checks.Text{
		En: "whether something is hidden from the daemon cannot be told without root",
		Ja: "デーモンから見えない場所があるかどうかは、root権限がないと確認できません",
	}
}

func hiddenText(paths []string) checks.Text {
	var names []string
	for _, p := range paths {
		names = append(names, checks.QuoteName(p))
	}
	list := strings.Join(names, ", ")
	return checks.Text{
		En: "the sandbox hides " + list + ": disk and usage do not see it (ProtectHome=read-only, PrivateTmp=no)",
		Ja: "サンドボックスで隠れています: " + list + "。ディスク関連の確認に含まれません（ProtectHome=read-only、PrivateTmp=no）",
	}
}

func mountsWellText() checks.Text {
	return checks.Text{En: "nothing of the disks is hidden", Ja: "隠れているディスクはありません"}
}

func sightText(n int) checks.Text {
	return checks.Text{En: fmt.Sprintf("all %d checks that are set up can see", n), Ja: fmt.Sprintf("設定済みの%d項目はすべて確認できます。ヨシ!", n)}
}
