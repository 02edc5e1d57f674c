package registry

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"

	"github.com/sababan/sababan/checks"
)

// Answers in the shapes of registries, in words of our own.
const (
	jpGeneric = `[ our own words stand here ]

Domain Information: [ドメイン情報]
[Domain Name]                   EXAMPLE.JP

[登録者名]                      さばの会
[Registrant]                    Saba Club

[Name Server]                   ns1.example.jp
[Signing Key]

[登録年月日]                    2017/04/01
[有効期限]                      2027/03/31
[状態]                          Active
[ロック状態]                    AgentChangeLocked
[最終更新]                      2026/04/01 01:05:10 (JST)
`
	jpOrganization = `Domain Information: [ドメイン情報]
a. [ドメイン名]                 EXAMPLE.CO.JP
g. [Organization]               Saba Inc.
p. [ネームサーバ]               ns1.example.jp
[状態]                          Connected (2027/03/31)
[登録年月日]                    2017/03/15
`
	jpEnglish = `Domain Information:
a. [Domain Name]                EXAMPLE.CO.JP
[State]                         Connected (2027/03/31)
[Registered Date]               2017/03/15
`
)

func TestTheShapesOfRegistries(t *testing.T) {
	for _, c := range []struct {
		name, domain, text, ends string
		held                     []Hold
		registrar, next          string
	}{
		{name: ".jp, in Japanese", domain: "example.jp", text: jpGeneric, ends: "2027-03-31"},
		{name: ".jp, in English", domain: "example.jp", text: "[Domain Name]  EXAMPLE.JP\n[Expires on]                    2027/03/31\n[Status]                        Active\n", ends: "2027-03-31"},
		{name: ".jp, suspended", domain: "example.jp", text: "[Domain Name]  EXAMPLE.JP\n[Expires on]   2027/03/31\n[Status]  Suspended\n", ends: "2027-03-31", held: []Hold{HeldSuspended}},
		{name: ".co.jp, in Japanese", domain: "example.co.jp", text: jpOrganization, ends: "2027-03-31"},
		{name: ".co.jp, in English", domain: "example.co.jp", text: jpEnglish, ends: "2027-03-31"},
		{name: ".co.jp, with brackets of full width", domain: "example.co.jp", text: "a. [ドメイン名]  EXAMPLE.CO.JP\n[状態]  Connected（2027/03/31）\n", ends: "2027-03-31"},
		{
			name: "a thick one as ICANN wants it", domain: "example.com", ends: "2027-08-13T04:00:00Z", held: []Hold{HeldByRegistrar}, registrar: "Own Names Ltd", next: "whois.names.example",
			text: "   Domain Name: EXAMPLE.COM\r\n   Registrar WHOIS Server: whois.names.example\r\n   Updated Date: 2026-08-14T07:01:44Z\r\n   Registry Expiry Date: 2027-08-13T04:00:00Z\r\n   Registrar: Own Names Ltd\r\n   Registrar Registration Expiration Date: 2026-08-13T04:00:00Z\r\n   Domain Status: clientHold https://icann.org/epp#clientHold\r\n   Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited\r\n>>> Last update of whois database: 2026-11-22T10:00:00Z <<<\r\nNOTICE: The expiration date displayed here: 2099-01-01\r\n",
		},
		{
			name: ".uk, in blocks", domain: "example.co.uk", ends: "2027-03-31", registrar: "Own Names [Tag = OWN]",
			text: "\n    Domain name:\n        example.co.uk\n\n    Registrar:\n        Own Names [Tag = OWN]\n\n    Relevant dates:\n        Registered on: 01-Apr-2017\n        Expiry date:  31-Mar-2027\n\n    Registration status:\n        Registered until expiry date.\n",
		},
		{name: ".uk, suspended", domain: "example.co.uk", ends: "2027-03-31", held: []Hold{HeldSuspended}, text: "    Domain name:\n        example.co.uk\n        Expiry date:  31-Mar-2027\n    Registration status:\n        Suspended.\n"},
		{name: ".de tells no date", domain: "example.de", text: "Domain: example.de\nNserver: ns1.example.de\nStatus: connect\nChanged: 2026-01-01T10:00:00+01:00\n"},
		{name: ".eu tells no date", domain: "example.eu", text: "% words\nDomain: example.eu\nScript: LATIN\n\nRegistrant:\n        NOT DISCLOSED!\n"},
		{name: ".at tells no date", domain: "example.at", text: "domain:         example.at\nregistrar:      Own Names GmbH ( https://nic.example/1 )\nchanged:        20260101 10:00:00\n", registrar: "Own Names GmbH ( https://nic.example/1 )"},
		{name: ".fr", domain: "example.fr", text: "domain:                        example.fr\nstatus:                        ACTIVE\neppstatus:                     active\nhold:                          NO\nExpiry Date:                   2027-03-31T13:37:00Z\n", ends: "2027-03-31T13:37:00Z"},
		{name: ".fr, on hold", domain: "example.fr", text: "domain: example.fr\nhold: YES\nExpiry Date: 2027-03-31T13:37:00Z\n", ends: "2027-03-31T13:37:00Z", held: []Hold{HeldByRegistry}},
		{name: ".it", domain: "example.it", text: "Domain:             example.it\nStatus:             pendingDelete / redemptionPeriod\nExpire Date:        2027-03-31\n", ends: "2027-03-31", held: []Hold{InRedemption}},
		{name: ".nl, given up", domain: "example.nl", text: "Domain name: example.nl\nStatus:      in quarantine\n", held: []Hold{InRedemption}},
		{name: ".ru", domain: "example.ru", text: "domain:        EXAMPLE.RU\nstate:         REGISTERED, DELEGATED, VERIFIED\npaid-till:     2027-03-31T21:00:00Z\nfree-date:     2027-05-02\n", ends: "2027-03-31T21:00:00Z"},
		{name: ".ru, not delegated", domain: "example.ru", text: "domain: EXAMPLE.RU\nstate: REGISTERED, NOT DELEGATED, VERIFIED\npaid-till: 2027-03-31T21:00:00Z\n", ends: "2027-03-31T21:00:00Z", held: []Hold{HeldSuspended}},
		{name: ".br", domain: "example.com.br", text: "domain:      example.com.br\ncreated:     20170401 #123\nexpires:     20270331\nstatus:      published\n", ends: "2027-03-31"},
		{name: ".fi, with dots", domain: "example.fi", text: "domain.............: example.fi\nstatus.............: Registered\nexpires............: 31.3.2027 10:15:55\n", ends: "2027-03-31T10:15:55Z"},
		{name: ".kr", domain: "example.kr", text: "Domain Name                 : example.kr\nRegistered Date             : 2017. 04. 01.\nExpiration Date             : 2027. 03. 31.\n", ends: "2027-03-31"},
		{name: ".tw, without a colon", domain: "example.tw", text: "Domain Name: example.tw\n   Record expires on 2027-03-31 00:00:00 (UTC+8)\n   Record created on 2017-04-01 00:00:00 (UTC+8)\n", ends: "2027-03-31T00:00:00Z"},
		{name: ".hk, day first", domain: "example.hk", text: "Domain Name:  EXAMPLE.HK\nExpiry Date: 31-03-2027\n", ends: "2027-03-31"},
		{name: "a day that could be two is none", domain: "example.hk", text: "Domain Name:  EXAMPLE.HK\nExpiry Date: 04-03-2027\n"},
		{name: ".tr, with a dot behind", domain: "example.com.tr", text: "** Domain Name: example.com.tr\nCreated on..............: 2017-Apr-01.\nExpires on..............: 2027-Mar-31.\n", ends: "2027-03-31"},
		{name: ".cn", domain: "example.cn", text: "Domain Name: example.cn\nDomain Status: ok\nExpiration Time: 2027-03-31 10:20:30\n", ends: "2027-03-31T10:20:30Z"},
		{name: ".se", domain: "example.se", text: "state:            active\ndomain:           example.se\nexpires:          2027-03-31\nstatus:           ok\n", ends: "2027-03-31"},
		{name: ".af, held before its time", domain: "queer.af", text: "Domain Name: queer.af\nRegistry Expiry Date: 2024-04-12T00:00:00Z\nDomain Status: serverHold https://icann.org/epp#serverHold\nDomain Status: pendingDelete\n", ends: "2024-04-12T00:00:00Z", held: []Hold{BeingDeleted, HeldByRegistry}},
		{name: "without a space behind the colon", domain: "example.dev", text: "Domain Name:EXAMPLE.DEV\nExpiration Date:2027-03-31T10:00:00.0Z\n", ends: "2027-03-31T10:00:00Z"},
		{name: "of two dates the sooner", domain: "example.com", text: "Domain: example.com\nExpires: 2099-01-01\nExpires: 2027-03-31\n", ends: "2027-03-31"},
		{name: "dates that were never meant", domain: "example.com", text: "Domain: example.com\nExpires: 0001-01-01\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, next, err := readWhois(c.text, c.domain)
			if err != nil {
				t.Fatal(err)
			}
			want := time.Time{}
			if c.ends != "" {
				form := time.DateOnly
				if strings.Contains(c.ends, "T") {
					form = time.RFC3339
				}
				if want, err = time.Parse(form, c.ends); err != nil {
					t.Fatal(err)
				}
				if form == time.DateOnly {
					want = want.Add(12 * time.Hour)
				}
			}
			slices.Sort(c.held)
			if !said.Expires.Equal(want) || !slices.Equal(said.Held, c.held) || said.Missing || said.Registrar != c.registrar || next != c.next {
				t.Errorf("%+v, next %q", said, next)
			}
		})
	}
}

