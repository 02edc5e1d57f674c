package usage

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A said is what PostgreSQL itself says of its files; sizes in bytes.
type said struct {
	// Data is its data directory; "" where that is on another machine, or not
	// to be told.
	Data string
	// Bases are all databases together, WAL what lies in pg_wal.
	Bases, WAL int64
	Settings   walSettings
	Slots      []slot
	Archive    archive
	// Port is where it listens.
	Port string
}

// A slot is a replication slot.
type slot struct {
	Name string
	// Database is where a logical one belongs; "" for a physical one.
	Database string
	Active   bool
	Held     int64 // bytes of pg_wal that it keeps
}

// archive is how the archiving of pg_wal goes.
type archive struct {
	On       bool
	Failures int64
	Segment  string    // that could not be archived last
	Failed   time.Time // last; zero for never
	Archived time.Time // last; zero for never
}

// failing tells whether the last attempt to archive has failed.
func (a archive) failing() bool { return a.On && a.Failed.After(a.Archived) }

// slotLimit bounds how many replication slots are read (own).
const slotLimit = 1000

// askDatabase asks PostgreSQL; an error where no connection is set up, or where
// the role has not pg_monitor.
func askDatabase(ctx context.Context, d *site.Database) (*said, error) {
	p := &said{}
	err := d.Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var failed, archived *time.Time
		err := tx.QueryRow(ctx, `select
			case when inet_server_addr() is null or inet_server_addr() = inet_client_addr() then current_setting('data_directory') else '' end,
			(select coalesce(sum(pg_database_size(oid)), 0) from pg_database)::bigint,
			(select coalesce(sum(size), 0) from pg_ls_waldir())::bigint,
			pg_size_bytes(current_setting('max_wal_size')), coalesce(pg_size_bytes(current_setting('wal_keep_size', true)), 0),
			current_setting('archive_mode') <> 'off', failed_count, coalesce(last_failed_wal, ''), last_failed_time, last_archived_time,
			current_setting('port')
			from pg_stat_archiver`).Scan(&p.Data, &p.Bases, &p.WAL, &p.Settings.Max, &p.Settings.Keep,
			&p.Archive.On, &p.Archive.Failures, &p.Archive.Segment, &failed, &archived, &p.Port)
		if err != nil {
			return err
		}
		p.Settings.Archive = p.Archive.On
		p.Archive.Failed, p.Archive.Archived = orNever(failed), orNever(archived)
		rows, err := tx.Query(ctx, `select slot_name::text, coalesce(database, '')::text, active, coalesce(pg_wal_lsn_diff(
			case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::bigint
			from pg_replication_slots order by 4 desc, 1 limit $1`, slotLimit)
		if err != nil {
			return err
		}
		p.Slots, err = pgx.CollectRows(rows, pgx.RowToStructByPos[slot])
		return err
	})
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(p.Data) || checks.Sh(p.Data).String() == "" {
		p.Data = ""
	}
	return p, nil
}

func orNever(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// place finds out where on this machine the database lies: by the name under
// which it was found, else by its own, which is added. False where it is not
// here.
func (p *said) place(found *site.Found) (string, bool) {
	if p == nil || p.Data == "" {
		return "", false
	}
	own, err := os.Stat(p.Data)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return "", false // in a container, it has a name of its own
	}
	for _, data := range found.PostgresData {
		if data == p.Data {
			return data, true
		}
		if other, err := os.Stat(data); err == nil && own != nil && os.SameFile(own, other) {
			return data, true
		}
	}
	found.PostgresData = append(found.PostgresData, p.Data)
	return p.Data, true
}

