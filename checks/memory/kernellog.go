package memory

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// errNoLog says that this machine has no kernel log that could be read.
var errNoLog = errors.New("no kernel log")

// A kill is one process that the kernel ended for lack of memory.
type kill struct {
	At time.Time `json:"at"`
	// Name is the process's name, and Unit the systemd unit it ran in; "" where
	// they could not be told.
	Name string `json:"name,omitempty"`
	Unit string `json:"unit,omitempty"`
	// Own says that the unit's own limit was reached, not the machine's.
	Own bool `json:"own,omitempty"`
	// Stamp is the kernel's own time of it, in microseconds since boot, or 0.
	Stamp int64 `json:"stamp,omitempty"`
}

// is tells whether two are the same: the kernel's stamp is exact, and a minute
// tells two boots apart.
func (k kill) is(o kill) bool {
	return k.Stamp != 0 && k.Stamp == o.Stamp && k.At.Sub(o.At).Abs() < time.Minute
}

var (
	recordHead  = regexp.MustCompile(`^[0-9]+,[0-9]+,([0-9]+),[^;]*;(.*)$`)
	killedLine  = regexp.MustCompile(`Killed process ([0-9]+) \((.{1,64})\),? (?:UID|total-vm)`)
	oomKillLine = regexp.MustCompile(`^oom-kill:constraint=([A-Z_]+),.*task_memcg=([^,]*),task=.*,pid=([0-9]+),`)
)

// parseLog finds the kills in the records of /dev/kmsg: "priority,sequence,
// microseconds since boot,flags;text", oldest first, without their At.
func parseLog(text string) []kill {
	type origin struct {
		unit string
		own  bool
	}
	origins := map[string]origin{}
	var kills []kill
	for line := range strings.Lines(text) {
		m := recordHead.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue // a line that goes on about the record before
		}
		if o := oomKillLine.FindStringSubmatch(m[2]); o != nil {
			origins[o[3]] = origin{unit: unitOf(o[2]), own: o[1] == "CONSTRAINT_MEMCG"}
			continue
		}
		k := killedLine.FindStringSubmatch(m[2])
		if k == nil {
			continue
		}
		micros, err := strconv.ParseInt(m[1], 10, 52)
		if err != nil {
			continue
		}
		from := origins[k[1]]
		kills = append(kills, kill{
			Name: k[2], Unit: from.unit, Own: from.own || strings.HasPrefix(m[2], "Memory cgroup"), Stamp: micros,
		})
	}
	return kills
}
