package bot

import (
	"context"
	"time"

	"github.com/sababan/sababan/checks"
)

// A Message is one frozen part of a post on its way to one reader.
type Message struct {
	// Key stays the same for every attempt at this part.
	Key string
	// Text is what to say, without the mention of the reader: a channel that
	// needs one puts it at the end.
	Text string
	// Title is for ways that have a subject: the place that it is about. Severity is
	// the worst of what it tells.
	Title    string
	Severity checks.Severity
	// To is the reader; nobody in a public post.
	To Recipient
	// Visibility is "" for a direct message to its reader, and [Unlisted] or
	// [Public] for a post to nobody in particular.
	Visibility string
	// Pictures go with it, at most [MostPictures].
	Pictures []Picture
	// Parent is the id, in this channel, of the post that this one answers.
	Parent string
	Lang   checks.Lang
	// Since is when it was frozen or, for Find, when the attempt began whose answer
	// was lost: nothing older can be this message.
	Since time.Time
	// Except are ids that are known to be other messages.
	Except []string
}

// A Recipient is a reader on the bot's home.
type Recipient struct {
	// ID is the account's id there: opaque, numbers on Mastodon, ULIDs elsewhere.
	ID string
	// Handle is how to mention the reader: "alice", or "alice@example.social".
	Handle string
}

// Outcome is what became of one attempt.
type Outcome int

// The outcomes.
const (
	// Delivered means that the message is there, was read back, and reached
	// its reader and nobody else.
	Delivered Outcome = iota
	// Refused means that it certainly is not there.
	Refused
	// Uncertain means that the answer was lost: it may be there.
	Uncertain
)

func (o Outcome) String() string {
	switch o {
	case Delivered:
		return "delivered"
	case Refused:
		return "refused"
	}
	return "uncertain"
}

// A Receipt tells what became of one attempt, and why.
type Receipt struct {
	Outcome Outcome
	// ID of the message in this channel, once delivered.
	ID string
	// Why is one line for the log and for `status`, in English, without secrets.
	Why string
	// ForMessage is whether the refusal is about this message alone (its text, its
	// reader) rather than about the channel: other messages may still pass.
	ForMessage bool
	// Final means that the same message will never pass.
	Final bool
	// ParentGone means that the post to answer is not there any more.
	ParentGone bool
	// NoPictures means that the pictures will never pass, but the words may.
	NoPictures bool
	// NotBefore is when the channel said that it may be tried again; or zero.
	NotBefore time.Time
}

// A Channel is a way out.
type Channel interface {
	// Name is how the state and the log call it.
	Name() string
	// Send makes one attempt. It ends by itself within [Channel.Patience].
	Send(ctx context.Context, m Message) Receipt
	// Patience bounds one attempt: an answer that has not come by then never
	// will, and what the server was going to do it has done.
	Patience() time.Duration
	// Find looks for a message whose answer was lost among what was sent.
	Find(ctx context.Context, m Message) (id string, found bool, err error)
}
