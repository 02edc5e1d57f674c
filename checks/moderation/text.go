package moderation

import (
	"fmt"
	"math"
	"time"

	"github.com/sababan/sababan/checks"
)

// counted is a number of things; one is without its "s".
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func atLeast(capped bool, t checks.Text) checks.Text {
	if !capped {
		return t
	}
	return checks.Text{En: "at least " + t.En, Ja: t.Ja + "以上"}
}

func textSignups(st state, oldest time.Duration) checks.Text {
	n, a := st.signups.count, checks.Span(oldest)
	many := atLeast(st.capped, checks.Text{En: counted(n, "sign-up waits", "sign-ups wait"), Ja: fmt.Sprintf("%d件", n)})
	return checks.Text{
		En: many.En + " for approval, the oldest for " + a.En + "\nWho waits has confirmed the address and cannot sign in until somebody decides.",
		Ja: "登録申請 " + many.Ja + "が承認待ちです（最も古いもので" + a.Ja + "）\nメール確認は済んでいますが、承認されるまでログインできません。",
	}
}

func adviceSignups(domain string) checks.Advice {
	return open("https://"+domain+"/admin/accounts?status=pending", "")
}

// open says at which page something is done.
func open(page, _ string) checks.Advice {
	return checks.Advice{Text: checks.Text{En: "Decide at " + page, Ja: page + " で対応できます。"}}
}

func textReports(st state, oldest, oldestLocal time.Duration) checks.Text {
	n, a := st.reports.count, checks.Span(oldest)
	many := atLeast(st.capped, checks.Text{En: counted(n, "report is open", "reports are open"), Ja: fmt.Sprintf("%d件", n)})
	t := checks.Text{
		En: many.En + ", the oldest for " + a.En,
		Ja: "未対応の通報が" + many.Ja + "あります（最も古いもので" + a.Ja + "）",
	}
	if l := st.localReports.count; l > 0 && l < n {
		s := checks.Span(oldestLocal)
		t = checks.Lines(t, checks.Text{
			En: fmt.Sprintf("%d of them by people of this server, the oldest for %s.", l, s.En),
			Ja: fmt.Sprintf("うち%d件はこのサーバーの利用者から（最も古いもので%s）です。", l, s.Ja),
		})
	} else if l == n && n == 1 {
		t = checks.Lines(t, checks.Text{En: "It was made by somebody of this server.", Ja: "このサーバーの利用者からの通報です。"})
	} else if l == n && n > 0 {
		t = checks.Lines(t, checks.Text{En: "All by people of this server.", Ja: "すべてこのサーバーの利用者からです。"})
	}
	if u := st.unassigned; u > 0 {
		t = checks.Lines(t, checks.Text{En: fmt.Sprintf("Nobody has taken %d of them.", u), Ja: fmt.Sprintf("担当者が決まっていないもの: %d件", u)})
	}
	return t
}

func adviceReports(domain string) checks.Advice {
	return open("https://"+domain+"/admin/reports", "")
}

func textAppeals(n int, oldest time.Duration) checks.Text {
	a := checks.Span(oldest)
	return checks.Text{
		En: counted(n, "appeal waits", "appeals wait") + " for an answer, the oldest for " + a.En,
		Ja: fmt.Sprintf("異議申し立て %d件が未回答です（最も古いもので%s）", n, a.Ja),
	}
}

func adviceAppeals(domain string) checks.Advice {
	return open("https://"+domain+"/admin/disputes/appeals?status=pending", "")
}

// textBurst says how many came, and what they share, as numbers.
func textBurst(w wave, usual float64) checks.Text {
	u := int(math.Round(usual))
	t := checks.Text{
		En: fmt.Sprintf("%s in the last hour (usually %d)", counted(w.count, "sign-up", "sign-ups"), u),
		Ja: fmt.Sprintf("この1時間の新規登録が%d件あります（普段%d件）", w.count, u),
	}
	share := func(n int, en, ja string) {
		if n > 1 && n*2 >= w.count {
			t = checks.Lines(t, checks.Text{En: fmt.Sprintf("%d of them "+en+".", n), Ja: fmt.Sprintf("うち%d件は"+ja+"です。", n)})
		}
	}
	share(w.sameNetwork, "from one network", "同じネットワークから")
	share(w.sameApp, "made by one app", "同じアプリから")
	share(w.sameGuest, "by one invitation", "同じ招待リンクから")
	return checks.Lines(t, checks.Text{
		En: fmt.Sprintf("%d have confirmed their address.", w.confirmed),
		Ja: fmt.Sprintf("メール確認済みは%d件です。", w.confirmed),
	})
}

func adviceBurst(domain string) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "If these are not people: let sign-ups wait for approval at https://" + domain + "/admin/settings/registrations, and block the network at https://" + domain + "/admin/ip_blocks",
		Ja: "スパムの場合は、https://" + domain + "/admin/settings/registrations で承認制に切り替え、https://" + domain + "/admin/ip_blocks でネットワークを制限できます。",
	}}
}

func textTalker(t talker) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("a new account has mentioned %d strangers in an hour\nNone of them follows it. Spam often begins like this.", t.many),
		Ja: fmt.Sprintf("新しいアカウントが、1時間に%d人の知らない相手へメンションしています\n相手は誰もフォローしていません。スパムによくある動きです。", t.many),
	}
}

