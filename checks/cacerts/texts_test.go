package cacerts

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	now := checkstest.TextsNow
	system := store{name: systemStore, path: "/etc/ssl/certs/ca-certificates.crt", roots: 142, bad: 3}
	ruby := store{name: runtimeStore, path: "/usr/lib/ssl/openssl/ssl/cert.pem", roots: 140}
	apt, dnf := question{stores: []store{system, ruby}, tools: tools{apt: true}}, question{stores: []store{system, ruby}, tools: tools{dnf: true}}
	fails := proof{store: system, reached: 9, fair: 9, verified: 4, failed: []string{"www.wikipedia.org", "www.debian.org", "letsencrypt.org", "www.iana.org", "www.apple.com"}}
	rubyFails := proof{store: ruby, reached: 9, fair: 8, verified: 7, failed: []string{"letsencrypt.org"}, only: 1}
	unproven := proof{reached: 2, dated: 2, theirs: []string{"www.iana.org", "www.debian.org"}}
	asked := memory{Asked: now.Add(-5 * time.Hour).Unix(), Verified: 9, Of: 9}
	fresh := pack{installed: "20230311+deb12u1"}

	say := checkstest.Say
	checkstest.Texts(
		t, "cacerts",
		say("cannot verify", textUnverified(fails, false), apt.adviceStore(system)),
		say("Ruby cannot verify, the other list can", textUnverified(rubyFails, true), apt.adviceStore(ruby)),
		say("missing", textBundle(system, errNoBundle), dnf.adviceStore(system)),
		say("empty", textBundle(system, errEmpty), apt.adviceStore(system)),
		say("damaged", textBundle(system, errDamaged), apt.adviceStore(system)),
		say("not readable, of Ruby", textBundle(ruby, errors.New("input/output error")), apt.adviceStore(ruby)),
		say("shrunken", textShrunken(store{name: systemStore, roots: 4}, 142), apt.adviceStore(system)),
		say("outdated", textOutdated(pack{installed: "20210119", offered: "20230311+deb12u1"}), apt.adviceUpgrade()),
		say("outdated, dnf", textOutdated(pack{installed: "2023.2.62", offered: "2024.2.69"}), dnf.adviceUpgrade()),
		say("unseen: the clock", textUnproven(reasonClock, proof{reached: 9, dated: 7}, 9), adviceUnproven(reasonClock)),
		say("unseen: theirs", textUnproven(reasonTheirs, unproven, 9), adviceUnproven(reasonTheirs)),
		say("unseen: the network", textUnproven(reasonNetwork, unproven, 9), adviceUnproven(reasonNetwork)),
		say("unseen: no permission", textClosed(ruby), adviceClosed()),
		say("unseen: no manager", textNoPackage(errNoManager)),
		say("unseen: the manager does not tell", textNoPackage(errPolicy)),
		say("unseen: no time", textNoTime()),
		say("summary", question{stores: []store{system}, proofs: []proof{{verified: 9}}, pack: fresh}.summary(9)),
		say("summary, two, asked earlier", question{stores: []store{system, ruby}, before: asked, reused: true, pack: fresh}.summary(0)),
		say("summary, offline", question{stores: []store{{name: systemStore, roots: 1}}, offline: true}.summary(0)),
		say("summary, one not readable, bad servers", question{stores: []store{system, {name: runtimeStore, err: fs.ErrPermission}}, proofs: []proof{{verified: 7, theirs: []string{"www.iana.org"}}, {}}}.summary(9)),
		say("summary, none readable", question{stores: []store{{name: systemStore, err: errNoBundle}}, proofs: []proof{{}}}.summary(9)),
	)
}
