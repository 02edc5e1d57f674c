package checks

import (
	"encoding/json"
	"fmt"
	"time"
)

// Severity says how bad a finding is; the order is the order of seriousness.
type Severity int

// The severities.
const (
	OK Severity = iota
	Unknown
	Warning
	Critical
)

var severityNames = [...]string{"ok", "unknown", "warning", "critical"}

func (s Severity) String() string {
	if s < OK || s > Critical {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText writes the word of the JSON contract.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, name := range severityNames {
		if string(b) == name {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q", b)
}

// Road is how soon a finding must be heard.
type Road int

// The roads.
const (
	// Now is a direct message at once.
	Now Road = iota
	// Morning is one collected message a day, at 08:00.
	Morning
	// Week is the private digest on Monday, and nothing else.
	Week
)

var roadNames = [...]string{"now", "morning", "week"}

func (r Road) String() string {
	if r < Now || r > Week {
		return fmt.Sprintf("road(%d)", int(r))
	}
	return roadNames[r]
}

// MarshalText writes the word of the JSON contract.
func (r Road) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads it.
func (r *Road) UnmarshalText(b []byte) error {
	for i, name := range roadNames {
		if string(b) == name {
			*r = Road(i)
			return nil
		}
	}
	return fmt.Errorf("unknown road %q", b)
}

// A Finding is one thing noticed. Code and Subject are its identity and hold
// no number that moves by itself.
type Finding struct {
	Code     string   `json:"code"`
	Subject  string   `json:"subject"`
	Severity Severity `json:"severity"`
	// Holds marks a finding between its two thresholds: it opens nothing and
	// keeps open what is open.
	Holds bool `json:"holds,omitempty"`
	Road  Road `json:"road"`
	// Harm is when damage begins, if that is known; the zero time is not.
	Harm time.Time `json:"harm,omitzero"`
	// Again is since when it is to be heard once more, though nothing got worse:
	// the step of a reminder that holds now. Whoever was told later than that has
	// heard it. Where it is set, no other reminders are sent.
	Again time.Time `json:"again,omitzero"`
	// Text's first line is the headline: what, and how long there is; it is
	// enough by itself. The lines below it say what users notice and why.
	Text   Text   `json:"text"`
	Advice Advice `json:"advice"`
}

// Key identifies a finding within one check.
type Key struct{ Code, Subject string }

// Key returns the finding's identity.
func (f Finding) Key() Key { return Key{f.Code, f.Subject} }

// Blind is one thing that could not be seen, why, and what would mend it.
// Exactly the incidents that it names are held as they are: an empty Code
// names every code, an empty Subject every subject.
type Blind struct {
	Code    string `json:"code"`
	Subject string `json:"subject"`
	Why     Text   `json:"why"`
	Mend    Advice `json:"mend"`
}

// Hides tells whether the blind spot covers a finding's identity.
func (b Blind) Hides(k Key) bool {
	return (b.Code == "" || b.Code == k.Code) && (b.Subject == "" || b.Subject == k.Subject)
}

// An Event is something that happened and may explain something else: a
// package upgraded, a unit restarted, a certificate renewed.
type Event struct {
	At   time.Time `json:"at"`
	Code string    `json:"code"`
	// Part is what of Mastodon it happened to: [PartWeb], [PartSidekiq] or "".
	Part    string `json:"part,omitempty"`
	Subject string `json:"subject"`
	Text    Text   `json:"text"`
}

// Codes and parts of events that mean an update of Mastodon.
const (
	// EventRestarted: a unit runs anew.
	EventRestarted = "restarted"
	// EventUpdated: Mastodon answers with another version, its subject.
	EventUpdated = "updated"

	PartWeb     = "web"
	PartSidekiq = "sidekiq"
)

// Looks is how many consecutive bad looks open an incident and how many good
// ones resolve it. Zero means one.
type Looks struct{ Open, Resolve int }

// A Rule is the life of one finding code: looks while it is a warning, looks
// while it is critical, and for how long it must have been gone at least.
type Rule struct {
	Warning  Looks
	Critical Looks
	// Calm is how long a finding must have stayed away, whatever the looks.
	Calm time.Duration
}

// Rule returns the rule of a finding code with what is absent filled in: where
// only one severity has looks, they hold for both.
func (k Kind) Rule(code string) Rule {
	r := k.Rules[code]
	if r.Warning == (Looks{}) {
		r.Warning = r.Critical
	}
	if r.Critical == (Looks{}) {
		r.Critical = r.Warning
	}
	r.Warning, r.Critical = r.Warning.orOne(), r.Critical.orOne()
	return r
}

func (l Looks) orOne() Looks {
	return Looks{Open: max(l.Open, 1), Resolve: max(l.Resolve, 1)}
}

// Advice is what to do: words, one command to look, one to mend.
type Advice struct {
	Text Text    `json:"text,omitzero"`
	Look Shell   `json:"look,omitempty"`
	Mend []Shell `json:"mend,omitempty"`
}

// A Shell is a command as words, never as a line: a pipeline of commands, each
// quoted in one place, [Shell.String].
type Shell [][]string

// Sh begins a command.
func Sh(words ...string) Shell { return Shell{words} }

// Pipe hands the output to another command.
func (s Shell) Pipe(words ...string) Shell { return append(s[:len(s):len(s)], words) }

// MarshalJSON writes the words, so that what is stored can be quoted again.
func (s Shell) MarshalJSON() ([]byte, error) { return json.Marshal([][]string(s)) }
