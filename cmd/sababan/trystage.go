package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/bot/sandbox/page"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

// tryDomain is the name of the Mastodon in memory: one that no registry gives
// away.
const tryDomain = "sandbox.example"

// A stage is everything that `try` puts up: the Mastodon in memory, on plain
// HTTP for the bot and behind TLS for the checks, and the daemon.
type stage struct {
	server  *sandbox.Server
	address string
	// pictures is the folder that they are kept in; "" is none.
	pictures string
	bot      sandbox.Account
	admin    sandbox.Account
	daemon   *daemon
	db       *state.DB
	zone     *time.Location
	lang     checks.Lang
	sick     map[string]*sickness
	web      *tryWeb
	page     *page.Page // nil where nobody would open it
	browse   string     // its address, with its token
	past     bool       // response times of days are pretended
	folder   string     // of what is pretended; removed at the end
	stop     context.CancelFunc
	serving  sync.WaitGroup
}

func newStage(ctx context.Context, env environment, f tryFlags, lang checks.Lang, log *slog.Logger) (st *stage, err error) {
	ctx, cancel := context.WithCancel(ctx)
	st = &stage{
		server: sandbox.New(sandbox.Options{Domain: tryDomain, Title: "Sandbox", Rules: []string{"Be kind."}, Admit: page.Local}),
		lang:   lang, stop: cancel, zone: time.Local, pictures: f.pictures,
	}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	st.bot = st.server.AddAccount(sandbox.Account{Username: "sababan", DisplayName: "sababan", Bot: true})
	st.admin = st.server.AddAccount(sandbox.Account{Username: "admin", DisplayName: "Admin"})
	st.server.Follow(st.admin, st.bot)
	st.server.SignIn(st.bot) // so that "init" can be tried here, too

	ln, err := net.Listen("tcp", f.listen)
	if err != nil {
		return st, fmt.Errorf("--listen: %w", err)
	}
	st.address = "http://" + ln.Addr().String()
	st.serving.Go(func() {
		if err := st.server.Serve(ctx, ln); err != nil {
			log.Error("the sandbox ended", "err", err)
		}
	})
	if st.web, err = newTryWeb(st.server.Handler()); err != nil {
		return st, err
	}
	st.serving.Go(func() { st.web.serve(ctx) })

	c, err := st.config(env, f)
	if err != nil {
		return st, err
	}
	if st.db, err = state.Memory(ctx); err != nil {
		return st, err
	}
	home, err := mastodon.New(mastodon.Options{
		Server: st.address, Token: checks.NewSecret(st.server.Token(st.bot)), UserAgent: userAgent(), Log: log,
	})
	if err != nil {
		return st, err
	}
	if err := st.openPage(ctx, f, c, log); err != nil {
		return st, err
	}
	st.daemon = newDaemon(c, outside{db: st.db, home: home, channel: home, log: log, spread: time.Second, poll: tryPoll, wake: tryWake, grouping: tryGrouping})
	return st, nil
}

func (st *stage) close() {
	st.stop()
	if st.web != nil {
		st.web.close()
	}
	st.server.Close()
	st.serving.Wait()
	if st.db != nil {
		_ = st.db.Close() // it was in memory
	}
	if st.folder != "" {
		_ = os.RemoveAll(st.folder) // links and one small file
	}
}

