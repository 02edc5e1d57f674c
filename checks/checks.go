// Package checks is the server under watch: what is looked at, and what was
// found. Each item of the admin's checklist is one folder below it, and
// everything here is what those folders have in common.
package checks

import (
	"context"
	"time"
)

// A Kind is one item of the checklist: its one word, how it is spoken of, when
// it runs, and how a [Check] is made from its table of the configuration.
type Kind struct {
	// Name is the one word: folder, package, TOML table, command argument and
	// the first part of an incident.
	Name  string
	Title Text
	// Words are what people type instead of the name.
	Words Words
	Scope Scope
	// After names the kinds whose failure explains this one's.
	After []string
	// Long says that a look may take minutes: where nothing is asked for by name,
	// the command line leaves it out and says so.
	Long bool
	// AfterUpdate says that it is looked at again, and told of as one, when
	// Mastodon was updated or restarted.
	AfterUpdate bool
	// Cron is when it runs by default; [checks.NAME] cron overrides it.
	Cron string
	// Timeout is how long one look may take; [checks.NAME] timeout overrides.
	Timeout time.Duration
	// Rules holds, per finding code, how many looks open and resolve an
	// incident. A code that is absent opens and resolves at the first look.
	Rules map[string]Rule
	// Graphs are the measures that are drawn when an admin asks for a picture, the
	// most telling first; without any, all of them.
	Graphs []Graph
	// Reads are what it reads of Mastodon's database, for the rights that an admin
	// gives: never e-mail addresses, password hashes, tokens or texts of messages.
	Reads []Reads
	// Commands are what an admin may ask of this kind besides "check".
	Commands []Command
	// Settings returns a pointer to the written form of its table, filled with
	// the defaults; nil where the kind has no settings of its own.
	Settings func() any
	// New makes a check from its table. *[NotSetUp] names the one setting that
	// is missing; any other error names the setting that is wrong.
	New func(Table) (Check, error)
}

// A Check can look. It looks once, knowing its past; it is never run twice at
// once. An error means that it saw nothing at all; use *[Unseen] to say what
// would mend that.
type Check interface {
	Look(ctx context.Context, past Past) (Observation, error)
}

// A Thorough check has levels that take long; they run when the check is asked
// for by name.
type Thorough interface {
	LookThoroughly(ctx context.Context, past Past) (Observation, error)
}

// A Table decodes one table of the configuration into the written form of a
// check, a pointer to a struct with `toml` tags that holds the defaults.
type Table interface {
	Decode(into any) error
}

// Scope says what a kind is about.
type Scope int

// The scopes.
const (
	// Host kinds look at each machine.
	Host Scope = iota
	// Site kinds look once for the whole Mastodon.
	Site
)

// Words are what people type instead of a kind's name.
type Words struct{ En, Ja []string }

// An Observation is what one look saw.
type Observation struct {
	// Summary is one line, also when all is well, with the number.
	Summary  Text
	Measures []Measure
	Findings []Finding
	Blind    []Blind
	Events   []Event
	// AsOf is when this was seen, if that is not now.
	AsOf time.Time
	// Remember is given back by [Past.Load]; it is committed with the result.
	Remember map[string][]byte
}

// A Command is something an admin may ask of one kind ("paid server").
type Command struct {
	Name  string
	Words Words
	Help  Text
	// Answer does it; rest is what followed the command.
	Answer func(ctx context.Context, past Past, rest string) (Text, map[string][]byte, error)
}

// NotSetUp says that a kind cannot look until one setting is there.
type NotSetUp struct {
	// Setting is written as in the file: "[server] domain".
	Setting string
}

func (e *NotSetUp) Error() string { return "not set up: " + e.Setting }

// Unseen is a check's way to say that it could not tell, why, and what would
// mend it.
type Unseen struct {
	Why    Text
	Advice Advice
	// Err is the cause, for the log; it never reaches a person.
	Err error
}

func (e *Unseen) Error() string {
	if e.Err != nil {
		return e.Why.En + ": " + e.Err.Error()
	}
	return e.Why.En
}

func (e *Unseen) Unwrap() error { return e.Err }
