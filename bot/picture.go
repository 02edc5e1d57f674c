package bot

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// A Picture is an image with its description.
type Picture struct {
	PNG []byte
	// Alt says in words what it shows.
	Alt string
}

// Visibilities of a post to nobody in particular. Direct messages have none.
const (
	Unlisted = "unlisted" // readable for all, on no timeline but followers'
	Public   = "public"
)

const (
	// MostPictures is how many a post may carry (Mastodon's own).
	MostPictures = 4
	// mostPictureBytes bounds one picture, so that the state stays small (own: a
	// chart has 30 to 100 kB).
	mostPictureBytes = 1 << 20
)

// mentionRoom is how many characters the mention of a reader needs at the end.
func mentionRoom(to Recipient) int {
	if to.Handle == "" {
		return 0
	}
	return utf8.RuneCountInString(to.Handle) + 2
}

// keepPictures freezes the pictures of a post, their words with nobody named in
// them.
func keepPictures(ctx context.Context, tx *sql.Tx, key string, all []Picture) error {
	if len(all) > MostPictures {
		return fmt.Errorf("post %s: %d pictures are more than %d", key, len(all), MostPictures)
	}
	for i, p := range all {
		if len(p.PNG) == 0 || len(p.PNG) > mostPictureBytes {
			return fmt.Errorf("post %s: a picture of %d bytes cannot be kept", key, len(p.PNG))
		}
		alt := checks.Harmless(strings.TrimSpace(p.Alt))
		if _, err := tx.ExecContext(ctx, `INSERT INTO picture (post, nth, png, alt) VALUES (?, ?, ?, ?)`, key, i, p.PNG, alt); err != nil {
			return err
		}
	}
	return nil
}

func picturesOf(ctx context.Context, tx *sql.Tx, key string) ([]Picture, error) {
	rows, err := tx.QueryContext(ctx, `SELECT png, alt FROM picture WHERE post = ? ORDER BY nth`, key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Picture
	for rows.Next() {
		var p Picture
		if err := rows.Scan(&p.PNG, &p.Alt); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

func dropPictures(ctx context.Context, tx *sql.Tx, key string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM picture WHERE post = ?`, key)
	return err
}

// inWords are the parts of a post whose pictures are said instead: behind the
// last part where that has the room, else in further ones.
func inWords(parts []string, pictures []Picture, limit, mention int, lang checks.Lang) []string {
	var said []string
	for _, p := range pictures {
		if p.Alt != "" {
			said = append(said, p.Alt)
		}
	}
	if len(parts) == 0 || len(said) == 0 {
		return parts
	}
	lead := "(The picture could not be attached.) "
	if lang == checks.Japanese {
		lead = "（画像を添付できませんでした）"
	}
	text := lead + strings.Join(said, "\n")
	last := len(parts) - 1
	if whole := parts[last] + "\n" + text; utf8.RuneCountInString(whole) <= limit-mention {
		return append(parts[:last:last], whole)
	}
	return append(parts[:last+1:last+1], Split(text, limit, mention)...)
}

// sayPictures freezes a post anew, with words in the place of its pictures. It
// certainly is not there yet, so that nobody can get it twice.
func (o *outbox) sayPictures(ctx context.Context, p *outgoing, why string, now time.Time) {
	said := inWords(p.parts, p.pictures, o.limit(), mentionRoom(p.to), p.lang)
	if p.visibility != "" && len(said) > len(p.parts) {
		said = p.parts // what is said to everybody stays one post
	}
	parts, err := json.Marshal(said)
	if err == nil {
		err = o.db.Write(ctx, func(tx *sql.Tx) error {
			if err := dropPictures(ctx, tx, p.key); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE post SET parts = ?, attempt_at = NULL, next_at = ?, problem = ? WHERE key = ?`,
				string(parts), now.UnixMilli(), why, p.key)
			return err
		})
	}
	if err != nil {
		o.log.Error("a post could not be written anew", "post", p.key, "err", err)
	}
}
