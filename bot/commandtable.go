package bot

import "github.com/sababan/sababan/checks"

// asking are the commands that change nothing.
func (b *Bot) asking() []command {
	return []command{
		{
			name: "status",
			words: checks.Words{
				En: []string{"state", "ok", "okay", "alive", "what's up", "what is up", "down", "problem", "problems", "news", "well"},
				Ja: []string{"状態", "状況", "稼働状況", "調子どう", "調子", "対応状況", "ステータス", "元気", "大丈夫", "異常", "異常ない", "問題", "問題ない", "様子", "落ちてる", "落ちて", "生きてる"},
			},
			usage:  checks.Text{En: "status", Ja: "状態"},
			help:   checks.Text{En: "everything in brief, worst first", Ja: "全体の様子を、悪いものから順に"},
			answer: b.status,
		},
		{
			name: "check",
			words: checks.Words{
				En: []string{"look", "test"},
				Ja: []string{"確認", "チェック", "調べて", "調べ", "見て", "みて"},
			},
			usage:  checks.Text{En: "check NAME …, check all", Ja: "確認 ○○、確認 全部"},
			help:   checks.Text{En: "looks now and says what it sees", Ja: "いますぐ確認して結果を返します"},
			answer: b.check,
		},
		{
			name: "recheck",
			words: checks.Words{
				En: []string{"again", "done", "fixed"},
				Ja: []string{"再チェック", "再確認", "もう一度", "もういちど", "対応済み", "対応済", "直した", "直しました", "直りました"},
			},
			usage:  checks.Text{En: "recheck, recheck 12", Ja: "もう一度、もう一度 12"},
			help:   checks.Text{En: "looks again at what is not well, or at one of it", Ja: "正常でないもの（または指定したもの）をもう一度確認します"},
			answer: b.recheck,
		},
		{
			name: "why",
			words: checks.Words{
				En: []string{"detail", "details", "explain", "more"},
				Ja: []string{"詳しく", "くわしく", "詳細", "なぜ", "何故", "どうして", "理由"},
			},
			usage: checks.Text{En: "why 12, detail NAME", Ja: "詳しく 12、詳しく ○○"},
			help: checks.Text{
				En: "all that is known: since when, the numbers, what changed just before, who was told, what to do",
				Ja: "わかっていること全部（いつから、数値、直前の変化、誰に伝えたか、対処）",
			},
			answer: b.why,
		},
		{
			name: "history",
			words: checks.Words{
				En: []string{"past", "log"},
				Ja: []string{"履歴", "これまで", "過去", "経緯"},
			},
			usage:  checks.Text{En: "history, history NAME", Ja: "履歴、履歴 ○○"},
			help:   checks.Text{En: "when, how long and how often; what admins did", Ja: "いつ、どれくらい、何回あったか、管理者が何をしたか"},
			answer: b.history,
		},
		{
			name: "graph", ownWords: true,
			words: checks.Words{
				En: []string{"chart", "plot", "picture", "graphs"},
				Ja: []string{"グラフ", "推移", "チャート"},
			},
			usage: checks.Text{En: "graph NAME [30d]", Ja: "グラフ ○○［30日］"},
			help:  checks.Text{En: "a picture of its numbers, with what is usual", Ja: "数値の推移と普段の範囲を画像で"},
			more: checks.Text{
				En: "A week where nothing is said, at most 400 days. \"graph disk /srv\" or \"graph disk available\" picks one of several.",
				Ja: "指定がなければ1週間、最長400日です。「グラフ ディスク /srv」のように対象を選べます。",
			},
			answer: b.graph,
		},
		{
			name: "normal",
			words: checks.Words{
				En: []string{"usual", "usually", "numbers", "figures"},
				Ja: []string{"普段", "ふだん", "平常値", "平常", "通常", "数値"},
			},
			usage:  checks.Text{En: "normal NAME", Ja: "普段 ○○"},
			help:   checks.Text{En: "the numbers of this server, and what is usual", Ja: "このサーバーの数値と普段の範囲"},
			answer: b.normal,
		},
		{
			name: "quiet",
			words: checks.Words{
				En: []string{"silent", "silence"},
				Ja: []string{"静か", "静かに", "静かな", "黙って", "何も言わない", "通知がない", "通知が来ない"},
			},
			usage: checks.Text{En: "why quiet", Ja: "なぜ静か"},
			help: checks.Text{
				En: "for each check when it looked, what it saw and what would make it speak; who is told, and whether that works",
				Ja: "各項目をいつ確認し、何が見え、何があれば知らせるか。誰に届くか",
			},
			answer: b.quiet,
		},
		{
			name:   "version",
			words:  checks.Words{Ja: []string{"バージョン", "版"}},
			usage:  checks.Text{En: "version", Ja: "バージョン"},
			help:   checks.Text{En: "of sababan itself", Ja: "sababan自身のバージョン"},
			answer: b.version,
		},
		{
			name: "help",
			words: checks.Words{
				En: []string{"commands", "manual"},
				Ja: []string{"ヘルプ", "使い方", "つかいかた", "使いかた", "何ができる", "コマンド", "助けて"},
			},
			usage:  checks.Text{En: "help, help COMMAND", Ja: "ヘルプ、ヘルプ ○○"},
			help:   checks.Text{En: "this, or more about one command", Ja: "この説明、または一つの詳しい説明"},
			answer: b.help,
		},
	}
}

