package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks/site"
)

// lent is a folder of systemd's credentials, and the environment that names it.
func lent(t *testing.T, credentials map[string]string, env map[string]string) (dir string, getenv func(string) string) {
	t.Helper()
	dir = t.TempDir()
	for name, words := range credentials {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(words), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func(name string) string {
		if name == "CREDENTIALS_DIRECTORY" {
			return dir
		}
		return env[name]
	}
}

func TestABlankCredentialStandsForNone(t *testing.T) {
	_, getenv := lent(t, map[string]string{"token": "\n", "database-url": " \n"}, nil)
	c := tokenConfig(writeSecret(t, "of-the-file", 0o600), nil)
	c.getenv = getenv
	if token, err := c.Token(); err != nil || token.Reveal() != "of-the-file" {
		t.Errorf("%q, %v", token.Reveal(), err)
	}
}

func TestAddressesComeFromTheFirstPlaceThatHasOne(t *testing.T) {
	const written = "[server]\ndatabase_url = 'postgres://written/m'\n"
	env := map[string]string{"SABABAN_DATABASE_URL": "postgres://of-env/m", "SABABAN_REDIS_URL": "redis://of-env", "SABABAN_HEARTBEAT_URL": "https://of-env/x"}
	for _, c := range []struct {
		situation, text string
		credentials     map[string]string
		database, redis string
	}{
		{"systemd's credential", written, map[string]string{"database-url": "postgres://of-systemd/m\n", "redis-url": "\n"}, "postgres://of-systemd/m", "redis://of-env"},
		{"what is written", written, nil, "postgres://written/m", "redis://of-env"},
		{"the environment", "", nil, "postgres://of-env/m", "redis://of-env"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			_, getenv := lent(t, c.credentials, env)
			var got site.Config
			config, err := loadConfig(writeConfig(t, c.text), testKinds(), getenv, func(s *site.Config) { got = *s })
			if err != nil {
				t.Fatal(err)
			}
			if got.DatabaseURL.Reveal() != c.database || got.RedisURL.Reveal() != c.redis || config.Bot.HeartbeatURL.Reveal() != "https://of-env/x" {
				t.Errorf("%q, %q, %q", got.DatabaseURL.Reveal(), got.RedisURL.Reveal(), config.Bot.HeartbeatURL.Reveal())
			}
		})
	}
}

func TestACredentialMadeOfAFileThatOthersMayReadIsRefused(t *testing.T) {
	_, getenv := lent(t, map[string]string{"token": "of-systemd", "database-url": "postgres://a:hunter2@b/c"}, nil)
	config := writeConfig(t, "")
	beside := func(name string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(filepath.Dir(config), name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := beside("token", 0o644)
	c, err := loadConfig(config, testKinds(), getenv)
	if err != nil {
		t.Fatal(err)
	}
	want := "[bot] token_file: " + token + " can be read by every user of this machine; fix it: sudo chmod 600 " + token
	if _, err := c.Token(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	beside("token", 0o600)
	if got, err := c.Token(); err != nil || got.Reveal() != "of-systemd" {
		t.Error(err)
	}
	address := beside("database-url", 0o640)
	want = "[server] database_url: " + address + " can be read by its group; fix it: sudo chmod 600 " + address
	if _, err := loadConfig(config, testKinds(), getenv); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAWrongAddressOfACredentialIsNeverShown(t *testing.T) {
	for _, address := range []string{"postgres://me:hunter2@db:bad/m", "hunter2", "mysql://me:hunter2@db/m", "postgres://me:hunter2@db/m\nmore"} {
		_, getenv := lent(t, map[string]string{"database-url": address, "redis-url": address, "heartbeat-url": address}, nil)
		_, err := loadConfig(writeConfig(t, ""), testKinds(), getenv)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

func TestATokenOfTheWatchedServerComesFromTheFirstPlaceThatHasOne(t *testing.T) {
	file := writeSecret(t, "of-the-file", 0o600)
	env := map[string]string{"SABABAN_SERVER_TOKEN": "of-env", "SABABAN_TOKEN": "the-bots-own"}
	for _, c := range []struct {
		situation, text string
		credentials     map[string]string
		want            string
	}{
		{"systemd's credential", "[server]\ntoken_file = '" + file + "'", map[string]string{"server-token": "of-systemd\n"}, "of-systemd"},
		{"the credential that is called as the file", "[server]\ntoken_file = '" + file + "'", map[string]string{filepath.Base(file): "as-the-file\n"}, "as-the-file"},
		{"the file", "[server]\ntoken_file = '" + file + "'", map[string]string{"server-token": "\n"}, "of-the-file"},
		{"the environment", "", nil, "of-env"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			_, getenv := lent(t, c.credentials, env)
			config, err := loadConfig(writeConfig(t, c.text), testKinds(), getenv)
			if err != nil {
				t.Fatal(err)
			}
			if token, err := config.Site.Token(t.Context()); err != nil || token.Reveal() != c.want {
				t.Errorf("%q, %v", token.Reveal(), err)
			}
		})
	}
}

func TestAnotherWayOutComesFromTheFirstPlaceThatHasOne(t *testing.T) {
	file := writeSecret(t, "https://of-the-file.example/x", 0o600)
	name := filepath.Base(file)
	for _, c := range []struct {
		situation   string
		credentials map[string]string
		want        string
	}{
		{"the credential that is called as the file", map[string]string{name: "https://of-systemd.example/x\n"}, "https://of-systemd.example/x"},
		{"the file, for the credential is blank", map[string]string{name: "\n"}, "https://of-the-file.example/x"},
		{"the file", nil, "https://of-the-file.example/x"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			_, getenv := lent(t, c.credentials, nil)
			config, err := loadConfig(writeConfig(t, "[[bot.fallback]]\nurl_file = '"+file+"'"), testKinds(), getenv)
			if err != nil {
				t.Fatal(err)
			}
			if err := config.openFallbacks(); err != nil || len(config.Bot.Fallbacks) != 1 || config.Bot.Fallbacks[0].Reveal() != c.want {
				t.Errorf("%v, %v", err, config.Bot.Fallbacks)
			}
		})
	}
}

func TestAnAddressOfAnotherWayOutThatIsNoneIsSaidAsThat(t *testing.T) {
	for text, want := range map[string]string{
		"hunter2":                  `should be an address such as "mailto:me@example.com"`,
		"":                         `should be an address such as "mailto:me@example.com"`,
		"gopher://me:hunter2@host": `"gopher" is no scheme that is known`,
	} {
		file := writeSecret(t, text, 0o600)
		_, getenv := lent(t, nil, nil)
		config, err := loadConfig(writeConfig(t, "[[bot.fallback]]\nurl_file = '"+file+"'"), testKinds(), getenv)
		if err != nil {
			t.Fatal(err)
		}
		err = config.openFallbacks()
		if err == nil || !strings.HasPrefix(err.Error(), "[[bot.fallback]] url_file: "+file+": "+want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
