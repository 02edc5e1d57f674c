package mail

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// shownLimit keeps a name from filling a headline (own).
const shownLimit = 45

func shown(name string) checks.Text { return checks.Named(name, shownLimit) }

func textNoTime() checks.Text {
	return checks.Text{En: "no time was left to look", Ja: "確認する時間が残っていませんでした"}
}

func textNothingSeen() checks.Text {
	return checks.Text{
		En: "nothing of the mail could be looked at",
		Ja: "メールについて確認できるものがありませんでした",
	}
}

func textOffline() checks.Text {
	return checks.Text{
		En: "offline = true: nobody outside is asked",
		Ja: "offline = true のため、外部には問い合わせていません",
	}
}

// harm is what people notice when no mail leaves.
func harm() checks.Text {
	return checks.Text{
		En: "Confirmations of sign-ups, password resets and security codes do not reach people.",
		Ja: "登録の確認メール、パスワード再設定、ログイン時のセキュリティコードが届きません。",
	}
}

func mails(n int64) checks.Text {
	t := checks.Number(n)
	if n == 1 {
		return checks.Text{En: "1 mail", Ja: "1通"}
	}
	return checks.Text{En: t.En + " mails", Ja: t.Ja + "通"}
}

// words is a line with what a server has said.
func words(s string) checks.Text {
	if s == "" {
		return checks.Text{}
	}
	said := checks.Said(s)
	return checks.Text{En: "It says: " + said.En, Ja: "サーバーの返答: " + said.Ja}
}

func textQueue(w waiting, age time.Duration) checks.Text {
	n, a := mails(w.mails), checks.Span(age)
	verb := " wait"
	if w.mails == 1 {
		verb = " waits"
	}
	return checks.Lines(checks.Text{
		En: n.En + verb + " inside Mastodon, the oldest for " + a.En,
		Ja: "メール" + n.Ja + "がMastodonから出ていません（最も古いもので" + a.Ja + "待ち）",
	}, checks.Text{
		En: "Sidekiq does not get to the queue mailers. Confirmations of sign-ups and security codes come that much later.",
		Ja: "Sidekiqのmailersキューが滞っています。登録の確認メールやセキュリティコードも、その分遅れます。",
	})
}

// textReason is why mails fail, as the end of a sentence.
func textReason(reason string) checks.Text {
	switch reason {
	case reasonSignIn:
		return checks.Text{En: "the mail server does not let Mastodon in", Ja: "メールサーバーがMastodonのログインを拒否"}
	case reasonConnect:
		return checks.Text{En: "Mastodon does not reach the mail server", Ja: "Mastodonからメールサーバーにつながらない"}
	case reasonTLS:
		return checks.Text{En: "encryption with the mail server fails", Ja: "メールサーバーとの暗号化（TLS）に失敗"}
	case reasonRecipient:
		return checks.Text{En: "the mail server refuses them", Ja: "メールサーバーが受け付けない"}
	}
	return checks.Text{En: "an error inside Mastodon", Ja: "Mastodon内部のエラー"}
}

func textRetries(w waiting, usual checks.Band, known bool) checks.Text {
	n := mails(int64(w.total()))
	if w.partly {
		n = checks.Text{En: "at least " + n.En, Ja: n.Ja + "以上"}
	}
	main := w.main()
	because := textReason(main)
	head := checks.Text{
		En: n.En + " of Mastodon failed in the last hour",
		Ja: "この1時間に、Mastodonのメール" + n.Ja + "が送信に失敗しました",
	}
	if known {
		u := checks.Number(int64(math.Round(usual.Mid)))
		head = checks.Text{En: head.En + " (usually " + u.En + ")", Ja: head.Ja + "（普段" + u.Ja + "通）"}
	}
	most := checks.Text{
		En: fmt.Sprintf("Most often (%d): %s.", w.failing[main], because.En),
		Ja: fmt.Sprintf("最も多い理由（%d通）: %s", w.failing[main], because.Ja),
	}
	if said := checks.Said(w.sample[main]); !said.Empty() {
		most = checks.Text{En: most.En + " " + said.En, Ja: most.Ja + "（" + said.Ja + "）"}
	}
	lines := []checks.Text{head, most}
	if systematic(main) {
		lines = append(lines, harm())
	}
	return checks.Lines(append(lines, checks.Text{
		En: "Sidekiq tries them again by itself, at growing intervals.",
		Ja: "失敗した分は、Sidekiqが間隔を延ばしながら自動で再送します。",
	})...)
}

