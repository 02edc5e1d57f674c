package checks

import (
	"encoding/json"
	"log/slog"
)

// A Secret is a token or a password. No formatting verb, logger or encoder
// ever shows it; whoever needs the words calls [Secret.Reveal] at the moment
// of use.
//
// The words stand behind a pointer: fmt calls no methods on the unexported
// fields of a struct that it prints, and would show them.
type Secret struct{ words *string }

const masked = "••••"

// NewSecret keeps the words.
func NewSecret(words string) Secret { return Secret{&words} }

// Reveal returns the words themselves.
func (s Secret) Reveal() string {
	if s.words == nil {
		return ""
	}
	return *s.words
}

// Empty tells whether there is nothing to keep.
func (s Secret) Empty() bool { return s.Reveal() == "" }

func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return masked
}

// GoString serves %#v, which would otherwise print the field.
func (s Secret) GoString() string { return "checks.Secret{" + s.String() + "}" }

// LogValue serves log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText serves encoders; what they write is the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON serves encoding/json; what it writes is the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalText takes the words from a configuration.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
