package federation

import (
	"github.com/sababan/sababan/checks"
)

func adviceDeaf() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See whether requests to /inbox arrive and are answered with 202, then look at Sidekiq's queue ingress.",
			Ja: "/inboxへの要求が届き、202で応答しているかを見てから、Sidekiqのingressキューを確かめてください。",
		},
		Look: checks.Sh("sudo", "grep", "-E", `"POST [^ "]*/inbox `, "/var/log/nginx/access.log").Pipe("tail", "-n", "20"),
	}
}

// adviceUs tries what a delivery needs, with one of those that fail.
func adviceUs(t tally) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Try one of them by hand; it shows whether the name, the connection or the certificate fails.",
			Ja: "そのうち1台に手で接続すると、名前解決、接続、証明書のどこで失敗するかわかります。",
		},
		Look: checks.Sh("date", "-u"),
	}
	if len(t.Some) > 0 {
		a.Look = visitByHand(t.Some[0])
	}
	return a
}

// visitByHand asks for what every server keeps for others.
func visitByHand(domain string) checks.Shell {
	return checks.Written("curl", "-sSI", "--max-time", "10", "https://"+domain+"/.well-known/nodeinfo")
}

func adviceTrust() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Bring the list of root certificates up to date, then restart Sidekiq.",
			Ja: "ルート証明書を更新し、Sidekiqを再起動してください。",
		},
		Look: checks.Sh("sudo", "sababan", "check", "cacerts"),
		Mend: []checks.Shell{checks.Sh("sudo", "update-ca-certificates", "--fresh"), checks.Sh("sudo", "systemctl", "restart", "mastodon-sidekiq")},
	}
}

func adviceRefused(s suspect) checks.Advice { return checks.Advice{Look: visitByHand(s.Domain)} }

// adviceMissing leads to a look by hand, or to what can be done about a server
// that is gone.
func adviceMissing(s suspect) checks.Advice {
	a := checks.Advice{Look: visitByHand(s.Domain)}
	switch o := s.Outcome; {
	case o.Kind == gone:
		a.Look = checks.Written("getent", "ahosts", s.Domain)
		fallthrough
	case o.Kind == nothing:
		a.Text = checks.Text{
			En: "If it is gone for good, it can be purged under Administration, Federation. There is no way back from that.",
			Ja: "閉鎖が確かなら、管理画面の「連合」からパージできます（元には戻せません）。",
		}
	case o.Kind == there && (s.Days > 0 || s.Stopped > 0), o.Kind == refusing, o.Kind == cut:
		a.Text = checks.Text{
			En: "Ask their admin, in a way that does not go through this server.",
			Ja: "このサーバーを通らない方法で、相手の管理者に聞いてみてください。",
		}
	case o.Kind == ourRoots:
		return adviceTrust()
	}
	return a
}

func adviceFriend(domain string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Ask somebody there whether a post from here has arrived.",
			Ja: "相手のサーバーの人に、ここの投稿が届いているか聞いてみてください。",
		},
		Look: visitByHand(domain),
	}
}
