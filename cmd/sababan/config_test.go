package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// writeConfig writes a configuration that nobody else may read.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, kinds ...string) (*Config, error) {
	t.Helper()
	return loadConfig(writeConfig(t, text), testKinds(kinds...), func(string) string { return "" })
}

// wrong returns the lines of what is wrong with a configuration.
func wrong(t *testing.T, text string, kinds ...string) []string {
	t.Helper()
	_, err := load(t, text, kinds...)
	var bad *badConfig
	if err != nil && !errors.As(err, &bad) {
		t.Fatalf("not a *badConfig: %v", err)
	}
	if bad == nil {
		return nil
	}
	return bad.lines
}

// The token that tests put in every wrong place.
const aToken = "3v9QpZ-x0yKd_7Lm2RfWc8TbNsJhGuVeXoPiAqZ1Mt4"

func TestEachMistakeIsOneClearSentence(t *testing.T) {
	for _, c := range []struct{ situation, text, want string }{
		// Names of tables and keys.
		{"an unknown table offers the nearest", "[bott]\nserver = 'x'", `bott: is not a known table; did you mean "bot"? (line 1)`},
		{"an unknown key offers the nearest", "[bot]\nsrever = 'https://m.example'", `[bot] srever: is not a known key; did you mean "server"? (line 2)`},
		{"an unknown key that is near nothing lists what there is", "[state]\nfolder = '/'", `[state] folder: is not a known key; there are: path, url (line 2)`},
		{"a key in capitals", "[bot]\nServer = 'https://m.example'", `[bot] Server: is not a known key: keys are written in small letters, "server" (line 2)`},
		{"two keys that differ in case only", "[bot]\nserver = 'https://m.example'\nSERVER = 'https://n.example'", `[bot] SERVER: is not a known key: keys are written in small letters, "server" (line 3)`},
		{"a key twice", "[bot]\nserver = 'https://m.example'\nserver = 'https://n.example'", `[bot] server: stands there a second time in line 3; each key and table may stand once`},
		{"a table twice", "[bot]\n[state]\n[bot]", `[bot]: stands there a second time in line 3; each key and table may stand once`},
		{"an unknown check offers the nearest", "[checks.fien]\nenabled = false", `[checks.fien]: there is no such check; did you mean [checks.fine]? (line 1)`},
		{"a check by a word of people", "[checks.storage]", `[checks.storage]: there is no such check; did you mean [checks.fine]? (line 1)`},
		{"a check that is near nothing lists what there is", "[checks.zzzzz]", `[checks.zzzzz]: there is no such check; there are: fine, needy (line 1)`},
		{"an unknown key of a check", "[checks.fine]\nwarning_percemt = 80", `[checks.fine] warning_percemt: is not a known key; did you mean "warning_percent"? (line 2)`},
		{"a key that every check has", "[checks.fine]\ncorn = '* * * * *'", `[checks.fine] corn: is not a known key; did you mean "cron"? (line 2)`},
		{"an unknown key of a check that is not set up", "[checks.needy]\nwarning = 80", `[checks.needy] warning: is not a known key; there are: cron, enabled, every, ignore, source, timeout, warning_percent (line 2)`},
		{"an unknown key in a list of tables", "[[bot.admin]]\naccount = 'a'\n[[bot.admin]]\naccount = 'b'\nhear = 'all'", `[[bot.admin]] hear: is not a known key; did you mean "hears"? (line 5)`},
		{"a key that stands under the wrong table's end", "[checks.fine]\n[[checks.fine.source]]\nkep = 3", `[[checks.fine.source]] kep: is not a known key; did you mean "keep"? (line 3)`},

		// Types, said in words.
		{"a number for text", "[bot]\nserver = 5", `[bot] server: is a number, should be text in quotes (line 2)`},
		{"text for true", "offline = 'yes'", `offline: is text, should be true or false, without quotes (line 1)`},
		{"text for a number", "[checks.fine]\nwarning_percent = '85'", `[checks.fine] warning_percent: is text, should be a number, without quotes (line 2)`},
		{"text for a whole number", "[[checks.fine.source]]\nkeep = '3'", `[[checks.fine.source]] keep: is text, should be a whole number, without quotes (line 2)`},
		{"text for a list", "[[bot.admin]]\naccount = 'a'\ntopics = 'all'", `[[bot.admin]] topics: is text, should be a list, for example ["a", "b"] (line 3)`},
		{"a number in a list of text", "[[bot.admin]]\naccount = 'a'\ntopics = [1]", `[[bot.admin]] topics: is a number, should be text in quotes (line 3)`},
		{"a value for a table", "bot = 'https://m.example'", `bot: is text, should be a table, headed [bot] (line 1)`},
		{"one table where several may stand", "[bot.admin]\naccount = 'a'", `[bot] admin: is a table, should be one table or more, each headed [[bot.admin]] (line 1)`},
		{"several tables where one may stand", "[[bot]]\nserver = 'https://m.example'", `bot: is several tables, should be a table, headed [bot] (line 1)`},
		{"a value for a check", "[checks]\nfine = false", `[checks] fine: is true or false, should be a table, headed [checks.fine] (line 2)`},
		{"a value for all checks", "checks = 5", `checks: is a number, should be a table, headed [checks] (line 1)`},
		{"a bare number for a duration", "[checks.fine]\nevery = 5", `[checks.fine] every: is a bare number; write it in quotes with a unit, "5s", "5m", "5h" or "5d" (line 2)`},
		{"a bare number for a time-out", "[checks.fine]\ntimeout = 1.5", `[checks.fine] timeout: is a bare number; write it in quotes with a unit, for example "90s", "5m", "3d" or "2w" (line 2)`},
		{"a number in quotes for a duration", "[checks.fine]\nevery = '5'", `[checks.fine] every: 5 has no unit; write "5s" or "5m" (line 2)`},
		{"a duration that is none", "[checks.fine]\nevery = 'often'", `[checks.fine] every: "often" is not a duration; write for example "90s", "5m", "3d" or "2w" (line 2)`},
		{"a list for a duration", "[checks.fine]\nevery = []", `[checks.fine] every: is a list, should be a duration in quotes, for example "90s", "5m", "3d" or "2w" (line 2)`},
		{"no finite number", "[checks.fine]\nwarning_percent = nan", `[checks.fine] warning_percent: has no finite value (line 2)`},

		// Values.
		{"a server without scheme", "[bot]\nserver = 'm.example'", `[bot] server: "m.example" has no scheme; write "https://m.example" (line 2)`},
		{"a server in the clear", "[bot]\nserver = 'http://m.example'", `[bot] server: "http://m.example" would send the token in the clear; write "https://m.example" (line 2)`},
		{"a page instead of a server", "[bot]\nserver = 'https://m.example/@bot'", `[bot] server: "https://m.example/@bot" is an address of a page; write only the server, "https://m.example" (line 2)`},
		{"a server of another sort", "[bot]\nserver = 'ftp://m.example'", `[bot] server: "ftp://m.example" should begin with https:// (line 2)`},
		{"a server that is none", "[bot]\nserver = 'my server'", `[bot] server: is not an address such as "https://mastodon.example" (line 2)`},
		{"a language that is not spoken", "[bot]\nlanguage = 'fr'", `[bot] language: "fr" is not a language that is spoken here; write "en" or "ja" (line 2)`},
		{"a zone by its letters", "[bot]\ntimezone = 'JST'", `[bot] timezone: there is no time zone "JST"; write for example "Asia/Tokyo" or "Europe/Berlin" (line 2)`},
		{"a token file by a short path", "[bot]\ntoken_file = 'token'", `[bot] token_file: "token" should be a whole path, for example "/etc/sababan/token" (line 2)`},
		{"a heartbeat that is no address", "[bot]\nheartbeat_url = 'abc'", `[bot] heartbeat_url: should be an address that begins with https:// (line 2)`},
		{"a fallback that is no address", "[[bot.fallback]]\nurl = 'abc'", `[[bot.fallback]] url: should be an address such as "mailto:me@example.com" or "https://…" (line 2)`},
		{"an admin without account", "[[bot.admin]]\nhears = 'all'", `[[bot.admin]] account: is missing; write for example "admin@example.social", or "admin" on the bot's own server (line 1)`},
		{"an account that is none", "[[bot.admin]]\naccount = 'a b@c'", `[[bot.admin]] account: "a b@c" is not an account; write for example "admin@example.social", or "admin" on the bot's own server (line 2)`},
		{"an account by its page", "[[bot.admin]]\naccount = 'https://m.example/@alice'", `[[bot.admin]] account: "https://m.example/@alice" is an address of a page; write "alice@m.example" (line 2)`},
		{"an account twice", "[[bot.admin]]\naccount = 'a@m.example'\n[[bot.admin]]\naccount = '@a@M.example'", `[[bot.admin]] account: "a@m.example" stands there twice (line 4)`},
		{"hears what there is not", "[[bot.admin]]\naccount = 'a'\nhears = 'critcal'", `[[bot.admin]] hears: "critcal" is not known; did you mean "critical"? (line 3)`},
		{"a topic that is no check", "[[bot.admin]]\naccount = 'a'\ntopics = ['fien']", `[[bot.admin]] topics: there is no check "fien"; did you mean "fine"? (line 3)`},
		{"no topic", "[[bot.admin]]\naccount = 'a'\ntopics = []", `[[bot.admin]] topics: is empty, so nothing would be heard; write ["all"] or names of checks (line 3)`},
		{"quiet hours that are none", "[[bot.admin]]\naccount = 'a'\nquiet = '23-7'", `[[bot.admin]] quiet: "23" is not a time of day; write for example "08:00" (line 3)`},
		{"quiet hours without length", "[[bot.admin]]\naccount = 'a'\nquiet = '07:00-7:00'", `[[bot.admin]] quiet: "07:00-7:00" is no time at all, or all of it; write for example "23:00-07:00", or "none" (line 3)`},
		{"a morning that does not exist", "[[bot.admin]]\naccount = 'a'\nmorning = '24:00'", `[[bot.admin]] morning: "24:00" is not a time of day; write for example "08:00" (line 3)`},
		{"a domain with its scheme", "[server]\ndomain = 'https://m.example'", `[server] domain: "https://m.example" is an address of a page; write only the name, "m.example" (line 2)`},
		{"a state by a short path", "[state]\npath = 'state.db'", `[state] path: "state.db" should be a whole path, for example "/var/lib/sababan/state.db" (line 2)`},
		{"a state in a folder", "[state]\npath = '/var/lib/'", `[state] path: "/var/lib/" is a folder; name a file in it, for example "/var/lib/sababan/state.db" (line 2)`},
		{"metrics nowhere", "[metrics]\nlisten = '9810'", `[metrics] listen: "9810" is not host:port, for example "127.0.0.1:9810" (line 2)`},
		{"a host's name of two lines", "[host]\nname = \"a\\nb\"", `[host] name: should be one short line, for example "web1" (line 2)`},
		{"a summary for nobody", "[summary]\nvisibility = 'publik'", `[summary] visibility: "publik" is not known; did you mean "public"? (line 2)`},
		{"a time-out that ends before it begins", "[checks.fine]\ntimeout = '0s'", `[checks.fine] timeout: "0s" should be between "1s" and "1h" (line 2)`},
		{"a setting that the check itself refuses", "[checks.fine]\nwarning_percent = 120", `[checks.fine] warning_percent: 120 is not between 0 and 100 (line 2)`},

		// Syntax, with its place and without its line.
		{"text without quotes", "[bot]\nserver = https://m.example", `line 2, column 10: a value is expected after the =; text stands in quotes`},
		{"text that is not closed", "[bot]\ntoken = \"abc\nserver = 'x'", `line 2, column 13: a text is not closed with its quotation mark on its line`},
		{"text that never ends", "[bot]\ntoken = '''abc", `line 2, column 14: a text is not closed with its quotation mark`},
		{"a table that is not closed", "[bot\nserver = 'x'", `line 1, column 5: the name of a table is not closed with ]`},
		{"brackets within brackets", "a = " + strings.Repeat("[", 100), `brackets nest deeper than 32, or a key has more than 16 parts; no configuration needs that`},
		{"a key of very many parts", strings.Repeat("a.", 100) + "a = 1", `brackets nest deeper than 32, or a key has more than 16 parts; no configuration needs that`},
		{"a key of very many parts in a table of one line", "a = {" + strings.Repeat("a.", 100) + "a = 1}", `brackets nest deeper than 32, or a key has more than 16 parts; no configuration needs that`},
		{"no text at all", "\x00\x01", `line 1, column 1: the text is not UTF-8 (there are NUL bytes)`},
	} {
		t.Run(c.situation, func(t *testing.T) {
			if diff := cmp.Diff([]string{c.want}, wrong(t, c.text, "fine", "needy")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCronMistakesNameTheSetting(t *testing.T) {
	for _, text := range []string{
		"[checks.fine]\ncron = 'every day'", "[checks.fine]\ncron = '0 0 30 2 *'", "[checks.fine]\ncron = 'TZ='", "[checks.fine]\ncron = ''",
	} {
		got := wrong(t, text, "fine")
		if len(got) != 1 || !strings.HasPrefix(got[0], "[checks.fine] cron: ") || strings.Contains(got[0], "cron: cron") {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := wrong(t, "[summary]\ncron = 'x'"); len(got) != 1 || !strings.HasPrefix(got[0], "[summary] cron: ") {
		t.Errorf("%q", got)
	}
}

func TestAllMistakesAreToldAtOnceInTheOrderOfTheFile(t *testing.T) {
	got := wrong(t, `# a comment
[checks.fine]
warning_percent = "x" # [bot]
every = 5

[bot]
server = 5
colour = """
[state]
"""
[[bot.admin]]
account = "a"
[[bot.admin]]
account = "?"
`, "fine")
	want := []string{
		`[checks.fine] warning_percent: is text, should be a number, without quotes (line 3)`,
		`[checks.fine] every: is a bare number; write it in quotes with a unit, "5s", "5m", "5h" or "5d" (line 4)`,
		`[bot] server: is a number, should be text in quotes (line 7)`,
		`[bot] colour: is not a known key (line 8)`,
		`[[bot.admin]] account: "?" is not an account; write for example "admin@example.social", or "admin" on the bot's own server (line 14)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoSentenceShowsASecret(t *testing.T) {
	for _, text := range []string{
		"[bot]\ntoken = " + aToken, "[bot]\ntoken = \"" + aToken, "[bot]\ntoken = '" + aToken, "[bot]\n" + aToken,
		"[bot]\n" + aToken + " = 5", "[bot]\nserver = '" + aToken + "'", "[bot]\nserver = 'https://user:" + aToken + "@m.example'",
		"[bot]\ntoken = ['" + aToken + "']", "[bot]\ntokne = '" + aToken + "'", "[bot]\nlanguage = '" + aToken + "'",
		"[bot]\ntimezone = '" + aToken + "'", "[bot]\ntoken_file = '" + aToken + "'", "[" + aToken + "]", "[bot.\"" + aToken + "\"]",
		"[bot]\ntoken = '" + aToken + "'\ntoken = '" + aToken + "'", "token = '" + aToken + "'", "[server]\ndomain = '" + aToken + "'",
		"[server]\naddress = '" + aToken + "@x'", "[checks.fine]\nevery = '" + aToken + "'", "[checks.fine]\ncron = '" + aToken + "'",
		"[checks.fine]\n" + aToken + " = 1", "[checks." + aToken + "]", "[[bot.admin]]\naccount = '" + aToken + " x'",
		"[[bot.admin]]\naccount = 'a'\ntopics = ['" + aToken + "']", "[[bot.admin]]\naccount = 'a'\nhears = '" + aToken + "'",
		"[state]\npath = '" + aToken + "'", "[metrics]\nlisten = '" + aToken + "'", "[bot]\ntoken = \"\\q" + aToken + "\"",
		"[bot]\nheartbeat_url = '" + aToken + "'", "[[bot.fallback]]\nurl = '" + aToken + "'", aToken, "[bot]\ntoken = \"\"\"" + aToken,
		"[summary]\nvisibility = '" + aToken + "'", "[host]\nname = '" + aToken + "\u202e'",
	} {
		_, err := load(t, text, "fine")
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		if strings.Contains(err.Error(), aToken) || strings.Contains(err.Error(), aToken[:20]) {
			t.Errorf("%q: the secret is shown: %v", text, err)
		}
	}
	for _, text := range []string{
		"[bot]\nserver = 'postgres://sababan:hunter2@db'", "[server]\naddress = 'sababan:hunter2@db'", "[server]\ndomain = 'https://u:hunter2@m.example'",
		"[bot]\nlanguage = 'hunter2'\ntoken = 'hunter2'", "[state]\npath = 'host=db password=hunter2'",
	} {
		if _, err := load(t, text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestALineOfOursCannotBeForged(t *testing.T) {
	_, err := load(t, "[bot]\n\"a\\n[state] path: is wrong\\u202e\\u001b[2J\" = 1")
	if err == nil {
		t.Fatal("taken")
	}
	if n := strings.Count(err.Error(), "\n"); n != 1 {
		t.Errorf("%d lines more than one: %q", n, err)
	}
	if strings.ContainsAny(err.Error(), "\x1b\u202e") {
		t.Errorf("%q", err)
	}
}

func TestAWholeConfiguration(t *testing.T) {
	text := strings.ReplaceAll(`
offline = true
[bot]
server     = "https://Mastodon.example/"
token      = "secret"
language   = "ja"
timezone   = "Asia/Tokyo"
[[bot.admin]]
account = "＠admin@例え.example"
[[bot.admin]]
account = "bob"
hears = "critical"
topics = ["fine"]
language = "en"
timezone = "Europe/Berlin"
quiet = "22:30-6:00"
morning = "7:15"
[[bot.admin]]
account = "@carol"
quiet = "none"
[[bot.fallback]]
url = "mailto:me@example.com"
[server]
domain = "mastodon.example"
address = "127.0.0.1:8443"
[host]
name = "web1"
[checks.fine]
enabled = false
cron = "0 4 * * *"
timeout = "90s"
warning_percent = 80
[[checks.fine.source]]
path = "/a"
keep = 3
`, "\n", "\r\n")
	c, err := load(t, "\uFEFF"+text, "fine", "needy")
	if err != nil {
		t.Fatal(err)
	}
	if c.Bot.Server != "https://mastodon.example" || c.Bot.Language != checks.Japanese || c.Bot.Zone.String() != "Asia/Tokyo" {
		t.Errorf("bot: %+v", c.Bot)
	}
	quiet := bot.Quiet{From: 23 * 60, To: 7 * 60}
	var admins []string
	for _, a := range c.Bot.Admins {
		admins = append(admins, strings.Join([]string{
			a.Account, string(a.Hears), strings.Join(a.Topics, " "), string(a.Lang), a.Zone.String(), a.Morning.String(),
		}, "|"))
	}
	want := []string{
		"admin@xn--r8jz45g.example|all|all|ja|Asia/Tokyo|08:00",
		"bob|critical|fine|en|Europe/Berlin|07:15",
		"carol|all|all|ja|Asia/Tokyo|08:00",
	}
	if diff := cmp.Diff(want, admins); diff != "" {
		t.Error(diff)
	}
	if c.Bot.Admins[0].Quiet != quiet || c.Bot.Admins[1].Quiet != (bot.Quiet{From: 22*60 + 30, To: 6 * 60}) || c.Bot.Admins[2].Quiet != (bot.Quiet{}) {
		t.Errorf("quiet: %+v", c.Bot.Admins)
	}
	if !c.Offline || !c.Site.Offline || c.Site.Domain != "mastodon.example" || c.Site.Address != "127.0.0.1:8443" || c.Host != "web1" {
		t.Errorf("%+v %+v", c, c.Site)
	}
	if len(c.Bot.Fallbacks) != 1 {
		t.Errorf("fallbacks: %v", c.Bot.Fallbacks)
	}
	fine, needy := c.Checks[0], c.Checks[1]
	if fine.Enabled || fine.Cron != "0 4 * * *" || fine.Timeout != 90*time.Second || fine.Check == nil || fine.Timetable.String() != "0 4 * * *" {
		t.Errorf("%+v", fine)
	}
	if !needy.Enabled || needy.Cron != "*/5 * * * *" || needy.Timeout != 10*time.Second || needy.NotSetUp != nil {
		t.Errorf("%+v", needy)
	}
	if err := c.NeedBot(); err != nil {
		t.Error(err)
	}
}

func TestWithoutAConfigurationEverythingIsDefault(t *testing.T) {
	c, err := loadConfig("", testKinds("fine", "needy"), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if c.State.Path != "/var/lib/sababan/state.db" || c.Bot.Language != checks.English || c.Bot.Zone != time.Local || c.Host == "" || c.Offline {
		t.Errorf("%+v", c)
	}
	if c.Checks[0].Check == nil || !c.Checks[0].Enabled {
		t.Errorf("%+v", c.Checks[0])
	}
	if got := c.Checks[1].NotSetUp; got == nil || got.Setting != "[server] domain" {
		t.Errorf("%+v", got)
	}
}

func TestWhatTheBotNeedsIsToldAtOnceWithExamples(t *testing.T) {
	c, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	err = c.NeedBot()
	var bad *badConfig
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	want := []string{
		`[bot] server: is missing; write where the bot's own account lives, for example server = "https://mastodon.example"`,
		`[bot] token_file: is missing; write the file that holds the token of the bot's account, for example token_file = "/etc/sababan/token"`,
		`[[bot.admin]] account: is missing; write who is told and may ask, for example account = "admin@example.social"`,
	}
	if diff := cmp.Diff(want, bad.lines); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheFirstOfVeryManyMistakesAreTold(t *testing.T) {
	_, err := load(t, "[bot]\n"+strings.Repeat("[[bot.admin]]\n", 500))
	if err == nil || !strings.HasSuffix(err.Error(), "\nand 460 more") {
		t.Errorf("%v", err)
	}
}

func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"", "[bot]\nserver = 'https://m.example'\n", "[[bot.admin]]\naccount = 'a'\n[checks.fine]\nevery = '5m'\n",
		"a.b.c = [1, {x = \"\"\"y\"\"\"}]", "\uFEFF[a]\r\nb = 'c'\r\n", "[\"a.b\".'c']\n\"\\u0041\" = 2020-01-01", "[[a]]\n[[a.b]]\n[a.b.c]\n", "checks = 5", "[checks]\nfine = []",
		"bot = {admin = [{account = 'x'}, 5]}", "[bot]\nserver = 'http://[::1'",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := &loader{w: defaults()}
		raw, pos, err := parseConfig("f", text)
		if err != nil {
			return
		}
		l.table(nil, raw, &l.w)
		kinds := testKinds("fine", "needy")(l.site())
		forBot := l.forBot(kinds)
		l.host()
		l.summary(forBot)
		l.metrics()
		l.state()
		l.checks(kinds, forBot.Zone)
		if err := l.err("f", pos, l.secrets(raw)); err != nil && err.Error() == "" {
			t.Error("an empty mistake")
		}
	})
}

func TestTheTokenOfTheWatchedServerIsItsOwnOrTheBotsWhereThatLivesThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of-the-server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"a file of its own wins", "[bot]\nserver = \"https://example.social\"\ntoken = \"of-the-bot\"\n[server]\ndomain = \"example.social\"\ntoken_file = \"" + file + "\"\n", "of-the-server"},
		{"the bot lives there", "[bot]\nserver = \"https://Example.social\"\ntoken = \"of-the-bot\"\n[server]\ndomain = \"example.social\"\n", "of-the-bot"},
		{"the bot lives elsewhere", "[bot]\nserver = \"https://other.social\"\ntoken = \"of-the-bot\"\n[server]\ndomain = \"example.social\"\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			config, err := loadConfig(path, testKinds("fine"), func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			token, err := config.Site.Token(t.Context())
			var notSetUp *checks.NotSetUp
			if token.Reveal() != c.want || config.Site.HasToken() != (c.want != "") || c.want == "" && !errors.As(err, &notSetUp) {
				t.Errorf("got %q, %v", token.Reveal(), err)
			}
		})
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	config, err := loadConfig("", testKinds("fine"), func(string) string { return "" }, func(c *site.Config) { c.TokenFile = file })
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Site.Token(t.Context())
	if why, _ := checks.Explain(err); !strings.Contains(why.En, "[server] token_file") || !strings.Contains(why.Ja, "[server] token_file") {
		t.Errorf("%+v", why)
	}
}
