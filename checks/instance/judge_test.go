package instance

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

// transport wraps an error as a request does.
func transport(err error) error {
	return fmt.Errorf("GET /api/v2/instance: %w", &api.TransportError{Err: err})
}

func dial(err error) error {
	return transport(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", err)})
}

func TestWhatAnErrorSaysAboutTheServer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		state state
		why   why
	}{
		{"asked too often: our own doing", &api.RateLimitError{}, unseen, tooMany},
		{"no such name: DNS, not this check's", transport(&net.DNSError{IsNotFound: true}), unseen, noResolver},
		{"a dead resolver", transport(&net.DNSError{IsTimeout: true}), unseen, noResolver},
		{"no network here", dial(syscall.ENETUNREACH), unseen, noRoute},
		{"a firewall of ours", dial(syscall.EPERM), unseen, noRoute},
		{"a certificate that is not accepted", transport(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), unseen, certificate},
		{"a refused connection", dial(syscall.ECONNREFUSED), ill, refused},
		{"no answer", transport(os.ErrDeadlineExceeded), ill, timeout},
		{"cut", transport(io.ErrUnexpectedEOF), ill, cut},
		{"no way to the machine", dial(syscall.EHOSTUNREACH), ill, cut},
		{"too large", &api.TooLargeError{}, ill, tooLarge},
	} {
		if got := read(asked{err: tt.err}, api.Answer.InstanceV2); got.state != tt.state || got.why != tt.why {
			t.Errorf("%s: state %v, why %v; want %v, %v", tt.name, got.state, got.why, tt.state, tt.why)
		}
	}
}

func TestWhoShowsAPageForBrowsers(t *testing.T) {
	for _, tt := range []struct{ header, page, want string }{
		{"cloudflare", "<html>", "Cloudflare"},
		{"nginx", "<html>_cf_chl_opt", "Cloudflare"},
		{"AkamaiGHost", "<html>", "Akamai"},
		{"nginx", `<html><script src="/.within.website/x/cmd/anubis/static/js/main.mjs">`, "Anubis"},
		{"nginx", "<html>It works!", ""},
		{"", "", ""},
	} {
		a := api.Answer{Header: http.Header{"Server": {tt.header}}, Body: []byte(tt.page)}
		if got := guardOf(a); got != tt.want {
			t.Errorf("%q, %q: %q, want %q", tt.header, tt.page, got, tt.want)
		}
	}
}

func TestTheDecision(t *testing.T) {
	good := outcome{state: well, code: 200, took: 80 * time.Millisecond, in: api.Instance{Domain: domain, Version: "4.5.2"}}
	in := func(took time.Duration) outcome { o := good; o.took = took; return o }
	version := func(v string) outcome { o := good; o.in.Version = v; return o }
	bad := func(code int) outcome { return outcome{state: ill, why: status, code: code} }
	dead := outcome{state: ill, why: timeout}
	page := outcome{state: guarded, code: 200, guard: "Cloudflare"}
	unknown := outcome{state: unseen, why: tooMany}
	stale := good
	stale.stale = true

	type codes []string
	for _, tt := range []struct {
		name          string
		first, second outcome
		found         codes
		holds         codes // held as they are, by a finding that holds or a blind spot
	}{
		{"both well", good, good, nil, nil},
		{"out of the cache, and stale: apps live", stale, stale, nil, nil},
		{"both for members only", outcome{state: closed, code: 401}, outcome{state: closed, code: 401}, nil, nil},
		{"v1 dead", dead, good, codes{v1}, nil},
		{"v2 dead", good, dead, codes{v2}, nil},
		{"both dead are one thing", dead, dead, codes{v2}, codes{v1, slow, challenge}},
		{"both fail", bad(500), bad(500), codes{v2}, codes{v1, slow}},
		{"v2 is missing in Mastodon 4.5", good, bad(404), codes{v2}, nil},
		{"v2 is missing in Mastodon 3.5", version("3.5.3"), bad(404), nil, nil},
		{"v2 is missing in Pleroma", version("2.7.2 (compatible; Pleroma 2.5.0)"), bad(404), nil, nil},
		{"v2 of Pleroma fails", version("2.7.2 (compatible; Pleroma 2.5.0)"), bad(500), codes{v2}, nil},
		{"2.0 s is not slow", in(2 * time.Second), good, nil, codes{slow}},
		{"2.1 s is", in(2100 * time.Millisecond), good, codes{slow}, nil},
		{"1.6 s opens nothing and keeps what is open", good, in(1600 * time.Millisecond), nil, codes{slow}},
		{"1.5 s is fine", good, in(1500 * time.Millisecond), nil, nil},
		{"a page for browsers", page, page, codes{challenge}, codes{v1, v2, slow}},
		{"a page for v1, a failure of v2", page, bad(502), codes{v2, challenge}, codes{v1, slow}},
		{"one was asked too often", unknown, good, nil, codes{v1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := judge(question{domain: domain, open: []string{v1, v2, slow, challenge}, usual: func(string) (checks.Band, bool) { return checks.Band{}, false }}, tt.first, tt.second)
			checkstest.AssertObservation(t, Kind(&site.Site{Domain: domain}), o)
			var found codes
			for _, f := range o.Findings {
				if !f.Holds {
					found = append(found, f.Code)
				}
			}
			if fmt.Sprint(found) != fmt.Sprint(tt.found) {
				t.Errorf("found %v, want %v", found, tt.found)
			}
			var holds codes
			for _, code := range []string{v1, v2, slow, challenge} {
				if held(o, code) {
					holds = append(holds, code)
				}
			}
			if fmt.Sprint(holds) != fmt.Sprint(tt.holds) {
				t.Errorf("holds %v, want %v", holds, tt.holds)
			}
		})
	}
}

func TestTheViewIsBlamedOnlyWhereItFits(t *testing.T) {
	mastodon := outcome{state: well, code: 200, in: api.Instance{Version: "4.3.8"}}
	other := outcome{state: well, code: 200, in: api.Instance{Version: "2.7.2 (compatible; Akkoma 3.10)"}}
	five := outcome{state: ill, why: status, code: 500, err: errors.New("500")}
	for _, tt := range []struct {
		name          string
		first, second outcome
		want          bool
	}{
		{"500 of v1 on Mastodon", five, mastodon, true},
		{"500 of v1 on Akkoma, which has no such view", five, other, false},
		{"502 of v1: the web process", outcome{state: ill, why: status, code: 502}, mastodon, false},
		{"no answer of v1", outcome{state: ill, why: timeout}, mastodon, false},
		{"500 of both", five, five, false},
	} {
		if got := viewEmpty(tt.first, tt.second); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	says(t, textView(mastodon, false), "does not fix it by itself", "自動では直りません")
}
