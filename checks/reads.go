package checks

// Reads are columns of one of Mastodon's tables or views that a kind reads. A
// column that only some versions have may be listed: the rights are granted for
// what is there.
type Reads struct {
	Table   string
	Columns []string
}
