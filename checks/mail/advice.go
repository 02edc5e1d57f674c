package mail

import (
	"cmp"
	"path"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

func adviceSetUp() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Set [checks.mail] smtp and a [[checks.mail.mailbox]].",
		Ja: "[checks.mail] smtp と [[checks.mail.mailbox]] を設定してください。",
	}}
}

// testMail is Mastodon's own way to send a mail from its console: to the contact
// address of the server, with the settings that every mail is sent with.
func testMail(f site.Found) checks.Shell {
	const words = `ActionMailer::Base.new.mail(to: Setting.site_contact_email, subject: "Test", body: "Test").deliver`
	if f.Compose != "" {
		return compose(f, "run", "--rm", "web", "bin/rails", "runner", words)
	}
	if f.Live == "" {
		return nil
	}
	shims := path.Join(path.Dir(f.Live), ".rbenv/shims")
	return checks.Written("sudo", "-u", cmp.Or(f.User, "mastodon"), "-H", "env", "-C", f.Live,
		"PATH="+shims+":/usr/local/bin:/usr/bin:/bin", "RAILS_ENV=production", "bin/rails", "runner", words)
}

func compose(f site.Found, words ...string) checks.Shell {
	return checks.Written(append([]string{"sudo", "docker", "compose", "--project-directory", f.Compose}, words...)...)
}

// logOfMail shows what Sidekiq says of mails; none where Mastodon is elsewhere.
func (a about) logOfMail() checks.Shell {
	switch {
	case a.found.Compose != "":
		return compose(a.found, "logs", "--since", "1h", "--tail", "100", "sidekiq")
	case a.found.Live != "":
		return checks.Sh("sudo", "journalctl", "-u", "mastodon-sidekiq*", "-g", "mail", "--since", "-1h")
	}
	return nil
}

// tried is advice with Mastodon's own test mail behind it.
func (a about) tried(text checks.Text) checks.Advice {
	test := testMail(a.found)
	between := checks.Text{En: " "}
	if last := text.Ja[len(text.Ja)-1:]; last < "\x7f" {
		between.Ja = " " // what follows must not become part of an address
	}
	if test == nil {
		return checks.Advice{Text: checks.Join(between, text, checks.Text{
			En: "Mastodon's own way to test, as its user in the folder of its code: RAILS_ENV=production bin/rails runner 'ActionMailer::Base.new.mail(to: Setting.site_contact_email, subject: \"Test\", body: \"Test\").deliver'",
			Ja: "Mastodon自身から試すには、Mastodonのユーザーで、コードのあるフォルダーから RAILS_ENV=production bin/rails runner 'ActionMailer::Base.new.mail(to: Setting.site_contact_email, subject: \"Test\", body: \"Test\").deliver' を実行してください。",
		})}
	}
	return checks.Advice{
		Text: checks.Join(between, text, checks.Text{
			En: "The command sends a test mail by Mastodon itself, to the server's contact address; an error shows at once.",
			Ja: "次のコマンドで、Mastodon自身からサーバーの連絡先アドレスにテストメールを送れます。失敗すればその場でエラーが出ます。",
		}),
		Look: test,
	}
}

func (a about) page(at string) string {
	if a.domain == "" {
		return at
	}
	return "https://" + a.domain + at
}

func (a about) adviceQueue() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "What waits there: " + a.page("/sidekiq/queues/mailers"),
			Ja: "待っているもの: " + a.page("/sidekiq/queues/mailers"),
		},
		Look: a.logOfMail(),
	}
}

