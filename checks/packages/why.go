package packages

import (
	"context"
	"errors"
	"fmt"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
)

// Why something could not be seen.

func nothingSeen() checks.Text {
	return checks.Text{En: "the packages could not be looked at", Ja: "パッケージの状態を確認できませんでした"}
}

func noManager() checks.Text {
	return checks.Text{
		En: "neither apt nor dnf is on this machine",
		Ja: "このマシンにはaptもdnfもありません",
	}
}

func blindUpdates(err error) checks.Text {
	var said *refused
	switch {
	case errors.As(err, &said):
		q := checks.Said(said.said)
		return checks.Text{
			En: fmt.Sprintf("which updates wait: %s does not tell (%s)", said.tool, q.En),
			Ja: fmt.Sprintf("更新の有無を確認できません（%sの出力: %s）", said.tool, q.Ja),
		}
	case errors.Is(err, child.ErrDeadline):
		return checks.Text{
			En: "which updates wait: no answer in time",
			Ja: "更新の有無を確認できません（時間内に応答なし）",
		}
	case errors.Is(err, child.ErrMissing):
		return checks.Text{
			En: "which updates wait: the tool for it is not on this machine",
			Ja: "更新の有無を確認できません（必要なコマンドがありません）",
		}
	}
	return checks.Text{En: "which updates wait could not be asked", Ja: "更新の有無を確認できません"}
}

func mendUpdates(err error, dnf bool) checks.Advice {
	var said *refused
	switch {
	case !errors.As(err, &said):
		return checks.Advice{}
	case dnf:
		return checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "dnf", "makecache")}}
	}
	return checks.Advice{Look: checks.Sh("sudo", "apt-get", "check")}
}

// blindScan is for processes that could not be looked at at all.
func blindScan(err error) checks.Text {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return checks.Text{
			En: "which processes use deleted libraries: there was no time left",
			Ja: "古いライブラリを使っているプロセスを確認できません（時間切れ）",
		}
	}
	return checks.Text{
		En: "which processes use deleted libraries: the list of processes cannot be read",
		Ja: "古いライブラリを使っているプロセスを確認できません（プロセスの一覧を読めません）",
	}
}

func blindProcesses() checks.Text {
	return checks.Text{
		En: "which processes use deleted libraries: those of other users are hidden from me",
		Ja: "古いライブラリを使っているプロセスを確認できません（ほかのユーザーのプロセスが見えません）",
	}
}

func mendProcesses() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "It can be seen as root: sudo sababan check packages.",
		Ja: "rootなら確認できます: sudo sababan check packages",
	}}
}

func blindLog() checks.Text {
	return checks.Text{
		En: "whether unattended-upgrades succeeds: no permission for its log",
		Ja: "自動更新（unattended-upgrades）のログを読む権限がありません",
	}
}

func mendLog() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "The group adm may read it.",
		Ja: "admグループに入っていれば読めます。",
	}}
}
