package redis

import (
	"testing"
	"time"
)

// FuzzInfo: of what Redis says of itself every number is one.
func FuzzInfo(f *testing.F) {
	f.Add("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nused_memory:1000\r\nrdb_last_save_time:1795340422\r\nerrorstat_OOM:count=3\r\n")
	f.Add("a:NaN\nevicted_keys:-1\nb:1e400\n:\nrdb_last_save_time:1e300\nerrorstat_OOM:count=Inf\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := reading{info: parse(text)}
		if len(r.info) > infoLimit/2+1 {
			t.Errorf("%d lines", len(r.info))
		}
		for name := range r.info {
			if v, ok := r.number(name); ok && v != v {
				t.Errorf("%s is no number", name)
			}
			if at := r.instant(name); at.Before(time.Time{}) {
				t.Errorf("%s: %v", name, at)
			}
		}
		_ = r.counters(time.Time{})
	})
}
