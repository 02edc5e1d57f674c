package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

const domain = "mastodon.example"

// serve is a real nginx before a Mastodon made of one file.
func serve(t *testing.T) (*checkstest.Nginx, *site.Site) {
	t.Helper()
	ca := checkstest.NewCA(t, "Root")
	n := checkstest.NewNginx(t)
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{domain}})
	n.Install(t, cert.FullChain(), cert)
	n.Start(t, n.Server("location /api/ { default_type application/json; }\nlocation /api/v2/closed { return 401; }\n"))
	return n, &site.Site{Domain: domain, Address: n.Addr, Roots: ca.Roots(), Proc: "/nowhere"}
}

func instanceJSON(version, languages, rules string) []byte {
	return fmt.Appendf(nil, `{"domain":%q,"version":%q,"languages":[%s],"rules":[%s]}`, domain, version, languages, rules)
}

const (
	plain  = `{"id":"1","text":"なかよく"},{"id":"2","text":"違法なものは禁止"}`
	half   = `{"id":"1","text":"なかよく","translations":{"en":{"text":"Be kind"}}},{"id":"2","text":"違法なものは禁止","translations":{}}`
	wholly = `{"id":"1","text":"なかよく","translations":{"en":{"text":"Be kind"}}},{"id":"2","text":"違法なものは禁止","translations":{"en":{"text":"Nothing illegal"}}}`
)

func TestContract(t *testing.T) {
	n, s := serve(t)
	n.Write(t, "www/api/v2/instance", instanceJSON("4.5.2", `"ja"`, plain))
	checkstest.Contract(t, Kind(s), "")
}

func TestRulesThatLackAreFoundAndMend(t *testing.T) {
	n, s := serve(t)
	k := Kind(s)
	past := &checkstest.Past{}
	c := checkstest.Make(t, k, `languages = ["ja", "en"]`)
	put := func(rules string) { n.Write(t, "www/api/v2/instance", instanceJSON("4.5.2", `"ja"`, rules)) }

	put("")
	o := checkstest.Look(t, k, c, past)
	if f, ok := checkstest.Find(o, none, ""); !ok || f.Road != checks.Week || !strings.Contains(f.Text.En, "no server rules") || !strings.Contains(f.Advice.Text.Ja, "https://mastodon.example/admin/rules") {
		t.Errorf("%+v", o.Findings)
	}
	put(plain)
	o = checkstest.Look(t, k, c, past)
	if f, ok := checkstest.Find(o, translation, "en"); !ok || !strings.HasPrefix(f.Text.En, "the server's rules have no translation into \"en\"") || !strings.HasPrefix(f.Text.Ja, "サーバーのルールに「en」の翻訳がありません") {
		t.Errorf("%+v", o.Findings)
	}
	put(half)
	o = checkstest.Look(t, k, c, past)
	if f, ok := checkstest.Find(o, translation, "en"); !ok || !strings.HasPrefix(f.Text.En, "1 of 2 server rules") || !strings.HasPrefix(f.Text.Ja, "サーバーのルール2件中1件") {
		t.Errorf("%+v", o.Findings)
	}
	put(wholly)
	o = checkstest.Look(t, k, c, past)
	if len(o.Findings) > 0 || o.Summary.En != "2 rules, translated into en" || o.Summary.Ja != "2件（翻訳: en）" {
		t.Errorf("%+v %+v", o.Findings, o.Summary)
	}
	if checkstest.Value(t, o, ruleCount, "") != 2 {
		t.Error("the number is missing")
	}
}

func TestWhatIsJudged(t *testing.T) {
	rules := []api.Rule{{Text: "なかよく", Translations: map[string]string{"zh-CN": "友好", "en": " "}}}
	for _, c := range []struct {
		name   string
		in     api.Instance
		wanted []string
		want   []string
	}{
		{"one language has nothing to translate", api.Instance{Version: "4.5.2", Languages: []string{"ja"}, Rules: rules}, nil, nil},
		{"the server's own languages are taken where none are set", api.Instance{Version: "4.5.2", Languages: []string{"ja", "de"}, Rules: rules}, nil, []string{"de"}},
		{"those that are set win", api.Instance{Version: "4.5.2", Languages: []string{"ja", "de"}, Rules: rules}, []string{"ja", "fr"}, []string{"fr"}},
		{"before 4.4 there are no translations", api.Instance{Version: "4.3.9", Languages: []string{"ja", "de"}, Rules: rules}, nil, nil},
		{"a fork that says that it has them is believed", api.Instance{Version: "0.1", APIVersions: map[string]int{"mastodon": 6}, Rules: rules}, []string{"ja", "de"}, []string{"de"}},
		{"a region serves its language", api.Instance{Version: "4.5.2", Rules: rules}, []string{"ja", "zh"}, nil},
		{"another region does not", api.Instance{Version: "4.5.2", Rules: rules}, []string{"ja", "zh-TW"}, []string{"zh-TW"}},
		{"an empty translation is none", api.Instance{Version: "4.5.2", Rules: rules}, []string{"ja", "en"}, []string{"en"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range judge(domain, c.in, c.wanted).Findings {
				got = append(got, f.Subject)
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnOlderServerIsReadByV1AndAClosedOneIsSaid(t *testing.T) {
	n, s := serve(t)
	k := Kind(s)
	c := checkstest.Make(t, k, "")
	n.Write(t, "www/api/v1/instance", []byte(`{"uri":"mastodon.example","version":"3.5.3","rules":[{"id":"1","text":"x"}]}`))
	if o := checkstest.Look(t, k, c, nil); len(o.Findings) > 0 || o.Summary.En != "1 rule" {
		t.Errorf("%+v %+v", o.Findings, o.Summary)
	}
	for code, want := range map[string]string{"401": "only to those signed in", "503": "the check of the instance API says why"} {
		n.Reload(t, n.Server("location /api/ { return "+code+"; }\n"))
		_, err := c.Look(t.Context(), &checkstest.Past{})
		var unseen *checks.Unseen
		if !errors.As(err, &unseen) || !strings.Contains(unseen.Why.En, want) || unseen.Why.Ja == "" {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestALanguageThatIsNoneIsRefused(t *testing.T) {
	_, err := Kind(&site.Site{Domain: domain}).New(checkstest.Table(`languages = ["日本語"]`))
	if err == nil || !strings.HasPrefix(err.Error(), "languages: ") {
		t.Error(err)
	}
}
