package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
)

// What can be subscribed to.
const (
	streamUser          = "user"              // home timeline, and notifications if the scopes allow
	streamNotifications = "user:notification" // notifications only
)

// streamQueue is how many frames wait for a client before it is given up.
const streamQueue = 1000

// A stream is one connection on which events are sent as they happen. There is
// no replay: what happens while nobody is connected is never sent.
type stream struct {
	token  *token
	base   string          // address of the server as this client knows it
	subs   map[string]bool // guarded by Server.mu, as is waiting
	queue  []frame
	fresh  chan struct{} // something was queued
	kicked chan struct{} // closed to end the stream politely
	frozen atomic.Bool   // connected, and dead
}

// A frame is what a WebSocket carries. A payload is JSON within a string.
type frame struct {
	Stream  []string `json:"stream,omitempty"`
	Event   string   `json:"event,omitempty"`
	Payload string   `json:"payload,omitempty"`
	Error   string   `json:"error,omitempty"`
	Status  int      `json:"status,omitempty"`
}

// An event is something that happened to an account.
type event struct {
	name         string
	payload      string
	status       *status
	notification *notification
	notifies     bool // belongs to the notifications though it is none
}

func (s *Server) openStream(t *token, base string) *stream {
	st := &stream{
		token: t, base: base, subs: map[string]bool{},
		fresh: make(chan struct{}, 1), kicked: make(chan struct{}),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[st] = struct{}{}
	if t.revoked {
		st.kick()
	}
	return st
}

func (s *Server) closeStream(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
}

// push queues a frame; the server is locked.
func (st *stream) push(f frame) {
	st.queue = append(st.queue, f)
	if len(st.queue) > streamQueue {
		st.kick()
	}
	select {
	case st.fresh <- struct{}{}:
	default:
	}
}

// kick ends the stream; the server is locked.
func (st *stream) kick() {
	select {
	case <-st.kicked:
	default:
		close(st.kicked)
	}
}

// befall lets a mishap come to a stream.
func (s *Server) befall(st *stream, m streamMishap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.kind == Kick {
		st.kick()
	} else {
		st.frozen.Store(true)
	}
}

func (s *Server) take(st *stream) []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := st.queue
	st.queue = nil
	return all
}

// subscribe answers a missing scope and an unknown name with a frame, and
// leaves the connection open: it looks healthy and carries nothing.
func (s *Server) subscribe(st *stream, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var scope string
	switch name {
	case streamUser:
		scope = "read:statuses"
	case streamNotifications:
		scope = "read:notifications"
	default:
		st.push(frame{Error: "Unknown stream type", Status: http.StatusBadRequest})
		return
	}
	if !st.token.allows(scope) {
		st.push(frame{Error: "Access token does not have the required scopes", Status: http.StatusUnauthorized})
		return
	}
	st.subs[name] = true
}

func (s *Server) unsubscribe(st *stream, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(st.subs, name)
}

// publish sends an event to the streams of an account; the server is locked.
func (s *Server) publish(to *account, e event) {
	for st := range s.streams {
		if st.token.account != to {
			continue
		}
		notifies := e.notification != nil || e.notifies
		for _, name := range []string{streamUser, streamNotifications} {
			if !st.subs[name] ||
				notifies && !st.token.allows("read:notifications") ||
				!notifies && name == streamNotifications {
				continue
			}
			st.push(frame{Stream: []string{name}, Event: e.name, Payload: s.payload(e, st.base)})
		}
	}
}

func (s *Server) payload(e event, base string) string {
	var body any
	switch {
	case e.notification != nil:
		body = s.notificationView(e.notification, base)
	case e.status != nil:
		body = s.statusView(e.status, base)
	default:
		return e.payload
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // all views can be written as JSON
	}
	return string(text)
}

// Streams is how many streams are open, frozen ones included.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// KickStreams closes every open stream, as a restart of the streaming server
// does. New ones are welcome at once.
func (s *Server) KickStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		st.kick()
	}
}

// FreezeStreams makes every open stream half-open: the connection stands, and
// nothing comes any more, neither events nor pings nor pongs. They stay so
// until the client gives up. New ones are alive.
func (s *Server) FreezeStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		st.frozen.Store(true)
	}
}

// streamToken finds the token of who wants a stream: in a header, in the query
// or in the list of sub-protocols.
func (s *Server) streamToken(r *http.Request) (t *token, protocol string, reason string) {
	secret := bearer(r)
	if secret == "" {
		protocol, _, _ = strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
		protocol = strings.TrimSpace(protocol)
		secret = protocol
	}
	if secret == "" {
		return nil, "", "Missing access token"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.tokenOf(secret)
	if err != nil || t.account.Suspended {
		return nil, "", "Invalid access token"
	}
	return t, protocol, ""
}
