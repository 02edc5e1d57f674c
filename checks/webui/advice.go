package webui

import (
	"net/http"
	"path"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// precompile builds the assets anew, as Mastodon's own account, with rbenv
// where it is; none where Mastodon does not run bare on this machine.
func precompile(f site.Found) checks.Shell {
	if f.Live == "" {
		return nil
	}
	user := f.User
	if user == "" {
		user = "mastodon"
	}
	shims := path.Join(path.Dir(f.Live), ".rbenv/shims")
	return checks.Written("sudo", "-u", user, "-H", "env", "-C", f.Live,
		"PATH="+shims+":/usr/local/bin:/usr/bin:/bin", "RAILS_ENV=production", "bin/rails", "assets:precompile")
}

// compose is a command of Docker Compose for this installation.
func compose(f site.Found, words ...string) checks.Shell {
	return checks.Written(append([]string{"sudo", "docker", "compose", "--project-directory", f.Compose}, words...)...)
}

func restartWeb(f site.Found) checks.Shell {
	if f.Live == "" && f.Compose != "" {
		return compose(f, "restart", "web")
	}
	return checks.Sh("sudo", "systemctl", "restart", "mastodon-web")
}

// logOfWeb shows what the web process says.
func logOfWeb(f site.Found) checks.Shell {
	if f.Live == "" && f.Compose != "" {
		return compose(f, "logs", "--tail", "50", "web")
	}
	return checks.Sh("sudo", "journalctl", "-u", "mastodon-web", "-n", "50", "--no-pager")
}

func logOfServer(f site.Found) checks.Shell {
	switch f.WebServer {
	case "", "nginx":
		return checks.Sh("sudo", "tail", "-n", "50", "/var/log/nginx/error.log")
	}
	return checks.Written("sudo", "journalctl", "-u", f.WebServer, "-n", "50", "--no-pager")
}

// commands leaves out those that could not be written.
func commands(all ...checks.Shell) []checks.Shell {
	var out []checks.Shell
	for _, sh := range all {
		if len(sh) > 0 {
			out = append(out, sh)
		}
	}
	return out
}

// adviceBuild is to build the assets anew. An image brings them along.
func adviceBuild(f site.Found) checks.Advice {
	switch {
	case f.Live != "":
		return checks.Advice{Look: logOfWeb(f), Mend: commands(precompile(f), restartWeb(f))}
	case f.Compose != "":
		return checks.Advice{
			Text: checks.Text{
				En: "Containers bring the built files in their image: pull it again (where you build it yourself: docker compose build).",
				Ja: "コンテナではビルド済みファイルはイメージに入っています。イメージを取り直してください（自分でビルドしている場合はdocker compose build）。",
			},
			Look: logOfWeb(f),
			Mend: commands(compose(f, "pull", "web"), compose(f, "up", "-d", "--force-recreate", "web")),
		}
	}
	return checks.Advice{Text: checks.Text{
		En: "On the server, as Mastodon's user and in the folder of its code: RAILS_ENV=production bin/rails assets:precompile. Then restart mastodon-web.",
		Ja: "サーバー上で、Mastodonのユーザーで、コードのあるフォルダーから RAILS_ENV=production bin/rails assets:precompile を実行し、mastodon-webを再起動してください。",
	}}
}

// advicePage is what to do about a page that fails.
func (l *looked) advicePage() checks.Advice {
	fresh := l.views.fresh
	switch {
	case l.blamed() && l.build.state == complete:
		return checks.Advice{
			Text: checks.Text{
				En: "If a restart does not fix it, the reason is in the log.",
				Ja: "再起動しても直らない場合は、ログに原因が出ているはずです。",
			},
			Look: logOfWeb(l.found), Mend: commands(restartWeb(l.found)),
		}
	case l.blamed():
		return adviceBuild(l.found)
	case fresh.why == redirected:
		return checks.Advice{Text: checks.Text{
			En: "Look at [server] domain in the configuration of sababan, and at the redirects of the web server.",
			Ja: "sababanの設定の[server] domainと、Webサーバーの転送設定を確かめてください。",
		}}
	case fresh.why == maintenance:
		return checks.Advice{Text: checks.Text{
			En: "Take the notice away: in the web server's configuration, or at the CDN.",
			Ja: "Webサーバーの設定かCDNで、メンテナンス表示を解除してください。",
		}}
	case fresh.why == noRoot || fresh.why == notPage || fresh.why == status && fresh.code < http.StatusInternalServerError:
		return checks.Advice{
			Text: checks.Text{
				En: "See whether the web server passes pages on to Mastodon, and whether something in front of it answers in its place.",
				Ja: "WebサーバーがページをMastodonに渡しているか、手前で別のものが応答していないかを確かめてください。",
			},
			Look: checks.Written("curl", "-sI", l.views.address(l.domain)),
		}
	case fresh.why == refused:
		return checks.Advice{
			Text: checks.Text{
				En: "See on the server whether its web server runs and listens.",
				Ja: "サーバーで、Webサーバーが動いて待ち受けているか確かめてください。",
			},
			Look: checks.Sh("sudo", "ss", "-ltnp"),
		}
	case fresh.why == status && unreachedBehind(fresh.code) && fresh.code > 511:
		return checks.Advice{
			Text: checks.Text{
				En: "See on the server whether its web server runs, and lets the CDN's addresses in.",
				Ja: "サーバーで、Webサーバーが動いているか、CDNのアドレスを拒否していないかを確かめてください。",
			},
			Look: checks.Sh("sudo", "ss", "-ltnp"),
		}
	case fresh.why == status && unreachedBehind(fresh.code):
		return checks.Advice{Look: logOfWeb(l.found), Mend: commands(restartWeb(l.found))}
	case fresh.why == timeout:
		return adviceSlow()
	case fresh.why == tooLarge || fresh.why == cut:
		return checks.Advice{
			Text: checks.Text{
				En: "Look at the web server, its cache and its disk space.",
				Ja: "Webサーバーと、そのキャッシュ、ディスクの空きを確かめてください。",
			},
			Look: logOfServer(l.found),
		}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "The reason is probably in the log of the web process.",
			Ja: "原因はWebプロセスのログに出ているはずです。",
		},
		Look: logOfWeb(l.found),
	}
}

