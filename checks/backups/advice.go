package backups

import (
	"path/filepath"
	"strings"

	"github.com/sababan/sababan/checks"
)

// listing shows what lies where a backup should be.
func listing(s seen) checks.Shell {
	folder := filepath.Dir(s.Glob + s.StatusFile)
	if s.Newest != nil && s.Newest.Path != "" {
		folder = filepath.Dir(s.Newest.Path)
	} else if strings.ContainsAny(folder, `*?[\`) {
		return nil
	}
	sh := checks.Written("sudo", "ls", "-lht", folder)
	if sh == nil {
		return nil
	}
	return sh.Pipe("head", "-n", "15")
}

func oldAdvice(s seen) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "See whether the job ran, what its log says, and whether the disk it writes to is full.",
			Ja: "バックアップのジョブが動いたか、ログに何と出ているか、保存先が満杯でないかを確認してください。",
		},
		Look: checks.Sh("systemctl", "list-timers", "--all"),
	}
}

func missingAdvice(s seen) checks.Advice {
	a := checks.Advice{Look: listing(s)}
	if s.Found {
		a.Text = checks.Text{
			En: "If backups are made elsewhere now, name the new place in [[checks.backups.source]]: then this one is no longer looked at.",
			Ja: "別の場所に移したのなら、[[checks.backups.source]]に新しい場所を書いてください。ここは見なくなります。",
		}
		return a
	}
	a.Text = checks.Text{
		En: "See whether the job runs and where it writes; if it writes elsewhere, correct [[checks.backups.source]].",
		Ja: "ジョブが動いているか、どこに保存しているかを確認してください。場所が違うなら[[checks.backups.source]]を直してください。",
	}
	return a
}

func sizeAdvice(s seen, code string) checks.Advice {
	if code == codeLarge {
		return checks.Advice{Look: listing(s)}
	}
	return checks.Advice{
		Text: checks.Text{
			En: "Keep the older ones until this is clear. Usual causes: the dump was cut off, the disk was full, or it is of the wrong database.",
			Ja: "原因がわかるまで、古いバックアップは消さないでください。途中で切れた、ディスクが満杯だった、別のデータベースを取っていた、などが考えられます。",
		},
		Look: listing(s),
	}
}

func incompleteAdvice(s seen) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Keep the older ones, make a new backup now, and see why this one broke (disk full, job killed, disk dying).",
		Ja: "古いバックアップは消さず、いますぐ取り直してください。そのうえで原因（ディスク満杯、ジョブの強制終了、ディスク故障など）を確認してください。",
	}}
	p := s.Tested.Path
	switch tool := s.Tested.Tool; tool {
	case "pg_restore":
		a.Look = checks.Written("sudo", "pg_restore", "-f", "/dev/null", p)
	case "gzip", "zstd", "xz", "bzip2":
		a.Look = checks.Written("sudo", tool, "-t", p)
	case "tar":
		if sh := checks.Written("sudo", "tar", "-tf", p); sh != nil {
			a.Look = sh.Pipe("tail", "-n", "3")
		}
	default:
		a.Look = checks.Written("sudo", "tail", "-n", "5", p)
	}
	if s.Tested.Cut {
		if tool := s.Tested.Tool; tool != "" {
			if sh := checks.Written("sudo", tool, "-dc", p); sh != nil {
				a.Look = sh.Pipe("tail", "-n", "5")
			}
		}
	}
	return a
}

func roomAdvice(s seen) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Move or delete old backups before the next one runs, but not the newest that is whole.",
			Ja: "次回の実行前に、古いバックアップを移すか削除してください。最後まで読める最新のものは残してください。",
		},
		Look: listing(s),
	}
}

func sameDiskAdvice(list []seen) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Copy them to another machine or to object storage. If something that I cannot see does that already, write elsewhere = true into their [[checks.backups.source]].",
		Ja: "別のマシンやオブジェクトストレージにもコピーしてください。すでに別の仕組みでコピーしている場合は、[[checks.backups.source]]にelsewhere = trueと書いてください。",
	}}
	for _, s := range list {
		if s.Newest != nil && s.Newest.Path != "" {
			a.Look = checks.Written("df", "-h", s.Newest.Path)
			break
		}
	}
	return a
}

func noEnvAdvice(live string) checks.Advice {
	a := checks.Advice{Text: checks.Text{
		En: "Add it to a backup that is kept as safe as the server itself. If you keep it elsewhere (a password manager), write env_kept = true into [checks.backups].",
		Ja: "サーバーと同じくらい安全な場所のバックアップに加えてください。パスワードマネージャーなどに別途保管しているなら、[checks.backups]にenv_kept = trueと書いてください。",
	}}
	a.Look = checks.Written("sudo", "ls", "-l", filepath.Join(live, envFile))
	return a
}

func unrestoredAdvice() checks.Advice {
	return checks.Advice{Text: checks.Text{
		En: "Restore the newest into an empty database on another machine, count the accounts, and write the day into restored in [checks.backups].",
		Ja: "最新のバックアップを別のマシンの空のデータベースに復元し、アカウント数などを確かめてください。済んだら[checks.backups]のrestoredにその日を書いてください。",
	}}
}
