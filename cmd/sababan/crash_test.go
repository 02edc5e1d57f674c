package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
)

// kills is how often each daemon is killed; two are.
const kills = 100

func TestKilledAtAnyInstantEveryAdminHearsOfEveryChangeExactlyOnce(t *testing.T) {
	for name, flavour := range map[string]sandbox.Options{
		"keys are honoured":                          {},
		"keys and the names of readers mean nothing": {IgnoreIdempotency: true, IgnoreAllowedMentions: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flavour.NoLimits = true
			v := newVoyage(t, flavour)
			v.weatherTheStorm()
			v.comeHome()
			v.takeStock()
		})
	}
}

// A voyage is a daemon that is killed again and again, with its state, its
// server and its admins.
type voyage struct {
	t      *testing.T
	server *sandbox.Server
	// mallory is somebody whom texts name and who must not hear of it.
	saba, mallory sandbox.Account
	admins        map[string]sandbox.Account // by the account as it is configured
	dice          *rand.Rand
	dir           string
	program       string
	// questions are the ids of what the admins asked.
	questions []string
	listening bool // the daemon has read so far that it will answer what is asked
	log       logbook
	faults    []*sandbox.Misbehaviour
	starts    []time.Duration // until ready
	home      time.Duration   // until nothing was left to do
}

func newVoyage(t *testing.T, flavour sandbox.Options) *voyage {
	seed := uint64(len(t.Name()))
	v := &voyage{
		t: t, server: sandbox.New(flavour), dir: t.TempDir(), dice: rand.New(rand.NewPCG(seed, 1)),
		program: "sababan-in-storm", admins: map[string]sandbox.Account{},
	}
	t.Cleanup(v.server.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the daemons' last words:\n%s", v.log.tail(60))
		}
	})
	v.saba = v.server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
	v.mallory = v.server.AddAccount(sandbox.Account{Username: "mallory"})
	v.admins["alice"] = v.server.AddAccount(sandbox.Account{Username: "alice"})
	v.admins["bob@elsewhere.example"] = v.server.AddAccount(sandbox.Account{Username: "bob", Domain: "elsewhere.example"})
	v.server.Follow(v.admins["alice"], v.saba)

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := v.server.Serve(context.Background(), ln); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { v.server.Close(); serving.Wait() })

	v.write("token", v.server.Token(v.saba))
	v.write("config.toml", fmt.Sprintf(`
[bot]
server     = "http://%s"
token_file = %q
timezone   = "UTC"

[[bot.admin]]
account = "alice"
quiet   = "none"

[[bot.admin]]
account = "bob@elsewhere.example"
quiet   = "none"

[server]
domain = "sandbox.example"

[state]
path = %q
`, ln.Addr(), v.file("token"), v.file("state.db")))
	return v
}

func (v *voyage) file(name string) string { return filepath.Join(v.dir, name) }

