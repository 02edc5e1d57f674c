package usage

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

// newClusterHost is a dressed machine whose database is a real one.
func newClusterHost(t *testing.T, settings ...string) (*host, *postgres.DB) {
	t.Helper()
	c := postgres.Own(t, append([]string{"max_wal_size=64MB", "min_wal_size=32MB"}, settings...)...)
	h, db := newHost(t), c.Empty(t)
	h.found.PostgresData = []string{c.DataDir}
	s := db.Site(t)
	h.kind = h.kindWith(func(o *options) {
		o.ask = func(ctx context.Context) (*said, error) { return askDatabase(ctx, s.Database()) }
	})
	return h, db
}

// swell writes so much that more lies in pg_wal than may, where it is kept.
func swell(t *testing.T, db *postgres.DB) {
	t.Helper()
	db.Exec(t, "CREATE TABLE IF NOT EXISTS big (t text)")
	db.Exec(t, "INSERT INTO big SELECT repeat('x', 1500) FROM generate_series(1, 130000)")
	db.Exec(t, "CHECKPOINT")
}

// settle lets PostgreSQL clear up: a checkpoint removes what nothing keeps.
func settle(t *testing.T, db *postgres.DB) {
	t.Helper()
	for range 3 {
		db.Exec(t, "SELECT pg_switch_wal()")
		db.Exec(t, "CHECKPOINT")
	}
}

func TestASlotThatNobodyReadsIsNamedWithTheStatementThatEndsIt(t *testing.T) {
	h, db := newClusterHost(t)
	data := db.Cluster.DataDir
	db.Exec(t, "SELECT pg_create_physical_replication_slot('gone_standby', true)")
	expect(t, h.look(), codeWAL, "*", false, false)
	swell(t, db)
	f := expect(t, h.look(), codeWAL, data, true, false)
	says(t, f, "(max_wal_size is 64 MB)\nNobody reads the replication slot \"gone_standby\": it keeps ", "レプリケーションスロット「gone_standby」の読み手がおらず")
	says(t, f, "Never delete anything in pg_wal by hand", "pg_walの中身は絶対に手で削除しないでください")
	if len(f.Advice.Mend) != 1 {
		t.Fatalf("%+v", f.Advice)
	}
	want := `sudo -u postgres psql -c 'SELECT pg_drop_replication_slot('\''gone_standby'\'')'`
	if got := f.Advice.Mend[0].String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// The very statement ends it.
	words := f.Advice.Mend[0][0]
	db.Exec(t, words[len(words)-1])
	settle(t, db)
	expect(t, h.look(), codeWAL, "*", false, false)
}

func TestALogicalSlotIsDroppedInItsOwnDatabase(t *testing.T) {
	h, db := newClusterHost(t, "wal_level=logical", "port=5433")
	db.Exec(t, "SELECT pg_create_logical_replication_slot('search', 'test_decoding')")
	swell(t, db)
	f := expect(t, h.look(), codeWAL, db.Cluster.DataDir, true, false)
	if got := f.Advice.Mend[0].String(); !strings.Contains(got, "psql -p 5433 -d "+db.Name+" -c ") {
		t.Errorf("%s", got)
	}
	words := f.Advice.Mend[0][0]
	db.Exec(t, words[len(words)-1])
	settle(t, db)
	expect(t, h.look(), codeWAL, "*", false, false)
}

func TestAnArchiveCommandThatFailsIsTheReason(t *testing.T) {
	h, db := newClusterHost(t, "archive_mode=on", "archive_command=false")
	swell(t, db)
	data := db.Cluster.DataDir
	waitFor(t, "the archiver fails", func() bool {
		return postgres.Get[int64](t, db, "SELECT failed_count FROM pg_stat_archiver") > 0
	})
	f := expect(t, h.look(), codeWAL, data, true, false)
	says(t, f, "The archive_command fails (", "archive_commandが失敗しています（")
	says(t, f, "times, last for 0000000100000000", "一度も成功していません。")
	if len(f.Advice.Mend) > 0 || f.Advice.Look == nil {
		t.Errorf("%+v", f.Advice)
	}
	db.Exec(t, "ALTER SYSTEM SET archive_command = 'true'")
	db.Exec(t, "SELECT pg_reload_conf()")
	waitFor(t, "everything is archived", func() bool {
		db.Exec(t, "SELECT pg_switch_wal()") // wakes the archiver
		return postgres.Get[bool](t, db, "SELECT count(*) = 0 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")
	})
	settle(t, db)
	expect(t, h.look(), codeWAL, "*", false, false)
}

// waitFor asks again and again until something is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	over := time.NewTimer(90 * time.Second) // the archiver rests for a minute after it has failed
	defer over.Stop()
	for !so() {
		select {
		case <-over.C:
			t.Fatalf("too long before %s", what)
		case <-again.C:
		}
	}
}

// Where the database is, for the part of a test that runs as another user.
const asNobodyData, asNobodyURL = "USAGE_TEST_DATA", "USAGE_TEST_URL"

