package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule"
	"github.com/sababan/sababan/schedule/state"
)

// What is in the states, and the goals; all are the requirement's.
const (
	statusKinds     = 26
	statusOpen      = 50
	statusPast      = 10_000 // incidents
	statusSeries    = 500
	statusTimes     = 40
	statusGoalSmall = 50  // ms
	statusGoalLarge = 100 // ms
	stateGoal       = 400 // MB
)

// measureStatus asks a bot for its status, over a home in memory that answers at
// once: what is left is the bot's own time, from the moment in which it is handed
// the question to the one in which it hands over the last post of its answer, with
// all that it writes down before. Once with 26 checks and 50 open incidents, once
// in a state that holds 10,000 incidents and a year of 500 series besides. The
// yardstick is database/sql alone, reading the same rows of the same file and
// writing as many transactions as the answer has posts, and two. The figure is the
// median: the slowest tell of the disk, and of who else has the processor.
func measureStatus(ctx context.Context, w *workshop) ([]verdict, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "state.db")
	db, err := state.Open(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	verdicts, err := statusTwice(ctx, w, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	info, err := os.Stat(path) // closed, so that nothing is left beside it
	if err != nil {
		return nil, err
	}
	megabytes := float64(info.Size()) / 1e6
	bare := float64(statusSeries*(pastDays*24*12+(365-pastDays)*24)) * 16 / 1e6
	w.say("   state file: %.0f MB; its samples and hours alone, two numbers of 8 bytes each: %.0f MB", megabytes, bare)
	verdicts = append(verdicts, verdict{"state-year", "MB", megabytes, bare, stateGoal})
	drawn, err := measureChart(ctx, w)
	return append(verdicts, drawn...), err
}

func statusTwice(ctx context.Context, w *workshop, db *state.DB) (verdicts []verdict, err error) {
	now := time.Now()
	if err := fillLooks(ctx, db, now); err != nil {
		return nil, err
	}
	if err := fillIncidents(ctx, db, 0, statusOpen, now); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		name string
		goal float64
		fill func() error
	}{
		{"status", statusGoalSmall, func() error { return nil }},
		{"status-year", statusGoalLarge, func() error {
			return errors.Join(fillIncidents(ctx, db, statusPast-statusOpen, 0, now), fillSeries(ctx, db, now))
		}},
	} {
		if err := one.fill(); err != nil {
			return nil, fmt.Errorf("filling the state: %w", err)
		}
		before := ownProcessor()
		took, posts, err := askOften(ctx, db)
		if err != nil {
			return nil, err
		}
		processor := (ownProcessor() - before) / statusTimes
		bare, err := readOften(ctx, db, posts)
		if err != nil {
			return nil, err
		}
		w.say("   %s: %d posts", one.name, posts)
		w.say("      the bot:      %s; %.1f ms of the processor each", took, millis(processor))
		w.say("      database/sql: %s", bare)
		verdicts = append(verdicts, verdict{one.name, "ms (median)", took.median(), bare.median(), one.goal})
	}
	return verdicts, nil
}

// ownProcessor is what this process has had of the processor so far.
func ownProcessor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fillLooks gives every check a last look, as long as those of real ones.
func fillLooks(ctx context.Context, db *state.DB, now time.Time) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		for n := range statusKinds {
			look, err := json.Marshal(map[string]any{
				"summary": checks.Text{En: "71 % used (usually 70–72), 7.2 GB free on /; grows 0.1 GB a day", Ja: "/ 使用71%（普段70〜72%）、空き7.2GB。1日約0.1GB増"},
				"took":    time.Second,
			})
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO look (host, check_name, started, finished, severity, result, good, last_good) VALUES ('bench', ?, ?, ?, 0, ?, 9, ?)`,
				kindName(n), now.UnixMilli(), now.UnixMilli(), string(look), now.UnixMilli()); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('hello:admin', 'before'), ('digest:admin', ?)`, fmt.Sprint(now.UnixMilli()))
		return err
	})
}

func kindName(n int) string { return fmt.Sprintf("check%02d", n%statusKinds) }

