package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/sababan/sababan/bot/fallback"
	"github.com/sababan/sababan/checks"
)

// tokenLimit bounds a file that should hold one token; the longest known are
// JSON web tokens (own).
const tokenLimit = 4096

// readConfig reads the text of a configuration; without a path there is none.
func readConfig(path string) (string, fs.FileInfo, error) {
	if path == "" {
		return "", nil, nil
	}
	text, info, err := readWhole(path, configLimit, func(string) string {
		return "run this as the user who may, or with sudo"
	})
	if err != nil {
		return "", nil, fmt.Errorf("%s %w", checks.QuoteName(path), err)
	}
	return string(text), info, nil
}

// readWhole reads a file of a bounded size. Its error continues a sentence
// that begins with the file's name; where the file, or a folder above it, is
// closed to this process, it ends in what mend says of it.
func readWhole(path string, limit int64, mend func(closedFolder string) string) ([]byte, fs.FileInfo, error) {
	// Asked before opening: opening a pipe waits for a writer.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, errors.New("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("may not be looked at by %s: a folder above it is closed; %s", whoami(), mend(filepath.Dir(path)))
	case err != nil:
		return nil, nil, fmt.Errorf("cannot be looked at: %w", plainCause(err))
	case info.IsDir():
		return nil, nil, errors.New("is a folder, not a file")
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("is not an ordinary file")
	}
	f, err := checks.OpenFile(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, fmt.Errorf("may not be read by %s; %s", whoami(), mend(""))
	case err != nil:
		return nil, nil, fmt.Errorf("cannot be opened: %w", plainCause(err))
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, nil, fmt.Errorf("cannot be looked at: %w", plainCause(err))
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("cannot be read: %w", plainCause(err))
	case int64(len(text)) > limit:
		return nil, nil, fmt.Errorf("is too large: more than %s", checks.Size(float64(limit)).En)
	}
	return text, info, nil
}

// plainCause is an error of the file system without the path, which the
// sentence has already named.
func plainCause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// whoami is the name of the user that this process runs as.
func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// openToOthers says who else may read a file that holds a secret, and the
// commands that end it; "" where nobody may.
func openToOthers(path string, info fs.FileInfo) string {
	if info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	owner := os.Getuid()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	return fmt.Sprintf("can be read by %s; fix it: %s", readers(info), closing(path, owner, os.Getuid(), whoami()))
}

// readers are those whom a file is open to, besides its owner.
func readers(info fs.FileInfo) string {
	if info.Mode().Perm()&0o007 != 0 {
		return "every user of this machine"
	}
	return "its group"
}

// closing are the commands that close a file to all but the user self, whose
// name is given.
func closing(path string, owner, self int, name string) string {
	if self == 0 || owner == self {
		return checks.Sh("chmod", "600", path).String()
	}
	// Closed to all but its owner, it would be closed to this process, too.
	return checks.Sh("sudo", "chown", name, path).String() + " && " + checks.Sh("sudo", "chmod", "600", path).String()
}

// keepsSecrets notes a configuration that holds a secret while others may read it.
func (l *loader) keepsSecrets(path string, info fs.FileInfo) {
	open := openToOthers(path, info)
	if open == "" {
		return
	}
	for _, s := range l.heldSecrets() {
		l.add(s, "stands in a file that %s (or put it into a file of its own)", open)
	}
}

// heldSecrets are the places of the secrets that the configuration itself holds.
func (l *loader) heldSecrets() []place {
	var found []place
	if !l.w.Bot.Token.Empty() {
		found = append(found, at("bot", "token"))
	}
	for _, one := range []struct {
		where place
		value checks.Secret
	}{
		{at("server", "database_url"), l.w.Server.DatabaseURL},
		{at("server", "redis_url"), l.w.Server.RedisURL},
		{at("server", "sidekiq_redis_url"), l.w.Server.SidekiqRedisURL},
		{at("state", "url"), l.w.State.URL},
		{at("bot", "heartbeat_url"), l.w.Bot.HeartbeatURL},
	} {
		if holdsPassword(one.value) {
			found = append(found, one.where)
		}
	}
	for i, f := range l.w.Bot.Fallbacks {
		if holdsPassword(f.URL) || fallback.Secret(f.URL) {
			found = append(found, at("bot", "fallback").nth(i+1).child("url"))
		}
	}
	return found
}

