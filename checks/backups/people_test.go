package backups

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// since makes it that somebody has looked for so long already.
func (p *place) since(ago time.Duration) {
	p.t.Helper()
	p.past.Record(checks.Observation{Remember: map[string][]byte{
		memoryKey: []byte(`{"sources":{},"first":"` + time.Now().Add(-ago).Format(time.RFC3339) + `"}`),
	}}, time.Now())
}

func (p *place) table(more string) {
	p.t.Helper()
	p.c = checkstest.Make(p.t, p.kind, checkstest.Table(more+"\n[[source]]\nname = 'database'\nglob = '"+p.dir+"/*.dump'"))
}

func TestAfterHalfAYearPeopleAreAskedToRehearse(t *testing.T) {
	today, long := time.Now().Format("2006-01-02"), time.Now().Add(-200*day).Format("2006-01-02")
	p := newPlace(t, "")
	p.week(5, plainDump(20000))
	well(t, p.look()) // the first look asks for nothing
	p.since(179 * day)
	well(t, p.look())

	p.since(181 * day)
	o := p.look()
	for code, want := range map[string][2]string{
		codeRehearse: {"restoring a backup by hand: time to rehearse it\nNo rehearsal is on record.", "バックアップからの復元を、手で練習する時期です\n練習の記録がありません。"},
		codeSecond:   {"who else could restore the server if you could not?", "サーバーを復元できる人はほかにいますか"},
	} {
		f, ok := checkstest.Find(o, code, "")
		if !ok || f.Severity != checks.Warning || f.Road != checks.Week {
			t.Fatalf("%s: %+v", code, o.Findings)
		}
		says(t, f.Text, want[0], want[1])
	}

	p.table("restored = " + today + "\nsecond_person = " + long)
	f := only(t, p.look(), codeSecond, "", checks.Warning)
	says(t, f.Text, "This was last made sure of on ", "前回の確認は")
	says(t, f.Advice.Text, "second_person", "second_person")
	p.table("restored = " + today + "\nsecond_person = " + today)
	well(t, p.look())
	// A restore that is long ago is told once, not twice.
	p.table("restored = " + long + "\nsecond_person = " + today)
	only(t, p.look(), codeUnrestored, "", checks.Warning)
}

func TestARestoreThatNeverSucceedsIsRecalled(t *testing.T) {
	p := newPlace(t, "")
	p.week(5, plainDump(20000))
	p.table("restore = true\nrestore_in = '" + openPlace(t) + "'\nrestored = 2020-01-01\nsecond_person = " + time.Now().Format("2006-01-02"))
	only(t, p.look(), codeUnrestored, "", checks.Warning)
	p.table("restore = true\nrestore_in = '" + openPlace(t) + "'\nsecond_person = " + time.Now().Format("2006-01-02"))
	p.since(91 * day)
	f := only(t, p.look(), codeUnrestored, "", checks.Warning)
	says(t, f.Text, "no restore has succeeded in the 91 d since I began to try", "復元の確認を始めて91日、まだ一度も成功していません")
}

