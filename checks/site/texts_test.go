package site

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	say := checkstest.Say
	var said []checkstest.Said
	for _, f := range []Fault{NotThere, Silent, NotLetIn, NoGrant, Full, Starting, Cancelled, Locked, OtherSchema, Odd} {
		why, advice, _ := databaseWords(f, "127.0.0.1:5432", "")
		said = append(said, say(fmt.Sprintf("unseen: database %d", f), why, advice))
	}
	for _, f := range []Fault{NotThere, Silent, NotLetIn, NoGrant, Full, Starting, Odd, Foreign, TooMuch} {
		why, advice, _ := redisWords(f, "127.0.0.1:6379", "", "redis_url")
		said = append(said, say(fmt.Sprintf("unseen: Redis %d", f), why, advice))
	}
	refused, advice, _ := databaseWords(NotLetIn, "/var/run/postgresql/.s.PGSQL.5432", `role "sababan" does not exist`)
	wrong, _, _ := redisWords(NotLetIn, "127.0.0.1:6379", "WRONGPASS invalid username-password pair", "redis_url")
	found := Found{
		Live: "/home/mastodon/live", User: "mastodon", WebServer: "nginx", Streaming: []int{4000, 4001},
		PostgresData: []string{"/var/lib/postgresql/15/main"}, RedisData: []string{"/var/lib/redis"},
		Settings: map[string]string{"LOCAL_DOMAIN": "example.social"},
		Origins: map[string]checks.Text{
			"Domain": bySetting("domain"), "Live": byUnit("mastodon-web.service"), "User": byOwner("/home/mastodon/live"), "Settings": byFile("/etc/sababan/site.env"),
			"PostgresData": byProcess("postgres"), "RedisData": byFolder(), "WebServer": byEnabled("nginx.service"), "Streaming": byUnit("mastodon-streaming@4000.service"),
		},
		Hidden: []Hidden{
			{Path: "/home/mastodon/live/.env.production", Err: fs.ErrPermission, Mend: checks.Sh("sudo", "sababan", "check")},
			{Path: "/etc/redis", Err: &fs.PathError{Err: errors.New("input/output error")}},
		},
	}
	compose := Found{Compose: "/opt/mastodon", Origins: map[string]checks.Text{"Compose": byImage(), "PostgresData": byVolume()}, PostgresData: []string{"/opt/mastodon/postgres14"}}
	checkstest.Texts(
		t, "site",
		append(
			said,
			say("unseen: database, with its words", refused, advice),
			say("unseen: Redis, with its words", wrong),
			say("unseen: only root", checks.Text{En: "PostgreSQL does not let sababan in", Ja: "PostgreSQLに接続を拒否されました"}, asRootAdvice()),
			say("summary of what was found", checks.Lines(found.Lines("example.social")...)),
			say("summary of what was found, in containers", checks.Lines(compose.Lines("")...)),
			say("summary of nothing found", checks.Lines(Found{}.Lines("")...)),
			say("summary, what it is found by", checks.Join(checks.Text{En: ", ", Ja: "、"}, byCode(), byFolder())),
			say("summary of what is hidden", found.Hint()),
		)...,
	)
}
