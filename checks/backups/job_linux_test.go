package backups

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/guest"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/checks/systemd"
)

func TestJobsInARealSystemd(t *testing.T) {
	g := guest.Boot(t)
	p := newPlace(t, "")
	p.kind = Kind(&site.Site{Proc: "/proc"}, noServer(), On(systemd.Host{Root: g.Root, Enter: g.Enter()}))
	p.table("")
	p.week(5, plainDump(20000))
	oneshot := func(command string) string {
		return "[Service]\nType=oneshot\nExecStart=/bin/sh -c '" + command + "'\n"
	}
	g.Units(t, map[string]string{
		"mastodon-backup.service": oneshot("echo sftp://bot:hunter2@example.com: no space left; exit 3"),
		"restic.service":          oneshot("exit 4"),
		"restic.timer":            "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
		"unrelated.service":       oneshot("exit 5"),
	})
	well(t, p.look())
	for _, unit := range []string{"mastodon-backup.service", "unrelated.service"} {
		if _, err := g.Try("systemctl", "start", unit); err == nil {
			t.Fatalf("%s did not fail", unit)
		}
	}
	f := only(t, p.look(), codeJob, "mastodon-backup.service", checks.Warning)
	if f.Road != checks.Morning {
		t.Errorf("road %v", f.Road)
	}
	says(t, f.Text, "backup job mastodon-backup.service failed (exit status 3)\nIt ended at ", "バックアップのジョブが失敗しました（終了コード3）: mastodon-backup.service\n終了は")
	says(t, f.Text, "Its last words: \"sftp://example.com: no space left\".", "最後の出力: 「sftp://example.com: no space left」")
	if strings.Contains(f.Text.En+f.Text.Ja, "hunter2") {
		t.Errorf("a password: %s", f.Text.En)
	}
	if cmd := f.Advice.Look.String(); cmd != "sudo journalctl -u mastodon-backup.service -n 30 --no-pager" {
		t.Errorf("command %q", cmd)
	}
	g.Units(t, map[string]string{"mastodon-backup.service": oneshot("true")})
	g.Run(t, "systemctl", "start", "mastodon-backup.service")
	well(t, p.look())

	// What a timer starts is told by the check of timers; here it explains.
	g.Run(t, "systemctl", "start", "restic.timer")
	if _, err := g.Try("systemctl", "start", "restic.service"); err == nil {
		t.Fatal("restic.service did not fail")
	}
	o := p.look()
	well(t, o)
	says(t, o.Summary, "last run of restic.service failed", "ジョブ restic.service の前回の実行は失敗")
	p.week(31, plainDump(20000))
	f = only(t, p.look(), codeOld, "database", checks.Warning)
	says(t, f.Text, "The last run of restic.service failed (", "ジョブ restic.service の前回の実行は失敗しています（")
}

func TestTheEndOfALogIsRead(t *testing.T) {
	p := newPlace(t, "")
	p.week(5, plainDump(20000))
	log := filepath.Join(t.TempDir(), "backup.log")
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nlog = '"+log+"'\nglob = '"+p.dir+"/*.dump'"))
	write := func(hours float64, lines ...string) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		age(t, log, hours)
	}
	o := p.look()
	if len(o.Blind) != 1 || o.Blind[0].Code != codeLog {
		t.Fatalf("%+v", o)
	}
	says(t, o.Blind[0].Why, "the log of backup database: backup.log is not there", "backup.log がありません")

	write(30, "start", "0 errors", "no errors found", "errors: 0", "done")
	well(t, p.look())
	write(6, "start", "pg_dump: error: connection to postgres://bot:hunter2@db.example/x failed: PASSWORD=abc @alice", "cleaning up", "done")
	f := only(t, p.look(), codeLog, "database", checks.Warning)
	if f.Road != checks.Morning || strings.Contains(f.Text.En, "hunter2") || strings.Contains(f.Text.En, "abc") {
		t.Errorf("%+v", f)
	}
	says(t, f.Text, "the log of backup database ends with an error\nWritten at ", "バックアップのログの終わりにエラーがあります: database\n")
	says(t, f.Text, "\"pg_dump: error: connection to postgres://db.example/x failed: PASSWORD=… (at)alice\".", "「pg_dump: error: ")
	only(t, p.look(), codeLog, "database", checks.Warning) // while nothing new comes
	// A run that is under way is judged when it has ended.
	write(0, "start")
	only(t, p.look(), codeLog, "database", checks.Warning)
	write(1, "done")
	well(t, p.look())
	// Rotated away and begun anew.
	write(0.9, "fatal: no space left on device")
	only(t, p.look(), codeLog, "database", checks.Warning)
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	write(0.8, "ok")
	well(t, p.look())
}

