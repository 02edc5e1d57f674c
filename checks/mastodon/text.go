package mastodon

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

func (q question) here() string {
	if q.running.fork != "" {
		return q.version().String() + "+" + q.running.fork
	}
	return q.version().String()
}

// textUpdate says that a version is out; all are those of its branch, or the
// newer branches, that are newer than what runs.
func (q question) textUpdate(newest offer, urgent bool, all []offer) checks.Text {
	v, here := newest.version().String(), q.here()
	head := checks.Text{
		En: fmt.Sprintf("Mastodon %s is out (here: %s)", v, here),
		Ja: fmt.Sprintf("Mastodon %s が公開されています（現在%s）", v, here),
	}
	if urgent {
		head = checks.Text{
			En: fmt.Sprintf("Mastodon %s closes a serious security hole (here: %s)", v, here),
			Ja: fmt.Sprintf("深刻な脆弱性を修正した Mastodon %s が公開されています（現在%s）", v, here),
		}
	}
	lines := []checks.Text{head, q.textWhat(newest, urgent, all)}
	if at := q.memory.Seen[newest.Version]; at > 0 && q.now.Sub(time.Unix(at, 0)) >= time.Hour {
		lines[1] = checks.Join(checks.Text{En: " ", Ja: ""}, lines[1], checks.Text{
			En: "It has been out for " + checks.Ago(time.Unix(at, 0)) + ".",
			Ja: "公開から" + checks.Ago(time.Unix(at, 0)) + "たっています。",
		})
	}
	if needs, has := q.table.tooOld(newest.version()); needs > 0 {
		lines = append(lines, checks.Text{
			En: fmt.Sprintf("It needs PostgreSQL %d or newer first; here is %d.", needs, has),
			Ja: fmt.Sprintf("先にPostgreSQLを%d以上にする必要があります（現在%d）。", needs, has),
		})
	}
	if q.running.fork != "" {
		lines = append(lines, checks.Text{
			En: "This server runs a fork (" + q.running.fork + "): it may have the same fixes under a version number of its own.",
			Ja: "このサーバーはフォーク（" + q.running.fork + "）です。フォーク側の対応版を確認してください。",
		})
	}
	return checks.Lines(lines...)
}

// textWhat says what sort of version it is.
func (q question) textWhat(newest offer, urgent bool, all []offer) checks.Text {
	switch {
	case urgent:
		return checks.Text{
			En: "Mastodon calls it urgent: until the update, strangers may be able to do harm here.",
			Ja: "Mastodonの開発元が緊急に指定している更新です。適用するまで、攻撃を受けるおそれがあります。",
		}
	case q.version().newBranch(newest.version()):
		return q.textNewBranch()
	case slices.ContainsFunc(all, func(o offer) bool { return o.Security }):
		return checks.Text{
			En: "It fixes bugs of " + q.version().branch() + ", some of them security holes.",
			Ja: q.version().branch() + "系の不具合修正版で、セキュリティの修正も含まれます。",
		}
	}
	return checks.Text{
		En: "It fixes bugs of " + q.version().branch() + ", sometimes security holes, too.",
		Ja: q.version().branch() + "系の不具合修正版です（セキュリティの修正を含むことがあります）。",
	}
}

// textNewBranch says how much hurry there is.
func (q question) textNewBranch() checks.Text {
	b := q.version().branch()
	t := checks.Text{
		En: "It brings new features; there is no hurry while " + b + " is supported.",
		Ja: "新機能を含むバージョンです。" + b + "がサポートされている間は急ぎません。",
	}
	if f, ends := q.support(); ends && f.Severity == checks.Critical {
		t = checks.Text{
			En: b + ", which runs here, is no longer supported.",
			Ja: "現在の" + b + "系はサポートが終了しています。",
		}
	} else if ends {
		t = checks.Text{
			En: b + ", which runs here, will not be supported for long.",
			Ja: "現在の" + b + "系はまもなくサポートが終了します。",
		}
	}
	return t
}

func (q question) textSupportOver(at time.Time) checks.Text {
	b := q.version().branch()
	head := checks.Text{
		En: "Mastodon " + b + " is no longer supported",
		Ja: "Mastodon " + b + " はサポートが終了しています",
	}
	if !at.IsZero() {
		head = checks.Text{
			En: "Mastodon " + b + " has not been supported since " + checks.On(at),
			Ja: "Mastodon " + b + " のサポートは" + checks.On(at) + "に終了しました",
		}
	}
	return checks.Lines(head, checks.Text{
		En: "Security holes that are found in it are no longer fixed.",
		Ja: "今後脆弱性が見つかっても、修正版は提供されません。",
	}, q.textForkSupport())
}

func (q question) textSupportEnds(at time.Time) checks.Text {
	b := q.version().branch()
	return checks.Lines(checks.Text{
		En: "support of Mastodon " + b + " ends on " + checks.On(at),
		Ja: "Mastodon " + b + " のサポートは" + checks.On(at) + "までです",
	}, checks.Text{
		En: "After that, security holes in it are no longer fixed. " + checks.Left(at) + " left.",
		Ja: "以後は脆弱性が見つかっても修正されません。残り" + checks.Left(at) + "です。",
	}, q.textForkSupport())
}

func (q question) textForkSupport() checks.Text {
	if q.running.fork == "" {
		return checks.Text{}
	}
	return checks.Text{
		En: "That is Mastodon's own word; this server runs a fork of it (" + q.running.fork + ").",
		Ja: "これは本家の方針です。このサーバーはフォーク（" + q.running.fork + "）です。",
	}
}