// changing are the commands that change something; each is written down.
func (b *Bot) changing() []command {
	return []command{
		{
			name: "ack", ownWords: true,
			words: checks.Words{
				En: []string{"acknowledge", "mine", "take", "taking"},
				Ja: []string{"対応します", "対応する", "対応中", "対応開始", "対応", "見ます", "担当します", "やります", "引き受けます"},
			},
			usage: checks.Text{En: "ack 12 [note]", Ja: "対応します 12［メモ］"},
			help:  checks.Text{En: "you are on it: no more reminders, the others are told", Ja: "自分が対応する。催促が止まり、ほかの管理者にも伝わります"},
			more: checks.Text{
				En: "It holds until it is over, gets worse, or 7 days have passed; \"unack 12\" takes it back.",
				Ja: "解消するか、悪化するか、7日たつまで有効です。取り消しは「対応取消 12」。",
			},
			answer: b.ack,
		},
		{
			name: "unack", ownWords: true,
			words: checks.Words{
				En: []string{"drop"},
				Ja: []string{"対応取消", "対応取り消し", "対応やめます", "対応をやめます", "対応できません", "対応しません"},
			},
			usage:  checks.Text{En: "unack 12", Ja: "対応取消 12"},
			help:   checks.Text{En: "you are not on it any more", Ja: "対応をやめる"},
			answer: b.unack,
		},
		{
			name: "snooze", ownWords: true,
			words: checks.Words{
				En: []string{"later", "mute", "postpone"},
				Ja: []string{"あとで", "後で", "保留", "スヌーズ", "後回し"},
			},
			usage: checks.Text{En: "snooze 12|NAME 3d [note], snooze 12 until monday 09:00", Ja: "あとで 12 3日［メモ］、あとで ○○ 月曜の朝まで"},
			help:  checks.Text{En: "silence until then, unless it gets worse", Ja: "それまで知らせない（悪化したときは知らせます）"},
			more: checks.Text{
				En: "At most 30 days, and a day for what is down now; it comes back by itself.",
				Ja: "最長30日、今まさに止まっているものは1日まで。期限が来ると自動で再開します。",
			},
			answer: b.snooze,
		},
		{
			name: "unsnooze", ownWords: true,
			words: checks.Words{
				En: []string{"unmute", "wake"},
				Ja: []string{"保留解除", "保留取消", "スヌーズ解除", "あとで解除", "あとで取消", "既知解除", "既知取消"},
			},
			usage:  checks.Text{En: "unsnooze 12|NAME|all", Ja: "保留解除 12"},
			help:   checks.Text{En: "ends the silence now, of what is known too", Ja: "保留や既知をやめる"},
			answer: b.unsnooze,
		},
		{
			name:  "known",
			words: checks.Words{En: []string{"accepted", "aware"}, Ja: []string{"既知", "承知済み", "承知しています", "把握済み", "把握しています"}},
			usage: checks.Text{En: "known all, known 12", Ja: "全部 既知、既知 12"},
			help: checks.Text{
				En: "puts what is not urgent out of the way; it stays in the weekly digest",
				Ja: "急がないものを片づける（週1回のまとめには残ります）",
			},
			answer: b.known,
		},
		{
			name: "maintenance", ownWords: true,
			words: checks.Words{
				En: []string{"maint"},
				Ja: []string{"メンテナンス", "メンテ", "メンテ開始", "メンテ終了", "メンテ明け"},
			},
			usage: checks.Text{En: "maintenance 2h [note], maintenance off", Ja: "メンテ 2時間［メモ］、メンテ終了"},
			help: checks.Text{
				En: "nothing is sent but what needs action and was not to be expected; at the end one message of how all stands",
				Ja: "想定外の重大な異常だけを知らせ、終了時に全体の様子をまとめて知らせます",
			},
			more:   checks.Text{En: "An hour where nothing is said, at most 12.", Ja: "指定がなければ1時間、最長12時間です。"},
			answer: b.maintenance,
		},
		{
			name: "summary", ownWords: true,
			words: checks.Words{
				En: []string{"weekly", "weekly summary", "this week"},
				Ja: []string{"まとめ", "今週のまとめ", "週報", "週のまとめ", "公開まとめ"},
			},
			usage: checks.Text{En: "summary, summary on|off", Ja: "まとめ、まとめ オン／オフ"},
			help: checks.Text{
				En: "the weekly public post as it would be now; on: it is posted every week",
				Ja: "週1回の公開まとめの見本。オンにすると毎週投稿します",
			},
			more: checks.Text{
				En: "It tells interruptions, response times and how many servers were heard from, and nothing else. It is off until an admin has seen it and said \"summary on\".",
				Ja: "載るのは停止、応答時間、やりとりしたサーバー数だけです。管理者が見本を見て「まとめ オン」と返信するまで投稿しません。",
			},
			answer: b.summary,
		},
	}
}
