package backups

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/child"
)

// Outcomes of a restore, besides those of reading.
const (
	outcomeFaulty = "faulty"  // all rows are there, and something else failed
	outcomeRoom   = "no room" // not begun, or given up, for want of it
	outcomeRoot   = "root"    // PostgreSQL does not run as root
	outcomePlace  = "place"   // the folder cannot be used
	outcomeBroke  = "broke"   // the throw-away cluster itself failed
)

const (
	// grows is how much larger than its SQL a restored database is, indexes and
	// log included: 1.4 with posts and accounts, 1.8 with favourites alone
	// (measured with PostgreSQL 15), and some.
	grows = 2.2
	// emptyCluster is what a cluster takes before anything is in it, in bytes:
	// 40 MB, and its log of at most 256 MB (measured).
	emptyCluster = 320 << 20
	// keepFree and keepShare are what a restore must leave free: from 2 GB or 5 %
	// on a disk is critical (defaults).
	keepFree, keepShare = 2 << 30, 0.05
	// loadSpeed is how many bytes of SQL a second are taken for granted (own: an
	// eighth of what was measured on two cores).
	loadSpeed = 4 << 20
	// setupTime is what all but the loading takes at most (own).
	setupTime = time.Minute
	// endTime is kept for ending and removing (own).
	endTime = stopPatience + 5*time.Second
	// watchEvery is how often room is looked at meanwhile (own).
	watchEvery = time.Second
)

// rebuilt is how restoring a dump went, or why it was not done.
type rebuilt struct {
	ID      string    `json:"id"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"`
	// Made is the time of the backup.
	Made time.Time     `json:"made"`
	Took time.Duration `json:"took,omitempty"`
	// Said is what went wrong; text from outside. Faults is how often.
	Said   string `json:"said,omitempty"`
	Faults int    `json:"faults,omitempty"`
	// Need and Free are bytes of room, Version the PostgreSQL that was needed or
	// used.
	Need    int64 `json:"need,omitempty"`
	Free    int64 `json:"free,omitempty"`
	Version int   `json:"version,omitempty"`
	// Counted are the rows in the restored database.
	Counted contents `json:"counted,omitzero"`
	// Proven is when a restore last succeeded, Lasted how long it took; Grows
	// and Speed are what it has taught.
	Proven time.Time     `json:"proven,omitzero"`
	Lasted time.Duration `json:"lasted,omitempty"`
	Grows  float64       `json:"grows,omitempty"`
	Speed  float64       `json:"speed,omitempty"`
}

// tried tells whether the dump itself was judged.
func (b rebuilt) tried() bool {
	return b.Outcome == outcomeWhole || b.Outcome == outcomeFaulty || b.Outcome == outcomeDamaged
}

// need is how much room a restore takes, in bytes, and for how long.
func (b rebuilt) need(in contents) (bytes int64, lasts time.Duration) {
	factor, speed := max(grows, 1.1*b.Grows), float64(loadSpeed)
	if b.Speed > 0 {
		speed = b.Speed / 2
	}
	return int64(factor*float64(in.Bytes)) + emptyCluster, setupTime + time.Duration(float64(in.Bytes)/speed*float64(time.Second))
}

// judgePlace decides whether there is room to restore; keep is what has to be
// left.
func judgePlace(need int64, free, size uint64) (keep int64, ok bool) {
	keep = max(keepFree, int64(keepShare*float64(size)))
	return keep, int64(min(free, 1<<62)) >= need+keep
}

// rebuild restores a dump that was read to its end into a cluster of its own,
// counts, and removes everything.
func (c *check) rebuild(ctx context.Context, a artefact, t tested, last rebuilt) rebuilt {
	b := last
	b.ID, b.Made, b.At, b.Said, b.Faults, b.Took, b.Counted = a.ID, a.Time, time.Now(), "", 0, 0, contents{}
	b.Version = t.Inside.Version
	need, lasts := last.need(t.Inside)
	b.Need = need
	if os.Geteuid() == 0 {
		b.Outcome = outcomeRoot
		return b
	}
	bin, version := serverFor(c.servers, t.Inside.Version)
	if bin == "" {
		b.Outcome = outcomeNoTool
		return b
	}
	b.Version = version
	if until, ok := ctx.Deadline(); ok {
		until = until.Add(-reserve - endTime)
		if time.Until(until) < lasts {
			b.Outcome, b.Took = outcomeSlow, lasts
			return b
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	w, err := claim(ctx, c.config.RestoreIn, c.proc)
	if err != nil {
		b.Outcome, b.Said = outcomePlace, placeTrouble(err)
		return b
	}
	began := time.Now()
	c.rebuildIn(ctx, w.dir, bin, a, t, &b)
	if err := w.remove(); err != nil && b.tried() {
		b.Outcome, b.Said = outcomePlace, placeTrouble(err)
	}
	b.At, b.Took = time.Now(), time.Since(began)
	if b.Outcome == outcomeWhole {
		b.Proven, b.Lasted = b.At, b.Took
	}
	return b
}

// placeTrouble is what is wrong with the folder, without its path.
func placeTrouble(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return checks.Quote(err.Error())
}

// stopped is said of a restore that had begun when its time was over.
const stopped = "stopped"

var errRoom = errors.New("the room is running out")

// rebuildIn does it in a folder that is there and empty.
func (c *check) rebuildIn(ctx context.Context, dir, bin string, a artefact, t tested, b *rebuilt) {
	free, size, err := roomAt(dir)
	if err != nil {
		b.Outcome, b.Said = outcomePlace, placeTrouble(err)
		return
	}
	keep, ok := judgePlace(b.Need, free, size)
	if b.Free = int64(min(free, 1<<62)); !ok {
		b.Outcome, b.Need = outcomeRoom, b.Need+keep
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan uint64)
	go func() { watched <- watchRoom(ctx, dir, free, uint64(keep)/2, cancel) }()
	began := time.Now()
	err = c.restoreAndCount(ctx, dir, bin, a, t, b)
	took := time.Since(began)
	why := context.Cause(ctx)
	cancel(nil)
	used := <-watched
	switch {
	case errors.Is(why, errRoom):
		b.Outcome, b.Grows = outcomeRoom, 2*max(b.Grows, grows) // it was thought to be enough
		b.Need = keep + int64(b.Grows*float64(t.Inside.Bytes))
	case why != nil:
		b.Outcome, b.Said = outcomeSlow, stopped
	case err != nil:
		b.Outcome, b.Said = outcomeBroke, checks.Quote(err.Error())
	default:
		if n := float64(t.Inside.Bytes); n > 64<<20 { // below, the cluster itself is most of it
			b.Grows, b.Speed = float64(used)/n, n/max(took.Seconds(), 1)
		}
	}
}

// watchRoom calls for an end when less than so much is free; it returns how
// much was in use at most.
func watchRoom(ctx context.Context, dir string, before, least uint64, end context.CancelCauseFunc) (used uint64) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return used
		case <-tick.C:
			free, err := freeAt(dir)
			if err != nil {
				continue
			}
			used = max(used, before-min(free, before))
			if free < least {
				end(errRoom)
			}
		}
	}
}

