package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	federationSuspects = 2000
	federationTimes    = 3
	federationTime     = 20  // s, issue
	federationMemory   = 100 // MB, issue
)

// measureFederation looks at two thousand suspects, as the hourly round looks at
// twenty, at a server of its own on loopback. The yardstick is net/http alone,
// as many at a time.
func measureFederation(ctx context.Context, w *workshop) ([]verdict, error) {
	suspects, err := w.build(ctx, "suspects", "-trimpath", "-ldflags", "-s -w", "./.ci/measure/suspects")
	if err != nil {
		return nil, err
	}
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "authority.pem")
	stand, err := standRemote(file)
	if err != nil {
		return nil, err
	}
	ours := []string{suspects, strconv.Itoa(federationSuspects), stand.addr, file}
	took, peak, err := race(ctx, ours, append(ours[:len(ours):len(ours)], "bare"), federationTimes, func() error { return nil })
	if err := errors.Join(err, stand.end()); err != nil {
		return nil, err
	}
	w.say("   federation: %s", took[0])
	w.say("   net/http:   %s", took[1])
	return []verdict{
		{"federation suspects", "s (median of " + strconv.Itoa(federationTimes) + ")", took[0].quantile(0.5) / 1000, took[1].quantile(0.5) / 1000, federationTime},
		{"federation memory", "MB (peak)", peak, peak, federationMemory},
	}, nil
}

// A remote is a server of the fediverse, as far as its nodeinfo goes.
type remote struct {
	addr string
	end  func() error
}

// standRemote starts one and writes the authority behind its certificate.
func standRemote(authority string) (remote, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return remote{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"*.fedi.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return remote{}, err
	}
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return remote{}, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return remote{}, err
	}
	server := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://%s/nodeinfo/2.0"}]}`, r.Host)
		}),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(l, "", "") }) // until it is closed
	return remote{addr: l.Addr().String(), end: func() error {
		err := server.Close()
		serving.Wait()
		return err
	}}, nil
}
