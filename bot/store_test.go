package bot

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/sababan/sababan/schedule/state"
)

func TestKeysSortAsTheyWereMade(t *testing.T) {
	db, err := state.Memory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var keys []string
	for range 12 {
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			key, err := freshKey(t.Context(), tx)
			keys = append(keys, key)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("%q", keys)
	}
}