func adviceTalker(domain string, id int64) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: fmt.Sprintf("Look at https://%s/admin/accounts/%d", domain, id),
		Ja: fmt.Sprintf("https://%s/admin/accounts/%d で確認できます。", domain, id),
	}}
}

// textFlipped says whether Mastodon itself did it, as far as that can be told.
func textFlipped(st state, now time.Time) checks.Text {
	t := checks.Text{
		En: "registrations were switched from open to approval at " + checks.At(st.flippedAt),
		Ja: "新規登録が、承認制に切り替わりました（" + checks.At(st.flippedAt) + "）",
	}
	if !st.attended.IsZero() && st.flippedAt.Sub(st.attended) > flipAfter {
		s := checks.Span(now.Sub(st.attended))
		return checks.Lines(t, checks.Text{
			En: "Probably Mastodon did it by itself: no moderator has signed in for " + s.En + ".",
			Ja: "モデレーターが" + s.Ja + "ログインしていないため、Mastodonが自動で切り替えたようです。",
		})
	}
	return checks.Lines(t, checks.Text{
		En: "An admin did it, or Mastodon by itself when no moderator had signed in for a week.",
		Ja: "管理者による変更か、モデレーターが1週間ログインしなかったための自動切り替えです。",
	})
}

func adviceFlipped(domain string) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "From now on sign-ups wait for you. To change it back: https://" + domain + "/admin/settings/registrations",
		Ja: "以後の登録は承認待ちになります。元に戻すには https://" + domain + "/admin/settings/registrations です。",
	}}
}

func textUnattended(st state, now time.Time) checks.Text {
	s := checks.Span(now.Sub(st.attended))
	return checks.Text{
		En: "no moderator has signed in for " + s.En + "\nAfter a week Mastodon closes open registrations by itself: sign-ups will wait for approval.",
		Ja: "モデレーターが" + s.Ja + "ログインしていません\n1週間たつと、Mastodonが新規登録を自動で承認制に切り替えます。",
	}
}

func adviceUnattended() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Let somebody who may handle reports sign in, on the web or in an app.",
		Ja: "通報を扱える役割の人が、Webかアプリでログインしてください。",
	}}
}

func textPartial() checks.Text {
	return checks.Text{
		En: "appeals and waves of sign-ups are seen only in the database",
		Ja: "異議申し立てと登録の急増は、データベースでしか確認できません",
	}
}

func advicePartial() checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "This prints the lines that give the right:", Ja: "権限を与える設定は、次のコマンドで表示されます。"},
		Look: checks.Sh("sudo", "sababan", "check", "--verbose"),
	}
}

// textSummary is the one line.
func textSummary(st state, now time.Time) checks.Text {
	wait := func(q queue) checks.Text {
		if q.count == 0 || q.oldest.IsZero() {
			return checks.Text{}
		}
		s := checks.Span(now.Sub(q.oldest))
		return checks.Text{En: " (oldest " + s.En + ")", Ja: "（最古" + s.Ja + "）"}
	}
	su, re := wait(st.signups), wait(st.reports)
	t := checks.Text{
		En: counted(st.signups.count, "sign-up waits", "sign-ups wait") + su.En + ", " + counted(st.reports.count, "report", "reports") + " open" + re.En,
		Ja: fmt.Sprintf("承認待ち%d件%s、未対応の通報%d件%s", st.signups.count, su.Ja, st.reports.count, re.Ja),
	}
	if st.partial {
		return t
	}
	ap := wait(st.appeals)
	t.En += ", " + counted(st.appeals.count, "appeal", "appeals") + ap.En
	t.Ja += fmt.Sprintf("、異議申し立て%d件%s", st.appeals.count, ap.Ja)
	if st.trends > 0 {
		t.En += ", " + counted(st.trends, "trend", "trends") + " to review"
		t.Ja += fmt.Sprintf("、トレンドの確認待ち%d件", st.trends)
	}
	t.En += fmt.Sprintf("; %s in the last hour", counted(st.hour.count, "sign-up", "sign-ups"))
	t.Ja += fmt.Sprintf("。この1時間の登録%d件", st.hour.count)
	if st.usualKnown {
		t.En += fmt.Sprintf(" (usually %d)", int(math.Round(st.usual.Mid)))
		t.Ja += fmt.Sprintf("（普段%d件）", int(math.Round(st.usual.Mid)))
	}
	return t
}

func textForbidden() checks.Text {
	return checks.Text{
		En: "the token in [server] token_file may not read sign-ups and reports",
		Ja: "[server] token_file のトークンに、登録申請と通報を読む権限がありません",
	}
}

func textRevoked() checks.Text {
	return checks.Text{
		En: "the server does not know the token in [server] token_file any more",
		Ja: "[server] token_file のトークンが無効になっています",
	}
}

func adviceForbidden() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Better than any token is the read-only database role: sababan check --verbose prints it. Else the token needs admin:read:accounts and admin:read:reports, of an account whose role may manage users and reports.",
		Ja: "トークンより、読み取り専用のデータベースロールをお勧めします（sababan check --verbose で表示）。トークンを使う場合は、admin:read:accountsとadmin:read:reportsの許可と、ユーザー管理・通報管理ができる役割が必要です。",
	}}
}

func textNoAnswer() checks.Text {
	return checks.Text{
		En: "the admin API does not answer; the check of the instance API says why",
		Ja: "管理用APIの応答がありません（理由はインスタンスAPIのチェックに出ます）",
	}
}
