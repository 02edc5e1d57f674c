package postgres

import (
	"fmt"
	"testing"
	"time"
)

// Replica starts a cluster that follows this one, as a hot standby, from a
// copy of it as it is now; it ends with the test.
func (c *Cluster) Replica(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	copied := func(r *Cluster, _ []string) error {
		// -R writes whom to follow; the copy must not wait for a checkpoint.
		out, err := r.run("pg_basebackup", "-D", r.DataDir, "-h", c.Socket, "-p", fmt.Sprint(c.Port), "-R", "-X", "stream", "-c", "fast", "--no-sync")
		if err != nil {
			return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
		}
		return nil
	}
	r, err := launchFrom(copied, settings)
	if err != nil {
		t.Fatalf("starting a replica of PostgreSQL: %v", err)
	}
	r.endWith(t)
	return r
}

// CatchUp returns when a replica has all that its primary has written.
func (c *Cluster) CatchUp(t testing.TB, primary *Cluster) {
	t.Helper()
	at := func(c *Cluster) *DB { return &DB{Cluster: c, Name: "postgres"} }
	// A commit that waits for the disk takes all before it along.
	at(primary).Exec(t, "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'test', 'now')")
	written := Get[string](t, at(primary), "SELECT pg_current_wal_flush_lsn()::text")
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !Get[bool](t, at(c), "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", written) {
		select {
		case <-over.C:
			t.Fatalf("%v passed before the replica was at %s:\n%s", patience, written, c.Log())
		case <-again.C:
		}
	}
}

// On is the same database in a replica of its cluster.
func (d *DB) On(replica *Cluster) *DB {
	return &DB{Cluster: replica, Name: d.Name, Version: d.Version}
}
