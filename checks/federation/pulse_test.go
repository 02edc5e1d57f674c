package federation

import (
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

func TestADeafServerIsNoticedInAQuarterOfAnHour(t *testing.T) {
	w := newWorld(t, "4.5")
	w.usual(20, 60)
	w.post(t, w.now)
	fell := w.now
	var o checks.Observation
	for ; w.now.Sub(fell) < 15*time.Minute; w.now = w.now.Add(5 * time.Minute) {
		w.nothingFound(t, w.look(t, false))
	}
	w.now = w.now.Add(time.Minute)
	o = w.look(t, false)
	f := w.found(t, o, codeDeaf, "")
	if f.Severity != checks.Critical || f.Road != checks.Now || w.now.Sub(fell) > 17*time.Minute {
		t.Errorf("%v %v after %v", f.Severity, f.Road, w.now.Sub(fell))
	}
	if !strings.Contains(o.Summary.En, "nothing from other servers for") {
		t.Errorf("summary %q", o.Summary.En)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.found(t, w.look(t, false), codeDeaf, "") // held while it lasts

	w.post(t, w.now.Add(-2*time.Second))
	w.nothingFound(t, w.look(t, false))
}

func TestPostsThatComeLateAreToldFromNone(t *testing.T) {
	w := newWorld(t, "4.6")
	w.usual(20, 60)
	for range 3 {
		w.now = w.now.Add(5 * time.Minute)
		w.post(t, w.now.Add(-40*time.Minute)) // older than the fixture's newest: it changes nothing at first
	}
	w.now = w.now.Add(2 * time.Hour)
	var o checks.Observation
	for range 3 {
		w.now = w.now.Add(5 * time.Minute)
		w.post(t, w.now.Add(-40*time.Minute))
		o = w.look(t, false)
	}
	f := w.found(t, o, codeDeaf, "")
	if !strings.Contains(f.Text.En, "come in late") {
		t.Errorf("it says %q", f.Text.En)
	}
}

func TestAQuietNightOfASmallServerStaysSilent(t *testing.T) {
	w := newWorld(t, "4.6")
	w.usual(20*60, 70*60)
	for range 60 { // five hours
		w.now = w.now.Add(5 * time.Minute)
		w.nothingFound(t, w.look(t, false))
	}
}

func TestPeopleHereHideNoSilence(t *testing.T) {
	w := newWorld(t, "4.6")
	w.usual(20, 60)
	fell := w.now.Add(time.Minute)
	w.now = fell.Add(6 * time.Hour)
	// Within that time people here write more than is read.
	w.db.Exec(t, `INSERT INTO statuses (id, account_id, local, text)
		SELECT $1 + (n::bigint << 16), (SELECT id FROM accounts WHERE domain IS NULL AND id > 0 LIMIT 1), true, '' FROM generate_series(1, 6000) n`, postgres.ID(fell))
	var o checks.Observation
	for range 3 {
		o = w.look(t, false)
		w.now = w.now.Add(5 * time.Minute)
	}
	f := w.found(t, o, codeDeaf, "")
	if !strings.Contains(f.Text.En, "over") {
		t.Errorf("the age is the least that it can be: %q", f.Text.En)
	}
	w.post(t, w.now)
	w.nothingFound(t, w.look(t, false))
}

func TestAServerThatHearsNobodyYetIsNotDeaf(t *testing.T) {
	w := newWorld(t, "4.6")
	w.db.Exec(t, "DELETE FROM statuses WHERE NOT local")
	o := w.look(t, true)
	w.nothingFound(t, o)
	if !strings.Contains(o.Summary.En, "no post from other servers yet") {
		t.Errorf("summary %q", o.Summary.En)
	}
}

func TestADayWithoutAnythingIsSaidAlsoAtTheFirstLook(t *testing.T) {
	w := newWorld(t, "4.6")
	w.now = w.now.Add(26 * time.Hour)
	o, err := w.check.look(t.Context(), checks.NoPast{}, w.now, false)
	if err != nil {
		t.Fatal(err)
	}
	if f := w.found(t, o, codeDeaf, ""); f.Severity != checks.Warning || f.Road != checks.Morning || !strings.Contains(f.Text.En, "not known yet") {
		t.Errorf("%v %v %q", f.Severity, f.Road, f.Text.En)
	}
}