// address is the page's.
func (v views) address(domain string) string { return "https://" + domain + v.path }

func adviceSlow() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Look at memory and load before anything is restarted.",
			Ja: "再起動する前に、メモリと負荷を見ておいてください。",
		},
		Look: checks.Sh("top", "-b", "-n", "1").Pipe("head", "-n", "20"),
	}
}

// adviceStale is what to do about what a cache hides.
func (l *looked) adviceStale(hides bool) checks.Advice {
	if hides {
		return checks.Advice{Text: checks.Text{
			En: "Let your other monitors ask for something that is never cached, such as /health.",
			Ja: "ほかの監視では、キャッシュされない場所（/healthなど）を見るようにしてください。",
		}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "See whether the web process answers at all.",
			Ja: "Webプロセスが応答しているか確かめてください。",
		},
		Look: logOfWeb(l.found),
	}
}

func (l *looked) adviceCache() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Empty the cache of the proxy or CDN for the front page.",
			Ja: "プロキシかCDNの、トップページのキャッシュを消してください。",
		},
		Look: checks.Written("curl", "-sI", l.views.address(l.domain)),
	}
}

// adviceFiles is what to do about files of the page that are wrong.
func (l *looked) adviceFiles(g group) checks.Advice {
	worst := g.faults[0]
	at := checks.Written("curl", "-sI", worst.URL)
	switch {
	case worst.Cached:
		return l.adviceCache()
	case g.host != "":
		return adviceOtherHost(worst, at)
	case worst.What == changed && worst.Disk != spoilt:
		return checks.Advice{
			Text: checks.Text{
				En: "Switch off what changes scripts and styles under way (minify, optimise) at the CDN or proxy, and empty its cache.",
				Ja: "CDNやプロキシの、スクリプトとCSSを書き換える機能（minifyなどの最適化）を切り、キャッシュを消してください。",
			},
			Look: at,
		}
	case worst.Disk == shut:
		return l.adviceShut(worst)
	case worst.Disk == otherBuild:
		return checks.Advice{Look: at, Mend: commands(restartWeb(l.found))}
	case worst.Disk == offDisk || worst.Disk == spoilt:
		return adviceBuild(l.found)
	case worst.What == missing && l.found.Live == "":
		a := adviceBuild(l.found)
		a.Look = at
		return a
	case worst.What == wrongType:
		return checks.Advice{
			Text: checks.Text{
				En: "Let the web server tell what kind of file it sends (nginx: include mime.types).",
				Ja: "Webサーバーがファイルの種類を正しく返すようにしてください（nginxではmime.typesのinclude）。",
			},
			Look: at,
		}
	case worst.What == failing || worst.What == garbled || worst.What == cutOff || worst.What == tooSlow || worst.What == huge:
		return checks.Advice{
			Text: checks.Text{
				En: "Look at the web server: its log, its cache and its disk space.",
				Ja: "Webサーバーのログ、キャッシュ、ディスクの空きを確かめてください。",
			},
			Look: logOfServer(l.found),
		}
	case worst.What == plainHTTP:
		return checks.Advice{Text: checks.Text{
			En: "Look at CDN_HOST in .env.production: it must begin with https://.",
			Ja: ".env.productionのCDN_HOSTを確かめてください。https:// で始まる必要があります。",
		}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "See where the web server looks for /packs: it must be public/packs of Mastodon's code, and it must be able to read it (chmod o+x on the folders above).",
			Ja: "Webサーバーの/packsの参照先がMastodonのpublic/packsになっているか、上位フォルダーを含めて読めるか（chmod o+x）を確かめてください。",
		},
		Look: at,
	}
}

