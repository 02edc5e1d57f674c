package redis

import (
	"fmt"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// name is what the server is called: plain "Redis" where there is one.
func name(r reading) checks.Text {
	switch r.subject {
	case baseSubject:
		return checks.Text{En: "the main Redis", Ja: "Redis（本体）"}
	case jobsSubject:
		return checks.Text{En: "Sidekiq's Redis", Ja: "Redis（Sidekiq用）"}
	}
	return checks.Same("Redis")
}

// at is where it is, for a line of its own.
func at(r reading) string { return checks.Shorten(checks.QuoteName(r.place), 80) }

// stops says what users notice while it does not serve.
func stops(r reading) checks.Text {
	switch r.subject {
	case baseSubject:
		return checks.Text{
			En: "Pages and apps fail, timelines are not updated.",
			Ja: "ページもアプリもエラーになり、タイムラインも更新されません。",
		}
	case jobsSubject:
		return checks.Text{
			En: "Nobody can post, and no job is done: nothing is delivered, no notification, no mail.",
			Ja: "投稿ができず、ジョブも処理されません。配送、通知、メールが止まります。",
		}
	}
	return checks.Text{
		En: "Without Redis nothing works: pages fail and no job is done.",
		Ja: "Redisがないと、ページはエラーになり、ジョブも処理されません。",
	}
}

func textSilent(r reading, fault site.Fault, cut bool) checks.Text {
	n := name(r)
	var head checks.Text
	switch {
	case cut:
		head = checks.Text{En: n.En + " hangs up at once", Ja: n.Ja + "に接続してもすぐ切られます"}
	case fault == site.Silent:
		head = checks.Text{En: n.En + " does not answer", Ja: n.Ja + "から応答がありません"}
	case fault == site.Full:
		head = checks.Text{En: n.En + " has no connection left", Ja: n.Ja + "が接続数の上限に達しています"}
	case fault == site.Starting:
		head = checks.Text{En: n.En + " is still reading its data", Ja: n.Ja + "は起動中です（データの読み込み中）"}
	default:
		head = checks.Text{En: n.En + " does not run: nothing listens there", Ja: n.Ja + "が動いていません（待ち受けなし）"}
	}
	where := checks.Text{}
	if a := at(r); a != "" {
		where = checks.Text{En: "Asked at " + a + ".", Ja: "接続先: " + a}
	}
	return checks.Lines(head, stops(r), where)
}

func textLoading(r reading, now time.Time) checks.Text {
	n := name(r)
	head := checks.Text{En: n.En + " is still reading its data", Ja: n.Ja + "は起動中です（データの読み込み中"}
	if share, ok := r.number("loading_loaded_perc"); ok && share > 0 && share <= 100 {
		p := checks.Percent(share / 100)
		head = checks.Text{En: head.En + ", " + p.En + " so far", Ja: head.Ja + "、" + p.Ja}
	}
	head.Ja += "）"
	left := checks.Text{}
	if s := r.count("loading_eta_seconds"); s >= 10 && s < 86400 {
		until := now.Add(time.Duration(s) * time.Second)
		left = checks.Text{En: "It expects to need " + checks.Left(until) + " more.", Ja: "残り時間の目安は" + checks.Left(until) + "です。"}
	}
	return checks.Lines(head, stops(r), left)
}

func textWrites(r reading, m machine, aof bool) checks.Text {
	n := name(r)
	var head, harm checks.Text
	if r.refusal != "" {
		head = checks.Text{
			En: n.En + " refuses all writes: it cannot save its data to disk",
			Ja: n.Ja + "が書き込みを拒否しています（ディスクに保存できないため）",
		}
		harm = checks.Text{
			En: "Nobody can post or sign in, and no job is done.",
			Ja: "投稿もログインもできず、ジョブも処理されません。",
		}
		if r.subject == baseSubject {
			harm = checks.Text{
				En: "Pages and apps fail, timelines are not updated.",
				Ja: "ページもアプリもエラーになり、タイムラインも更新されません。",
			}
		}
	} else {
		head = checks.Text{En: n.En + " could not save its data to disk", Ja: n.Ja + "のデータをディスクに保存できませんでした"}
		harm = checks.Text{
			En: "It still takes writes, but after a restart or a power cut what came since would be gone, queued jobs among it.",
			Ja: "書き込みはまだできますが、再起動や停電があると、それ以降のデータ（待機中のジョブなど）が失われます。",
		}
	}
	what := checks.Text{}
	if last := r.instant("rdb_last_save_time"); !aof && !last.IsZero() {
		what = checks.Text{
			En: "Last saved at " + checks.At(last) + ".",
			Ja: "最後に保存できたのは" + checks.At(last) + "です。",
		}
	}
	return checks.Lines(head, harm, what, causeText(r, m))
}

// causeText says why, as far as it can be told from outside.
func causeText(r reading, m machine) checks.Text {
	used := checks.Size(r.count("used_memory"))
	switch c, folder, room := m.cause(r); c {
	case diskFull:
		return checks.Text{En: "Its disk is full, it says.", Ja: "Redisによると、ディスクに空きがありません。"}
	case littleRoom:
		free, f := checks.Size(room), checks.Named(folder, 60)
		return checks.Text{
			En: fmt.Sprintf("Probably because there are only %s free at %s; its data is up to %s.", free.En, f.En, used.En),
			Ja: fmt.Sprintf("%s の空きが%sしかないためと思われます（データは最大%s）。", f.Ja, free.Ja, used.Ja),
		}
	case forkRefused:
		free := checks.Size(room)
		return checks.Text{
			En: fmt.Sprintf("Probably because the kernel refuses the copy that saves: %s available, %s in use, vm.overcommit_memory is not 1.", free.En, used.En),
			Ja: fmt.Sprintf("保存用プロセスの起動（fork）がカーネルに断られたためと思われます（空きメモリ%s、Redisの使用%s、vm.overcommit_memoryが1ではない）。", free.Ja, used.Ja),
		}
	}
	if _, why, ok := strings.Cut(r.refusal, "AOF file: "); ok {
		said := checks.Said(why)
		return checks.Text{En: "It says " + said.En + ".", Ja: "Redisの表示: " + said.Ja}
	}
	return checks.Text{}
}

func textRewrite(r reading) checks.Text {
	n := name(r)
	size := checks.Text{}
	if v := r.count("aof_current_size"); v > 0 {
		s := checks.Size(v)
		size = checks.Text{En: "It is " + s.En + " now.", Ja: "現在の大きさは" + s.Ja + "です。"}
	}
	return checks.Lines(
		checks.Text{En: n.En + " could not shorten its append-only file", Ja: n.Ja + "の追記ファイル（AOF）を圧縮できませんでした"},
		checks.Text{En: "Until it can, the file only grows.", Ja: "このままではファイルが大きくなり続けます。"},
		size,
	)
}

func textSaved(r reading, last time.Time) checks.Text {
	n, waiting := name(r), checks.Number(int64(r.count("rdb_changes_since_last_save")))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s has saved nothing to disk for %s", n.En, checks.Ago(last)),
			Ja: fmt.Sprintf("%sが%sの間、ディスクに保存していません", n.Ja, checks.Ago(last)),
		},
		checks.Text{
			En: fmt.Sprintf("Changes that are in memory alone: %s. A restart or a power cut would lose them, queued jobs among them.", waiting.En),
			Ja: fmt.Sprintf("%s件の変更がメモリ上にしかありません。再起動や停電で失われます（待機中のジョブも含みます）。", waiting.Ja),
		},
	)
}

