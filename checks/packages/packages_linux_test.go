package packages

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	m := newMachine(t)
	checkstest.Contract(t, m.kind, "")
}

func TestThisMachineCanBeLookedAt(t *testing.T) {
	k := Kind(&site.Site{Proc: "/proc"})
	checkstest.Look(t, k, checkstest.Make(t, k, ""), nil)
}

func TestAMachineThatIsUpToDateSaysSo(t *testing.T) {
	m := newMachine(t)
	o := m.look()
	well(t, o)
	says(t, o.Summary, "no updates waiting; lists ", "未適用の更新なし、一覧は")
	says(t, o.Summary, "automatic updates off; Debian GNU/Linux 13 (trixie) has LTS support to 30 Jun 2030",
		"自動更新は無効、Debian GNU/Linux 13 (trixie) のLTSサポートは2030/6/30まで")
}

func TestASecurityUpdateWaitsThenWaitsTooLongThenIsInstalled(t *testing.T) {
	m := newMachine(t)
	well(t, m.look())
	m.offer("main", "labpkg", "1.1")
	m.update()
	o := m.look()
	well(t, o)
	says(t, o.Summary, "1 update waiting, none for security", "未適用の更新1件（セキュリティ更新なし）")

	m.offer("security", "labsec", "2.1")
	m.update()
	o = m.look()
	f := only(t, o, codeSecurity, checks.Week)
	says(t, f.Text, "1 security update waiting\nPackages: labsec.\nNothing installs them by itself", "セキュリティ更新が1件あります\n対象: labsec\n自動更新（unattended-upgrades）は無効")
	says(t, o.Summary, "2 updates waiting, 1 for security", "未適用の更新2件（うちセキュリティ更新1件）")
	if v := checkstest.Value(t, o, "security_updates", ""); v != 1 {
		t.Errorf("security_updates %v", v)
	}

	m.remembered(func(was *memory) { was.Waiting["labsec"] = was.Waiting["labsec"].Add(-4 * day) })
	m.offer("security", "labsec", "2.2") // a newer one does not begin anew
	m.update()
	o = m.look()
	f = only(t, o, codeLate, checks.Morning)
	says(t, f.Text, "1 security update has been waiting for 4 d", "セキュリティ更新1件が未適用のままです（4日")
	if cmd := f.Advice.Mend[0].String(); cmd != "sudo apt upgrade" {
		t.Errorf("command %q", cmd)
	}
	if held, ok := checkstest.Find(o, codeSecurity, ""); !ok || !held.Holds {
		t.Errorf("the first incident is not held: %+v", o.Findings)
	}

	m.install("labsec", "2.2", "install ok installed")
	m.install("labpkg", "1.1", "install ok installed")
	well(t, m.look())
	m.install("labsec", "2.0", "install ok installed")
	only(t, m.look(), codeSecurity, checks.Week)
}