func textLimit(failing int, said string) checks.Text {
	head := checks.Text{En: "the mail provider's sending limit is reached", Ja: "メールサービスの送信上限に達しました"}
	if failing > 0 {
		n := mails(int64(failing))
		head = checks.Text{En: head.En + ": " + n.En + " held back in the last hour", Ja: head.Ja + "（この1時間で" + n.Ja + "が保留）"}
	}
	return checks.Lines(head, checks.Text{
		En: "Until the provider lifts it, often the next day, confirmations of sign-ups and security codes come late.",
		Ja: "上限が解除されるまで（多くは翌日）、登録の確認メールやセキュリティコードが遅れます。",
	}, words(said))
}

func textSignups(j joined, usual float64) checks.Text {
	share, normal := checks.Percent(float64(j.Open)/float64(j.Count)), checks.Percent(usual)
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("%d of the last %d sign-ups have not confirmed their address: %s (usually %s)", j.Open, j.Count, share.En, normal.En),
		Ja: fmt.Sprintf("直近の新規登録%d件のうち%d件が、メール確認を済ませていません（%s、普段%s）", j.Count, j.Open, share.Ja, normal.Ja),
	}, checks.Text{
		En: "They signed up since " + checks.At(j.Since) + " and have had an hour or more. Either the confirmation mails do not arrive, or these are addresses that nobody reads.",
		Ja: checks.At(j.Since) + "以降の登録で、どれも1時間以上たっています。確認メールが届いていないか、使われていないアドレスでの登録が増えています。",
	})
}

// textStep is what was reached, as a list.
func textStep(t talk, s server) checks.Text {
	var en, ja string
	add := func(e, j string) {
		if en != "" {
			en, ja = en+", ", ja+"、"
		}
		en, ja = en+e, ja+j
	}
	if t.Step >= connected || s.within && t.Step >= encrypted {
		add("connected", "接続")
	}
	if t.Step >= encrypted && !t.Plainly {
		add("encrypted", "暗号化")
	}
	if t.Step >= signedIn && s.user != "" {
		add("signed in", "ログイン")
	}
	if t.Step >= recipient {
		add("recipient accepted", "宛先の受け付け")
	}
	switch {
	case en == "" && t.Fault == unreachable:
		return checks.Text{En: "Reached: nothing.", Ja: "到達した段階: なし"}
	case en == "":
		return checks.Text{En: "Reached: the port is open.", Ja: "到達した段階: ポートは開いています"}
	}
	return checks.Text{En: "Reached: " + en + ".", Ja: "到達した段階: " + ja + "まで"}
}

// harmIf is what follows for people where it is not known by whom Mastodon sends.
func harmIf() checks.Text {
	return checks.Text{
		En: "If Mastodon sends by this server, too, confirmations of sign-ups, password resets and security codes do not reach people.",
		Ja: "Mastodonも同じサーバーから送信している場合、登録の確認メール、パスワード再設定、セキュリティコードが届きません。",
	}
}

