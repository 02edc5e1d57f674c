package cacerts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

func isPermission(err error) bool { return errors.Is(err, fs.ErrPermission) }

// owner names whose store it is, at the beginning of a headline: "this
// machine", "Mastodon's Ruby".
func owner(name string) checks.Text {
	if name == runtimeStore {
		return checks.Text{En: "Mastodon's Ruby", Ja: "MastodonのRuby"}
	}
	return checks.Text{En: "this machine", Ja: "このマシン"}
}

func harm(name string) checks.Text {
	if name == runtimeStore {
		return checks.Text{
			En: "Mastodon can then neither deliver to other servers nor fetch from them.",
			Ja: "このままでは、Mastodonが他サーバーへ配送することも、他サーバーから取得することもできません。",
		}
	}
	return checks.Text{
		En: "Programs here can then not connect safely to others: deliveries, mail, updates and backups fail.",
		Ja: "このままでは、他サーバーへの配送、メール、アップデート、バックアップなど、外への安全な接続が失敗します。",
	}
}

func (q question) summary(asked int) checks.Text {
	var parts []checks.Text
	for i, s := range q.stores {
		who := owner(s.name)
		if len(q.stores) == 1 {
			who = checks.Text{}
		}
		n := checks.Number(int64(s.roots))
		line := checks.Text{En: n.En + " roots", Ja: "ルート" + n.Ja + "件"}
		if s.roots == 1 {
			line.En = "1 root"
		}
		switch {
		case s.err != nil && isPermission(s.err):
			line = checks.Text{En: "may not be read", Ja: "読み取り権限がありません"}
		case s.err != nil:
			line = checks.Text{En: "no list that can be read", Ja: "一覧を読めません"}
		}
		if asked > 0 && s.trouble() == nil {
			p := q.proofs[i]
			line.En += fmt.Sprintf(", %d of %d well-known servers verified", p.verified, asked)
			line.Ja += fmt.Sprintf("、有名サーバー%d台中%d台を検証済み", asked, p.verified)
		}
		if !who.Empty() {
			line.En, line.Ja = who.En+": "+line.En, who.Ja+": "+line.Ja
		}
		parts = append(parts, line)
	}
	all := checks.Join(checks.Text{En: "; ", Ja: "／"}, parts...)
	switch {
	case q.reused:
		at := checks.At(time.Unix(q.before.Asked, 0))
		all.En += fmt.Sprintf(", %d of %d well-known servers verified at %s", q.before.Verified, q.before.Of, at)
		all.Ja += fmt.Sprintf("、%sに有名サーバー%d台中%d台を検証済み", at, q.before.Of, q.before.Verified)
	case q.offline:
		all.En, all.Ja = all.En+", not tried with other servers (offline)", all.Ja+"、外部のサーバーでの確認はしていません（offline）"
	}
	if v := q.pack.installed; v != "" && q.pack.offered == "" && q.pack.err == nil {
		all.En += ", package " + v + " is the newest offered"
		all.Ja += "、パッケージは最新（" + v + "）"
	}
	for _, p := range q.proofs[:min(len(q.proofs), 1)] {
		if len(p.theirs) > 0 {
			names := list(p.theirs)
			all.En += "; their own certificate is bad: " + names.En
			all.Ja += "。相手側の証明書に問題あり: " + names.Ja
		}
	}
	return all
}

// list is a few names, of many the first.
func list(names []string) checks.Text {
	var few []string
	for _, n := range names[:min(len(names), 3)] {
		few = append(few, checks.QuoteName(n))
	}
	t := checks.Text{En: strings.Join(few, ", "), Ja: strings.Join(few, "、")}
	if more := len(names) - len(few); more > 0 {
		t.En += fmt.Sprintf(" and %d more", more)
		t.Ja += fmt.Sprintf("、ほか%d台", more)
	}
	return t
}

