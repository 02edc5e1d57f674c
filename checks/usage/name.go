package usage

import "github.com/sababan/sababan/checks"

// nameLimit is how much of a path is shown in a headline, in characters (own:
// half of what a lock screen shows).
const nameLimit = 50

// name is a path inside a sentence.
func name(path string) checks.Text { return checks.Named(path, nameLimit) }

// commands are those of several that can be written; none where one cannot,
// for they belong together.
func commands(list ...checks.Shell) []checks.Shell {
	for _, sh := range list {
		if sh.String() == "" {
			return nil
		}
	}
	return list
}
