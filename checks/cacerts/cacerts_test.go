package cacerts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const debianBundle = "/etc/ssl/certs/ca-certificates.crt"

func rootPEM(cas ...*checkstest.CA) string {
	text := ""
	for _, ca := range cas {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw}))
	}
	return text
}

// A world is a machine with a store, and well known servers that it asks.
type world struct {
	t     *testing.T
	root  string
	site  *site.Site
	cas   []*checkstest.CA
	asked atomic.Int64
	addrs []string
	kind  checks.Kind
}

func newWorld(t *testing.T, servers int) *world {
	t.Helper()
	w := &world{t: t, root: t.TempDir()}
	w.site = &site.Site{Proc: "/nowhere", Root: w.root}
	w.write("/usr/bin/apt-get", "")
	for range servers {
		ca := checkstest.NewCA(t, "Root")
		w.cas = append(w.cas, ca)
		w.serve(ca.Intermediate(t, "Middle").Issue(t, checkstest.Leaf{Names: []string{"127.0.0.1"}}))
	}
	w.write(debianBundle, rootPEM(w.cas...))
	w.kind = Kind(w.site, WithTools([]string{w.tool("20250419", "20250419")}))
	return w
}

// serve starts a real TLS server, one more of the panel.
func (w *world) serve(c checkstest.Certificate) {
	w.t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		if r.Method != http.MethodHead {
			w.t.Errorf("asked by %s", r.Method)
		}
		http.Redirect(rw, r, "https://nowhere.invalid/", http.StatusFound)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{c.TLS()}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	w.t.Cleanup(s.Close)
	w.addrs = append(w.addrs, s.Listener.Addr().String())
}

// tool is a folder with an apt-cache that says two versions.
func (w *world) tool(installed, candidate string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	script := "#!/bin/sh\nprintf 'ca-certificates:\\n  Installed: " + installed + "\\n  Candidate: " + candidate + "\\n  Version table:\\n'\n"
	if err := os.WriteFile(filepath.Join(dir, "apt-cache"), []byte(script), 0o755); err != nil {
		w.t.Fatal(err)
	}
	return dir
}

func (w *world) write(p, text string) {
	w.t.Helper()
	full := filepath.Join(w.root, p)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) table() checkstest.Table {
	return checkstest.Table(`panel = ["` + strings.Join(w.addrs, `", "`) + `"]`)
}

func (w *world) look(past *checkstest.Past) checks.Observation {
	w.t.Helper()
	o := checkstest.Look(w.t, w.kind, checkstest.Make(w.t, w.kind, w.table()), past)
	w.t.Log(o.Summary.En, "/", o.Summary.Ja)
	for _, f := range o.Findings {
		w.t.Logf("%s %s %v holds=%v\n%s\n%s", f.Code, f.Subject, f.Severity, f.Holds, f.Text.En, f.Text.Ja)
	}
	for _, b := range o.Blind {
		w.t.Logf("blind %s %s: %s / %s", b.Code, b.Subject, b.Why.En, b.Why.Ja)
	}
	return o
}

