package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/sababan/sababan/checks"
)

// tokenConfig is a configuration with a token file.
func tokenConfig(path string, env map[string]string) *Config {
	return &Config{Bot: BotConfig{TokenFile: path}, getenv: func(name string) string { return env[name] }}
}

func writeSecret(t *testing.T, words string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "to ken")
	if err := os.WriteFile(path, []byte(words), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheTokenComesFromTheFirstPlaceThatHasOne(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("of-systemd\n"), 0o440); err != nil {
		t.Fatal(err)
	}
	file := writeSecret(t, "\uFEFFof-the-file\r\n", 0o600)
	for _, c := range []struct {
		situation   string
		file, token string
		env         map[string]string
		want        string
	}{
		{"the credential of systemd, though its group may read it", file, "written", map[string]string{"CREDENTIALS_DIRECTORY": dir, "SABABAN_TOKEN": "of-env"}, "of-systemd"},
		{"the file, where systemd has none", file, "written", map[string]string{"CREDENTIALS_DIRECTORY": t.TempDir(), "SABABAN_TOKEN": "of-env"}, "of-the-file"},
		{"a file in the folder of the credentials", filepath.Join(dir, "token"), "", map[string]string{"CREDENTIALS_DIRECTORY": dir + "/"}, "of-systemd"},
		{"what is written", "", "written", map[string]string{"SABABAN_TOKEN": "of-env"}, "written"},
		{"the environment", "", "", map[string]string{"SABABAN_TOKEN": " of-env\n"}, "of-env"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			config := tokenConfig(c.file, c.env)
			config.Bot.token = checks.NewSecret(c.token)
			got, err := config.Token()
			if err != nil || got.Reveal() != c.want {
				t.Errorf("%q, %v", got.Reveal(), err)
			}
		})
	}
}

func TestATokenFileThatCannotBeUsedIsAClearSentence(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	file := func(words string, mode os.FileMode) string { return writeSecret(t, words, mode) }
	for _, c := range []struct{ situation, path, want string }{
		{"none", "/nowhere/token", "[bot] token_file: /nowhere/token does not exist"},
		{"a folder", os.TempDir(), "[bot] token_file: " + os.TempDir() + " is a folder, not a file"},
		{"a pipe that would be waited for", pipe, "[bot] token_file: " + pipe + " is not an ordinary file"},
		{"readable by everybody", file("x", 0o644), "[bot] token_file: PATH can be read by every user of this machine; fix it: chmod 600 'PATH'"},
		{"readable by the group", file("x", 0o640), "[bot] token_file: PATH can be read by its group; fix it: chmod 600 'PATH'"},
		{"empty", file(" \n\n", 0o600), "[bot] token_file: PATH is empty; put the token of the bot's account there"},
		{"two lines", file("a\nb\n", 0o600), "[bot] token_file: PATH has more than one line; only the token should stand there"},
		{"two words", file("Bearer abc", 0o600), "[bot] token_file: PATH is not a token: one word of letters and digits"},
		{"no text", file("\x7fELF\x02\x01", 0o600), "[bot] token_file: PATH is not a token: one word of letters and digits"},
		{"no text of ours", file("\xff\xfe\x00t", 0o600), "[bot] token_file: PATH is not a token: one word of letters and digits"},
		{"too large", file(strings.Repeat("a", 5000), 0o600), "[bot] token_file: PATH is too large: more than 4 kB"},
	} {
		t.Run(c.situation, func(t *testing.T) {
			_, err := tokenConfig(c.path, nil).Token()
			if err == nil {
				t.Fatal("was taken")
			}
			if want := strings.ReplaceAll(c.want, "PATH", c.path); err.Error() != want {
				t.Errorf("\n got %s\nwant %s", err, want)
			}
		})
	}
}

func TestAFileIsClosedToAllButTheOneWhoReadsIt(t *testing.T) {
	for _, c := range []struct {
		situation   string
		owner, self int
		want        string
	}{
		{"by its owner", 990, 990, "chmod 600 /etc/token"},
		{"by the superuser, who may read everything", 990, 0, "chmod 600 /etc/token"},
		{"by one who reads it through a group, as its new owner", 0, 990, "sudo chown sababan /etc/token && sudo chmod 600 /etc/token"},
	} {
		if got := closing("/etc/token", c.owner, c.self, "sababan"); got != c.want {
			t.Errorf("%s: %s", c.situation, got)
		}
	}
}

