package disk

import "github.com/sababan/sababan/checks"

// nameLimit is how much of a path is shown in a headline, in characters (own:
// half of what a lock screen shows).
const nameLimit = 50

// name is a path inside a sentence.
func name(path string) checks.Text { return checks.Named(path, nameLimit) }
