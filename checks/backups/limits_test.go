package backups

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestThePictureShowsWhatABackupShouldBeLike(t *testing.T) {
	var k known
	for i := range 9 {
		k.Runs = append(k.Runs, point{Time: time.Date(2026, 11, 10+i, 3, 0, 0, 0, time.UTC), Size: 1e9})
	}
	need, short := roomNeeded(1e9, true)
	k.Room, k.RoomSeverity = need, short.Severity
	raw, err := json.Marshal(memory{Sources: map[string]known{"/var/backups/*.dump": k}})
	if err != nil {
		t.Fatal(err)
	}
	past := &checkstest.Past{Memory: map[string][]byte{memoryKey: raw}}
	subject := checks.Subject("/var/backups/*.dump")
	c := &check{}
	checkstest.Limits(t, c.Limits(past, "age", subject), 60, func(v float64) checks.Severity {
		return judgeAge(time.Duration(v*float64(time.Second)), day).Severity
	})
	checkstest.Limits(t, c.Limits(past, "size_bytes", subject), 1e6, func(v float64) checks.Severity {
		return judgeSize(int64(v), 1e9).Severity
	})
	checkstest.Limits(t, c.Limits(past, "free_bytes", subject), 1e6, func(v float64) checks.Severity {
		return judgeRoom(1e9, uint64(v), true).Severity
	})
	if list := c.Limits(past, "age", "another"); list != nil {
		t.Errorf("a source that nobody knows has %v", list)
	}
}
