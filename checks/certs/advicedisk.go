package certs

import (
	"regexp"
	"strings"

	"github.com/sababan/sababan/checks"
)

// commands leaves out what cannot be written as a command.
func commands(list ...checks.Shell) []checks.Shell {
	var out []checks.Shell
	for _, sh := range list {
		if sh.String() != "" {
			out = append(out, sh)
		}
	}
	return out
}

// reload is the command that makes a server load its certificates; nil where
// it is not known.
func reload(server string) checks.Shell {
	switch server {
	case "nginx", "apache2", "httpd", "haproxy", "caddy", "postfix", "dovecot":
		return checks.Sh("sudo", "systemctl", "reload", server)
	case "exim4":
		return checks.Sh("sudo", "systemctl", "restart", server)
	}
	return nil
}

func adviceReload(server string, s service) checks.Advice {
	if sh := reload(server); sh != nil {
		return checks.Advice{Mend: []checks.Shell{sh}}
	}
	if s.mail() {
		return checks.Advice{Text: checks.Text{
			En: "Reload the mail server, so that it reads the certificate again.",
			Ja: "メールサーバーをリロードして、証明書を読み直させてください。",
		}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Reload the web server, so that it reads the certificate again.",
			Ja: "Webサーバーをリロードして、証明書を読み直させてください。",
		},
		Look: checks.Sh("sudo", "ss", "-ltnp"),
	}
}

func adviceExpand(expand checks.Shell) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Get a certificate for all the names before the web server is reloaded.",
			Ja: "Webサーバーをリロードする前に、すべての名前を含む証明書を取り直してください。",
		},
		Look: checks.Sh("sudo", "certbot", "certificates"),
		Mend: commands(expand),
	}
}

func adviceMail(q question) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "See on the server whether its mail server runs, and has TLS set up for this port.",
			Ja: "メールサーバーが動いているか、このポートにTLSが設定されているか確かめてください。",
		},
		Look: checks.Sh("sudo", "ss", "-ltnp"),
	}
	if q.server != "" {
		a.Look = journal(q.server)
	}
	return a
}

func adviceElsewhere(cdn string) checks.Advice {
	if cdn == "" {
		cdn = "what stands before it"
		return checks.Advice{Text: checks.Text{
			En: `If the web server is on this machine, set [server] address = "127.0.0.1": it is then asked directly, past ` + cdn + `.`,
			Ja: `Webサーバーがこのマシンにあるなら、[server]にaddress = "127.0.0.1"と書くと、手前にあるものを通さず直接確認します。`,
		}}
	}
	return checks.Advice{Text: checks.Text{
		En: `Set [server] address to the web server's own, such as "127.0.0.1": it is then asked directly, past ` + cdn + `.`,
		Ja: `[server]のaddressにWebサーバー自身のアドレス（"127.0.0.1"など）を書くと、` + cdn + `を通さず直接確認します。`,
	}}
}

