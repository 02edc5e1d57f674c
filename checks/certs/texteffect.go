package certs

import "github.com/sababan/sababan/checks"

// serverName is who serves a certificate, for a sentence.
func serverName(q question) checks.Text {
	switch {
	case q.server != "":
		return checks.Same(q.server)
	case q.service.mail():
		return checks.Text{En: "the mail server", Ja: "メールサーバー"}
	}
	return checks.Text{En: "the web server", Ja: "Webサーバー"}
}

// textCause says why a certificate was not renewed in time, as surely as that
// is known.
func textCause(q question, f fault) checks.Text {
	switch {
	case f.stand.better != nil:
		name := nameOf(*f.stand.better)
		return checks.Text{
			En: "A newer one lies on disk under another name, \"" + name + "\", and is not set up here.",
			Ja: "ディスク上には別の名前（「" + name + "」）で新しい証明書がありますが、設定されていません。",
		}
	case f.stand.how == loaded:
		return checks.Text{
			En: "There is no newer one on disk: its renewal has not worked.",
			Ja: "ディスク上にも新しい証明書はありません。自動更新が失敗しています。",
		}
	}
	s := checks.Text{En: "the web server", Ja: "Webサーバー"}
	if q.service.mail() {
		s = checks.Text{En: "the mail server", Ja: "メールサーバー"}
	}
	return checks.Text{
		En: "Probably the renewal fails, or " + s.En + " has not loaded the renewed one.",
		Ja: "自動更新が失敗しているか、更新後の証明書を" + s.Ja + "が読み込んでいない可能性があります。",
	}
}

// textAfter is what users notice once a certificate has ended.
func textAfter(s service) checks.Text {
	switch s {
	case smtp, submissions:
		return checks.Text{
			En: "After that, Mastodon and mail programs that verify it can no longer send mail through this server.",
			Ja: "期限を過ぎると、証明書を検証するMastodonやメールソフトは、このサーバーからメールを送れなくなります。",
		}
	case imap, imaps:
		return checks.Text{
			En: "After that, mail programs show a warning, or fetch no mail.",
			Ja: "期限を過ぎると、メールソフトに警告が出るか、受信できなくなります。",
		}
	}
	return checks.Text{
		En: "After that, browsers and other servers can no longer connect.",
		Ja: "期限を過ぎると、ブラウザからも他サーバーからも接続できなくなります。",
	}
}

// textEnded is the same once it has.
func textEnded(s service) checks.Text {
	if s.mail() {
		return textRefusal(s)
	}
	return checks.Text{
		En: "Browsers, apps and other servers can no longer connect.",
		Ja: "ブラウザからも他サーバーからも接続できなくなっています。",
	}
}

// textRefusal is what users notice of a certificate that nobody should trust.
func textRefusal(s service) checks.Text {
	switch s {
	case smtp, submissions:
		return checks.Text{
			En: "Mastodon and mail programs that verify it cannot send mail through this server.",
			Ja: "証明書を検証するMastodonやメールソフトは、このサーバーからメールを送れません。",
		}
	case imap, imaps:
		return checks.Text{
			En: "Mail programs show a warning, or fetch no mail.",
			Ja: "メールソフトに警告が出るか、受信できません。",
		}
	}
	return checks.Text{
		En: "Browsers show a warning; apps and other servers refuse to connect.",
		Ja: "ブラウザには警告が出て、アプリや他サーバーからは接続できません。",
	}
}

// textHalf is what users notice of an incomplete chain: browsers know many
// intermediates by themselves.
func textHalf(s service) checks.Text {
	if s.mail() {
		return textRefusal(s)
	}
	return checks.Text{
		En: "Browsers may cope, other servers and apps will not.",
		Ja: "ブラウザでは見られることもありますが、他サーバーやアプリからは接続できません。",
	}
}
