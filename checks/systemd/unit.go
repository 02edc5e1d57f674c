package systemd

import "time"

// A Unit is what systemd says of one unit. Times are zero where something has
// never happened; the fields of services and timers are empty in units that
// are none.
type Unit struct {
	Name string
	// Load is "loaded", "not-found", "bad-setting", "error" or "masked".
	Load string
	// LoadError is what is wrong with the file, in systemd's words.
	LoadError string
	// Active is "active", "inactive", "failed", "activating", "deactivating" or
	// "reloading"; Sub says it in the words of the unit's type.
	Active, Sub string
	// File is the state of its file: "enabled", "disabled", "static" …
	File string
	// ActiveSince is when it became active, ChangedAt when its state last
	// changed (a reload counts), StartedAt when it left being inactive, and
	// StoppedAt when it became inactive.
	ActiveSince, ChangedAt, StartedAt, StoppedAt time.Time
	// ConditionAt is when its conditions were last asked, ConditionMet whether
	// all held then.
	ConditionAt  time.Time
	ConditionMet bool
	// WantedBy are the loaded units that start it, TriggeredBy the timers,
	// sockets and paths.
	WantedBy, TriggeredBy []string
	// Result is "success", or why the last run ended otherwise.
	Result string

	Service
	Timer
}

// Service is what only services have.
type Service struct {
	// Type is "simple", "oneshot" …
	Type string
	// PID is the main process; 0 where there is none.
	PID int
	// Restarts is how often systemd has restarted it since somebody started it.
	Restarts int
	// ExitKind is 1 for an exit, 2 for a signal, 3 for a signal with a core;
	// ExitStatus the status or the signal.
	ExitKind, ExitStatus int
	// ExitAt is when the main process of the last run ended, RanAt when it
	// began.
	RanAt, ExitAt time.Time
	// Exec are the words of its first command, Directory where it runs.
	Exec      []string
	Directory string
}

// Timer is what only timers have.
type Timer struct {
	// Activates is the unit that it starts.
	Activates string
	// Last is when it last did so; Next when it will.
	Last, Next time.Time
	// Calendar are its OnCalendar= expressions as systemd writes them out.
	Calendar []string
	// Repeats is the shortest of OnUnitActiveSec= and OnUnitInactiveSec=, 0
	// where there is neither.
	Repeats time.Duration
	// Delay is RandomizedDelaySec=, Accuracy AccuracySec=.
	Delay, Accuracy time.Duration
}

// Exists tells whether there is such a unit.
func (u Unit) Exists() bool { return u.Load != "not-found" && u.Load != "" }

// IsActive tells whether it runs.
func (u Unit) IsActive() bool { return u.Active == "active" || u.Active == "reloading" }
