package database

import "time"

const (
	day      = 24 * time.Hour
	megabyte = 1 << 20
	gigabyte = 1 << 30
)

// limits are the thresholds, and how long things may take. Tests have others
// where hours, gigabytes or a billion transactions would be needed.
type limits struct {
	// connections in use, as a share of those that Mastodon may have; holding is
	// how far below a threshold it must fall to be over.
	connectionsWarning, connectionsCritical, connectionsClear float64

	long, refresh, idle, blocked time.Duration

	slotIdle  time.Duration
	slotBytes float64
	archiver  time.Duration
	lag       time.Duration
	// pg_wal in multiples of max_wal_size, and as a share of what is free.
	walWarning, walClear, walCritical, walFree float64
	checksums                                  time.Duration // since the last failure

	xidWarning, xidCritical float64

	analysed      time.Duration // since PostgreSQL was started
	analysedBytes float64       // a table that is worth it
	modifiedShare float64
	modifiedRows  float64
	deadRows      float64
	deadTimes     float64 // of the number at which autovacuum begins
	invalid       time.Duration
	bloatBytes    float64
	bloatShare    float64

	sequenceWarning, sequenceCritical float64

	slowerTimes  float64
	slowerMillis float64
	slowerCalls  int64
	slowerDays   int

	quick time.Duration // for all questions of the quick level together
	// part, whole and awaited are how long the nightly level may take: at one
	// tick, in one night, and while somebody waits.
	part, whole, awaited time.Duration
	watch                time.Duration // between two looks at the load
	again                time.Duration // until an index that was fine is read again
	small                float64       // bytes of a table that is read whole
	sliceRows            float64       // rows of a bigger one that are compared at once
	promptBytes          float64       // a rebuilt index is read again by day up to this size
	busy                 int           // statements at once
	busyLoad             float64       // load average for each core
	anyHour              bool          // the night is now
}

func usual() limits {
	return limits{
		connectionsWarning: 0.80, connectionsCritical: 0.95, // defaults (netdata, check_postgres)
		connectionsClear: 0.05,             // own
		long:             30 * time.Minute, // defaults (own)
		refresh:          2 * time.Hour,    // defaults
		idle:             10 * time.Minute, // defaults (own: to be proven)
		blocked:          5 * time.Minute,  // defaults (own)

		slotIdle: time.Hour, slotBytes: gigabyte, // defaults (own)
		archiver:   15 * time.Minute,                 // defaults (own)
		lag:        5 * time.Minute,                  // own
		walWarning: 2, walCritical: 5, walFree: 0.25, // defaults
		walClear:  1.8,     // own
		checksums: 7 * day, // own

		xidWarning: 1.3e9, xidCritical: 1.5e9, // defaults (check_postgres)

		analysed:        day,                          // defaults
		analysedBytes:   megabyte,                     // own
		modifiedShare:   0.20,                         // defaults
		modifiedRows:    100_000,                      // defaults
		deadRows:        100_000,                      // own
		deadTimes:       2,                            // own: autovacuum is far behind its own threshold
		invalid:         2 * day,                      // defaults
		bloatBytes:      gigabyte,                     // own
		bloatShare:      0.40,                         // own
		slowerTimes:     3,                            // own, as latency's
		slowerMillis:    100,                          // own
		slowerCalls:     50,                           // own
		slowerDays:      7,                            // as everything that is called usual
		sequenceWarning: 0.80, sequenceCritical: 0.95, // own

		quick:       15 * time.Second,               // own
		part:        3*time.Minute + 30*time.Second, // own: done before the next tick
		whole:       20 * time.Minute,               // defaults
		awaited:     15 * time.Second,               // own
		watch:       2 * time.Second,                // own
		again:       30 * day,                       // own
		small:       64 * megabyte,                  // own: read in a second or two
		sliceRows:   500_000,                        // own: some 50 MB to sort
		promptBytes: 256 * megabyte,                 // own
		busy:        8,                              // own
		busyLoad:    1.5,                            // own
	}
}
