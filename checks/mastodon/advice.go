package mastodon

import (
	"cmp"
	"net/url"
	"path"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// adviceUpdate leads to the steps, which only the notes of a release have, and
// says what must be there before the first of them.
func (q question) adviceUpdate(o offer) checks.Advice {
	var parts []checks.Text
	if q.running.fork != "" && q.running.source != "" {
		parts = append(parts, checks.Text{
			En: "The fork's own releases: " + q.running.source,
			Ja: "フォークのリリース: " + q.running.source,
		})
	}
	if o.Notes != "" {
		parts = append(parts, checks.Text{
			En: "Notes and steps: " + o.Notes,
			Ja: "変更点と手順: " + o.Notes,
		})
	}
	gate := checks.Text{
		En: "Before it: a backup of today that can be read to its end (ask: check backups), and a sound database (check database).",
		Ja: "更新前に、今日のバックアップが最後まで読めること（「確認 backups」）と、データベースに異常がないこと（「確認 database」）を確かめてください。",
	}
	if q.table.size > 0 {
		size := checks.Size(float64(q.table.size))
		gate.En += " The database has " + size.En + "; as much should be free."
		gate.Ja += "データベースは" + size.Ja + "です。同じだけの空きがあると安心です。"
	}
	return checks.Advice{Text: checks.Lines(append(parts, gate)...)}
}

func (q question) adviceSupport() checks.Advice {
	newest := ""
	for _, o := range q.newer() {
		if q.version().newBranch(o.version()) {
			newest = o.Version
		}
	}
	to := checks.Text{En: "a supported branch", Ja: "サポート中のバージョン"}
	if newest != "" {
		to = checks.Same(newest)
	}
	return checks.Advice{Text: checks.Text{
		En: "Plan the update to " + to.En + ": one branch after the other, each by its own release notes, and a backup before each.",
		Ja: to.Ja + "への更新を計画してください。系列を一つずつ、リリースノートの手順どおりに、毎回バックアップを取ってから進めます。",
	}}
}

func (q question) adviceChecker() checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "It is a job of Sidekiq's scheduler (ask: check sidekiq), and must reach the update service from the server:",
		Ja: "Sidekiqのschedulerキューのジョブです（「確認 sidekiq」）。サーバーから更新サービスに接続できるかも確かめてください。",
	}}
	if at, err := url.Parse(q.updates); err == nil {
		query := at.Query()
		query.Set("version", q.version().String())
		at.RawQuery = query.Encode()
		words := []string{"curl", "-sS", at.String()}
		if q.found.Compose != "" {
			words = append(composeWords(q.found, "exec", "sidekiq"), words...)
		}
		a.Look = checks.Written(words...)
	}
	return a
}

func composeWords(f site.Found, words ...string) []string {
	return append([]string{"sudo", "docker", "compose", "--project-directory", f.Compose}, words...)
}

// rails is a call of Mastodon's own tool as its own account, with rbenv where it
// is; early leaves out what waits until the new code runs.
func (q question) rails(early bool, task string) checks.Shell {
	f := q.found
	skip := "SKIP_POST_DEPLOYMENT_MIGRATIONS=true"
	if f.Compose != "" {
		words := composeWords(f, "run", "--rm")
		if early {
			words = append(words, "-e", skip)
		}
		return checks.Written(append(words, "web", "bin/rails", task)...)
	}
	if f.Live == "" {
		return nil
	}
	shims := path.Join(path.Dir(f.Live), ".rbenv/shims")
	words := []string{
		"sudo", "-u", cmp.Or(f.User, "mastodon"), "-H", "env", "-C", f.Live,
		"PATH=" + shims + ":/usr/local/bin:/usr/bin:/bin", "RAILS_ENV=production",
	}
	if early {
		words = append(words, skip)
	}
	return checks.Written(append(words, "bin/rails", task)...)
}

