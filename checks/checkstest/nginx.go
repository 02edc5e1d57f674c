package checkstest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Nginx is a real nginx with a configuration and a port of its own, on
// loopback. It ends with the test.
type Nginx struct {
	// Dir holds its files; the configuration may name them relative to it.
	Dir string
	// Addr is 127.0.0.1 and a free port: what a server block may listen on.
	Addr string

	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
	stop   sync.Once
}

// nginxPatience is how long a start, a reload or an end may take.
const nginxPatience = 20 * time.Second

// NewNginx chooses a folder and a port, and starts nothing yet.
func NewNginx(t *testing.T) *Nginx {
	t.Helper()
	return &Nginx{Dir: t.TempDir(), Addr: FreeAddr(t)}
}

// FreeAddr is an address on loopback where nobody listens.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// Write writes a file below Dir.
func (n *Nginx) Write(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join(n.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Install writes a certificate to served.pem and served.key, which a server
// block names; nginx takes it at its start or its next reload.
func (n *Nginx) Install(t *testing.T, chain []byte, c Certificate) {
	t.Helper()
	n.Write(t, "served.pem", chain)
	n.Write(t, "served.key", c.KeyPEM(t))
}

// Server is a server block that listens on Addr with the installed
// certificate; body is the inside.
func (n *Nginx) Server(body string) string {
	return "server { listen " + n.Addr + " ssl; ssl_certificate served.pem; ssl_certificate_key served.key; root www; " + body + "}\n"
}

// Start writes the configuration around the server blocks and starts nginx; it
// returns when nginx listens.
func (n *Nginx) Start(t *testing.T, servers string) {
	t.Helper()
	binary, err := findNginx()
	if err != nil {
		t.Fatal(err)
	}
	n.configure(t, servers)
	n.cmd = exec.Command(binary, "-p", n.Dir, "-c", filepath.Join(n.Dir, "nginx.conf"), "-e", filepath.Join(n.Dir, "error.log"))
	n.cmd.Stdout, n.cmd.Stderr = &n.output, &n.output
	if err := n.cmd.Start(); err != nil {
		t.Fatalf("starting nginx: %v", err)
	}
	n.ended = make(chan struct{})
	go func() {
		defer close(n.ended)
		_ = n.cmd.Wait()
	}()
	t.Cleanup(func() { n.Stop(t) })
	n.until(t, "listens", func() bool {
		c, err := net.DialTimeout("tcp", n.Addr, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
	// It listens before its first worker runs, and a reload in between would
	// find no old worker to end.
	n.until(t, "has a worker", func() bool { return bytes.Contains(n.errorLog(t), []byte("start worker process ")) })
}

// Reload makes the running nginx read its configuration and certificates
// again, as `systemctl reload nginx` does; it returns when the workers that
// had read the old ones are gone. Empty server blocks leave the configuration
// as it is.
func (n *Nginx) Reload(t *testing.T, servers string) {
	t.Helper()
	if servers != "" {
		n.configure(t, servers)
	}
	before := n.workersGone(t)
	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatalf("reloading nginx: %v", err)
	}
	n.until(t, "has reloaded", func() bool { return n.workersGone(t) > before })
}

// Stop ends nginx and waits until it has ended; doing it twice is harmless.
func (n *Nginx) Stop(t *testing.T) {
	t.Helper()
	n.stop.Do(func() {
		if n.cmd == nil || n.cmd.Process == nil {
			return
		}
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		patience := time.NewTimer(nginxPatience)
		defer patience.Stop()
		select {
		case <-n.ended:
		case <-patience.C:
			_ = n.cmd.Process.Kill()
			<-n.ended
			t.Errorf("nginx did not end in %v", nginxPatience)
		}
	})
}

// PID is the process id of nginx's master process.
func (n *Nginx) PID() int { return n.cmd.Process.Pid }

func (n *Nginx) configure(t *testing.T, servers string) {
	t.Helper()
	var c strings.Builder
	if os.Geteuid() == 0 {
		c.WriteString("user root;\n") // a test's folder is closed to everybody else
	}
	fmt.Fprintf(&c, `daemon off;
worker_processes 1;
worker_shutdown_timeout 1s;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 256; }
http {
  access_log off;
  default_type application/octet-stream;
  types { text/html html; application/json json; }
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
%s}
`, servers)
	n.Write(t, "nginx.conf", []byte(c.String()))
	if err := os.MkdirAll(filepath.Join(n.Dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// workerEnded is the line of a worker; managers of a cache end, too.
var workerEnded = regexp.MustCompile(`worker process [0-9]+ exited with code`)

// workersGone counts the worker processes that nginx has seen end.
func (n *Nginx) workersGone(t *testing.T) int {
	t.Helper()
	return len(workerEnded.FindAll(n.errorLog(t), -1))
}

func (n *Nginx) errorLog(t *testing.T) []byte {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(n.Dir, "error.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return log
}

// until asks again and again until something is so, nginx has ended, or
// patience has.
func (n *Nginx) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	patience := time.NewTimer(nginxPatience)
	defer patience.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-n.ended:
			t.Fatalf("nginx ended before it %s:\n%s", what, n.logs())
		case <-patience.C:
			t.Fatalf("%v passed before nginx %s:\n%s", nginxPatience, what, n.logs())
		case <-again.C:
		}
	}
}

func (n *Nginx) logs() string {
	log, _ := os.ReadFile(filepath.Join(n.Dir, "error.log"))
	if n.ended != nil {
		select {
		case <-n.ended: // only then is the output nobody else's
			return n.output.String() + string(log)
		default:
		}
	}
	return string(log)
}

func findNginx() (string, error) {
	if p, err := exec.LookPath("nginx"); err == nil {
		return p, nil
	}
	const usual = "/usr/sbin/nginx" // not in the PATH of every user
	if _, err := os.Stat(usual); err == nil {
		return usual, nil
	}
	return "", errors.New("nginx is missing; this test needs a real one: apt-get install nginx-light")
}
