package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
)

// A load puts a dump into a database, by a role that may do nothing outside of
// it.
type load struct {
	conn *pgconn.PgConn
	// faults is how many statements failed, but for those that only the
	// server's own roles and extensions could carry out; first is the first of
	// them, without anybody's data.
	faults int
	first  string
}

// elsewhere are the SQLSTATEs of what a throw-away cluster cannot know and
// nobody misses in it: other roles, extensions that are not installed here,
// settings of a newer version, what needs a superuser.
var elsewhere = map[string]bool{
	"42501": true, // insufficient_privilege
	"42704": true, // undefined_object: a role, an extension, a setting
	"42710": true, // duplicate_object: plpgsql
	"42P06": true, // duplicate_schema: public
	"0A000": true, // feature_not_supported: the extension is not available
	"58P01": true, // undefined_file: its files
}

// run executes everything; its error is the connection's or the script's.
func (l *load) run(ctx context.Context, s *script) error {
	for {
		text, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("script: %w", err)
		}
		if isCopy(text) {
			err = l.copy(ctx, strings.TrimRight(text, "\r\n"), s.rows())
		} else {
			err = l.execute(ctx, text)
		}
		if err != nil {
			return err
		}
	}
}

// execute runs one statement; an answer that it failed is noted.
func (l *load) execute(ctx context.Context, text string) error {
	_, err := l.conn.Exec(ctx, text).ReadAll()
	return l.note(err)
}

// copy fills a table. Emptied in the same transaction, it needs no log.
func (l *load) copy(ctx context.Context, text string, in *rows) error {
	quick := false
	if m := copyLine.FindStringSubmatch(text); m != nil {
		_, err := l.conn.Exec(ctx, "begin; truncate only "+m[1]).ReadAll()
		if quick = err == nil; !quick {
			if _, err := l.conn.Exec(ctx, "rollback").ReadAll(); err != nil {
				return err
			}
		}
	}
	_, err := l.conn.CopyFrom(ctx, in, text)
	if err := l.note(err); err != nil {
		return err // the connection is gone, and its reader may still be at in
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("rows: %w", err)
	}
	if quick {
		if _, err := l.conn.Exec(ctx, "commit").ReadAll(); err != nil {
			return l.note(err)
		}
	}
	return nil
}

// note counts what a statement failed with; it returns what ends the
// connection.
func (l *load) note(err error) error {
	var said *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case l.conn.IsClosed() || !errors.As(err, &said):
		return fmt.Errorf("load: %w", err)
	case elsewhere[said.Code]:
		return nil
	}
	l.fault(saidBy(said))
	return nil
}

func (l *load) fault(text string) {
	if l.faults++; l.first == "" {
		l.first = text
	}
}

// saidBy is what the database says, where that cannot be somebody's data.
func saidBy(e *pgconn.PgError) string {
	if strings.HasPrefix(e.Code, "22") { // data_exception: the data are in it
		return "data that do not fit (SQLSTATE " + checks.Quote(e.Code) + ")"
	}
	return checks.Quote(e.Message)
}
