package timers

import (
	"fmt"
	"path"
	"strings"

	"github.com/sababan/sababan/checks"
)

// Config is the table [checks.timers] as it is written.
type Config struct {
	// Watch are names of timers that are expected to run besides those that
	// are known by themselves; * stands for anything.
	Watch []string `toml:"watch"`
	// Ignore are names of timers that are left alone.
	Ignore []string `toml:"ignore"`
}

func (c Config) validate() error {
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"watch", c.Watch}, {"ignore", c.Ignore}} {
		for _, p := range list.patterns {
			if _, err := path.Match(p, ""); err != nil || p == "" || strings.ContainsAny(p, "/ ") {
				return fmt.Errorf(`%s: "%s" is not the name of a timer such as "backup.timer" or a pattern such as "backup*"`, list.name, checks.Quote(p))
			}
		}
	}
	return nil
}

// ignores tells whether a timer is left alone.
func (c Config) ignores(timer string) bool {
	for _, p := range c.Ignore {
		for _, name := range []string{timer, strings.TrimSuffix(timer, ".timer")} {
			if ok, err := path.Match(p, name); ok && err == nil {
				return true
			}
		}
	}
	return false
}

// named are the timers that are expected by their own names, and not only by a
// pattern.
func (c Config) named() []string {
	var names []string
	for _, p := range c.Watch {
		if !strings.ContainsAny(p, `*?[\`) {
			names = append(names, strings.TrimSuffix(p, ".timer")+".timer")
		}
	}
	return names
}
