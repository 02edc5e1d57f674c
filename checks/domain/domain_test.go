package domain

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/registry"
	"github.com/sababan/sababan/checks/site"
)

const settings = "LOCAL_DOMAIN=example.com\nWEB_DOMAIN=social.example.com\n"

func TestContract(t *testing.T) {
	w := newWorld(t)
	checkstest.Contract(t, kind(siteOf(t, "social.example.com", settings), w.ends()), "")
}

func TestADomainThatIsWellSaysItsDays(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	o := s.look(t)
	s.has(t, o, "", "", 0)
	r := checks.Reader{Lang: checks.English, Zone: time.UTC, Now: time.Now()}
	if got := r.Write(o.Summary.En); !strings.HasPrefix(got, "example.com is registered until ") || !strings.HasSuffix(got, " d left); both name servers answer, DNSSEC") {
		t.Errorf("%q", got)
	}
	r.Lang = checks.Japanese
	if got := r.Write(o.Summary.Ja); !strings.Contains(got, "まで登録（残り36") || !strings.HasSuffix(got, "ネームサーバー2台すべて応答、DNSSEC署名あり") {
		t.Errorf("%q", got)
	}
	if left := checkstest.Value(t, o, leftSeconds, "example.com"); left < 364*86400 || left > 367*86400 {
		t.Errorf("%v s left", left)
	}
}

func TestARegistryIsAskedOnceADay(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	s.look(t)
	for range 5 {
		s.now = s.now.Add(-day + time.Hour)
		s.look(t)
	}
	if n := w.times("rdap"); n != 1 {
		t.Errorf("asked %d times in a few hours", n)
	}
	s.look(t)
	if rdap, list, iana := w.times("rdap"), w.times("list"), w.times("whois.iana.org"); rdap != 2 || list != 1 || iana != 1 {
		t.Errorf("asked %d times on the second day; the lists %d, %d times", rdap, list, iana)
	}
	// A failure is not asked again at once either.
	w.answer(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusTooManyRequests) })
	s.look(t)
	s.now = s.now.Add(-day + time.Minute)
	if o := s.look(t); w.times("rdap") != 3 || len(o.Findings)+len(o.Blind) > 0 {
		t.Errorf("%d times; %+v", w.times("rdap"), o.Blind)
	}
}

func TestAnExpiryComesNearAndIsRenewed(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	for _, c := range []struct {
		name     string
		left     time.Duration
		severity checks.Severity
		road     checks.Road
		words    []string
	}{
		{"far away", 31 * day, checks.OK, 0, nil},
		{"thirty days", 29*day + 12*time.Hour, checks.Warning, checks.Morning, []string{"domain example.com expires in ", "有効期限まで", `"Own Names Ltd"`, "RDAP", "auto_renew = true"}},
		{"eight days", 8 * day, checks.Warning, checks.Morning, nil},
		{"a week", 7 * day, checks.Critical, checks.Now, []string{"After that nobody finds the server any more", "期限を過ぎると"}},
		{"over", -time.Hour, checks.Critical, checks.Now, []string{"domain example.com has expired", "有効期限が切れています"}},
		{"renewed", 365 * day, checks.OK, 0, nil},
	} {
		ends := s.now.Add(c.left)
		w.answer(rdapAnswer("example.com", ends, "active"))
		o := s.look(t)
		if c.severity == checks.OK {
			s.has(t, o, "", "", 0)
			continue
		}
		f := s.has(t, o, codeExpiry, "example.com", c.severity, c.words...)
		if f.Road != c.road || f.Harm.Unix() != ends.Unix() {
			t.Errorf("%s: road %v, harm %v", c.name, f.Road, f.Harm)
		}
	}
}

