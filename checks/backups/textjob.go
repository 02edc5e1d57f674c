package backups

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sababan/sababan/checks"
)

// How the jobs went by their own account.

// ending is how the last run of a service ended.
func (j job) ending() checks.Text {
	switch {
	case j.Status > 0:
		return checks.Text{En: fmt.Sprintf("exit status %d", j.Status), Ja: fmt.Sprintf("終了コード%d", j.Status)}
	case j.Result == "timeout":
		return checks.Text{En: "it took too long", Ja: "時間切れ"}
	case j.Result == "oom-kill":
		return checks.Text{En: "killed for lack of memory", Ja: "メモリ不足で強制終了"}
	}
	return checks.Same(checks.Quote(j.Result))
}

func jobText(j job) checks.Text {
	name, how := nameOf(j.Unit), j.ending()
	when := checks.Text{}
	if !j.At.IsZero() {
		when = checks.Text{
			En: fmt.Sprintf("It ended at %s.", checks.At(j.At)),
			Ja: fmt.Sprintf("終了は%sです。", checks.At(j.At)),
		}
	}
	said := checks.Text{}
	if len(j.Said) > 0 {
		last := checks.Said(withoutSecrets(strings.Join(j.Said[len(j.Said)-1:], " ")))
		said = checks.Text{En: "Its last words: " + last.En + ".", Ja: "最後の出力: " + last.Ja}
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("backup job %s failed (%s)", name.En, how.En),
		Ja: fmt.Sprintf("バックアップのジョブが失敗しました（%s）: %s", how.Ja, name.Ja),
	}, when, said)
}

func jobAdvice(j job) checks.Advice {
	return checks.Advice{
		Look: checks.Written("sudo", "journalctl", "-u", j.Unit, "-n", "30", "--no-pager"),
		Mend: []checks.Shell{checks.Written("sudo", "systemctl", "start", j.Unit)},
	}
}

// failedLine names the job that failed, behind a finding that it explains.
func failedLine(failed []job) checks.Text {
	if len(failed) == 0 {
		return checks.Text{}
	}
	j := failed[0]
	name, how := nameOf(j.Unit), j.ending()
	return checks.Text{
		En: fmt.Sprintf("The last run of %s failed (%s, %s).", name.En, checks.At(j.At), how.En),
		Ja: fmt.Sprintf("ジョブ %s の前回の実行は失敗しています（%s、%s）。", name.Ja, checks.At(j.At), how.Ja),
	}
}

func exitText(s seen) checks.Text {
	said := checks.Text{}
	if q := checks.Said(withoutSecrets(s.Status.Trouble)); !q.Empty() {
		said = checks.Text{En: "It says: " + q.En + ".", Ja: "内容: " + q.Ja}
	}
	newest := checks.Text{}
	if s.Newest != nil {
		newest = newestLine(s)
	}
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("the job of backup %s ended with an error (exit status %d)", s.Name.En, s.Status.Exit),
		Ja: fmt.Sprintf("バックアップのジョブがエラーで終わっています（終了コード%d）: %s", s.Status.Exit, s.Name.Ja),
	}, said, newest)
}

func logText(s seen) checks.Text {
	l := s.known.Log
	at, said := checks.At(l.At), checks.Said(l.Trouble)
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("the log of backup %s ends with an error", s.Name.En),
		Ja: fmt.Sprintf("バックアップのログの終わりにエラーがあります: %s", s.Name.Ja),
	}, checks.Text{
		En: fmt.Sprintf("Written at %s: %s.", at, said.En),
		Ja: fmt.Sprintf("%sの記録: %s", at, said.Ja),
	})
}

func logAdvice(s seen) checks.Advice {
	return checks.Advice{Look: checks.Written("sudo", "tail", "-n", "30", s.Source.Log)}
}

func blindLog(s seen, err error) checks.Text {
	f := fileOf(s.Source.Log)
	why := checks.Text{}
	switch {
	case errors.Is(err, fs.ErrPermission):
		why = checks.Text{En: "no permission to read " + f.En, Ja: f.Ja + " を読む権限がありません"}
	case errors.Is(err, fs.ErrNotExist):
		why = checks.Text{En: f.En + " is not there", Ja: f.Ja + " がありません"}
	case errors.Is(err, errHangs):
		why = checks.Text{En: f.En + " does not answer", Ja: f.Ja + " が応答しません"}
	default:
		why = checks.Said(err.Error())
	}
	return checks.Text{
		En: fmt.Sprintf("the log of backup %s: %s", s.Name.En, why.En),
		Ja: fmt.Sprintf("バックアップ %s のログを確認できません（%s）", s.Name.Ja, why.Ja),
	}
}
