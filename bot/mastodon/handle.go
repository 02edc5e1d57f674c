package mastodon

import (
	"regexp"
	"slices"
	"strings"
)

var handleForm = regexp.MustCompile(`^[A-Za-z0-9_]+([.-]+[A-Za-z0-9_]+)*(@[\p{L}\p{M}\p{Nd}_]+([.-]+[\p{L}\p{M}\p{Nd}_]+)*(:[0-9]+)?)?$`)

// plainHandle takes a leading @ off a handle; false where what is left would
// not be one mention and nothing else.
func plainHandle(handle string) (string, bool) {
	handle = strings.TrimPrefix(handle, "@")
	return handle, handleForm.MatchString(handle)
}

// withReader puts the mention of the reader on a line of its own behind the
// text: a push notification shows the beginning only.
func withReader(text, handle string) string {
	return strings.TrimRight(text, " \t\r\n") + "\n@" + handle
}

// others are the ids that are not the reader's, each once.
func others(ids []string, reader string) []string {
	var extra []string
	for _, id := range ids {
		if id != reader && !slices.Contains(extra, id) {
			extra = append(extra, id)
		}
	}
	return extra
}
