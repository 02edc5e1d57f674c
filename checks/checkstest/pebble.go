package checkstest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Pebble is Let's Encrypt's own small ACME server for tests, on loopback, with
// a DNS server in which every name is this machine. It ends with the test.
type Pebble struct {
	// Roots are those that its certificates lead to.
	Roots *x509.CertPool

	door      *door
	trust     string // file with the authority of its own web server
	challenge string // port on which it looks for the answer to a challenge
}

// pebblePatience is how long a start or a call of certbot may take: certbot
// takes seconds where nothing else runs.
const pebblePatience = 90 * time.Second

// NewPebble starts one whose certificates live for the given time.
func NewPebble(t *testing.T, life time.Duration) *Pebble {
	t.Helper()
	server, names := tool(t, "pebble"), tool(t, "pebble-challtestsrv")
	dir := t.TempDir()
	ca := NewCA(t, "Pebble's own")
	leaf := ca.Issue(t, Leaf{Names: []string{"localhost", "127.0.0.1"}})
	at, management, dns := FreeAddr(t), FreeAddr(t), FreeAddr(t)
	_, port, err := net.SplitHostPort(FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &Pebble{trust: filepath.Join(dir, "trust.pem"), challenge: port}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw})
	var challengePort int
	if _, err := fmt.Sscan(port, &challengePort); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": at, "managementListenAddress": management,
		"certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
		"httpPort": challengePort, "tlsPort": challengePort, "keyAlgorithm": "ecdsa",
		"retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles":   map[string]any{"default": map[string]any{"description": "the only one", "validityPeriod": int(life.Seconds())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"cert.pem": leaf.FullChain(), "key.pem": leaf.KeyPEM(t), "trust.pem": root, "pebble.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, nil, names, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dnsserver", dns,
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", FreeAddr(t))
	gone := run(t, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=100"}, server,
		"-config", filepath.Join(dir, "pebble.json"), "-dnsserver", dns)
	p.door = newDoor(t, at)
	p.Roots = awaitRoots(t, ca.Roots(), management, gone)
	return p
}

// tool builds one of the tools of .ci/tools.mod, or finds it in Go's cache.
func tool(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), ".ci", "tools.mod")
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile="+list, "-n", name)
	var said bytes.Buffer
	cmd.Stderr = &said
	path, err := cmd.Output()
	if err != nil {
		t.Fatalf("this test needs a real ACME server, and it could not be built (go tool -modfile=.ci/tools.mod -n %s): %v\n%s", name, err, said.String())
	}
	return strings.TrimSpace(string(path))
}

// run runs a program until the end of the test, and returns a channel that is
// closed when it has ended.
func run(t *testing.T, env []string, path string, args ...string) <-chan struct{} {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		over := time.NewTimer(10 * time.Second)
		defer over.Stop()
		select {
		case <-ended:
		case <-over.C:
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), said.String())
		}
	})
	return ended
}

// awaitRoots asks the server for its authority until it answers.
func awaitRoots(t *testing.T, trust *x509.CertPool, management string, gone <-chan struct{}) *x509.CertPool {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12},
	}}
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	over := time.NewTimer(pebblePatience)
	defer over.Stop()
	for {
		pool, err := askRoots(t.Context(), &client, "https://"+management+"/roots/0")
		if err == nil {
			return pool
		}
		select {
		case <-gone:
			t.Fatal("pebble ended before it answered")
		case <-over.C:
			t.Fatalf("pebble does not answer: %v", err)
		case <-again.C:
		}
	}
}

func askRoots(ctx context.Context, client *http.Client, url string) (*x509.CertPool, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in the answer")
	}
	return pool, nil
}

// Close lets nobody reach the server any more; it keeps what it knows.
func (p *Pebble) Close(t *testing.T) { p.door.shut(t) }

// Open lets everybody reach it again.
func (p *Pebble) Open(t *testing.T) { p.door.open(t) }

// Certbot runs the real certbot with a folder of its own in the place of
// /etc/letsencrypt, against this server; it returns what it said. It never
// waits before a renewal.
func (p *Pebble) Certbot(t *testing.T, config, command string, words ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("certbot")
	if err != nil {
		t.Fatal("certbot is missing; this test needs a real one: apt-get install certbot")
	}
	ctx, cancel := context.WithTimeout(t.Context(), pebblePatience)
	defer cancel()
	work := t.TempDir()
	args := []string{
		command, "-n", "--config-dir", config, "--work-dir", work, "--logs-dir", work,
		"--server", "https://localhost:" + p.door.port + "/dir", "--http-01-address", "127.0.0.1", "--http-01-port", p.challenge,
	}
	if command == "renew" {
		args = append(args, "--no-random-sleep-on-renew")
	} else {
		args = append(args, "--standalone", "--agree-tos", "-m", "admin@mastodon.example", "--no-eff-email")
	}
	cmd := exec.CommandContext(ctx, program, append(args, words...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=" + work, "REQUESTS_CA_BUNDLE=" + p.trust}
	cmd.Dir = work
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A door is an address from which everything goes on to another, while it is
// open.
type door struct {
	port, to string

	mu       sync.Mutex
	listener net.Listener // nil while it is shut
	guests   map[net.Conn]bool
	all      sync.WaitGroup
}

func newDoor(t *testing.T, to string) *door {
	t.Helper()
	_, port, err := net.SplitHostPort(FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	d := &door{port: port, to: to, guests: map[net.Conn]bool{}}
	d.open(t)
	t.Cleanup(func() { d.shut(t) })
	return d
}

func (d *door) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:"+d.port)
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.listener = l
	d.mu.Unlock()
	d.all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return // it was shut
			}
			d.all.Go(func() { d.pass(in) })
		}
	})
}

// shut ends all that goes through, and waits for it.
func (d *door) shut(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	if d.listener != nil {
		if err := d.listener.Close(); err != nil {
			t.Error(err)
		}
		d.listener = nil
	}
	for c := range d.guests {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.all.Wait()
}

func (d *door) pass(in net.Conn) {
	out, err := net.Dial("tcp", d.to)
	if err != nil {
		_ = in.Close()
		return
	}
	d.mu.Lock()
	if d.listener == nil {
		_, _ = in.Close(), out.Close()
	}
	d.guests[in], d.guests[out] = true, true
	d.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_, _ = in.Close(), out.Close()
		})
	}
	both.Wait()
	d.mu.Lock()
	delete(d.guests, in)
	delete(d.guests, out)
	d.mu.Unlock()
}
