package postgres

import (
	"path/filepath"
	"testing"
)

// Behind runs a statement while an index is passed over: rows come in that it
// does not know, duplicates of a unique one included, and afterwards it looks
// as sound as before. That is what a broken index does over the years.
func (d *DB) Behind(t testing.TB, index, sql string, args ...any) {
	t.Helper()
	const ready = "UPDATE pg_index SET indisready = $2 WHERE indexrelid = $1::text::regclass"
	d.Exec(t, ready, index, false)
	err := d.Try(sql, args...)
	d.Exec(t, ready, index, true)
	if err != nil {
		t.Fatal(err)
	}
}

// File is the path of the first file of a table, view or index. What is
// written there with the cluster stopped is damage.
func (d *DB) File(t testing.TB, relation string) string {
	t.Helper()
	return filepath.Join(d.Cluster.DataDir, Get[string](t, d, "SELECT pg_relation_filepath($1::text::regclass)", relation))
}
