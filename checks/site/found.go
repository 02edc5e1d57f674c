package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
)

// Found is what was found, or set, of the installation on this machine. What is
// not known is "" or nil. It holds names, hosts and folders, and no secret.
type Found struct {
	// Live is the folder of Mastodon's code: "/home/mastodon/live".
	Live string
	// User is the account that Mastodon runs as: "mastodon".
	User string
	// Compose is the folder of docker-compose.yml where Mastodon runs in
	// containers; "" where it runs bare.
	Compose string
	// Settings are names of .env.production with their values: LOCAL_DOMAIN,
	// WEB_DOMAIN, DB_HOST, REDIS_HOST, SMTP_SERVER, S3_BUCKET, ES_HOST … (all of
	// them: settingNames); never a password, key or token, and addresses without
	// user and password.
	Settings map[string]string
	// PostgresData are data directories: "/var/lib/postgresql/15/main".
	PostgresData []string
	// RedisData are folders that Redis writes to.
	RedisData []string
	// WebServer is the name of its process: "nginx", "caddy", "apache2",
	// "httpd", "haproxy" or "traefik".
	WebServer string
	// Streaming are the ports of the streaming processes.
	Streaming []int
	// Hidden are the places that may hold more but could not be read, each with
	// the reason: they are told, never taken for empty.
	Hidden []Hidden
	// Origins tells for each field, and for "Domain", how it came to be known:
	// "Live" → "set in [server] live", "by mastodon-web.service".
	Origins map[string]checks.Text
}

// Hidden is a place that could not be read.
type Hidden struct {
	Path string
	Err  error
	// Mend is the one command that would show it; nil where none would.
	Mend checks.Shell
}

const (
	// foundFresh is for how long what was found is told again (own: a minute
	// after an installation has changed it is known).
	foundFresh = time.Minute
	// findPatience is how long anybody waits for the search (own; it takes a few
	// milliseconds where no file system hangs).
	findPatience = 2 * time.Second
)

// finder keeps what was found.
type finder struct {
	mu   sync.Mutex
	last Found
	at   time.Time // of last; zero before the first
	// done is closed when the search under way has ended; nil where none is.
	done chan struct{}
}

// Find finds out what is on this machine, once, and keeps it for a while; it is
// cheap to call at each look, and by several at once. What was set wins over
// what is found. Where the search does not end in time the answer is the last
// one, or what was set, with the place that hides the rest.
func (s *Site) Find(ctx context.Context) Found {
	f := &s.finder
	f.mu.Lock()
	if age := time.Since(f.at); !f.at.IsZero() && age >= 0 && age < foundFresh {
		defer f.mu.Unlock()
		return f.last.clone()
	}
	if f.done == nil {
		f.done = make(chan struct{})
		// A question to a dead network mount can be neither ended nor waited
		// for; while one search is out, no second one is sent after it.
		go s.searchOnce(f.done)
	}
	done := f.done
	f.mu.Unlock()
	patience := time.NewTimer(findPatience)
	defer patience.Stop()
	err := errSlow
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at.IsZero() {
		only := s.search()
		only.hide("/", err)
		return only.found
	}
	return f.last.clone()
}

var errSlow = errors.New("no answer in time")

func (s *Site) searchOnce(done chan struct{}) {
	w := s.search()
	defer func() {
		// A fault in reading somebody's file must not end the watch.
		if p := recover(); p != nil {
			w.hide("/", fmt.Errorf("panic: %v", p))
		}
		s.finder.mu.Lock()
		defer s.finder.mu.Unlock()
		s.finder.last, s.finder.at, s.finder.done = w.found, time.Now(), nil
		close(done)
	}()
	w.all()
}

// Domain of the installation as its settings tell it, and how it is known; ""
// where they do not, or tell something that is no name.
func (f Found) domain() (name string, by checks.Text) {
	given := cmp.Or(f.Settings["WEB_DOMAIN"], f.Settings["LOCAL_DOMAIN"])
	if given == "" {
		return "", checks.Text{}
	}
	name, err := domain(given)
	if err != nil {
		return "", checks.Text{}
	}
	return name, f.Origins["Settings"]
}

func (f Found) clone() Found {
	f.Settings, f.Origins = maps.Clone(f.Settings), maps.Clone(f.Origins)
	f.PostgresData, f.RedisData = slices.Clone(f.PostgresData), slices.Clone(f.RedisData)
	f.Streaming, f.Hidden = slices.Clone(f.Streaming), slices.Clone(f.Hidden)
	return f
}