// mastodonAt makes a folder with a server's own media in it.
func mastodonAt(t *testing.T) string {
	t.Helper()
	live := filepath.Join(t.TempDir(), "live")
	for _, name := range []string{"public/system/media_attachments/files/1/a.png", "public/system/cache/b.png", envFile} {
		path := filepath.Join(live, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return live
}

func TestMediaThatAreInNoBackupAreMissed(t *testing.T) {
	live := mastodonAt(t)
	local := map[string]string{"LOCAL_DOMAIN": "example.social"}
	p := newPlace(t, "", server(site.Found{Live: live, Settings: local}))
	p.week(5, plainDump(20000))
	source := "[[source]]\nname = 'database'\nelsewhere = true\nglob = '" + p.dir + "/*.dump'\n"
	use := func(found site.Found, table string) {
		p.kind = Kind(&site.Site{Proc: "/proc"}, server(found))
		p.c = checkstest.Make(t, p.kind, checkstest.Table(table))
	}
	use(site.Found{Live: live, Settings: local}, "env_kept = true\n"+source)
	f := only(t, p.look(), codeNoMedia, "", checks.Warning)
	if f.Road != checks.Week || !strings.HasSuffix(f.Advice.Look.String(), "/live/public/system") {
		t.Errorf("road %v, %s", f.Road, f.Advice.Look)
	}
	says(t, f.Text, "the media (public/system) are in no backup that I know", "メディア（public/system）が")

	copies := t.TempDir()
	tar := func(name string, words ...string) {
		t.Helper()
		path := filepath.Join(copies, name)
		toolIn(t, filepath.Dir(live), nil, append([]string{"tar", "-caf", path}, words...)...)
		age(t, path, 5)
	}
	tar("files.tar.gz", "--exclude=media_attachments", "--exclude=system", "live")
	copied := "[[source]]\nname = 'files'\nelsewhere = true\nevery = '1d'\nglob = '" + copies + "/files*'\n"
	use(site.Found{Live: live, Settings: local}, source+copied)
	only(t, p.look(), codeNoMedia, "", checks.Warning)
	tar("files2.tar.zst", "live")
	well(t, p.look())

	// Copied with rsync, in whatever depth.
	for _, to := range []string{"files3", "files3/live", "files3/public/system"} {
		if err := os.RemoveAll(filepath.Join(copies, "files3")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(copies, to), 0o755); err != nil {
			t.Fatal(err)
		}
		from := map[string]string{"files3": "/public/system/.", "files3/live": "/.", "files3/public/system": "/public/system/."}[to]
		tool(t, "cp", "-a", live+from, filepath.Join(copies, to))
		use(site.Found{Live: live, Settings: local}, "env_kept = true\n"+source+copied)
		well(t, p.look())
	}

	for situation, c := range map[string]struct {
		found site.Found
		more  string
	}{
		"kept elsewhere":             {site.Found{Live: live, Settings: local}, "media_kept = true\n"},
		"object storage":             {site.Found{Live: live, Settings: map[string]string{"S3_ENABLED": "true"}}, ""},
		"no media on this machine":   {site.Found{Live: t.TempDir(), Settings: local}, ""},
		"a name that says it is one": {site.Found{Live: live, Settings: local}, "[[source]]\nelsewhere = true\nevery = '1d'\nglob = '" + copies + "/media-*'\n"},
	} {
		if err := os.WriteFile(filepath.Join(copies, "media-1.gpg"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, filepath.Join(copies, "media-1.gpg"), 5)
		more, sources, _ := strings.Cut(c.more, "[[")
		if sources != "" {
			sources = "[[" + sources
		}
		use(c.found, "env_kept = true\n"+more+source+sources)
		if o := p.look(); len(o.Findings)+len(o.Blind) > 0 {
			t.Errorf("%s: %+v, %+v", situation, o.Findings, o.Blind)
		}
	}

	use(site.Found{Live: live}, "env_kept = true\n"+source)
	o := p.look()
	if len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeNoMedia {
		t.Fatalf("%+v", o)
	}
	says(t, o.Blind[0].Why, "whether this server keeps them in object storage", "オブジェクトストレージを使っているかどうかがわかりません")
}

func TestMediaInARepository(t *testing.T) {
	live := mastodonAt(t)
	snapshot := func(paths string) []byte {
		return []byte(`[{"time":"` + time.Now().Add(-time.Hour).Format(time.RFC3339Nano) + `","hostname":"masto","paths":[` + paths + `],"id":"a"}]`)
	}
	p, file := statusFile(t, snapshot(`"`+live+`/.env.production","/var/backups"`), site.Found{Live: live, Settings: map[string]string{"LOCAL_DOMAIN": "a.example"}})
	only(t, p.look(), codeNoMedia, "", checks.Warning)
	for _, paths := range []string{`"/"`, `"` + live + `"`, `"` + live + `/.env.production","` + live + `/public/system/media_attachments"`} {
		rewrite(t, file, snapshot(paths))
		well(t, p.look())
	}
}

func TestAContainersSettingsAreMissedToo(t *testing.T) {
	p := newPlace(t, "")
	p.kind = Kind(&site.Site{Proc: "/proc"}, server(site.Found{Compose: mastodonAt(t), Settings: map[string]string{"S3_ENABLED": "true"}}))
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nelsewhere = true\nglob = '"+p.dir+"/*.dump'"))
	p.week(5, plainDump(20000))
	only(t, p.look(), codeNoEnv, "", checks.Warning)
}
