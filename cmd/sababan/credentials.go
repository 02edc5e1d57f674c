package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// credentials is the folder in which systemd keeps secrets for this process.
func (c *Config) credentials() string { return c.getenv("CREDENTIALS_DIRECTORY") }

// credential reads the systemd credential of a name, where there is one.
func (c *Config) credential(name string) (text []byte, found bool, err error) {
	path := site.Credential(c.credentials(), name)
	if path == "" {
		return nil, false, nil
	}
	if open := besideOpen(c.File, name); open != "" {
		return nil, true, errors.New(open)
	}
	text, err = c.secretText(named(name), path)
	return text, true, err
}

// named is what a credential is called in a sentence.
func named(credential string) string { return fmt.Sprintf("the systemd credential %q", credential) }

// tokenCredential is a credential that is a token.
func (c *Config) tokenCredential(name, setting string) (token checks.Secret, found bool, err error) {
	text, found, err := c.credential(name)
	switch {
	case !found:
	case err != nil:
		err = fmt.Errorf("%s: %w", setting, err)
	default:
		token, err = cleanToken(named(name), text)
	}
	return token, found, err
}

// besideOpen says that the file which systemd makes a credential of, beside the
// configuration, can be read by others; "" where it cannot, or is not there.
func besideOpen(config, name string) string {
	path := filepath.Join(filepath.Dir(config), name)
	info, err := os.Stat(path)
	if config == "" || err != nil || info.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("%s can be read by %s; fix it: %s", checks.QuoteName(path), readers(info), checks.Sh("sudo", "chmod", "600", path))
}

// elsewhere takes addresses that may hold passwords from where they need not
// stand in the configuration: the systemd credential of their name comes before
// what is written, the environment after it.
func (l *loader) elsewhere(c *Config) {
	for _, one := range []struct {
		name  string
		where place
		into  *checks.Secret
	}{
		{"database-url", at("server", "database_url"), &l.w.Server.DatabaseURL},
		{"redis-url", at("server", "redis_url"), &l.w.Server.RedisURL},
		{"sidekiq-redis-url", at("server", "sidekiq_redis_url"), &l.w.Server.SidekiqRedisURL},
		{"heartbeat-url", at("bot", "heartbeat_url"), &l.w.Bot.HeartbeatURL},
	} {
		text, found, err := c.credential(one.name)
		switch {
		case err != nil:
			l.add(one.where, "%v", err)
			continue
		case !found && one.into.Empty():
			text = []byte(c.getenv(variable(one.name)))
		}
		if address := strings.TrimSpace(string(text)); address != "" {
			*one.into = checks.NewSecret(address)
			l.lent = append(l.lent, *one.into)
		}
	}
}

// variable is what a secret is called in the environment.
func variable(name string) string {
	return "SABABAN_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Token returns the token of the bot's account: the systemd credential
// "token", else [bot] token_file, else [bot] token, else $SABABAN_TOKEN. It is
// read anew at each call. Its error begins with the setting.
func (c *Config) Token() (checks.Secret, error) {
	if token, found, err := c.tokenCredential("token", "[bot] token_file"); found {
		return token, err
	}
	switch {
	case c.Bot.TokenFile != "":
		return c.secretFile("[bot] token_file", c.Bot.TokenFile)
	case !c.Bot.token.Empty():
		return cleanToken("[bot] token", []byte(c.Bot.token.Reveal()))
	}
	if words := c.getenv(variable("token")); words != "" {
		return cleanToken(variable("token"), []byte(words))
	}
	return checks.Secret{}, errors.New(`[bot] token_file: is missing; write the file that holds the token of the bot's account, for example token_file = "/etc/sababan/token"`)
}

// lendToken lets the checks use a token of the watched server: the systemd
// credential "server-token", that of a file, that of the environment, or the
// bot's own where it lives there.
func (c *Config) lendToken(file string) {
	words := c.getenv(variable("server-token"))
	switch home, err := url.Parse(c.Bot.Server); {
	case site.Credential(c.credentials(), "server-token") != "":
		c.Site.Lend(func() (checks.Secret, error) {
			token, _, err := c.tokenCredential("server-token", "[server] token_file")
			return token, err
		})
	case file != "":
		c.Site.Lend(func() (checks.Secret, error) { return c.secretFile("[server] token_file", c.Site.SecretFile(file)) })
	case words != "":
		c.Site.Lend(func() (checks.Secret, error) { return cleanToken(variable("server-token"), []byte(words)) })
	case err == nil && c.Site.Domain != "" && strings.EqualFold(home.Hostname(), c.Site.Domain):
		c.Site.Lend(c.Token)
	}
}
