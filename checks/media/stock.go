package media

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
)

const (
	// stockFactor is how many times what Mastodon knows a bucket may hold
	// (defaults; one held twice as much for months, and the bill told), and
	// orphansLeast how many bytes are worth a message (own).
	stockFactor  = 1.5
	orphansLeast = 1 << 30
	// stockFresh is for how long a whole walk counts (own: the next one ends long
	// before that where it may begin, unless the bucket has fifteen million files).
	stockFresh = 90 * 24 * time.Hour
	// limitsTime is how long the database may take (own).
	limitsTime = 3 * time.Second
)

// knownSQL asks by the primary key which files rows of one table have.
func (a area) knownSQL() string {
	return fmt.Sprintf("SELECT id, %[2]s FROM %[1]s WHERE id = ANY($1) AND %[2]s <> ''", a.table, a.column)
}

// unknown tells which files of a list, by their keys, no row has.
func (v *visit) unknown(ctx context.Context, list []object) (map[string]bool, error) {
	ids := map[*area][]int64{}
	for _, o := range list {
		if o.area == nil {
			continue
		}
		if of := ids[o.area]; len(of) == 0 || of[len(of)-1] != o.id {
			ids[o.area] = append(of, o.id)
		}
	}
	type file struct {
		area *area
		id   int64
		stem string
	}
	known := map[file]bool{}
	if len(ids) > 0 {
		err := v.site.Database().ReadWithin(ctx, limits, func(ctx context.Context, tx pgx.Tx) error {
			for a, of := range ids {
				rows, err := tx.Query(ctx, a.knownSQL(), of)
				if err != nil {
					return err
				}
				var id int64
				var name string
				if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error {
					known[file{a, id, stemOf(name)}] = true
					return nil
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	lost := map[string]bool{}
	for _, o := range list {
		if o.area != nil && v.now.Sub(o.changed) >= settled && !known[file{o.area, o.id, o.stem}] {
			lost[o.key] = true
		}
	}
	return lost, nil
}

// judgeStock judges what the last whole walk came to.
func (v *visit) judgeStock() {
	w := v.memory.Stock
	if w.Of == "" || w.Files == 0 {
		return
	}
	if v.now.Sub(w.Ended) > stockFresh {
		why := textNoList()
		if v.memory.Closed.IsZero() {
			why = textOldList(w)
		}
		v.unseen(why, codeOrphans)
		return
	}
	v.Measures = append(v.Measures,
		checks.Measure{Name: bucketSize, Value: float64(w.Bytes), Unit: checks.Bytes},
		checks.Measure{Name: orphanSize, Value: float64(w.LostBytes), Unit: checks.Bytes})
	switch {
	case w.LostBytes < orphansLeast:
	case w.Known == 0:
		// Of another server, or of a database that was put back.
		v.Blind = append(v.Blind, checks.Blind{Code: codeOrphans, Why: textForeign()})
	case float64(w.Bytes) > stockFactor*float64(w.Bytes-w.LostBytes):
		v.find(codeOrphans, checks.Warning, checks.Week, textOrphans(w), adviceOrphans(w))
	}
}

// most is the folder with the most of what is lost.
func (w walk) most() (folder string, size int64) {
	for f, n := range w.Areas {
		if n > size || n == size && f < folder {
			folder, size = f, n
		}
	}
	return folder, size
}