func TestADomainThatRenewsByItselfIsToldLater(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "[[registered]]\nname = 'Example.COM'\nauto_renew = true")
	w.answer(rdapAnswer("example.com", s.now.Add(20*day), "active"))
	s.has(t, s.look(t), "", "", 0)
	w.answer(rdapAnswer("example.com", s.now.Add(13*day), "active"))
	s.has(t, s.look(t), codeExpiry, "example.com", checks.Warning, "has not done so yet", "まだ更新されていません", "expired card")
	w.answer(rdapAnswer("example.com", s.now.Add(365*day), "active"))
	s.has(t, s.look(t), "", "", 0)
}

func TestTheStatesThatTakeADomainAway(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	for _, c := range []struct {
		name   string
		status []string
		night  bool
		words  []string
	}{
		{"held by the registrar", []string{"client hold", "client transfer prohibited"}, true, []string{"taken off the net by its registrar", "登録事業者に停止", "clientHold"}},
		{"held by the registry, as one was in 2024", []string{"server hold"}, true, []string{"taken off the net by its registry", "レジストリに停止"}},
		{"not renewed", []string{"pending delete", "redemption period"}, false, []string{"can still be recovered", "まだ取り戻せます"}},
		{"about to be free", []string{"pending delete"}, false, []string{"free for anybody", "誰でも取得できる"}},
	} {
		w.answer(rdapAnswer("example.com", s.now.Add(300*day), c.status...))
		f := s.has(t, s.look(t), codeHeld, "example.com", checks.Critical, c.words...)
		if f.Road != checks.Now || f.Harm.IsZero() == c.night {
			t.Errorf("%s: road %v, harm %v", c.name, f.Road, f.Harm)
		}
		w.answer(rdapAnswer("example.com", s.now.Add(300*day), "active"))
		s.has(t, s.look(t), "", "", 0)
	}
}

func TestARegistryWithoutADateWantsOneWritten(t *testing.T) {
	w := newWorld(t)
	place := siteOf(t, "social.example.com", settings)
	s := newScene(t, w, place, "")
	w.answer(rdapAnswer("example.com", time.Time{}, "active"))
	f := s.has(t, s.look(t), codeNoDate, "example.com", checks.Warning, "nobody tells until when", "期限を公開していない", `name = "example.com", expires = 2027-03-31`)
	if f.Road != checks.Week {
		t.Errorf("%v", f.Road)
	}
	written := s.now.Add(6 * day).Format(time.DateOnly)
	s.check = checkstest.Make(t, s.kind, checkstest.Table("[[registered]]\nname = 'example.com'\nexpires = "+written)).(*check)
	s.has(t, s.look(t), codeExpiry, "example.com", checks.Critical, "written in the configuration", "設定ファイルに書かれた日付", "change expires")
	s.check = checkstest.Make(t, s.kind, "[[registered]]\nname = 'example.com'\nexpires = 2099-03-31").(*check)
	s.has(t, s.look(t), "", "", 0)
}

func TestARegistryThatIsSilentHoldsWhatItSaidForAWeek(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.answer(rdapAnswer("example.com", s.now.Add(20*day), "active"))
	s.has(t, s.look(t), codeExpiry, "example.com", checks.Warning)
	w.answer(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(http.StatusBadGateway) })
	for range 6 {
		s.has(t, s.look(t), codeExpiry, "example.com", checks.Warning)
	}
	o := s.look(t)
	if len(o.Findings) > 0 || len(o.Blind) != 2 || !o.Blind[0].Hides(checks.Key{Code: codeHeld, Subject: "example.com"}) || !o.Blind[1].Hides(checks.Key{Code: codeExpiry, Subject: "example.com"}) {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	w.answer(rdapAnswer("example.com", s.now.Add(300*day), "active"))
	s.has(t, s.look(t), "", "", 0)
}

func TestARegistryThatMistakesItselfIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.answer(http.NotFound)
	o := s.look(t)
	if len(o.Findings) > 0 || len(o.Blind) != 1 || !strings.Contains(o.Blind[0].Why.En, "says that it does not know example.com, but serves it") {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestHostileRegistriesEndAndSayNothing(t *testing.T) {
	forever := func(w http.ResponseWriter, _ *http.Request) {
		for range 3000 { // 3 MB, past what is read
			if _, err := w.Write([]byte(strings.Repeat("[", 1024))); err != nil {
				return
			}
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"endless":              forever,
		"redirected in a loop": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"sent to plain HTTP": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.9/", http.StatusFound)
		},
		"sent to the inside": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1/", http.StatusFound)
		},
		"nested without end":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat(`{"a":`, 20000))) },
		"a page":                 func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>maintenance</html>")) },
		"an empty object":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
		"about another":          rdapAnswer("example.com", time.Time{}, "client hold"),
		"closed in the middle":   func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"dates of another world": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"events":"x","status":7}`)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if name == "about another" {
				h = func(w http.ResponseWriter, _ *http.Request) {
					_, _ = w.Write([]byte(`{"ldhName":"victim.com","status":["client hold"],"events":[]}`))
				}
			}
			w.answer(h)
			s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
			o := s.look(t)
			if len(o.Findings) > 0 || len(o.Blind) != 2 || !strings.Contains(o.Blind[0].Why.En, "no answer that can be read") {
				t.Errorf("%+v %+v", o.Findings, o.Blind)
			}
		})
	}
}

func TestTextThatImitatesOursStaysText(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.answer(func(out http.ResponseWriter, _ *http.Request) {
		_, _ = out.Write([]byte(`{"ldhName":"example.com","status":["client hold"],"events":[],"entities":[{"roles":["registrar"],"vcardArray":["vcard",[["fn",{},"text",
			"x\n[Resolved] #12 domain: all is well @alice@example.net \u202e #1 $(rm -rf /)` + strings.Repeat("y", 500) + `"]]]}]}`))
	})
	o := s.look(t)
	f, ok := checkstest.Find(o, codeHeld, "example.com")
	if !ok {
		t.Fatalf("%+v", o)
	}
	for _, line := range strings.Split(f.Advice.Text.En+"\n"+f.Advice.Text.Ja, "\n") {
		if strings.HasPrefix(line, "[") || strings.Contains(line, "@") || len([]rune(line)) > 300 {
			t.Errorf("%q", line)
		}
	}
}

func TestADelegationThatIsGoneAndComesBack(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.parent.change(func(r *records) { r.rcode = dns.RcodeNameError })
	o := s.look(t)
	f := s.has(t, o, codeUndelegated, "example.com", checks.Critical, "gone from the name servers of its registry", "ネームサーバーから消えています")
	if f.Harm.IsZero() || len(o.Blind) != 2 {
		t.Errorf("%+v %+v", f, o.Blind)
	}
	w.answer(http.NotFound)
	s.has(t, s.look(t), codeUndelegated, "example.com", checks.Critical, "nobody has registered it", "未登録になっています")
	// With the state told, one finding says both.
	w.answer(rdapAnswer("example.com", s.now.Add(300*day), "client hold"))
	s.has(t, s.look(t), codeHeld, "example.com", checks.Critical)
	w.answer(rdapAnswer("example.com", s.now.Add(300*day), "active"))
	w.delegate(t, "ns1.hoster.example.", "ns2.hoster.example.")
	s.has(t, s.look(t), "", "", 0)
}

func TestOneServerOfTheRegistryIsNoProof(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.parent.change(func(r *records) { r.rcode = dns.RcodeNameError })
	w.cut("192.0.2.2:53")
	o := s.look(t)
	if len(o.Findings) > 0 || len(o.Blind) != 3 || o.Blind[0].Code != codeUndelegated {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	w.delegate(t, "ns1.hoster.example.", "ns2.hoster.example.")
	s.has(t, s.look(t), "", "", 0)
}

func TestNameServersThatDoNotAgree(t *testing.T) {
	for _, c := range []struct {
		name  string
		ill   func(t *testing.T, w *world)
		road  checks.Road
		words []string
	}{
		{"one is silent", func(_ *testing.T, w *world) { w.ns[1].change(func(r *records) { r.mute = true }) }, checks.Morning, []string{
			"1 of 2 name servers of example.com does not serve it", "No answer: ns2.hoster.example", "応答なし: ns2.hoster.example",
		}},
		{"one refuses", func(_ *testing.T, w *world) { w.ns[1].change(func(r *records) { r.rcode = dns.RcodeRefused }) }, checks.Morning, []string{
			"Does not know the domain: ns2.hoster.example", "2台中1台が正しく応答しません",
		}},
		{"all refuse", func(_ *testing.T, w *world) {
			for _, ns := range w.ns {
				ns.change(func(r *records) { r.rcode = dns.RcodeRefused })
			}
		}, checks.Morning, []string{"none of the name servers of example.com serves it", "nobody finds the server any more", "どれも正しく応答しません"}},
		{"one has no address", func(t *testing.T, w *world) { w.resolver.set(t, "ns2.hoster.example.", dns.TypeA) }, checks.Morning, []string{
			"Its name has no address: ns2.hoster.example", "ネームサーバー名が解決できない",
		}},
		{"one serves an old state", func(t *testing.T, w *world) { w.sign(t, 0, 8, -time.Hour, 14*day) }, checks.Morning, []string{
			"some serve an old state", "Serves an old state: ns2.hoster.example", "一部が古い内容",
		}},
		{"they name different servers", func(t *testing.T, w *world) {
			w.ns[1].set(t, zoneName, dns.TypeNS, "ns1.hoster.example.", "ns3.hoster.example.")
		}, checks.Week, []string{"each has another list of them", "NSの一覧が異なる"}},
		{"the registry names one too many", func(t *testing.T, w *world) {
			w.resolver.set(t, "ns3.hoster.example.", dns.TypeA, "192.0.2.11")
			w.delegate(t, "ns1.hoster.example.", "ns2.hoster.example.", "ns3.hoster.example.")
		}, checks.Week, []string{"registry and zone of example.com name different name servers", "Named by the registry only: ns3.hoster.example"}},
		{"the registry names one too few", func(t *testing.T, w *world) { w.delegate(t, "ns1.hoster.example.") }, checks.Week, []string{
			"Named by the zone only: ns2.hoster.example", "ゾーンにだけある: ns2.hoster.example",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
			s.has(t, s.look(t), "", "", 0)
			c.ill(t, w)
			f := s.has(t, s.look(t), codeServers, "example.com", checks.Warning, c.words...)
			if f.Road != c.road || f.Advice.Look.String() != "dig +nssearch example.com" {
				t.Errorf("road %v, %s", f.Road, f.Advice.Look)
			}
			for i := range w.ns {
				w.ns[i].change(func(r *records) { r.mute, r.rcode = false, dns.RcodeSuccess })
				w.sign(t, i, 9, -time.Hour, 14*day)
			}
			w.resolver.set(t, "ns2.hoster.example.", dns.TypeA, "192.0.2.12")
			w.delegate(t, "ns1.hoster.example.", "ns2.hoster.example.")
			s.has(t, s.look(t), "", "", 0)
		})
	}
}

func TestWhereNoNameServerCanBeReachedNothingIsSaid(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.cut("192.0.2.11:53")
	w.cut("192.0.2.12:53")
	o := s.look(t)
	if len(o.Findings) > 0 || len(o.Blind) != 2 || !strings.Contains(o.Blind[0].Why.En, "cannot be asked from here (port 53)") {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	w.cut("resolver:53")
	if o := s.look(t); len(o.Findings) > 0 || len(o.Blind) != 5 { // and the CAA of two hosts
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestAnAnswerThatDoesNotFitComesByTCP(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	w.ns[0].change(func(r *records) { r.truncate = true })
	s.has(t, s.look(t), "", "", 0)
}

func TestDNSSECThatBreaks(t *testing.T) {
	other := &dns.DNSKEY{Hdr: dns.RR_Header{Name: zoneName, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300}, Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	if _, err := other.Generate(256); err != nil {
		t.Fatal(err)
	}
	both := func(w *world, f func(i int)) {
		for i := range w.ns {
			f(i)
		}
	}
	for _, c := range []struct {
		name     string
		ill      func(t *testing.T, w *world)
		severity checks.Severity
		words    []string
	}{
		{"the signatures have expired", func(t *testing.T, w *world) { both(w, func(i int) { w.sign(t, i, 7, -20*day, -time.Hour) }) }, checks.Critical, []string{
			"DNSSEC of example.com is broken", "The signatures expired ", "再署名されていません",
		}},
		{"they are of the future", func(t *testing.T, w *world) { both(w, func(i int) { w.sign(t, i, 7, 2*day, 20*day) }) }, checks.Critical, []string{
			"not valid yet", "開始日時が未来",
		}},
		{"the registry names another key", func(_ *testing.T, w *world) { w.publishDS(other.ToDS(dns.SHA256)) }, checks.Critical, []string{
			"None of the zone's keys", "どれとも一致しません", "take the old DS out",
		}},
		{"the zone is no longer signed", func(_ *testing.T, w *world) {
			both(w, func(i int) { w.ns[i].change(func(r *records) { delete(r.sets, setKey(zoneName, dns.TypeDNSKEY)) }) })
		}, checks.Critical, []string{"the zone has no keys", "鍵（DNSKEY）がありません"}},
		{"a record was changed behind the signature", func(t *testing.T, w *world) {
			both(w, func(i int) {
				w.ns[i].change(func(r *records) {
					set := r.sets[setKey(zoneName, dns.TypeSOA)]
					changed := dns.Copy(set[0]).(*dns.SOA)
					changed.Minttl = 1
					r.sets[setKey(zoneName, dns.TypeSOA)] = []dns.RR{changed, set[1]}
				})
			})
		}, checks.Critical, []string{"do not fit the records", "署名がレコードと一致しません"}},
		{"at one server only", func(t *testing.T, w *world) { w.sign(t, 1, 7, -20*day, -time.Hour) }, checks.Warning, []string{
			"broken at 1 of 2 name servers", "It is: ns2.hoster.example", "2台中1台でDNSSEC",
		}},
		{"nobody signs any more", func(t *testing.T, w *world) { both(w, func(i int) { w.sign(t, i, 7, -20*day, 2*day) }) }, checks.Warning, []string{
			"and are not renewed", "更新されないまま",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
			c.ill(t, w)
			s.has(t, s.look(t), codeDNSSEC, "example.com", c.severity, c.words...)
			s.now = s.now.Add(-day)
			both(w, func(i int) { w.sign(t, i, 7, -time.Hour, 14*day) })
			w.publishDS(w.key.ToDS(dns.SHA256))
			s.has(t, s.look(t), "", "", 0)
		})
	}
}

func TestWhatIsSignedOtherwiseIsNotJudged(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", settings), "")
	ds := w.key.ToDS(dns.SHA256)
	ds.Algorithm = 250
	w.publishDS(ds)
	if o := s.look(t); len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeDNSSEC {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	w.publishDS() // unsigned is no fault
	s.has(t, s.look(t), "", "", 0)
}

func TestCAAThatForbidsTheIssuer(t *testing.T) {
	w := newWorld(t)
	s := newScene(t, w, siteOf(t, "social.example.com", "LOCAL_DOMAIN=social.example.com\n"), "")
	w.resolver.set(t, "example.com.", dns.TypeCAA, `0 issue "digicert.com"`, `0 iodef "mailto:x@example.com"`)
	s.has(t, s.look(t), codeCAA, "social.example.com", checks.Warning, `(from "Let's Encrypt")`, "let only these issue: digicert.com", "次の更新は拒否されます", `example.com. CAA 0 issue "letsencrypt.org"`)
	w.resolver.set(t, "social.example.com.", dns.TypeCAA, `0 issue ";"`)
	s.has(t, s.look(t), codeCAA, "social.example.com", checks.Warning, "let nobody issue", "どの認証局にも")
	w.resolver.set(t, "social.example.com.", dns.TypeCAA, `0 issue "LetsEncrypt.org; validationmethods=http-01"`)
	s.has(t, s.look(t), "", "", 0)
	w.serveWeb(t, "Some Company", "social.example.com") // whose name in CAA is not known
	w.resolver.set(t, "social.example.com.", dns.TypeCAA, `0 issue "digicert.com"`)
	s.has(t, s.look(t), "", "", 0)
	w.cut("social.example.com:443")
	if o := s.look(t); len(o.Findings) > 0 || len(o.Blind) != 1 || o.Blind[0].Code != codeCAA {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
}

func TestOfflineNobodyIsAsked(t *testing.T) {
	w := newWorld(t)
	place := siteOf(t, "social.example.com", settings)
	place.Offline = true
	s := newScene(t, w, place, "[[registered]]\nname = 'example.com'\nexpires = 2099-03-31\n[[registered]]\nname = 'example.net'")
	w.mu.Lock()
	w.to = map[string]string{}
	w.mu.Unlock()
	o := s.look(t)
	if len(o.Findings) > 0 || w.times("rdap")+w.times("list")+w.times("whois.iana.org") > 0 {
		t.Errorf("%+v", o.Findings)
	}
	for _, b := range o.Blind {
		if !strings.Contains(b.Why.En, "offline = true") || b.Code == codeExpiry && b.Subject == "example.com" {
			t.Errorf("%+v", b)
		}
	}
	s.now = time.Date(2099, 3, 20, 0, 0, 0, 0, time.UTC)
	if f, ok := checkstest.Find(s.look(t), codeExpiry, "example.com"); !ok || f.Severity != checks.Warning {
		t.Errorf("%+v", f)
	}
}

func TestTheRealWorldNeverLeadsInside(t *testing.T) {
	out := outside(&site.Site{})
	for _, address := range []string{"127.0.0.1:43", "10.1.2.3:443", "169.254.169.254:443", "192.168.1.1:53", "[::1]:43", "100.64.0.1:43", "[fd00::1]:53", "0.0.0.0:43"} {
		for _, network := range []string{"tcp", "udp"} {
			conn, err := out.Dial(t.Context(), network, address)
			if err == nil {
				_ = conn.Close()
			}
			if !errors.Is(err, registry.ErrPrivate) {
				t.Errorf("%s %s: %v", network, address, err)
			}
		}
	}
}

func TestTheRulesAreThoseOfTheDefaults(t *testing.T) {
	k := Kind(&site.Site{Domain: "example.com"})
	for _, code := range []string{codeExpiry, codeNoDate, codeServers, codeCAA} {
		if r := k.Rule(code); r.Warning != (checks.Looks{Open: 2, Resolve: 1}) || r.Critical != r.Warning {
			t.Errorf("%s: %+v", code, r)
		}
	}
	for _, code := range []string{codeHeld, codeUndelegated, codeDNSSEC} {
		if r := k.Rule(code); r.Critical != (checks.Looks{Open: 1, Resolve: 1}) {
			t.Errorf("%s: %+v", code, r)
		}
	}
	if c := DefaultConfig(); c.Warning.Std() != 30*day || c.AutoRenewWarning.Std() != 14*day || c.Critical.Std() != 7*day {
		t.Errorf("%+v", c)
	}
	if !slices.Contains(k.Words.Ja, "ドメイン") {
		t.Errorf("%+v", k.Words)
	}
}