// believe puts PostgreSQL's own sizes in the place of what could not be walked.
func (s *survey) believe(data string, p *said) {
	before, known := s.area(data)
	if known && before.Unread == 0 {
		return
	}
	below := func(path string) bool { return under(path, data) }
	if !known {
		before = sized{Path: data, Real: data}
		before.Device, _ = deviceAt(data) // where that is closed, too, nothing is said of its disk
	}
	s.Failed = slices.DeleteFunc(s.Failed, func(f failure) bool { return below(f.Path) })
	s.Unread = slices.DeleteFunc(s.Unread, func(u unread) bool { return below(u.Path) })
	s.Areas = slices.DeleteFunc(s.Areas, func(a sized) bool { return below(a.Path) })
	whole := before
	whole.Of, whole.Bytes, whole.Unread = ofDatabase, p.Bases+p.WAL, 0
	for up := whole.Parent; up != ""; {
		i := slices.IndexFunc(s.Areas, func(a sized) bool { return a.Path == up })
		if i < 0 {
			break
		}
		s.Areas[i].Bytes += whole.Bytes - before.Bytes
		s.Areas[i].Unread -= before.Unread
		up = s.Areas[i].Parent
	}
	part := func(name string, bytes int64) sized {
		return sized{
			Path: filepath.Join(data, name), Real: data, Of: ofDatabase, Parent: data, Bytes: bytes, Device: whole.Device,
		}
	}
	s.Areas = append(s.Areas, whole, part("base", p.Bases), part("pg_wal", p.WAL))
}

// A reason is why pg_wal is not recycled, as PostgreSQL tells it.
type reason struct {
	// Slot keeps most of it; nil where none does.
	Slot *slot
	// Archive tells that archiving fails.
	Archive bool
}

// slotShare is the share of pg_wal that a slot must keep to be the reason (own).
const slotShare = 0.5

// reasonOf decides which one it is.
func (p *said) reasonOf(bytes int64) reason {
	r := reason{Archive: p.Archive.failing()}
	for _, active := range []bool{false, true} { // whom nobody reads, first
		for i, s := range p.Slots {
			if r.Slot == nil && s.Active == active && float64(s.Held) > slotShare*float64(bytes) {
				r.Slot = &p.Slots[i]
			}
		}
	}
	return r
}

// psql is a call of it as the superuser, for this cluster.
func (p *said) psql(database string, words ...string) checks.Shell {
	line := []string{"sudo", "-u", "postgres", "psql"}
	if p.Port != "" && p.Port != "5432" {
		line = append(line, "-p", p.Port)
	}
	if database != "" {
		line = append(line, "-d", database)
	}
	return checks.Written(append(line, words...)...)
}

// drop is the statement that gives up a slot.
func (s slot) drop() string {
	return "SELECT pg_drop_replication_slot('" + strings.ReplaceAll(s.Name, "'", "''") + "')"
}

// toldOf is what PostgreSQL says of the cluster in a folder; nil where it is
// not that one.
func (r *report) toldOf(data string) *said {
	if r.said != nil && r.place == data {
		return r.said
	}
	return nil
}

// walOf is what is known of the settings for pg_wal and of why it grows: from
// PostgreSQL, else from its files.
func (r *report) walOf(data string, bytes int64) (s walSettings, why checks.Text, advice checks.Advice, err error) {
	if p := r.toldOf(data); p != nil {
		reason := p.reasonOf(bytes)
		return p.Settings, walReason(p, reason, bytes), walRemedy(p, reason), nil
	}
	s, err = readWALSettings(r.root, data)
	return s, walWhy(s, readWALCause(data)), walAdvice(), err
}

// lastWord tells when it last worked.
func (a archive) lastWord() checks.Text {
	if a.Archived.IsZero() {
		return checks.Text{En: "It has never worked.", Ja: "一度も成功していません。"}
	}
	at := checks.At(a.Archived)
	return checks.Text{En: "It last worked at " + at + ".", Ja: "最後に成功したのは" + at + "です。"}
}

// segment is what could not be archived, on one line.
func (a archive) segment() string { return cmp.Or(checks.QuoteName(a.Segment), "?") }