func textRole(r reading) checks.Text {
	n := name(r)
	lines := []checks.Text{{
		En: n.En + " is a replica and refuses writes",
		Ja: n.Ja + "がレプリカになっていて、書き込みを拒否します",
	}, stops(r)}
	if host := r.info["master_host"]; host != "" {
		where := checks.Named(host+":"+r.info["master_port"], 60)
		line := checks.Text{En: "It copies " + where.En, Ja: "複製元は " + where.Ja}
		if r.info["master_link_status"] == "down" {
			line = checks.Text{En: line.En + ", which it does not reach", Ja: line.Ja + "（接続できていません）"}
		} else {
			line.Ja += " "
		}
		lines = append(lines, checks.Text{En: line.En + ".", Ja: line.Ja + "です。"})
	}
	return checks.Lines(lines...)
}

func textMemory(r reading, used, limit float64, own, full bool, usual checks.Band) checks.Text {
	n, u, l, share := name(r), checks.Size(used), checks.Size(limit), checks.Percent(min(used/limit, 1))
	var head, harm checks.Text
	switch {
	case full:
		head = checks.Text{
			En: fmt.Sprintf("%s has reached its memory limit (%s) and refuses writes", n.En, l.En),
			Ja: fmt.Sprintf("%sがメモリの上限（%s）に達し、書き込みを拒否しています", n.Ja, l.Ja),
		}
		harm = checks.Text{En: "Nobody can post or sign in, and no job is done.", Ja: "投稿もログインもできず、ジョブも処理されません。"}
	case own:
		head = checks.Text{
			En: fmt.Sprintf("%s uses %s of the memory that it may (%s of %s)", n.En, share.En, u.En, l.En),
			Ja: fmt.Sprintf("%sのメモリ使用が上限の%sです（%s／%s）", n.Ja, share.Ja, u.Ja, l.Ja),
		}
		harm = checks.Text{En: "At the limit it refuses writes, and everything stops.", Ja: "上限に達すると書き込みを拒否し、すべて止まります。"}
	default:
		head = checks.Text{
			En: fmt.Sprintf("%s uses %s of the machine's memory (%s of %s)", n.En, share.En, u.En, l.En),
			Ja: fmt.Sprintf("%sがマシンのメモリの%sを使っています（%s／%s）", n.Ja, share.Ja, u.Ja, l.Ja),
		}
		harm = checks.Text{En: "When it runs out, the kernel kills a process, probably Redis.", Ja: "足りなくなると、カーネルがプロセス（おそらくRedis）を強制終了します。"}
	}
	line := checks.Text{}
	if usual.Days > 0 {
		b := checks.SizeRange(max(usual.Low, 0), max(usual.High, 0))
		line = checks.Text{En: "Usually it uses " + b.En + ".", Ja: "普段は" + b.Ja + "です。"}
	}
	return checks.Lines(head, harm, line)
}

