package usage

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestWhatIsTooMuchForAnArea(t *testing.T) {
	const gb = float64(gigabyte)
	for _, c := range []struct {
		sentence       string
		now            float64
		low, mid, high float64
		unknown        bool
		found, holds   bool
	}{
		{sentence: "nothing is said before a week is known", now: 100, unknown: true},
		{sentence: "the usual size is fine", now: 10, low: 9, mid: 10, high: 11},
		{sentence: "a quarter more than usual is not too much", now: 12.5, low: 10, mid: 10, high: 10, found: true, holds: true},
		{sentence: "more than a quarter above the usual is", now: 12.6, low: 10, mid: 10, high: 10, found: true},
		{sentence: "a small area must have grown by a gigabyte", now: 1, low: 0.1, mid: 0.1, high: 0.1, found: true, holds: true},
		{sentence: "a small area that has grown by more is told of", now: 1.2, low: 0.1, mid: 0.1, high: 0.1, found: true},
		{sentence: "an area that scatters widely may do so again", now: 19, low: 5, mid: 10, high: 15, found: true, holds: true},
		{sentence: "four deviations are too much for it, too", now: 21, low: 5, mid: 10, high: 15, found: true},
		{sentence: "a smaller one is fine", now: 1, low: 9, mid: 10, high: 11},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			v := judgeGrowth(c.now*gb, checks.Band{Low: c.low * gb, Mid: c.mid * gb, High: c.high * gb, Days: 20}, !c.unknown)
			if v.Found != c.found || v.Holds != c.holds {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestHowFastMediaMayGrow(t *testing.T) {
	week := func(perDay float64, missing ...int) []checks.Sample {
		var list []checks.Sample
	days:
		for d := 9; d > 0; d-- {
			for _, m := range missing {
				if m == d {
					continue days
				}
			}
			// A walk is not made at the same minute every night.
			at := noon.Add(-time.Duration(d)*day + time.Duration(d%3)*time.Hour)
			list = append(list, checks.Sample{At: at, Value: 100*gigabyte - float64(d)*perDay*gigabyte})
		}
		return list
	}
	for _, c := range []struct {
		sentence string
		samples  []checks.Sample
		now      float64 // above 100 GB
		why      string
	}{
		{"as ever", week(3), 0, "as usual"},
		{"twice as fast is still usual", week(3), 3, "as usual"},
		{"more than twice as fast is not", week(3), 3.1, "faster than in its own week"},
		{"a little that is more than twice nothing is no matter", week(0), 0.9, "as usual"},
		{"much that is more than twice nothing is", week(0), 1.1, "faster than in its own week"},
		{"where they shrink otherwise, as where nothing changes", week(-2), 4, "faster than in its own week"},
		{"without yesterday nothing is said", week(3, 1), 90, "too few days"},
		{"with too few days nothing is said", week(3, 3, 5), 90, "too few days"},
		{"at the beginning nothing is said", nil, 90, "too few days"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p, known := paceOf(c.samples, (100+c.now)*gigabyte, noon)
			if v := judgeMedia(p, known); v.Why != c.why || v.Found != (c.why == "faster than in its own week") {
				t.Errorf("got %+v of %+v", v, p)
			}
		})
	}
}

func TestWhichRubyIsLeftBehind(t *testing.T) {
	both := []string{"3.2.2", "3.4.7"}
	for _, c := range []struct {
		version, wanted string
		installed       []string
		bytes           int64
		why             string
	}{
		{"3.2.2", "3.4.7", both, 115 << 20, "left behind"},
		{"3.4.7", "3.4.7", both, 115 << 20, "wanted"},
		{"3.2.2", "", both, 115 << 20, "what is wanted is not known"},
		{"3.2.2", "3.5.0", both, 115 << 20, "the one that is wanted is not there: this may be the one that runs"},
		{"3.2.2", "3.4.7", both, 4096, "nothing in it"},
	} {
		if v := judgeRuby(c.version, c.wanted, c.installed, c.bytes); v.Why != c.why || v.Found != (c.why == "left behind") {
			t.Errorf("%+v: %+v", c, v)
		}
	}
}

func TestTheNameOfALogIsWithoutItsRotation(t *testing.T) {
	for file, want := range map[string]string{
		"syslog": "syslog", "syslog.1": "syslog", "syslog.2.gz": "syslog", "dpkg.log": "dpkg.log", "dpkg.log.12.xz": "dpkg.log",
		"messages-20261122": "messages", "messages-20261122.gz": "messages", "app-2026-11-22.log": "app-2026-11-22.log",
		"auth.log.old": "auth.log", "Xorg.0.log": "Xorg.0.log", ".1": ".1", "redis-server.log-20261122-1700000000.gz": "redis-server.log",
	} {
		if got := logName(file); got != want {
			t.Errorf("logName(%q) = %q, want %q", file, got, want)
		}
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheLimitOfTheJournalIsReadAsJournaldDoes(t *testing.T) {
	root := t.TempDir()
	expect := func(want string) {
		t.Helper()
		if got, err := journalLimit(root); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	expect("")
	put(t, root+"/usr/lib/systemd/journald.conf", "[Journal]\nSystemMaxUse=1G\n")
	expect("1G")
	put(t, root+"/etc/systemd/journald.conf", "[Journal]\n#SystemMaxUse=5G\n\n[Other]\nSystemMaxUse=7G\n")
	expect("") // the one in /etc stands for the other
	put(t, root+"/usr/lib/systemd/journald.conf.d/50-vendor.conf", "[Journal]\nSystemMaxUse=300M\n")
	expect("300M")
	put(t, root+"/etc/systemd/journald.conf.d/10-own.conf", "[Journal]\n SystemMaxUse = 200M \n")
	expect("300M") // by their names, wherever they are
	put(t, root+"/etc/systemd/journald.conf.d/50-vendor.conf", "")
	expect("200M") // the same name in /etc hides it
	put(t, root+"/etc/systemd/journald.conf.d/99.conf", "[Journal]\nSystemMaxUse=\n")
	expect("")
}

func TestThePostgresSettingsAreThoseThatHold(t *testing.T) {
	root := t.TempDir()
	data := root + "/var/lib/postgresql/15/main"
	expect := func(largest, keep int64, archive bool) {
		t.Helper()
		if got, err := readWALSettings(root, data); err != nil || got != (walSettings{largest, keep, archive}) {
			t.Errorf("%+v, %v; want %d, %d, %v", got, err, largest, keep, archive)
		}
	}
	expect(1<<30, 0, false)
	put(t, data+"/postgresql.conf", "max_wal_size = 3GB\n")
	expect(3<<30, 0, false)
	put(t, root+"/etc/postgresql/15/main/postgresql.conf", "# max_wal_size = 9GB\nmax_wal_size 2048 # as MB\narchive_mode = on\n")
	expect(2<<30, 0, true)
	put(t, root+"/etc/postgresql/15/main/conf.d/mastodon.conf", "MAX_WAL_SIZE = '4GB'\nwal_keep_size = 512MB\n")
	expect(4<<30, 512<<20, true)
	put(t, data+"/postgresql.auto.conf", "# Do not edit this file manually!\nmax_wal_size = '5GB'\n")
	expect(5<<30, 512<<20, true)
	put(t, data+"/postgresql.auto.conf", "max_wal_size = 'nonsense'\nmax_wal_size = 99999999999999999GB\n")
	expect(4<<30, 512<<20, true)
}

func TestWhereMastodonsHomeIs(t *testing.T) {
	root := t.TempDir()
	for _, p := range []string{"/home/mastodon/live", "/home/social", "/srv/own/.rbenv", "/var/www/live"} {
		folder := root + p
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ live, user, want string }{
		{"/home/mastodon/live", "mastodon", "/home/mastodon"},
		{"/var/www/live", "social", "/home/social"},
		{"/srv/own/live", "", "/srv/own"},
		{"/var/www/live", "nobody", ""},
	} {
		want := ""
		if c.want != "" {
			want = root + c.want
		}
		if got := homeOf(root, site.Found{Live: root + c.live, User: c.user}); got != want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
