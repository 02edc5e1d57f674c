package services

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sababan/sababan/checks"
)

func boxHeadline(b box, t trouble) checks.Text {
	n := unitName(b.Name)
	switch t {
	case unwell:
		return checks.Text{En: "container " + n + " runs, but its own health check fails", Ja: "コンテナ " + n + " は動いていますが、ヘルスチェックに失敗しています"}
	case starting:
		return checks.Text{
			En: fmt.Sprintf("container %s has been starting for %s", n, checks.Ago(b.Started)),
			Ja: fmt.Sprintf("コンテナ %s の起動が%sたっても終わりません", n, checks.Ago(b.Started)),
		}
	case looping:
		return checks.Text{En: "container " + n + " ends again and again right after its start", Ja: "コンテナ " + n + " が起動直後の終了を繰り返しています"}
	case failed:
		if b.OOMKilled {
			return checks.Text{En: "container " + n + " was killed for lack of memory", Ja: "コンテナ " + n + " がメモリ不足で強制終了されました"}
		}
		return checks.Text{En: "container " + n + " has failed and does not run", Ja: "コンテナ " + n + " がエラーで止まっています"}
	}
	return checks.Text{En: "container " + n + " does not run", Ja: "コンテナ " + n + " が動いていません"}
}

func boxText(b box, t trouble) checks.Text {
	why := checks.Text{}
	if (t == failed || t == stopped) && !b.Ended.IsZero() && b.Ended.Year() > 1 {
		why = checks.Text{
			En: fmt.Sprintf("It ended at %s with exit status %d.", checks.At(b.Ended), b.ExitCode),
			Ja: fmt.Sprintf("%sに終了しました（終了コード%d）。", checks.At(b.Ended), b.ExitCode),
		}
	}
	return checks.Lines(boxHeadline(b, t), b.role.harm(), why)
}

func boxAdvice(b box) checks.Advice {
	a := checks.Advice{Look: checks.Sh("sudo", "docker", "logs", "--tail", "50", b.Name)}
	if b.Service != "" && b.Project != "" {
		up := checks.Sh("sudo", "docker", "compose", "--project-directory", b.Project, "up", "-d", b.Service)
		if b.Status == "running" || b.Status == "restarting" {
			up = checks.Sh("sudo", "docker", "compose", "--project-directory", b.Project, "restart", b.Service)
		}
		a.Mend = []checks.Shell{up}
	}
	return writable(a)
}

func boxBootText(b box) checks.Text {
	n := unitName(b.Name)
	return checks.Lines(checks.Text{
		En: "container " + n + " would not come back after a reboot",
		Ja: "コンテナ " + n + " は、マシンを再起動すると自動では起動しません",
	}, checks.Text{En: "Its restart policy is \"no\".", Ja: "再起動ポリシーが「no」になっています。"})
}

func boxBootAdvice(b box) checks.Advice {
	return writable(checks.Advice{
		Text: checks.Text{
			En: "In the compose file, restart: always keeps it so.",
			Ja: "composeファイルに restart: always を書いておくと、作り直しても有効です。",
		},
		Mend: []checks.Shell{checks.Sh("sudo", "docker", "update", "--restart=unless-stopped", b.Name)},
	})
}

// writable leaves out commands that cannot be written safely: names of
// containers come from outside.
func writable(a checks.Advice) checks.Advice {
	if a.Look.String() == "" {
		a.Look = nil
	}
	var mend []checks.Shell
	for _, m := range a.Mend {
		if m.String() != "" {
			mend = append(mend, m)
		}
	}
	a.Mend = mend
	return a
}

func blindDocker() checks.Text {
	return checks.Text{
		En: "Mastodon runs in containers here, and I have no way to ask Docker about them",
		Ja: "Mastodonはコンテナで動いていますが、Dockerに問い合わせる設定がありません",
	}
}

func mendDocker() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Start a read-only proxy of Docker's socket that allows CONTAINERS only, and write its address as docker in [checks.services]. I never use the socket itself: it is as good as root.",
		Ja: "Dockerソケットの読み取り専用プロキシ（CONTAINERSだけ許可）を起動し、そのアドレスを[checks.services]のdockerに書いてください。ソケットそのものはroot権限に等しいため使いません。",
	}}
}

func refusedDocker(err error) checks.Text {
	var r *refused
	if errors.As(err, &r) {
		return checks.Text{
			En: fmt.Sprintf("the proxy of Docker's socket answers %d", r.status),
			Ja: fmt.Sprintf("Dockerソケットのプロキシの応答が%dです", r.status),
		}
	}
	return checks.Text{
		En: "the proxy of Docker's socket does not answer",
		Ja: "Dockerソケットのプロキシが応答しません",
	}
}

func refusedAdvice(err error) checks.Advice {
	var r *refused
	if errors.As(err, &r) && r.status == http.StatusForbidden {
		return checks.Advice{Text: checks.Text{
			En: "It must allow reading /containers (CONTAINERS=1).",
			Ja: "プロキシで /containers の読み取りを許可してください（CONTAINERS=1）。",
		}}
	}
	return checks.Advice{Look: checks.Sh("sudo", "docker", "ps", "-a")}
}

// shownServices is how many services the line for all names (own).
const shownServices = 8

// summary is the line for all.
func summary(l *look) checks.Text {
	all := len(l.services) + len(l.boxes)
	if all == 0 {
		if len(l.Blind) > 0 {
			return blindDocker()
		}
		return checks.Text{
			En: "no service of Mastodon's on this machine",
			Ja: "このマシンではMastodon関係のサービスは動いていません",
		}
	}
	var names []string
	for _, s := range l.services {
		names = append(names, strings.TrimPrefix(unitName(s.unit.Name), "mastodon-"))
	}
	for _, b := range l.boxes {
		names = append(names, unitName(b.Name))
	}
	more := ""
	if len(names) > shownServices {
		more = fmt.Sprintf(" +%d", len(names)-shownServices)
		names = names[:shownServices]
	}
	list := checks.Text{En: strings.Join(names, ", ") + more, Ja: strings.Join(names, "、") + more}
	if n := len(l.down); n > 0 {
		var down []string
		for _, d := range l.down[:min(n, shownServices)] {
			down = append(down, unitName(d))
		}
		return checks.Text{
			En: fmt.Sprintf("%d of %d services run; down: %s", all-n, all, strings.Join(down, ", ")),
			Ja: fmt.Sprintf("サービス%d個中%d個が稼働、停止中: %s", all, all-n, strings.Join(down, "、")),
		}
	}
	if all == 1 {
		return checks.Text{En: "1 service runs: " + list.En, Ja: "サービス1個が稼働中（" + list.Ja + "）"}
	}
	return checks.Text{
		En: fmt.Sprintf("%s services run: %s", checks.All(all), list.En),
		Ja: fmt.Sprintf("サービス%d個すべて稼働中（%s）", all, list.Ja),
	}
}
