package bot

import (
	"context"
	"errors"
	"time"
)

// Home is the server where the bot's own account lives: what the bot needs of
// it besides posting.
type Home interface {
	// Me returns the bot's own account; it proves the token.
	Me(ctx context.Context) (Account, error)
	// Limits returns how long a post may be there.
	Limits(ctx context.Context) (Limits, error)
	// Resolve finds an account by its written form ("alice",
	// "alice@example.social", with or without a leading @).
	// [ErrNoSuchAccount] only where the server answered that there is none.
	Resolve(ctx context.Context, account string) (Account, error)
	// Relation tells how the bot and an account stand to each other.
	Relation(ctx context.Context, id string) (Relation, error)
	// Follow makes the bot follow an account.
	Follow(ctx context.Context, id string) error
	// OpenDoor lets direct mentions of strangers' servers through the bot's own
	// notification filter (Mastodon 4.3 and later); false where there is none.
	OpenDoor(ctx context.Context) (bool, error)
	// Mentions returns the next mentions after a cursor, oldest first; none
	// when there are no more. The first cursor is "": then it returns nothing
	// but the cursor to begin with.
	Mentions(ctx context.Context, after string) (page []Mention, cursor string, err error)
	// Listen calls wake whenever there may be new mentions, until ctx ends.
	Listen(ctx context.Context, wake func())
}

// Errors of a [Home] that mean something to the bot.
var (
	// ErrNoSuchAccount is the server's own answer, not the lack of one.
	ErrNoSuchAccount = errors.New("no such account")
	// ErrToken means that the server does not take the token.
	ErrToken = errors.New("the server does not accept the token")
	// ErrNotMastodon means that something answers that speaks no Mastodon API.
	ErrNotMastodon = errors.New("the server does not speak the Mastodon API")
)

// An Account on the bot's home.
type Account struct {
	ID     string
	Handle string // "alice", or "alice@example.social"
	URL    string
	Bot    bool
}

// Limits of a post.
type Limits struct {
	Characters int // in characters; a link counts as URL characters
	URL        int
}

// Relation between the bot and an account.
type Relation struct {
	Following, FollowedBy, Requested, Blocked bool
}

// A Mention is somebody's words to the bot.
type Mention struct {
	// ID is the notification's; cursors are made of these.
	ID       string
	StatusID string
	From     Account
	// Parent is the status that it answers; "" for none.
	Parent string
	// Text is what was said, as plain text, mentions of the bot left out.
	Text       string
	Visibility string
	At         time.Time
}
