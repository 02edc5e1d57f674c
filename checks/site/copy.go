package site

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// EnvPath is what the daemon reads instead of Mastodon's .env.production: a copy
// of names and addresses, without a secret.
const EnvPath = siteEnv

// EnvFiles are the .env.production files of what was found, whether they can be
// read or not.
func (f Found) EnvFiles() (all []string) {
	for _, folder := range []string{f.Compose, f.Live} {
		if folder != "" {
			all = append(all, path.Join(folder, ".env.production"))
		}
	}
	return all
}

// EnvText is the text of [EnvPath] for settings as [Found] has them. What cannot
// be written on one line is left out.
func EnvText(settings map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := settings[name]
		switch {
		case strings.ContainsAny(value, "'\r\n\\"):
			continue
		case strings.Trim(value, plainValue) != "":
			value = "'" + value + "'"
		}
		b.WriteString(name + "=" + value + "\n")
	}
	return b.String()
}

// plainValue are the characters that need no quotes in a file of NAME=value.
const plainValue = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@,+-"

// StaleCopy returns the .env.production that has been changed since [EnvPath] was
// copied from it, and when that was; "" where none has. err is not nil where it
// could not be told.
func (s *Site) StaleCopy(ctx context.Context) (changed string, at time.Time, err error) {
	w := s.search()
	mine, err := os.Stat(w.at(siteEnv))
	if err != nil {
		return "", time.Time{}, err
	}
	for _, p := range s.Find(ctx).EnvFiles() {
		theirs, err := os.Stat(filepath.Clean(w.at(p)))
		if err != nil {
			if os.IsNotExist(err) {
				continue
			}
			return "", time.Time{}, err
		}
		if theirs.ModTime().After(mine.ModTime()) {
			return p, theirs.ModTime(), nil
		}
	}
	return "", time.Time{}, nil
}
