package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sababan/sababan/bot/sandbox"
	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/disk"
	"github.com/sababan/sababan/checks/memory"
	"github.com/sababan/sababan/checks/site"
	"github.com/sababan/sababan/schedule/history"
)

// A sickness is how one looked-at thing is made ill, and well again.
type sickness struct {
	what checks.Text
	// fall makes it ill and returns what makes it well.
	fall func() (mend func(), err error)
	mend func()
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
			all["disk"] = pretend(one, ill, checks.Text{En: "(pretending that the disk of / is full)", Ja: "（/ のディスクが満杯になったことにします）"})
		case "memory":
			s, err := st.memory(c, one)
			if err != nil {
				return nil, err
			}
			all["memory"] = s
		case "certs":
			all["certs"] = &sickness{
				what: checks.Text{En: "(the web server now serves a certificate that expired)", Ja: "（期限の切れた証明書を配信します）"},
				fall: func() (func(), error) {
					now := time.Now()
					return func() { _ = st.web.certify(now.AddDate(0, 0, -1), now.AddDate(0, 0, 89)) }, st.web.certify(now.AddDate(0, 0, -91), now.Add(-time.Hour))
				},
			}
		case "instance":
			all["instance"] = &sickness{
				what: checks.Text{En: "(/api/v1/instance now answers 500)", Ja: "（/api/v1/instance が500を返すようにします）"},
				fall: func() (func(), error) {
					m := st.server.Misbehave(sandbox.Fault{Kind: sandbox.Answer, PathPrefix: "/api/v1/instance", Status: 500})
					return m.Stop, nil
				},
			}
		case "latency":
			all["latency"] = &sickness{
				what: checks.Text{En: "(every answer to the checks now takes 2.5 s; usual, let us say, are 40 ms)", Ja: "（応答に毎回2.5秒かかるようにします。普段は40msということにします）"},
				fall: func() (func(), error) {
					return st.web.slow(2500 * time.Millisecond), nil
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
func pretend(one *configured, ill checks.Check, what checks.Text) *sickness {
	both := &either{well: one.Check, ill: ill}
	one.Check = both
	return &sickness{what: what, fall: func() (func(), error) {
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
	context.AfterFunc(st.ctx, func() { _ = os.RemoveAll(dir) })
	low := availableLine.ReplaceAllString(string(text), "$1: 61440 kB")
	if err := os.WriteFile(filepath.Join(dir, "meminfo"), []byte(low), 0o600); err != nil {
		return nil, err
	}
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
	return pretend(one, ill, checks.Text{En: "(pretending that nearly all memory is in use)", Ja: "（メモリがほとんど残っていないことにします）"}), nil
}

// pretendPast gives the response times eight days of past, where they are to
// be broken: what is slow is known only by what is usual.
func (st *stage) pretendPast(ctx context.Context, broken []string) error {
	if !strings.Contains(" "+strings.Join(broken, " ")+" ", " latency ") {
		return nil
	}
	book, now := history.NewBook(st.db), time.Now()
	return st.db.Write(ctx, func(tx *sql.Tx) error {
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
}

// breakOne makes one thing ill, waits for the alert, and, where nothing is to
// be said meanwhile, mends it and waits for the end of the alert.
func (s *scene) breakOne(ctx context.Context, name string, mend bool) error {
	one := s.stage.sick[name]
	s.drain()
	s.print("\n" + s.text(one.what))
	var err error
	if one.mend, err = one.fall(); err != nil {
		return err
	}
	if _, err := s.await(ctx, s.alerts, "the alert of "+name); err != nil {
		return err
	}
	if !mend {
		return nil
	}
	return s.mendOne(ctx, name)
}

func (s *scene) mendOne(ctx context.Context, name string) error {
	one := s.stage.sick[name]
	s.drain()
	one.mend()
	s.print("\n" + s.text(checks.Text{En: fmt.Sprintf("(%s is mended)", name), Ja: fmt.Sprintf("（%s を元に戻しました）", name)}))
	_, err := s.await(ctx, s.alerts, "the end of the alert of "+name)
	return err
}

// drain forgets the messages that came before.
func (s *scene) drain() {
	for {
		select {
		case <-s.alerts:
		default:
			return
		}
	}
}
