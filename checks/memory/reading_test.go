package memory

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatAProcessIs(t *testing.T) {
	for _, c := range []struct{ comm, command, name, worker string }{
		{"puma: cluster w", "puma: cluster worker 0: 1234 [live]", "puma", "puma worker 0"},
		{"ruby", "puma: cluster worker 12: 99999 [live]", "puma", "puma worker 12"},
		{"puma 6.4.2 (tcp", "puma 6.4.2 (tcp://127.0.0.1:3000) [live]", "puma", "puma"},
		{"bundle", "/home/mastodon/.rbenv/versions/3.3.5/bin/bundle exec puma -C config/puma.rb", "puma", "puma"},
		{"ruby", "sidekiq 7.3.9 live [3 of 25 busy]", "sidekiq", "sidekiq"},
		{"bundle", "/usr/bin/ruby /usr/local/bin/sidekiq -c 25 -q default", "sidekiq", "sidekiq"},
		{"node", "/usr/bin/node ./streaming", "streaming (node)", ""},
		{"MainThread", "/usr/bin/node /home/mastodon/live/streaming/index.js", "streaming (node)", ""},
		{"MainThread", "/usr/bin/node server.js", "node", ""},
		{"node", "node server.js", "node", ""},
		{"java", "/usr/share/elasticsearch/jdk/bin/java -cp /usr/share/elasticsearch/lib/x.jar", "elasticsearch", ""},
		{"java", "java -jar x.jar", "java", ""},
		{"postgres", "postgres: 15/main: mastodon mastodon_production [local] idle", "postgres", ""},
		{"redis-server", "/usr/bin/redis-server 127.0.0.1:6379", "redis-server", ""},
		{"evil", "puma 6 sidekiq", "evil", ""},
		{"ruby", "", "ruby", ""},
		{"", "", "", ""},
	} {
		if name, worker := title(c.comm, c.command); name != c.name || worker != c.worker {
			t.Errorf("%q %q is %q, %q, want %q, %q", c.comm, c.command, name, worker, c.name, c.worker)
		}
	}
}

func TestSharedMemoryIsCountedOnce(t *testing.T) {
	var list []process
	for range 24 {
		list = append(list, process{Name: "postgres", Resident: 210 * megabyte, Shared: 200 * megabyte})
	}
	list = append(list, process{Name: "redis-server", Resident: 300 * megabyte}, process{Name: "a", Resident: 5 * megabyte},
		process{Name: "b", Resident: 4 * megabyte}, process{Name: "c", Resident: 3 * megabyte}, process{Name: "d", Resident: megabyte})
	top := biggest(list)
	if len(top) != topGroups || top[0].Name != "postgres" || top[0].Count != 24 || top[0].Bytes != 440*megabyte || top[1].Name != "redis-server" {
		t.Errorf("got %+v", top)
	}
}

func TestTheBiggestWorkerOfATitleCounts(t *testing.T) {
	list := []process{
		{Name: "sidekiq", Worker: "sidekiq", Resident: 2},
		{Name: "sidekiq", Worker: "sidekiq", Resident: 5},
		{Name: "puma", Worker: "puma worker 0", Resident: 3},
		{Name: "postgres", Resident: 9},
	}
	got := workers(list)
	if len(got) != 2 || got[0].Worker != "sidekiq" || got[0].Resident != 5 || got[1].Worker != "puma worker 0" {
		t.Errorf("got %+v", got)
	}
}

func TestTheServiceOfAProcess(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/mastodon-web.service\n":                               "mastodon-web.service",
		"4:memory:/\n1:name=systemd:/system.slice/mastodon-sidekiq@4.service\n": "mastodon-sidekiq@4.service",
		"0::/system.slice/system-mastodon.slice/mastodon-web.service/sub\n":     "mastodon-web.service",
		"0::/user.slice/session-1.scope\n":                                      "",
		"0::/evil name.service\n":                                               "",
		"":                                                                      "",
	} {
		if got := unitOf(text); got != want {
			t.Errorf("%q is of %q, want %q", text, got, want)
		}
	}
}

