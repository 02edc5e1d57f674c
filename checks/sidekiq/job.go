package sidekiq

import (
	"encoding/json"
	"net"
	"regexp"
	"strings"
	"time"
)

// A job is what is read of one; its arguments are passed over.
type job struct {
	class   string // what it really does, where it is wrapped
	queue   string
	failure string // the class of the error
	message string
	// enqueued, created and failed are zero where they are absent.
	enqueued, created, failed time.Time
}

func readJob(text string) job {
	var j struct {
		Class        string          `json:"class"`
		Wrapped      json.RawMessage `json:"wrapped"`
		Queue        string          `json:"queue"`
		ErrorClass   string          `json:"error_class"`
		ErrorMessage string          `json:"error_message"`
		EnqueuedAt   json.RawMessage `json:"enqueued_at"`
		CreatedAt    json.RawMessage `json:"created_at"`
		FailedAt     json.RawMessage `json:"failed_at"`
		RetriedAt    json.RawMessage `json:"retried_at"`
	}
	if json.Unmarshal([]byte(text), &j) != nil {
		return job{}
	}
	var wrapped string
	if json.Unmarshal(j.Wrapped, &wrapped) == nil && wrapped != "" {
		j.Class = wrapped
	}
	failed := stamp(j.RetriedAt)
	if failed.IsZero() {
		failed = stamp(j.FailedAt)
	}
	return job{
		class: constant(j.Class), queue: j.Queue, failure: constant(j.ErrorClass), message: j.ErrorMessage,
		enqueued: stamp(j.EnqueuedAt), created: stamp(j.CreatedAt), failed: failed,
	}
}

// waiting is since when a job waits.
func (j job) waiting() time.Time {
	if j.enqueued.IsZero() {
		return j.created
	}
	return j.enqueued
}

// millisecondsFrom is where a number can only be milliseconds: as seconds it
// would lie in the year 5138.
const millisecondsFrom = 1e11

// stamp is an instant of a job: seconds with a fraction up to Sidekiq 7, whole
// milliseconds from 8.0 (Mastodon 4.5). After an update both lie side by side,
// so each is told by itself.
func stamp(raw json.RawMessage) time.Time {
	text := strings.Trim(string(raw), `"`)
	v := count(text)
	switch {
	case v <= 0:
		return time.Time{}
	case v < millisecondsFrom || strings.Contains(text, "."):
		return seconds(text)
	case v > 1e15:
		return time.Time{}
	}
	return time.UnixMilli(int64(v))
}

var rubyConstant = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(::[A-Z][A-Za-z0-9_]*)*$`)

// constant is the name of a Ruby class, or "" where it is none.
func constant(s string) string {
	if len(s) > 120 || !rubyConstant.MatchString(s) {
		return ""
	}
	return s
}

var inAddress = regexp.MustCompile(`(?i)\bhttps?://([a-z0-9._-]+)(?::[0-9]+)?(?:[/?#\s"',)]|$)`)

// host is the one that an error message names by an address: "https://a.example/inbox
// returned code 503".
func (j job) host() string {
	text := j.message
	if len(text) > 2000 {
		text = text[:2000]
	}
	m := inAddress.FindStringSubmatch(text)
	if m == nil || len(m[1]) > 253 {
		return ""
	}
	name := strings.ToLower(strings.Trim(m[1], "."))
	if net.ParseIP(name) == nil && !strings.Contains(name, ".") {
		return ""
	}
	return name
}
