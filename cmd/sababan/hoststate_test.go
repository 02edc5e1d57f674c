package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// stateCommand is the name by which this test binary answers with the first
// value of a query of the state of the machine that it runs on.
const stateCommand = "ask-state"

func stateMain() {
	db, err := sql.Open("sqlite", "file:/var/lib/sababan/state.db?mode=rw&_pragma=busy_timeout(10000)")
	if err == nil {
		var words string
		if err = db.QueryRowContext(context.Background(), os.Args[1]).Scan(&words); err == nil || errors.Is(err, sql.ErrNoRows) {
			fmt.Println(words)
			err = db.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
