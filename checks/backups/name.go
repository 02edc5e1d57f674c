package backups

import (
	"path/filepath"

	"github.com/sababan/sababan/checks"
)

// nameLimit is how much of a name is shown in a headline, in characters (own:
// less than half of what a lock screen shows).
const nameLimit = 40

// nameOf is a name or a path inside a sentence.
func nameOf(label string) checks.Text { return checks.Named(label, nameLimit) }

// fileOf is the name of a file without its folder, inside a sentence.
func fileOf(path string) checks.Text { return nameOf(filepath.Base(path)) }