var passwordWord = regexp.MustCompile(`(?i)(^|[\s?&;])(password|passwd|pass|token|secret)\s*=\s*[^\s&]`)

// holdsPassword tells whether an address holds a password.
func holdsPassword(s checks.Secret) bool {
	words := s.Reveal()
	if u, err := url.Parse(words); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			return true
		}
	}
	return passwordWord.MatchString(words)
}

var secretKey = regexp.MustCompile(`(?i)(token|password|passwd|secret|url|key)$`)

// secrets are the words in a configuration that no sentence may hold, wherever
// they were put: all that stands under a name of a secret.
func (l *loader) secrets(raw map[string]any) []string {
	var found []string
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch t := v.(type) {
		case string:
			if secretKey.MatchString(name) {
				found = append(found, t)
			}
		case []any:
			for _, one := range t {
				walk(name, one)
			}
		case map[string]any:
			for n, one := range t {
				walk(n, one)
			}
		case []map[string]any:
			for _, one := range t {
				walk(name, one)
			}
		}
	}
	walk("", raw)
	for _, one := range l.lent {
		found = append(found, one.Reveal())
	}
	return found
}

// secretFile reads a file that holds one token and that nobody else may read.
func (c *Config) secretFile(setting, path string) (checks.Secret, error) {
	text, err := c.secretText(setting, path)
	if err != nil {
		return checks.Secret{}, err
	}
	return cleanToken(setting+": "+checks.QuoteName(path), text)
}

// secretText reads a file that nobody else may read.
func (c *Config) secretText(setting, path string) ([]byte, error) {
	text, info, err := readWhole(path, tokenLimit, func(closedFolder string) string {
		if closedFolder != "" {
			return "grant it: " + checks.Sh("sudo", "setfacl", "-m", "u:"+whoami()+":x", closedFolder).String()
		}
		return "grant it: " + checks.Sh("sudo", "chown", whoami(), path).String()
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %s %w", setting, checks.QuoteName(path), err)
	}
	// systemd guards its credentials by the folder, and lets the group read them.
	if !c.isCredential(path) {
		if open := openToOthers(path, info); open != "" {
			return nil, fmt.Errorf("%s: %s %s", setting, checks.QuoteName(path), open)
		}
	}
	return text, nil
}

func (c *Config) isCredential(path string) bool {
	dir := c.getenv("CREDENTIALS_DIRECTORY")
	return dir != "" && filepath.Dir(filepath.Clean(path)) == filepath.Clean(dir)
}

// cleanToken takes the token out of what was read. Its error never shows it.
func cleanToken(where string, text []byte) (checks.Secret, error) {
	words := string(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\uFEFF"))))
	switch {
	case words == "":
		return checks.Secret{}, fmt.Errorf("%s is empty; put the token of the bot's account there", where)
	case strings.ContainsAny(words, "\r\n"):
		return checks.Secret{}, fmt.Errorf("%s has more than one line; only the token should stand there", where)
	case !utf8.ValidString(words) || strings.ContainsFunc(words, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }):
		return checks.Secret{}, fmt.Errorf("%s is not a token: one word of letters and digits", where)
	}
	return checks.NewSecret(words), nil
}

// NeedBot returns nil when everything is there that the bot needs to speak,
// else everything that is missing or wrong, each with an example.
func (c *Config) NeedBot() error {
	bad := &badConfig{file: c.File}
	if c.Bot.Server == "" {
		bad.lines = append(bad.lines, `[bot] server: is missing; write where the bot's own account lives, for example server = "https://mastodon.example"`)
	}
	if _, err := c.Token(); err != nil {
		bad.lines = append(bad.lines, err.Error())
	}
	if len(c.Bot.Admins) == 0 {
		bad.lines = append(bad.lines, `[[bot.admin]] account: is missing; write who is told and may ask, for example account = "admin@example.social"`)
	}
	if len(bad.lines) == 0 {
		return nil
	}
	return bad
}
