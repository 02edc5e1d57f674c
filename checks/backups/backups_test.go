package backups

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	p := newPlace(t, "")
	p.week(5, plainDump(20000))
	checkstest.Contract(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nglob = '"+p.dir+"/*.dump'"))
}

func TestABackupThatIsWellSaysItsNumbers(t *testing.T) {
	p := newPlace(t, "")
	p.week(5, plainDump(20000))
	o := p.look()
	well(t, o)
	says(t, o.Summary, "database: newest 5 h old (usually every 24 h), 20 kB (usually 20 kB), readable to its end (level 3 of 5)",
		"database 最新は5時間前（普段は24時間おき）、20kB（普段20kB）、最後まで読める（段階3／5）")
	if got := checkstest.Value(t, o, "age", "database"); got < 5*3600 || got > 5*3600+60 {
		t.Errorf("age is %v s", got)
	}
}

func TestABackupThatDoesNotComeIsOldAndResolvesWhenItDoes(t *testing.T) {
	p := newPlace(t, "")
	p.week(31, plainDump(20000))
	f := only(t, p.look(), codeOld, "database", checks.Warning)
	if f.Road != checks.Morning {
		t.Errorf("road %v", f.Road)
	}
	says(t, f.Text, "backup database is 31 h old (usually every 24 h)\nThe newest is day0.dump from ", "最新は31時間前（普段は24時間おき）: database")
	says(t, f.Text, "Level reached: 0 of 5", "確認できた段階: 0／5")
	p.week(61, plainDump(20000))
	if f := only(t, p.look(), codeOld, "database", checks.Critical); f.Road != checks.Now || !f.Harm.IsZero() {
		t.Errorf("road %v, harm %v", f.Road, f.Harm)
	}
	p.put("new.dump", 0.1, plainDump(20000))
	well(t, p.look())
}

func TestWhatIsBeingWrittenIsNeitherLateNorJudged(t *testing.T) {
	p := newPlace(t, "")
	p.week(31, plainDump(20000))
	p.put("day9.dump", 0, []byte("--\n-- PostgreSQL database dump\n"))
	well(t, p.look())
	age(t, filepath.Join(p.dir, "day9.dump"), 1)
	o := p.look()
	for _, code := range []string{codeSmall, codeIncomplete} {
		if f, ok := checkstest.Find(o, code, "database"); !ok || f.Severity != checks.Critical {
			t.Errorf("%s is not found in %+v", code, o.Findings)
		}
	}
}

func TestASmallAndALargeBackupAreTold(t *testing.T) {
	p := newPlace(t, "")
	p.week(29, plainDump(20000))
	p.put("new.dump", 5, plainDump(12000))
	f := only(t, p.look(), codeSmall, "database", checks.Warning)
	says(t, f.Text, "backup database is only 12 kB (usually 20 kB)", "バックアップが12kBしかありません（普段20kB）: database")
	says(t, f.Text, "Level reached: 1 of 5 (it is recent; nothing more is known)", "確認できた段階: 1／5")

	p.put("new.dump", 4, plainDump(3000))
	only(t, p.look(), codeSmall, "database", checks.Critical)
	p.put("new.dump", 3, plainDump(60000))
	f = only(t, p.look(), codeLarge, "database", checks.Warning)
	says(t, f.Text, "has grown to 59 kB", "59kBに増えています")
	p.put("new.dump", 2, plainDump(21000))
	well(t, p.look())

	p.put("new.dump", 1, nil)
	f = only(t, p.look(), codeSmall, "database", checks.Critical)
	says(t, f.Text, "backup database is empty", "空です（0バイト）")
}

func TestASingleFileThatIsOverwrittenHasAPastToo(t *testing.T) {
	p := newPlace(t, "")
	for i := range 8 {
		p.put("latest.dump", float64(29+24*(7-i)), plainDump(20000))
		p.look()
	}
	well(t, p.look())
	p.put("latest.dump", 5, plainDump(4000))
	f := only(t, p.look(), codeSmall, "database", checks.Critical)
	says(t, f.Text, "(usually 20 kB)", "（普段20kB）")
}

