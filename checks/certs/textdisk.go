package certs

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
)

// textNotLoaded says that a renewed certificate lies on disk, and is not served.
func textNotLoaded(w checks.Text, q question, f fault) checks.Text {
	server, since, fresh := serverName(q), f.stand.since, f.stand.on.leaf().NotAfter
	head := checks.Text{
		En: "certificate of " + w.En + ": renewed " + checks.Ago(since) + " ago, but " + server.En + " still serves the old one",
		Ja: "証明書 " + checks.Ago(since) + "前に更新済みですが、" + server.Ja + "は古いままです（" + w.Ja + "）",
	}
	both := checks.Text{
		En: "The old one is valid to " + checks.At(f.end) + ", the renewed one on disk to " + checks.On(fresh) + ".",
		Ja: "古い証明書は" + checks.At(f.end) + "まで、ディスク上の新しい証明書は" + checks.On(fresh) + "までです。",
	}
	after := textAfter(q.service)
	if f.severity == checks.Critical {
		head = checks.Text{
			En: "certificate of " + w.En + " expires in " + checks.Left(f.end) + "; the renewed one is not loaded",
			Ja: "証明書 期限まで" + checks.Left(f.end) + "、更新が未反映です（" + w.Ja + "）",
		}
		both = checks.Text{
			En: capital(server.En) + " is still using the old certificate (to " + checks.At(f.end) + ").\n" +
				"The renewed one (valid to " + checks.On(fresh) + ") has been on disk for " + checks.Ago(since) + ".",
			Ja: server.Ja + "が古い証明書（" + checks.At(f.end) + "まで）のまま動いています。\n" +
				"新しい証明書（" + checks.On(fresh) + "まで）は" + checks.Ago(since) + "前に取得済みですが、読み込まれていません。",
		}
	}
	if !q.now.Before(f.end) {
		head = checks.Text{
			En: "certificate of " + w.En + " has expired; the renewed one is not loaded",
			Ja: "証明書 期限切れ、更新が未反映です（" + w.Ja + "）",
		}
		after = textEnded(q.service)
	}
	return checks.Lines(head, both, after)
}

// capital begins a sentence with what may be the name of a program, which keeps
// its small letter.
func capital(s string) string {
	if rest, ok := strings.CutPrefix(s, "the "); ok {
		return "The " + rest
	}
	return s
}

func textNameLost(w checks.Text, f fault) checks.Text {
	return checks.Lines(checks.Text{
		En: "the renewed certificate on disk is no longer for " + w.En,
		Ja: "証明書 更新後のものに名前がありません（" + w.Ja + "）",
	}, checks.Text{
		En: "The one that is served still has the name; the one that has been on disk for " + checks.Ago(f.stand.since) + " has not.",
		Ja: "いま使われている証明書には名前がありますが、" + checks.Ago(f.stand.since) + "前に更新されたものにはありません。",
	}, textNames(f), checks.Text{
		En: "After the next reload of the web server this name can no longer be reached.",
		Ja: "次にWebサーバーをリロードすると、この名前では接続できなくなります。",
	})
}

func textElsewhere(about, cdn string) checks.Text {
	name := shorten(about)
	if cdn != "" {
		return checks.Text{
			En: "the web server's own certificate could not be seen: " + cdn + " answers for " + name,
			Ja: name + "には" + cdn + "が応答するため、その内側のWebサーバーの証明書は確認できません",
		}
	}
	return checks.Text{
		En: "the web server's own certificate could not be seen: another machine seems to answer for " + name,
		Ja: name + "にはこのマシン以外が応答しているようで、ここのWebサーバーの証明書は確認できません",
	}
}

// nameOf is a lineage in a sentence: its name on one short line.
func nameOf(l lineage) string { return shorten(subjectOf(l)) }

func textOverdue(l lineage, over, unused bool) checks.Text {
	end, whole, name := l.leaf().NotAfter, checks.Span(l.leaf().NotAfter.Sub(l.leaf().NotBefore)), nameOf(l)
	use := checks.Text{}
	if unused {
		use = checks.Text{En: " No name or port that is looked at uses it.", Ja: "確認している名前やポートでは使われていません。"}
	}
	if over {
		return checks.Text{
			En: "certificate \"" + name + "\" on disk has expired\n" +
				"It was valid to " + checks.At(end) + " and was not renewed." + use.En,
			Ja: "証明書 ディスク上の「" + name + "」が期限切れです\n" +
				checks.At(end) + "に切れ、更新されていません。" + use.Ja,
		}
	}
	return checks.Text{
		En: "certificate \"" + name + "\" on disk ends in " + checks.Left(end) + ", its renewal is overdue\n" +
			"It is valid to " + checks.At(end) + " (of " + whole.En + "); a renewal is usual when a third is left." + use.En,
		Ja: "証明書 更新が遅れています。期限まで" + checks.Left(end) + "（" + name + "）\n" +
			"ディスク上のもので、" + checks.At(end) + "まで有効です（有効期間" + whole.Ja + "）。通常は残り3分の1で更新されます。" + use.Ja,
	}
}

