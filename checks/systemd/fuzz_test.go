package systemd

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzUnit: what systemctl says of a unit has no time below nothing, and none
// without end.
func FuzzUnit(f *testing.F) {
	f.Add("x.timer", "LoadState=loaded\nNextElapseUSecRealtime=Tue 2026-11-24 00:00:00 UTC\nRandomizedDelayUSec=1h 30min\nTimersCalendar={ OnCalendar=*-*-* 00:00:00 ; next_elapse=x }\nTimersMonotonic={ OnUnitActiveUSec=1d ; next_elapse=0 }\n")
	f.Add("x.service", "MainPID=7\nNRestarts=99999999999999999999\nExecStart={ path=/bin/a ; argv[]=/bin/a -x ; status=0/0 }\nWorkingDirectory=!/home/x\nLoadError=a.b \"no\"\n")
	f.Add("x.timer", "RandomizedDelayUSec=999999999999y\nAccuracyUSec=1e308s 9999y 9999y\nTimersMonotonic={ OnUnitInactiveUSec=NaNs }\n")
	f.Fuzz(func(t *testing.T, name, block string) {
		u := fromTool(name, block)
		for _, d := range []time.Duration{u.Delay, u.Accuracy, u.Repeats} {
			if d < 0 || d > longest {
				t.Errorf("%v", d)
			}
		}
	})
}

// FuzzJournalLine: a message is text or bytes, and never longer than what was
// said.
func FuzzJournalLine(f *testing.F) {
	f.Add([]byte(`{"MESSAGE":"x"}`))
	f.Add([]byte(`{"MESSAGE":[104,105,256,-1,1e300,"x",null,[1]]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var entry struct {
			Message any `json:"MESSAGE"`
		}
		if json.Unmarshal(line, &entry) == nil && len(message(entry.Message)) > 3*len(line) {
			t.Errorf("%q", message(entry.Message))
		}
	})
}