func TestAnUnreadableFileNamesTheGrant(t *testing.T) {
	// The superuser reads everything; whoever else this test runs as does not.
	ordinary := func(f func() error) error { return f() }
	if os.Getuid() == 0 {
		ordinary = asNobody
	}
	dir := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := ordinary(func() error {
		_, err := tokenConfig(filepath.Join(dir, "token"), nil).Token()
		if err == nil || !strings.HasSuffix(err.Error(), fmt.Sprintf("may not be looked at by %s: a folder above it is closed; grant it: %s",
			whoami(), checks.Sh("sudo", "setfacl", "-m", "u:"+whoami()+":x", dir))) {
			return fmt.Errorf("%v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	// Every machine has one file that only the superuser may read.
	path := map[bool]string{true: "/etc/shadow", false: "/etc/master.passwd"}[runtime.GOOS == "linux"]
	if err := ordinary(func() error {
		_, err := tokenConfig(path, nil).Token()
		want := fmt.Sprintf("[bot] token_file: %s may not be read by %s; grant it: sudo chown %[2]s %[1]s", path, whoami())
		if err == nil || err.Error() != want {
			return fmt.Errorf("%v, want %s", err, want)
		}
		// A configuration is its owner's: whoever only wants to look once must
		// not be told to take it over.
		_, err = loadConfig(path, testKinds(), func(string) string { return "" })
		want = fmt.Sprintf("%s may not be read by %s; run this as the user who may, or with sudo", path, whoami())
		if err == nil || err.Error() != want {
			return fmt.Errorf("%v, want %s", err, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestAConfigurationWithASecretIsNotReadByOthers(t *testing.T) {
	for _, c := range []struct {
		situation, text string
		mode            os.FileMode
		want            []string // the settings that are named
	}{
		{"a token, readable by everybody", "[bot]\ntoken = 'x'", 0o644, []string{"[bot] token"}},
		{"a token, readable by the group", "[bot]\ntoken = 'x'", 0o640, []string{"[bot] token"}},
		{"a token, for the owner alone", "[bot]\ntoken = 'x'", 0o600, nil},
		{"a password in an address", "[server]\ndatabase_url = 'postgres://sababan:pw@db/mastodon'", 0o644, []string{"[server] database_url"}},
		{"a password in a list of settings", "[server]\ndatabase_url = 'postgres://db/mastodon?user=sababan&password=pw'", 0o644, []string{"[server] database_url"}},
		{"a password without a user", "[server]\nredis_url = 'redis://:pw@db'\nsidekiq_redis_url = 'redis://db'", 0o644, []string{"[server] redis_url"}},
		{"no password, only a user", "[server]\ndatabase_url = 'postgres://sababan@/mastodon?host=/run/postgresql'", 0o644, nil},
		{"a fallback whose address is the secret", "[[bot.fallback]]\nurl = 'discord://123/abc'", 0o644, []string{"[[bot.fallback]] url"}},
		{"a fallback with a password", "[[bot.fallback]]\nurl = 'smtp://me:pw@mail.example?to=me@mail.example'", 0o644, []string{"[[bot.fallback]] url"}},
		{"the state's", "[state]\nurl = 'postgres://a:b@c/d'", 0o644, []string{"[state] url"}},
		{"a token's file, which is no secret", "[bot]\ntoken_file = '/etc/sababan/token'", 0o644, nil},
		{"nothing secret", "", 0o666, nil},
	} {
		t.Run(c.situation, func(t *testing.T) {
			path := writeConfig(t, c.text)
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := loadConfig(path, testKinds(), func(string) string { return "" })
			if (err != nil) != (len(c.want) > 0) {
				t.Fatal(err)
			}
			if err == nil {
				return
			}
			lines := strings.Split(err.Error(), "\n")[1:]
			if len(lines) != len(c.want) {
				t.Fatal(err)
			}
			for i, line := range lines {
				if !strings.HasPrefix(line, c.want[i]+": stands in a file that can be read by ") || !strings.Contains(line, "chmod 600 "+path) {
					t.Error(line)
				}
			}
			if strings.Contains(err.Error(), ":pw") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

func TestAConfigurationThatCannotBeRead(t *testing.T) {
	none := func(string) string { return "" }
	big := writeConfig(t, strings.Repeat("# nothing\n", 120_000))
	for path, want := range map[string]string{
		"/nowhere/config.toml": "/nowhere/config.toml does not exist",
		os.TempDir():           os.TempDir() + " is a folder, not a file",
		big:                    big + " is too large: more than 1 MB",
		"/dev/zero":            "/dev/zero is not an ordinary file",
	} {
		if _, err := loadConfig(path, testKinds(), none); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
