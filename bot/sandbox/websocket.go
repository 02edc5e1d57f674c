package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// pingEvery is how often the server pings; who has not answered by the next
	// ping is disconnected. Mastodon's number.
	pingEvery = 30 * time.Second
	// thumpEvery is how often an event stream shows that it lives. Mastodon's
	// number.
	thumpEvery = 15 * time.Second
)

func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "Unknown channel requested"})
		return
	}
	token, protocol, reason := s.streamToken(r)
	if reason != "" {
		w.Header().Set("X-Error-Message", reason)
		code := http.StatusUnauthorized
		if s.traits.gotosocial {
			code = http.StatusTeapot
		}
		w.WriteHeader(code)
		return
	}
	st := s.openStream(token, baseOf(r, "http"))
	defer s.closeStream(st)
	accept := &websocket.AcceptOptions{InsecureSkipVerify: true}
	if protocol != "" {
		accept.Subprotocols = []string{protocol}
	}
	conn, err := websocket.Accept(&freezable{ResponseWriter: w, frozen: &st.frozen}, r, accept)
	if err != nil {
		return // the refusal was written
	}
	defer conn.CloseNow()
	if name := r.URL.Query().Get("stream"); name != "" {
		s.subscribe(st, name)
	}

	ctx, cancel := context.WithCancel(r.Context())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	loops.Go(func() {
		defer cancel()
		s.readFrames(ctx, conn, st)
	})
	loops.Go(func() { s.pingFrames(ctx, cancel, conn, st) })
	s.writeFrames(ctx, conn, st, mishap(r))
}

// readFrames takes what the client subscribes to, until it goes away.
func (s *Server) readFrames(ctx context.Context, conn *websocket.Conn, st *stream) {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var wish struct{ Type, Stream string }
		if json.Unmarshal(data, &wish) != nil {
			continue
		}
		switch wish.Type {
		case "subscribe":
			s.subscribe(st, wish.Stream)
		case "unsubscribe":
			s.unsubscribe(st, wish.Stream)
		}
	}
}

// pingFrames ends the connection when a pong fails to come.
func (s *Server) pingFrames(ctx context.Context, cancel func(), conn *websocket.Conn, st *stream) {
	for s.pause(ctx, pingEvery) && !st.frozen.Load() {
		waiting, stop := context.WithTimeout(ctx, pingEvery)
		err := conn.Ping(waiting)
		stop()
		if err != nil {
			if !st.frozen.Load() {
				cancel()
			}
			return
		}
	}
}

// writeFrames sends what is queued, until the client, the stream or the server
// ends, or the mishap comes that was ordered for this stream.
func (s *Server) writeFrames(ctx context.Context, conn *websocket.Conn, st *stream, m streamMishap) {
	fuse, stop := m.fuse()
	defer stop()
	kicked := st.kicked
	for {
		for _, f := range s.take(st) {
			data, err := json.Marshal(f)
			if err != nil || conn.Write(ctx, websocket.MessageText, data) != nil {
				return
			}
		}
		select {
		case <-st.fresh:
		case <-kicked:
			if !st.frozen.Load() {
				// Without a status code, as Mastodon does.
				_ = conn.Close(websocket.StatusNoStatusRcvd, "")
				return
			}
			kicked = nil // the dead close nothing
		case <-fuse:
			s.befall(st, m)
		case <-ctx.Done():
			return
		case <-s.done:
			return
		}
	}
}

// freezable gives a connection that can be made half-open.
type freezable struct {
	http.ResponseWriter
	frozen *atomic.Bool
}

func (f *freezable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(f.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	wrapped := &freezableConn{Conn: conn, frozen: f.frozen}
	return wrapped, bufio.NewReadWriter(buffered.Reader, bufio.NewWriter(wrapped)), nil
}

// freezableConn swallows what is written and what arrives once it is frozen;
// that the peer closes is still noticed.
type freezableConn struct {
	net.Conn
	frozen *atomic.Bool
}

func (f *freezableConn) Read(b []byte) (int, error) {
	for {
		n, err := f.Conn.Read(b)
		if err != nil || !f.frozen.Load() {
			return n, err
		}
	}
}

func (f *freezableConn) Write(b []byte) (int, error) {
	if f.frozen.Load() {
		return len(b), nil
	}
	return f.Conn.Write(b)
}

// serveEvents is the stream as server-sent events.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	token, _, reason := s.streamToken(r)
	if reason != "" {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": reason})
		return
	}
	name, scope := streamUser, "read:statuses"
	if strings.HasSuffix(r.URL.Path, "/notification") {
		name, scope = streamNotifications, "read:notifications"
	}
	if !token.allows(scope) {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "Access token does not have the required scopes"})
		return
	}
	st := s.openStream(token, baseOf(r, "http"))
	defer s.closeStream(st)
	s.subscribe(st, name)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(http.StatusOK)
	send := func(text string) bool {
		if st.frozen.Load() {
			return true
		}
		_, err := w.Write([]byte(text))
		return err == nil && http.NewResponseController(w).Flush() == nil
	}
	m := mishap(r)
	fuse, stop := m.fuse()
	defer stop()
	kicked := st.kicked
	thump := time.NewTicker(thumpEvery)
	defer thump.Stop()
	for alive := send(":)\n"); alive; {
		for _, f := range s.take(st) {
			alive = alive && send("event: "+f.Event+"\ndata: "+f.Payload+"\n\n")
		}
		select {
		case <-st.fresh:
		case <-thump.C:
			alive = alive && send(":thump\n")
		case <-kicked:
			if !st.frozen.Load() {
				return
			}
			kicked = nil
		case <-fuse:
			s.befall(st, m)
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		}
	}
}