// fillIncidents writes incidents that are over, then some that are open, each with
// its news, who was told, and the posts that told it.
func fillIncidents(ctx context.Context, db *state.DB, over, open int, now time.Time) error {
	finding, err := json.Marshal(checks.Finding{
		Code: "full", Subject: "/srv", Severity: checks.Warning, Road: checks.Morning,
		Text: checks.Text{
			En: "/srv is 86 % full, 14 GB free\nIt grows by 1.1 GB a day; at this pace it is full in 12 days.\nUsually: 70–72 %.",
			Ja: "/srv の使用率が86%、空き14GB\n1日に1.1GB増えており、このペースでは12日で満杯になります。\n普段: 70〜72%",
		},
		Advice: checks.Advice{
			Text: checks.Text{En: "Old backups are the biggest part.", Ja: "古いバックアップが最も場所を取っています。"},
			Look: checks.Sh("sudo", "du", "-xhd1", "/srv"), Mend: []checks.Shell{checks.Sh("sudo", "apt-get", "clean")},
		},
	})
	if err != nil {
		return err
	}
	return db.Write(ctx, func(tx *sql.Tx) error {
		var first int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM incident`).Scan(&first); err != nil {
			return err
		}
		for n := range over + open {
			number := first + int64(n) + 1
			at := now.Add(-time.Duration(over+open-n) * 365 * 24 * time.Hour / statusPast)
			phase, resolved := "open", sql.NullInt64{}
			changes := []string{"opened"}
			if n < over {
				phase, resolved = "resolved", sql.NullInt64{Int64: at.Add(time.Hour).UnixMilli(), Valid: true}
				changes = append(changes, "resolved")
			}
			row := tx.QueryRowContext(ctx, `INSERT INTO incident (number, host, check_name, code, subject, phase, severity, road, finding, bad, noticed, opened, last_seen, changed, resolved)
				VALUES (?, 'bench', ?, 'full', ?, ?, 2, 1, ?, 3, ?, ?, ?, ?, ?) RETURNING id`,
				number, kindName(n), fmt.Sprintf("/srv/%d", number), phase, string(finding), at.UnixMilli(), at.UnixMilli(), at.UnixMilli(), at.UnixMilli(), resolved)
			if err := toldOf(ctx, tx, row, changes, string(finding), number, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// toldOf writes down that an incident's news was told.
func toldOf(ctx context.Context, tx *sql.Tx, row *sql.Row, changes []string, finding string, number int64, at time.Time) error {
	var incident int64
	if err := row.Scan(&incident); err != nil {
		return err
	}
	text, err := json.Marshal([]string{strings.Repeat("[Warning] /srv is 86 % full, 14 GB free ", 8)})
	if err != nil {
		return err
	}
	for _, change := range changes {
		key := fmt.Sprintf("bench-%d-%s", number, change)
		if _, err := tx.ExecContext(ctx, `INSERT INTO post (key, kind, channel, admin, recipient_id, recipient_handle, lang, severity, parts, ids, state, next_at, created, delivered)
			VALUES (?, 'alert', 'home', 'admin', '1', 'admin', 'en', 2, ?, '["1"]', 'delivered', 0, ?, ?)`, key, string(text), at.UnixMilli(), at.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO alert (incident, change, severity, road, finding, at, expanded) VALUES (?, ?, 2, 1, ?, ?, 1)`, incident, change, finding, at.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO telling (alert, admin, reason, state, post, told) VALUES (last_insert_rowid(), 'admin', 'told in the morning', 'delivered', ?, ?)`, key, at.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// fillSeries gives every series a year: a sample every five minutes in the last
// fortnight, hours before.
func fillSeries(ctx context.Context, db *state.DB, now time.Time) error {
	for n := range statusSeries {
		err := db.Write(ctx, func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `INSERT INTO series (host, check_name, name, subject, unit) VALUES ('bench', ?, 'used_bytes', ?, 'bytes')`, kindName(n), fmt.Sprintf("/srv/%d", n))
			if err != nil {
				return err
			}
			id, err := res.LastInsertId()
			if err != nil {
				return err
			}
			hourly, err := tx.PrepareContext(ctx, `INSERT INTO hourly (series, hour, n, low, mid, high) VALUES (?, ?, 12, ?, ?, ?)`)
			if err != nil {
				return err
			}
			defer hourly.Close()
			sample, err := tx.PrepareContext(ctx, `INSERT INTO sample (series, at, value) VALUES (?, ?, ?)`)
			if err != nil {
				return err
			}
			defer sample.Close()
			raw := now.AddDate(0, 0, -pastDays).Truncate(time.Hour)
			for at := now.AddDate(-1, 0, 0).Truncate(time.Hour); at.Before(raw); at = at.Add(time.Hour) {
				value := 1e9 + float64(at.Unix()%86400)/3
				if _, err := hourly.ExecContext(ctx, id, at.UnixMilli(), value-1, value, value+1); err != nil {
					return err
				}
			}
			for at := raw; at.Before(now); at = at.Add(5 * time.Minute) {
				if _, err := sample.ExecContext(ctx, id, at.UnixMilli(), 1e9+float64(at.Unix()%86400)/3); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// askOften runs a bot on a state and asks it for its status.
func askOften(ctx context.Context, db *state.DB) (took figures, posts int, err error) {
	var jobs []schedule.Job
	for n := range statusKinds {
		name := kindName(n)
		jobs = append(jobs, schedule.Job{Kind: checks.Kind{Name: name, Title: checks.Same(name), Timeout: time.Minute}, Times: schedule.Every(time.Hour)})
	}
	log := slog.New(slog.DiscardHandler)
	clock := schedule.New(schedule.Options{Host: "bench", Jobs: jobs, DB: db, Log: log, News: func() {}})
	home := &deskHome{asked: make(chan struct{}, 1), answered: make(chan time.Time, 64)}
	b := bot.New(bot.Options{
		Site: watched, Home: home, Channel: home, Schedule: clock, DB: db, Log: log,
		Admins:    []bot.Admin{{Account: "admin", Hears: bot.HearsAll, Topics: []string{"all"}, Lang: checks.English, Zone: time.UTC, Morning: 8 * 60}},
		WakeEvery: time.Millisecond,
	})
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { err = b.Run(ctx) })
	for n := range statusTimes {
		// The question before has been put away meanwhile.
		if !pause(ctx, 50*time.Millisecond) {
			break
		}
		if took1, failed := home.ask(ctx); failed != nil {
			stop()
			running.Wait()
			return nil, 0, errors.Join(failed, err)
		} else if n > 0 { // the first one meets the bot at its start
			took.add(took1)
		}
	}
	stop()
	running.Wait()
	return took, home.posts, err
}

// readOften is the yardstick.
func readOften(ctx context.Context, db *state.DB, posts int) (took figures, err error) {
	for range statusTimes {
		began := time.Now()
		err := db.Read(ctx, func(tx *sql.Tx) error {
			for _, query := range []string{`SELECT result FROM look`, `SELECT finding FROM incident WHERE phase = 'open' ORDER BY severity DESC, opened, id`} {
				rows, err := tx.QueryContext(ctx, query)
				if err != nil {
					return err
				}
				for rows.Next() {
					var text string
					if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), &struct{}{})); err != nil {
						return errors.Join(err, rows.Close())
					}
				}
				if err := rows.Close(); err != nil {
					return err
				}
			}
			return nil
		})
		for n := range posts + 2 {
			err = errors.Join(err, db.Write(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('yardstick', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, fmt.Sprint(n))
				return err
			}))
		}
		if err != nil {
			return nil, err
		}
		took.add(time.Since(began))
	}
	return took, nil
}

// deskHome is a home in memory that answers at once, and hands out one question at
// a time.
type deskHome struct {
	asked    chan struct{}
	answered chan time.Time

	mu      sync.Mutex
	wake    func()
	waiting bool
	handed  time.Time
	cursor  int
	posts   int // of the answer in hand, then of the last one
}

// ask says "status" and waits for the end of the answer. What it returns begins
// when the bot is handed the question.
func (h *deskHome) ask(ctx context.Context) (time.Duration, error) {
	h.mu.Lock()
	h.waiting, h.posts = true, 0
	wake := h.wake
	h.mu.Unlock()
	if wake != nil {
		wake()
	}
	timer := time.NewTimer(answerWithin)
	defer timer.Stop()
	select {
	case at := <-h.answered:
		h.mu.Lock()
		defer h.mu.Unlock()
		return at.Sub(h.handed), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-timer.C:
		return 0, fmt.Errorf("no answer to \"status\" within %v", answerWithin)
	}
}

func (h *deskHome) Me(context.Context) (bot.Account, error) {
	return bot.Account{ID: "2", Handle: "sababan", Bot: true}, nil
}

func (h *deskHome) Limits(context.Context) (bot.Limits, error) {
	return bot.Limits{Characters: 500, URL: 23}, nil
}

func (h *deskHome) Resolve(context.Context, string) (bot.Account, error) {
	return bot.Account{ID: "1", Handle: "admin"}, nil
}

func (h *deskHome) Relation(context.Context, string) (bot.Relation, error) {
	return bot.Relation{Following: true, FollowedBy: true}, nil
}

func (h *deskHome) Follow(context.Context, string) error { return nil }

func (h *deskHome) OpenDoor(context.Context) (bool, error) { return true, nil }

func (h *deskHome) Mentions(_ context.Context, after string) ([]bot.Mention, string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if after == "" {
		return nil, "begin", nil
	}
	if !h.waiting {
		return nil, after, nil
	}
	h.waiting = false
	h.cursor++
	h.handed = time.Now()
	id := fmt.Sprintf("%s-%d", h.handed.Format("150405.000"), h.cursor)
	return []bot.Mention{{ID: id, StatusID: id, From: bot.Account{ID: "1", Handle: "admin"}, Text: "status", Visibility: "direct", At: h.handed}}, id, nil
}

func (h *deskHome) Listen(ctx context.Context, wake func()) {
	h.mu.Lock()
	h.wake = wake
	h.mu.Unlock()
	<-ctx.Done()
}

func (h *deskHome) Name() string { return "home" }

func (h *deskHome) Patience() time.Duration { return time.Minute }

func (h *deskHome) Find(context.Context, bot.Message) (string, bool, error) { return "", false, nil }

func (h *deskHome) Send(_ context.Context, m bot.Message) bot.Receipt {
	h.mu.Lock()
	h.posts++
	h.mu.Unlock()
	if !moreToCome(m.Text) {
		h.answered <- time.Now()
	}
	return bot.Receipt{Outcome: bot.Delivered, ID: m.Key}
}
