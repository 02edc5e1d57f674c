package certs

import (
	"github.com/sababan/sababan/checks"
)

// settings shows what the running web server is told about certificates.
func settings(server string) checks.Shell {
	switch server {
	case "nginx":
		return checks.Sh("sudo", "nginx", "-T").Pipe("grep", "-nE", "server_name|listen|ssl_certificate")
	case "apache2":
		return checks.Sh("sudo", "apache2ctl", "-S")
	case "httpd":
		return checks.Sh("sudo", "httpd", "-S")
	}
	return nil
}

// journal shows the last words of a service.
func journal(unit string) checks.Shell {
	return checks.Sh("sudo", "journalctl", "-u", unit, "-n", "50", "--no-pager")
}

// advice is what to do about a fault.
func (q question) advice(f fault) checks.Advice {
	switch f.kind {
	case behindDisk:
		return adviceReload(q.server, q.service)
	case nameLost:
		return adviceExpand(q.expand)
	case leafEnds, leafEnded, intermediateEnds, intermediateEnded:
		if q.service.mail() && q.server == "" {
			return adviceRenewMail()
		}
		return adviceRenew(q.server)
	case leafEarly:
		return checks.Advice{
			Text: checks.Text{En: "Compare the clock first.", Ja: "まず時計を確かめてください。"},
			Look: checks.Sh("timedatectl"),
		}
	case nameDiffers:
		return checks.Advice{
			Text: checks.Text{
				En: "See which server block answers for this name and which certificate it has; the name may be missing there, or the certificate was made without it.",
				Ja: "この名前に応答している設定（serverブロック）と、その証明書を確かめてください。設定に名前がないか、証明書に名前が入っていません。",
			},
			Look: settings(q.server),
			Mend: commands(q.expand),
		}
	case intermediateMissing, intermediateMisfits:
		return checks.Advice{
			Text: checks.Text{
				En: "The server must be given the whole chain: fullchain.pem, not cert.pem.",
				Ja: "サーバーには、cert.pemではなくfullchain.pem（中間証明書込み）を指定してください。",
			},
			Look: settings(q.server),
		}
	case noHandshake:
		return adviceConnect(q, f.trouble)
	case originOnly:
		return checks.Advice{Text: checks.Text{
			En: "Switch the proxy of Cloudflare on for this name, or use a public certificate.",
			Ja: "この名前のCloudflareのプロキシを有効にするか、公的な認証局の証明書に替えてください。",
		}}
	case rootUnknown:
		return checks.Advice{
			Text: checks.Text{
				En: "If the authority is a public one, update this machine's list; if not, use a certificate of a public authority.",
				Ja: "公的な認証局なら、このマシンの一覧を更新してください。そうでなければ、公的な認証局の証明書に替えてください。",
			},
			Look: settings(q.server),
			Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "install", "--only-upgrade", "ca-certificates")},
		}
	}
	if q.service.mail() {
		return checks.Advice{Text: checks.Text{
			En: "Give the mail server the certificate of a public authority for this name, in its own settings.",
			Ja: "メールサーバーの設定で、この名前の公的な認証局の証明書を指定してください。",
		}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Give the web server the certificate of a public authority for this name; often it falls back on its default one.",
			Ja: "この名前に、公的な認証局の証明書を設定してください。Webサーバーの既定の証明書が出ていることもよくあります。",
		},
		Look: settings(q.server),
	}
}

func adviceRenew(server string) checks.Advice {
	renew := checks.Sh("sudo", "certbot", "renew")
	switch server {
	case "nginx", "apache2", "httpd", "haproxy", "postfix", "exim4", "dovecot":
		return checks.Advice{
			Look: checks.Sh("sudo", "certbot", "certificates"),
			Mend: []checks.Shell{renew, reload(server)},
		}
	case "caddy", "traefik": // they renew by themselves
		return checks.Advice{
			Text: checks.Text{
				En: "It renews certificates by itself; its log says why it could not.",
				Ja: "証明書は自動で更新されるはずです。できなかった理由はログにあります。",
			},
			Look: journal(server),
		}
	}
	return checks.Advice{Text: checks.Text{
		En: "Renew the certificate where it is made (certbot renew, the hosting panel, the CDN), and then reload the web server.",
		Ja: "証明書を管理している所（certbot renew、ホスティングの管理画面、CDN）で更新し、Webサーバーをリロードしてください。",
	}}
}

func adviceRenewMail() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Renew the certificate where it is made, and then reload the mail server.",
		Ja: "証明書を管理している所で更新し、メールサーバーをリロードしてください。",
	}}
}

func adviceConnect(q question, t trouble) checks.Advice {
	switch {
	case q.service.mail():
		return adviceMail(q)
	case t == nameless:
		return checks.Advice{
			Text: checks.Text{
				En: "See whether the domain is paid for, and its A and AAAA records are there.",
				Ja: "ドメインの期限と、A・AAAAレコードを確かめてください。",
			},
			Look: checks.Sh("getent", "ahosts", q.domain),
		}
	case t == noAnswer || t == noHost:
		return checks.Advice{Text: checks.Text{
			En: "Look at the machine in the panel of its provider, and at its firewall.",
			Ja: "サーバー事業者の管理画面でサーバーの状態と、ファイアウォールを確かめてください。",
		}}
	case t == alerted || t == notTLS || t == oldTLS || t == unfit:
		return checks.Advice{
			Text: checks.Text{
				En: "Look at the server block for this name: its listen (with ssl), its certificate, its ssl_protocols.",
				Ja: "この名前のserverブロックの「listen … ssl」、証明書、ssl_protocolsを確かめてください。",
			},
			Look: settings(q.server),
		}
	case q.server == "nginx":
		return checks.Advice{Look: checks.Sh("sudo", "nginx", "-t"), Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", "nginx")}}
	case q.server != "":
		return checks.Advice{Look: journal(q.server), Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", q.server)}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "See on the server whether its web server runs and listens.",
			Ja: "サーバーで、Webサーバーが動いて待ち受けているか確かめてください。",
		},
		Look: checks.Sh("sudo", "ss", "-ltnp"),
	}
}

func adviceNoDNS(host string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "See whether this machine resolves names at all.", Ja: "このマシンで名前解決ができるか確かめてください。"},
		Look: checks.Sh("getent", "ahosts", host),
	}
}

func adviceNoNetwork() checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "Look at the network of this machine.", Ja: "このマシンのネットワークを確かめてください。"},
		Look: checks.Sh("ip", "route"),
	}
}

func adviceNoAuthorities() checks.Advice {
	return checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "install", "ca-certificates")}}
}