// restart restarts everything that runs Mastodon's code, however its units are
// called.
func (q question) restart() checks.Shell {
	if q.found.Compose != "" {
		return checks.Written(composeWords(q.found, "up", "-d", "--force-recreate", "web", "streaming", "sidekiq")...)
	}
	return checks.Sh("sudo", "systemctl", "restart", "mastodon-*.service")
}

func (q question) lookAtUnits() checks.Shell {
	if q.found.Compose != "" {
		return checks.Written(composeWords(q.found, "ps")...)
	}
	return checks.Sh("systemctl", "list-units", "mastodon*")
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

func (q question) adviceRunning() checks.Advice {
	l := q.code.lacked(q.table.migrations)
	switch {
	case q.running.version.compare(q.code.version) > 0:
		return checks.Advice{
			Text: checks.Text{
				En: "See whether the older version is meant: if not, check the newer one out again before anything is restarted.",
				Ja: "意図して戻したのか確かめてください。違う場合は、再起動する前に新しいバージョンをチェックアウトし直してください。",
			},
			Look: q.lookAtUnits(),
		}
	case q.comparable() && l.pending > 0:
		return checks.Advice{
			Text: checks.Text{
				En: "The update stands half-way: its migrations come first, then the restart. See its release notes for other steps.",
				Ja: "更新が途中です。先にマイグレーション、その後に再起動してください。ほかの手順はリリースノートを見てください。",
			},
			Look: q.lookAtUnits(), Mend: commands(q.rails(true, "db:migrate"), q.restart()),
		}
	}
	return checks.Advice{Look: q.lookAtUnits(), Mend: commands(q.restart())}
}

func (q question) advicePending(l lacks) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "With a backup at hand: the first command changes the database for the new code, then Mastodon is restarted.",
			Ja: "バックアップがあることを確かめてから実行してください。マイグレーションの後、Mastodonを再起動します。",
		},
		Look: q.rails(false, "db:migrate:status"),
		Mend: commands(q.rails(true, "db:migrate"), q.restart()),
	}
	if l.post > 0 {
		a.Text = checks.Text{
			En: a.Text.En + " The last command is for what waits until then.",
			Ja: a.Text.Ja + "最後のコマンドは、再起動の後に実行する分です。",
		}
		a.Mend = commands(append(a.Mend, q.rails(false, "db:migrate"))...)
	}
	return a
}

func (q question) advicePost() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "While Mastodon runs; with large tables it may take hours.",
			Ja: "Mastodonを動かしたまま実行できます。大きなテーブルでは数時間かかることがあります。",
		},
		Look: q.rails(false, "db:migrate:status"),
		Mend: commands(q.rails(false, "db:migrate")),
	}
}

func (q question) adviceAhead() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "If the code was taken back on purpose, go forward again soon: Mastodon is not made for an older version on a newer database.",
			Ja: "意図して戻した場合も、早めに元のバージョンへ進めてください。新しいデータベースで古いバージョンを使うことは想定されていません。",
		},
		Look: q.rails(false, "db:migrate:status"),
	}
}

func (q question) adviceNoCode() checks.Advice {
	if q.code.denied == "" {
		return checks.Advice{}
	}
	right := "u:" + site.Role + ":x"
	if strings.HasPrefix(q.code.denied+"/", strings.TrimSuffix(q.found.Live, "/")+"/") {
		right = "u:" + site.Role + ":rX"
	}
	a := checks.Advice{Text: checks.Text{
		En: "It is enough to let it pass; what is closed in there (.env.production, mode 600) stays closed.",
		Ja: "通れるようにするだけで十分です。.env.production（モード600）などは読めないままです。",
	}}
	a.Mend = commands(checks.Written("sudo", "setfacl", "-m", right, q.code.denied))
	return a
}

func (q question) adviceNoVersion() checks.Advice {
	if q.code.err != nil {
		return q.adviceNoCode()
	}
	return checks.Advice{}
}

// adviceNobodyTells is how to find out by hand.
func (q question) adviceNobodyTells() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "They are listed at https://github.com/mastodon/mastodon/releases",
		Ja: "一覧は https://github.com/mastodon/mastodon/releases にあります。",
	}}
}
