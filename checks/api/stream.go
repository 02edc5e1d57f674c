package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// How a stream lives (own, but for the 30 s in which Mastodon and GoToSocial
// ping: two of these may be lost, not three).
const (
	streamIdle      = 75 * time.Second
	streamHandshake = 20 * time.Second
	streamFrame     = 1 << 20
	streamProven    = 60 * time.Second // a connection that lived so long was a good one
	retryFirst      = time.Second
	retryLast       = 5 * time.Minute
)

// A Trouble is why a stream tells nothing.
type Trouble string

const (
	NoTrouble   Trouble = ""
	Unreachable Trouble = "unreachable" // no connection, or it ended
	Silent      Trouble = "silent"      // connected, and nothing came, not even a ping
	Refused     Trouble = "refused"     // the token is not taken
	Deaf        Trouble = "deaf"        // connected, but not allowed to hear notifications
)

// A State is how a stream is now.
type State struct {
	Connected bool
	Since     time.Time // of Connected as it is; zero before Run
	LastFrame time.Time // last message or ping; zero when there was none
	Trouble   Trouble
	Problem   string // one line, for a log; empty when there is none
}

// A Stream listens to a server's notifications and says only that there is
// something to read: what was missed while it was not connected is told by
// nobody, so that reading stays the caller's work. The fields are set before
// Run.
type Stream struct {
	Client *Client
	// URL is the streaming base that the instance tells; empty or unusable
	// is the server itself.
	URL string
	// Wake is called on every connection and every notification, one call
	// at a time. It must return at once.
	Wake func()
	// Log hears of changes; nil is silence.
	Log *slog.Logger

	mu    sync.Mutex
	state State
}

// State tells how the stream is.
func (s *Stream) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run keeps the stream connected until the context ends, and returns nil then.
func (s *Stream) Run(ctx context.Context) error {
	target := streamURL(s.Client.Server(), s.URL)
	s.set(func(st *State) { *st = State{Since: time.Now()} })
	failures := 0
	for {
		end := s.session(ctx, target)
		s.lost(ctx, end)
		if ctx.Err() != nil {
			return nil
		}
		var wait time.Duration
		wait, failures = nextTry(end, failures, rand.Float64(), time.Now())
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// An ending is how one connection, or the attempt at one, came to its end.
type ending struct {
	lived   time.Duration // connected
	trouble Trouble
	problem string
	until   time.Time // the server's word on when to come again
}

// nextTry says how long to wait and how many failures in a row to count;
// jitter is in [0, 1).
func nextTry(end ending, failures int, jitter float64, now time.Time) (time.Duration, int) {
	if end.lived >= streamProven {
		failures = 0
	}
	wait := retryLast
	if failures < 9 { // 2^9 s are more than the last wait
		wait = min(retryFirst<<failures, retryLast)
	}
	wait = min(time.Duration(float64(wait)*(0.75+jitter/2)), retryLast)
	if end.trouble == Refused || end.trouble == Deaf {
		wait = retryLast
	}
	return max(wait, end.until.Sub(now)), failures + 1
}

var errSilent = errors.New("no frame and no ping for " + streamIdle.String())

func (s *Stream) session(ctx context.Context, target string) ending {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(streamIdle, func() { cancel(errSilent) })
	defer idle.Stop()
	heard := func() {
		idle.Reset(streamIdle)
		s.set(func(st *State) { st.LastFrame = time.Now() })
	}

	header := http.Header{}
	if token := s.Client.Token(); !token.Empty() {
		header.Set("Authorization", "Bearer "+token.Reveal())
	}
	dialing, dialed := context.WithTimeout(ctx, streamHandshake)
	conn, resp, err := websocket.Dial(dialing, target, &websocket.DialOptions{
		HTTPClient: s.Client.HTTP(),
		HTTPHeader: header,
		OnPingReceived: func(context.Context, []byte) bool {
			heard()
			s.healed()
			return true
		},
	})
	dialed()
	if err != nil {
		return s.failedDial(resp, err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(streamFrame)
	idle.Reset(streamIdle)
	began := time.Now()
	s.connected(began)
	s.wake()

	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return ended(ctx, err, time.Since(began))
		}
		heard()
		if kind != websocket.MessageText {
			continue
		}
		switch event, problem := readFrame(data); {
		case problem != "":
			// The server keeps such a connection open and sends nothing on it.
			return ending{lived: time.Since(began), trouble: Deaf, problem: string(s.Client.hide([]byte(problem)))}
		case event == "notification":
			s.healed()
			s.wake()
		case event != "":
			s.healed()
		}
	}
}

// readFrame takes out of a message the event's name, or what the server has
// against us. The payload is not looked at.
func readFrame(data []byte) (event, problem string) {
	if Depth(data) > maxDepth {
		return "", ""
	}
	var frame struct {
		Event  loose[string] `json:"event"`
		Error  loose[string] `json:"error"`
		Status loose[int]    `json:"status"`
	}
	if json.Unmarshal(data, &frame) != nil {
		return "", ""
	}
	if frame.Error.v != "" {
		problem = oneLine(frame.Error.v, maxWords)
		if frame.Status.v != 0 {
			problem = fmt.Sprintf("%d: %s", frame.Status.v, problem)
		}
		return "", problem
	}
	return frame.Event.v, ""
}

func (s *Stream) failedDial(resp *http.Response, err error) ending {
	end := ending{trouble: Unreachable}
	if limited := (*RateLimitError)(nil); errors.As(err, &limited) {
		end.problem, end.until = limited.Error(), limited.Reset
		return end
	}
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		end.problem = oneLine(plainly(err), maxWords)
		return end
	}
	said := resp.Header.Get("X-Error-Message")
	if said == "" && resp.Body != nil {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		a := Answer{Code: resp.StatusCode, ContentType: resp.Header.Get("Content-Type"), Body: body}
		said = a.message(a.page())
	}
	said = string(s.Client.hide([]byte(oneLine(said, maxWords))))
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTeapot: // 418 is GoToSocial's
		end.trouble = Refused
	}
	end.problem = fmt.Sprintf("handshake answered %d: %s", resp.StatusCode, said)
	return end
}

