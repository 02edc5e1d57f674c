package main

import (
	"fmt"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func foundHead() checks.Text {
	return checks.Text{En: "On this machine:", Ja: "このマシンで見つかったもの:"}
}

func notRootText() checks.Text {
	return checks.Text{
		En: "I am not root, so I may not see all of it, and can write only where you can. \"sudo sababan init\" finds the rest by itself.",
		Ja: "rootで実行していないため、見えないものがあります。「sudo sababan init」なら自動で見つけられます。",
	}
}

func replaceQuestion(path string) checks.Text {
	name := checks.QuoteName(path)
	return checks.Text{
		En: name + " exists already. Write a new one? The old one is kept beside it. (yes/no)",
		Ja: name + " はすでにあります。新しく作りますか？ 元のファイルは日付を付けて残します。(yes/no)",
	}
}

func domainQuestion() checks.Text {
	return checks.Text{En: "Which Mastodon do I watch? Its public name:", Ja: "見守るMastodonの公開名は？"}
}

func elsewhereText() checks.Text {
	return checks.Text{
		En: "\nThe bot needs an account of its own. Best on another server than the watched one: it cannot tell you that its own server is down.\n" +
			"(On the same one it works too; then give it another way out below.)",
		Ja: "\nボット専用のアカウントが必要です。見守るサーバーとは別のサーバーに置くのがおすすめです（自分のサーバーが落ちると知らせられないため）。\n" +
			"同じサーバーでも使えますが、その場合はあとで別の連絡先も設定してください。",
	}
}

func serverQuestion() checks.Text {
	return checks.Text{En: "Where does the bot's account live?", Ja: "ボットのアカウントがあるサーバーは？"}
}

// accountText says how the account is made where there is none.
func accountText(server string, tootctl checks.Shell) checks.Text {
	page := server + "/auth/sign_up"
	if len(tootctl) == 0 {
		return checks.Text{
			En: "\nIf it has no account yet, make one now: " + page,
			Ja: "\nまだアカウントがなければ、ここで作ってください: " + page,
		}
	}
	return checks.Text{
		En: "\nIf it has no account yet, make one now (in another terminal); the password is printed:\n  " + tootctl.String() + "\nor by its sign-up page: " + page,
		Ja: "\nまだアカウントがなければ、別のターミナルで作ってください（パスワードが表示されます）。\n  " + tootctl.String() + "\nまたは登録ページで: " + page,
	}
}

func howToken() checks.Text {
	return checks.Text{
		En: "Let the bot in by your browser (1), or paste a token that you made under Settings, Development (2)?",
		Ja: "ブラウザで許可しますか（1）、それとも「設定 → 開発」で作ったトークンを貼り付けますか（2）？",
	}
}

func openPageText(page string) checks.Text {
	return checks.Text{
		En: "\nOpen this page, signed in AS THE BOT (a private window helps), and allow it:\n  " + page,
		Ja: "\n【ボットのアカウントで】ログインした状態で次のページを開き、許可してください（シークレットウィンドウが便利です）。\n  " + page,
	}
}

func codeQuestion() checks.Text {
	return checks.Text{En: "The code that it shows:", Ja: "表示されたコード:"}
}

func pasteQuestion() checks.Text {
	return checks.Text{En: "The token (it is not shown):", Ja: "トークン（画面には出ません）:"}
}

func meText(handle, server string) checks.Text {
	name := checks.QuoteName(handle)
	return checks.Text{En: "The bot is " + name + " on " + server + ".", Ja: "ボットは " + server + " の " + name + " です。"}
}

func adminQuestion(n int) checks.Text {
	if n == 0 {
		return checks.Text{En: "\nWho is told, and may ask? Your own account (alice@example.social):", Ja: "\n知らせる相手（質問もできる人）のアカウントは？ 例: alice@example.social:"}
	}
	return checks.Text{En: "Another one? (Enter: no more)", Ja: "ほかには？（なければEnter）"}
}

func languageQuestion() checks.Text {
	return checks.Text{En: "Which language does the bot speak unasked, en or ja?", Ja: "ボットからの通知の言語は？（en／ja）"}
}

func zoneQuestion() checks.Text {
	return checks.Text{En: "Which time zone?", Ja: "タイムゾーンは？"}
}

func fallbackText() checks.Text {
	return checks.Text{
		En: "\nOne more way to reach you, for when the bot's server is down: mail by a relay that is not Mastodon's, ntfy, Matrix, Discord, Slack, a web-hook,\n" +
			"or an account elsewhere. The forms of the address are in config.example.toml.",
		Ja: "\nボットのサーバーが落ちたときの、もう一つの連絡先です。Mastodonとは別の中継サーバー経由のメール、ntfy、Matrix、Discord、Slack、Webhook、\n" +
			"別サーバーのアカウントが使えます（書き方は config.example.toml）。",
	}
}

func fallbackQuestion() checks.Text {
	return checks.Text{En: "Its address:", Ja: "そのアドレス:"}
}

func noFallbackText() checks.Text {
	return checks.Text{
		En: "No other way out was given (--fallback): while the bot's server is down, nothing reaches anybody.",
		Ja: "別の連絡先（--fallback）がないため、ボットのサーバーが落ちている間は何も届きません。",
	}
}

func markBotText() checks.Text {
	return checks.Text{En: "marked the account as a bot", Ja: "アカウントをボットとして表示"}
}

func followText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: "followed " + name, Ja: name + " をフォロー"}
}

