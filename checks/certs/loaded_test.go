package certs

import (
	"context"
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// alone is a certificate as a chain of one.
func alone(c checkstest.Certificate) []*x509.Certificate { return []*x509.Certificate{c.Leaf} }

func foundNginx(context.Context) site.Found { return site.Found{WebServer: "nginx"} }

func TestARenewedCertificateThatIsNotLoadedIsFoundAndMends(t *testing.T) {
	k := keep(t, checkstest.Lifetime(90*d, 30*d, domain))
	o := k.look(t)
	well(t, o)
	says(t, o.Summary, "; the newest on disk", "。ディスク上の最新と一致")
	if left := checkstest.Value(t, o, "disk_life_left", domain); left < 29*d.Seconds() || left > 30*d.Seconds() {
		t.Errorf("disk_life_left is %v", left)
	}

	k.renew(t, 2, checkstest.Lifetime(90*d, 81*d, domain), time.Now().Add(-9*d))
	o = k.look(t)
	f := only(t, o, notLoaded, checks.Warning)
	says(t, f.Text, "certificate of mastodon.example: renewed 9 d ago, but nginx still serves the old one\nThe old one is valid to ",
		"証明書 9日前に更新済みですが、nginxは古いままです（mastodon.example）\n古い証明書は")
	if f.Road != checks.Morning || time.Until(f.Harm).Round(time.Hour) != 30*d {
		t.Errorf("road %v, harm %v", f.Road, f.Harm)
	}
	if got := mends(f.Advice); !slices.Equal(got, []string{"sudo systemctl reload nginx"}) {
		t.Errorf("mend %q", got)
	}
	if len(o.Events) != 1 || o.Events[0].Code != "renewed" || o.Events[0].Subject != domain {
		t.Errorf("events %+v", o.Events)
	}
	if o := k.look(t); len(o.Events) != 0 {
		t.Errorf("the renewal on disk is told twice: %+v", o.Events)
	}

	k.Reload(t, "")
	o = k.look(t)
	well(t, o)
	says(t, o.Summary, "; the newest on disk", "。ディスク上の最新と一致")
	if len(o.Events) != 1 {
		t.Errorf("events %+v", o.Events)
	}
}

func TestADayIsGivenToLoadARenewedCertificate(t *testing.T) {
	for _, tt := range []struct {
		name       string
		life, left time.Duration // of what is served
		renewed    time.Duration // ago
		want       checks.Severity
	}{
		{"an hour after the renewal nothing is said", 90 * d, 30 * d, time.Hour, checks.OK},
		{"after 23 hours neither", 90 * d, 30 * d, 23 * time.Hour, checks.OK},
		{"after 25 hours it is", 90 * d, 30 * d, 25 * time.Hour, checks.Warning},
		{"of six days, 11 hours are not spoken of", 6 * d, 3 * d, 11 * time.Hour, checks.OK},
		{"of six days, 13 hours are", 6 * d, 3 * d, 13 * time.Hour, checks.Warning},
		{"when the old one is about to end, an hour is too long", 90 * d, 5 * d, time.Hour, checks.Critical},
		{"when it has ended as well", 90 * d, -d, time.Hour, checks.Critical},
		{"one with a quarter left has its day", 90 * d, 20 * d, time.Hour, checks.OK},
		{"and then it is a warning", 90 * d, 20 * d, 2 * d, checks.Warning},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := checkstest.NewCA(t, "Root")
			old := ca.Issue(t, checkstest.Lifetime(tt.life, tt.left, domain)).Leaf
			now := time.Now()
			next := lineage{name: domain, chain: alone(ca.Issue(t, checkstest.Lifetime(tt.life, tt.life-tt.renewed, domain))), since: now.Add(-tt.renewed)}
			q := question{domain: domain, now: now, limits: DefaultConfig()}
			f := q.behind(old, compare(old, domain, true, []lineage{next}))
			got := checks.OK
			if f != nil {
				got = f.severity
			}
			if got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestWhatIsNotLoadedSaysItAllWhenTheOldOneEnds(t *testing.T) {
	k := keep(t, checkstest.Lifetime(90*d, 20*d, domain))
	f := only(t, k.look(t), expiring, checks.Warning)
	says(t, f.Text, "There is no newer one on disk: its renewal has not worked.", "ディスク上にも新しい証明書はありません。自動更新が失敗しています。")

	k.renew(t, 2, checkstest.Lifetime(90*d, 80*d, domain), time.Now().Add(-10*d))
	o := k.look(t)
	wantCodes(t, o, "not-loaded mastodon.example", "expiring mastodon.example (holds)")
	if worst, ok := (checks.Result{Observation: o}).Worst(); !ok || worst.Code != notLoaded {
		t.Errorf("worst %+v", worst)
	}
	k.Reload(t, "")
	well(t, k.look(t))

	old := keep(t, checkstest.Lifetime(90*d, -2*time.Hour, domain))
	only(t, old.look(t), expired, checks.Critical)
	old.renew(t, 2, checkstest.Lifetime(90*d, 90*d-time.Hour, domain), time.Now().Add(-time.Hour))
	o = old.look(t)
	wantCodes(t, o, "not-loaded mastodon.example", "expired mastodon.example (holds)")
	if o.Findings[0].Severity != checks.Critical || o.Findings[0].Road != checks.Now {
		t.Errorf("finding %+v", o.Findings[0])
	}
	says(t, o.Findings[0].Text, "has expired; the renewed one is not loaded", "期限切れ、更新が未反映です")
	old.Reload(t, "")
	well(t, old.look(t))
}

func TestARenewalThatLostANameIsToldBeforeItIsLoaded(t *testing.T) {
	const files = "files.mastodon.example"
	k := keep(t, checkstest.Lifetime(90*d, 30*d, domain, files))
	c := k.c.(*check)
	c.resolver = records(t, map[string][]netip.Addr{domain: {loopback}, files: {loopback}}, "")
	c.find = func(context.Context) site.Found {
		return site.Found{WebServer: "nginx", Settings: map[string]string{"LOCAL_DOMAIN": domain, "S3_ALIAS_HOST": files}}
	}
	o := k.look(t)
	well(t, o)
	says(t, o.Summary, "; also well: "+files, "。ほかも正常: "+files)

	k.renew(t, 2, checkstest.Lifetime(90*d, 81*d, domain), time.Now().Add(-9*d))
	o = k.look(t)
	wantCodes(t, o, "not-loaded mastodon.example", "names-missing files.mastodon.example")
	f, _ := checkstest.Find(o, namesMissing, files)
	says(t, f.Text, "the renewed certificate on disk is no longer for files.mastodon.example", "更新後のものに名前がありません（files.mastodon.example）")
	const expand = "sudo certbot certonly --cert-name mastodon.example --expand -d mastodon.example -d files.mastodon.example"
	if got := mends(f.Advice); !slices.Equal(got, []string{expand}) {
		t.Errorf("mend %q", got)
	}

	k.Reload(t, "")
	o = k.look(t)
	wantCodes(t, o, "wrong-name files.mastodon.example")
	if got := mends(o.Findings[0].Advice); !slices.Equal(got, []string{expand}) {
		t.Errorf("mend %q", got)
	}
	whole := checkstest.Lifetime(90*d, 90*d-time.Minute, domain, files)
	k.renew(t, 3, whole, time.Now())
	k.Reload(t, "")
	well(t, k.look(t))
}

func TestHowWhatIsServedStandsToTheDisk(t *testing.T) {
	ca := checkstest.NewCA(t, "Root").Intermediate(t, "Mid 1")
	other := checkstest.NewCA(t, "Bought").Intermediate(t, "Bought 1")
	issue := func(ca *checkstest.CA, left time.Duration, names ...string) checkstest.Certificate {
		return ca.Issue(t, checkstest.Lifetime(90*d, left, names...))
	}
	old, fresh, bought := issue(ca, 29*d, domain), issue(ca, 80*d, domain), issue(other, 29*d, domain)
	came := time.Now().Add(-10 * d)
	line := func(c checkstest.Certificate, older ...checkstest.Certificate) lineage {
		l := lineage{name: domain, chain: alone(c), since: came}
		for _, o := range older {
			l.older = append(l.older, version{print: fingerprint(o.Leaf), replaced: came})
		}
		return l
	}
	for _, tt := range []struct {
		name   string
		served checkstest.Certificate
		mine   bool
		disk   []lineage
		want   stance
	}{
		{"what lies on disk is loaded", fresh, true, []lineage{line(fresh, old)}, loaded},
		{"what lies on disk is loaded, also by another machine", fresh, false, []lineage{line(fresh)}, loaded},
		{"what lay in the archive was replaced, whoever serves it", old, false, []lineage{line(fresh, old)}, replaced},
		{"without an archive, what this machine serves was replaced by the same authority's next", old, true, []lineage{line(fresh)}, replaced},
		{"another authority's next does not follow it", bought, true, []lineage{line(fresh)}, 0},
		{"an older one on disk does not follow it", fresh, true, []lineage{line(old)}, 0},
		{"from another machine nothing follows", old, false, []lineage{line(fresh)}, foreign},
		{"one for another name is not compared", old, false, []lineage{line(issue(ca, 80*d, "other.example"))}, 0},
		{"a name taken up by a newer lineage: the old one is loaded all the same", old, true, []lineage{line(old), line(fresh)}, loaded},
		{"two lineages for a name: either is loaded", old, true, []lineage{line(fresh), line(old)}, loaded},
		{"a broken one is passed over", old, true, []lineage{{name: domain, err: errEmpty}}, 0},
		{"nothing on disk", old, true, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := compare(tt.served.Leaf, domain, tt.mine, tt.disk)
			if got.how != tt.want {
				t.Errorf("%v, want %v", got.how, tt.want)
			}
			if got.how == replaced && !got.since.Equal(came) {
				t.Errorf("since %v, want %v", got.since, came)
			}
		})
	}
}

func TestANewerCertificateOfAnotherNameIsTheCause(t *testing.T) {
	k := keep(t, checkstest.Lifetime(90*d, 20*d, domain))
	next := k.mid.Issue(t, checkstest.Lifetime(90*d, 80*d, domain))
	k.archive(t, domain+"-0001", 1, next, next.Leaf.NotBefore)
	f := only(t, k.look(t), expiring, checks.Warning)
	says(t, f.Text, "A newer one lies on disk under another name, \"mastodon.example-0001\", and is not set up here.", "別の名前（「mastodon.example-0001」）")
}

func TestASecondRenewalDoesNotBeginTheWaitAnew(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	served := alone(ca.Issue(t, checkstest.Lifetime(90*d, 29*d, domain)))
	now := time.Now()
	line := func(came time.Time) []lineage {
		return []lineage{{name: domain, chain: alone(ca.Issue(t, checkstest.Lifetime(90*d, 89*d, domain))), since: came}}
	}
	here := around{own: []netip.Addr{v4}}
	q := question{domain: domain, now: now, limits: DefaultConfig(), stand: comparer(domain, line(now.Add(-2*d)), here, nil)}
	views := []view{{addr: v4, chain: served}}
	kept := map[string]int64{}
	waits(q, views, kept)
	q.stand = comparer(domain, line(now.Add(-time.Hour)), here, kept)
	if got := now.Sub(q.standing(views[0]).since).Round(time.Hour); got != 2*d {
		t.Errorf("waits since %v, want two days", got)
	}
	if q.stand = comparer(domain, line(now.Add(-time.Hour)), here, nil); q.behind(served[0], q.standing(views[0])) != nil {
		t.Error("an hour is no wait")
	}
}

func TestBehindACDNTheWebServerIsToldToBeAskedDirectly(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	edge := checkstest.NewCA(t, "Edge").Issue(t, checkstest.Lifetime(90*d, 60*d, domain))
	disk := []lineage{{name: domain, chain: alone(ca.Issue(t, checkstest.Lifetime(90*d, 60*d, domain)))}}
	for _, tt := range []struct{ name, addr, en, ja, advice string }{
		{"Cloudflare", "104.16.1.2", "Cloudflare answers for mastodon.example", "mastodon.exampleにはCloudflareが応答するため", `Set [server] address to the web server's own`},
		{"Fastly by IPv6", "2a04:4e42::1", "Fastly answers", "Fastlyが応答", "past Fastly"},
		{"somebody else", "192.0.2.1", "another machine seems to answer", "このマシン以外が応答しているようで", "If the web server is on this machine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := question{domain: domain, port: "443", now: time.Now(), roots: checkstest.NewCA(t, "x").Roots(), limits: DefaultConfig()}
			q.stand = comparer(domain, disk, around{}, nil)
			q.roots.AddCert(edge.Leaf)
			o := q.judge([]view{{addr: netip.MustParseAddr(tt.addr), chain: alone(edge)}})
			checkstest.AssertObservation(t, Kind(&site.Site{Domain: domain}), o)
			if len(o.Blind) != 1 || o.Blind[0].Code != notLoaded {
				t.Fatalf("blind %+v", o.Blind)
			}
			says(t, o.Blind[0].Why, tt.en, tt.ja)
			if !strings.Contains(o.Blind[0].Mend.Text.En, tt.advice) {
				t.Errorf("advice %q", o.Blind[0].Mend.Text.En)
			}
			q.direct = true
			if o := q.judge([]view{{addr: netip.MustParseAddr(tt.addr), chain: alone(edge)}}); len(o.Blind) != 0 {
				t.Errorf("asked directly, nothing is hidden: %+v", o.Blind)
			}
		})
	}
}
