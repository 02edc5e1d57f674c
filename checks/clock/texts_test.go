package clock

import (
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestTexts(t *testing.T) {
	off := func(d time.Duration) estimate {
		return estimate{offset: d, margin: 600 * time.Millisecond, why: reasonAgree}
	}
	chrony := keeper{name: "chrony", unit: "chrony"}
	timesyncd := keeper{name: "timesyncd", unit: "systemd-timesyncd", timedatectl: true}
	answers := []answer{{name: "www.debian.org"}, {name: "www.wikipedia.org", offset: 3 * time.Minute}}

	say := checkstest.Say
	checkstest.Texts(
		t, "clock",
		say("ahead, nothing keeps it", textOffset(off(185*time.Second), 4, true), adviceMend(chrony)),
		say("behind, although it is kept", textOffset(off(-40*time.Second), 3, false), adviceMend(timesyncd)),
		say("not kept, still right", textUnsync(off(200*time.Millisecond)), adviceMend(keeper{name: "ntpsec", unit: "ntpsec"})),
		say("not kept, not compared, no program (apt)", textUnsync(estimate{why: reasonNobody}), adviceMend(keeper{apt: true, timedatectl: true})),
		say("not kept, not compared, no program (dnf)", textUnsync(estimate{why: reasonNobody}), adviceMend(keeper{dnf: true})),
		say("unseen: servers disagree", textUnknownOffset(reasonDisagree, answers, 4)),
		say("unseen: too few", textUnknownOffset(reasonFew, answers[:1], 4)),
		say("unseen: the system does not say", textUnknownKernel(), adviceLook(keeper{name: "openntpd"})),
		say("unseen: nothing, offline", textNothing(true), adviceLook(keeper{timedatectl: true})),
		say("unseen: nothing", textNothing(false), adviceLook(keeper{})),
		say("summary", summary(off(300*time.Millisecond), 4, true, false)),
		say("summary, behind and not kept", summary(off(-40*time.Second), 3, true, true)),
		say("summary, offline", summary(estimate{why: reasonNobody}, 0, true, false)),
		say("summary, servers disagree", summary(estimate{why: reasonDisagree}, 2, false, false)),
		say("summary, too few", summary(estimate{why: reasonFew}, 1, true, false)),
	)
}