// config is what a newcomer's would be, with everything looked at every few
// seconds, and with the things that are to be broken made breakable.
func (st *stage) config(env environment, f tryFlags) (*Config, error) {
	kinds := func(s *site.Site) []checks.Kind {
		s.Domain, s.Address, s.Roots, s.Offline = tryDomain, st.web.address, st.web.roots, true
		return env.checklist(s)
	}
	c, err := loadConfig("", kinds, env.getenv)
	if err != nil {
		return nil, err
	}
	c.Summary.Languages = []checks.Lang{st.lang}
	c.Bot.Server, c.Bot.Language, c.Bot.Zone = st.address, st.lang, st.zone
	c.Bot.Admins = []bot.Admin{{Account: "admin", Hears: bot.HearsAll, Topics: []string{"all"}, Lang: st.lang, Zone: st.zone, Morning: 8 * 60}}
	for i := range c.Checks {
		c.Checks[i].Timetable = schedule.Every(tryEvery)
		// Nobody wants a disk walked for a trial.
		c.Checks[i].Enabled = c.Checks[i].Enabled && !c.Checks[i].Kind.Long
	}
	if st.sick, err = st.sicknesses(c); err != nil {
		return nil, err
	}
	var names []string
	for _, one := range c.Checks {
		if st.sick[one.Kind.Name] != nil {
			names = append(names, one.Kind.Name)
		}
	}
	for _, name := range f.broken {
		if st.sick[name] == nil {
			if near := nearest(name, names); near != "" {
				return nil, fmt.Errorf("--break: %q cannot be broken; did you mean %s?", checks.Quote(name), near)
			}
			return nil, fmt.Errorf("--break: %q cannot be broken; these can: %s", checks.Quote(name), strings.Join(names, ", "))
		}
	}
	return c, nil
}

// render shows a post as a person sees it.
func (st *stage) render(post sandbox.Status) string {
	to := make([]string, 0, len(post.Mentions))
	for _, m := range post.Mentions {
		to = append(to, "@"+m.Username)
	}
	text := strings.ReplaceAll(strings.TrimSpace(post.Text), "\n", "\n    ")
	for _, m := range post.Media {
		text += "\n    " + st.picture(m)
	}
	return fmt.Sprintf("%s  @%s → %s\n    %s", post.CreatedAt.In(st.zone).Format("15:04:05"), post.Author.Username, strings.Join(to, " "), text)
}

// picture shows a picture as a terminal can: where it is, and what it shows.
func (st *stage) picture(m sandbox.Media) string {
	at := st.address + m.Path
	if st.pictures != "" {
		at = filepath.Join(st.pictures, m.ID+filepath.Ext(m.Path))
		if err := os.WriteFile(at, m.Data, 0o600); err != nil {
			at = err.Error()
		}
	}
	return fmt.Sprintf("[%s] %s", at, strings.ReplaceAll(m.Description, "\n", "\n    "))
}

// tryWeb is the Mastodon in memory as the world would see it: behind TLS, with
// a certificate that can be changed under way.
type tryWeb struct {
	address string
	roots   *x509.CertPool
	ca      *x509.Certificate
	key     *ecdsa.PrivateKey
	cert    atomic.Pointer[tls.Certificate]
	delay   atomic.Int64 // of every answer, in nanoseconds
	ln      net.Listener
	http    *http.Server
}

func newTryWeb(h http.Handler) (*tryWeb, error) {
	w := &tryWeb{roots: x509.NewCertPool()}
	var err error
	if w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sababan try"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &w.key.PublicKey, w.key)
	if err != nil {
		return nil, err
	}
	if w.ca, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	w.roots.AddCert(w.ca)
	if err := w.certify(now.AddDate(0, 0, -29), now.AddDate(0, 0, 61)); err != nil {
		return nil, err
	}
	if w.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	w.address = w.ln.Addr().String()
	w.http = &http.Server{
		Handler: w.delayed(h), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		TLSConfig: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return w.cert.Load(), nil }},
	}
	return w, nil
}

// delayed answers after the delay in force.
func (w *tryWeb) delayed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if d := time.Duration(w.delay.Load()); d > 0 {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return
			}
		}
		h.ServeHTTP(rw, r)
	})
}

// slow delays every answer until what it returns is called.
func (w *tryWeb) slow(d time.Duration) (mend func()) {
	w.delay.Store(int64(d))
	return func() { w.delay.Store(0) }
}

// certify serves a new certificate of these dates from now on.
func (w *tryWeb) certify(from, to time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{tryDomain}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, w.ca, &key.PublicKey, w.key)
	if err != nil {
		return err
	}
	w.cert.Store(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	return nil
}

func (w *tryWeb) serve(ctx context.Context) {
	stop := context.AfterFunc(ctx, w.close)
	defer stop()
	_ = w.http.ServeTLS(w.ln, "", "") // it ends when the stage is taken down
}

func (w *tryWeb) close() { _ = w.http.Close() }
