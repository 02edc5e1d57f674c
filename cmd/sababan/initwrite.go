package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// write writes the secrets, the copy of Mastodon's settings, and last the
// configuration: what refers to something comes after it.
func (s *setup) write(context.Context) error {
	folder := filepath.Dir(s.flags.config)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("%s cannot be made: %w; run this with sudo", checks.QuoteName(folder), plainCause(err))
	}
	now := time.Now()
	secret := func(name string, value checks.Secret) (string, error) {
		path := filepath.Join(folder, name)
		return path, s.put(path, value.Reveal()+"\n", 0o600, now)
	}
	tokenFile, err := secret("token", s.token)
	if err != nil {
		return err
	}
	fallbackFile := ""
	if !s.fallback.Empty() {
		if fallbackFile, err = secret("fallback", s.fallback); err != nil {
			return err
		}
	}
	if len(s.found.Settings) > 0 {
		if err := s.copySettings(now); err != nil {
			return err
		}
	}
	text := s.configuration(tokenFile, fallbackFile, now)
	if err := s.put(s.flags.config, text, 0o644, now); err != nil {
		return err
	}
	c, err := readyConfig(s.env, s.flags.config)
	if err != nil {
		return fmt.Errorf("the configuration that was just written cannot be used: %w", err)
	}
	c.Site.Close()
	return nil
}

// copySettings writes down what the daemon is to know of Mastodon's settings.
func (s *setup) copySettings(now time.Time) error {
	head := "# Names and addresses out of " + strings.Join(s.found.EnvFiles(), ", ") + ",\n# without a secret; written by \"sababan init\" on " + now.Format(time.DateOnly) + ".\n"
	return s.put(filepath.Join(s.env.root, site.EnvPath), head+site.EnvText(s.found.Settings), 0o644, now)
}

// copyAgain does nothing but that.
func (s *setup) copyAgain(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	if len(s.found.Settings) == 0 {
		return errors.New("--settings: no settings of a Mastodon (.env.production) can be read on this machine; run this with sudo")
	}
	if err := s.copySettings(time.Now()); err != nil {
		return err
	}
	s.say(copiedText())
	return nil
}

// configuration is the text of the file: what was answered, and nothing else.
func (s *setup) configuration(tokenFile, fallbackFile string, now time.Time) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# The configuration of sababan, written by \"sababan init\" on %s.", now.Format(time.DateOnly))
	line("# Every other setting, with its default: config.example.toml, or \"man sababan.toml\".")
	line("# It holds no secret. After a change: systemctl reload sababan\n")
	line("[bot]")
	line("server     = %q  # where the bot's account lives", s.server)
	line("token_file = %q  # or the systemd credential \"token\"", tokenFile)
	line("language   = %q", s.language)
	if s.zone != "" {
		line("timezone   = %q", s.zone)
	}
	for _, a := range s.admins {
		line("\n# Who is told, and may ask.")
		line("[[bot.admin]]\naccount = %q", a.written)
	}
	if fallbackFile != "" {
		line("\n# Another way out, for when the bot's server is down. The address is in the file.")
		line("[[bot.fallback]]\nurl_file = %q", fallbackFile)
	}
	line("\n[server]\ndomain = %q  # the Mastodon that is watched", s.domain)
	return b.String()
}

// put writes a file whole or not at all. What stood there is kept beside it
// under a name with the date.
func (s *setup) put(path, text string, mode fs.FileMode, now time.Time) error {
	cannot := func(err error) error {
		return fmt.Errorf("%s cannot be written: %w; run this with sudo", checks.QuoteName(path), plainCause(err))
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".sababan-")
	if err != nil {
		return cannot(err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(text)
	if uid, gid, ok := daemonIDs(); ok && mode&0o044 == 0 {
		err = errors.Join(err, tmp.Chown(uid, gid))
	}
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return cannot(err)
	}
	aside := ""
	if _, err := os.Lstat(path); err == nil {
		aside = path + "." + now.Format("2006-01-02T150405")
		if err := os.Rename(path, aside); err != nil {
			return cannot(err)
		}
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return cannot(err)
	}
	s.say(wroteText(path, aside))
	return nil
}

// daemonIDs are those of the daemon's system user, where there is one and this
// process may give files away.
func daemonIDs() (uid, gid int, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, err := user.Lookup(site.Role)
	if err != nil {
		return 0, 0, false
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, err1 == nil && err2 == nil
}
