package usage

import "testing"

// FuzzWALSettings: PostgreSQL's sizes are never less than nothing.
func FuzzWALSettings(f *testing.F) {
	for _, s := range [][2]string{{"max_wal_size", "2GB"}, {"wal_keep_size", "9223372036854775807TB # x"}, {"max_wal_size 4GB", ""}, {"archive_mode", "'on'"}, {"max_wal_size", "-1"}, {"max_wal_size", "0"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		s := walSettings{Max: maxWALDefault}
		if s.take(name, value); s.Max < 0 || s.Keep < 0 || s.Max > 1<<62 || s.Keep > 1<<62 {
			t.Errorf("%+v", s)
		}
		if got := unescape(value); len(got) > len(value) {
			t.Errorf("%q", got)
		}
	})
}