func (q question) textChecker() checks.Text {
	head := checks.Text{
		En: "Mastodon's own check for updates stands still",
		Ja: "Mastodon自身の更新チェックが止まっています",
	}
	if missing := q.unknownToTable(); len(missing) > 0 {
		v := missing[len(missing)-1].version().String()
		return checks.Lines(head, checks.Text{
			En: "It does not know of " + v + " yet, so nobody gets Mastodon's own mail about it.",
			Ja: v + " をまだ認識していないため、管理者への更新通知メールも届きません。",
		})
	}
	v := q.leftInTable()[0].version().String()
	return checks.Lines(head, checks.Text{
		En: "It still takes " + v + " for new, though " + q.here() + " runs. Nobody will get Mastodon's mail about the next one.",
		Ja: q.here() + "で動いているのに、" + v + " を新しいバージョンとして扱ったままです。次の更新通知メールも届きません。",
	})
}

// summary is the one line.
func (q question) summary(o checks.Observation) checks.Text {
	var worst checks.Finding
	for _, f := range o.Findings {
		if !f.Holds && f.Severity > worst.Severity {
			worst = f
		}
	}
	if worst.Severity > checks.OK {
		return worst.Text.Headline()
	}
	here := q.here()
	newer := q.newer()
	switch {
	case !q.told():
		return checks.Text{En: here + ", and nobody tells of newer ones", Ja: here + "（新しいバージョンの有無は確認できません）"}
	case len(newer) > 0:
		v := newer[len(newer)-1].version().String()
		return checks.Text{En: here + "; " + v + " has just come out", Ja: here + "（" + v + "が公開されたばかりです）"}
	case q.version().early():
		return checks.Text{En: here + ", ahead of every release", Ja: here + "（どの正式版よりも新しい開発版）"}
	case q.offline:
		return checks.Text{En: here + "; Mastodon's own list has no newer one", Ja: here + "（Mastodon自身の一覧では最新）"}
	}
	return checks.Text{En: here + ", the newest", Ja: here + "（最新）"}
}

// textOther is for a server that is no Mastodon.
func textOther(name string) checks.Text {
	return checks.Text{
		En: name + " is no Mastodon: nothing is known of its versions",
		Ja: name + "はMastodonではないため、対象外です",
	}
}

func textNoTime() checks.Text {
	return checks.Text{En: "no time left to look", Ja: "確認する時間がありませんでした"}
}

// textNobodyTells says why it is not known which versions are out.
func (q question) textNobodyTells() checks.Text {
	if q.offline {
		return checks.Text{
			En: "which versions are out: nobody may be asked (offline = true)",
			Ja: "新しいバージョンの有無を確認できません（offline = true のため問い合わせていません）",
		}
	}
	if q.updates == "" && (q.releases == off || q.releases == "") {
		return checks.Text{
			En: "which versions are out: both places to ask are switched off",
			Ja: "新しいバージョンの有無を確認できません（問い合わせ先が両方とも無効です）",
		}
	}
	why := checks.Text{}
	switch {
	case q.memory.Service.err != nil:
		why = textWhy(q.memory.Service.err)
	case q.memory.Releases.err != nil:
		why = textWhy(q.memory.Releases.err)
	default:
		why = checks.Text{En: "no answer for too long", Ja: "長いあいだ応答がありません"}
	}
	return checks.Text{
		En: "which versions are out could not be asked (" + why.En + ")",
		Ja: "新しいバージョンの有無を確認できません（" + why.Ja + "）",
	}
}

func (q question) textNoService() checks.Text {
	return checks.Text{
		En: "whether Mastodon's own check for updates works: the update service does not answer",
		Ja: "Mastodon自身の更新チェックが動いているか確認できません（更新サービスの応答なし）",
	}
}

// textWhy says why somebody far away gave no answer.
func textWhy(err error) checks.Text {
	var status *statusError
	var limited *api.RateLimitError
	var large *api.TooLargeError
	var wire *api.TransportError
	switch {
	case errors.As(err, &limited):
		return checks.Text{En: "429, asked too often from this address", Ja: "429、このアドレスからの問い合わせが多すぎます"}
	case errors.As(err, &status) && status.code == 403:
		return checks.Text{En: "403, refused or asked too often from this address", Ja: "403、拒否されたか、このアドレスからの問い合わせが多すぎます"}
	case errors.As(err, &status):
		return checks.Text{En: fmt.Sprintf("the answer is %d", status.code), Ja: fmt.Sprintf("応答が%dです", status.code)}
	case errors.As(err, &large):
		return checks.Text{En: "the answer does not end", Ja: "応答が終わりません"}
	case errors.Is(err, errShape):
		return checks.Text{En: "the answer is something else", Ja: "応答の中身が想定と違います"}
	case errors.As(err, &wire) && wire.Timeout():
		return checks.Text{En: "no answer in time", Ja: "時間内に応答がありません"}
	}
	return checks.Text{En: "no connection", Ja: "接続できません"}
}

// textSilent says why the server does not tell its version.
func textSilent(r running) checks.Text {
	if r.failing {
		return checks.Text{
			En: "the server does not tell its version: it answers with errors",
			Ja: "サーバーのバージョンを取得できません（エラー応答）",
		}
	}
	return checks.Text{
		En: "the server does not tell its version; the check of the instance API says why",
		Ja: "サーバーのバージョンを取得できません（理由はインスタンスAPIのチェックに出ます）",
	}
}

func textNoVersion(r running) checks.Text { return textSilent(r) }
