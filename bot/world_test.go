package bot_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/mastodon"
	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/incident"
	"github.com/sababan/sababan/schedule/state"
)

// gauge is a check whose sight a test sets.
type gauge struct {
	mu   sync.Mutex
	seen checks.Observation
	err  error
	took time.Duration
}

func (g *gauge) Look(ctx context.Context, _ checks.Past) (checks.Observation, error) {
	g.mu.Lock()
	seen, err, took := g.seen, g.err, g.took
	g.mu.Unlock()
	if took > 0 {
		select {
		case <-time.After(took):
		case <-ctx.Done():
		}
	}
	return seen, err
}

func (g *gauge) set(o checks.Observation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen, g.err = o, nil
}

func (g *gauge) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.err = err
}

// Limits are those of the disk.
func (g *gauge) Limits(_ checks.Past, measure, _ string) []checks.Limit {
	if measure != "used_ratio" {
		return nil
	}
	return []checks.Limit{{Severity: checks.Warning, Value: 0.85}, {Severity: checks.Critical, Value: 0.95}}
}

func well() checks.Observation {
	return checks.Observation{Summary: checks.Text{En: "71 % used, 7.2 GB free on /", Ja: "/ 使用71%、空き7.2GB"}}
}

func ill(severity checks.Severity, road checks.Road, headline string) checks.Observation {
	o := well()
	o.Findings = []checks.Finding{{
		Code: "full", Subject: "/", Severity: severity, Road: road,
		Text:   checks.Text{En: headline + "\nPosting stops when it is full.", Ja: headline + "\n満杯になると投稿できなくなります。"},
		Advice: checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "clean")}},
	}}
	return o
}

// beside is a check besides the disk.
type beside struct {
	kind  checks.Kind // Cron where it differs from the world's
	gauge *gauge
}

// world is a sandbox in memory with a bot on it, all in one bubble of time.
type world struct {
	t      *testing.T
	server *sandbox.Server
	bot    sandbox.Account
	alice  sandbox.Account
	token  string
	db     *state.DB
	disk   *gauge
	log    bytes.Buffer
	logMu  sync.Mutex
	admins []bot.Admin
	update bool   // the check is looked at after an update
	cron   string // of the check; every minute where a test does not say
	long   bool   // the check takes long
	flap   bool   // what comes and goes is told as that
	more   []beside
	beat   *bot.Beat
	weekly bot.SummaryOptions
	poll   time.Duration // where the usual ten minutes take a test long
	ways   []bot.Way
	end    func() error
	brain  *bot.Bot
}

func (w *world) Write(p []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(p)
}

func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := &world{t: t, server: sandbox.New(o), disk: &gauge{seen: well()}}
	t.Cleanup(w.server.Close)
	w.bot = w.server.AddAccount(sandbox.Account{Username: "saba", Bot: true})
	w.alice = w.server.AddAccount(sandbox.Account{Username: "alice"})
	w.server.Follow(w.alice, w.bot)
	w.token = w.server.Token(w.bot)
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	t.Cleanup(func() { _ = db.Close() })
	w.admins = []bot.Admin{{
		Account: "alice", Hears: bot.HearsAll, Topics: []string{"all"}, Lang: checks.English, Zone: time.UTC,
		Quiet: bot.Quiet{From: 23 * 60, To: 7 * 60}, Morning: 8 * 60,
	}}
	return w
}

