package memory

import "github.com/sababan/sababan/checks"

// Limits tells below how much available memory the check speaks, and from how
// much waiting for memory on.
func (c *check) Limits(past checks.Past, measure, _ string) []checks.Limit {
	switch measure {
	case "available_bytes":
		total, known := past.Last("total_bytes", "")
		if !known {
			return nil
		}
		critical := max(availableCritical*total.Value, availableLeast)
		list := []checks.Limit{{Severity: checks.Critical, Value: critical, Below: true}}
		if warning := availableWarning * total.Value; warning > critical {
			list = append([]checks.Limit{{Severity: checks.Warning, Value: warning, Below: true}}, list...)
		}
		return list
	case "pressure_some":
		return []checks.Limit{{Severity: checks.Warning, Value: pressureWarning}}
	}
	return nil
}
