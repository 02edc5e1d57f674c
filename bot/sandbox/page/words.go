package page

import "github.com/sababan/sababan/bot/sandbox"

// words are all that the page says by itself, in one language.
type words struct {
	Lang, Title, Place, Skip, Dark, Light                 string
	Write, Label, Hint, Send, Phrases                     string
	Answering, NotAnswering, Answer                       string
	Breaking, Explained, WhenIll, Break, Mend, Ill, Well  string
	Conversation, Nothing, Automated, You, Says           string
	More, NoAlt, NoAltLong, Picture, OtherFiles, ShowText string
	Connecting, Connected, Lost, NotSent, NoScripts       string
	Refused, NoSuchPage, NothingToSay, TooMany            string
	Clock                                                 string // for time.Format
	Visibility                                            map[string]string
}

func wordsIn(lang string) words {
	if lang == "ja" {
		return japanese()
	}
	return english()
}

func english() words {
	return words{
		Lang: "en", Title: "Trying sababan", Place: "A Mastodon in memory, on this machine only",
		Skip: "Skip to the conversation", Dark: "Dark colours", Light: "Light colours",
		Write: "Write as the admin", Label: "Message to", Hint: "Ctrl + Enter sends it.", Send: "Send", Phrases: "Or just say:",
		Answering: "In reply to:", NotAnswering: "Cancel reply", Answer: "Reply",
		Breaking: "Break and mend", Explained: "What is broken is noticed within seconds and told as an alert; what is mended, too. Nothing on this machine is changed.", WhenIll: "When broken:",
		Break: "Break", Mend: "Mend", Ill: "broken", Well: "fine",
		Conversation: "Conversation", Nothing: "Nothing has been said yet. The first message comes in a few seconds.",
		Automated: "Automated", You: "You", Says: "New from",
		More: "Show more", NoAlt: "none", NoAltLong: "A picture without a description", Picture: "Description:", OtherFiles: "Attached files that cannot be shown here:", ShowText: "Content warning:",
		Connecting: "Connecting …", Connected: "Connected",
		Lost:    "The connection is lost; trying again. If sababan try has ended, start it again and open the new address.",
		NotSent: "That could not be done:", NoScripts: "This page needs JavaScript, which comes from this machine only.",
		Refused:    "Refused. Open the address that sababan try printed by typing or pasting it.",
		NoSuchPage: "There is nothing here. Open the whole address that sababan try printed.",
		Clock:      "2 Jan 15:04:05", NothingToSay: "there is no text", TooMany: "too many browsers look at once",
		Visibility: map[string]string{
			sandbox.Direct: "Private mention", sandbox.Private: "Followers", sandbox.Unlisted: "Quiet public", sandbox.Public: "Public",
		},
	}
}

func japanese() words {
	return words{
		Lang: "ja", Title: "sababan お試し", Place: "このマシンの中だけで動く、メモリ上のMastodon",
		Skip: "会話へ移動", Dark: "暗い配色にする", Light: "明るい配色にする",
		Write: "管理者として書く", Label: "宛先", Hint: "Ctrl + Enter で送信します。", Send: "送信", Phrases: "すぐに送る:",
		Answering: "返信先:", NotAnswering: "返信をやめる", Answer: "返信",
		Breaking: "壊す・元に戻す", Explained: "壊すと数秒で検知し、お知らせが届きます。元に戻したときも届きます。このマシンの設定やファイルは変わりません。", WhenIll: "壊すと:",
		Break: "壊す", Mend: "元に戻す", Ill: "故障中", Well: "正常",
		Conversation: "会話", Nothing: "まだ何もありません。数秒で最初のメッセージが届きます。",
		Automated: "自動", You: "あなた", Says: "新着:",
		More: "もっと見る", NoAlt: "なし", NoAltLong: "説明のない画像", Picture: "画像の説明:", OtherFiles: "ここでは表示できない添付ファイル:", ShowText: "閲覧注意:",
		Connecting: "接続しています…", Connected: "接続中",
		Lost:    "接続が切れました。つなぎ直しています。sababan try を終えた場合は、もう一度起動して、新しく表示されるアドレスを開いてください。",
		NotSent: "できませんでした:", NoScripts: "このページにはJavaScriptが必要です（このマシンから読み込まれるものだけを使います）。",
		Refused:    "開けません。sababan try が表示したアドレスを、入力するか貼り付けて開いてください。",
		NoSuchPage: "ここには何もありません。sababan try が表示したアドレスを、最後まで入力してください。",
		Clock:      "1/2 15:04:05", NothingToSay: "本文がありません", TooMany: "同時に開いているブラウザが多すぎます",
		Visibility: map[string]string{
			sandbox.Direct: "非公開の返信", sandbox.Private: "フォロワー", sandbox.Unlisted: "ひかえめな公開", sandbox.Public: "公開",
		},
	}
}
