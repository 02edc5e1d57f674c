package streaming

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks/checkstest"
)

// processVar makes this test binary a streaming process of its own, which can
// be frozen: the address it listens on.
const processVar = "STREAMING_TEST_LISTEN"

func TestMain(m *testing.M) {
	addr := os.Getenv(processVar)
	if addr == "" {
		os.Exit(m.Run())
	}
	server := &http.Server{Addr: addr, Handler: &mastodon{socks: map[*sock]bool{}, posts: map[string]bool{}, quit: make(chan struct{})}}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

func TestAProcessThatIsFrozenIsFoundAndMends(t *testing.T) {
	t.Parallel()
	p := quick()
	p.near, p.answer = 300*time.Millisecond, time.Second
	w := begin(t, p, good, "")
	addr := checkstest.FreeAddr(t)
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), processVar+"="+addr)
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	untilAnswers(t, "http://"+addr+healthPath)
	port := portOf(t, addr)
	w.c = checkstest.Make(t, w.kind, checkstest.Table(fmt.Sprintf("ports = [%d, %d]", portOf(t, addrOf(w.first)), port)))
	healthy(t, w.look(t))
	signal := func(s syscall.Signal) {
		if err := process.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}

	signal(syscall.SIGSTOP)
	if _, err := syscall.Wait4(process.Process.Pid, nil, syscall.WUNTRACED, nil); err != nil {
		t.Fatal(err)
	}
	o := w.look(t)
	f, ok := checkstest.Find(o, codePort, strconv.Itoa(port))
	if !ok || len(o.Findings) != 1 {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, f.Text, "(no answer within 300 ms)", "（300ms待っても応答なし）")
	signal(syscall.SIGCONT)
	healthy(t, w.look(t))

	// The same where it is the only one: it accepts, and nothing more.
	only := w.Server("location ^~ /api/v1/streaming { proxy_pass http://" + addr + "; }\nlocation / { proxy_pass http://" + addrOf(w.first) + "; }\n")
	w.Reload(t, only)
	w.c = checkstest.Make(t, w.kind, "ports = []")
	signal(syscall.SIGSTOP)
	o = w.look(t)
	if f, ok = checkstest.Find(o, codeDead, ""); !ok {
		t.Fatalf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, f.Text, "does not answer under mastodon.example (no answer within 1 s)", "（mastodon.example、1秒待っても応答なし）")
	readAloud(t, o)
	signal(syscall.SIGCONT)
	w.Reload(t, w.proxied(fmt.Sprintf(asMastodonSays, "")))
	healthy(t, w.look(t))
}

// untilAnswers waits until an address answers.
func untilAnswers(t *testing.T, address string) {
	t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if resp, err := http.Get(address); err == nil {
			_ = resp.Body.Close()
			return
		}
		select {
		case <-patience.C:
			t.Fatalf("%s does not answer", address)
		case <-again.C:
		}
	}
}
