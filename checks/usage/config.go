package usage

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.usage] as it is written.
type Config struct {
	// Also lists folders that are looked at besides those that are known.
	Also []string `toml:"also"`
	// Ignore lists folders that are left alone.
	Ignore []string `toml:"ignore"`
	// Keep is for how long the last full answer is given again where nobody
	// asked for this check by name.
	Keep checks.Duration `toml:"keep"`
}

// defaultConfig holds the project's defaults: less than the day between two
// walks (own).
func defaultConfig() Config { return Config{Keep: checks.Duration(20 * time.Hour)} }

func (c *Config) validate() error {
	var errs []error
	for _, list := range []struct {
		name  string
		paths []string
	}{{"also", c.Also}, {"ignore", c.Ignore}} {
		for i, p := range list.paths {
			if !filepath.IsAbs(p) {
				errs = append(errs, fmt.Errorf(`%s: "%s" is not a whole path such as "/srv/backup"`, list.name, checks.Quote(p)))
			}
			list.paths[i] = filepath.Clean(p)
		}
	}
	for _, p := range c.Ignore {
		if p == "/" {
			errs = append(errs, errors.New(`ignore: "/" is everything; write enabled = false instead`))
		}
	}
	if c.Keep < 0 {
		errs = append(errs, errors.New("keep: is below zero"))
	}
	return errors.Join(errs...)
}