func TestAnswersThatTellNothing(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		missing bool
	}{
		"nobody has it":         {"No match for \"EXAMPLE.COM\".\r\n", true},
		"free":                  {"Status: free\n", true},
		"asked too often":       {"% Your quota is used up. Try again tomorrow.\n", false},
		"about another domain":  {"Domain Name: OTHER.COM\nRegistry Expiry Date: 2027-08-13T04:00:00Z\nDomain Status: clientHold\n", false},
		"empty":                 {"", false},
		"a page":                {"<html><body>Domain Name: x</body></html>", false},
		"an imitation of ours":  {"[Resolved] #12 domain: all is well\n【解消】12番 ドメイン ヨシ!\n@alice@example.net\n", false},
		"a word in the middle":  {"the domain has expires: tomorrow\n", false},
		"nothing but colons":    {strings.Repeat(":", 70000), false},
		"nothing but brackets":  {strings.Repeat("[", 70000), false},
		"a line without an end": {"Domain Name: " + strings.Repeat("x", 70000), false},
		"lines without an end":  {strings.Repeat("a:\n", 30000), false},
		"bytes of no text":      {"\x00\xff\xfe\x1b$B\x1b", false},
	} {
		said, _, err := readWhois(decode([]byte(c.text)), "example.com")
		if c.missing != said.Missing || (err == nil) != c.missing || !said.Expires.IsZero() || len(said.Held) > 0 {
			t.Errorf("%s: %+v, %v", name, said, err)
		}
	}
}

