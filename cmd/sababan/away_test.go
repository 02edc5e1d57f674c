package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// listener is a web-hook and a heartbeat service: it keeps what it gets.
type listener struct {
	*httptest.Server
	mu     sync.Mutex
	dice   *rand.Rand
	lose   int                        // of a hundred answers
	got    map[string]map[string]bool // texts by key: one each, or it was changed
	order  []string                   // keys as they came first
	pulses []string
}

func listen(t *testing.T) *listener {
	l := &listener{got: map[string]map[string]bool{}, dice: rand.New(rand.NewPCG(7, 7))}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		l.mu.Lock()
		defer l.mu.Unlock()
		if rest, pulse := strings.CutPrefix(r.URL.Path, "/beat"); pulse {
			l.pulses = append(l.pulses, strings.TrimSpace(rest+" "+string(body)))
			return
		}
		var m struct{ ID, Text string }
		if err := json.Unmarshal(body, &m); err != nil || m.ID != r.Header.Get("Idempotency-Key") {
			http.Error(w, "no message", http.StatusBadRequest)
			return
		}
		if l.got[m.ID] == nil {
			l.got[m.ID] = map[string]bool{}
			l.order = append(l.order, m.ID)
		}
		l.got[m.ID][m.Text] = true
		if l.dice.IntN(100) < l.lose {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

// texts are the different messages, in the order in which they came.
func (l *listener) texts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, key := range l.order {
		for text := range l.got[key] {
			all = append(all, text)
		}
	}
	return all
}

func (l *listener) beats() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.pulses)
}

func begins(texts []string, with string) (n int) {
	for _, one := range texts {
		if strings.HasPrefix(one, with) {
			n++
		}
	}
	return n
}

// A seer is a check that sees what a file says of it, line by line.
type seer struct{ name, file string }

func (s *seer) Look(context.Context, checks.Past) (checks.Observation, error) {
	seen := checks.Observation{Summary: checks.Same("fine")}
	text, err := os.ReadFile(s.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return seen, err
	}
	for line := range strings.Lines(string(text)) {
		name, headline, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != s.name {
			continue
		}
		severity := checks.Warning
		if name == "webui" {
			severity = checks.Critical
		}
		seen.Findings = append(seen.Findings, checks.Finding{Code: "seen", Subject: headline, Severity: severity, Text: checks.Same(name + ": " + headline)})
	}
	return seen, nil
}

func told(file string) func(*site.Site) []checks.Kind {
	return func(*site.Site) []checks.Kind {
		var kinds []checks.Kind
		for _, name := range []string{"webui", "certs"} {
			kinds = append(kinds, checks.Kind{
				Name: name, Title: checks.Same(name), Cron: "* * * * *", Timeout: 5 * time.Second,
				Rules: map[string]checks.Rule{"seen": {Warning: checks.Looks{Open: 1, Resolve: 1}, Critical: checks.Looks{Open: 1, Resolve: 1}}},
				New:   func(checks.Table) (checks.Check, error) { return &seer{name, file}, nil },
			})
		}
		return kinds
	}
}

// outagePace is that of the storm, with an outage that is long after a second.
func outagePace() pace {
	p := stormPace()
	p.patience, p.relay, p.catchUp = 500*time.Millisecond, 300*time.Millisecond, time.Second
	return p
}