func (a about) adviceRetries(reason string) checks.Advice {
	text := checks.Text{
		En: "Each with its error: " + a.page("/sidekiq/retries") + ".",
		Ja: "エラーの一覧: " + a.page("/sidekiq/retries"),
	}
	switch reason {
	case reasonSignIn:
		text = checks.Text{
			En: text.En + " See at the mail provider whether the account is open, and compare SMTP_LOGIN and SMTP_PASSWORD in .env.production.",
			Ja: text.Ja + " メールサービス側でアカウントが有効かを確かめ、.env.productionのSMTP_LOGINとSMTP_PASSWORDを見直してください。",
		}
	case reasonConnect:
		text = checks.Text{
			En: text.En + " See whether the provider reports an outage, and whether this machine can still connect to SMTP_PORT.",
			Ja: text.Ja + " メールサービスの障害情報と、このマシンからSMTP_PORTへ接続できるかを確かめてください。",
		}
	case reasonTLS:
		text = checks.Text{
			En: text.En + " See the certificate of SMTP_SERVER and the root certificates of this machine.",
			Ja: text.Ja + " SMTP_SERVERの証明書と、このマシンのルート証明書を確かめてください。",
		}
	}
	return a.tried(text)
}

func adviceLimit() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "See at the provider how much is left, and raise the plan. In a wave of sign-ups, let them wait for approval. Mastodon sends what is held back by itself later.",
		Ja: "メールサービスの管理画面で残りを確認し、必要ならプランを上げてください。登録が急増しているときは、承認制への切り替えも有効です。保留分は、後で自動的に送られます。",
	}}
}

func (a about) adviceSignups() checks.Advice {
	return a.tried(checks.Text{
		En: "Look at the newest ones: " + a.page("/admin/accounts?origin=local&order=recent") + ".",
		Ja: "新しい登録を確認: " + a.page("/admin/accounts?origin=local&order=recent"),
	})
}

func (a about) adviceTalk(t talk) checks.Advice {
	switch t.Fault {
	case unreachable, silent:
		if a.relay != "" {
			return a.adviceRelay()
		}
	case untrusted:
		return a.tried(checks.Text{
			En: "If the name is the provider's, it is theirs to fix; see whether the address in SMTP_SERVER has changed, and whether this machine's root certificates are old.",
			Ja: "メールサービス側の問題の可能性があります。SMTP_SERVERに書く名前が変わっていないか、このマシンのルート証明書が古くないかも確かめてください。",
		})
	case refused:
		return a.tried(checks.Text{
			En: "See at the mail provider whether the account is open, and whether mail from this address is allowed.",
			Ja: "メールサービス側で、アカウントが有効か、この差出人での送信が許可されているかを確かめてください。",
		})
	}
	return a.tried(checks.Text{
		En: "See whether the provider reports an outage, and whether this machine can connect out on this port: some hosts close 25, 465 and 587.",
		Ja: "メールサービスの障害情報と、このマシンからそのポートへ出られるかを確かめてください（25・465・587番を閉じている事業者もあります）。",
	})
}

func (a about) adviceWrong(file string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Put the right password into the file; many providers want one made for a program (app password). It is read anew each time.",
			Ja: "正しいパスワードをファイルに書き直してください。アプリ用パスワードが必要なサービスもあります。ファイルは毎回読み直されます。",
		},
		Look: checks.Written("sudo", "ls", "-l", file),
	}
}

func adviceFullBox() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Clear it: a mailbox for this purpose should have nothing else in it. sababan deletes its own messages and no others.",
		Ja: "中身を整理してください。この用途のメールボックスには、ほかのものを入れないのがお勧めです。sababanは自分のメール以外を削除しません。",
	}}
}

func adviceBox(last visit) checks.Advice {
	if last.Fault == unreachable || last.Fault == silent {
		return checks.Advice{Text: checks.Text{
			En: "If it does not come back by itself, see [[checks.mail.mailbox]] imap and whether this machine can connect out on port 993.",
			Ja: "自然に回復しない場合は、[[checks.mail.mailbox]] imap の設定と、このマシンから993番ポートへ出られるかを確かめてください。",
		}}
	}
	return checks.Advice{Text: checks.Text{
		En: "See [[checks.mail.mailbox]] imap, and whether the provider allows IMAP for this mailbox.",
		Ja: "[[checks.mail.mailbox]] imap の設定と、このメールボックスでIMAPが許可されているかを確かめてください。",
	}}
}

