package mail

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/sababan/sababan/checks"
)

// An inside is what was seen on our own side in one look: Mastodon's queue and
// the latest sign-ups.
type inside struct {
	queue    *waiting
	queueErr error // *checks.NotSetUp where there is no Redis to ask
	joined   joined
	joinErr  error
}

// waiting is what Mastodon has not got rid of.
type waiting struct {
	mails  int64
	oldest time.Time // of those that wait
	// failing are those that failed first within the last hour, by reason;
	// sample is what was said for the most frequent, without addresses.
	failing map[string]int
	sample  map[string]string
	// partly tells that there was more than was read.
	partly bool
}

func (w waiting) total() int {
	n := 0
	for reason, k := range w.failing {
		if reason != string(limited) {
			n += k
		}
	}
	return n
}

// main is the reason that most fail for, the limit left aside.
func (w waiting) main() string {
	best := ""
	for reason, n := range w.failing {
		if reason != string(limited) && (best == "" || n > w.failing[best] || n == w.failing[best] && reason < best) {
			best = reason
		}
	}
	return best
}

func (c *check) lookInside(ctx context.Context, d duties, now time.Time) inside {
	var in inside
	if err := c.site.NeedRedis(); err != nil {
		in.queueErr = err
	} else {
		w, err := c.queue(ctx, now)
		in.queue, in.queueErr = &w, err
		if err != nil {
			in.queue = nil
		}
	}
	if !d.joined {
		return in
	}
	if in.joinErr = c.site.NeedDatabase(); in.joinErr == nil {
		in.joined, in.joinErr = c.join(ctx, now)
	}
	return in
}

const (
	// scanMost and scanPart bound how much of the retries is looked through; of a
	// busy server they are thousands (own).
	scanMost, scanPart = 40, 500
	// failedFor is for how long a failure counts as new.
	failedFor = time.Hour
)

// mailJob is what the job of a mail looks like among all that are tried again.
const mailJob = `*"queue":"mailers"*`