func TestBackupsThatAreGoneAreMissed(t *testing.T) {
	p := newPlace(t, "")
	f := only(t, p.look(), codeMissing, "database", checks.Warning)
	says(t, f.Text, "no backup database has ever been there", "まだ一度もありません: database")
	p.week(5, plainDump(20000))
	well(t, p.look())
	files, err := filepath.Glob(p.dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	f = only(t, p.look(), codeMissing, "database", checks.Critical)
	if f.Road != checks.Now {
		t.Errorf("road %v", f.Road)
	}
	says(t, f.Text, "no backup database is left\n", "ひとつも残っていません: database")
	p.week(5, plainDump(20000))
	well(t, p.look())
}

func TestNamesFromOutsideStayHarmless(t *testing.T) {
	p := newPlace(t, "")
	hostile := "a @alice@example.social \"q\" '; rm -rf \u202egnp.\n【解消】#1x $(id) \x1b[31m.dump"
	p.put(hostile, 5, []byte("--\n-- PostgreSQL database dump\n--\n"))
	o := p.look() // asserts that nothing of it is live
	f := only(t, o, codeIncomplete, "database", checks.Critical)
	if strings.Contains(f.Text.En, "\n【解消】") {
		t.Errorf("a line is forged: %q", f.Text.En)
	}
	if cmd := f.Advice.Look.String(); cmd != "" {
		t.Errorf("a command with it: %s", cmd)
	}
	q := newPlace(t, "[[source]]\nglob = '"+p.dir+"/a @*'")
	checkstest.AssertObservation(t, q.kind, q.look())
}

func TestWhatIsFoundByItselfIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	kind := Kind(&site.Site{Proc: "/proc"}, server(site.Found{Live: "/home/mastodon/live"}), WithPlaces(dir, dir+"/*"))
	p := &place{t: t, dir: dir, kind: kind, past: &checkstest.Past{}, c: checkstest.Make(t, kind, "env_kept = true")}
	look := func() (checks.Observation, error) { return p.c.Look(t.Context(), p.past) }

	_, err := look()
	why, advice := checks.Explain(err)
	says(t, why, "no backup was found on this machine", "バックアップが見つかりません")
	says(t, advice.Text, "[[checks.backups.source]]", "[[checks.backups.source]]")

	p.put("before-upgrade.dump", 300*24, plainDump(1000))
	_, err = look()
	why, _ = checks.Explain(err)
	says(t, why, "only single dumps such as before-upgrade.dump", "単発のダンプ before-upgrade.dump")

	for i := range 5 {
		name := "mastodon-" + time.Now().Add(-time.Duration(24*i)*time.Hour).Format("2006-01-02") + ".sql"
		p.put(name, float64(5+24*i), plainDump(20000))
	}
	o := p.look()
	subject := dir + "/mastodon-*.sql"
	if got := checkstest.Value(t, o, "age", subject); got < 5*3600 {
		t.Errorf("age %v", got)
	}
	says(t, o.Summary, "found by itself, not set up", "自動で見つけたもの")
	if f := only(t, o, codeSameDisk, "", checks.Warning); f.Road != checks.Week {
		t.Errorf("road %v", f.Road)
	}

	files, err := filepath.Glob(dir + "/mastodon-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	f := only(t, p.look(), codeMissing, subject, checks.Critical)
	says(t, f.Advice.Text, "name the new place", "新しい場所を書いてください")

	none := Kind(&site.Site{Proc: "/proc"}, noServer(), WithPlaces(dir+"/nothing"))
	o = checkstest.Look(t, none, checkstest.Make(t, none, ""), nil)
	well(t, o)
	says(t, o.Summary, "no Mastodon and no backups on this machine", "このマシンにはMastodonもバックアップもありません")
}

func TestAFolderThatMayNotBeReadIsToldAndNotMissing(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "sababan-denied-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program, secret, open := filepath.Join(dir, "look"), filepath.Join(dir, "secret"), filepath.Join(dir, "open")
	for path, mode := range map[string]os.FileMode{secret: 0o700, open: 0o755} {
		if err := os.Mkdir(path, mode); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(path, "a.dump")
		if err := os.WriteFile(file, plainDump(1000), 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, file, 5)
	}
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		for _, path := range []string{secret, filepath.Join(open, "a.dump")} {
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { _ = os.Chmod(secret, 0o700) })
	}
	table := "[[source]]\nname = 'secret'\nglob = '" + secret + "/*.dump'\n[[source]]\nname = 'open'\nglob = '" + open + "/*.dump'\n"
	out := toolAs(t, nobody, dir, []string{lookVariable + "=" + table}, program)
	var o checks.Observation
	if err := json.Unmarshal(out, &o); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkstest.AssertObservation(t, Kind(&site.Site{Proc: "/proc"}), o)
	if len(o.Findings) > 0 || len(o.Blind) != 2 {
		t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
	}
	hidden := map[string]checks.Blind{}
	for _, b := range o.Blind {
		hidden[b.Subject] = b
	}
	says(t, hidden["secret"].Why, "no permission for "+secret, "読む権限がありません（バックアップ secret）")
	if cmd := hidden["secret"].Mend.Mend[0].String(); !strings.HasPrefix(cmd, "sudo setfacl -m u:") || !strings.HasSuffix(cmd, ":rX "+secret) {
		t.Errorf("what mends it: %s", cmd)
	}
	if hidden["open"].Code != codeIncomplete {
		t.Errorf("what of the open one is not seen: %+v", hidden["open"])
	}
	says(t, hidden["open"].Why, "no permission to read a.dump", "a.dump を読む権限なし")
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	p := newPlace(t, "")
	for i := range 50 {
		p.put("latest.dump", float64(29+24*(50-i)), plainDump(1000))
		p.look()
	}
	raw := p.past.Memory[memoryKey]
	if n := bytes.Count(raw, []byte(`"s":`)); n != runsKept || len(raw) > 16<<10 {
		t.Errorf("%d runs, %d bytes", n, len(raw))
	}
	p.past.Memory[memoryKey] = []byte("not ours")
	p.look()
}

