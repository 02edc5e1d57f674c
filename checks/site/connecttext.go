package site

import (
	"cmp"
	"net"
	"net/url"
	"path"

	"github.com/sababan/sababan/checks"
)

// place is where a database is, without a password: a socket, or host:port.
func (t target) place() string {
	u, err := url.Parse(t.url)
	if err != nil {
		return ""
	}
	host, port := cmp.Or(u.Query().Get("host"), u.Hostname()), cmp.Or(u.Query().Get("port"), u.Port(), "5432")
	if host == "" {
		return ""
	}
	if host[0] == '/' {
		return path.Join(host, ".s.PGSQL."+port)
	}
	return net.JoinHostPort(host, port)
}

// databaseWords say why the database gave no answer; known is false for what
// has no words of its own.
func databaseWords(f Fault, place, message string) (why checks.Text, advice checks.Advice, known bool) {
	at := checks.QuoteName(place)
	check := checks.Advice{
		Text: checks.Text{En: "If it runs elsewhere, set [server] database_url.", Ja: "別の場所で動いている場合は、[server] database_url を設定してください。"},
		Look: checks.Sh("systemctl", "status", "postgresql"),
	}
	switch f {
	case NotThere:
		return checks.Text{
			En: "PostgreSQL does not listen at " + at,
			Ja: "PostgreSQLが " + at + " で待ち受けていません",
		}, check, true
	case Silent:
		return checks.Text{
			En: "PostgreSQL at " + at + " does not answer in time",
			Ja: "PostgreSQL（" + at + "）から時間内に応答がありません",
		}, checks.Advice{}, true
	case NotLetIn:
		return checks.Text{
			En: "PostgreSQL does not let sababan in" + inBrackets(message),
			Ja: "PostgreSQLに接続を拒否されました" + inJaBrackets(message),
		}, grantAdvice(), true
	case NoGrant:
		return checks.Text{
			En: "sababan's role may not read this" + inBrackets(message),
			Ja: "sababanのロールに読み取り権限がありません" + inJaBrackets(message),
		}, grantAdvice(), true
	case Full:
		return checks.Text{
			En: "PostgreSQL has no connection left" + inBrackets(message),
			Ja: "PostgreSQLの接続数に空きがありません" + inJaBrackets(message),
		}, checks.Advice{}, true
	case Starting:
		return checks.Text{
			En: "PostgreSQL is just starting or stopping" + inBrackets(message),
			Ja: "PostgreSQLは起動中または停止中です" + inJaBrackets(message),
		}, checks.Advice{}, true
	case Cancelled:
		return checks.Text{
			En: "the question took PostgreSQL longer than it may, and was ended",
			Ja: "問い合わせに時間がかかりすぎたため、中止しました",
		}, checks.Advice{}, true
	case Locked:
		return checks.Text{
			En: "somebody else holds a lock on what is asked for",
			Ja: "他の処理がロックしているため、確認できません",
		}, checks.Advice{}, true
	case OtherSchema:
		return checks.Text{
			En: "the database has another shape than any known version of Mastodon" + inBrackets(message),
			Ja: "データベースの構成が、対応しているどのバージョンのMastodonとも異なります" + inJaBrackets(message),
		}, checks.Advice{}, true
	}
	return checks.Text{
		En: "PostgreSQL answers with an error" + inBrackets(message),
		Ja: "PostgreSQLからエラーが返りました" + inJaBrackets(message),
	}, checks.Advice{}, false
}

// redisWords are the same for Redis.
func redisWords(f Fault, place, message, setting string) (why checks.Text, advice checks.Advice, known bool) {
	at := checks.QuoteName(place)
	switch f {
	case NotThere:
		why = checks.Text{
			En: "Redis does not listen at " + at,
			Ja: "Redisが " + at + " で待ち受けていません",
		}
		return why, elsewhereAdvice(setting), true
	case Foreign:
		return checks.Text{
			En: "what answers at " + at + " is not Redis",
			Ja: at + " で応答しているのはRedisではありません",
		}, elsewhereAdvice(setting), true
	case TooMuch:
		return checks.Text{
			En: "Redis at " + at + " sends far more than was asked for; it was not read",
			Ja: "Redis（" + at + "）から想定をはるかに超える応答が返ったため、読み取りを中止しました",
		}, checks.Advice{}, true
	case Silent:
		return checks.Text{
			En: "Redis at " + at + " does not answer in time",
			Ja: "Redis（" + at + "）から時間内に応答がありません",
		}, checks.Advice{}, true
	case NotLetIn:
		return checks.Text{
			En: "Redis does not let sababan in" + inBrackets(message),
			Ja: "Redisに接続を拒否されました" + inJaBrackets(message),
		}, grantAdvice(), true
	case NoGrant:
		return checks.Text{
			En: "sababan's Redis user may not ask this" + inBrackets(message),
			Ja: "sababanのRedisユーザーに権限がありません" + inJaBrackets(message),
		}, grantAdvice(), true
	case Full:
		return checks.Text{En: "Redis has no connection left", Ja: "Redisの接続数に空きがありません"}, checks.Advice{}, true
	case Starting:
		return checks.Text{En: "Redis is still reading its data", Ja: "Redisはデータの読み込み中です"}, checks.Advice{}, true
	}
	return checks.Text{
		En: "Redis answers with an error" + inBrackets(message),
		Ja: "Redisからエラーが返りました" + inJaBrackets(message),
	}, checks.Advice{}, false
}

// elsewhereAdvice is for a Redis that is not where it was looked for.
func elsewhereAdvice(setting string) checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "If it runs elsewhere, set [server] " + setting + ".", Ja: "別の場所で動いている場合は、[server] " + setting + " を設定してください。"},
		Look: checks.Sh("systemctl", "status", "redis-server"),
	}
}

func inBrackets(message string) string {
	if message == "" {
		return ""
	}
	return " (" + checks.Said(message).En + ")"
}

func inJaBrackets(message string) string {
	if message == "" {
		return ""
	}
	return "（" + checks.Said(message).Ja + "）"
}