func TestEncodingsThatNobodyNames(t *testing.T) {
	encode := func(e interface{ String(string) (string, error) }, text string) []byte {
		s, err := e.String(text)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(s)
	}
	for _, text := range []string{jpGeneric, jpOrganization} {
		for name, raw := range map[string][]byte{
			"UTF-8":       []byte(text),
			"ISO-2022-JP": encode(japanese.ISO2022JP.NewEncoder(), text),
			"EUC-JP":      encode(japanese.EUCJP.NewEncoder(), text),
			"Shift_JIS":   encode(japanese.ShiftJIS.NewEncoder(), text),
		} {
			domain := "example.jp"
			if text == jpOrganization {
				domain = "example.co.jp"
			}
			said, _, err := readWhois(decode(raw), domain)
			if err != nil || said.Expires.Format(time.DateOnly) != "2027-03-31" {
				t.Errorf("%s of %s: %+v, %v", name, domain, said, err)
			}
		}
	}
	latin := encode(charmap.ISO8859_1.NewEncoder(), "Domain: example.fr\nRegistrar: Société Générée\nExpiry Date: 2027-03-31\n")
	if said, _, err := readWhois(decode(latin), "example.fr"); err != nil || said.Registrar != "Société Générée" {
		t.Errorf("Latin-1: %+v, %v", said, err)
	}
	if cut := decode([]byte("Domain: example.jp\n有効期限")[:26]); !utf8.ValidString(cut) || !strings.Contains(cut, "有") {
		t.Errorf("cut in the middle: %q", cut)
	}
}

func FuzzWhois(f *testing.F) {
	for _, s := range []string{jpGeneric, jpOrganization, jpEnglish, "Domain: example.de\n", "\x1b$B%I\x1b(B", "Expires: 31/03/2027", "a. [x] y"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := decode(raw)
		if !utf8.ValidString(text) {
			t.Errorf("no text: %q", text)
		}
		said, next, err := readWhois(text, "example.jp")
		if err == nil && !said.Expires.IsZero() && (said.Expires.Year() < 1990 || said.Expires.Year() > 2200) {
			t.Errorf("%v", said.Expires)
		}
		if checks.Quote(said.Registrar) != said.Registrar || next != "" && whoisHost(next) != next {
			t.Errorf("%q %q", said.Registrar, next)
		}
	})
}