func textUnverified(p proof, others bool) checks.Text {
	who, names := owner(p.store.name), list(p.failed)
	head := checks.Text{
		En: fmt.Sprintf("%s cannot verify the certificates of %d of %d well-known servers", who.En, len(p.failed), p.fair),
		Ja: fmt.Sprintf("%sで、有名サーバー%d台中%d台の証明書を検証できません", who.Ja, p.fair, len(p.failed)),
	}
	sure := checks.Text{
		En: "They are run by different people, so the fault is probably not theirs. Not verified: " + names.En + ".",
		Ja: "運営の異なるサーバーなので、相手側の問題とは考えにくいです。検証できないもの: " + names.Ja + "。",
	}
	if others && p.only == len(p.failed) {
		sure = checks.Text{
			En: "Their certificates are good, the other list here verifies them: " + names.En + ".",
			Ja: "このマシンのもう一つの一覧では検証できるため、相手側の証明書は正常です: " + names.Ja + "。",
		}
	}
	return checks.Lines(head, harm(p.store.name), sure)
}

func textBundle(s store, trouble error) checks.Text {
	who, p := owner(s.name), checks.QuoteName(s.path)
	what := checks.Text{En: "cannot be read", Ja: "を読めません"}
	switch {
	case errors.Is(trouble, errEmpty):
		what = checks.Text{En: "is empty", Ja: "が空です"}
	case errors.Is(trouble, errDamaged):
		what = checks.Text{En: "is damaged", Ja: "が壊れています"}
	case errors.Is(trouble, fs.ErrNotExist), errors.Is(trouble, errNoBundle):
		what = checks.Text{En: "is missing", Ja: "がありません"}
	}
	head := checks.Text{
		En: "list of root certificates of " + who.En + " " + what.En,
		Ja: who.Ja + "のルート証明書の一覧" + what.Ja,
	}
	where := checks.Text{}
	if p != "" {
		where = checks.Text{En: "It should be in " + p + ".", Ja: "場所: " + p}
	}
	if errors.Is(trouble, errDamaged) {
		where = checks.Text{
			En: fmt.Sprintf("In %s, %d entries are no certificate; %d are.", p, s.bad, s.roots),
			Ja: fmt.Sprintf("%s のうち%d件は証明書として読めません（読めるものは%d件）。", p, s.bad, s.roots),
		}
	}
	return checks.Lines(head, harm(s.name), where)
}

func textShrunken(s store, usual int) checks.Text {
	who := owner(s.name)
	return checks.Lines(checks.Text{
		En: fmt.Sprintf("list of root certificates of %s has shrunk to %d (usually %d)", who.En, s.roots, usual),
		Ja: fmt.Sprintf("%sのルート証明書が%d件に減りました（普段は%d件）", who.Ja, s.roots, usual),
	}, checks.Text{
		En: "Servers whose authority is missing can no longer be verified.",
		Ja: "抜けた認証局を使っているサーバーは検証できなくなります。",
	})
}

func textOutdated(p pack) checks.Text {
	i, o := checks.Quote(p.installed), checks.Quote(p.offered)
	return checks.Lines(checks.Text{
		En: "root certificates can be updated: " + o,
		Ja: "ルート証明書の更新があります: " + o,
	}, checks.Text{
		En: "Installed is " + i + ". With an old list, sooner or later servers with a new authority can no longer be verified.",
		Ja: "現在のバージョンは " + i + " です。古いままだと、新しい認証局を使うサーバーをいずれ検証できなくなります。",
	})
}

func textUnproven(why string, p proof, asked int) checks.Text {
	switch why {
	case reasonClock:
		return checks.Text{
			En: fmt.Sprintf("the certificates of %d of %d well-known servers are not valid by this clock; compare the clock first", p.dated, p.reached),
			Ja: fmt.Sprintf("有名サーバー%d台中%d台の証明書が、このマシンの時計では有効期間外です。先に時計を確かめてください", p.reached, p.dated),
		}
	case reasonTheirs:
		names := list(p.theirs)
		return checks.Text{
			En: "too few of the well-known servers have a good certificate of their own: " + names.En,
			Ja: "確認先のうち、証明書の正しいサーバーが足りません: " + names.Ja,
		}
	}
	return checks.Text{
		En: fmt.Sprintf("%d of %d well-known servers were reached, too few to tell (network)", p.reached, asked),
		Ja: fmt.Sprintf("有名サーバー%d台中%d台にしかつながらず、判断できません（ネットワーク）", asked, p.reached),
	}
}

