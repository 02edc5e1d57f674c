package main

import (
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// grants prints what gives the rights that were missing in this look, ready to
// paste, and beside it what takes them away again.
func (p *printer) grants(c *Config, looks []look) {
	fromRedis := c.Site.Redis().Denied() || c.Site.SidekiqRedis().Denied()
	if c.Site.Database().Denied() || !fromRedis && lacksRight(looks) {
		p.databaseGrants(c)
	}
	if fromRedis {
		p.redisGrants()
	}
}

func (p *printer) databaseGrants(c *Config) {
	var reads []checks.Reads
	for _, one := range c.Checks {
		reads = append(reads, one.Kind.Reads...)
	}
	psql := checks.Sh("sudo", "-u", "postgres", "psql", "-X", "-d", c.Site.Database().Name()).String()
	p.text(grantsHead())
	p.printf("%s <<'END'\n%sEND\n", psql, site.GrantSQL(reads))
	p.text(grantsUndo())
	p.printf("%s <<'END'\n%sEND\n", psql, site.RevokeSQL())
}

func (p *printer) redisGrants() {
	p.text(redisGrantsHead())
	p.printf("%s\n", checks.Sh(append([]string{"redis-cli"}, site.RedisACL()...)...))
	p.text(redisGrantsAfter())
	p.text(grantsUndo())
	p.printf("%s\n", checks.Sh(append([]string{"redis-cli"}, site.RedisRevoke()...)...))
}

// lacksRight tells whether something was said to be mended by what is printed
// here: a right can be missing without any question having been refused.
func lacksRight(looks []look) bool {
	command := checks.Sh("sudo", "sababan", "check", "--verbose").String()
	for _, l := range looks {
		for _, b := range l.Result.Blind {
			if b.Mend.Look.String() == command {
				return true
			}
		}
	}
	return false
}

func grantsHead() checks.Text {
	return checks.Text{
		En: "\nThese lines let sababan read what it needs of PostgreSQL, and nothing else. No password: the role is for the system user sababan.\n" +
			"(Where PostgreSQL runs in a container or elsewhere, give the role a password and set [server] database_url.)",
		Ja: "\n次のコマンドで、sababanに必要な部分だけの読み取りを許可できます。パスワードは不要です（システムユーザーsababan専用のロール）。\n" +
			"（PostgreSQLがコンテナや別のマシンで動いている場合は、ロールにパスワードを付けて [server] database_url を設定してください。）",
	}
}

func grantsUndo() checks.Text {
	return checks.Text{En: "To take all of it away again:", Ja: "取り消すには:"}
}

func redisGrantsHead() checks.Text {
	return checks.Text{
		En: "\nThis lets sababan read Redis, and change nothing; put a password of your own in the place of PASSWORD:",
		Ja: "\n次のコマンドで、sababanにRedisの読み取りだけを許可できます。PASSWORDの部分は好きなパスワードに変えてください。",
	}
}

func redisGrantsAfter() checks.Text {
	return checks.Text{
		En: "Then set [server] redis_url = \"redis://sababan:PASSWORD@127.0.0.1:6379/0\", and keep the user over restarts with an aclfile or CONFIG REWRITE.",
		Ja: "その後 [server] redis_url = \"redis://sababan:PASSWORD@127.0.0.1:6379/0\" を設定し、aclfileまたはCONFIG REWRITEで再起動後も残るようにしてください。",
	}
}