// start runs a daemon until [world.stop] or the end of the test.
func (w *world) start() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	home, err := mastodon.New(mastodon.Options{
		Server: w.server.URL(), Token: checks.NewSecret(w.token), Dial: w.server.Dialer(), PlainHTTP: true, Log: log,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cron == "" {
		w.cron = "* * * * *"
	}
	times, err := schedule.ParseCron(w.cron, time.UTC)
	if err != nil {
		w.t.Fatal(err)
	}
	kind := checks.Kind{
		Name: "disk", Title: checks.Text{En: "disk", Ja: "ディスク"}, Timeout: time.Minute, AfterUpdate: w.update, Long: w.long,
		Words: checks.Words{En: []string{"space"}, Ja: []string{"ディスク", "空き容量"}},
		Graphs: []checks.Graph{
			{Measure: "used_ratio", Title: checks.Text{En: "used", Ja: "使用率"}, By: "size_bytes"},
			{Measure: "available_bytes", Title: checks.Text{En: "available", Ja: "空き容量"}, By: "size_bytes"},
		},
		Rules: map[string]checks.Rule{"full": {Warning: checks.Looks{Open: 2, Resolve: 3}, Critical: checks.Looks{Open: 1, Resolve: 2}}},
	}
	jobs := []schedule.Job{{Kind: kind, Check: w.disk, Times: times}}
	for _, m := range w.more {
		own := times
		if m.kind.Cron != "" {
			if own, err = schedule.ParseCron(m.kind.Cron, time.UTC); err != nil {
				w.t.Fatal(err)
			}
		}
		jobs = append(jobs, schedule.Job{Kind: m.kind, Check: m.gauge, Times: own})
	}
	var brain *bot.Bot
	flap := incident.Flap{}
	if w.flap {
		flap = incident.UsualFlap()
	}
	s := schedule.New(schedule.Options{
		Host: "web1", Flap: flap, DB: w.db, Log: log, Jobs: jobs,
		News: func() { brain.News() },
	})
	brain = bot.New(bot.Options{
		Site: "example.social", Home: home, Channel: home, Schedule: s, DB: w.db, Log: log, Admins: w.admins,
		NotSetUp: []checks.Kind{{Name: "mail", Title: checks.Text{En: "mail", Ja: "メール"}}}, Needs: map[string]string{"mail": "[checks.mail] smtp"},
		Summary: w.weekly,
		// The stream wakes the bot; polling days away every minute takes a test long.
		PollEvery: max(w.poll, 10*time.Minute),
		Ways:      w.ways, WaysLang: checks.English, WaysZone: time.UTC, Beat: w.beat,
	})
	w.brain = brain
	ctx, cancel := context.WithCancel(w.t.Context())
	var both sync.WaitGroup
	var failed error
	both.Go(func() { failed = brain.Run(ctx) })
	both.Go(func() { _ = s.Run(ctx) })
	w.end = func() error {
		cancel()
		both.Wait()
		return failed
	}
}

func (w *world) stop() {
	w.t.Helper()
	if err := w.end(); err != nil {
		w.t.Error(err)
	}
	w.end = nil
}

// pass lets time pass until everything that is to happen in it has happened.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// heard are the direct messages to an account since the last call, as text.
func (w *world) heard(a sandbox.Account, seen *int) []string {
	w.t.Helper()
	inbox := w.server.Inbox(a)
	var out []string
	for _, m := range inbox[*seen:] {
		if m.Visibility != sandbox.Direct {
			w.t.Errorf("not direct: %+v", m)
		}
		out = append(out, m.Text)
	}
	*seen = len(inbox)
	return out
}

// expect asserts how the next messages begin, in order, and that there are no
// more.
func (w *world) expect(a sandbox.Account, seen *int, begins ...string) []string {
	w.t.Helper()
	got := w.heard(a, seen)
	ok := len(got) == len(begins)
	for i := range begins {
		ok = ok && i < len(got) && strings.HasPrefix(got[i], begins[i])
	}
	if !ok {
		w.t.Errorf("at %s heard\n  %s\nwant\n  %s\nlog:\n%s", time.Now().UTC().Format(time.DateTime), strings.Join(got, "\n  --\n  "), strings.Join(begins, "\n  --\n  "), w.tail())
	}
	return got
}

func (w *world) tail() string {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// until goes on to the next time of day; the bubble's clock begins at midnight.
func (w *world) until(hour, minute int) {
	now := time.Now().UTC()
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, minute, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	w.pass(at.Sub(now))
}

// count counts the rows of a table.
func (w *world) count(table string) (n int) {
	w.t.Helper()
	err := w.db.Read(w.t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n)
	})
	if err != nil {
		w.t.Error(err)
	}
	return n
}

func inBubble(t *testing.T, o sandbox.Options, play func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o)
		play(w)
		if w.end != nil {
			w.stop()
		}
		w.server.Close()
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
}