func (a about) adviceLost() checks.Advice {
	return a.tried(checks.Text{
		En: "The mail server's log, or the provider's page of what was sent, tells where the messages lie. Bounces go to Mastodon's own address.",
		Ja: "メールサーバーのログか、メールサービスの送信履歴で、どこで止まっているかを確かめてください。不達通知はMastodonの差出人アドレスに届きます。",
	})
}

func (a about) adviceLate() checks.Advice {
	if a.server != nil && a.server.local() {
		return checks.Advice{
			Text: checks.Text{En: "What waits in this machine's mail server, and why:", Ja: "このマシンのメールサーバーの送信待ちと、その理由:"},
			Look: checks.Sh("mailq"),
		}
	}
	return checks.Advice{Text: checks.Text{
		En: "The provider's page of what was sent tells how long it kept them; the lines Received in a message tell who took long.",
		Ja: "メールサービスの送信履歴で、どこで待たされたかを確かめてください。届いたメールのReceivedヘッダーからもわかります。",
	}}
}

func (a about) adviceJunk() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Begin with SPF, DKIM and DMARC of " + a.from.domain + "; where they pass, it is the reputation of who sends for you: ask the provider.",
		Ja: "まず " + a.from.domain + " のSPF・DKIM・DMARCを確かめてください。すべて合格なら、送信元の評判の問題です。メールサービスに相談してください。",
	}}
}

func adviceMethod(m method, domain string) checks.Advice {
	name := m.record.Name
	if name == "" {
		name = map[string]string{codeSPF: domain, codeDMARC: "_dmarc." + domain}[m.code]
	}
	text := map[string]checks.Text{
		codeSPF: {
			En: "One TXT record that begins with v=spf1 has to name whoever sends; the mail provider tells what to put there.",
			Ja: "「v=spf1」で始まるTXTレコードを1つだけ置き、送信元をすべて書きます。書く内容はメールサービスが案内しています。",
		},
		codeDKIM: {
			En: "The provider tells which record to set, and whether signing is switched on for this domain.",
			Ja: "設定するレコードと、このドメインで署名が有効かどうかは、メールサービスの管理画面で確認できます。",
		},
		codeDMARC: {
			En: "For a beginning a TXT record at _dmarc." + domain + " with v=DMARC1; p=none is enough. It passes when SPF or DKIM pass for this very domain.",
			Ja: "まずは _dmarc." + domain + " のTXTレコードに「v=DMARC1; p=none」を置けば足ります。このドメイン自身でSPFかDKIMが通れば合格になります。",
		},
	}[m.code]
	if name == "" { // which key signs is not known
		return checks.Advice{Text: text}
	}
	return checks.Advice{Text: text, Look: checks.Written("dig", "+short", "TXT", name)}
}

func adviceMX() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Give the domain an MX record, or let Mastodon send from an address that is read (SMTP_FROM_ADDRESS).",
		Ja: "このドメインにMXレコードを置くか、受信できるアドレスを差出人にしてください（SMTP_FROM_ADDRESS）。",
	}}
}

func (a about) adviceReverse() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Whoever rents you the address sets it, often on the page of the server: the name of the mail server, with an address record back.",
		Ja: "逆引きは、サーバー事業者の管理画面で設定します。メールサーバーの名前にし、その名前の正引きを同じアドレスにしてください。",
	}}
}

func adviceBlocked(zone string) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Find out first what was sent from there (a hacked account, an open relay); then ask the list to take it off, on the page of " + zone + ".",
		Ja: "まず、何が送信されたか（乗っ取り、オープンリレーなど）を調べてください。そのうえで、" + zone + " のサイトから解除を申請します。",
	}}
}

func adviceListMute() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Lists do not answer public resolvers. Use one of your own (unbound), or take the list out of [checks.mail] block_lists.",
		Ja: "公開DNSリゾルバーには答えないリストがあります。自前のリゾルバー（unboundなど）を使うか、[checks.mail] block_lists から外してください。",
	}}
}