func textClosed(s store) checks.Text {
	p := checks.QuoteName(s.path)
	return checks.Text{En: p + " may not be read", Ja: p + " を読む権限がありません"}
}

func textNoPackage(err error) checks.Text {
	if errors.Is(err, errNoManager) {
		return checks.Text{
			En: "no package manager is known here that could tell the version (dpkg, rpm)",
			Ja: "バージョンを確認できるパッケージ管理（dpkg、rpm）が見つかりません",
		}
	}
	return checks.Text{
		En: "the package manager did not tell which version is offered",
		Ja: "パッケージ管理から最新版を確認できませんでした",
	}
}

func textNoTime() checks.Text {
	return checks.Text{En: "no time was left to look", Ja: "確認する時間が残っていませんでした"}
}

func adviceUnproven(why string) checks.Advice {
	switch why {
	case reasonClock:
		return checks.Advice{Look: checks.Sh("date", "-u")}
	case reasonNetwork:
		return checks.Advice{Look: checks.Sh("ip", "route")}
	}
	return checks.Advice{}
}

func adviceClosed() checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Root can look at it; or name a list that may be read in [checks.cacerts] runtime_bundle.",
			Ja: "rootなら確認できます。または、読める一覧を [checks.cacerts] runtime_bundle に指定してください。",
		},
		Look: checks.Sh("sudo", "sababan", "check", "cacerts"),
	}
}

// adviceUpgrade brings the newest package.
func (q question) adviceUpgrade() checks.Advice {
	switch {
	case q.tools.apt:
		return checks.Advice{
			Look: checks.Sh("apt-cache", "policy", "ca-certificates"),
			Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "install", "--only-upgrade", "ca-certificates")},
		}
	case q.tools.dnf:
		return checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "dnf", "upgrade", "ca-certificates")}}
	}
	return checks.Advice{}
}

// adviceStore makes a store whole again.
func (q question) adviceStore(s store) checks.Advice {
	if s.name == runtimeStore {
		a := checks.Advice{Text: checks.Text{
			En: "Give it the list of the system, or of a newer image, and restart web and Sidekiq.",
			Ja: "システムの一覧（コンテナなら新しいイメージのもの）に置き換え、webとSidekiqを再起動してください。",
		}}
		system := q.stores[0]
		if system.trouble() == nil && system.path != "" && strings.HasSuffix(s.path, "/openssl/ssl/cert.pem") {
			if ln := checks.Sh("sudo", "ln", "-sfn", system.path, s.path); ln.String() != "" {
				a.Mend = []checks.Shell{ln, checks.Sh("sudo", "systemctl", "restart", "mastodon-web", "mastodon-sidekiq")}
			}
		}
		if look := checks.Sh("ls", "-lL", path.Dir(s.path)); look.String() != "" && s.path != "" {
			a.Look = look
		}
		return a
	}
	switch {
	case q.tools.apt:
		return checks.Advice{
			Look: checks.Sh("grep", "-c", "BEGIN CERTIFICATE", "/etc/ssl/certs/ca-certificates.crt"),
			Mend: []checks.Shell{
				checks.Sh("sudo", "apt-get", "install", "--reinstall", "ca-certificates"),
				checks.Sh("sudo", "update-ca-certificates", "--fresh"),
			},
		}
	case q.tools.dnf:
		return checks.Advice{Mend: []checks.Shell{
			checks.Sh("sudo", "dnf", "reinstall", "ca-certificates"), checks.Sh("sudo", "update-ca-trust", "extract"),
		}}
	}
	return checks.Advice{}
}