func TestMistakesInTheTableAreNamed(t *testing.T) {
	for table, want := range map[string]string{
		"[[source]]\nname = 'a'":                                                   `source: "a" has neither glob nor status_file`,
		"[[source]]\nglob = '/a'\nstatus_file = '/b'":                              "source: number 1 has both glob and status_file",
		"[[source]]\nglob = 'backup/*'":                                            "is not a whole path",
		"[[source]]\nglob = '/backup/[a'":                                          "a bracket is not closed",
		"[[source]]\nglob = '/a'\nevery = '1m'":                                    "is too often",
		"[[source]]\nname = 'x'\nglob = '/a'\n[[source]]\nname = 'x'\nglob = '/b'": "there are two of this name",
		"second_person = 2999-01-01":                                               "second_person: is in the future",
		"restore_in = 'restore'":                                                   "is not a whole path of at most 64 bytes",
		"[[source]]\nglob = '/a'\nlog = 'backup.log'":                              `log: "backup.log" is not a whole path`,
		"restored = 2999-01-01":                                                    "restored: is in the future",
		"[[source]]\nname = \"a\\nb\"\nglob = '/a'":                                "a name should be one short line",
	} {
		_, err := Kind(&site.Site{}).New(checkstest.Table(table))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", table, err, want)
		}
	}
}

func TestARestoreThatIsLongAgoIsRecalledOnceAWeek(t *testing.T) {
	p := newPlace(t, "")
	p.week(5, plainDump(20000))
	table := "restored = " + time.Now().Add(-100*day).Format("2006-01-02") + "\n[[source]]\nname = 'database'\nglob = '" + p.dir + "/*.dump'"
	p.c = checkstest.Make(t, p.kind, checkstest.Table(table))
	if f := only(t, p.look(), codeUnrestored, "", checks.Warning); f.Road != checks.Week {
		t.Errorf("road %v", f.Road)
	}
	p.c = checkstest.Make(t, p.kind, checkstest.Table(strings.Replace(table, time.Now().Add(-100*day).Format("2006-01-02"), time.Now().Format("2006-01-02"), 1)))
	well(t, p.look())
}

func TestWhatDoesNotAnswerIsNotAskedTwice(t *testing.T) {
	c := &check{hung: map[string]bool{}}
	release, back := make(chan struct{}), make(chan struct{})
	stuck := func(context.Context) int {
		defer close(back)
		<-release
		return 1
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := within(ctx, c, "a", stuck); !errors.Is(err, errHangs) {
		t.Errorf("error %v", err)
	}
	quick := func(context.Context) int { return 2 }
	if _, err := within(t.Context(), c, "a", quick); !errors.Is(err, errHangs) {
		t.Errorf("asked again: %v", err)
	}
	if v, err := within(t.Context(), c, "b", quick); v != 2 || err != nil {
		t.Errorf("another: %d, %v", v, err)
	}
	close(release)
	<-back
	for end := time.Now().Add(5 * time.Second); ; <-time.After(time.Millisecond) {
		if v, err := within(t.Context(), c, "a", quick); err == nil && v == 2 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it is never asked again")
		}
	}
}

func TestAHangingPlaceIsABlindSpot(t *testing.T) {
	p := newPlace(t, "")
	p.week(31, plainDump(20000))
	only(t, p.look(), codeOld, "database", checks.Warning)
	p.c.(*check).hung["database"] = true // as after a look that never came back
	o := p.look()
	if len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: codeOld, Subject: "database"}) {
		t.Fatalf("%+v", o)
	}
	says(t, o.Blind[0].Why, "does not answer within 10 s", "10秒たっても応答しません")
	p.c.(*check).hung["database"] = false
	only(t, p.look(), codeOld, "database", checks.Warning)
}
