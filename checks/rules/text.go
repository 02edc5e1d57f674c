package rules

import (
	"fmt"
	"strings"

	"github.com/sababan/sababan/checks"
)

func textNone() checks.Text {
	return checks.Text{
		En: "no server rules are written\nNewcomers see none when they sign up, and reports cannot name one.",
		Ja: "サーバーのルールが設定されていません\n登録画面に表示されず、通報でルール違反を選ぶこともできません。",
	}
}

func adviceNone(domain string) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Write them at https://" + domain + "/admin/rules",
		Ja: "https://" + domain + "/admin/rules で設定できます。",
	}}
}

// textUntranslated says how many rules cannot be read in a language.
func textUntranslated(language string, lacks, all int) checks.Text {
	l := checks.Said(language)
	if lacks == all {
		return checks.Text{
			En: fmt.Sprintf("the server's rules have no translation into %s\nWhoever reads the server in that language sees them as they were written.", l.En),
			Ja: fmt.Sprintf("サーバーのルールに%sの翻訳がありません\nその言語の利用者には原文のまま表示されます。", l.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%d of %d server rules have no translation into %s\nWhoever reads the server in that language sees those as they were written.", lacks, all, l.En),
		Ja: fmt.Sprintf("サーバーのルール%d件中%d件に%sの翻訳がありません\nその言語の利用者には原文のまま表示されます。", all, lacks, l.Ja),
	}
}

func adviceTranslate(domain string) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Each rule has its translations at https://" + domain + "/admin/rules",
		Ja: "翻訳は https://" + domain + "/admin/rules の各ルールの編集画面で追加できます。",
	}}
}

func textSummary(n int, languages []string) checks.Text {
	t := checks.Text{En: fmt.Sprintf("%d rules", n), Ja: fmt.Sprintf("%d件", n)}
	if n == 1 {
		t.En = "1 rule"
	}
	if len(languages) > 0 {
		t.En += ", translated into " + strings.Join(languages, ", ")
		t.Ja += "（翻訳: " + strings.Join(languages, "、") + "）"
	}
	return t
}

func textClosed() checks.Text {
	return checks.Text{
		En: "the server shows its rules only to those signed in",
		Ja: "ログインしていないとルールを読めない設定です",
	}
}

func textNoAnswer() checks.Text {
	return checks.Text{
		En: "the server does not tell what it is; the check of the instance API says why",
		Ja: "サーバー情報を取得できません（理由はインスタンスAPIのチェックに出ます）",
	}
}