// adviceShut opens the folder that the web server may not pass.
func (l *looked) adviceShut(f fault) checks.Advice {
	a := checks.Advice{}
	closed := l.shut
	if closed == "" {
		return a
	}
	file := path.Join(l.found.Live, packs, asset{URL: f.URL}.below())
	a.Look = checks.Written("namei", "-l", file)
	mode := "o+x"
	if closed == file {
		mode = "o+r"
	}
	a.Mend = commands(checks.Written("sudo", "chmod", mode, closed))
	return a
}

func adviceOtherHost(worst fault, at checks.Shell) checks.Advice {
	switch worst.What {
	case changed:
		return checks.Advice{
			Text: checks.Text{
				En: "Switch off what changes scripts and styles there (minify, optimise), and empty its cache.",
				Ja: "そこでスクリプトとCSSを書き換える機能（minifyなどの最適化）を切り、キャッシュを消してください。",
			},
			Look: at,
		}
	case notAllowed:
		return checks.Advice{
			Text: checks.Text{
				En: "Let it send Access-Control-Allow-Origin with these files, and empty its cache.",
				Ja: "これらのファイルにAccess-Control-Allow-Originを付けて返すよう設定し、キャッシュを消してください。",
			},
			Look: at,
		}
	case plainHTTP:
		return checks.Advice{Text: checks.Text{
			En: "Look at CDN_HOST in .env.production: it must begin with https://.",
			Ja: ".env.productionのCDN_HOSTを確かめてください。https:// で始まる必要があります。",
		}}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Look at the CDN: whether it reaches this server, and what its cache holds.",
			Ja: "CDNからこのサーバーにつながるか、キャッシュに何が残っているかを確かめてください。",
		},
		Look: at,
	}
}

// adviceUnread lets the daemon's user compare the build; nothing of it is
// secret.
func adviceUnread(b build) checks.Advice {
	if b.denied == "" {
		return checks.Advice{}
	}
	right := "u:sababan:x"
	if path.Ext(b.denied) == ".json" || path.Base(b.denied) == "packs" {
		right = "u:sababan:rX"
	}
	return checks.Advice{
		Text: checks.Text{
			En: "It is enough to let it pass through the folder; public/packs is open to everybody else already.",
			Ja: "フォルダーを通れるようにするだけで十分です。public/packs自体は通常、誰でも読めます。",
		},
		Mend: commands(checks.Written("sudo", "setfacl", "-m", right, b.denied)),
	}
}