func doorText() checks.Text {
	return checks.Text{En: "open the bot's own notification filter", Ja: "ボット自身の通知フィルターの解除"}
}

func listenText() checks.Text {
	return checks.Text{En: "read the bot's notifications", Ja: "ボットへの通知の読み取り"}
}

func sendText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: "send a message to " + name, Ja: name + " への送信"}
}

func didText(what checks.Text) checks.Text {
	return checks.Text{En: "Done: " + what.En, Ja: "完了: " + what.Ja}
}

func couldNot(what checks.Text, err error) checks.Text {
	why := checks.Quote(err.Error())
	return checks.Text{En: "Not done: " + what.En + " (" + why + ")", Ja: "できませんでした: " + what.Ja + "（" + why + "）"}
}

func wroteText(path, aside string) checks.Text {
	t := checks.Text{En: "Written: " + checks.QuoteName(path), Ja: "書き込みました: " + checks.QuoteName(path)}
	if aside != "" {
		t.En += " (the old one is now " + checks.QuoteName(aside) + ")"
		t.Ja += "（元のファイルは " + checks.QuoteName(aside) + "）"
	}
	return t
}

func copiedText() checks.Text {
	reload := checks.Sh("sudo", "systemctl", "reload", "sababan").String()
	return checks.Text{En: "Take it up: " + reload, Ja: "反映するには: " + reload}
}

func userText() checks.Text {
	add := checks.Sh("sudo", "useradd", "--system", "--home-dir", "/var/lib/sababan", "--shell", "/usr/sbin/nologin", site.Role).String()
	return checks.Text{
		En: "\nThere is no system user " + site.Role + " yet (the package makes one). By hand:\n" + add,
		Ja: "\nシステムユーザー " + site.Role + " がまだありません（パッケージなら自動で作られます）。手動なら:\n" + add,
	}
}

func certificatesText() checks.Text {
	return checks.Text{
		En: "\nThese let it see the certificates, and no private key:",
		Ja: "\n次のコマンドで証明書の閲覧だけを許可できます（秘密鍵は読めません）。",
	}
}

func grantedQuestion() checks.Text {
	return checks.Text{
		En: "\nRun what you like of it in another terminal. Enter: I look whether it works; any word: later.",
		Ja: "\n必要なものを別のターミナルで実行してください。Enterで確認、あとにするなら何か入力:",
	}
}

func readsText(what string, err error) checks.Text {
	if err == nil {
		return checks.Text{En: what + ": can be read", Ja: what + ": 読み取れます"}
	}
	why, advice := checks.Explain(err)
	t := checks.Text{En: what + ": " + why.En, Ja: what + ": " + why.Ja}
	if !advice.Text.Empty() {
		t = checks.Lines(t, checks.Text{En: "  " + advice.Text.En, Ja: "  " + advice.Text.Ja})
	}
	return t
}

func followMeText(account, bot, page string) checks.Text {
	name, me, url := checks.QuoteName(account), checks.QuoteName(bot), checks.Quote(page)
	return checks.Text{
		En: fmt.Sprintf("\nNow follow the bot from %s, else its messages land among your filtered notifications: %s (%s)", name, me, url),
		Ja: fmt.Sprintf("\n%s からボットをフォローしてください。しないと通知がフィルターされて届きません: %s（%s）", name, me, url),
	}
}

func notFollowedText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: name + " does not follow the bot yet.", Ja: name + " はまだボットをフォローしていません。"}
}

// firstMessage is the first that an admin gets.
func firstMessage(domain string) checks.Text {
	return checks.Text{
		En: "This is sababan. From here I tell you what " + domain + " needs, and nothing while all is well.\nPlease answer with any word, so that I know that both ways work.",
		Ja: "sababanです。これから " + domain + " を見守り、手が必要なときだけここでお知らせします。\n何か一言返信してください。お互いに届くことを確かめられます。",
	}
}

func sentText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: "Sent: a first message to " + name + ". Please answer it.", Ja: name + " に最初のメッセージを送りました。返信してみてください。"}
}

func noAnswerText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{
		En: "No answer came from " + name + ". Look among the filtered notifications; \"sababan doctor\" tells more.",
		Ja: name + " からの返信は届きませんでした。フィルターされた通知を確認してください（詳しくは sababan doctor）。",
	}
}

// heardMessage answers the first words of an admin.
func heardMessage() checks.Text {
	return checks.Text{En: "I hear you. Ask \"status\" or \"help\" whenever you like.", Ja: "届きました。「状態」「ヘルプ」でいつでも聞いてください。"}
}

func bothWaysText(account string) checks.Text {
	name := checks.QuoteName(account)
	return checks.Text{En: name + " answered: both ways work.", Ja: name + " からの返信が届きました。お互いに届いています。ヨシ!"}
}

func doneText(path, usual string) checks.Text {
	start := checks.Sh("sudo", "systemctl", "enable", "--now", "sababan").String()
	look := checks.Sh("sudo", "sababan", "check")
	if path != usual {
		look = checks.Sh("sudo", "sababan", "check", "--config", path)
	}
	return checks.Text{
		En: "\nAll set. Look once: " + look.String() + "\nStart it: " + start,
		Ja: "\n準備ができました。まず一度確認: " + look.String() + "\n起動: " + start,
	}
}
