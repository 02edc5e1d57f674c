package sidekiq

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/sababan/sababan/checks/checkstest/postgres"
)

func TestTheNewestAccountsAreReadByTheirIds(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	now := time.Now()
	db.Exec(t, "insert into accounts (id, username, domain, created_at, updated_at) select $1::bigint + g::bigint * 65536 * 1000, 'u' || g, 's' || g % 2000 || '.example', now(), now() from generate_series(1, 40000) g",
		postgres.ID(now.Add(-24*time.Hour)))
	db.Refresh(t, "instances")
	db.Analyse(t, "accounts", "instances")
	s := db.Site(t, Kind(nil).Reads...)
	err := s.Database().Read(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		begin := time.Now()
		missing, known, err := viewStale(ctx, tx, now)
		t.Log(missing, known, time.Since(begin))
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "explain "+viewQuery, now.Add(-viewAfter).UnixMilli()<<16, newest)
		if err != nil {
			return err
		}
		line, plan := "", ""
		if _, err = pgx.ForEachRow(rows, []any{&line}, func() error { plan += line + "\n"; return nil }); err != nil {
			return err
		}
		if strings.Contains(plan, "Seq Scan on accounts") {
			t.Errorf("all accounts are read:\n%s", plan)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