func TestNothingIsAskedWhileNothingHasChanged(t *testing.T) {
	m := newMachine(t)
	m.offer("security", "labsec", "2.1")
	m.update()
	only(t, m.look(), codeSecurity, checks.Week)
	// Without any tool it can only be what is remembered.
	m.kind = Kind(&site.Site{Proc: m.proc}, WithRoot(m.root), WithTools(t.TempDir()))
	m.c = checkstest.Make(t, m.kind, "")
	only(t, m.look(), codeSecurity, checks.Week)
	best := time.Hour
	for range 20 {
		began := time.Now()
		if _, err := m.c.Look(t.Context(), m.past); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("a look without news: %v", best)
	if best > 20*time.Millisecond {
		t.Errorf("a look without news takes %v", best)
	}
	m.install("labpkg", "1.0.1", "install ok installed")
	o := m.look()
	if len(o.Blind) == 0 || !o.Blind[0].Hides(checks.Key{Code: codeSecurity}) {
		t.Fatalf("without apt-get: %+v", o)
	}
	says(t, o.Blind[0].Why, "the tool for it is not on this machine", "必要なコマンドがありません")
}

func TestOldListsAreTold(t *testing.T) {
	m := newMachine(t)
	well(t, m.look())
	old := func(d time.Duration, until string) {
		t.Helper()
		files, err := filepath.Glob(m.root + "/var/lib/apt/lists/*Release")
		if err != nil || len(files) == 0 {
			t.Fatalf("%v %v", files, err)
		}
		for _, file := range files {
			text := "Label: Debian\nDate: " + time.Now().Add(-d).UTC().Format(time.RFC1123) + "\n" + until
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(m.root, file)
			if err != nil {
				t.Fatal(err)
			}
			m.age(name, d)
		}
		m.age("var/lib/apt/lists/partial", d)
	}
	old(9*day, "")
	f := only(t, m.look(), codeLists, checks.Morning)
	says(t, f.Text, "the lists of packages are 9 d old", "パッケージ一覧が9日前のままです")
	// Asked today, and nothing newer is published.
	m.age("var/lib/apt/lists/partial", time.Hour)
	o := m.look()
	well(t, o)
	says(t, o.Summary, "asked 1 h ago", "1時間前に確認済み")
	// Asked today, and what is here is no longer valid: nobody answers.
	old(9*day, "Valid-Until: "+time.Now().Add(-2*day).UTC().Format(time.RFC1123)+"\n")
	m.age("var/lib/apt/lists/partial", time.Hour)
	only(t, m.look(), codeLists, checks.Morning)
	m.write("var/lib/apt/periodic/update-stamp", "")
	well(t, m.look())

	if err := os.RemoveAll(m.root + "/var/lib/apt/lists"); err != nil {
		t.Fatal(err)
	}
	f = only(t, m.look(), codeLists, checks.Morning)
	says(t, f.Text, "there are no lists of packages", "パッケージ一覧がありません")
}

func TestAHalfInstalledPackageIsTold(t *testing.T) {
	m := newMachine(t)
	m.install("labpkg", "1.0", "install ok half-configured")
	f := only(t, m.look(), codeBroken, checks.Morning)
	says(t, f.Text, "1 package is only half installed\nUntil that is fixed, no update can be installed: labpkg.", "インストールが途中のパッケージが1件")
	m.install("labpkg", "1.0", "install ok installed")
	well(t, m.look())
	m.install("labpkg", "1.0", "install ok unpacked")
	m.age("var/lib/dpkg/status", time.Minute)
	if f, ok := checkstest.Find(m.look(), codeBroken, ""); !ok || !f.Holds {
		t.Errorf("while it is being installed: %+v", f)
	}
}

func TestASecurityUpdateThatIsHeldBackIsTold(t *testing.T) {
	m := newMachine(t)
	m.install("labsec", "2.0", "hold ok installed")
	o := m.look()
	well(t, o)
	says(t, o.Summary, "1 held", "hold 1件")
	m.offer("security", "labsec", "2.1")
	m.update()
	f := only(t, m.look(), codeHeld, checks.Week)
	says(t, f.Text, "1 security update is kept back by a hold", "hold指定のため適用されません")
	if cmd := f.Advice.Mend[0].String(); cmd != "sudo apt-mark unhold labsec" {
		t.Errorf("command %q", cmd)
	}
	m.install("labsec", "2.1", "hold ok installed")
	well(t, m.look())
}

func TestUnattendedUpgradesThatFailOrStopAreTold(t *testing.T) {
	m := newMachine(t)
	m.install("unattended-upgrades", "2.9.1", "install ok installed")
	m.write("etc/apt/apt.conf.d/20auto-upgrades", "APT { Periodic { Update-Package-Lists \"1\"; Unattended-Upgrade \"1\"; }; };\n")
	log := "var/log/unattended-upgrades/unattended-upgrades.log"
	line := func(d time.Duration, text string) string {
		return time.Now().Add(-d).Format("2006-01-02 15:04:05") + ",123 " + text + "\n"
	}
	fine := line(time.Hour, "INFO Starting unattended upgrades script") + line(time.Hour, "INFO All upgrades installed")
	m.write(log, fine)
	o := m.look()
	well(t, o)
	says(t, o.Summary, "security updates install themselves", "セキュリティ更新は自動適用")

	m.offer("security", "labsec", "2.1")
	m.update()
	well(t, m.look())
	m.write(log, fine+line(0, "INFO Starting unattended upgrades script")+line(0, "ERROR Installing the upgrades failed! @admin"))
	o = m.look()
	f, ok := checkstest.Find(o, codeUnattended, "")
	if !ok || f.Road != checks.Week {
		t.Fatalf("%+v", o.Findings)
	}
	says(t, f.Text, "it said: \"Installing the upgrades failed! (at)admin\"", "「Installing the upgrades failed! (at)admin」")
	if f, ok := checkstest.Find(o, codeSecurity, ""); !ok {
		t.Errorf("%+v", o.Findings)
	} else {
		says(t, f.Text, "its last run failed", "前回の実行が失敗しています")
	}
	m.install("labsec", "2.1", "install ok installed")
	m.write(log, line(6*day, "INFO Starting unattended upgrades script"))
	f = only(t, m.look(), codeUnattended, checks.Week)
	says(t, f.Text, "has not run for 6 d", "6日実行されていません")
	m.write(log, fine)
	well(t, m.look())
	m.write("etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"0\";\n")
	says(t, m.look().Summary, "automatic updates off", "自動更新は無効")
}

func TestARebootThatIsDueIsTold(t *testing.T) {
	m := newMachine(t)
	m.write("run/reboot-required", "*** System restart required ***\n")
	m.write("run/reboot-required.pkgs", "linux-image-6.12.0-1-amd64\nlibc6\nlibc6\n")
	o := m.look()
	well(t, o)
	says(t, o.Summary, "reboot due", "再起動待ち")
	m.remembered(func(was *memory) { was.Reboot = was.Reboot.Add(-15 * day) })
	m.write("run/reboot-required", "once more\n")
	f := only(t, m.look(), codeReboot, checks.Week)
	says(t, f.Text, "a reboot has been due for 15 d\nWanted by: libc6, linux-image-6.12.0-1-amd64.", "再起動待ちのまま15日たっています\n必要としているもの: libc6、linux-image-6.12.0-1-amd64")
	if err := os.Remove(m.root + "/run/reboot-required"); err != nil {
		t.Fatal(err)
	}
	well(t, m.look())
}

func TestSupportThatEndsIsTold(t *testing.T) {
	m := newMachine(t)
	say := func(ends time.Time) {
		m.write("usr/share/distro-info/debian.csv", "version,codename,series,created,release,eol,eol-lts\n13,Trixie,trixie,2023-06-10,2025-08-09,2020-01-01,"+ends.Format(time.DateOnly)+"\n")
		m.install("labpkg", "1.0", "install ok installed") // the book has changed
		m.age("var/lib/dpkg/status", time.Duration(ends.Day())*time.Hour)
	}
	say(time.Now().Add(60 * day))
	f := only(t, m.look(), codeSupport, checks.Week)
	says(t, f.Text, "support of Debian GNU/Linux 13 (trixie) ends on ", "Debian GNU/Linux 13 (trixie) のLTSサポートが")
	if f.Severity != checks.Warning || f.Harm.IsZero() {
		t.Errorf("%+v", f)
	}
	say(time.Now().Add(-10 * day))
	f = only(t, m.look(), codeSupport, checks.Morning)
	if f.Severity != checks.Critical {
		t.Errorf("%+v", f)
	}
	says(t, f.Text, "Debian GNU/Linux 13 (trixie) is no longer supported (LTS)", "Debian GNU/Linux 13 (trixie) のLTSサポートは終了しています")
	say(time.Now().Add(900 * day))
	well(t, m.look())
}

func TestAptThatRefusesOrHangsIsUnknownAndHoldsWhatIsOpen(t *testing.T) {
	m := newMachine(t)
	m.offer("security", "labsec", "2.1")
	m.update()
	only(t, m.look(), codeSecurity, checks.Week)
	m.write("etc/apt/sources.list", "no such line\n")
	o := m.look()
	if len(o.Findings) > 0 || len(o.Blind) != 3 {
		t.Fatalf("%+v", o)
	}
	says(t, o.Blind[0].Why, "which updates wait: apt-get does not tell (\"Type 'no' is not known on line 1", "apt-getの出力: 「Type 'no' is not known on line 1")

	tools := t.TempDir()
	note := filepath.Join(tools, "pid")
	script := "#!/bin/sh\n/bin/sleep 600 &\necho $! > " + note + "\nwait\n"
	if err := os.WriteFile(filepath.Join(tools, "apt-get"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	m.kind = Kind(&site.Site{Proc: m.proc}, WithRoot(m.root), WithTools(tools))
	m.c = checkstest.Make(t, m.kind, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	o, err := m.c.Look(ctx, m.past)
	if err != nil || time.Since(began) > 3*time.Second {
		t.Fatalf("%v after %v", err, time.Since(began))
	}
	checkstest.AssertObservation(t, m.kind, o)
	says(t, o.Blind[0].Why, "no answer in time", "時間内に応答なし")
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; <-time.After(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("its child lives on")
		}
	}
}

func TestAProcessWithADeletedLibraryIsToldUntilItIsRestarted(t *testing.T) {
	m := newMachine(t)
	m.kind = Kind(&site.Site{Proc: "/proc"}, WithRoot(m.root), WithLibraryFolders(m.libs))
	m.c = checkstest.Make(t, m.kind, "")
	var source string
	for _, place := range []string{"/lib/*/libz.so.1", "/usr/lib/*/libz.so.1", "/lib64/libz.so.1"} {
		if found, err := filepath.Glob(place); err == nil && len(found) > 0 {
			source = found[0]
		}
	}
	code, err := os.ReadFile(source)
	if err != nil {
		t.Fatalf("%v: sudo apt-get install zlib1g", err)
	}
	library := filepath.Join(m.libs, "libz.so.1")
	put := func() {
		t.Helper()
		if err := os.WriteFile(library+".dpkg-new", code, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(library+".dpkg-new", library); err != nil {
			t.Fatal(err)
		}
	}
	put()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "sleep", "600")
	cmd.Env = []string{"LD_PRELOAD=" + library}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for end := time.Now().Add(5 * time.Second); ; <-time.After(5 * time.Millisecond) {
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", cmd.Process.Pid))
		if err == nil && strings.Contains(string(maps), library) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the process does not load the library")
		}
	}
	well(t, m.look())
	put() // an upgrade
	m.install("labpkg", "1.0.1", "install ok installed")
	well(t, m.look())
	m.remembered(func(was *memory) {
		if len(was.Scan.Users) != 1 || was.Scan.Users[0].PID != cmd.Process.Pid {
			t.Fatalf("%+v", was.Scan)
		}
		was.Scan.Users[0].Since = was.Scan.Users[0].Since.Add(-8 * day)
	})
	f := only(t, m.look(), codeLibraries, checks.Week)
	says(t, f.Text, "1 process runs with libraries from before an update, for 8 d", "更新前のライブラリのまま動いているプロセスが1個あります（8日）")
	cancel()
	<-ended
	well(t, m.look())
}

func TestARedHatIsAskedByDnf(t *testing.T) {
	root, tools := t.TempDir(), t.TempDir()
	for _, folder := range []string{"var/lib/rpm", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range map[string]string{
		root + "/var/lib/rpm/rpmdb.sqlite": "x",
		root + "/etc/os-release":           "PRETTY_NAME=\"AlmaLinux 9.6 (Sage Margay)\"\nID=\"almalinux\"\nVERSION_ID=\"9.6\"\n",
		tools + "/check-update":            checkUpdate,
		tools + "/updateinfo":              advisories4,
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// It answers as recorded, and with dnf's exit status.
	dnf := func(status int) {
		t.Helper()
		script := fmt.Sprintf("#!/bin/sh\n[ \"$1 $2\" = '-q -C' ] || exit 1\n/bin/cat %s/$3\n[ $3 = updateinfo ] && exit 0\nexit %d\n", tools, status)
		if status == 1 {
			script = "#!/bin/sh\necho 'Error: Cache-only enabled but no cache for baseos' >&2\nexit 1\n"
		}
		if err := os.WriteFile(filepath.Join(tools, "dnf"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dnf(100)
	k := Kind(&site.Site{Proc: t.TempDir()}, WithRoot(root), WithTools(tools))
	c, past := checkstest.Make(t, k, ""), &checkstest.Past{}
	o := checkstest.Look(t, k, c, past)
	f := only(t, o, codeSecurity, checks.Week)
	says(t, f.Text, "2 security updates waiting\nPackages: kernel, openssl-libs.", "セキュリティ更新が2件あります")
	says(t, o.Summary, "3 updates waiting, 2 for security; AlmaLinux 9.6 (Sage Margay) has support to 31 May 2032", "AlmaLinux 9.6 (Sage Margay) のサポートは2032/5/31まで")
	if cmd := f.Advice.Mend[0].String(); cmd != "sudo dnf upgrade --security" {
		t.Errorf("command %q", cmd)
	}
	changed := func(text string) {
		t.Helper()
		if err := os.WriteFile(root+"/var/lib/rpm/rpmdb.sqlite", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	changed("xx")
	dnf(1)
	o = checkstest.Look(t, k, c, past)
	if len(o.Findings) > 0 || len(o.Blind) != 3 {
		t.Fatalf("%+v", o)
	}
	says(t, o.Blind[0].Why, "dnf does not tell (\"Error: Cache-only enabled but no cache for baseos\")", "dnfの出力: 「Error: Cache-only")
	changed("xxx")
	dnf(0)
	well(t, checkstest.Look(t, k, c, past))
}

func TestAMachineWithNeitherIsUnknown(t *testing.T) {
	k := Kind(&site.Site{Proc: t.TempDir()}, WithRoot(t.TempDir()), WithTools(t.TempDir()))
	_, err := checkstest.Make(t, k, "").Look(t.Context(), checks.NoPast{})
	why, _ := checks.Explain(err)
	says(t, why, "neither apt nor dnf is on this machine", "aptもdnfもありません")
}
