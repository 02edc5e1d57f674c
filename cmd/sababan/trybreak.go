package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/disk"
	"github.com/sababan/sababan/checks/memory"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule/history"
	"github.com/sababan/sababan/schedule/incident"
)

// A sickness is how one looked-at thing is made ill, and well again.
type sickness struct {
	what  checks.Text // what happens now
	label checks.Text // what it is
	how   checks.Text // what being ill comes to
	// fall makes it ill and returns what makes it well.
	fall func() (mend func(), err error)

	mu   sync.Mutex // a page and a terminal may both want it
	mend func()     // nil while it is well
}

// ill tells whether it is ill now.
func (s *sickness) ill() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mend != nil
}

// set makes it ill or well; what it is already, it stays.
func (s *sickness) set(ill bool) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ill && s.mend == nil:
		s.mend, err = s.fall()
	case !ill && s.mend != nil:
		s.mend()
		s.mend = nil
	}
	return err
}

// sicknesses are what `--break` can do, one for each check that is set up.
func (st *stage) sicknesses(c *Config) (map[string]*sickness, error) {
	all := map[string]*sickness{}
	for i := range c.Checks {
		one := &c.Checks[i]
		if one.Check == nil {
			continue
		}
		switch one.Kind.Name {
		case "disk":
			ill, err := disk.Kind(c.Site, disk.WithStatfs(fullRoot)).New(noTable{})
			if err != nil {
				return nil, err
			}
			all["disk"] = pretend(one, ill, checks.Text{En: "Disk", Ja: "ディスク"}, checks.Text{En: "it looks full", Ja: "満杯に見えます"}, checks.Text{En: "(pretending that the disk of / is full)", Ja: "（/ のディスクが満杯になったことにします）"})
		case "memory":
			s, err := st.memory(c, one)
			if err != nil {
				return nil, err
			}
			all["memory"] = s
		case "certs":
			all["certs"] = &sickness{
				label: checks.Text{En: "Certificate", Ja: "証明書"}, how: checks.Text{En: "it has expired", Ja: "期限切れのものを配信します"},
				what: checks.Text{En: "(the web server now serves a certificate that expired)", Ja: "（期限の切れた証明書を配信します）"},
				fall: func() (func(), error) {
					now := time.Now()
					return func() { _ = st.web.certify(now.AddDate(0, 0, -1), now.AddDate(0, 0, 89)) }, st.web.certify(now.AddDate(0, 0, -91), now.Add(-time.Hour))
				},
			}
		case "instance":
			all["instance"] = &sickness{
				label: checks.Text{En: "API", Ja: "API"}, how: checks.Text{En: "it answers 500", Ja: "500を返します"},
				what: checks.Text{En: "(/api/v1/instance now answers 500)", Ja: "（/api/v1/instance が500を返すようにします）"},
				fall: func() (func(), error) {
					m := st.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, PathPrefix: "/api/v1/instance", Status: 500})
					return m.Stop, nil
				},
			}
		case "latency":
			window := &forgetful{Check: one.Check}
			one.Check = window
			all["latency"] = &sickness{
				label: checks.Text{En: "Response time", Ja: "応答時間"}, how: checks.Text{En: "every answer takes 2.5 s", Ja: "毎回2.5秒かかります"},
				what: checks.Text{En: "(every answer to the checks now takes 2.5 s; usual, let us say, are 40 ms)", Ja: "（応答に毎回2.5秒かかるようにします。普段は40msということにします）"},
				fall: func() (func(), error) {
					if err := st.pretendPast(); err != nil {
						return nil, err
					}
					quick := st.web.slow(2500 * time.Millisecond)
					return func() { quick(); window.over.Store(true) }, nil
				},
			}
		}
	}
	return all, nil
}

// noTable is a table with nothing in it.
type noTable struct{}

func (noTable) Decode(any) error { return nil }

// fullRoot is the kernel's answer, with the disk of / filled to the brim.
func fullRoot(path string) (disk.Stat, error) {
	st, err := disk.Statfs(path)
	if err == nil && path == "/" {
		st.Available /= 200
		st.Free = st.Available
	}
	return st, err
}

// pretend lets a check see another thing in its place.
func pretend(one *configured, ill checks.Check, label, how, what checks.Text) *sickness {
	both := &either{well: one.Check, ill: ill}
	one.Check = both
	return &sickness{what: what, label: label, how: how, fall: func() (func(), error) {
		both.broken.Store(true)
		return func() { both.broken.Store(false) }, nil
	}}
}

// either is two checks, of which one looks.
type either struct {
	well, ill checks.Check
	broken    atomic.Bool
}

// Look looks at what is in force.
func (e *either) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	if e.broken.Load() {
		return e.ill.Look(ctx, past)
	}
	return e.well.Look(ctx, past)
}

// forgetful lets the ten minutes pass at once over which a check judges.
type forgetful struct {
	checks.Check
	over atomic.Bool
}