func TestKilledInAnOutageNothingIsLostAndNothingDoubledOnEitherWay(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"nobody answers":     {Kind: sandbox.CutBefore},
		"a proxy answers":    {Kind: sandbox.Answer, Status: http.StatusBadGateway},
		"the answer is lost": {Kind: sandbox.CutAfter, Method: http.MethodPost, PathPrefix: "/api/v1/statuses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVoyage(t, sandbox.Options{NoLimits: true})
			v.program = "sababan-in-outage"
			hook := listen(t)
			config, err := os.ReadFile(v.file("config.toml"))
			if err != nil {
				t.Fatal(err)
			}
			v.write("config.toml", string(config)+"\n[[bot.fallback]]\nurl = \""+hook.URL+"/in\"\n")
			v.write("calm", "")
			p := v.start()
			v.wait(p, "both are greeted, and the way is tried", func() bool {
				return len(v.server.Inbox(v.admins["alice"])) == 1 && len(v.server.Inbox(v.admins["bob@elsewhere.example"])) == 1 && len(hook.texts()) == 1
			})
			v.kill(p)

			hook.mu.Lock()
			hook.lose = 20
			hook.mu.Unlock()
			down := v.server.Misbehave(fault)
			for life := range 14 {
				p := v.start()
				<-p.ready
				v.write("calm", fmt.Sprintf("webui broken %d\ncerts old %d\n", life/3, life))
				v.pause(p, time.Duration(300+v.dice.IntN(900))*time.Millisecond)
				v.kill(p)
			}
			down.Stop()
			p = v.start()
			v.write("calm", "certs old for good\n")
			v.wait(p, "all is told", func() bool {
				return v.count(`SELECT (SELECT COUNT(*) FROM incident WHERE phase = 'open') - 1
					+ (SELECT COUNT(*) FROM alert WHERE expanded = 0) + (SELECT COUNT(*) FROM telling WHERE state IN ('owed', 'frozen'))
					+ (SELECT COUNT(*) FROM post WHERE state = 'waiting') + (SELECT COUNT(*) FROM relay WHERE state = 'waiting')
					+ (SELECT COUNT(*) FROM meta WHERE key = 'outage')`) == 0
			})
			v.stop(p)
			v.bothWaysAreWhole(hook, fault.Kind == sandbox.CutAfter)
		})
	}
}

// bothWaysAreWhole asserts that each way has everything that the state says,
// once; what was stored all the while needs no catching up.
func (v *voyage) bothWaysAreWhole(hook *listener, stores bool) {
	v.t.Helper()
	for key, texts := range hook.got {
		if len(texts) != 1 {
			v.t.Errorf("%s was changed: %v", key, texts)
		}
		if n := v.count(`SELECT COUNT(*) FROM relay WHERE key = '` + key + `' AND state = 'delivered'`); n != 1 {
			v.t.Errorf("%s is not known to be there", key)
		}
	}
	if n := v.count(`SELECT COUNT(*) FROM relay`); n != len(hook.got) {
		v.t.Errorf("%d went another way, %d came: %s", n, len(hook.got), v.left())
	}
	var numbers []int64
	v.query(func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		numbers = append(numbers, n)
		return err
	}, `SELECT number FROM incident WHERE check_name = 'webui' AND number IS NOT NULL`)
	heard := strings.Join(hook.texts(), "\n")
	for _, n := range numbers {
		if got := strings.Count(heard, fmt.Sprintf("[Action needed] #%d webui", n)); got != 1 {
			v.t.Errorf("#%d was told %d times by the other way", n, got)
		}
		if got := strings.Count(heard, fmt.Sprintf("[Resolved] #%d webui", n)); got != 1 {
			v.t.Errorf("the end of #%d was told %d times by the other way", n, got)
		}
	}
	ids := 0
	v.query(func(rows *sql.Rows) error {
		var n int
		err := rows.Scan(&n)
		ids += n
		return err
	}, `SELECT json_array_length(ids) FROM post WHERE state = 'delivered'`)
	stored := 0
	for _, st := range v.server.Statuses() {
		if st.Author.ID == v.saba.ID {
			stored++
		}
	}
	if stored != ids {
		v.t.Errorf("the server has %d posts, the state knows %d", stored, ids)
	}
	for account, who := range v.admins {
		var texts []string
		for _, m := range v.server.Inbox(who) {
			texts = append(texts, m.Text)
		}
		if n := begins(texts, "While I could not reach you (since "); !stores && n != 1 {
			v.t.Errorf("%s caught up %d times:\n%s", account, n, strings.Join(texts, "\n--\n"))
		}
		all := strings.Join(texts, "\n")
		for _, n := range numbers {
			if !strings.Contains(all, fmt.Sprintf("#%d", n)) {
				v.t.Errorf("%s never heard of #%d", account, n)
			}
		}
		v.t.Logf("%s has %d messages, the other way %d, of %d incidents", account, len(texts), len(hook.got), v.count(`SELECT COUNT(*) FROM incident WHERE number IS NOT NULL`))
	}
}

