package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// watched is the name of the Mastodon that is looked at: one that no registry
// gives away.
const watched = "sandbox.example"

// A stage is everything around the daemon: the server where its account lives,
// on plain HTTP, and the one that it watches, behind TLS.
type stage struct {
	dir     string
	home    *sandbox.Server
	address string // of the home, http://…
	bot     sandbox.Account
	floor   sandbox.Account // the bare client that is the yardstick
	admin   sandbox.Account
	site    *sandbox.Server
	web     *http.Server
	webAt   string // host:port of the watched server
	roots   string // file with the authority of its certificate
	config  string // file
	state   string // file
	token   string // of floor

	stop    context.CancelFunc
	serving sync.WaitGroup
}

// newStage puts everything up in a folder. Limits of rates hold at home, as on
// any Mastodon; the watched server is asked more often than anybody would.
func newStage(ctx context.Context, dir string) (s *stage, err error) {
	ctx, stop := context.WithCancel(ctx)
	s = &stage{
		dir: dir, stop: stop, config: filepath.Join(dir, "config.toml"), state: filepath.Join(dir, "state.db"),
		roots: filepath.Join(dir, "roots.pem"),
		home:  sandbox.New(sandbox.Options{Domain: "home.example"}),
		site:  sandbox.New(sandbox.Options{Domain: watched, NoLimits: true}),
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.bot = s.home.AddAccount(sandbox.Account{Username: "sababan", Bot: true})
	s.admin = s.home.AddAccount(sandbox.Account{Username: "admin"})
	s.floor = s.home.AddAccount(sandbox.Account{Username: "floor", Bot: true})
	s.home.Follow(s.admin, s.bot)
	s.home.Follow(s.admin, s.floor)
	s.home.Follow(s.floor, s.admin)
	s.token = s.home.Token(s.floor)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return s, err
	}
	s.address = "http://" + ln.Addr().String()
	s.serving.Go(func() { _ = s.home.Serve(ctx, ln) }) // it ends with the stage
	if err := s.serveSite(); err != nil {
		return s, err
	}
	return s, s.write()
}

func (s *stage) close() {
	s.stop()
	if s.web != nil {
		_ = s.web.Close()
	}
	s.home.Close()
	s.site.Close()
	s.serving.Wait()
}

func (s *stage) serveSite() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sababan bench"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	if err != nil {
		return err
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{watched},
		NotBefore: now.AddDate(0, 0, -29), NotAfter: now.AddDate(0, 0, 61),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), 0o600); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.webAt = ln.Addr().String()
	s.web = &http.Server{
		Handler: s.site.Handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: key}}},
	}
	s.serving.Go(func() { _ = s.web.ServeTLS(ln, "", "") }) // it ends with the stage
	return nil
}

// write writes what the daemon reads: all that a real configuration has.
func (s *stage) write() error {
	token := filepath.Join(s.dir, "token")
	if err := os.WriteFile(token, []byte(s.home.Token(s.bot)+"\n"), 0o600); err != nil {
		return err
	}
	return os.WriteFile(s.config, fmt.Appendf(nil, `[bot]
server     = %q
token_file = %q
language   = "en"
timezone   = "Asia/Tokyo"

[[bot.admin]]
account = "admin"
quiet   = "none"

[server]
domain  = %q
address = %q

[host]
name = "bench"

[state]
path = %q
`, s.address, token, watched, s.webAt, s.state), 0o644)
}

// env is what the daemon and `check` find around them.
func (s *stage) env() []string {
	return append(os.Environ(), "SSL_CERT_FILE="+s.roots, "LC_ALL=C.UTF-8", "TZ=UTC")
}
