package sandbox

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Handler answers everything that the server answers. A server that somebody
// else runs around it must be closed by its owner; [Server.Close] then waits
// for the requests that are under way.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.life.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.life.leave()
	if s.opts.Admit != nil && !s.opts.Admit(r) {
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	s.serveWithFault(w, r)
}

// Serve answers on the listener until ctx or the server ends, then closes the
// listener and every connection and waits for what was under way. It answers
// nil when it was told to end, and the listener's error otherwise.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if !s.life.enter() {
		return errors.Join(net.ErrClosed, ln.Close())
	}
	defer s.life.leave()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var here crowd // connections and handlers of this listener
	srv := &http.Server{
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(ctx, servingKey{}, ctx)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			here.enter()
			defer here.leave()
			s.serve(w, r)
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				here.enter()
			case http.StateHijacked, http.StateClosed:
				here.leave()
			}
		},
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
		case <-s.done:
			cancel()
		}
		srv.Close()
	}()
	err := srv.Serve(ln)
	cancel()
	<-ended
	srv.Close() // once more: a connection may have been accepted meanwhile
	here.wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// servingKey finds, in the context of a request, the context of the listener:
// it does not end when the client goes away.
type servingKey struct{}

func serving(ctx context.Context) context.Context {
	if base, ok := ctx.Value(servingKey{}).(context.Context); ok {
		return base
	}
	return context.WithoutCancel(ctx)
}

// pause waits, and answers false when ctx or the server ended first.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}

// Dialer reaches the server without a socket, for http.Transport.DialContext
// and its like. Network and address are ignored: every address is this server.
// After [Server.Close] it answers "connection refused".
func (s *Server) Dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	s.piping.Do(func() {
		if !s.life.enter() {
			s.pipes.Close()
			return
		}
		go func() {
			defer s.life.leave()
			_ = s.Serve(context.Background(), s.pipes) // ends with Close, and then without an error
		}()
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return s.pipes.dial(ctx) }
}

// Client is a new HTTP client over [Server.Dialer], without a time-out.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: s.Dialer()}}
}

// Close ends every stream, connection and listener and waits for them. It may
// be called more than once.
func (s *Server) Close() {
	if s.life.shut() {
		close(s.done)
		s.pipes.Close()
	}
	s.life.wait()
}

// A crowd counts who is inside. Unlike a sync.WaitGroup it may be entered while
// somebody waits, and it can be shut to newcomers.
type crowd struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // made by who waits, closed by who leaves last
}

// enter answers false when the crowd was shut.
func (c *crowd) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.inside++
	return true
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inside--
	if c.inside == 0 && c.empty != nil {
		close(c.empty)
		c.empty = nil
	}
}

// shut answers true to the first who calls it.
func (c *crowd) shut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.closed
	c.closed = true
	return first
}

// wait returns when nobody is inside.
func (c *crowd) wait() {
	c.mu.Lock()
	if c.inside == 0 {
		c.mu.Unlock()
		return
	}
	if c.empty == nil {
		c.empty = make(chan struct{})
	}
	empty := c.empty
	c.mu.Unlock()
	<-empty
}