// expect asserts which findings there are: "code subject severity".
func expect(t *testing.T, o checks.Observation, want ...string) {
	t.Helper()
	var got []string
	for _, f := range o.Findings {
		line := f.Code + " " + f.Subject + " " + f.Severity.String()
		if f.Holds {
			line += " holds"
		}
		got = append(got, line)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestContract(t *testing.T) {
	w := newWorld(t, 3)
	checkstest.Contract(t, w.kind, w.table())
}

func TestAllIsWell(t *testing.T) {
	o := newWorld(t, 5).look(nil)
	expect(t, o)
	if o.Summary.En != "5 roots, 5 of 5 well-known servers verified, package 20250419 is the newest offered" || len(o.Blind) > 0 {
		t.Errorf("%+v", o)
	}
}

func TestAListThatLacksRootsIsFoundAndResolves(t *testing.T) {
	w := newWorld(t, 5)
	past := &checkstest.Past{}
	expect(t, w.look(past))
	w.write(debianBundle, rootPEM(w.cas[:1]...))
	o := w.look(past)
	expect(t, o, "shrunken system warning", "unverified system critical")
	if f := o.Findings[1]; f.Text.Headline().En != "this machine cannot verify the certificates of 4 of 5 well-known servers" || f.Road != checks.Now {
		t.Errorf("%+v", f)
	}
	w.write(debianBundle, rootPEM(w.cas[:3]...))
	expect(t, w.look(&checkstest.Past{}), "unverified system warning")
	w.write(debianBundle, rootPEM(w.cas[:4]...))
	expect(t, w.look(&checkstest.Past{}))
	w.write(debianBundle, rootPEM(w.cas...))
	expect(t, w.look(past))
}

func TestAListIsReadAfreshInOneProcess(t *testing.T) {
	w := newWorld(t, 2)
	c := checkstest.Make(t, w.kind, w.table())
	w.write(debianBundle, rootPEM(checkstest.NewCA(t, "Another")))
	expect(t, checkstest.Look(t, w.kind, c, nil), "unverified system critical")
	w.write(debianBundle, rootPEM(w.cas...))
	expect(t, checkstest.Look(t, w.kind, c, nil))
}

func TestAListThatIsNoneIsFound(t *testing.T) {
	for situation, c := range map[string]struct {
		make func(w *world, p string)
		head string
	}{
		"missing": {func(_ *world, p string) { _ = os.Remove(p) }, "list of root certificates of this machine is missing"},
		"empty":   {func(w *world, _ string) { w.write(debianBundle, "") }, "list of root certificates of this machine is empty"},
		"not one": {func(w *world, _ string) { w.write(debianBundle, strings.Repeat("hello\n", 1000)) }, "list of root certificates of this machine is empty"},
		"a link in a circle": {func(_ *world, p string) {
			_ = os.Remove(p)
			_ = os.Symlink(p, p)
		}, "list of root certificates of this machine cannot be read"},
		"larger than any": {func(w *world, _ string) { w.write(debianBundle, strings.Repeat("x", bundleLimit+1)) }, "list of root certificates of this machine cannot be read"},
	} {
		t.Run(situation, func(t *testing.T) {
			w := newWorld(t, 3)
			c.make(w, filepath.Join(w.root, debianBundle))
			o := w.look(nil)
			expect(t, o, "bundle system critical", "unverified system critical holds")
			if got := o.Findings[0].Text.Headline().En; got != c.head {
				t.Error(got)
			}
		})
	}
}

func TestAListWithFlippedBytesIsDamaged(t *testing.T) {
	w := newWorld(t, 4)
	text := []byte(rootPEM(w.cas...))
	text[80], text[81] = '!', '!' // inside the first
	w.write(debianBundle, string(text[:len(text)-200]))
	o := w.look(nil)
	if _, ok := checkstest.Find(o, codeBundle, systemStore); !ok || !strings.Contains(o.Findings[0].Text.En, "is damaged") {
		t.Errorf("%+v", o.Findings)
	}
}

func TestOneServersOwnFaultIsNotOurs(t *testing.T) {
	for situation, c := range map[string]checkstest.Certificate{
		"another name":       checkstest.NewCA(t, "R").Issue(t, checkstest.Leaf{Names: []string{"other.example"}}),
		"vouches for itself": checkstest.SelfSigned(t, checkstest.Leaf{Names: []string{"127.0.0.1"}}),
	} {
		t.Run(situation, func(t *testing.T) {
			w := newWorld(t, 4)
			w.serve(c)
			o := w.look(nil)
			expect(t, o)
			if !strings.Contains(o.Summary.En, "their own certificate is bad: 127.0.0.1") || len(o.Blind) > 0 {
				t.Errorf("%+v", o)
			}
		})
	}
	t.Run("an authority that nobody knows", func(t *testing.T) {
		w := newWorld(t, 4)
		w.serve(checkstest.NewCA(t, "Unknown").Issue(t, checkstest.Leaf{Names: []string{"127.0.0.1"}}))
		expect(t, w.look(nil))
	})
	t.Run("expired", func(t *testing.T) {
		w := newWorld(t, 4)
		w.serve(w.cas[0].Issue(t, checkstest.Lifetime(90*24*time.Hour, -24*time.Hour, "127.0.0.1")))
		expect(t, w.look(nil))
	})
}

func TestMostCertificatesOutOfDateAreTheFaultOfTheClock(t *testing.T) {
	w := newWorld(t, 1)
	for range 2 {
		w.serve(w.cas[0].Issue(t, checkstest.Lifetime(90*24*time.Hour, -24*time.Hour, "127.0.0.1")))
	}
	o := w.look(nil)
	expect(t, o)
	if len(o.Blind) != 1 || !strings.Contains(o.Blind[0].Why.En, "compare the clock first") {
		t.Errorf("%+v", o.Blind)
	}
}

func TestTheNetworkIsNotTheStore(t *testing.T) {
	w := newWorld(t, 1)
	w.addrs = append(w.addrs, "127.0.0.1:1", "127.0.0.1:2")
	o := w.look(nil)
	expect(t, o)
	if len(o.Blind) != 1 || o.Blind[0].Why.En != "1 of 3 well-known servers were reached, too few to tell (network)" {
		t.Errorf("%+v", o.Blind)
	}
}

func TestMastodonsOwnRubyIsProvenApart(t *testing.T) {
	w := newWorld(t, 4)
	w.write("/home/mastodon/live/lib/mastodon/version.rb", "")
	w.write("/home/mastodon/live/.ruby-version", "3.4.7\n")
	ruby := "/home/mastodon/.rbenv/versions/3.4.7/openssl/ssl/cert.pem"
	w.write(ruby, rootPEM(w.cas[0]))
	o := w.look(nil)
	expect(t, o, "unverified mastodon critical")
	f := o.Findings[0]
	if !strings.Contains(f.Text.En, "the other list here verifies them") ||
		f.Advice.Mend[0].String() != "sudo ln -sfn "+debianBundle+" "+ruby {
		t.Errorf("%s\n%v", f.Text.En, f.Advice)
	}
	w.write(ruby, rootPEM(w.cas...)+"\n# the same roots, in another file\n")
	o = w.look(nil)
	expect(t, o)
	if strings.Contains(o.Summary.En, "Mastodon") {
		t.Error(o.Summary.En)
	}
	w.write(ruby, "")
	expect(t, w.look(nil), "bundle mastodon critical", "unverified mastodon critical holds")
}

func TestARubyThatIsGivenIsRead(t *testing.T) {
	w := newWorld(t, 3)
	for i, ca := range w.cas[:2] {
		w.write("/container/certs/"+string(rune('a'+i))+".pem", rootPEM(ca))
	}
	o := checkstest.Look(t, w.kind, checkstest.Make(t, w.kind, w.table()+"\nruntime_bundle = \"/container/certs\""), nil)
	expect(t, o)
	if checkstest.Value(t, o, "verified", runtimeStore) != 2 || checkstest.Value(t, o, "roots", systemStore) != 3 {
		t.Errorf("%+v", o.Measures)
	}
}

func TestAnOlderPackageIsForTheWeek(t *testing.T) {
	w := newWorld(t, 2)
	w.kind = Kind(w.site, WithTools([]string{w.tool("20230311+deb12u1", "20250419~deb12u2")}))
	o := w.look(nil)
	expect(t, o, "outdated  warning")
	if f := o.Findings[0]; f.Road != checks.Week || f.Advice.Mend[0].String() != "sudo apt-get install --only-upgrade ca-certificates" {
		t.Errorf("%+v", f)
	}
}

func TestWithoutAPackageManagerTheVersionIsUnknown(t *testing.T) {
	w := newWorld(t, 2)
	w.kind = Kind(w.site, WithTools([]string{t.TempDir()}))
	if o := w.look(nil); len(o.Blind) != 1 || o.Blind[0].Code != codeOutdated {
		t.Errorf("%+v", o.Blind)
	}
}

func TestThePanelIsAskedOnceADayAndAgainAfterABadLook(t *testing.T) {
	w := newWorld(t, 3)
	past := &checkstest.Past{}
	w.look(past)
	o := w.look(past)
	if n := w.asked.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
	if !strings.Contains(o.Summary.En, "3 of 3 well-known servers verified at ") {
		t.Error(o.Summary.En)
	}
	w.write(debianBundle, rootPEM(w.cas[0])) // a change is proven at once
	expect(t, w.look(past), "shrunken system warning", "unverified system critical")
	expect(t, w.look(past), "shrunken system warning", "unverified system critical")
	if n := w.asked.Load(); n != 9 {
		t.Errorf("asked %d times", n)
	}
}

func TestOfflineNobodyIsAsked(t *testing.T) {
	w := newWorld(t, 3)
	w.site.Offline = true
	o := w.look(nil)
	expect(t, o)
	if w.asked.Load() > 0 || len(o.Blind) > 0 || !strings.Contains(o.Summary.En, "(offline)") {
		t.Errorf("%d %+v", w.asked.Load(), o)
	}
}

func TestAListThatStaysSmallIsTheUsualOneAfterAMonth(t *testing.T) {
	s := store{name: systemStore, roots: 40}
	now := time.Now()
	for _, c := range []struct {
		situation string
		before    memory
		want      bool
	}{
		{"nothing is usual yet", memory{}, false},
		{"as usual", memory{Usual: map[string]int{systemStore: 41}}, false},
		{"a few removed", memory{Usual: map[string]int{systemStore: 53}}, false},
		{"far fewer", memory{Usual: map[string]int{systemStore: 142}}, true},
		{"far fewer since yesterday", memory{Usual: map[string]int{systemStore: 142}, Shrunk: map[string]int64{systemStore: now.Add(-24 * time.Hour).Unix()}}, true},
		{"far fewer since more than a month", memory{Usual: map[string]int{systemStore: 142}, Shrunk: map[string]int64{systemStore: now.Add(-31 * 24 * time.Hour).Unix()}}, false},
	} {
		q := question{now: now, before: c.before, stores: []store{s}}
		if got := q.shrunken(s); got != c.want {
			t.Errorf("%s: %v", c.situation, got)
		}
	}
}

func TestTheMajorityDecides(t *testing.T) {
	for _, c := range []struct {
		situation string
		p         proof
		asked     int
		want      checks.Severity
		why       string
	}{
		{"nobody was asked", proof{}, 0, checks.OK, reasonNotAsked},
		{"all verified", proof{reached: 5, fair: 5, verified: 5}, 5, checks.OK, reasonGood},
		{"one fails", proof{reached: 5, fair: 5, verified: 4, failed: []string{"a"}}, 5, checks.OK, reasonOne},
		{"two of five fail", proof{reached: 5, fair: 5, verified: 3, failed: []string{"a", "b"}}, 5, checks.Warning, reasonSome},
		{"two of three that were reached fail", proof{reached: 3, fair: 3, verified: 1, failed: []string{"a", "b"}}, 5, checks.Critical, reasonMost},
		{"one was reached, and fails", proof{reached: 1, fair: 1, failed: []string{"a"}}, 5, checks.Unknown, reasonNetwork},
		{"nobody was reached", proof{}, 5, checks.Unknown, reasonNetwork},
		{"most are out of date", proof{reached: 5, fair: 2, verified: 2, dated: 3}, 5, checks.Unknown, reasonClock},
		{"most are bad themselves", proof{reached: 5, fair: 1, verified: 1, theirs: []string{"a", "b", "c", "d"}}, 5, checks.Unknown, reasonTheirs},
		{"a panel of one fails", proof{reached: 1, fair: 1, failed: []string{"a"}}, 1, checks.Critical, reasonMost},
	} {
		if got, why := judgeProof(c.p, c.asked); got != c.want || why != c.why {
			t.Errorf("%s: %v, %s", c.situation, got, why)
		}
	}
}

func TestSettingsThatCannotBeMeantAreNamed(t *testing.T) {
	w := newWorld(t, 0)
	for table, want := range map[checkstest.Table]string{
		`panel = ["https://x.example/"]`: "panel: ", `bundle = "x.pem"`: "bundle: ", `runtime_bundle = "a\nb"`: "runtime_bundle: ",
	} {
		if _, err := w.kind.New(table); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
	}
}

func TestATimeThatIsOverIsExplained(t *testing.T) {
	w := newWorld(t, 0)
	var unseen *checks.Unseen
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := checkstest.Make(t, w.kind, "").Look(ctx, checks.NoPast{}); !errors.As(err, &unseen) {
		t.Error(err)
	}
}

func TestAListThatMayNotBeReadIsNotTakenForEmpty(t *testing.T) {
	w := newWorld(t, 3)
	closed := store{name: runtimeStore, path: "/home/mastodon/live/.ruby-version", pool: x509.NewCertPool(), err: fs.ErrPermission}
	c := &check{site: w.site, config: Config{}}
	q := question{now: time.Now(), asked: 3, stores: append(c.stores(t.Context()), closed), views: ask(t.Context(), w.addrs)}
	q.proofs = prove(q.views, q.stores, q.now)
	o := q.judge()
	checkstest.AssertObservation(t, w.kind, o)
	expect(t, o)
	if len(o.Blind) != 1 || o.Blind[0].Subject != runtimeStore || o.Blind[0].Code != "" {
		t.Errorf("%+v", o.Blind)
	}
	if m := q.remember(); m.Asked == 0 {
		t.Error("the panel is asked again and again for what no asking mends")
	}
}