// textTalk tells at which step the mail server stops us; same tells that it is
// known to be Mastodon's.
func textTalk(t talk, s server, same bool) checks.Text {
	place := shown(t.Place)
	line := words(t.Words)
	var head checks.Text
	switch t.Fault {
	case unreachable:
		head = checks.Text{En: "the mail server " + place.En + " cannot be reached", Ja: "メールサーバー " + place.Ja + " につながりません"}
	case plain:
		head = checks.Text{En: "the mail server " + place.En + " offers no encryption (STARTTLS)", Ja: "メールサーバー " + place.Ja + " で暗号化（STARTTLS）が使えません"}
	case untrusted:
		because := textCertificate(t.Words)
		head = checks.Text{
			En: "the certificate of the mail server " + place.En + " is not good: " + because.En,
			Ja: "メールサーバー " + place.Ja + " の証明書に問題があります（" + because.Ja + "）",
		}
		line = checks.Text{
			En: "Mastodon does not hand mail to it either, unless SMTP_OPENSSL_VERIFY_MODE is none.",
			Ja: "SMTP_OPENSSL_VERIFY_MODE=none でない限り、Mastodonからも送信できません。",
		}
	case noTLS:
		head = checks.Text{En: "encryption with the mail server " + place.En + " fails (TLS)", Ja: "メールサーバー " + place.Ja + " との暗号化（TLS）に失敗します"}
	case refused:
		where := textVerb(t)
		head = checks.Text{
			En: "the mail server " + place.En + " refuses mail " + where.En,
			Ja: "メールサーバー " + place.Ja + " がメールを受け付けません（" + where.Ja + "）",
		}
		if t.Verb == "AUTH" && t.Words == "" {
			line = checks.Text{En: "It offers no way to sign in that sababan knows.", Ja: "こちらで使えるログイン方式が提供されていません。"}
		}
	default:
		head = checks.Text{En: "the mail server " + place.En + " does not answer", Ja: "メールサーバー " + place.Ja + " が応答しません"}
	}
	follows := harmIf()
	if same {
		follows = harm()
	}
	return checks.Lines(head, textStep(t, s), line, follows)
}

func textVerb(t talk) checks.Text {
	code, ja := "", ""
	if t.Code > 0 {
		n := strconv.Itoa(t.Code)
		code, ja = ", "+n, " "+n
	}
	switch t.Verb {
	case "AUTH":
		return checks.Text{En: "at sign-in (AUTH" + code + ")", Ja: "ログイン時 AUTH" + ja}
	case "MAIL FROM":
		return checks.Text{En: "from Mastodon's address (MAIL FROM" + code + ")", Ja: "差出人 MAIL FROM" + ja}
	case "RCPT TO":
		return checks.Text{En: "at the recipient (RCPT TO" + code + ")", Ja: "宛先 RCPT TO" + ja}
	case "DATA":
		return checks.Text{En: "at the message itself (DATA" + code + ")", Ja: "本文 DATA" + ja}
	}
	return checks.Text{En: "at once (" + t.Verb + code + ")", Ja: "接続直後 " + t.Verb + ja}
}

func textCertificate(why string) checks.Text {
	switch why {
	case "name":
		return checks.Text{En: "it is for another name", Ja: "別の名前のもの"}
	case "expired":
		return checks.Text{En: "it has expired, or is not valid yet", Ja: "有効期間外"}
	}
	return checks.Text{En: "no known authority vouches for it", Ja: "信頼できる認証局のものではない"}
}

// textStopped is why nothing is known of the steps behind.
func textStopped(t talk) checks.Text {
	place := shown(t.Place)
	return checks.Text{
		En: "the mail server " + place.En + " could be asked no further",
		Ja: "メールサーバー " + place.Ja + " で、その先の段階を確認できません",
	}
}

// textWrongSMTP says that the password is ours.
func textWrongSMTP(t talk) checks.Text {
	place := shown(t.Place)
	return checks.Lines(checks.Text{
		En: "sababan's own password for the mail server " + place.En + " is refused",
		Ja: "sababan自身のパスワードが、メールサーバー " + place.Ja + " に拒否されました",
	}, checks.Text{
		En: "That is the credential of [checks.mail] smtp. Whether mail arrives cannot be tested until it is right; if Mastodon signs in with the same one, its mail does not leave either.",
		Ja: "[checks.mail] smtp の認証情報です。直るまで、メールが届くかどうかを試せません。Mastodonも同じ認証情報を使っている場合は、Mastodonのメールも送れていません。",
	}, words(t.Words))
}

func textUnread(what, file string, f site.SecretFault) checks.Text {
	because := f.Text()
	name := checks.Named(file, 2*shownLimit)
	if what == subjectSMTP {
		return checks.Text{
			En: "sababan's own password for the mail server cannot be used: " + name.En + " " + because.En,
			Ja: "sababan自身のメールサーバー用パスワードを使えません（" + name.Ja + ": " + because.Ja + "）",
		}
	}
	return checks.Text{
		En: "sababan's own password for the mailbox " + what + " cannot be used: " + name.En + " " + because.En,
		Ja: "sababan自身のメールボックス " + what + " 用パスワードを使えません（" + name.Ja + ": " + because.Ja + "）",
	}
}