func (v *voyage) write(name, text string) {
	v.t.Helper()
	if err := os.WriteFile(v.file(name), []byte(text), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// misbehave makes the server as bad as servers are. Everything is over well
// within the patience of an attempt, as the patience demands.
func (v *voyage) misbehave() {
	for _, f := range []sandbox.Fault{
		{Kind: sandbox.Slow, Delay: 300 * time.Millisecond, Probability: 0.04},
		{Kind: sandbox.Slow, Delay: 100 * time.Millisecond, Probability: 0.10},
		{Kind: sandbox.Slow, Delay: 30 * time.Millisecond, Probability: 0.20},
		{Kind: sandbox.Late, Delay: 150 * time.Millisecond, Probability: 0.15, Method: http.MethodPost},
		{Kind: sandbox.CutAfter, Probability: 0.10, Method: http.MethodPost},
		{Kind: sandbox.CutAfter, Probability: 0.03},
		{Kind: sandbox.CutBefore, Probability: 0.03},
		{Kind: sandbox.Answer, Status: http.StatusTooManyRequests, Delay: time.Second, Probability: 0.03},
		{Kind: sandbox.Answer, Status: http.StatusServiceUnavailable, Probability: 0.03},
	} {
		f.Rand = rand.New(rand.NewPCG(v.dice.Uint64(), 1))
		v.faults = append(v.faults, v.server.Misbehave(f))
	}
}

// weatherTheStorm starts the daemon and kills it, again and again.
func (v *voyage) weatherTheStorm() {
	v.misbehave()
	ctx, stop := context.WithCancel(v.t.Context())
	defer stop()
	posted := v.server.Watch(ctx)
	for life := range kills {
		v.live(posted)
		if v.t.Failed() {
			v.t.Fatalf("in life %d", life+1)
		}
	}
}

// A mark is what the instant of a kill is counted from.
type mark int

const (
	sinceStart mark = iota
	sinceReady
	sincePost // the server has just stored something
)

// longestLife is for daemons that do not get as far as their mark.
const longestLife = 1500 * time.Millisecond

func (v *voyage) upTo(ms int) time.Duration { return time.Duration(v.dice.IntN(ms)) * time.Millisecond }

// live is one life of the daemon, until it is killed: at an instant counted
// from its start, or from when it is ready, or from the moment when the server
// has stored a message that the daemon does not know to be there.
func (v *voyage) live(posted <-chan sandbox.Status) {
	instant := v.upTo(1000)
	from := []mark{sinceStart, sinceReady, sinceReady, sincePost}[v.dice.IntN(4)]
	moment := v.upTo(10)
	asks := v.listening && v.dice.IntN(2) == 0
	when := v.upTo(600)

	p := v.start()
	end, ask := time.NewTimer(instant), time.NewTimer(when)
	if from != sinceStart {
		end.Reset(longestLife)
	}
	defer end.Stop()
	defer ask.Stop()
	ready := p.ready
	for {
		select {
		case err := <-p.ended:
			v.t.Errorf("the daemon ended by itself: %v", err)
			return
		case <-ready:
			ready = nil
			v.starts = append(v.starts, time.Since(p.began))
			if from == sinceReady {
				end.Reset(instant)
			}
		case st, more := <-posted:
			if more && from == sincePost && st.Author.ID == v.saba.ID && time.Since(p.began) > instant/2 {
				end.Reset(moment)
			}
		case <-ask.C:
			if asks {
				v.ask()
			}
		case <-end.C:
			if err := p.cmd.Process.Kill(); err != nil {
				v.t.Errorf("killing: %v", err)
			}
			<-p.ended
			v.listening = v.listening || v.count(`SELECT COUNT(*) FROM cursor`) > 0
			return
		}
	}
}

// ask says something as one of the admins.
func (v *voyage) ask() {
	words := []string{"status", "check gale", "確認 flood", "状態", "help", "check gale flood", "graph gale", "floodのグラフ"}
	text := words[v.dice.IntN(len(words))]
	who, to := v.admins["alice"], "@saba "
	if v.dice.IntN(2) == 0 {
		who, to = v.admins["bob@elsewhere.example"], "@saba@"+v.server.Domain()+" "
	}
	st, err := v.server.Say(who, to+text, sandbox.SayOptions{})
	if err != nil {
		v.t.Error(err)
		return
	}
	v.questions = append(v.questions, st.ID)
}

// comeHome ends the storm and the faults, lets the daemon do what is left, and
// tells it to stop.
func (v *voyage) comeHome() {
	v.server.Behave()
	v.write("calm", "")
	p := v.start()
	const most = 3 * time.Minute // it takes seconds where nothing else runs
	tooLate := time.NewTimer(most)
	defer tooLate.Stop()
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for left := -1; left != 0; {
		select {
		case err := <-p.ended:
			v.t.Fatalf("the daemon ended by itself: %v", err)
		case <-tooLate.C:
			_ = p.cmd.Process.Kill()
			<-p.ended
			v.t.Fatalf("%d things are left to do after %v of calm: %s", left, most, v.left())
		case <-look.C:
			left = len(v.questions) + v.count(`SELECT (SELECT COUNT(*) FROM incident WHERE phase <> 'resolved')
				+ (SELECT COUNT(*) FROM alert WHERE expanded = 0)
				+ (SELECT COUNT(*) FROM telling WHERE state IN ('owed', 'frozen'))
				+ (SELECT COUNT(*) FROM post WHERE state = 'waiting')
				- (SELECT COUNT(*) FROM mention WHERE state <> 'new')`)
		}
	}
	v.home = time.Since(p.began)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		v.t.Fatal(err)
	}
	gone := time.NewTimer(10 * time.Second)
	defer gone.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			v.t.Errorf("told to stop, it ended with %v", err)
		}
	case <-gone.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		v.t.Fatal("told to stop, it was not gone in 10 s")
	}
}

func (v *voyage) left() string {
	var b strings.Builder
	for _, table := range []string{"incident", "telling", "post", "mention"} {
		column := "state"
		if table == "incident" {
			column = "phase"
		}
		v.query(func(rows *sql.Rows) error {
			var name string
			var n int
			err := rows.Scan(&name, &n)
			fmt.Fprintf(&b, "%s %s %d; ", table, name, n)
			return err
		}, `SELECT `+column+`, COUNT(*) FROM `+table+` GROUP BY 1`)
	}
	return b.String()
}

// A process is one life of the daemon.
type process struct {
	cmd   *exec.Cmd
	began time.Time
	ready chan struct{}
	ended chan error // one value
}

// start runs this test program as the daemon.
func (v *voyage) start() *process {
	v.t.Helper()
	p := &process{
		cmd:   exec.CommandContext(v.t.Context(), v.program, "run", "--config", v.file("config.toml")),
		ready: make(chan struct{}), ended: make(chan error, 1),
	}
	p.cmd.Env = append(os.Environ(), calmFile+"="+v.file("calm"))
	p.cmd.Stdout = &v.log
	p.cmd.Stderr = &herald{to: &v.log, word: []byte("msg=ready"), heard: p.ready}
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// count asks the state for one number, also while the daemon has it; 0 where
// there is no state yet.
func (v *voyage) count(query string) (n int) {
	v.t.Helper()
	v.query(func(rows *sql.Rows) error { return rows.Scan(&n) }, query)
	return n
}

// query reads the state beside the daemon.
func (v *voyage) query(each func(*sql.Rows) error, query string) {
	v.t.Helper()
	if info, err := os.Stat(v.file("state.db")); err != nil || info.Size() == 0 {
		return
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: v.file("state.db")}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		v.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(v.t.Context(), query)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return
		}
		v.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		v.t.Fatal(err)
	}
}

// A logbook keeps what all the daemons said.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.text.String()), "\n")
}

func (l *logbook) tail(n int) string {
	all := l.lines()
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

// A herald tells when a word was written.
type herald struct {
	to    *logbook
	word  []byte
	last  []byte
	heard chan struct{} // closed at the first time
}

func (h *herald) Write(p []byte) (int, error) {
	if h.word != nil {
		h.last = append(h.last, p...)
		if bytes.Contains(h.last, h.word) {
			h.word, h.last = nil, nil
			close(h.heard)
		}
	}
	return h.to.Write(p)
}
