package watch

import "github.com/sababan/sababan/checks"

// byHand asks as a visitor would.
func byHand(domain string) checks.Shell {
	return checks.Written("curl", "-sSI", "--max-time", "10", "https://"+domain+"/")
}

func adviceUnwell(t *target) checks.Advice {
	a := checks.Advice{Look: byHand(t.Name)}
	switch {
	case t.last.why == noName:
		a.Look = checks.Written("getent", "ahosts", t.Name)
	case t.last.page.state == well && t.last.api.state == ill:
		a.Look = checks.Written("curl", "-sS", "--max-time", "10", "https://"+t.Name+pathV2)
	case t.last.page.state == well && t.last.streaming.state == ill && t.elsewhere == nil:
		a.Look = checks.Written("curl", "-sS", "--max-time", "10", "https://"+t.Name+healthPath)
	}
	if t.Own {
		a.Text = checks.Text{
			En: "Look at the machine itself, and where that is not possible in the panel of its provider.",
			Ja: "サーバー本体を確認し、入れなければサーバー事業者の管理画面で状態を見てください。",
		}
		return a
	}
	a.Text = checks.Text{
		En: "If it goes on, tell their admin in a way that does not go through that server.",
		Ja: "続くようなら、そのサーバーを通らない方法で相手の管理者に知らせてください。",
	}
	return a
}

func adviceExpiring(t *target) checks.Advice {
	if t.Own {
		return checks.Advice{
			Text: checks.Text{En: "On that machine:", Ja: "そのサーバーで実行:"},
			Look: checks.Sh("sudo", "certbot", "certificates"),
			Mend: []checks.Shell{checks.Sh("sudo", "certbot", "renew")},
		}
	}
	return checks.Advice{
		Text: checks.Text{En: "Tell their admin.", Ja: "相手の管理者に知らせてください。"},
		Look: byHand(t.Name),
	}
}

func adviceSilent(t *target) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Tell their admin, by another way than their bot; on their machine:",
			Ja: "ボット以外の方法で相手の管理者に知らせてください。相手のマシンで確認:",
		},
		Look: checks.Sh("systemctl", "status", "sababan"),
	}
}

func adviceNoBeat(t *target) checks.Advice {
	if t.friend.seen.why != noField {
		return checks.Advice{}
	}
	return checks.Advice{Text: checks.Text{
		En: "Their sababan must be set to write it.",
		Ja: "相手のsababanで、巡回時刻の記録を有効にしてもらってください。",
	}}
}

func adviceUnseen(t *target) checks.Advice {
	switch t.last.why {
	case noResolver:
		return checks.Advice{Look: checks.Written("getent", "ahosts", t.Name)}
	case noRoute:
		return checks.Advice{Look: checks.Sh("ip", "route")}
	case guarded:
		return checks.Advice{
			Text: checks.Text{
				En: "It may check for browsers, or block this machine's address; ask its admin.",
				Ja: "ブラウザ確認や、このマシンのIPアドレスの拒否が考えられます。相手の管理者に聞いてください。",
			},
			Look: byHand(t.Name),
		}
	}
	return checks.Advice{}
}

func adviceOurs() checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "Look at the network of this machine.", Ja: "このマシンのネットワークを確かめてください。"},
		Look: checks.Sh("ip", "route"),
	}
}
