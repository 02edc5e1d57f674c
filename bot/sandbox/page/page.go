// Package page shows a sandbox in a browser: the conversation as Mastodon
// would show it, a box to write as one of its people, and buttons that make
// things ill and well.
//
// It is for the one person who sits at this machine. It listens on loopback
// only, under an address that nobody can guess, and refuses whatever a
// stranger's web page in the same browser could send: see [Local].
package page

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// A Sickness is something that can be made ill and well again.
type Sickness struct {
	Name  string // of the check that sees it
	Label string // what it is, for people
	How   string // what being ill comes to, for people
	// Ill tells how it is now.
	Ill func() bool
	// Set makes it ill or well; what it is already, it stays.
	Set func(ill bool) error
}

// Options say what is shown, and to whom.
type Options struct {
	Server *sandbox.Server
	// Reader is who looks and writes.
	Reader sandbox.Account
	// Bot is who is spoken to.
	Bot sandbox.Account
	// Language is "en" or "ja".
	Language string
	// Zone is that of the times; default time.Local.
	Zone       *time.Location
	Sicknesses []Sickness
	// Phrases are offered to be said with one click.
	Phrases []string
}

// Bounds of what is kept and taken (own judgement).
const (
	maxPosts   = 300      // shown at once, the newest
	maxBody    = 64 << 10 // bytes of a request
	maxFeeds   = 16       // browsers that look at the same time
	thumpEvery = 15 * time.Second
	patience   = 10 * time.Second // with one write, or one body
)

// A Page is the page of one sandbox. Make it with [New].
type Page struct {
	o     Options
	words words
	token string
	mux   *http.ServeMux
	feeds chan struct{} // holds one for each feed

	mu      sync.Mutex
	changed chan struct{} // closed when a sickness changed
}

//go:embed files
var files embed.FS

// New makes a page with an address of its own.
func New(o Options) (*Page, error) {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	p := &Page{
		o: o, words: wordsIn(o.Language), token: rand.Text(),
		mux: http.NewServeMux(), feeds: make(chan struct{}, maxFeeds), changed: make(chan struct{}),
	}
	index, err := p.index()
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	p.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index) // the browser may be gone
	})
	for name, kind := range map[string]string{
		"page.js": "text/javascript", "theme.js": "text/javascript", "page.css": "text/css", "icon.svg": "image/svg+xml",
	} {
		data, err := fs.ReadFile(files, "files/"+name)
		if err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
		p.mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			_, _ = w.Write(data)
		})
	}
	p.mux.HandleFunc("GET /feed", p.feed)
	p.mux.HandleFunc("GET /media/{id}", p.media)
	p.mux.HandleFunc("POST /say", p.say)
	p.mux.HandleFunc("POST /sickness", p.sickness)
	return p, nil
}

// Address is where the page is on a listener. Whoever has it can read and
// write: it is for the terminal of one person.
func (p *Page) Address(ln net.Addr) string { return "http://" + ln.String() + "/" + p.token + "/" }

// Refresh tells every browser that a sickness changed.
func (p *Page) Refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Page) change() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// ServeHTTP answers to who comes from this machine, by no other page, with the
// token. All others learn nothing, not even whether a path exists.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	if !Local(r) {
		http.Error(w, p.words.Refused, http.StatusForbidden)
		return
	}
	token, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if subtle.ConstantTimeCompare([]byte(token), []byte(p.token)) != 1 {
		http.Error(w, p.words.NoSuchPage, http.StatusNotFound)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if strings.Trim(r.URL.Path, "/") == token && !strings.HasSuffix(r.URL.Path, "/") {
		w.Header().Set("Location", "/"+token+"/") // what it names is relative to a folder
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = "/"+rest, ""
	p.mux.ServeHTTP(w, inner)
}

// errNotLoopback is the answer to a listener that others can reach.
var errNotLoopback = errors.New("page: it listens on loopback only")

// Serve answers on the listener until ctx ends, then closes it and waits for
// what was under way.
func (p *Page) Serve(ctx context.Context, ln net.Listener) error {
	if addr, ok := ln.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return errors.Join(errNotLoopback, ln.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: patience,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(noWriter{}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = http.ErrServerClosed
	}
	cancel() // every feed ends with it
	last, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	if srv.Shutdown(last) != nil {
		_ = srv.Close() // a browser that reads nothing is not waited for
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// noWriter takes what net/http says about broken connections.
type noWriter struct{}

func (noWriter) Write(b []byte) (int, error) { return len(b), nil }
