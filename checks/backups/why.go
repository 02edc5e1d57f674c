package backups

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"

	"github.com/sababan/sababan/checks"
)

// Why something could not be seen.

func nothingSeen() checks.Text {
	return checks.Text{En: "the backups could not be looked at", Ja: "バックアップを確認できませんでした"}
}

func noneFound(strays []stray) checks.Text {
	if len(strays) > 0 {
		f := fileOf(strays[0].Path)
		return checks.Text{
			En: fmt.Sprintf("no regular backup was found (only single dumps such as %s from %s)", f.En, checks.On(strays[0].Time)),
			Ja: fmt.Sprintf("定期的なバックアップが見つかりません（単発のダンプ %s（%s）などがあるだけです）", f.Ja, checks.On(strays[0].Time)),
		}
	}
	return checks.Text{En: "no backup was found on this machine", Ja: "このマシンにはバックアップが見つかりません"}
}

func noneAdvice() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Say in [[checks.backups.source]] where they are: glob for files, status_file for what restic, borg or pgBackRest reports.",
		Ja: "[[checks.backups.source]]に場所を書いてください（ファイルはglob、restic・borg・pgBackRestの出力はstatus_file）。",
	}}
}

func noneHere(strays []stray) checks.Text {
	if len(strays) > 0 {
		return noneFound(strays)
	}
	return checks.Text{
		En: "no Mastodon and no backups on this machine",
		Ja: "このマシンにはMastodonもバックアップもありません",
	}
}

func blindSource(s seen) checks.Text {
	switch {
	case errors.Is(s.Err, errHangs):
		l := checks.Span(gatherLimit)
		return checks.Text{
			En: fmt.Sprintf("backup %s does not answer within %s: a network mount may be dead", s.Name.En, l.En),
			Ja: fmt.Sprintf("バックアップ %s が%sたっても応答しません（ネットワークマウントが切れている可能性）", s.Name.Ja, l.Ja),
		}
	case errors.Is(s.Err, fs.ErrPermission):
		return checks.Text{
			En: fmt.Sprintf("backup %s: no permission for its status file", s.Name.En),
			Ja: fmt.Sprintf("バックアップ %s の記録ファイルを読む権限がありません", s.Name.Ja),
		}
	case errors.Is(s.Err, errForm):
		return checks.Text{
			En: fmt.Sprintf("backup %s: its status file is not what restic, borg or pgBackRest write", s.Name.En),
			Ja: fmt.Sprintf("バックアップ %s の記録ファイルが、restic・borg・pgBackRestの形式ではありません", s.Name.Ja),
		}
	case errors.Is(s.Err, errTooLarge):
		return checks.Text{
			En: fmt.Sprintf("backup %s: its status file is too large to be read", s.Name.En),
			Ja: fmt.Sprintf("バックアップ %s の記録ファイルが大きすぎて読めません", s.Name.Ja),
		}
	}
	said := checks.Said(s.Err.Error())
	return checks.Text{
		En: fmt.Sprintf("backup %s cannot be looked at (%s)", s.Name.En, said.En),
		Ja: fmt.Sprintf("バックアップ %s を確認できません（%s）", s.Name.Ja, said.Ja),
	}
}

func mendSource(s seen) checks.Advice {
	switch {
	case errors.Is(s.Err, fs.ErrPermission):
		return mendDenied(s.StatusFile)
	case errors.Is(s.Err, errForm):
		return checks.Advice{Text: checks.Text{
			En: "Let the job leave the output of restic snapshots --json, borg info --json --last 30, borg list --json or pgbackrest info --output=json there, whole and not appended to.",
			Ja: "ジョブの最後に restic snapshots --json、borg info --json --last 30、borg list --json、pgbackrest info --output=json のいずれかの出力を（追記ではなく）書き出してください。",
		}}
	}
	return checks.Advice{}
}