func (v *voyage) kill(p *process) {
	v.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		v.t.Errorf("killing: %v", err)
	}
	<-p.ended
}

func (v *voyage) stop(p *process) {
	v.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		v.t.Fatal(err)
	}
	if err := <-p.ended; err != nil {
		v.t.Errorf("told to stop, it ended with %v", err)
	}
}

// pause lets a daemon live for a while.
func (v *voyage) pause(p *process, d time.Duration) {
	v.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		v.t.Fatalf("the daemon ended by itself: %v", err)
	case <-timer.C:
	}
}

func (v *voyage) wait(p *process, what string, so func() bool) {
	v.t.Helper()
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case err := <-p.ended:
			v.t.Fatalf("the daemon ended by itself: %v", err)
		case <-late.C:
			v.kill(p)
			v.t.Fatalf("never: %s; %s", what, v.left())
		case <-look.C:
		}
	}
}

func TestADaemonStartedWhileItsServerIsDeadSaysSoAnotherWay(t *testing.T) {
	s := newServiceQuietly(t)
	hook := listen(t)
	s.configure("[[bot.fallback]]\nurl = \"" + hook.URL + "/in\"\n")
	down := s.server.Misbehave(sandbox.Fault{Kind: sandbox.CutBefore})
	s.start()
	s.eventually("the other way is told", func() bool {
		return begins(hook.texts(), "[Warning] I was started, but have not reached my own server since ") == 1
	})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.start()
	down.Stop()
	s.inbox(1)
	s.eventually("its end is told", func() bool { return begins(hook.texts(), "[Resolved] I reach my own server again") == 1 })
	if got := hook.texts(); len(got) != 3 || begins(got, "[Note] A test, nothing is wrong") != 1 {
		t.Errorf("%q", got)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestTheHeartbeatIsHeardAfterEachRound(t *testing.T) {
	s := newServiceQuietly(t)
	service := listen(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write("config.toml", strings.Replace(string(text), "[bot]\n", "[bot]\nheartbeat_url = \""+service.URL+"/beat/hunter2\"\n", 1))
	s.start()
	s.eventually("three pulses", func() bool { return len(service.beats()) >= 3 })
	if got := service.beats(); got[0] != "/hunter2/start" || got[1] != "/hunter2" {
		t.Errorf("%q", got)
	}
	service.Close()
	s.eventually("the log says that it is not heard", func() bool { return strings.Contains(s.log.String(), "the heartbeat was not heard") })
	if strings.Contains(s.log.String(), "hunter2") {
		t.Error("the log shows the address")
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestOfflineNothingLeavesButForTheHome(t *testing.T) {
	c := &Config{Offline: true}
	c.Bot.Fallbacks, c.Bot.HeartbeatURL = []checks.Secret{checks.NewSecret("mailto:me@example.com")}, checks.NewSecret("https://heartbeat.example/x")
	log := slog.New(slog.DiscardHandler)
	if a, err := newAway(c, pace{}, log); err != nil || len(a.ways) != 0 || a.heartbeat != nil {
		t.Errorf("%+v, %v", a, err)
	}
	c.Offline = false
	if a, err := newAway(c, pace{}, log); err != nil || len(a.ways) != 1 || a.heartbeat == nil {
		t.Errorf("%+v, %v", a, err)
	}
}
