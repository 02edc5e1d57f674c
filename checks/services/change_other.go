//go:build !linux

package services

import "time"

// changedAt could not tell.
func changedAt(string) (time.Time, bool) { return time.Time{}, false }
