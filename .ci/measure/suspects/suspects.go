// Suspects looks at so many servers as the check "federation" does and prints
// how many are there. All their names lead to public addresses of their own,
// and every connection to one server. With "bare" as the last word the same is
// done by net/http alone.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"

	"github.com/sababan/sababan/checks/federation"
	"github.com/sababan/sababan/checks/site"
)

func main() {
	n, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "suspects:", err)
		os.Exit(1)
	}
	fmt.Println(n)
}

func run(args []string) (int, error) {
	if len(args) < 3 {
		return 0, errors.New("how many, the server's address, the file of its authority")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(args[2])
	if err != nil {
		return 0, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return 0, errors.New("there is no certificate in that file")
	}
	domains := make([]string, n)
	for i := range domains {
		domains[i] = "s" + strconv.Itoa(i) + ".fedi.example"
	}
	if len(args) > 3 {
		return bare(domains, args[1], roots)
	}
	found := 0
	for _, word := range federation.Survey(context.Background(), &site.Site{Domain: "masto.example", Roots: roots}, network{args[1]}, domains) {
		if word == "there" {
			found++
		}
	}
	return found, nil
}

// network leads everybody to one server, by an address of its own.
type network struct{ server string }

func (n network) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var i int
	if _, err := fmt.Sscanf(host, "s%d.", &i); err != nil {
		return nil, err
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{5, byte(i / 256), byte(i), 1})}, nil
}

func (n network) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, n.server)
}

// bare asks by net/http, eight at a time.
func bare(domains []string, server string, roots *x509.CertPool) (int, error) {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return network{server}.DialContext(ctx, "tcp", "")
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}}
	names := make(chan string)
	found := make([]int, 8)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() {
			for name := range names {
				resp, err := client.Get("https://" + name + "/.well-known/nodeinfo")
				if err != nil {
					continue
				}
				if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err == nil && resp.StatusCode == http.StatusOK {
					found[i]++
				}
				_ = resp.Body.Close()
			}
		})
	}
	for _, name := range domains {
		names <- name
	}
	close(names)
	all.Wait()
	sum := 0
	for _, n := range found {
		sum += n
	}
	return sum, nil
}