func blindDenied(s seen) checks.Text {
	n := nameOf(s.Denied[0])
	return checks.Text{
		En: fmt.Sprintf("backup %s: no permission for %s", s.Name.En, n.En),
		Ja: fmt.Sprintf("%s を読む権限がありません（バックアップ %s）", n.Ja, s.Name.Ja),
	}
}

// mendDenied gives the user that runs this a look at a file or folder.
func mendDenied(path string) checks.Advice {
	name := "sababan"
	if u, err := user.Current(); err == nil && u.Username != "" && u.Uid != "0" {
		name = u.Username
	}
	a := checks.Advice{}
	if sh := checks.Written("sudo", "setfacl", "-m", "u:"+name+":rX", path); sh != nil {
		a.Mend = []checks.Shell{sh}
	}
	return a
}

func blindFile(s seen) checks.Text {
	f := fileOf(s.Newest.Path)
	return checks.Text{
		En: fmt.Sprintf("whether backup %s is whole: no permission to read %s", s.Name.En, f.En),
		Ja: fmt.Sprintf("バックアップ %s が壊れていないか確認できません（%s を読む権限なし）", s.Name.Ja, f.Ja),
	}
}

func mendFile(s seen) checks.Advice {
	a := mendDenied(s.Newest.Path)
	a.Text = checks.Text{
		En: "Better for all that follow: let the job make its files readable for a group that I am in (umask 027).",
		Ja: "今後のためには、ジョブのumaskを027にし、このボットのグループから読めるようにしてください。",
	}
	return a
}

func blindTool(s seen) checks.Text {
	tool := checks.QuoteName(s.Trial.Tool)
	if said := checks.Said(s.Trial.Said); !said.Empty() {
		return checks.Text{
			En: fmt.Sprintf("whether backup %s is whole: %s cannot read it (%s)", s.Name.En, tool, said.En),
			Ja: fmt.Sprintf("バックアップ %s が壊れていないか確認できません（%s の出力: %s）", s.Name.Ja, tool, said.Ja),
		}
	}
	return checks.Text{
		En: fmt.Sprintf("whether backup %s is whole: %s is not on this machine", s.Name.En, tool),
		Ja: fmt.Sprintf("バックアップ %s が壊れていないか確認できません（%s がありません）", s.Name.Ja, tool),
	}
}

// packages are the Debian packages of the tools.
var packages = map[string]string{"pg_restore": "postgresql-client", "zstd": "zstd", "xz": "xz-utils", "bzip2": "bzip2", "gzip": "gzip", "tar": "tar"}

func mendTool(s seen) checks.Advice {
	if s.Trial.Tool == "pg_restore" && s.Trial.Said != "" {
		return checks.Advice{Text: checks.Text{
			En: "It needs a postgresql-client at least as new as the pg_dump that made it.",
			Ja: "ダンプを取ったpg_dumpと同じか、より新しいpostgresql-clientが必要です。",
		}}
	}
	if p, ok := packages[s.Trial.Tool]; ok && s.Trial.Said == "" {
		return checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "install", p)}}
	}
	return checks.Advice{}
}

func blindSlow(s seen) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("whether backup %s is whole: it could not be read to its end in the time there was", s.Name.En),
		Ja: fmt.Sprintf("バックアップ %s は、時間内に最後まで読めませんでした", s.Name.Ja),
	}
}

func mendSlow() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: `The daemon tries at night. If it never gets through, set timeout = "1h" in [checks.backups].`,
		Ja: `夜間にあらためて試します。毎回終わらない場合は、[checks.backups]にtimeout = "1h"と書いてください。`,
	}}
}

func blindPaths(s seen) checks.Text {
	return checks.Text{
		En: fmt.Sprintf("whether .env.production is in backup %s: borg list does not say what is inside", s.Name.En),
		Ja: fmt.Sprintf("バックアップ %s に.env.productionが入っているか確認できません（borg listには対象パスの記録がありません）", s.Name.Ja),
	}
}

func mendPaths(s seen) checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Let the job leave borg info --json --last 30 in the status file instead.",
		Ja: "ジョブから borg info --json --last 30 の出力を書き出すようにしてください。",
	}}
}
