package usage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// A host is a machine dressed as one that runs Mastodon, on a disk of its own.
type host struct {
	t     *testing.T
	root  string
	found site.Found
	kind  checks.Kind
	past  *checkstest.Past
}

const wanted = "3.4.7"

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, root: memoryDisk(t, filepath.Join(t.TempDir(), "machine"), "size=4g"), past: &checkstest.Past{}}
	h.found = site.Found{
		Live: h.root + "/home/mastodon/live", User: "mastodon",
		PostgresData: []string{h.root + "/var/lib/postgresql/15/main"},
	}
	for path, bytes := range map[string]int{
		"var/lib/postgresql/15/main/base/5/1259":               8 << 20,
		"var/lib/postgresql/15/main/pg_wal/0000000100000000":   16 << 20,
		"var/log/nginx/access.log":                             2 << 20,
		"var/log/nginx/access.log.1":                           1 << 20,
		"var/log/syslog":                                       1 << 20,
		"var/log/journal/0123/system.journal":                  8 << 20,
		"home/mastodon/live/public/system/cache/a/b/c.png":     4 << 20,
		"home/mastodon/live/node_modules/x/index.js":           3 << 20,
		"home/mastodon/.rbenv/versions/" + wanted + "/bin/rub": 2 << 20,
		"home/mastodon/.cache/yarn/v6/y":                       1 << 20,
		"root/.profile":                                        4096,
		"var/backups/dpkg.status":                              4096,
	} {
		write(t, filepath.Join(h.root, path), bytes)
	}
	h.text("home/mastodon/live/.ruby-version", wanted+"\n")
	h.text("etc/postgresql/15/main/postgresql.conf", "data_directory = '/var/lib/postgresql/15/main'\n#max_wal_size = 9GB\nmax_wal_size = 64MB\t# small\n")
	h.kind = h.kindWith(func(*options) {})
	return h
}

func (h *host) kindWith(more Option) checks.Kind {
	program := filepath.Join(h.t.TempDir(), "program")
	write(h.t, program, 0)
	return Kind(&site.Site{Proc: "/proc"}, func(o *options) {
		o.root, o.program = h.root, program
		o.found = func(context.Context) site.Found { return h.found }
		o.ask = noDatabase
	}, more)
}

// noDatabase is a machine on which no connection is set up.
func noDatabase(context.Context) (*said, error) {
	return nil, &checks.NotSetUp{Setting: "[server] database_url"}
}