func TestAClosedDatabaseTellsItsSizesItself(t *testing.T) {
	if os.Getenv(asNobody) != "" {
		askAsNobody(t)
		return
	}
	h, db := newClusterHost(t)
	role := db.Role(t)
	db.Exec(t, "SELECT pg_create_physical_replication_slot('gone_standby', true)")
	swell(t, db)
	letIn(t, h.root)
	if err := os.Chmod(filepath.Dir(db.Cluster.DataDir), 0o755); err != nil { // as /var/lib/postgresql is
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), asNobody+"="+h.root, asNobodyData+"="+db.Cluster.DataDir, asNobodyURL+"="+db.URL(role))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65533, Gid: 65533}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("this test needs root, to become somebody else: %v\n%s", err, out)
	}
}

// letIn lets everybody pass the folders above one.
func letIn(t *testing.T, path string) {
	t.Helper()
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, st.Mode()|0o001); err != nil {
			t.Fatal(err)
		}
	}
}

func askAsNobody(t *testing.T) {
	t.Helper()
	root, data := os.Getenv(asNobody), os.Getenv(asNobodyData)
	s, err := site.New(site.Config{Domain: postgres.Domain, DatabaseURL: checks.NewSecret(os.Getenv(asNobodyURL))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := askDatabase(t.Context(), s.Database()); err != nil {
		t.Fatal(err)
	}
	for name, known := range map[string][]string{"its folder is known": {data}, "it tells its folder itself": nil} {
		t.Run(name, func(t *testing.T) {
			kind := Kind(s, func(o *options) {
				o.root, o.program = root, ""
				o.found = func(context.Context) site.Found {
					return site.Found{Live: root + "/home/mastodon/live", User: "mastodon", PostgresData: known}
				}
			})
			o := checkstest.Look(t, kind, checkstest.Make(t, kind, ""), nil)
			whole, base, wal := checkstest.Value(t, o, areaBytes, data), checkstest.Value(t, o, areaBytes, data+"/base"), checkstest.Value(t, o, areaBytes, data+"/pg_wal")
			if base < 200<<20 || wal < 128<<20 || whole != base+wal {
				t.Errorf("%v in all, base %v, pg_wal %v", whole, base, wal)
			}
			f := expect(t, o, codeWAL, data, true, false)
			says(t, f, "Nobody reads the replication slot \"gone_standby\"", "「gone_standby」")
			for _, b := range o.Blind {
				if under(b.Subject, filepath.Dir(data)) {
					t.Errorf("%s %s is said to be unseen: %s", b.Code, b.Subject, b.Why.En)
				}
			}
			if !strings.HasPrefix(o.Summary.En, "PostgreSQL ") || strings.Contains(o.Summary.En, "not readable") {
				t.Errorf("summary %q", o.Summary.En)
			}
		})
	}
}

func TestTheReasonIsWhatKeepsMostOfIt(t *testing.T) {
	const mb = 1 << 20
	failed := archive{On: true, Failed: time.Unix(200, 0), Archived: time.Unix(100, 0)}
	for _, tt := range []struct {
		name    string
		said    said
		slot    string
		archive bool
	}{
		{"nothing keeps it", said{}, "", false},
		{"a slot that is read keeps little", said{Slots: []slot{{Name: "fine", Active: true, Held: mb}}}, "", false},
		{"a slot that nobody reads keeps little", said{Slots: []slot{{Name: "new", Held: 100 * mb}}}, "", false},
		{"a slot that nobody reads keeps most", said{Slots: []slot{{Name: "gone", Held: 900 * mb}}}, "gone", false},
		{"one that is read and behind", said{Slots: []slot{{Name: "slow", Active: true, Held: 900 * mb}}}, "slow", false},
		{"whom nobody reads comes before who is behind", said{Slots: []slot{{Name: "slow", Active: true, Held: 950 * mb}, {Name: "gone", Held: 900 * mb}}}, "gone", false},
		{"the archive_command fails", said{Archive: failed}, "", true},
		{"it failed once and works again", said{Archive: archive{On: true, Failed: time.Unix(100, 0), Archived: time.Unix(200, 0)}}, "", false},
		{"it failed and was switched off", said{Archive: archive{Failed: time.Unix(200, 0)}}, "", false},
		{"both", said{Archive: failed, Slots: []slot{{Name: "gone", Held: 900 * mb}}}, "gone", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.said.reasonOf(1000 * mb)
			name := ""
			if r.Slot != nil {
				name = r.Slot.Name
			}
			if name != tt.slot || r.Archive != tt.archive {
				t.Errorf("%q, %v; want %q, %v", name, r.Archive, tt.slot, tt.archive)
			}
			o := checks.Observation{Summary: checks.Same("x"), Findings: []checks.Finding{{
				Code: codeWAL, Subject: "/data", Severity: checks.Warning,
				Text: walText(sized{Bytes: 1000 * mb}, walSettings{Max: 64 * mb}, walReason(&tt.said, r, 1000*mb)), Advice: walRemedy(&tt.said, r),
			}}}
			checkstest.AssertObservation(t, Kind(&site.Site{Proc: "/proc"}), o)
			t.Logf("\n%s\n%v\n%s\n%s", o.Findings[0].Text.En, o.Findings[0].Advice, o.Findings[0].Text.Ja, o.Findings[0].Advice.Text.Ja)
		})
	}
}