// ended names the end of a connection that stood.
func ended(ctx context.Context, err error, lived time.Duration) ending {
	end := ending{lived: lived, trouble: Unreachable}
	switch code := websocket.CloseStatus(err); {
	case errors.Is(context.Cause(ctx), errSilent):
		end.trouble, end.problem = Silent, errSilent.Error()
	case errors.Is(err, websocket.ErrMessageTooBig):
		end.problem = fmt.Sprintf("a message larger than %d bytes", streamFrame)
	case code != -1:
		end.problem = fmt.Sprintf("closed by the server (%d)", int(code))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		end.problem = "the connection was cut"
	default:
		end.problem = oneLine(plainly(err), maxWords)
	}
	return end
}

// plainly is the innermost error that says something of the network.
func plainly(err error) string {
	if transport := (*TransportError)(nil); errors.As(err, &transport) {
		return transport.Error()
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err.Error()
	}
	return err.Error()
}

func (s *Stream) wake() {
	if s.Wake != nil {
		s.Wake()
	}
}

func (s *Stream) set(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

func (s *Stream) connected(now time.Time) {
	s.set(func(st *State) {
		st.Connected, st.Since = true, now
		// A deaf connection begins as a good one does: only what it hears tells them apart.
		if st.Trouble != Deaf {
			st.Trouble, st.Problem = NoTrouble, ""
		}
	})
	s.log(context.Background(), slog.LevelInfo, "stream connected")
}

// healed ends what only a heard frame can end.
func (s *Stream) healed() {
	s.set(func(st *State) { st.Trouble, st.Problem = NoTrouble, "" })
}

func (s *Stream) lost(ctx context.Context, end ending) {
	if ctx.Err() != nil {
		end = ending{}
	}
	news := false
	s.set(func(st *State) {
		news = st.Connected || st.Trouble != end.trouble || st.Problem != end.problem
		if st.Connected {
			st.Connected, st.Since = false, time.Now()
		}
		st.Trouble, st.Problem = end.trouble, end.problem
	})
	if news && end.problem != "" {
		s.log(ctx, slog.LevelWarn, "stream lost", "trouble", string(end.trouble), "problem", end.problem)
	}
}

func (s *Stream) log(ctx context.Context, level slog.Level, message string, args ...any) {
	if s.Log != nil {
		s.Log.Log(ctx, level, message, append([]any{"server", s.Client.Server().Host}, args...)...)
	}
}

// streamURL is where the notifications are heard. A server that is asked by
// https is never listened to in the clear. One that is asked by plain http is
// a local one, and some of these announce wss and the name only (GoToSocial):
// there the server's own host stands unless another local port is announced.
func streamURL(server *url.URL, announced string) string {
	u := &url.URL{Scheme: "wss", Host: server.Host}
	base, err := url.Parse(announced)
	good := err == nil && base.Host != "" && base.User == nil &&
		(base.Scheme == "ws" || base.Scheme == "wss" || base.Scheme == "http" || base.Scheme == "https")
	switch {
	case server.Scheme == "https" && good:
		u.Host, u.Path = base.Host, base.Path
	case server.Scheme == "http":
		u.Scheme = "ws"
		if good && (base.Hostname() == server.Hostname() || loopback(base.Hostname()) && loopback(server.Hostname())) {
			u.Host, u.Path = base.Host, base.Path
		}
	}
	const path = "/api/v1/streaming"
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), path) + path
	u.RawQuery = url.Values{"stream": {"user:notification"}}.Encode()
	return u.String()
}
