package database

import (
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func (v verdict) opens() checks.Severity {
	if v.Holds {
		return checks.OK
	}
	return v.Severity
}

func TestThePictureShowsHowManyConnectionsAreTooMany(t *testing.T) {
	checkstest.Limits(t, connectionLimits(97, usual()), 1, func(v float64) checks.Severity {
		return judgeConnections(int(v), 97, usual()).opens()
	})
	if connectionLimits(0, usual()) != nil {
		t.Error("where nobody knows how many there may be, there is a limit")
	}
}

func TestThePictureShowsFromWhichSizeOnPgWalIsSpokenOf(t *testing.T) {
	for name, w := range map[string]wal{
		"a large disk":         {Max: gigabyte, Free: 1000 * gigabyte, FreeKnown: true},
		"a disk with 12 GB":    {Max: gigabyte, Free: 12 * gigabyte, FreeKnown: true},
		"a disk nearly full":   {Max: gigabyte, Free: gigabyte, FreeKnown: true},
		"a disk somewhere":     {Max: gigabyte},
		"much is kept on hand": {Max: gigabyte, Keep: 4 * gigabyte},
	} {
		t.Run(name, func(t *testing.T) {
			checkstest.Limits(t, walLimits(w, usual()), megabyte, func(v float64) checks.Severity {
				w.Bytes = v
				return judgeWAL(w, usual()).opens()
			})
		})
	}
}
