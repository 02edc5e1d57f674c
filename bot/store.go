package bot

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sababan/sababan/checks"
)

// The states of a telling.
const (
	tellingOwed      = "owed"
	tellingFrozen    = "frozen"
	tellingDelivered = "delivered"
	tellingDropped   = "dropped"
)

// The states of a post.
const (
	postWaiting   = "waiting"
	postDelivered = "delivered"
	postRefused   = "refused"
)

// The kinds of post.
const (
	kindAlert  = "alert"
	kindReply  = "reply"
	kindHello  = "hello"
	kindDigest = "digest"
	kindNote   = "note" // what another admin did
	// kindSummary is the weekly public post.
	kindSummary = "summary"
	// kindCatchUp is what waited while the home took nothing, in one.
	kindCatchUp = "catchup"
)

// parentPost marks a parent that is known by its key here, because it may not
// have an id on the server yet.
const parentPost = "post:"

// post is a message as it is frozen, before the first attempt.
type post struct {
	Key      string
	Kind     string
	Admin    string
	To       Recipient
	Parent   string // a status id, or parentPost and a key
	Lang     checks.Lang
	Severity checks.Severity
	Text     string
	Created  time.Time
	// NotBefore is when it may leave; the zero time is at once.
	NotBefore time.Time
	// Visibility is that of a [Message]; a public post has neither Admin nor To.
	Visibility string
	// Pictures go with the first part.
	Pictures []Picture
}

func (d *desk) insert(ctx context.Context, tx *sql.Tx, p post) error {
	parts, err := json.Marshal(Split(p.Text, d.limit(), mentionRoom(p.To)))
	if err != nil {
		return err
	}
	parent := sql.NullString{String: p.Parent, Valid: p.Parent != ""}
	_, err = tx.ExecContext(ctx, `INSERT INTO post (key, kind, channel, admin, recipient_id, recipient_handle, parent, lang, severity, visibility, parts, ids, state, attempts, next_at, created)
		VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?, 0, ?, ?)`,
		p.Key, p.Kind, p.Admin, p.To.ID, p.To.Handle, parent, string(p.Lang), int(p.Severity), p.Visibility, string(parts), postWaiting, later(p.NotBefore, p.Created).UnixMilli(), p.Created.UnixMilli())
	if err != nil {
		return err
	}
	return keepPictures(ctx, tx, p.Key, p.Pictures)
}

// freshKey makes a key that no other post has or had, on this server or after
// the state was set aside. Keys sort as they were made: of what was frozen in the
// same millisecond, the first goes out first.
func freshKey(ctx context.Context, tx *sql.Tx) (string, error) {
	install, err := metaValue(ctx, tx, "install")
	if err != nil {
		return "", err
	}
	if install == "" {
		install = rand.Text()[:10]
		if err := setMeta(ctx, tx, "install", install); err != nil {
			return "", err
		}
	}
	made, err := metaValue(ctx, tx, "keys")
	if err != nil {
		return "", err
	}
	n, _ := strconv.ParseInt(made, 10, 64) // none yet is 0
	if err := setMeta(ctx, tx, "keys", strconv.FormatInt(n+1, 10)); err != nil {
		return "", err
	}
	return fmt.Sprintf("sababan-%s-%010d-%s", install, n+1, rand.Text()), nil
}

// recipient is an admin's remembered account on the bot's home.
func recipient(ctx context.Context, tx *sql.Tx, account string) (Recipient, bool, error) {
	var to Recipient
	err := tx.QueryRowContext(ctx, `SELECT account_id, handle FROM admin WHERE acct = ?`, account).Scan(&to.ID, &to.Handle)
	if errors.Is(err, sql.ErrNoRows) {
		return Recipient{}, false, nil
	}
	return to, err == nil, err
}

func metaValue(ctx context.Context, tx *sql.Tx, key string) (string, error) {
	var v string
	err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = ?`, key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

func setMeta(ctx context.Context, tx *sql.Tx, key, value string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}

// stamp is an instant as meta keeps it.
func stamp(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// stamped reads a stamp; false where there is none.
func stamped(s string) (time.Time, bool) {
	ms, err := strconv.ParseInt(s, 10, 64)
	return time.UnixMilli(ms), err == nil
}