func textEviction(r reading, any bool, lost float64, since time.Time) checks.Text {
	n, policy := name(r), checks.QuoteName(r.info["maxmemory_policy"])
	l := checks.Size(r.count("maxmemory"))
	var head, harm checks.Text
	switch {
	case lost > 0:
		k := checks.Number(int64(lost))
		head = checks.Text{
			En: fmt.Sprintf("%s throws data away for lack of memory: %s keys since %s", n.En, k.En, checks.At(since)),
			Ja: fmt.Sprintf("%sがメモリ不足でデータを捨てています（%s以降%s件）", n.Ja, checks.At(since), k.Ja),
		}
	default:
		head = checks.Text{
			En: fmt.Sprintf("%s may throw data away when its memory is used up (%s)", n.En, policy),
			Ja: fmt.Sprintf("%sは、メモリが上限に達するとデータを捨てる設定です（%s）", n.Ja, policy),
		}
	}
	switch {
	case r.jobs && any:
		harm = checks.Text{
			En: "Sidekiq's jobs are there: whole queues can vanish, and with them posts, notifications and mail.",
			Ja: "Sidekiqのジョブもここにあります。キューごと消え、投稿の配送や通知、メールが失われることがあります。",
		}
	case r.jobs:
		harm = checks.Text{
			En: "Sidekiq's jobs stay, but its locks and the signs of life of its processes can vanish.",
			Ja: "ジョブ自体は残りますが、Sidekiqのロックやプロセスの生存情報が消えることがあります。",
		}
	default:
		harm = checks.Text{
			En: "Home timelines are cut short, and what fails to be delivered is forgotten.",
			Ja: "ホームタイムラインが途切れたり、配送失敗の記録が消えたりします。",
		}
	}
	return checks.Lines(head, harm, checks.Text{
		En: fmt.Sprintf("Its limit is %s, its policy %s; Mastodon needs noeviction.", l.En, policy),
		Ja: fmt.Sprintf("上限は%s、方式は%sです。Mastodonではnoevictionが必要です。", l.Ja, policy),
	})
}