func TestGarbageIsNoReading(t *testing.T) {
	for _, text := range []string{"", "1", "a b c", "1 -5 2", "1 99999999999999999999 2", "1 2 x"} {
		if _, _, ok := parseStatm(text); ok {
			t.Errorf("statm %q is read", text)
		}
	}
	for _, text := range []string{"", "some avg10=x", "full avg10=0.00 avg60=0.00 avg300=0.00 total=0", "some avg10=0.00 avg60=0.00 avg300=900.00 total=0", "some avg10=0.00 avg60=0.00 avg300=1.2.3 total=0"} {
		if p, err := parsePressure(text); err == nil {
			t.Errorf("pressure %q is read as %+v", text, p)
		}
	}
	for _, text := range []string{"", "pswpin 1", "pswpin x\npswpout 2", "pswpin 1\npswpout 2\noom_kill -1"} {
		if c, err := parseVmstat(text, 4096); err == nil {
			t.Errorf("vmstat %q is read as %+v", text, c)
		}
	}
	c, err := parseVmstat("nr_free_pages 7\npswpin 1\npswpout 2\n", 4096)
	if err != nil || c != (counters{SwapIn: 4096, SwapOut: 8192}) {
		t.Errorf("an old kernel is read as %+v, %v", c, err)
	}
}

// The records of Linux 6.18, and of 5.10 and 4.19 in their wording.
const kernelLog = `6,432,1524198621,-;Tasks state (memory values in pages):
 SUBSYSTEM=memory
6,433,1524198623,-;[  15644]     0 15644    52970    11249     9696     1553         0   139264        0             0 python3
6,435,1524198633,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice/job.service,task_memcg=/system.slice/job.service,task=python3,pid=15644,uid=0
3,436,1524198665,-;Memory cgroup out of memory: Killed process 15644 (python3) total-vm:211880kB, anon-rss:38784kB, file-rss:6212kB, shmem-rss:0kB, UID:0 pgtables:136kB oom_score_adj:0
4,437,1624198665,c;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/system.slice/mastodon-sidekiq.service,task=ruby,pid=812,uid=1000
3,438,1624198999,-;Out of memory: Killed process 812 (ruby) total-vm:2118800kB, anon-rss:1387840kB, file-rss:6212kB, shmem-rss:0kB, UID:1000 pgtables:136kB oom_score_adj:0
3,439,1724198999,-;Killed process 99 (a) b (c)) total-vm:1kB, anon-rss:1kB
6,440,1724199999,-;usb 1-1: Killed process in a name
3,441,99999999999999999999,-;Out of memory: Killed process 1 (x) total-vm:1kB
garbage
`

func TestTheKernelLogTellsWhoWasKilled(t *testing.T) {
	want := []kill{
		{Name: "python3", Unit: "job.service", Own: true, Stamp: 1524198665},
		{Name: "ruby", Unit: "mastodon-sidekiq.service", Stamp: 1624198999},
		{Name: "a) b (c)", Stamp: 1724198999},
	}
	if got := parseLog(kernelLog); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestANameFromOutsideIsHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"ruby": "ruby", "puma worker 0": "puma worker 0", "streaming (node)": "streaming (node)", "kworker/0:1": "kworker/0:1",
		"@evil@example.com": "(at)evil@example.com", "a\nFix: rm -rf /": `"a Fix: rm -rf /"`, "\u202eevil": "evil",
		`say "yes"`: `"say 'yes'"`, "#1st": "(hash)1st", "": "(no name)",
		strings.Repeat("x", 99): `"` + strings.Repeat("x", nameLimit-1) + `…"`,
	} {
		if got := name(in).En; got != want {
			t.Errorf("%q is called %s, want %s", in, got, want)
		}
	}
}

func FuzzWhateverTheKernelLogHolds(f *testing.F) {
	f.Add(kernelLog)
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range parseLog(text) {
			if n := killName(k); strings.ContainsAny(n.En+n.Ja, "\n\r") {
				t.Errorf("%q", n)
			}
		}
	})
}