func TestWordsOfTroubleInALog(t *testing.T) {
	for line, want := range map[string]bool{
		"pg_dump: error: query failed":                 true,
		"tar: /home: Cannot open: Permission denied":   true,
		"rsync error: some files could not be sent":    true,
		"Fatal: unable to open repository":             true,
		"バックアップに失敗しました":                                true,
		"upload: FAILED":                               true,
		"0 errors, 12 files":                           false,
		"finished without any errors":                  false,
		"Errors: 0":                                    false,
		"no errors were found":                         false,
		"transferred error_pages/terror.png":           false,
		"エラーはありません":                                    false,
		"sent 120 bytes, received 40, total size is 9": false,
	} {
		if got := logTrouble([]byte("start\n" + line + "\n")); (got != "") != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func TestAJobSaysHowItEnded(t *testing.T) {
	hour := time.Now().Add(-time.Hour).Format(time.RFC3339Nano)
	restic := `[{"time":"` + hour + `","hostname":"masto","paths":["/"],"id":"a"}]`
	p, file := statusFile(t, []byte(restic+"\n{\"exit_code\": 0}\n"), site.Found{})
	well(t, p.look())
	rewrite(t, file, []byte(restic+"\n{\"exit_code\": 3, \"message\": \"some files could not be read\"}\n"))
	f := only(t, p.look(), codeJob, "repository", checks.Warning)
	says(t, f.Text, "the job of backup repository ended with an error (exit status 3)\nIt says: \"some files could not be read\".", "バックアップのジョブがエラーで終わっています（終了コード3）: repository")
	// What restic itself leaves instead, when it fails.
	rewrite(t, file, []byte(`{"message_type":"exit_error","code":11,"message":"unable to create lock"}`+"\n"))
	f = only(t, p.look(), codeJob, "repository", checks.Warning)
	says(t, f.Text, "It says: \"unable to create lock\".", "内容: 「unable to create lock」")
	rewrite(t, file, []byte(restic))
	well(t, p.look())

	// A job of any kind.
	p, file = statusFile(t, []byte(`{"tool":"rclone","exit_code":0,"time":"`+hour+`","size_bytes":1000}`), site.Found{})
	o := p.look()
	well(t, o)
	says(t, o.Summary, "1.0 kB, as rclone reports (level 1 of 5)", "1.0kB、rcloneの記録による（段階1／5）")
	if age := checkstest.Value(t, o, "age", "repository"); age < 3500 || age > 3700 {
		t.Errorf("age %v", age)
	}
	rewrite(t, file, []byte(`{"exit_code":1}`))
	only(t, p.look(), codeJob, "repository", checks.Warning)
	rewrite(t, file, []byte(`{"exit_code":0}`))
	age(t, file, 0.5)
	o = p.look()
	well(t, o)
	if age := checkstest.Value(t, o, "age", "repository"); age < 1700 || age > 1900 {
		t.Errorf("age %v by the file's own time", age)
	}

	// borg ends with 1 where a file has changed while it was read.
	borg := `{"archives":[{"name":"a","start":"` + time.Now().Add(-time.Hour).Format(borgTime) + `","command_line":["borg","create","::a","/"]}],"repository":{"location":"ssh://x"}}`
	p, file = statusFile(t, []byte(borg+`{"exit_code":1}`), site.Found{})
	well(t, p.look())
	rewrite(t, file, []byte(borg+`{"exit_code":2}`))
	only(t, p.look(), codeJob, "repository", checks.Warning)

	if _, err := parseStatus([]byte(restic + "and then text")); err == nil {
		t.Error("what is no JSON is taken")
	}
}