// restoreAndCount is the restore itself; an error is not the dump's fault.
func (c *check) restoreAndCount(ctx context.Context, dir, bin string, a artefact, t tested, b *rebuilt) error {
	words, ready := c.ready(a)
	if ready.Outcome != outcomeNone {
		return errors.New(cmp.Or(ready.Said, ready.Outcome))
	}
	if ready.Tool == "pg_restore" {
		words = append(words[:len(words)-1:len(words)-1], "--no-owner", "--no-privileges", a.Path)
	}
	server, err := startThrowaway(ctx, bin, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := server.prepare(ctx); err != nil {
		return err
	}
	conn, err := server.connect(ctx, loadRole, loadRole)
	if err != nil {
		return err
	}
	// The server is killed if it must be; nothing is owed to a connection.
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	l := &load{conn: conn}
	if err := c.pour(ctx, words, t.Inside.Base, l); err != nil {
		return err
	}
	if err := l.refresh(ctx); err != nil {
		return err
	}
	if b.Counted, err = l.count(ctx, timeID(t.At.Add(idAhead))); err != nil {
		return err
	}
	b.Outcome, b.Said = judgeRebuilt(b.Counted, t.Inside, l.faults, l.first)
	b.Faults = l.faults
	return nil
}

// pour lets a tool write the dump as SQL into the database.
func (c *check) pour(ctx context.Context, words []string, name string, l *load) error {
	out, in := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		o, err := child.Run(ctx, child.Command{Words: words, Path: c.path, Sink: in, Idle: true})
		if err == nil && o.Code != 0 {
			err = fmt.Errorf("%s: %s", words[0], o.Trouble())
		}
		wrote <- errors.Join(err, in.Close())
	}()
	err := l.run(ctx, newScript(out, name))
	_ = out.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // never fails
	if wroteErr := <-wrote; err == nil {
		err = wroteErr
	}
	return err
}

// refresh fills the materialized views that the dump has left empty.
func (l *load) refresh(ctx context.Context) error {
	names, err := l.column(ctx, "select format('%I.%I', schemaname, matviewname) from pg_matviews where not ispopulated order by 1")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := l.execute(ctx, "refresh materialized view "+name); err != nil {
			return err
		}
	}
	return nil
}

// count counts the restored rows; limit is the id above which none counts.
func (l *load) count(ctx context.Context, limit int64) (contents, error) {
	c := contents{Holds: holdsMastodon}
	for _, one := range []struct {
		sql  string
		into *int64
	}{
		{"select count(*) from public.accounts", &c.Accounts},
		{"select count(*) from public.users", &c.Users},
		{"select coalesce(max(id), 0) from public.statuses where id <= " + strconv.FormatInt(limit, 10), &c.Newest},
	} {
		got, err := l.column(ctx, one.sql)
		var said *pgconn.PgError
		switch {
		case errors.As(err, &said):
			l.fault(saidBy(said))
			continue
		case err != nil:
			return c, err
		}
		if len(got) == 1 {
			if *one.into, err = strconv.ParseInt(got[0], 10, 64); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// column is the first column of what a question returns.
func (l *load) column(ctx context.Context, sql string) ([]string, error) {
	results, err := l.conn.Exec(ctx, sql).ReadAll()
	var list []string
	for _, r := range results {
		for _, row := range r.Rows {
			list = append(list, string(row[0]))
		}
	}
	return list, err
}

// sweepUp removes what a restore that was killed has left.
func (c *check) sweepUp(ctx context.Context) {
	if c.config.RestoreIn == "" {
		return
	}
	if _, err := os.Lstat(filepath.Join(c.config.RestoreIn, workName)); err == nil {
		_ = sweep(ctx, c.config.RestoreIn, c.proc) // told when the next restore needs the folder
	}
}
