package streaming

import (
	"strconv"

	"github.com/sababan/sababan/checks"
)

// unitOf is a process as systemd calls it.
func unitOf(port int) string { return "mastodon-streaming@" + strconv.Itoa(port) }

// compose is a command for the container of streaming.
func compose(s sight, words ...string) checks.Shell {
	all := append([]string{"sudo", "docker", "compose", "--project-directory", s.found.Compose}, words...)
	return checks.Written(append(all, "streaming")...)
}

// adviceRestart is for what a restart mends.
func adviceRestart(s sight) checks.Advice {
	a := adviceLog(s)
	switch {
	case s.found.Compose != "":
		a.Mend = []checks.Shell{compose(s, "restart")}
	case len(s.ports) > 0:
		words := []string{"sudo", "systemctl", "restart"}
		for _, p := range s.ports {
			words = append(words, unitOf(p.port))
		}
		a.Mend = []checks.Shell{checks.Sh(words...)}
	default:
		a.Mend = []checks.Shell{checks.Sh("sudo", "systemctl", "restart", "--all", "mastodon-streaming@*")}
	}
	return a
}

// adviceLog shows what streaming says.
func adviceLog(s sight) checks.Advice {
	switch {
	case s.found.Compose != "":
		return checks.Advice{Look: compose(s, "logs", "--tail", "50")}
	case len(s.ports) == 1:
		return checks.Advice{Look: checks.Sh("sudo", "journalctl", "-u", unitOf(s.ports[0].port), "-n", "50", "--no-pager")}
	}
	return checks.Advice{Look: checks.Sh("sudo", "journalctl", "-u", "mastodon-streaming@*", "-n", "50", "--no-pager")}
}

func advicePort(s sight, port int) checks.Advice {
	if s.found.Compose != "" {
		return adviceRestart(s)
	}
	return checks.Advice{
		Look: checks.Sh("systemctl", "status", unitOf(port)),
		Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", unitOf(port))},
	}
}

func adviceDead(s sight, at level) checks.Advice {
	switch {
	case at == atPort && len(s.ports) == 1:
		return advicePort(s, s.ports[0].port)
	case at == atPort, at == atPing, at == atHealth && !s.someWell(), at == atOpen && !upgradeLost(s.socket):
		return adviceRestart(s)
	}
	a := adviceProxy(s)
	a.Text = checks.Text{
		En: "Compare the web server's block for /api/v1/streaming with the sample that comes with Mastodon: it goes to the port of streaming, " +
			"with HTTP/1.1 and the headers Upgrade and Connection.",
		Ja: "Webサーバーの/api/v1/streamingの設定を、Mastodon付属の見本と比べてください。転送先はストリーミングのポートで、HTTP/1.1と、Upgrade・Connectionヘッダーが必要です。",
	}
	if s.found.WebServer == "apache2" || s.found.WebServer == "httpd" {
		a.Text = checks.Text{
			En: "Let the web server pass /api/v1/streaming to the port of streaming, with upgrade=websocket (Apache 2.4.47 or newer) or mod_proxy_wstunnel.",
			Ja: "Apacheで/api/v1/streamingをストリーミングのポートに渡す設定に、upgrade=websocket（2.4.47以降）かmod_proxy_wstunnelがあるか確かめてください。",
		}
	}
	return a
}

// adviceProxy shows what the web server does with streaming.
func adviceProxy(s sight) checks.Advice {
	switch s.found.WebServer {
	case "apache2", "httpd":
		return checks.Advice{Look: checks.Sh("sudo", "grep", "-rn", "streaming", "/etc/"+s.found.WebServer)}
	case "", "nginx":
		return checks.Advice{Look: checks.Sh("sudo", "nginx", "-T").Pipe("grep", "-A", "15", "api/v1/streaming")}
	}
	return checks.Advice{}
}

func adviceCut(s sight) checks.Advice {
	a := adviceProxy(s)
	if w := s.found.WebServer; w == "" || w == "nginx" {
		a.Text = checks.Text{
			En: "In nginx's block for /api/v1/streaming: proxy_read_timeout 1h; proxy_send_timeout 1h; and look for a limit in what stands before nginx.",
			Ja: "nginxの/api/v1/streamingのブロックに proxy_read_timeout 1h; と proxy_send_timeout 1h; を入れ、nginxの手前にも制限がないか確かめてください。",
		}
		return a
	}
	a.Text = checks.Text{
		En: "Raise the time that an idle WebSocket may live, in the web server and in what stands before it.",
		Ja: "Webサーバーと、その手前にあるもので、何も流れていないWebSocketを保つ時間を延ばしてください。",
	}
	return a
}

func adviceEvent(s sight, e eventMemo) checks.Advice {
	a := adviceRestart(s)
	switch {
	case e.State == arrived || e.Heard != nil && *e.Heard > 0:
		a.Mend = nil
		a.Text = checks.Text{
			En: "Look at Sidekiq's queue default first: the post goes through it.",
			Ja: "まずSidekiqのdefaultキューを見てください。投稿はそこを通って流れます。",
		}
	default:
		a.Text = checks.Text{
			En: "If Sidekiq works through its queues, restart streaming: it then connects to Redis anew.",
			Ja: "Sidekiqのキューが流れているなら、ストリーミングを再起動するとRedisにつなぎ直されます。",
		}
	}
	return a
}

// adviceToken is how to come by a token that is good.
func adviceToken() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "In an account on this server make an application (Settings, Development) with the scopes read:statuses, read:notifications and write:statuses, " +
			"and put its token into the file of [server] token_file.",
		Ja: "このサーバーのアカウントの「設定 → 開発」で、read:statuses・read:notifications・write:statusesを許可したアプリを作り、そのトークンを[server] token_fileのファイルに入れてください。",
	}}
}

// adviceUnseen is what would let this machine see again.
func adviceUnseen(o outcome, domain string) checks.Advice {
	switch {
	case o.state == unseen && o.why == noResolver:
		return checks.Advice{
			Text: checks.Text{En: "See whether this machine resolves names at all.", Ja: "このマシンで名前解決ができるか確かめてください。"},
			Look: checks.Written("getent", "ahosts", domain),
		}
	case o.state == unseen && o.why == noRoute:
		return checks.Advice{
			Text: checks.Text{En: "Look at the network of this machine.", Ja: "このマシンのネットワークを確かめてください。"},
			Look: checks.Sh("ip", "route"),
		}
	}
	return checks.Advice{}
}
