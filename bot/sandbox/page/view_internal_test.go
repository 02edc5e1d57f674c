package page

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHTMLBecomesPiecesOfText(t *testing.T) {
	for _, c := range []struct {
		name, html string
		want       [][]piece
	}{
		{"nothing", "", [][]piece{}},
		{"paragraphs and lines", "<p>a<br />b</p><p>c &amp; d</p>", [][]piece{{{Text: "a"}, {Break: true}, {Text: "b"}}, {{Text: "c & d"}}}},
		{
			"a mention is one piece and leads nowhere",
			`<p>hi <span class="h-card"><a href="https://x.example/@admin" class="u-url mention">@<span>admin</span></a></span>!</p>`,
			[][]piece{{{Text: "hi "}, {Text: "@admin", Name: true}, {Text: "!"}}},
		},
		{
			"a long address is cut as Mastodon cuts it",
			`<p><a href="https://x.example/long"><span class="invisible">https://</span><span class="ellipsis">x.example/lo</span><span class="invisible">ng</span></a> z</p>`,
			[][]piece{{{Text: "x.example/lo…", Link: "https://x.example/long"}, {Text: " z"}}},
		},
		{"a script address is text", `<p><a href="javascript:alert(1)">x</a></p>`, [][]piece{{{Text: "x"}}}},
		{"a data address is text", `<p><a href="data:text/html,x">x</a></p>`, [][]piece{{{Text: "x"}}}},
		{"what is not closed ends with its end", `<p><span class="invisible">x`, [][]piece{}},
		{"too many ends", `</span></a></p>x`, [][]piece{{{Text: "x"}}}},
		{"an unknown element is its text", `<p><b onclick="x">bold</b></p>`, [][]piece{{{Text: "bold"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, pieces(c.html)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhoIsLocal(t *testing.T) {
	for _, c := range []struct {
		name, host string
		header     http.Header
		tls        bool
		want       bool
	}{
		{"by number", "127.0.0.1:8080", nil, false, true},
		{"by another number of this machine", "127.8.8.8:8080", nil, false, true},
		{"by name", "localhost:8080", nil, false, true},
		{"by name in capitals", "LOCALHOST:8080", nil, false, true},
		{"IPv6", "[::1]:8080", nil, false, true},
		{"the page itself", "127.0.0.1:8080", http.Header{"Origin": {"http://127.0.0.1:8080"}, "Sec-Fetch-Site": {"same-origin"}}, false, true},
		{"typed", "127.0.0.1:8080", http.Header{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Dest": {"document"}}, false, true},
		{"over TLS", "sandbox.example", nil, true, true},
		{"another port", "127.0.0.1:8081", nil, false, false},
		{"no port", "127.0.0.1", nil, false, false},
		{"no host", "", nil, false, false},
		{"any address", "0.0.0.0:8080", nil, false, false},
		{"the local network", "192.168.1.1:8080", nil, false, false},
		{"a zone", "[::1%25lo]:8080", nil, false, false},
		{"a stranger's name", "stranger.example:8080", nil, false, false},
		{"a name that resolves here", "127.0.0.1.nip.example:8080", nil, false, false},
		{"localhost with a dot", "localhost.:8080", nil, false, false},
		{"a page elsewhere", "127.0.0.1:8080", http.Header{"Origin": {"https://stranger.example"}}, false, false},
		{"a page that has no origin", "127.0.0.1:8080", http.Header{"Origin": {"null"}}, false, false},
		{"two origins", "127.0.0.1:8080", http.Header{"Origin": {"http://127.0.0.1:8080", "https://stranger.example"}}, false, false},
		{"localhost's page for the number", "127.0.0.1:8080", http.Header{"Origin": {"http://localhost:8080"}}, false, false},
		{"a link elsewhere", "127.0.0.1:8080", http.Header{"Sec-Fetch-Site": {"cross-site"}}, false, false},
		{"a frame", "127.0.0.1:8080", http.Header{"Sec-Fetch-Dest": {"iframe"}}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := (&http.Request{Host: c.host, Header: c.header}).WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{Port: 8080}))
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := Local(r); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestNoWordIsMissingInEitherLanguage(t *testing.T) {
	for _, w := range []words{english(), japanese()} {
		all := reflect.ValueOf(w)
		for i := range all.NumField() {
			if all.Field(i).Len() == 0 {
				t.Errorf("%s: %s", w.Lang, all.Type().Field(i).Name)
			}
		}
		if len(w.Visibility) != 4 {
			t.Errorf("%s: %v", w.Lang, w.Visibility)
		}
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(t.Context(), everywhere{}); err == nil {
		t.Error("it served everybody")
	}
}

// everywhere is a listener that all the world reaches.
type everywhere struct{ net.Listener }

func (everywhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 1} }
func (everywhere) Close() error   { return nil }