// queue reads what waits, and what fails anew; the arguments of jobs, which
// name people, are passed over.
func (c *check) queue(ctx context.Context, now time.Time) (waiting, error) {
	w := waiting{failing: map[string]int{}, sample: map[string]string{}}
	err := c.site.SidekiqRedis().Do(ctx, func(ctx context.Context, client *redis.Client, prefix string) error {
		var err error
		if w.mails, err = client.LLen(ctx, prefix+"queue:mailers").Result(); err != nil {
			return err
		}
		oldest, err := client.LIndex(ctx, prefix+"queue:mailers", -1).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		w.oldest = readJob(oldest).since
		cursor := uint64(0)
		for turn := 0; ; turn++ {
			if turn == scanMost {
				w.partly = true
				return nil
			}
			part, next, err := client.ZScan(ctx, prefix+"retry", cursor, mailJob, scanPart).Result()
			if err != nil {
				return err
			}
			for i := 0; i < len(part); i += 2 { // each is followed by its score
				w.add(readJob(part[i]), now)
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
	return w, err
}

func (w *waiting) add(j job, now time.Time) {
	if j.queue != "mailers" || j.failed.IsZero() || now.Sub(j.failed) > failedFor {
		return
	}
	reason := j.reason()
	w.failing[reason]++
	if w.sample[reason] == "" {
		w.sample[reason] = withoutAddresses(j.message)
	}
}

// A job is what is read of one.
type job struct {
	queue, class, message string
	since, failed         time.Time
}

func readJob(text string) job {
	var j struct {
		Queue      string          `json:"queue"`
		ErrorClass string          `json:"error_class"`
		Message    string          `json:"error_message"`
		EnqueuedAt json.RawMessage `json:"enqueued_at"`
		CreatedAt  json.RawMessage `json:"created_at"`
		FailedAt   json.RawMessage `json:"failed_at"`
	}
	if json.Unmarshal([]byte(text), &j) != nil {
		return job{}
	}
	since := stamp(j.EnqueuedAt)
	if since.IsZero() {
		since = stamp(j.CreatedAt)
	}
	return job{queue: j.Queue, class: j.ErrorClass, message: j.Message, since: since, failed: stamp(j.FailedAt)}
}

// stamp is an instant of a job: seconds with a fraction up to Sidekiq 7, whole
// milliseconds from 8.0 (Mastodon 4.5); as seconds those would lie in the year
// 5138.
func stamp(raw json.RawMessage) time.Time {
	v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || math.IsNaN(v) || v <= 0 || v > 1e15 {
		return time.Time{}
	}
	if v < 1e11 {
		v *= 1000
	}
	return time.UnixMilli(int64(v))
}

// The reasons for which a mail of Mastodon's fails, besides those of fault.
const (
	reasonSignIn    = "sign-in"    // it is not let in
	reasonConnect   = "connect"    // it does not reach the mail server
	reasonTLS       = "encryption" // certificate or TLS
	reasonRecipient = "recipient"  // that one mail is refused
	reasonOther     = "other"
)

var smtpCode = regexp.MustCompile(`^\s*([245]\d\d)[ -]`)

// reason tells why a mail failed, by the class and the words of the error.
func (j job) reason() string {
	code := ""
	if m := smtpCode.FindStringSubmatch(j.message); m != nil {
		code = m[1]
	}
	of := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(j.class, p) {
				return true
			}
		}
		return false
	}
	switch {
	case limitWords.MatchString(j.message):
		return string(limited)
	case of("Net::SMTPAuthenticationError"), code == "535", code == "534", code == "530":
		return reasonSignIn
	case of("OpenSSL::"), strings.Contains(j.message, "STARTTLS"):
		return reasonTLS
	case of("Errno::", "Net::OpenTimeout", "Net::ReadTimeout", "SocketError", "Socket::", "EOFError", "Timeout::"):
		return reasonConnect
	case of("Net::SMTP"):
		return reasonRecipient
	}
	return reasonOther
}

// systematic tells whether every other mail fails for the same reason.
func systematic(reason string) bool {
	return reason == reasonSignIn || reason == reasonConnect || reason == reasonTLS
}

var addressIn = regexp.MustCompile(`\S*@\S+`)

// withoutAddresses takes out of a server's words whom the mail was for.
func withoutAddresses(s string) string {
	if len(s) > 2000 {
		s = s[:2000]
	}
	return addressIn.ReplaceAllString(s, "…")
}

// joined is what was seen of the latest sign-ups.
type joined struct {
	Seen  bool      `json:"seen,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Count int       `json:"count,omitempty"`
	Open  int       `json:"open,omitempty"` // that have not confirmed
	Since time.Time `json:"since,omitzero"` // when the oldest of them came
}

const (
	// joinedFresh is how long people get to confirm, joinedOld how far back the
	// look goes: Mastodon itself deletes those who have not after two days or more (own:
	// an hour is enough for most).
	joinedFresh, joinedOld = time.Hour, 48 * time.Hour
	// joinedMost bounds the sign-ups that are compared, newestMost those that are
	// read (own: fifty show a doubling, and are soon together after a break).
	joinedMost, newestMost = 50, 2000
)

// join counts the latest sign-ups that have had the time to confirm.
func (c *check) join(ctx context.Context, now time.Time) (joined, error) {
	j := joined{Seen: true, At: now}
	err := c.site.Database().Read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var since *time.Time
		err := tx.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE confirmed_at IS NULL), min(created_at) FROM (
				SELECT created_at, confirmed_at FROM (SELECT id, created_at, confirmed_at FROM users ORDER BY id DESC LIMIT $1) n
				WHERE created_at < $2 AND created_at > $3 ORDER BY id DESC LIMIT $4) l`,
			newestMost, now.UTC().Add(-joinedFresh), now.UTC().Add(-joinedOld), joinedMost).Scan(&j.Count, &j.Open, &since)
		if since != nil {
			j.Since = *since
		}
		return err
	})
	if err != nil {
		return joined{}, err
	}
	return j, nil
}

// notSetUp tells whether something is not to be seen because nobody wants it.
func notSetUp(err error) bool {
	var missing *checks.NotSetUp
	return errors.As(err, &missing)
}
