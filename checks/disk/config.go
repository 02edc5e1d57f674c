package disk

import (
	"errors"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.disk] as it is written.
type Config struct {
	// Warning and Critical are percentages of use, as df counts it; a warning
	// ends below Clear.
	Warning  float64 `toml:"warning_percent"`
	Critical float64 `toml:"critical_percent"`
	Clear    float64 `toml:"clear_percent"`
	// WarningFree keeps a large disk quiet while it has this much room.
	WarningFree Size `toml:"warning_free"`
	// CriticalFree is what /, /var and the databases' file systems must have.
	CriticalFree Size `toml:"critical_free"`
	// Ignore lists mount points that are left alone, exactly or as patterns in
	// which * stands for anything but a slash.
	Ignore []string `toml:"ignore"`
}

// defaultConfig holds the project's defaults: 85 and 95 % (Elasticsearch makes
// its indices read-only at 95), both a percentage and a size, two thresholds.
func defaultConfig() Config {
	return Config{
		Warning: 85, Critical: 95, Clear: 82,
		WarningFree: 50 * gigabyte, CriticalFree: 2 * gigabyte,
	}
}

func (c Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	inRange := true
	for _, p := range []struct {
		name  string
		value float64
	}{{"warning_percent", c.Warning}, {"critical_percent", c.Critical}, {"clear_percent", c.Clear}} {
		if !(p.value >= 1 && p.value <= 100) { // written so that NaN fails, too
			bad("%s: %s is not a percentage between 1 and 100", p.name, plain(p.value))
			inRange = false
		}
	}
	if inRange && c.Warning >= c.Critical {
		bad("warning_percent: %s must be lower than critical_percent, which is %s", plain(c.Warning), plain(c.Critical))
	}
	if inRange && c.Clear > c.Warning {
		bad("clear_percent: %s must not be higher than warning_percent, which is %s", plain(c.Clear), plain(c.Warning))
	}
	for _, pattern := range c.Ignore {
		if _, err := path.Match(pattern, "/"); err != nil || !strings.HasPrefix(pattern, "/") {
			bad(`ignore: "%s" is not a mount point such as "/mnt/nas" or a pattern such as "/mnt/*"`, checks.Quote(pattern))
		}
	}
	return errors.Join(errs...)
}

// ignores tells whether the admin wants a mount point left alone.
func (c Config) ignores(point string) bool {
	for _, pattern := range c.Ignore {
		if p := strings.TrimRight(pattern, "/"); p == point || pattern == point {
			return true
		}
		if ok, err := path.Match(pattern, point); ok && err == nil {
			return true
		}
	}
	return false
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Size is a number of bytes as the configuration writes it: "50GB", "512 MB",
// "1.5TB", in powers of 1024 as df -h says them. A bare number is refused.
type Size float64

const (
	kilobyte Size = 1 << 10
	megabyte Size = 1 << 20
	gigabyte Size = 1 << 30
	terabyte Size = 1 << 40
	petabyte Size = 1 << 50
)

var sizeUnits = map[string]Size{
	"b": 1, "kb": kilobyte, "mb": megabyte, "gb": gigabyte, "tb": terabyte, "pb": petabyte,
	"k": kilobyte, "m": megabyte, "g": gigabyte, "t": terabyte, "p": petabyte,
	"kib": kilobyte, "mib": megabyte, "gib": gigabyte, "tib": terabyte, "pib": petabyte,
}

// UnmarshalText reads it.
func (s *Size) UnmarshalText(text []byte) error {
	given := strings.TrimSpace(string(text))
	i := strings.IndexFunc(given, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		if given == "0" {
			*s = 0
			return nil
		}
		return fmt.Errorf(`"%s" is a size without a unit; write for example "50GB" or "512MB"`, checks.Quote(given))
	}
	n, err := strconv.ParseFloat(given[:i], 64)
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(given[i:]))]
	if err != nil || !ok {
		return fmt.Errorf(`"%s" is not a size; write for example "50GB" or "512MB"`, checks.Quote(given))
	}
	v := Size(n) * unit
	if math.IsInf(float64(v), 0) || v > 1024*petabyte {
		return fmt.Errorf(`"%s" is larger than any disk`, checks.Quote(given))
	}
	*s = v
	return nil
}

// MarshalText writes it as the configuration would.
func (s Size) MarshalText() ([]byte, error) {
	for _, u := range []struct {
		name string
		size Size
	}{{"PB", petabyte}, {"TB", terabyte}, {"GB", gigabyte}, {"MB", megabyte}, {"kB", kilobyte}} {
		if s >= u.size && math.Mod(float64(s), float64(u.size)) == 0 {
			return []byte(plain(float64(s/u.size)) + u.name), nil
		}
	}
	return []byte(plain(float64(s)) + "B"), nil
}
