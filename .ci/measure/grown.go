package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/schedule/history"
	"github.com/sababan/sababan/schedule/state"
)

// A daemon that has run for a while holds a fortnight of measures: what is
// read at each look, and what the state's cache is filled with.
const pastDays = 14

// grow gives the stage's state a past: every series that the checks have here,
// every five minutes for a fortnight, around the value that it has now. It
// returns how many samples there are.
func grow(ctx context.Context, binary string, s *stage) (samples int, err error) {
	seen, err := lookOnce(ctx, binary, s)
	if err != nil {
		return 0, err
	}
	db, err := state.Open(ctx, s.state, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	book, now := history.NewBook(db), time.Now()
	for day := pastDays; day > 0; day-- {
		err := db.Write(ctx, func(tx *sql.Tx) error {
			end := now.AddDate(0, 0, 1-day)
			for at := now.AddDate(0, 0, -day); at.Before(end); at = at.Add(5 * time.Minute) {
				// Up and down over the day by a tenth, as everything on a server.
				wave := 1 + 0.1*math.Sin(2*math.Pi*float64(at.Unix()%86400)/86400)
				for _, c := range seen.Checks {
					measures := make([]checks.Measure, len(c.Measures))
					for i, m := range c.Measures {
						measures[i] = m
						measures[i].Value *= wave
					}
					if err := book.Append(tx, c.Host, c.Name, measures, at); err != nil {
						return err
					}
					samples += len(measures)
				}
			}
			return nil
		})
		if err != nil {
			return samples, fmt.Errorf("giving the state a past: %w", err)
		}
	}
	return samples, nil
}

// report is what is read of `check --json`.
type report struct {
	Severity string
	Checks   []struct {
		Name, Host, Severity, Error string
		Measures                    []checks.Measure
	}
}

// lookOnce runs `check --json`. An exit status that tells of findings is no
// error: it tells of this machine.
func lookOnce(ctx context.Context, binary string, s *stage) (r report, err error) {
	cmd := exec.CommandContext(ctx, binary, "check", "--json", "--config", s.config)
	cmd.Env = s.env()
	out, err := cmd.Output()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		return r, err
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("check --json: %w (%w)", err, errors.Join(err, sayWhy(status)))
	}
	for _, c := range r.Checks {
		// What needs systemd or other servers sees nothing on some machines; it
		// is looked at all the same.
		if slices.Contains([]string{"disk", "memory", "certs", "instance", "latency"}, c.Name) && (c.Error != "" || c.Severity == "not-set-up") {
			return r, fmt.Errorf("check --json: %s sees nothing here: %s", c.Name, c.Error)
		}
	}
	return r, nil
}

func sayWhy(status *exec.ExitError) error {
	if status == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", status, status.Stderr)
}

// copyFile copies a state that nobody has open.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
