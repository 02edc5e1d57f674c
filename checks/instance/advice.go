package instance

import (
	"cmp"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

// adviceView is the checklist's command, for every view that needs it.
func adviceView(v views) checks.Advice {
	psql := func(sql string) checks.Shell {
		return checks.Sh("sudo", "-u", "postgres", "psql", "-d", cmp.Or(v.database, "mastodon_production"), "-c", sql)
	}
	advice := checks.Advice{Look: psql("select matviewname, ispopulated from pg_matviews")}
	if len(v.empty) == 0 {
		advice.Mend = []checks.Shell{psql("refresh materialized view instances")}
	}
	for _, name := range v.empty {
		advice.Mend = append(advice.Mend, psql("refresh materialized view "+pgx.Identifier{name}.Sanitize()))
	}
	return advice
}

// adviceBroken is where to look for a place that fails.
func adviceBroken(o outcome) checks.Advice {
	web := checks.Sh("sudo", "journalctl", "-u", "mastodon-web", "-n", "50", "--no-pager")
	switch {
	case o.why == redirected:
		return checks.Advice{Text: checks.Text{
			En: "Look at [server] domain in the configuration of sababan, and at the redirects of the web server.",
			Ja: "sababanの設定の[server] domainと、Webサーバーの転送設定を確かめてください。",
		}}
	case o.why == status && o.code < 500:
		return checks.Advice{
			Text: checks.Text{
				En: "See whether the web server passes /api on to Mastodon, and whether something in front of it refuses.",
				Ja: "Webサーバーが/apiをMastodonに渡しているか、手前で拒否されていないかを確かめてください。",
			},
			Look: web,
		}
	case o.why == notJSON || o.why == shape || o.why == tooLarge:
		return checks.Advice{
			Text: checks.Text{
				En: "Something between Mastodon and here may cut or change the answer: look at the web server, its cache and its disk space.",
				Ja: "Mastodonとの間で応答が切られたり変えられたりしている可能性があります。Webサーバーと、そのキャッシュ、ディスクの空きを確かめてください。",
			},
			Look: checks.Sh("sudo", "tail", "-n", "50", "/var/log/nginx/error.log"),
		}
	case o.why == refused || o.why == cut:
		return checks.Advice{
			Text: checks.Text{
				En: "See on the server whether its web server runs and listens.",
				Ja: "サーバーで、Webサーバーが動いて待ち受けているか確かめてください。",
			},
			Look: checks.Sh("sudo", "ss", "-ltnp"),
		}
	case o.why == status && (o.code == http.StatusBadGateway || o.code == http.StatusGatewayTimeout):
		return checks.Advice{
			Text: checks.Text{
				En: "The web server does not reach the web process of Mastodon.",
				Ja: "WebサーバーからMastodonのWebプロセスにつながっていません。",
			},
			Look: web,
			Mend: []checks.Shell{checks.Sh("sudo", "systemctl", "restart", "mastodon-web")},
		}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "The reason is probably in the log of the web process.",
			Ja: "原因はWebプロセスのログに出ているはずです。",
		},
		Look: web,
	}
}

func adviceGuarded() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Take /api, /inbox, /users, /nodeinfo and /.well-known out of the browser check: neither apps nor other servers can pass it.",
		Ja: "/api、/inbox、/users、/nodeinfo、/.well-known をブラウザ確認の対象から外してください。アプリも他サーバーも通過できません。",
	}}
}

func adviceSlow() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Look at memory and load before anything is restarted.",
			Ja: "再起動する前に、メモリと負荷を見ておいてください。",
		},
		Look: checks.Sh("top", "-b", "-n", "1").Pipe("head", "-n", "20"),
	}
}

// adviceUnseen is what would let this machine see again.
func adviceUnseen(o outcome, domain string) checks.Advice {
	switch o.why {
	case noResolver:
		return checks.Advice{
			Text: checks.Text{En: "See whether this machine resolves names at all.", Ja: "このマシンで名前解決ができるか確かめてください。"},
			Look: checks.Sh("getent", "ahosts", domain),
		}
	case noRoute:
		return checks.Advice{
			Text: checks.Text{En: "Look at the network of this machine.", Ja: "このマシンのネットワークを確かめてください。"},
			Look: checks.Sh("ip", "route"),
		}
	}
	return checks.Advice{}
}
