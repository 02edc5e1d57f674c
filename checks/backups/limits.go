package backups

import (
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
)

// Limits tells how old the newest backup of a source may be, how far from its
// usual size, and how much room the next one needs.
func (c *check) Limits(past checks.Past, measure, subject string) []checks.Limit {
	for label, k := range recall(past).Sources {
		if checks.Subject(label) != subject {
			continue
		}
		runs := runs(k.Runs)
		switch measure {
		case "age":
			i := slices.IndexFunc(c.config.Sources, func(s Source) bool { return s.label() == label })
			every := time.Duration(0)
			if i >= 0 {
				every = c.config.Sources[i].Every.Std()
			}
			if often, _ := rhythm(every, i >= 0, runs); often > 0 {
				late, missed := patience(often)
				return checks.Steps(late.Seconds(), missed.Seconds(), false)
			}
		case "size_bytes":
			if usual, known := usualSize(runs); known {
				return append(checks.Steps(small*float64(usual), smallest*float64(usual), true),
					checks.Limit{Severity: checks.Warning, Value: large * float64(usual)})
			}
		case "free_bytes":
			if k.Room > 0 {
				return []checks.Limit{{Severity: k.RoomSeverity, Value: k.Room, Below: true}}
			}
		}
	}
	return nil
}
