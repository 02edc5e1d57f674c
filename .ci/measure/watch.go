package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	watchShare  = 0.5 // of the bare loop's time on the processor, issue
	watchMemory = 100 // MB with 10,000 names, issue
	watchTold   = 121 // s: what is to be known every 2 min, and one second, issue
	watchSeen   = 61  // s: each is looked at every minute, issue
)

// watchReport is what .ci/measure/watching prints.
type watchReport struct {
	Probes  int64   `json:"probes"`
	Failed  int64   `json:"failed"`
	CPU     float64 `json:"cpu_ms"`
	RSS     float64 `json:"rss_mb"`
	Peak    float64 `json:"peak_mb"`
	Seen    float64 `json:"seen_s"`
	Told    float64 `json:"told_s"`
	Busiest int64   `json:"busiest"`
	Period  float64 `json:"period_s"`
}

func (r watchReport) each() float64 { return r.CPU / float64(max(r.Probes, 1)) }

func (r watchReport) String() string {
	return fmt.Sprintf("%d connections in the rounds that count, %.2f ms of the processor each, %d failed; one server every %.0f s, at most %d begun in one second; %.1f MB (peak %.1f)",
		r.Probes, r.each(), r.Failed, r.Period, r.Busiest, r.RSS, r.Peak)
}

// measureWatch looks at two thousand servers every minute: a round to warm up,
// then two that count; beside it net/http does the same with fresh connections,
// and the check looks at ten thousand servers every five minutes. All of them
// are one server of its own on loopback, with a certificate for each name.
func measureWatch(ctx context.Context, w *workshop) ([]verdict, error) {
	program, err := w.build(ctx, "watching", "-trimpath", "-ldflags", "-s -w", "./.ci/measure/watching")
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "authority.pem")
	stand, err := standWatched(file)
	if err != nil {
		return nil, err
	}
	runs := [][]string{
		{"ours", "2000", "2", "2", stand.addr, file},
		{"bare", "2000", "2", "2", stand.addr, file},
		{"ours", "10000", "5", "1", stand.addr, file},
	}
	reports, errs := make([]watchReport, len(runs)), make([]error, len(runs))
	var all sync.WaitGroup
	for i, args := range runs {
		all.Go(func() { reports[i], errs[i] = watching(ctx, program, args) })
	}
	all.Wait()
	if err := errors.Join(append(errs, stand.end())...); err != nil {
		return nil, err
	}
	ours, bare, large := reports[0], reports[1], reports[2]
	w.say("   watch:    %v", ours)
	w.say("   net/http: %v", bare)
	w.say("   10,000:   %v", large)
	w.say("   the server: %d whole handshakes, %d resumed", stand.whole.Load(), stand.resumed.Load())
	switch {
	case ours.Failed+bare.Failed+large.Failed > 0:
		return nil, errors.New("some servers did not answer")
	case stand.resumed.Load() > 0 || ours.Probes < 4000:
		return nil, fmt.Errorf("%d connections, %d of them resumed: not each look is a fresh one", ours.Probes, stand.resumed.Load())
	case ours.Told == 0:
		return nil, errors.New("a server that failed was not noticed")
	}
	return []verdict{
		{"watch cost", "of the bare loop's time per look", ours.each() / bare.each(), 1, watchShare},
		{"watch memory", "MB (10,000 names)", max(large.RSS, large.Peak), bare.Peak, watchMemory},
		{"watch seen", "s from a failure to the look that met it", ours.Seen, ours.Period, watchSeen},
		{"watch told", "s from a failure to its being told", ours.Told, 120, watchTold},
	}, nil
}

func watching(ctx context.Context, program string, args []string) (watchReport, error) {
	var r watchReport
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("%s: %w: %s", strings.Join(args[:2], " "), err, stderr.String())
	}
	return r, json.Unmarshal(out, &r)
}

// A watched server is a Mastodon as far as it can be seen from outside.
type watchedServer struct {
	addr           string
	whole, resumed atomic.Int64
	end            func() error
}

// standWatched starts one and writes the authority behind its certificates: an
// RSA root, an intermediate on P-384, and a certificate on P-256 for each name.
func standWatched(authority string) (*watchedServer, error) {
	rootKey, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		return nil, err
	}
	middleKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := func(serial int64, name string, ca bool) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
			IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if !ca {
			c.DNSNames, c.ExtKeyUsage, c.KeyUsage = []string{name}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, x509.KeyUsageDigitalSignature
		}
		return c
	}
	root := template(1, "Root of the watched", true)
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, err
	}
	middle := template(2, "Intermediate of the watched", true)
	middleDER, err := x509.CreateCertificate(rand.Reader, middle, root, &middleKey.PublicKey, rootKey)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), 0o600); err != nil {
		return nil, err
	}
	var made sync.Map
	var serial atomic.Int64
	serial.Store(2)
	certificate := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c, ok := made.Load(hello.ServerName); ok {
			return c.(*tls.Certificate), nil
		}
		der, err := x509.CreateCertificate(rand.Reader, template(serial.Add(1), hello.ServerName, false), middle, &leafKey.PublicKey, middleKey)
		if err != nil {
			return nil, err
		}
		c := &tls.Certificate{Certificate: [][]byte{der, middleDER}, PrivateKey: leafKey}
		made.Store(hello.ServerName, c)
		return c, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &watchedServer{addr: l.Addr().String()}
	page := `<!DOCTYPE html><html><body><div id="mastodon"></div>` + strings.Repeat("<!-- as large as a page -->", 750) + "</body></html>"
	instance := `{"domain":"x","version":"4.5.2","configuration":{"urls":{"streaming":""}},"description":"` + strings.Repeat("x", 3900) + `"}`
	server := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{
			GetCertificate: certificate, MinVersion: tls.VersionTLS12,
			VerifyConnection: func(c tls.ConnectionState) error {
				if c.DidResume {
					s.resumed.Add(1)
				} else {
					s.whole.Add(1)
				}
				return nil
			},
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, kind := page, "text/html"
			switch r.URL.Path {
			case "/api/v2/instance":
				body, kind = instance, "application/json"
			case "/api/v1/streaming/health":
				_, _ = io.WriteString(w, "OK")
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("ETag", `W/"1"`)
			if r.Header.Get("If-None-Match") == `W/"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, body)
		}),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(l, "", "") }) // until it is closed
	s.end = func() error {
		err := server.Close()
		serving.Wait()
		return err
	}
	return s, nil
}
