package sandbox

import (
	"context"
	"errors"
	"sync"
)

// SayOptions are what a person may add to the words. The zero value is a direct
// message that answers nothing.
type SayOptions struct {
	Visibility string // default Direct
	InReplyTo  string // id of the parent
	Language   string // default "en"
	Spoiler    string // content warning
}

// Say posts as a person would; the same rules apply as to a client, but for
// tokens and rates. The error is a [*Refusal]. A person of another server must
// write "@name@domain" to reach one of this server.
func (s *Server) Say(by Account, text string, opts SayOptions) (Status, error) {
	if opts.Visibility == "" {
		opts.Visibility = Direct
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	author := s.must(by)
	st, err := s.compose(author, draft{
		text: text, spoiler: opts.Spoiler, visibility: opts.Visibility,
		language: opts.Language, inReplyTo: opts.InReplyTo,
	})
	if err != nil {
		return Status{}, err
	}
	s.store(st)
	return st.copy(), nil
}

// Delete removes a status as its author or a moderator would.
func (s *Server) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.statuses {
		if st.id == id {
			s.delete(st)
			return nil
		}
	}
	return errors.New("sandbox: there is no status " + id)
}

// A Message is a direct status as it reached one of those it mentions.
type Message struct {
	Status
	// Filtered is what the recipient does not see unless they look into their
	// filtered notifications: they follow the author not, and it answers
	// nothing of theirs.
	Filtered bool
	// Dropped is what the recipient is not told of at all.
	Dropped bool
}

// Inbox lists every direct status of others that mentions the account, the
// oldest first.
func (s *Server) Inbox(a Account) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	reader := s.must(a)
	told := map[*status]*notification{}
	for _, n := range s.notifications {
		if n.to == reader && n.status != nil {
			told[n.status] = n
		}
	}
	var all []Message
	for _, st := range s.statuses {
		if st.visibility == Direct && st.author != reader && st.mentionsAccount(reader) {
			n := told[st]
			all = append(all, Message{Status: st.copy(), Filtered: n != nil && n.filtered, Dropped: n == nil})
		}
	}
	return all
}

// Statuses lists everything that is stored, the oldest first.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Status, 0, len(s.statuses))
	for _, st := range s.statuses {
		all = append(all, st.copy())
	}
	return all
}

// Watch tells every status from now on, in the order in which they are stored.
// None is lost and no author waits, however slowly the channel is read. It is
// closed when ctx or the server ends.
func (s *Server) Watch(ctx context.Context) <-chan Status {
	out := make(chan Status)
	w := &watcher{fresh: make(chan struct{}, 1)}
	if !s.life.enter() {
		close(out)
		return out
	}
	s.mu.Lock()
	s.watchers[w] = struct{}{}
	s.mu.Unlock()
	go func() {
		defer s.life.leave()
		defer close(out)
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.watchers, w)
		}()
		for {
			for _, st := range w.take() {
				select {
				case out <- st:
				case <-ctx.Done():
					return
				case <-s.done:
					return
				}
			}
			select {
			case <-w.fresh:
			case <-ctx.Done():
				return
			case <-s.done:
				return
			}
		}
	}()
	return out
}

// A watcher holds the statuses that were not told yet.
type watcher struct {
	mu      sync.Mutex
	waiting []Status
	fresh   chan struct{}
}

func (w *watcher) see(st Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, st)
	select {
	case w.fresh <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.waiting
	w.waiting = nil
	return all
}
