package webui

import (
	"errors"
	"io/fs"
	"strconv"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// textFiles says what is wrong with files of the page.
func (l *looked) textFiles(g group) checks.Text {
	worst := g.faults[0]
	same, seen := 0, 0 // with the same fault as the worst; seen at all
	for _, f := range g.faults {
		if f.What != hidden {
			seen++
		}
		if f.What == worst.What && f.Code == worst.Code {
			same++
		}
	}
	var head checks.Text
	if worst.Cached {
		head = checks.Text{
			En: "visitors get an old page out of a cache, which names files that are gone",
			Ja: "Web画面 キャッシュの古いページが、もう存在しないファイルを参照しています",
		}
	} else {
		head = textHead(worst, seen, same, l.after.Count)
	}
	lines := []checks.Text{head}
	if seen > 1 || worst.Cached {
		lines = append(lines, textNames(g.faults))
	}
	lines = append(lines, textEffect(g.faults))
	if g.host != "" {
		h, comes := hostOf(g.host), "They come"
		if seen := len(g.faults); seen == 1 {
			comes = "It comes"
		}
		lines = append(lines, checks.Text{En: comes + " from " + h.En + ".", Ja: "取得元は " + h.Ja + " です。"})
	}
	return checks.Lines(append(lines, l.textCause(g))...)
}

// textHead is the headline: one file by name, several as a number.
func textHead(worst fault, seen, same, of int) checks.Text {
	single := same == 1 && seen == 1
	w := textWhat(worst, single)
	if single {
		kind := textKind(worst.Role)
		n := checks.Named(asset{URL: worst.URL}.name(), 40)
		return checks.Text{En: "web UI: the " + kind.En + " " + n.En + " " + w.En, Ja: "Web画面 " + kind.Ja + " " + n.Ja + " " + w.Ja}
	}
	n := strconv.Itoa(seen)
	all := n
	if of > seen {
		all = n + " of " + strconv.Itoa(of)
	}
	if same < seen {
		some := strconv.Itoa(same)
		return checks.Text{
			En: "web UI: " + all + " files are not right; " + some + " of them " + textWhat(worst, same == 1).En,
			Ja: "Web画面 " + ofJa(of, seen) + "に異常があります。うち" + some + "個" + textWhat(worst, false).Ja,
		}
	}
	return checks.Text{En: "web UI: " + all + " files " + w.En, Ja: "Web画面 " + ofJa(of, seen) + w.Ja}
}

func ofJa(of, n int) string {
	if of > n {
		return "ファイル" + strconv.Itoa(of) + "個中" + strconv.Itoa(n) + "個"
	}
	return "ファイル" + strconv.Itoa(n) + "個"
}

func textKind(r role) checks.Text {
	switch r {
	case style:
		return checks.Text{En: "style sheet", Ja: "スタイルシート"}
	case preload:
		return checks.Text{En: "file", Ja: "ファイル"}
	}
	return checks.Text{En: "script", Ja: "スクリプト"}
}

// textWhat is the fault, as what is said of one file or of several.
func textWhat(f fault, one bool) checks.Text {
	is, have, come, fail := "are", "have", "come", "fail"
	if one {
		is, have, come, fail = "is", "has", "comes", "fails"
	}
	s := api.StatusName(f.Code)
	kind := checks.Named(f.Kind, 40)
	if f.Kind == "" {
		kind = checks.Text{En: "none", Ja: "なし"}
	}
	switch f.What {
	case missing:
		return checks.Text{En: is + " missing (" + s + ")", Ja: "がありません（" + s + "）"}
	case forbidden:
		return checks.Text{En: is + " refused (" + s + ")", Ja: "を読めません（" + s + "）"}
	case failing:
		return checks.Text{En: fail + " (" + s + ")", Ja: "がエラーになります（" + s + "）"}
	case isPage:
		return checks.Text{En: come + " as an HTML page", Ja: "の代わりにHTMLが返ります"}
	case wrongType:
		return checks.Text{En: have + " a wrong content type (" + kind.En + ")", Ja: "のContent-Typeが違います（" + kind.Ja + "）"}
	case empty:
		return checks.Text{En: is + " empty", Ja: "が空です"}
	case garbled:
		return checks.Text{En: is + " damaged under way (compression)", Ja: "の圧縮データが壊れています"}
	case changed:
		return checks.Text{En: is + " not what the page promises (integrity)", Ja: "の中身がページの指定（integrity）と違います"}
	case notAllowed:
		return checks.Text{En: "may not be used on this site (CORS)", Ja: "の利用がCORSで許可されていません"}
	case plainHTTP:
		return checks.Text{En: is + " asked for by plain http", Ja: "がhttpで参照されています"}
	case tooSlow:
		t := checks.Span(assetTimeout)
		return checks.Text{En: is + " not there within " + t.En, Ja: "が" + t.Ja + "待っても届きません"}
	case unreachable:
		return checks.Text{En: "cannot be fetched: no connection", Ja: "を取得できません（接続不可）"}
	case huge:
		return checks.Text{En: is + " far too large", Ja: "が異常に大きくなっています"}
	}
	return checks.Text{En: is + " cut off", Ja: "が途中で切れます"}
}

// namesLimit is how many files are named in a message (own).
const namesLimit = 3

func textNames(faults []fault) checks.Text {
	var names []checks.Text
	for _, f := range faults[:min(len(faults), namesLimit)] {
		names = append(names, checks.Named(asset{URL: f.URL}.name(), 40))
	}
	t := checks.Join(checks.Text{En: ", ", Ja: "、"}, names...)
	if more := len(faults) - len(names); more > 0 {
		n := strconv.Itoa(more)
		t.En, t.Ja = t.En+" and "+n+" more", t.Ja+"、ほか"+n+"個"
	}
	return t
}

// textEffect is what users notice.
func textEffect(faults []fault) checks.Text {
	styles := true
	for _, f := range faults {
		if f.Entry {
			return checks.Text{
				En: "In browsers the page stays blank; apps go on working.",
				Ja: "ブラウザでは画面が真っ白になります。アプリは使えます。",
			}
		}
		styles = styles && f.Role == style
	}
	if styles {
		return checks.Text{En: "In browsers the pages look broken.", Ja: "ブラウザでは表示が崩れます。"}
	}
	return checks.Text{
		En: "In browsers part of the page may not work.",
		Ja: "ブラウザでは一部の機能や表示に影響する可能性があります。",
	}
}

// textCause says what is known of the reason.
func (l *looked) textCause(g group) checks.Text {
	worst := g.faults[0]
	if worst.Cached || l.otherDisk {
		return checks.Text{}
	}
	switch worst.What {
	case missing, forbidden, isPage:
		return l.textPlace(worst)
	case empty:
		if worst.Disk == offDisk || worst.Disk == spoilt {
			return checks.Text{En: "The build on disk is not whole: assets:precompile did not finish.", Ja: "ディスク上のビルドが不完全です（assets:precompileが完了していません）。"}
		}
	case changed:
		switch worst.Disk {
		case onDisk, shut:
			return checks.Text{
				En: "On disk the file is right: something in between changes it, such as a CDN that minifies.",
				Ja: "ディスク上のファイルは正しいので、途中で書き換えられています（CDNの圧縮・最適化機能など）。",
			}
		case spoilt:
			return checks.Text{
				En: "The file on disk is itself changed: edited by hand, or cut off while it was built.",
				Ja: "ディスク上のファイル自体が変わっています（手作業の編集か、ビルドの中断）。",
			}
		}
		return checks.Text{
			En: "Every file is served, yet browsers refuse it. Probably a CDN that minifies, or a file edited by hand.",
			Ja: "ファイルは配信されていますが、ブラウザが使用を拒否します。CDNの最適化機能か、手作業の編集が原因の可能性があります。",
		}
	}
	return checks.Text{}
}

// textPlace says what lies on disk in the place of a file that is not served.
func (l *looked) textPlace(f fault) checks.Text {
	switch f.Disk {
	case shut:
		return checks.Text{
			En: "The file is on disk, but closed to other users: the web server probably may not pass.",
			Ja: "ファイルはディスクにありますが、他ユーザーには閉じられています。Webサーバーが読めないようです。",
		}
	case onDisk, spoilt:
		return checks.Text{
			En: "The file is on disk: the web server looks in another place, or may not read it.",
			Ja: "ファイルはディスクにあります。Webサーバーが別の場所を見ているか、読めていません。",
		}
	case otherBuild:
		return checks.Text{
			En: "The build on disk has other files: probably the web process has not been restarted since.",
			Ja: "ディスク上のビルドは別のものです。Webプロセスが再起動されていないようです。",
		}
	case offDisk:
		return checks.Text{
			En: "It is not on disk either: assets:precompile did not finish.",
			Ja: "ディスクにもありません（assets:precompileが完了していません）。",
		}
	}
	return checks.Text{}
}

// textBuild says what is wrong with the build on disk while pages still come.
func textBuild(b build) checks.Text {
	switch b.state {
	case lacking:
		n := strconv.Itoa(len(b.gone))
		all := checks.Text{En: "In browsers parts of the web UI fail, mostly those behind the sign-in.", Ja: "ブラウザでは、主にログイン後の画面の一部が動きません。"}
		return checks.Lines(checks.Text{
			En: "web UI: " + count(len(b.gone), "built file is", "built files are") + " not on disk",
			Ja: "Web画面 ビルド済みファイル" + n + "個がディスクにありません",
		}, all, textBuildDetail(b))
	case badList:
		return checks.Lines(checks.Text{
			En: "web UI: the list of built files is broken; the next restart brings error pages",
			Ja: "Web画面 ビルドの一覧（マニフェスト）が壊れています。次の再起動でエラーになります",
		}, textBuildDetail(b))
	}
	return checks.Lines(checks.Text{
		En: "web UI: the list of built files is gone; the next restart brings error pages",
		Ja: "Web画面 ビルドの一覧（マニフェスト）がありません。次の再起動でエラーになります",
	}, textBuildDetail(b))
}

// textBuildDetail says what of a build is missing.
func textBuildDetail(b build) checks.Text {
	list := checks.Named(b.manifest, 80)
	switch b.state {
	case noList:
		return checks.Text{En: list.En + " does not exist.", Ja: list.Ja + " がありません。"}
	case badList:
		return checks.Text{En: list.En + " is empty or cut off.", Ja: list.Ja + " が空か、途中で切れています。"}
	case lacking:
		var names []checks.Text
		for _, f := range b.gone[:min(len(b.gone), namesLimit)] {
			names = append(names, checks.Named(f, 60))
		}
		t := checks.Join(checks.Text{En: ", ", Ja: "、"}, names...)
		if more := len(b.gone) - len(names); more > 0 {
			n := strconv.Itoa(more)
			t.En, t.Ja = t.En+" and "+n+" more", t.Ja+"、ほか"+n+"個"
		}
		return checks.Text{En: "Missing in public/packs: " + t.En + ".", Ja: "public/packsにないもの: " + t.Ja}
	}
	return checks.Text{}
}

// reasonOf is an error without the path, which is said already.
func reasonOf(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