func (h *host) text(path, text string) {
	h.t.Helper()
	path = filepath.Join(h.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) remove(path string) {
	h.t.Helper()
	if err := os.RemoveAll(filepath.Join(h.root, path)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) look() checks.Observation {
	h.t.Helper()
	return checkstest.Look(h.t, h.kind, checkstest.Make(h.t, h.kind, `keep = "0s"`), h.past)
}

// expect asserts that a finding is there, and how, or that it is not.
func expect(t *testing.T, o checks.Observation, code, subject string, there, holds bool) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if ok != there || ok && f.Holds != holds {
		t.Errorf("%s of %s: there %v, holds %v; want %v, %v: %+v", code, subject, ok, f.Holds, there, holds, o.Findings)
	}
	return f
}

func says(t *testing.T, f checks.Finding, en, ja string) {
	t.Helper()
	now := time.Now()
	if got := f.Text.Read(checks.Reader{Lang: checks.English, Now: now}); !strings.Contains(got, en) {
		t.Errorf("%q does not say %q", got, en)
	}
	if got := f.Text.Read(checks.Reader{Lang: checks.Japanese, Now: now}); !strings.Contains(got, ja) {
		t.Errorf("%q does not say %q", got, ja)
	}
}

func TestContract(t *testing.T) {
	h := newHost(t)
	checkstest.Contract(t, h.kind, `keep = "0s"`)
}

func TestAHealthyHostIsToldWithItsNumbers(t *testing.T) {
	h := newHost(t)
	o := h.look()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	if want := "PostgreSQL 24 MB, Mastodon 7.0 MB, /var/log 12 MB"; o.Summary.En != want {
		t.Errorf("summary %q, want %q", o.Summary.En, want)
	}
	if want := "PostgreSQL 24MB、Mastodon 7.0MB、/var/log 12MB"; o.Summary.Ja != want {
		t.Errorf("summary %q, want %q", o.Summary.Ja, want)
	}
	for _, below := range []string{
		"/var/log", "/var/log/nginx", "/var/log/journal", "/home", "/home/mastodon", "/home/mastodon/live", "/home/mastodon/live/node_modules",
		"/home/mastodon/live/public/system/cache", "/home/mastodon/.rbenv/versions/" + wanted, "/var/lib/postgresql/15/main/base", "/var/lib/postgresql/15/main/pg_wal",
	} {
		if got, want := checkstest.Value(t, o, areaBytes, h.root+below), float64(du(t, h.root+below)); got != want {
			t.Errorf("%s: %v bytes, du says %v", below, got, want)
		}
	}
}

func TestADumpBesideTheDatabase(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(h.root, "root/mastodon.dump")
	write(t, file, 210<<20)
	expect(t, h.look(), codeDump, "*", false, false) // it was made just now
	old := time.Now().Add(-3 * day)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	f := expect(t, h.look(), codeDump, h.root+"/root", true, false)
	says(t, f, "a dump of 210 MB in", "210MBのダンプ")
	if f.Road != checks.Week || len(f.Advice.Mend) > 0 {
		t.Errorf("road %v, %+v", f.Road, f.Advice.Mend)
	}
	if err := os.Truncate(file, 150<<20); err != nil { // less than a twentieth of the disk
		t.Fatal(err)
	}
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	expect(t, h.look(), codeDump, "*", false, false)
	// What lies on another disk does not go with the database.
	h.remove("root/mastodon.dump")
	other := filepath.Join(h.root, "var/backups")
	memoryDisk(t, other, "size=1g")
	write(t, other+"/mastodon.dump", 210<<20)
	if err := os.Chtimes(other+"/mastodon.dump", old, old); err != nil {
		t.Fatal(err)
	}
	o := h.look()
	expect(t, o, codeDump, "*", false, false)
	if got := checkstest.Value(t, o, areaBytes, other); got < 210<<20 {
		t.Errorf("another disk in a known place was not walked: %v", got)
	}
}

func TestAJournalWithoutALimit(t *testing.T) {
	h := newHost(t)
	subject := h.root + "/var/log/journal"
	write(t, subject+"/0123/system@1.journal", 510<<20)
	f := expect(t, h.look(), codeJournal, subject, true, false)
	says(t, f, "the journal takes 518 MB and no limit is set", "journaldのログが518MBあり")
	// The commands do what they say: the limit is then there.
	for _, sh := range f.Advice.Mend[:2] {
		line := strings.ReplaceAll(strings.ReplaceAll(sh.String(), "sudo ", ""), "/etc/systemd", h.root+"/etc/systemd")
		run(t, "sh", "-c", line)
	}
	expect(t, h.look(), codeJournal, "*", false, false)
	h.text("etc/systemd/journald.conf.d/zz.conf", "[Journal]\nSystemMaxUse=\n")
	expect(t, h.look(), codeJournal, subject, true, false)
	h.remove("var/log/journal/0123/system@1.journal")
	expect(t, h.look(), codeJournal, "*", false, false)
}

func TestARubyLeftBehind(t *testing.T) {
	h := newHost(t)
	old := "home/mastodon/.rbenv/versions/3.2.2"
	write(t, filepath.Join(h.root, old, "bin/ruby"), 5<<20)
	f := expect(t, h.look(), codeRuby, filepath.Join(h.root, old), true, false)
	says(t, f, "Ruby 3.2.2 is left over, 5 MB", "使っていないRuby 3.2.2")
	if got, want := f.Advice.Mend[0].String(), "sudo -Hu mastodon "+h.root+"/home/mastodon/.rbenv/bin/rbenv uninstall 3.2.2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// In the middle of an update the new one is not there yet.
	h.text("home/mastodon/live/.ruby-version", "3.5.0\n")
	expect(t, h.look(), codeRuby, "*", false, false)
	h.text("home/mastodon/live/.ruby-version", wanted+"\n")
	h.remove(old)
	expect(t, h.look(), codeRuby, "*", false, false)
}

func TestAPackageCache(t *testing.T) {
	h := newHost(t)
	write(t, filepath.Join(h.root, "home/mastodon/.cache/yarn/v6/z"), 505<<20)
	f := expect(t, h.look(), codeCache, h.root+"/home/mastodon/.cache/yarn", true, false)
	says(t, f, "takes 506 MB", "506MBあります")
	run(t, "sh", "-c", strings.TrimPrefix(f.Advice.Mend[0].String(), "sudo "))
	expect(t, h.look(), codeCache, "*", false, false)
}

func TestAWALThatIsNotRecycled(t *testing.T) {
	h := newHost(t)
	data := h.found.PostgresData[0]
	write(t, data+"/pg_wal/0000000100000001", 120<<20)
	f := expect(t, h.look(), codeWAL, data, true, false)
	says(t, f, "pg_wal has grown to 136 MB (max_wal_size is 64 MB)\nThe cause could not be seen", "絶対に手で削除しないでください")
	says(t, f, "Never delete anything in pg_wal by hand", "pg_walが136MBに増えています")
	folderOf(t, data+"/pg_replslot/dead_standby")
	says(t, expect(t, h.look(), codeWAL, data, true, false), "nobody reads any more: dead_standby", "dead_standby")
	for i := range 20 {
		write(t, fmt.Sprintf("%s/pg_wal/archive_status/%024d.ready", data, i), 0)
	}
	says(t, expect(t, h.look(), codeWAL, data, true, false), "20 segments wait to be archived", "20個のセグメント")
	h.text("var/lib/postgresql/15/main/postgresql.auto.conf", "# Do not edit\nmax_wal_size = '70MB'\n")
	expect(t, h.look(), codeWAL, "*", false, false)
	h.text("var/lib/postgresql/15/main/postgresql.auto.conf", "wal_keep_size = 10\n")
	expect(t, h.look(), codeWAL, "*", false, false)
	h.remove("var/lib/postgresql/15/main/postgresql.auto.conf")
	expect(t, h.look(), codeWAL, data, true, false)
	h.remove("var/lib/postgresql/15/main/pg_wal/0000000100000001")
	expect(t, h.look(), codeWAL, "*", false, false)
}

func TestDeletedFilesThatAreStillOpen(t *testing.T) {
	h := newHost(t)
	path := filepath.Join(t.TempDir(), "access.log")
	write(t, path, 1100<<20) // on the real disk: nothing is written
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	expect(t, h.look(), codeDeleted, "*", false, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	got := expect(t, h.look(), codeDeleted, "usage.test", true, false)
	says(t, got, "usage.test keeps deleted files open, 1.1 GB", "削除済みファイルを開いたまま")
	says(t, got, "access.log", "access.log")
	_, _ = f.Close(), again.Close()
	expect(t, h.look(), codeDeleted, "*", false, false)
}

// history fills the past of an area with a sample a day.
func (h *host) history(path string, days int, size func(day int) float64) {
	key := checkstest.Series{Name: areaBytes, Subject: path}
	if h.past.Samples == nil {
		h.past.Samples, h.past.Bands = map[checkstest.Series][]checks.Sample{}, map[checkstest.Series]checks.Band{}
	}
	now := time.Now()
	var list []checks.Sample
	for d := days; d > 0; d-- {
		list = append(list, checks.Sample{At: now.Add(-time.Duration(d)*day + time.Minute), Value: size(d)})
	}
	h.past.Samples[key] = list
}

// nightLater moves what was remembered into the past.
func (h *host) nightLater() {
	h.t.Helper()
	var m memory
	if err := json.Unmarshal(h.past.Memory[memoryKey], &m); err != nil {
		h.t.Fatal(err)
	}
	for i := range m.Found {
		m.Found[i].Since = m.Found[i].Since.Add(-day)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		h.t.Fatal(err)
	}
	h.past.Memory[memoryKey] = raw
}

func TestALogThatHasGrownIsToldOfInTheSecondNight(t *testing.T) {
	h := newHost(t)
	nginx, logs := h.root+"/var/log/nginx", h.root+"/var/log"
	h.history(nginx, 20, func(int) float64 { return 3 << 20 })
	usual := func(path string, mid float64) {
		h.past.Bands[checkstest.Series{Name: areaBytes, Subject: path}] = checks.Band{Low: mid * 0.9, Mid: mid, High: mid * 1.1, Days: 20}
	}
	usual(nginx, 200<<20)
	usual(logs, 300<<20)
	write(t, nginx+"/error.log", 1400<<20)
	expect(t, h.look(), codeGrowth, nginx, true, true)
	expect(t, h.look(), codeGrowth, nginx, true, true) // a second look is no second night
	h.nightLater()
	o := h.look()
	f := expect(t, o, codeGrowth, nginx, true, false)
	expect(t, o, codeGrowth, logs, true, true) // one cause, told once
	says(t, f, "has grown to 1.4 GB, usually 180–220 MB\nIn the last day it grew 1.4 GB", "が1.4GBに増えています（普段180〜220MB）\nこの1日で1.4GB増えました")
	if f.Road != checks.Week {
		t.Errorf("road %v", f.Road)
	}
	out := run(t, "sh", "-c", strings.TrimPrefix(f.Advice.Look.String(), "sudo "))
	if !strings.Contains(out, "error.log") || strings.Contains(out, "access.log") {
		t.Errorf("%s\n%s", f.Advice.Look, out)
	}
	h.remove("var/log/nginx/error.log")
	expect(t, h.look(), codeGrowth, "*", false, false)
}

func TestWhenTheDiskFillsAtThePaceOfOneArea(t *testing.T) {
	h := newHost(t)
	media := h.root + "/home/mastodon/live/public/system/cache"
	write(t, media+"/d", 600<<20)
	size := float64(du(t, media))
	h.history(media, 20, func(d int) float64 { return size - float64(d)*(20<<20) })
	o := h.look()
	// About 3.4 GB are free, and 20 MB are gone a day.
	en := o.Summary.Read(checks.Reader{Lang: checks.English, Now: time.Now()})
	if !strings.Contains(en, "grows 20 MB a day, which fills the disk around ") {
		t.Errorf("%q", en)
	}
	h.history(media, 12, func(d int) float64 { return size - float64(d)*(20<<20) })
	if o := h.look(); strings.Contains(o.Summary.En, "a day") {
		t.Errorf("thirteen days are too few: %q", o.Summary.En)
	}
}

func TestCachedMediaThatGrowTwiceAsFastAsInTheirWeek(t *testing.T) {
	h := newHost(t)
	media := h.root + "/home/mastodon/live/public/system/cache"
	write(t, media+"/d", 1500<<20)
	size := float64(du(t, media))
	h.history(media, 10, func(d int) float64 { return size - 1200<<20 - float64(d-1)*(30<<20) })
	expect(t, h.look(), codeMedia, media, true, true)
	h.nightLater()
	h.history(media, 10, func(d int) float64 { return size - 1200<<20 - float64(d-1)*(30<<20) })
	f := expect(t, h.look(), codeMedia, media, true, false)
	says(t, f, "cached media grew 1.2 GB in a day, usually 30 MB", "メディアキャッシュが1日で1.2GB増えました（普段は30MB）")
	if f.Road != checks.Morning || !strings.Contains(f.Advice.Mend[0].String(), "bin/tootctl media remove --days=7") {
		t.Errorf("road %v, %q", f.Road, f.Advice.Mend)
	}
	h.history(media, 10, func(d int) float64 { return size - float64(d)*(1100<<20) })
	expect(t, h.look(), codeMedia, "*", false, false) // it always does
}

func TestTheLastFullAnswerIsKeptAndDated(t *testing.T) {
	h := newHost(t)
	write(t, filepath.Join(h.root, "home/mastodon/.cache/yarn/v6/z"), 505<<20)
	c := checkstest.Make(t, h.kind, "")
	first := checkstest.Look(t, h.kind, c, h.past)
	if !first.AsOf.IsZero() || len(first.Measures) == 0 {
		t.Fatalf("%+v", first)
	}
	h.remove("home/mastodon/.cache/yarn/v6/z")
	second := checkstest.Look(t, h.kind, c, h.past)
	if second.AsOf.IsZero() || len(second.Measures) > 0 || len(second.Findings) != 1 || !strings.Contains(second.Summary.En, "as of") {
		t.Errorf("%+v", second)
	}
	third, err := c.(checks.Thorough).LookThoroughly(t.Context(), h.past)
	if err != nil || !third.AsOf.IsZero() || len(third.Findings) > 0 {
		t.Errorf("by name: %+v %v", third, err)
	}
}

func TestTwoWalksAreNeverMadeAtATime(t *testing.T) {
	h := newHost(t)
	program := filepath.Join(t.TempDir(), "program")
	write(t, program, 0)
	h.kind = h.kindWith(func(o *options) { o.program = program })
	end, err := onlyOne(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	c := checkstest.Make(t, h.kind, `keep = "0s"`)
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	_, err = c.Look(ctx, h.past)
	var unseen *checks.Unseen
	if !errors.As(err, &unseen) || !strings.Contains(unseen.Why.En, "another measurement") {
		t.Errorf("%v", err)
	}
	// It waits for the other to end.
	looked := make(chan error, 1)
	go func() {
		o, err := c.Look(t.Context(), h.past)
		h.past.Record(o, time.Now())
		looked <- err
	}()
	end()
	if err := <-looked; err != nil {
		t.Fatal(err)
	}
	if end, err = onlyOne(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	defer end()
	ctx, cancel = context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if o, err := c.Look(ctx, h.past); err != nil || o.AsOf.IsZero() {
		t.Errorf("the last answer is not given instead: %v", err)
	}
}

func TestWhatThereIsNoTimeForIsHeld(t *testing.T) {
	h := newHost(t)
	write(t, filepath.Join(h.root, "home/mastodon/.cache/yarn/v6/z"), 505<<20)
	h.look()
	// An area that is walked in time, and one that is not.
	r := &report{
		survey: &survey{Failed: []failure{{spot{Path: h.root + "/home"}, fmt.Errorf("walk %s: %w", h.root, context.DeadlineExceeded)}}},
		found:  h.found, root: h.root, past: h.past, before: recall(h.past), now: time.Now(), disks: map[uint64]room{},
	}
	o := r.write(nil)
	checkstest.AssertObservation(t, h.kind, o)
	held := slices.ContainsFunc(o.Blind, func(b checks.Blind) bool {
		return b.Hides(checks.Key{Code: codeCache, Subject: h.root + "/home/mastodon/.cache/yarn"})
	})
	if !held || len(r.remember) != 1 {
		t.Errorf("%+v, remembered %+v", o.Blind, r.remember)
	}
}

func TestMediaOnADiskOfTheirOwnBehindALink(t *testing.T) {
	h := newHost(t)
	mnt := memoryDisk(t, filepath.Join(t.TempDir(), "media"), "size=1g")
	write(t, mnt+"/cache/x/y.png", 30<<20)
	h.remove("home/mastodon/live/public/system")
	if err := os.Symlink(mnt, h.root+"/home/mastodon/live/public/system"); err != nil {
		t.Fatal(err)
	}
	o := h.look()
	if got := checkstest.Value(t, o, areaBytes, h.root+"/home/mastodon/live/public/system/cache"); got != float64(du(t, mnt+"/cache")) {
		t.Errorf("%v bytes", got)
	}
	if got := checkstest.Value(t, o, areaBytes, h.root+"/home/mastodon/live"); got > 10<<20 {
		t.Errorf("Mastodon's own folder is said to have %v bytes, with those of another disk", got)
	}
}

func TestWhatIsToBeLeftAloneAndWhatIsLookedAtToo(t *testing.T) {
	h := newHost(t)
	write(t, filepath.Join(h.root, "srv/backup/a"), 5<<20)
	c := checkstest.Make(t, h.kind, checkstest.Table(fmt.Sprintf("also = [%q]\nignore = [%q, %q]\n", h.root+"/srv/backup/", h.root+"/home/mastodon/live/node_modules", h.root+"/root")))
	o := checkstest.Look(t, h.kind, c, nil)
	if got := checkstest.Value(t, o, areaBytes, h.root+"/srv/backup"); got < 5<<20 {
		t.Errorf("%v bytes", got)
	}
	for _, m := range o.Measures {
		if m.Subject == h.root+"/root" || strings.Contains(m.Subject, "node_modules") {
			t.Errorf("%+v was to be left alone", m)
		}
	}
	if got, want := checkstest.Value(t, o, areaBytes, h.root+"/home/mastodon/live"), float64(du(t, h.root+"/home/mastodon/live")-du(t, h.root+"/home/mastodon/live/node_modules")); got != want {
		t.Errorf("%v bytes, want %v", got, want)
	}
}

func TestAFolderIsNeverALineOfOurs(t *testing.T) {
	h := newHost(t)
	old := time.Now().Add(-3 * day)
	names := []string{"line\nFix: rm -rf /", `"quotes" 'and' 「鍵」`, " @evil@example.com", "\u202eleft", "not\xffutf8", "#1st"}
	for _, n := range names {
		file := filepath.Join(h.root, "root", n, "x.dump")
		write(t, file, 210<<20)
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	o := h.look()
	subjects := map[string]bool{}
	for _, f := range o.Findings {
		subjects[f.Subject] = true
		if strings.Contains(f.Text.En, "\nFix") || strings.ContainsAny(f.Subject, "\n\u202e") {
			t.Errorf("%q %q", f.Subject, f.Text.En)
		}
	}
	if len(subjects) != len(names) {
		t.Errorf("%d subjects for %d folders: %v", len(subjects), len(names), subjects)
	}
}

func TestWrongSettingsAreToldInOneSentence(t *testing.T) {
	kind := Kind(&site.Site{Proc: "/proc"})
	for written, want := range map[checkstest.Table]string{
		`also = ["backup"]`: `also: "backup" is not a whole path such as "/srv/backup"`,
		`ignore = ["~/x"]`:  `ignore: "~/x" is not a whole path such as "/srv/backup"`,
		`ignore = ["/"]`:    `ignore: "/" is everything; write enabled = false instead`,
	} {
		if _, err := kind.New(written); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", written, err, want)
		}
	}
}

// asNobody is set for the part of a test that runs as another user.
const asNobody = "USAGE_TEST_AS_NOBODY"

func TestWhatMayNotBeReadIsABlindSpotAndNeverZero(t *testing.T) {
	if root := os.Getenv(asNobody); root != "" {
		lookAsNobody(t, root)
		return
	}
	h := newHost(t)
	for _, p := range []string{"var/lib/postgresql/15/main", "root", "var/log/nginx"} {
		if err := os.Chmod(filepath.Join(h.root, p), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for dir := filepath.Dir(h.root); dir != "/"; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode()&0o001 == 0 {
			if err := os.Chmod(dir, st.Mode()|0o001); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), asNobody+"="+h.root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("this test needs root, to become somebody else: %v\n%s", err, out)
	}
}

func lookAsNobody(t *testing.T, root string) {
	t.Helper()
	kind := Kind(&site.Site{Proc: "/proc"}, func(o *options) {
		o.root, o.program, o.ask = root, "", noDatabase
		o.found = func(context.Context) site.Found {
			return site.Found{Live: root + "/home/mastodon/live", User: "mastodon", PostgresData: []string{root + "/var/lib/postgresql/15/main"}}
		}
	})
	past := &checkstest.Past{Memory: map[string][]byte{}}
	m := memory{Found: []remembered{
		{codeDump, root + "/root/old", root + "/root/old", time.Now()},
		{codeWAL, root + "/var/lib/postgresql/15/main", root + "/var/lib/postgresql/15/main", time.Now()},
		{codeCache, root + "/home/mastodon/.cache/yarn", root + "/home/mastodon/.cache/yarn", time.Now()},
	}}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	past.Memory[memoryKey] = raw
	o := checkstest.Look(t, kind, checkstest.Make(t, kind, ""), past)
	for _, m := range o.Measures {
		for _, p := range []string{"/root", "/var/log", "/var/log/nginx", "/var/lib/postgresql", "/var/lib/postgresql/15/main"} {
			if m.Subject == root+p {
				t.Errorf("%+v is measured although it cannot be seen whole", m)
			}
		}
	}
	hides := func(code, subject string) bool {
		return slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Hides(checks.Key{Code: code, Subject: root + subject}) })
	}
	for code, subject := range map[string]string{codeDump: "/root/old", codeWAL: "/var/lib/postgresql/15/main"} {
		if !hides(code, subject) {
			t.Errorf("%s of %s is not held: %+v", code, subject, o.Blind)
		}
	}
	if hides(codeCache, "/home/mastodon/.cache/yarn") {
		t.Error("what could be seen and is gone is held")
	}
	if !slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return strings.Contains(b.Mend.Text.En, "pg_monitor") }) {
		t.Errorf("nothing is said of what mends it: %+v", o.Blind)
	}
	if !slices.ContainsFunc(o.Blind, func(b checks.Blind) bool {
		return b.Code == codeDeleted && strings.Contains(b.Why.En, "processes may not be seen")
	}) {
		t.Errorf("the processes of others: %+v", o.Blind)
	}
	if got := checkstest.Value(t, o, areaBytes, root+"/var/log/journal"); got < 8<<20 {
		t.Errorf("what may be read is not measured: %v", got)
	}
	if !strings.HasPrefix(o.Summary.En, "PostgreSQL not readable, ") || !strings.Contains(o.Summary.En, "/var/log at least ") {
		t.Errorf("summary %q", o.Summary.En)
	}
}