// Look looks, once without what was remembered.
func (f *forgetful) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	if f.over.Swap(false) {
		past = forgotten{past}
	}
	return f.Check.Look(ctx, past)
}

// forgotten is a past that remembers nothing but measures.
type forgotten struct{ checks.Past }

// Load gives nothing back.
func (forgotten) Load(string) ([]byte, bool) { return nil, false }

var availableLine = regexp.MustCompile(`(?m)^(MemAvailable|MemFree):\s+\d+ kB$`)

// memory pretends that nearly all memory is in use, by a copy of what the
// kernel says with two lines changed.
func (st *stage) memory(c *Config, one *configured) (*sickness, error) {
	text, err := os.ReadFile(filepath.Join(c.Site.Proc, "meminfo"))
	if err != nil {
		return nil, nil // a machine without it cannot break it this way
	}
	dir, err := os.MkdirTemp("", "sababan-try-")
	if err != nil {
		return nil, err
	}
	st.folder = dir
	low := availableLine.ReplaceAllString(string(text), "$1: 61440 kB")
	if err := os.WriteFile(filepath.Join(dir, "meminfo"), []byte(low), 0o600); err != nil {
		return nil, err
	}
	// The rest is the kernel's own.
	entries, err := os.ReadDir(c.Site.Proc)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() != "meminfo" {
			if err := os.Symlink(filepath.Join(c.Site.Proc, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	pretended := site.Site{Proc: dir}
	ill, err := memory.Kind(&pretended).New(noTable{})
	if err != nil {
		return nil, err
	}
	return pretend(one, ill, checks.Text{En: "Memory", Ja: "メモリ"}, checks.Text{En: "it looks used up", Ja: "残りわずかに見えます"}, checks.Text{En: "(pretending that nearly all memory is in use)", Ja: "（メモリがほとんど残っていないことにします）"}), nil
}

// pretendPast gives the response times eight days of past, once they are to be
// broken: what is slow is known only by what is usual.
func (st *stage) pretendPast() error {
	if st.past {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), tryAnswer)
	defer cancel()
	book, now := history.NewBook(st.db), time.Now()
	err := st.db.Write(ctx, func(tx *sql.Tx) error {
		for at := now.AddDate(0, 0, -8); at.Before(now.Add(-time.Hour)); at = at.Add(time.Hour) {
			usual := []checks.Measure{
				{Name: "response_time", Subject: "api", Value: 0.04, Unit: checks.Seconds},
				{Name: "response_time", Subject: "page", Value: 0.04, Unit: checks.Seconds},
			}
			if err := book.Append(tx, "", "latency", usual, at); err != nil {
				return err
			}
		}
		return nil
	})
	st.past = err == nil
	return err
}

// breakOne makes one thing ill, waits for the alert, and, where nothing is to
// be said meanwhile, mends it and waits for the end of the alert.
func (s *scene) breakOne(ctx context.Context, name string, mend bool) error {
	one := s.stage.sick[name]
	since, err := s.stage.lastAlert(ctx)
	if err != nil {
		return err
	}
	s.print("\n" + s.text(one.what))
	if err := s.stage.change(one, true); err != nil {
		return err
	}
	if err := s.awaitAlert(ctx, name, incident.OpenedNow, since); err != nil {
		return err
	}
	if !mend {
		return nil
	}
	return s.mendOne(ctx, name)
}

func (s *scene) mendOne(ctx context.Context, name string) error {
	since, err := s.stage.lastAlert(ctx)
	if err != nil {
		return err
	}
	if err := s.stage.change(s.stage.sick[name], false); err != nil {
		return err
	}
	s.print("\n" + s.text(checks.Text{En: fmt.Sprintf("(%s is mended)", name), Ja: fmt.Sprintf("（%s を元に戻しました）", name)}))
	return s.awaitAlert(ctx, name, incident.ResolvedNow, since)
}

// awaitAlert waits until the admin has been told of a change of a check. This
// machine may have alerts of its own meanwhile; they are not it.
func (s *scene) awaitAlert(ctx context.Context, name string, change incident.Change, since int64) error {
	for {
		told, err := s.stage.told(ctx, name, change, since)
		if err != nil || told {
			return err
		}
		if _, err := s.await(ctx, s.alerts, fmt.Sprintf("%s %s", name, change)); err != nil {
			return err
		}
	}
}

// lastAlert is the newest alert in the state.
func (st *stage) lastAlert(ctx context.Context) (id int64, err error) {
	err = st.db.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM alert`).Scan(&id)
	})
	return id, err
}

// told tells whether a change of a check, newer than an alert, stands in a post.
func (st *stage) told(ctx context.Context, name string, change incident.Change, since int64) (yes bool, err error) {
	err = st.db.Read(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM telling t JOIN alert a ON a.id = t.alert JOIN incident i ON i.id = a.incident JOIN post p ON p.key = t.post
			WHERE a.id > ? AND a.change = ? AND i.check_name = ? AND (p.ids <> '[]' OR p.attempt_at IS NOT NULL)`, since, string(change), name).Scan(&yes)
	})
	return yes, err
}
