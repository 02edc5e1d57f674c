package site

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

func bySetting(name string) checks.Text {
	return checks.Text{En: "set in [server] " + name, Ja: "[server] " + name + " で設定"}
}

func byUnit(name string) checks.Text {
	q := checks.QuoteName(name)
	return checks.Text{En: "by " + q, Ja: q + "より"}
}

func byEnabled(name string) checks.Text {
	q := checks.QuoteName(name)
	return checks.Text{En: "by what is enabled of " + q, Ja: "有効な " + q + " より"}
}

func byFile(p string) checks.Text {
	q := checks.QuoteName(p)
	return checks.Text{En: "by " + q, Ja: q + "より"}
}

func byProcess(name string) checks.Text {
	return checks.Text{En: "by its process " + name, Ja: "動作中の " + name + " より"}
}

func byFolder() checks.Text {
	return checks.Text{En: "by its usual folder", Ja: "標準の場所より"}
}

func byVolume() checks.Text {
	return checks.Text{En: "by a volume of docker-compose.yml", Ja: "docker-compose.yml のボリュームより"}
}

func byImage() checks.Text {
	return checks.Text{En: "its docker-compose.yml names an image of Mastodon", Ja: "docker-compose.yml にMastodonのイメージがあるため"}
}

func byCode() checks.Text {
	return checks.Text{En: "its code lies there", Ja: "コードがあるため"}
}

func byOwner(p string) checks.Text {
	q := checks.QuoteName(p)
	return checks.Text{En: "owner of " + q, Ja: q + " の所有者"}
}

// errHidden is for places that may not be looked at.
var errHidden = fs.ErrPermission

// Lines say what is known of an installation and how, one line per field, and
// then what could not be read, each with the command that would show it.
func (f Found) Lines(domain string) []checks.Text {
	var lines []checks.Text
	say := func(field string, label checks.Text, value string) {
		if value == "" {
			return
		}
		line := checks.Text{En: label.En + ": " + value, Ja: label.Ja + ": " + strings.ReplaceAll(value, ", ", "、")}
		if by, ok := f.Origins[field]; ok {
			line.En, line.Ja = line.En+" ("+by.En+")", line.Ja+"（"+by.Ja+"）"
		}
		lines = append(lines, line)
	}
	say("Domain", checks.Text{En: "domain", Ja: "ドメイン"}, checks.QuoteName(domain))
	say("Live", checks.Text{En: "Mastodon's code", Ja: "Mastodonのコード"}, checks.QuoteName(f.Live))
	say("Compose", checks.Text{En: "Docker Compose", Ja: "Docker Compose"}, checks.QuoteName(f.Compose))
	say("User", checks.Text{En: "user", Ja: "ユーザー"}, checks.QuoteName(f.User))
	say("Settings", checks.Text{En: "settings", Ja: "設定"}, f.settingsLine())
	say("PostgresData", checks.Text{En: "PostgreSQL's data", Ja: "PostgreSQLのデータ"}, pathsLine(f.PostgresData))
	say("RedisData", checks.Text{En: "Redis' data", Ja: "Redisのデータ"}, pathsLine(f.RedisData))
	say("WebServer", checks.Text{En: "web server", Ja: "Webサーバー"}, f.WebServer)
	var ports []string
	for _, p := range f.Streaming {
		ports = append(ports, strconv.Itoa(p))
	}
	say("Streaming", checks.Text{En: "streaming ports", Ja: "ストリーミングのポート"}, strings.Join(ports, ", "))
	if len(lines) == 0 && len(f.Hidden) == 0 {
		return []checks.Text{{En: "Found: nothing of a Mastodon on this machine", Ja: "検出: このマシンにMastodonは見つかりません"}}
	}
	for i := range lines {
		lines[i].En, lines[i].Ja = "Found: "+lines[i].En, "検出: "+lines[i].Ja
	}
	for _, h := range f.Hidden {
		lines = append(lines, h.line())
	}
	return lines
}

// line says what could not be read, why, and what would show it.
func (h Hidden) line() checks.Text {
	p := checks.QuoteName(h.Path)
	t := checks.Text{
		En: fmt.Sprintf("Not seen: %s (%s)", p, checks.Quote(reason(h.Err))),
		Ja: fmt.Sprintf("未確認: %s（%s）", p, checks.Quote(reason(h.Err))),
	}
	if errors.Is(h.Err, fs.ErrPermission) {
		t = checks.Text{
			En: fmt.Sprintf("Not seen: %s may not be read by this user", p),
			Ja: fmt.Sprintf("未確認: %s はこのユーザーでは読めません", p),
		}
	}
	if s := h.Mend.String(); s != "" {
		t.En, t.Ja = t.En+"; run: "+s, t.Ja+"。次を実行してください: "+s
	}
	return t
}

// reason is an error without the path, which is said already.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// Hint is the one line for somebody who may not read what would tell which
// Mastodon this is; empty where nothing is hidden.
func (f Found) Hint() checks.Text {
	for _, h := range f.Hidden {
		// Closed homes and settings of others' are everywhere and say nothing.
		mastodons := h.Path == liveFolders[0] || strings.HasSuffix(h.Path, "/.env.production")
		if s := h.Mend.String(); s != "" && mastodons {
			p := checks.QuoteName(h.Path)
			return checks.Text{
				En: fmt.Sprintf("%s may not be read by this user; more is seen with: %s", p, s),
				Ja: fmt.Sprintf("%s はこのユーザーでは読めません。次のコマンドなら、さらに確認できます: %s", p, s),
			}
		}
	}
	return checks.Text{}
}

func (f Found) settingsLine() string {
	var all []string
	for _, name := range settingNames {
		if v, ok := f.Settings[name]; ok {
			all = append(all, name+"="+checks.QuoteName(v))
		}
	}
	return strings.Join(all, ", ")
}

func pathsLine(paths []string) string {
	var all []string
	for _, p := range paths {
		all = append(all, checks.QuoteName(p))
	}
	return strings.Join(all, ", ")
}