func textSlow(r reading) checks.Text {
	n, t := name(r), checks.Millis(r.took)
	return checks.Lines(
		checks.Text{En: fmt.Sprintf("%s takes %s to answer", n.En, t.En), Ja: fmt.Sprintf("%sの応答に%sかかっています", n.Ja, t.Ja)},
		checks.Text{
			En: "Every page and every job asks it many times, so everything is slow. Usually an answer takes about a millisecond.",
			Ja: "どのページもジョブも何度も問い合わせるため、全体が遅くなります（通常は1ms程度です）。",
		},
	)
}

func textClients(r reading, used, most float64) checks.Text {
	n, u, m := name(r), checks.Number(int64(used)), checks.Number(int64(most))
	return checks.Lines(
		checks.Text{
			En: fmt.Sprintf("%s has %s of %s connections in use", n.En, u.En, m.En),
			Ja: fmt.Sprintf("%sの接続数が上限に近づいています（%s／%s）", n.Ja, u.Ja, m.Ja),
		},
		checks.Text{En: "At the limit new processes get none, and fail.", Ja: "上限に達すると、新しい接続は拒否されてエラーになります。"},
	)
}

func textUnsaid(r reading) checks.Text {
	n := name(r)
	return checks.Text{En: n.En + " leaves this out of what it tells (INFO)", Ja: n.Ja + "のINFOに、この項目がありません"}
}

func textNoTime() checks.Text {
	return checks.Text{En: "there was no time left to ask Redis", Ja: "Redisに問い合わせる時間がありませんでした"}
}

// summary is the one line.
func summary(servers []seen, past checks.Past, now time.Time) checks.Text {
	var parts []checks.Text
	for _, s := range servers {
		n := name(s.reading)
		if s.err != nil {
			why, _ := checks.Explain(s.err)
			parts = append(parts, why)
			continue
		}
		if s.loading() {
			parts = append(parts, textLoading(s.reading, now).Headline())
			continue
		}
		if v := checks.QuoteName(s.info["redis_version"]); v != "" {
			v = checks.Shorten(v, 20)
			n = checks.Text{En: n.En + " " + v, Ja: n.Ja + " " + v}
		}
		t := answerTime(s.took)
		parts = append(parts, checks.Text{En: n.En + ", answers in " + t.En, Ja: n.Ja + "、応答" + t.Ja})
		if used, ok := s.number("used_memory"); ok {
			u := checks.Size(used)
			line := checks.Text{En: u.En + " used", Ja: "使用" + u.Ja}
			if b, ok := past.Normal("used_bytes", s.subject, now); ok {
				r := checks.SizeRange(max(b.Low, 0), max(b.High, 0))
				line = checks.Text{En: line.En + " (usually " + r.En + ")", Ja: line.Ja + "（普段" + r.Ja + "）"}
			}
			parts = append(parts, line)
		}
		parts = append(parts, savedLine(s.reading))
	}
	return checks.Join(checks.Text{En: ", ", Ja: "、"}, parts...)
}

func answerTime(d time.Duration) checks.Text {
	if d < time.Millisecond {
		return checks.Text{En: "under 1 ms", Ja: "1ms未満"}
	}
	return checks.Millis(d)
}

// savedLine says how what it has is kept.
func savedLine(r reading) checks.Text {
	switch last := r.instant("rdb_last_save_time"); {
	case r.refusal != "", r.info["rdb_last_bgsave_status"] == "err":
		return checks.Text{En: "saving fails", Ja: "保存に失敗しています"}
	case r.info["aof_enabled"] == "1":
		return checks.Text{En: "every change is written to disk", Ja: "変更は随時ディスクに保存"}
	case last.IsZero():
		return checks.Text{}
	case r.count("rdb_changes_since_last_save") == 0:
		return checks.Text{En: "all of it saved", Ja: "すべて保存済み"}
	default:
		return checks.Text{En: "saved " + checks.Ago(last) + " ago", Ja: "保存は" + checks.Ago(last) + "前"}
	}
}
