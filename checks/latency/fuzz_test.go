package latency

import "testing"

// FuzzBacklog: what a collector says is waiting is never less than nothing.
func FuzzBacklog(f *testing.F) {
	f.Add([]byte("# TYPE x gauge\nmastodon_puma_request_backlog{phase=\"0\"} 3\npuma_request_backlog 2.5 1795340422\n"))
	f.Add([]byte("puma_request_backlog 2147483646\npuma_request_backlog -1\npuma_request_backlog NaN\npuma_request_backlog{ } +Inf\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, ok := readBacklog(text); n < 0 || !ok && n != 0 {
			t.Errorf("%d waiting", n)
		}
	})
}