// lineageName is what may stand for a lineage in a command.
var lineageName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._*-]*$`)

func adviceOverdue(l lineage, server string) checks.Advice {
	switch {
	case l.by == byCaddy:
		return adviceRenew("caddy")
	case l.by == byAcmeSh && lineageName.MatchString(l.name):
		return checks.Advice{Text: checks.Text{
			En: "As the user to whom acme.sh belongs: acme.sh --renew -d " + l.name,
			Ja: "acme.shを入れたユーザーで: acme.sh --renew -d " + l.name,
		}}
	case l.by == byCertbot && lineageName.MatchString(l.name):
		a := checks.Advice{
			Text: checks.Text{
				En: "Renew it, or delete it if nothing needs it any more (certbot delete --cert-name).",
				Ja: "更新するか、もう使わないものなら削除してください（certbot delete --cert-name）。",
			},
			Look: checks.Sh("sudo", "certbot", "certificates", "--cert-name", l.name),
			Mend: commands(checks.Sh("sudo", "certbot", "renew", "--cert-name", l.name)),
		}
		if sh := reload(server); sh != nil {
			a.Mend = append(a.Mend, sh)
		}
		return a
	}
	return checks.Advice{Text: checks.Text{
		En: "Renew it where it is made, and reload what uses it.",
		Ja: "証明書を管理している所で更新し、使っているサーバーをリロードしてください。",
	}}
}

func adviceBrokenFile(l lineage) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Look at the file, and whether the disk was full; then get the certificate again. Restart nothing before.",
		Ja: "ファイルの中身と、ディスクがいっぱいになっていなかったかを確かめ、証明書を取り直してください。それまで再起動は避けてください。",
	}}
	if look := checks.Sh("sudo", "ls", "-lL", l.path); look.String() != "" {
		a.Look = look
	}
	if l.by == byCertbot && lineageName.MatchString(l.name) {
		a.Mend = commands(checks.Sh("sudo", "certbot", "renew", "--force-renewal", "--cert-name", l.name))
	}
	return a
}

// hookFile is a program that certbot runs after each renewal.
func hookFile(server string) string { return certbotFolder + "/renewal-hooks/deploy/reload-" + server }

func adviceNoHook(server string) checks.Advice {
	if server != "nginx" && server != "apache2" && server != "httpd" && server != "haproxy" {
		return checks.Advice{Text: checks.Text{
			En: "Put a program that reloads the web server into " + certbotFolder + "/renewal-hooks/deploy.",
			Ja: certbotFolder + "/renewal-hooks/deployに、Webサーバーをリロードするプログラムを置いてください。",
		}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "certbot runs every program in this folder after a renewal.",
			Ja: "certbotは更新のあと、このフォルダーのプログラムを実行します。",
		},
		Mend: []checks.Shell{
			write(hookFile(server), "#!/bin/sh", "systemctl reload "+server),
			checks.Sh("sudo", "chmod", "+x", hookFile(server)),
		},
	}
}

func adviceNoHookAcme(server string) checks.Advice {
	if reload(server) == nil {
		server = "nginx"
	}
	return checks.Advice{Text: checks.Text{
		En: "Give acme.sh a command for after the renewal: acme.sh --install-cert with --reloadcmd \"systemctl reload " + server + "\".",
		Ja: "acme.sh --install-certに--reloadcmd「systemctl reload " + server + "」を付けて、更新後のコマンドを登録してください。",
	}}
}

// write is the command that writes a file, line by line.
func write(file string, lines ...string) checks.Shell {
	return checks.Sh(append([]string{"printf", `%s\n`}, lines...)...).Pipe("sudo", "tee", file)
}

const (
	ourService = "certbot-renewal.service"
	ourTimer   = "certbot-renewal.timer"
)

func (d drawer) adviceNoRenewal(by manager, r rota) checks.Advice {
	timer := ""
	var mend []checks.Shell
	switch {
	case len(r.off) > 0:
		timer = r.off[0]
	case len(r.masked) > 0:
		timer = r.masked[0]
		mend = append(mend, checks.Sh("sudo", "systemctl", "unmask", timer))
	}
	switch {
	case timer != "":
		return checks.Advice{
			Text: checks.Text{En: "Switch it on.", Ja: "有効にしてください。"},
			Mend: commands(append(mend, checks.Sh("sudo", "systemctl", "enable", "--now", timer))...),
		}
	case by == byAcmeSh:
		return checks.Advice{Text: checks.Text{
			En: "As the user to whom acme.sh belongs: acme.sh --install-cronjob",
			Ja: "acme.shを入れたユーザーで: acme.sh --install-cronjob",
		}}
	case r.program == "":
		return checks.Advice{
			Text: checks.Text{
				En: "Debian's and Ubuntu's certbot brings its timer along.",
				Ja: "Debian・Ubuntuのcertbotにはタイマーが付いてきます。",
			},
			Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "install", "certbot")},
		}
	}
	renew := r.program + " -q renew"
	if sh := reload(d.server); sh != nil && d.needsHook() {
		renew += ` --deploy-hook "systemctl reload ` + d.server + `"`
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Paste these lines: a service that renews what is due, and a timer that starts it twice a day.",
			Ja: "次の行を貼り付けてください。期限の近いものを更新するサービスと、1日2回それを起動するタイマーです。",
		},
		Mend: []checks.Shell{
			write("/etc/systemd/system/"+ourService,
				"[Unit]", "Description=Renew the certificates", "",
				"[Service]", "Type=oneshot", "ExecStart="+renew, "PrivateTmp=true"),
			write("/etc/systemd/system/"+ourTimer,
				"[Unit]", "Description=Renew the certificates twice a day", "",
				"[Timer]", "OnCalendar=*-*-* 00,12:00:00", "RandomizedDelaySec=43200", "Persistent=true", "",
				"[Install]", "WantedBy=timers.target"),
			checks.Sh("sudo", "systemctl", "daemon-reload"),
			checks.Sh("sudo", "systemctl", "enable", "--now", ourTimer),
		},
	}
}

// needsHook tells whether one of certbot's certificates would wait on disk.
func (d drawer) needsHook() bool {
	for _, c := range d.confs {
		if !c.loads() {
			return true
		}
	}
	return len(d.confs) == 0
}

func adviceCronHidden(by manager) checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "Look yourself, as root.", Ja: "rootで確かめてください。"},
		Look: checks.Sh("sudo", "grep", "-rn", string(by), "/var/spool/cron"),
	}
}

// adviceDenied is the grant of defaults: the two folders, and no key.
func adviceDenied(places []string, user string) checks.Advice {
	var folders, files []string
	for _, p := range places {
		if strings.HasSuffix(p, ".pem") || strings.HasSuffix(p, ".crt") || strings.HasSuffix(p, ".cer") {
			files = append(files, p)
			continue
		}
		folders = append(folders, p)
	}
	a := checks.Advice{
		Text: checks.Text{
			En: "This opens the certificates; private keys stay closed, unless the command to look names one.",
			Ja: "証明書だけが読めるようになります。秘密鍵は、確認コマンドに何も表示されなければ、読めないままです。",
		},
		Look: checks.Sh("sudo", "find", certbotFolder+"/archive", "-name", "privkey*", "-perm", "/077"),
	}
	if len(folders) > 0 {
		a.Mend = append(a.Mend, checks.Sh(append([]string{"sudo", "setfacl", "-m", "u:" + user + ":rx"}, folders...)...))
	}
	if len(files) > 0 {
		a.Mend = append(a.Mend, checks.Sh(append([]string{"sudo", "setfacl", "-m", "u:" + user + ":r"}, files...)...))
	}
	a.Mend = commands(a.Mend...)
	return a
}
