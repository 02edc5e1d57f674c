package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsHowMuchRedisMayUse(t *testing.T) {
	opens := func(f checks.Finding) checks.Severity {
		if f.Holds {
			return checks.OK
		}
		return f.Severity
	}
	for name, info := range map[string]map[string]string{
		"a limit of its own":     {"maxmemory": "1000000000", "maxmemory_policy": "noeviction", "maxclients": "10000"},
		"the machine's own room": {"maxmemory": "0", "total_system_memory": "4000000000", "maxclients": "10000"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &check{}
			r := reading{info: info}
			c.see(r)
			checkstest.Limits(t, c.Limits(checks.NoPast{}, "used_bytes", ""), 1000, func(v float64) checks.Severity {
				info["used_memory"] = fmt.Sprintf("%.0f", v)
				return opens(judgeMemory(r, counters{}, checks.Band{}, machine{}, time.Now()))
			})
			checkstest.Limits(t, c.Limits(checks.NoPast{}, "clients", ""), 1, func(v float64) checks.Severity {
				info["connected_clients"] = fmt.Sprintf("%.0f", v)
				return opens(judgeClients(r, machine{}))
			})
		})
	}
	c := &check{}
	c.see(reading{info: map[string]string{"maxmemory": "1000000000", "maxmemory_policy": "allkeys-lru"}})
	if list := c.Limits(checks.NoPast{}, "used_bytes", ""); list != nil {
		t.Errorf("one that throws away what is old has %v", list)
	}
	checkstest.Limits(t, c.Limits(checks.NoPast{}, "answer_time", ""), 0.01, func(v float64) checks.Severity {
		return opens(judgeSlow(reading{took: time.Duration(v * float64(time.Second))}, machine{}))
	})
}
