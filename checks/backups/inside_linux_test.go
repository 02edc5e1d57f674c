package backups

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// counting is a check of the files *.dump of a folder, beside a database.
func counting(t *testing.T, s *site.Site) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), past: &checkstest.Past{}}
	p.kind = Kind(s, noServer())
	p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nevery = '1d'\nglob = '"+p.dir+"/*.dump'"))
	return p
}

func TestWhatIsInsideADumpIsComparedWithTheRunningServer(t *testing.T) {
	c := newCluster(t)
	live := c.mastodon("mastodon_production", 2000, 3000, 5*time.Hour)
	old := c.mastodon("before_the_move", 2000, 3000, 30*day)
	s := live.site()
	good := live.dump("c")

	t.Run("of the day: level 4, with its numbers", func(t *testing.T) {
		p := counting(t, s)
		p.put("a.dump", 5, good)
		o := p.look()
		well(t, o)
		says(t, o.Summary, "2,000 accounts (level 4 of 5)", "アカウント2,000件（段階4／5）")
		says(t, o.Summary, "newest post inside from ", "中の最新投稿は")
		if n := checkstest.Value(t, o, measureAccounts, ""); n != 2000 {
			t.Errorf("%v live accounts", n)
		}
		if n := checkstest.Value(t, o, "statuses_inside", "database"); n != 3000 {
			t.Errorf("%v statuses inside", n)
		}
	})

	t.Run("the server from before the move", func(t *testing.T) {
		for name, dump := range map[string][]byte{
			"custom": old.dump("c"), "plain": old.dump("p"), "tar": old.dump("t"), "gzip": compressed(t, old.dump("p"), "gzip", "-c"),
			"zstd": compressed(t, old.dump("p"), "zstd", "-q", "-c"), "xz": compressed(t, old.dump("p"), "xz", "-c"),
		} {
			p := counting(t, s)
			p.put("a.dump", 29, good)
			well(t, p.look())
			p.put("b.dump", 5, dump)
			f := only(t, p.look(), codeContents, "database", checks.Critical)
			if f.Road != checks.Now {
				t.Errorf("%s: road %v", name, f.Road)
			}
			says(t, f.Text, "backup database holds old data: its newest post is 30 d old\nIt is b.dump from ", "バックアップの中身が古いままです 最新の投稿は30日前: database\n対象は b.dump（")
			says(t, f.Text, "the one from before a move", "移転前など")
			says(t, f.Text, "Level reached: 3 of 5", "確認できた段階: 3／5")
			// The next is read at once, and not only at night.
			p.put("c.dump", 1, good)
			well(t, checkstest.Look(t, p.kind, p.c, p.past))
		}
	})

	t.Run("a folder dump of it", func(t *testing.T) {
		p := counting(t, s)
		made := filepath.Join(c.dir, "folder")
		c.as(bin(t, "pg_dump"), "-h", c.dir, "-U", "postgres", "-F", "d", "-f", made, old.name)
		folder := filepath.Join(p.dir, "a.dump")
		tool(t, "cp", "-r", made, folder)
		files, err := filepath.Glob(folder + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(files, folder) {
			age(t, file, 5)
		}
		only(t, p.look(), codeContents, "database", checks.Critical)
	})

	t.Run("with a third of the accounts gone", func(t *testing.T) {
		less := c.mastodon("shrunken", 1340, 3000, 5*time.Hour)
		p := counting(t, s)
		p.put("a.dump", 5, less.dump("c"))
		f := only(t, p.look(), codeContents, "database", checks.Critical)
		says(t, f.Text, "backup database holds only 1,340 accounts of about 2,000", "バックアップ内のアカウントが1,340件しかありません（稼働中は約2,000件）: database")
		p.put("b.dump", 4, good)
		well(t, p.look())
		// Those that have come since the dump was made are not missed in it.
		grown := &checkstest.Past{Samples: map[checkstest.Series][]checks.Sample{
			{Name: measureAccounts}: {{At: time.Now().Add(-6 * time.Hour), Value: 1345}, {At: time.Now(), Value: 2000}},
		}}
		p = counting(t, s)
		p.past = grown
		p.put("a.dump", 5, less.dump("c"))
		well(t, p.look())
	})

	t.Run("without a single row", func(t *testing.T) {
		p := counting(t, s)
		p.put("a.dump", 5, live.dump("p", "--schema-only"))
		f := only(t, p.look(), codeContents, "database", checks.Critical)
		says(t, f.Text, "backup database holds no posts at all", "投稿が1件もありません: database")
	})

	t.Run("of all databases, the one of the settings counts", func(t *testing.T) {
		p := counting(t, s)
		p.put("a.dump", 5, c.as(bin(t, "pg_dumpall"), "-h", c.dir, "-U", "postgres"))
		o := p.look()
		well(t, o)
		says(t, o.Summary, "2,000 accounts (level 4 of 5)", "段階4／5")
	})

	t.Run("rows as INSERT are not counted, and not believed", func(t *testing.T) {
		p := counting(t, s)
		p.put("a.dump", 5, old.dump("p", "--inserts"))
		o := p.look()
		well(t, o)
		says(t, o.Summary, "readable to its end (level 3 of 5)", "段階3／5")
	})

	t.Run("a server on which nobody writes", func(t *testing.T) {
		p := counting(t, old.site())
		p.put("a.dump", 5, old.dump("c"))
		o := p.look()
		well(t, o)
		says(t, o.Summary, "level 4 of 5", "段階4／5")
	})

	t.Run("by its own dates where there is no database", func(t *testing.T) {
		p := newPlace(t, "")
		p.c = checkstest.Make(t, p.kind, checkstest.Table("[[source]]\nname = 'database'\nevery = '1d'\nglob = '"+p.dir+"/*.dump'"))
		p.put("a.dump", 5, good)
		o := p.look()
		well(t, o)
		says(t, o.Summary, "not compared with the running server (level 4 of 5)", "稼働中のサーバーとは未比較（段階4／5）")
		p.put("b.dump", 4, old.dump("c"))
		f := only(t, p.look(), codeContents, "database", checks.Critical)
		says(t, f.Text, "Without access to the database I could not compare it", "稼働中のサーバーとは比べていません")
		p.put("c.dump", 3, c.mastodon("quiet", 10, 10, 3*day).dump("c"))
		if f := only(t, p.look(), codeContents, "database", checks.Warning); f.Road != checks.Morning {
			t.Errorf("road %v", f.Road)
		}
	})

	t.Run("a database that does not answer hides, and heals nothing", func(t *testing.T) {
		p := counting(t, s)
		p.put("a.dump", 5, old.dump("c"))
		only(t, p.look(), codeContents, "database", checks.Critical)
		live.sql("REVOKE SELECT (id) ON statuses FROM sababan")
		o := p.look()
		if len(o.Findings) > 0 || len(o.Blind) != 1 || !o.Blind[0].Hides(checks.Key{Code: codeContents, Subject: "database"}) {
			t.Fatalf("findings %+v, blind %+v", o.Findings, o.Blind)
		}
		says(t, o.Blind[0].Why, "whether backup database holds today's data: ", "バックアップ database の中身が最新か確認できません（")
		live.sql("GRANT SELECT (id) ON statuses TO sababan")
		only(t, p.look(), codeContents, "database", checks.Critical)
	})
}

func TestADumpIsCountedTheSameInWhateverPiecesItComes(t *testing.T) {
	c := newCluster(t)
	m := c.mastodon("mastodon_production", 300, 400, time.Hour)
	dump := m.dump("p")
	whole, single := newScan(time.Now()), newScan(time.Now())
	if _, err := whole.Write(dump); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(struct{ io.Writer }{single}, iotest.OneByteReader(bytes.NewReader(dump))); err != nil {
		t.Fatal(err)
	}
	got := whole.result("")
	if got != single.result("") {
		t.Errorf("%+v, byte by byte %+v", got, single.result(""))
	}
	users := strings.TrimSpace(string(c.as("psql", "-Atq", "-h", c.dir, "-U", "postgres", "-d", m.name, "-c", "SELECT count(*) FROM users")))
	newest := strings.TrimSpace(string(c.as("psql", "-Atq", "-h", c.dir, "-U", "postgres", "-d", m.name, "-c", "SELECT max(id) FROM statuses")))
	if got.Accounts != 300 || got.Statuses != 400 || strconv.FormatInt(got.Users, 10) != users || strconv.FormatInt(got.Newest, 10) != newest || got.Version < 15 {
		t.Errorf("%+v, want 300 accounts, 400 statuses, %s users, newest %s", got, users, newest)
	}
	if time.Since(got.newest()) > 90*time.Minute {
		t.Errorf("newest %v", got.newest())
	}
}

func TestThePastIsKeptInBounds(t *testing.T) {
	c := newCluster(t)
	m := c.mastodon("mastodon_production", 100, 100, time.Hour)
	p := newPlace(t, "")
	p.put("a.dump", 5, m.dump("c"))
	p.look()
	raw := string(p.past.Memory[memoryKey])
	if strings.Contains(raw, "user1") || strings.Contains(raw, "example.com") || len(raw) > 2000 {
		t.Errorf("%d bytes: %s", len(raw), raw)
	}
	if _, err := os.Stat(p.dir); err != nil {
		t.Fatal(err)
	}
}