func textBrokenFile(l lineage) checks.Text {
	path, name := checks.QuoteName(l.path), nameOf(l)
	what := checks.Text{En: "cannot be read as a certificate", Ja: "証明書として読めません"}
	switch {
	case errors.Is(l.err, errEmpty):
		what = checks.Text{En: "is empty", Ja: "空です"}
	case missing(l.err):
		what = checks.Text{En: "is missing", Ja: "見つかりません"}
	case errors.Is(l.err, errIrregular):
		what = checks.Text{En: "is no ordinary file", Ja: "通常のファイルではありません"}
	case errors.Is(l.err, errTooLarge):
		what = checks.Text{En: "is far too large for a certificate", Ja: "大きすぎます"}
	case errors.Is(l.err, errLeadsOut):
		what = checks.Text{En: "is a link to something that is no certificate", Ja: "証明書ではないものを指しています"}
	case errors.Is(l.err, errKey):
		what = checks.Text{En: "holds a private key, and was not read further", Ja: "秘密鍵を含むため、読むのをやめました"}
	}
	return checks.Text{
		En: "certificate file of \"" + name + "\" " + what.En + "\n" +
			path + "\nA server that uses it goes on with what it has loaded, and will not start again once it is restarted.",
		Ja: "証明書 「" + name + "」のファイルが" + what.Ja + "\n" +
			path + "\nこれを使うサーバーは、いまは読み込み済みのもので動いていても、次の再起動で起動できなくなります。",
	}
}

func textNoHook(by manager, names []string, server string) checks.Text {
	s := checks.Text{En: "the web server", Ja: "Webサーバー"}
	if server != "" {
		s = checks.Same(server)
	}
	shown := make([]string, 0, shownNames)
	for _, n := range names[:min(len(names), shownNames)] {
		shown = append(shown, shorten(checks.QuoteName(n)))
	}
	list := textList(shown, len(names)-len(shown))
	return checks.Text{
		En: "no hook of " + string(by) + " reloads " + s.En + " after a renewal\n" +
			"For " + list.En + ", a renewed certificate waits on disk until somebody reloads " + s.En + ".",
		Ja: "証明書 更新後に" + s.Ja + "をリロードするフックがありません（" + string(by) + "）\n" +
			list.Ja + "は、更新されても、誰かが" + s.Ja + "をリロードするまで読み込まれません。",
	}
}

func textNoRenewal(by manager, r rota) checks.Text {
	head := checks.Text{
		En: string(by) + " has certificates here, but nothing renews them by itself",
		Ja: "証明書 自動更新が設定されていません（" + string(by) + "）",
	}
	switch {
	case len(r.off) > 0:
		t := checks.QuoteName(r.off[0])
		return checks.Lines(head, checks.Text{
			En: t + " is there, but is not switched on.", Ja: t + "はありますが、有効になっていません。",
		})
	case len(r.masked) > 0:
		t := checks.QuoteName(r.masked[0])
		return checks.Lines(head, checks.Text{
			En: t + " is there, but is masked: it cannot be started.", Ja: t + "はありますが、maskされています。",
		})
	case by == byCertbot && r.program == "":
		return checks.Lines(head, checks.Text{
			En: "No timer and no cron job starts it, and certbot itself was not found.",
			Ja: "起動するタイマーもcronもなく、certbot自体も見つかりません。",
		})
	}
	return checks.Lines(head, checks.Text{
		En: "No timer and no cron job that starts it was found.",
		Ja: "起動するタイマーもcronも見つかりません。",
	})
}

func textCronHidden(by manager) checks.Text {
	return checks.Text{
		En: "whether cron starts the renewals of " + string(by) + " could not be seen: no permission for the crontabs",
		Ja: string(by) + "の自動更新がcronにあるか確認できません（crontabの閲覧権限がありません）",
	}
}

func textDenied(places []string) checks.Text {
	shown := make([]string, 0, len(places))
	for _, p := range places[:min(len(places), shownNames)] {
		shown = append(shown, checks.QuoteName(p))
	}
	t := checks.Text{
		En: "no permission for the certificates on disk: " + strings.Join(shown, ", "),
		Ja: "ディスク上の証明書を確認できません。閲覧権限がありません: " + strings.Join(shown, "、"),
	}
	if more := len(places) - len(shown); more > 0 {
		t.En += " and " + strconv.Itoa(more) + " more"
		t.Ja += "、ほか" + strconv.Itoa(more) + "件"
	}
	return t
}

func textConfsDenied() checks.Text {
	return checks.Text{
		En: "how certbot renews could not be seen: no permission for " + certbotFolder + "/renewal",
		Ja: "certbotの更新設定を確認できません。閲覧権限がありません: " + certbotFolder + "/renewal",
	}
}

func textBeyond(read, beyond int) checks.Text {
	r, b := checks.Number(int64(read)), checks.Number(int64(beyond))
	return checks.Text{
		En: "only " + r.En + " certificates on disk were read; " + b.En + " more are there",
		Ja: "ディスク上の証明書は" + r.Ja + "件まで確認しました。ほかに" + b.Ja + "件あります",
	}
}

func textRenewedOnDisk(l lineage) checks.Text {
	name, end := nameOf(l), checks.On(l.leaf().NotAfter)
	return checks.Text{
		En: "the certificate \"" + name + "\" was renewed on disk, valid to " + end,
		Ja: "ディスク上の証明書「" + name + "」が更新されました（" + end + "まで）",
	}
}

// textOnDisk says for the summary how what is served stands to the disk.
func textOnDisk(s standing) checks.Text {
	switch s.how {
	case loaded:
		return checks.Text{En: "the newest on disk", Ja: "ディスク上の最新と一致"}
	case replaced:
		return checks.Text{
			En: "renewed on disk " + checks.Ago(s.since) + " ago, not loaded yet",
			Ja: checks.Ago(s.since) + "前に更新済み、未反映",
		}
	}
	return checks.Text{}
}
