package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/sababan/sababan/bot/sandbox/page"
	"github.com/sababan/sababan/checks"
)

// openPage serves the stage to a browser, where somebody is there to open it.
func (st *stage) openPage(ctx context.Context, f tryFlags, c *Config, log *slog.Logger) error {
	if !f.paged {
		return nil
	}
	o := page.Options{Server: st.server, Reader: st.admin, Bot: st.bot, Language: string(st.lang), Zone: st.zone}
	for _, text := range []checks.Text{{En: "status", Ja: "状態"}, {En: "check disk", Ja: "確認 ディスク"}, {En: "help", Ja: "ヘルプ"}} {
		o.Phrases = append(o.Phrases, text.In(st.lang))
	}
	for _, one := range c.Checks {
		if s := st.sick[one.Kind.Name]; s != nil {
			o.Sicknesses = append(o.Sicknesses, page.Sickness{
				Name: one.Kind.Name, Label: s.label.In(st.lang), How: s.how.In(st.lang), Ill: s.ill, Set: s.set,
			})
		}
	}
	p, err := page.New(o)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", f.page)
	if err != nil {
		return fmt.Errorf("--page: %w", err)
	}
	st.page, st.browse = p, p.Address(ln.Addr())
	st.serving.Go(func() {
		if err := p.Serve(ctx, ln); err != nil {
			log.Error("the page ended", "err", err)
		}
	})
	return nil
}

// change makes something ill or well, and shows it on the page.
func (st *stage) change(one *sickness, ill bool) error {
	if err := one.set(ill); err != nil {
		return err
	}
	if st.page != nil {
		st.page.Refresh()
	}
	return nil
}
