package redis

import (
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// adviceLog leads to what the server says of itself, where it is here.
func adviceLog(m machine, local bool) checks.Advice {
	switch {
	case m.found.Compose != "":
		return checks.Advice{Look: m.compose("logs", "--tail", "20", "redis")}
	case local:
		return checks.Advice{Look: checks.Sh("sudo", "tail", "-n", "20", "/var/log/redis/redis-server.log")}
	}
	return checks.Advice{Text: checks.Text{
		En: "Its log is on the machine where it runs.",
		Ja: "ログはRedisが動いているマシンにあります。",
	}}
}

// adviceSilent starts one that does not run; one that hangs is looked at first.
func adviceSilent(r reading, fault site.Fault, m machine) checks.Advice {
	if fault != site.NotThere && fault != site.Silent {
		return adviceLog(m, r.local)
	}
	a := checks.Advice{Text: checks.Text{
		En: "See first whether it swaps or works on one slow command: a restart loses what it has not saved.",
		Ja: "まず、スワップや時間のかかるコマンドで止まっていないか確かめてください。再起動すると、未保存のデータは失われます。",
	}}
	var start checks.Shell
	switch {
	case m.found.Compose != "":
		a.Look, start = m.compose("ps", "redis"), m.compose("up", "-d", "redis")
	case r.local:
		a.Look, start = checks.Sh("systemctl", "status", "redis-server"), checks.Sh("sudo", "systemctl", "restart", "redis-server")
	}
	if fault == site.NotThere { // there is nothing to lose
		a.Text = checks.Text{
			En: "If it runs elsewhere, set [server] redis_url and sidekiq_redis_url.",
			Ja: "別の場所で動いている場合は、[server] のredis_urlとsidekiq_redis_urlを設定してください。",
		}
		if start != nil {
			a.Mend = []checks.Shell{start}
		}
	}
	return a
}

// adviceWrites is to see why it cannot save, mend that, and save once: then
// writes are taken again.
func adviceWrites(r reading, m machine, aof bool) checks.Advice {
	a := adviceLog(m, r.local)
	look := checks.Text{
		En: "The log names the cause: \"No space left\" (disk full), \"Permission denied\" (folder), \"fork: Cannot allocate memory\" (vm.overcommit_memory must be 1).",
		Ja: "原因はログに出ます。「No space left」はディスク満杯、「Permission denied」はフォルダーの権限、「fork: Cannot allocate memory」はvm.overcommit_memory（1にする）です。",
	}
	if c, _, _ := m.cause(r); c == forkRefused {
		a.Mend = append(a.Mend, checks.Sh("sudo", "sysctl", "vm.overcommit_memory=1"))
	}
	if aof {
		// It goes on by itself as soon as a write succeeds.
		a.Text = look
		return a
	}
	a.Text = checks.Text{
		En: look.En + " Once that is fixed, one save ends this.",
		Ja: look.Ja + "原因を直したら、一度保存すれば解消します。",
	}
	if c := m.cli(r, "BGSAVE"); c != nil {
		a.Mend = append(a.Mend, c)
	}
	return a
}

func adviceRewrite(r reading, m machine) checks.Advice {
	a := adviceLog(m, r.local)
	if c := m.cli(r, "BGREWRITEAOF"); c != nil {
		a.Mend = []checks.Shell{c}
	}
	return a
}

func adviceSaved(r reading, m machine) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Saving is perhaps switched off in redis.conf (save \"\").",
			Ja: "redis.confで保存が無効（save \"\"）になっている可能性があります。",
		},
		Look: m.cli(r, "INFO", "persistence"),
	}
	if c := m.cli(r, "BGSAVE"); c != nil {
		a.Mend = []checks.Shell{c}
	}
	return a
}

func adviceRole(r reading, m machine) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "If the primary is elsewhere now, Mastodon must be told (REDIS_HOST). If nobody did this on purpose, Redis was reachable for strangers: close its port first. Then this makes it a primary again:",
			Ja: "プライマリを別のサーバーへ移した場合は、MastodonのREDIS_HOSTを変更してください。覚えがなければ、外部から操作された疑いがあります。先にポートを閉じてください。次のコマンドでプライマリに戻ります。",
		},
		Look: m.cli(r, "INFO", "replication"),
	}
	if c := m.cli(r, "REPLICAOF", "NO", "ONE"); c != nil {
		a.Mend = []checks.Shell{c}
	}
	return a
}

func adviceMemory(r reading, m machine, own bool) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Often a queue of Sidekiq's has grown; see what is biggest before anything is deleted.",
			Ja: "Sidekiqのキューが溜まっていることが多いです。何かを消す前に、大きいものを確かめてください。",
		},
		Look: m.cli(r, "--bigkeys"),
	}
	if own {
		a.Text = checks.Text{
			En: a.Text.En + " If the machine has room, raise maxmemory in redis.conf.",
			Ja: a.Text.Ja + "マシンのメモリに余裕があれば、redis.confのmaxmemoryを上げてください。",
		}
	}
	return a
}

func adviceEviction(r reading, m machine) checks.Advice {
	a := checks.Advice{
		Text: checks.Text{
			En: "Write maxmemory-policy noeviction into redis.conf as well, or it is back after the next restart.",
			Ja: "redis.confにもmaxmemory-policy noevictionを書いてください。書かないと再起動で元に戻ります。",
		},
		Look: m.cli(r, "INFO", "memory"),
	}
	if c := m.cli(r, "CONFIG", "SET", "maxmemory-policy", "noeviction"); c != nil {
		a.Mend = []checks.Shell{c}
	}
	return a
}

func adviceSlow(r reading, m machine) checks.Advice {
	return checks.Advice{
		Text: checks.Text{
			En: "Look for slow commands and for swapping.",
			Ja: "時間のかかったコマンドと、スワップの発生を確かめてください。",
		},
		Look: m.cli(r, "SLOWLOG", "GET", "5"),
	}
}

func adviceClients(r reading, m machine) checks.Advice {
	c := m.cli(r, "CLIENT", "LIST")
	if c == nil {
		return checks.Advice{}
	}
	if strings.Contains(c.String(), "docker") {
		return checks.Advice{Look: c}
	}
	return checks.Advice{Look: c.Pipe("cut", "-d", " ", "-f", "2").Pipe("cut", "-d", ":", "-f", "1").Pipe("sort").Pipe("uniq", "-c")}
}
