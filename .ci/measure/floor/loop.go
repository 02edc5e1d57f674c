// Loop is the floor of a daemon's memory: it asks one address again and again,
// reads the answer, and keeps nothing.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := loop(os.Getenv("ADDRESS"), os.Getenv("NAME"), os.Getenv("ROOTS"), os.Getenv("TIMES")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for range time.Tick(time.Second) { // it is looked at, and killed
		continue
	}
}

func loop(address, name, roots, times string) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(roots)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS12},
	}}
	for range n {
		resp, err := client.Get("https://" + address + "/api/v2/instance")
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		time.Sleep(2 * time.Millisecond)
	}
	fmt.Println("done")
	return nil
}
