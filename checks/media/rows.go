package media

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks/site"
)

const (
	// newRows bounds how many of the newest files are counted, and sampleRows how
	// many of each age are looked at (own): all is read by the primary key.
	newRows    = 20_000
	sampleRows = 300
	// arriving is how long a file may take to arrive (own).
	arriving = 10 * time.Minute
	// lately is the part of the day that an outage shows in first (own).
	lately = 3 * time.Hour
	// stuckAfter is how long an upload may wait for its processing (own).
	stuckAfter = 30 * time.Minute
	// examples is how many files are asked for before none is shown (own).
	examples = 3
	// exampleAge is how old one may be (own).
	exampleAge = 30 * 24 * time.Hour
)

// limits hold for what is not urgent (own: it takes a hundredth of that).
var limits = site.Limits{Statement: limitsTime, Lock: time.Second}

// idAt is the smallest id that Mastodon gives to a file of this millisecond.
func idAt(t time.Time) int64 { return t.UnixMilli() << 16 }

// A tally counts files.
type tally struct {
	seen bool
	// remote and absent are of other servers, of the last day, and how many of
	// them have not arrived; lateRemote and lateAbsent those of the last hours.
	remote, absent         int
	lateRemote, lateAbsent int
	stuck, failed, uploads int
}

// tallySQL counts the newest files.
const tallySQL = `SELECT count(*) FILTER (WHERE remote), count(*) FILTER (WHERE remote AND absent),
		count(*) FILTER (WHERE remote AND id >= $4), count(*) FILTER (WHERE remote AND absent AND id >= $4),
		count(*) FILTER (WHERE processing IN (0, 1) AND id < $5),
		count(*) FILTER (WHERE NOT remote AND processing = 3), count(*) FILTER (WHERE NOT remote AND processing IS NOT NULL)
	FROM (SELECT id, remote_url <> '' AS remote, file_file_name IS NULL AS absent, processing
		FROM media_attachments WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3) m`

// examplesSQL are the newest uploads of people here that are ready.
const examplesSQL = `SELECT id, file_file_name FROM (
		SELECT id, remote_url, file_file_name, status_id, processing FROM media_attachments
		WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3) m
	WHERE remote_url = '' AND file_file_name <> '' AND status_id IS NOT NULL AND (processing IS NULL OR processing = 2)
	ORDER BY id DESC LIMIT $4`

// sampleSQL looks at some files of one age: how many are of other servers, and
// how many of those are still there though nobody has fetched them anew.
const sampleSQL = `SELECT count(*) FILTER (WHERE remote_url <> ''),
		count(*) FILTER (WHERE remote_url <> '' AND file_file_name IS NOT NULL AND updated_at < $3)
	FROM (SELECT remote_url, file_file_name, updated_at FROM media_attachments WHERE id < $1 ORDER BY id DESC LIMIT $2) m`

const settingSQL = `SELECT value FROM settings WHERE var = 'media_cache_retention_period' ORDER BY 1 LIMIT 1`

// rows reads what the database knows; all: also what is looked at once a day.
func (v *visit) rows(ctx context.Context, all bool) {
	if v.site.NeedDatabase() != nil {
		return
	}
	old := v.memory.Kept
	if age := v.now.Sub(old.At); age >= dayLength || age < 0 {
		all = true
	}
	err := v.site.Database().ReadWithin(ctx, limits, func(ctx context.Context, tx pgx.Tx) error {
		t := &v.day
		err := tx.QueryRow(ctx, tallySQL, idAt(v.now.Add(-24*time.Hour)), idAt(v.now.Add(-arriving)), newRows, idAt(v.now.Add(-lately)), idAt(v.now.Add(-stuckAfter))).
			Scan(&t.remote, &t.absent, &t.lateRemote, &t.lateAbsent, &t.stuck, &t.failed, &t.uploads)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, examplesSQL, idAt(v.now.Add(-exampleAge)), idAt(v.now.Add(-arriving)), newRows, examples)
		if err != nil {
			return err
		}
		var id int64
		var name string
		if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error {
			if fileName.MatchString(name) {
				v.files = append(v.files, filePath(v.place.prefix, id, name))
			}
			return nil
		}); err != nil {
			return err
		}
		if all {
			v.memory.Kept, err = readKept(ctx, tx, v.now)
		}
		return err
	})
	if err != nil {
		// What was seen of the retention stands, and is looked at again soon.
		v.day, v.files, v.memory.Kept = tally{}, nil, old
		v.blindDatabase(err)
		return
	}
	v.day.seen = true
	v.judgeRows()
}

// fileName is a name that Mastodon gives.
var fileName = form{regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`), 201}

// filePath is where a file lies below the address of all files.
func filePath(prefix string, id int64, name string) string {
	digits := fmt.Sprintf("%018d", id)
	if id < 1_000_000_000 {
		digits = fmt.Sprintf("%09d", id)
	}
	var parts []string
	for ; len(digits) >= 3; digits = digits[3:] {
		parts = append(parts, digits[:3])
	}
	path := "media_attachments/files/" + strings.Join(parts, "/") + "/original/" + name
	if prefix != "" {
		path = prefix + "/" + path
	}
	return path
}

// kept is what was seen of files whose time should be over.
type kept struct {
	At time.Time `json:"at,omitzero"`
	// Days is the setting; 0 where none is set.
	Days int `json:"days,omitempty"`
	// Older is than how many days files were found that are still there.
	Older int `json:"older,omitempty"`
	// Still of Of files that were looked at, of the oldest such age.
	Still int `json:"still,omitempty"`
	Of    int `json:"of,omitempty"`
}

const (
	// graceDays is how long after its time a file may still be there (defaults).
	graceDays = 2
	// keptLeast and keptShare are from when on files that are still there are more
	// than a few that could not be deleted (own).
	keptLeast = 5
	keptShare = 0.1
	// unsetShare is the share from which on nothing deletes them at all (own).
	unsetShare = 0.5
)

// ages are how many days beyond its time are looked at.
var ages = []int{graceDays, 5, 12, 30, 90, 365}

func readKept(ctx context.Context, tx pgx.Tx, now time.Time) (kept, error) {
	k := kept{At: now}
	rows, err := tx.Query(ctx, settingSQL)
	if err != nil {
		return k, err
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return k, err
	}
	if len(values) > 0 {
		k.Days = daysOf(values[0])
	}
	share, looked := keptShare, ages
	if k.Days == 0 {
		share, looked = unsetShare, []int{30, 90, 365}
	}
	for _, more := range looked {
		beyond := now.AddDate(0, 0, -k.Days-more)
		var remote, still int
		if err := tx.QueryRow(ctx, sampleSQL, idAt(beyond), sampleRows, beyond.UTC()).Scan(&remote, &still); err != nil {
			return k, err
		}
		if still >= keptLeast && float64(still) >= share*float64(remote) {
			k.Older, k.Still, k.Of = k.Days+more, still, remote
		}
	}
	return k, nil
}

// daysOf reads a setting as Mastodon stores it, a line of YAML: "--- 7"; 0 for none.
func daysOf(yaml string) int {
	line, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(yaml), "---")), "\n")
	n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(line), `'"`))
	if err != nil || n < 0 || n > 100_000 {
		return 0
	}
	return n
}
