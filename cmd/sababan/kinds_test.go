package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// testConfig is the written form of every test kind.
type testConfig struct {
	WarningPercent float64         `toml:"warning_percent"`
	Every          checks.Duration `toml:"every"`
	Ignore         []string        `toml:"ignore"`
	Sources        []testSource    `toml:"source"`
}

type testSource struct {
	Path string `toml:"path"`
	Keep int    `toml:"keep"`
}

func testDefaults() *testConfig {
	return &testConfig{WarningPercent: 85, Every: checks.Duration(5 * time.Minute)}
}

type lookFunc func(ctx context.Context, past checks.Past) (checks.Observation, error)

func (f lookFunc) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return f(ctx, past)
}

// deepLook has a level that takes long.
type deepLook struct{ lookFunc }

func (deepLook) LookThoroughly(context.Context, checks.Past) (checks.Observation, error) {
	return checks.Observation{Summary: checks.Text{En: "looked at everything", Ja: "すべて確認しました"}}, nil
}

func kindOf(name string, look checks.Check) checks.Kind {
	return checks.Kind{
		Name: name, Title: checks.Text{En: name, Ja: name}, Cron: "*/5 * * * *", Timeout: 10 * time.Second,
		Settings: func() any { return testDefaults() },
		New: func(t checks.Table) (checks.Check, error) {
			c := testDefaults()
			if err := t.Decode(c); err != nil {
				return nil, err
			}
			if c.WarningPercent < 0 || c.WarningPercent > 100 {
				return nil, fmt.Errorf("warning_percent: %v is not between 0 and 100", c.WarningPercent)
			}
			return look, nil
		},
	}
}

func finding(code string, s checks.Severity) checks.Finding {
	return checks.Finding{
		Code: code, Subject: "/", Severity: s, Road: checks.Now,
		Harm: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC),
		Text: checks.Text{
			En: "the disk / is 97 % full\nPosts with pictures will soon fail.",
			Ja: "ディスク / が残りわずかです（使用97%）\nまもなく画像つきの投稿ができなくなります。",
		},
		Advice: checks.Advice{
			Text: checks.Text{En: "The journal can go first.", Ja: "まずジャーナルを減らせます。"},
			Look: checks.Sh("df", "-h", "/").Pipe("tail", "-1"),
			Mend: []checks.Shell{checks.Sh("sudo", "journalctl", "--vacuum-size=200M")},
		},
	}
}

func saw(o checks.Observation) checks.Check {
	return lookFunc(func(context.Context, checks.Past) (checks.Observation, error) { return o, nil })
}

var fineSummary = checks.Text{En: "71 % used, 7.2 GB free", Ja: "使用71%、空き7.2GB"}

func testKind(name string, s *site.Site) checks.Kind {
	switch name {
	case "fine":
		k := kindOf(name, saw(checks.Observation{
			Summary:  fineSummary,
			Measures: []checks.Measure{{Name: "available_bytes", Subject: "/", Value: 7.2e9, Unit: checks.Bytes}},
		}))
		k.Title = checks.Text{En: "Disk", Ja: "ディスク"}
		k.Words = checks.Words{En: []string{"storage"}, Ja: []string{"空き容量", "ディスク容量"}}
		return k
	case "warning":
		return kindOf(name, saw(checks.Observation{
			Summary: checks.Text{En: "88 % used", Ja: "使用88%"}, Findings: []checks.Finding{finding("used", checks.Warning)},
		}))
	case "critical":
		return kindOf(name, saw(checks.Observation{
			Summary: checks.Text{En: "97 % used", Ja: "使用97%"}, Findings: []checks.Finding{finding("used", checks.Critical)},
		}))
	case "holds":
		f := finding("used", checks.Warning)
		f.Holds = true
		return kindOf(name, saw(checks.Observation{Summary: fineSummary, Findings: []checks.Finding{f}}))
	case "blind":
		return kindOf(name, saw(checks.Observation{
			Summary: checks.Text{En: "2 of 3 seen", Ja: "3のうち2を確認"},
			Blind: []checks.Blind{{
				Code: "used", Subject: "/mnt/far",
				Why:  checks.Text{En: "the server does not answer", Ja: "サーバーが応答しません"},
				Mend: checks.Advice{Look: checks.Sh("mount")},
			}},
		}))
	case "broken":
		return kindOf(name, lookFunc(func(context.Context, checks.Past) (checks.Observation, error) {
			return checks.Observation{}, &checks.Unseen{
				Why:    checks.Text{En: "no permission", Ja: "権限がありません"},
				Advice: checks.Advice{Mend: []checks.Shell{checks.Sh("sudo", "usermod", "-aG", "adm", "sababan")}},
				Err:    errors.New("open /proc/x: permission denied"),
			}
		}))
	case "panics":
		return kindOf(name, lookFunc(func(context.Context, checks.Past) (checks.Observation, error) { panic("a fault") }))
	case "hangs": // and does not care that its time is over
		return kindOf(name, lookFunc(func(context.Context, checks.Past) (checks.Observation, error) { select {} }))
	case "slow": // and obeys
		return kindOf(name, lookFunc(func(ctx context.Context, _ checks.Past) (checks.Observation, error) {
			<-ctx.Done()
			return checks.Observation{}, ctx.Err()
		}))
	case "deep":
		return kindOf(name, deepLook{func(context.Context, checks.Past) (checks.Observation, error) {
			return checks.Observation{Summary: checks.Text{En: "looked at the top", Ja: "概要を確認しました"}}, nil
		}})
	case "long":
		k := kindOf(name, saw(checks.Observation{Summary: checks.Text{En: "walked over all", Ja: "すべて計測しました"}}))
		k.Long = true
		return k
	case "needy":
		k := kindOf(name, saw(checks.Observation{Summary: fineSummary}))
		k.Scope = checks.Site
		inner := k.New
		k.New = func(t checks.Table) (checks.Check, error) {
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return inner(t)
		}
		return k
	}
	panic("no test kind " + name)
}

// testKinds is a checklist of test kinds.
func testKinds(names ...string) func(*site.Site) []checks.Kind {
	return func(s *site.Site) []checks.Kind {
		var list []checks.Kind
		for _, name := range slices.Compact(names) {
			list = append(list, testKind(name, s))
		}
		return list
	}
}
