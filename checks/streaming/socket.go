package streaming

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/sababan/sababan/checks"
)

// frameLimit bounds one message, in bytes (own; a post is some ten thousand).
const frameLimit = 1 << 20

// standing is how a WebSocket is.
type standing int

const (
	notTried  standing = iota
	tokenless          // we have no token to open it with
	rejected           // our token is not taken
	unopened           // it does not open
	hidden             // our side: nothing is known
	open               // it opened; whether it is alive was not seen
	alive              // the server's ping, an answer to ours, or an event came
	deaf               // it opened, and no ping came
	closed             // it opened, and ended
)

// A socket is how the WebSocket was.
type socket struct {
	outcome
	state    standing
	pinged   bool          // the server's ping came
	listened bool          // it stood long enough to hear what is said against our token
	lived    time.Duration // until it ended
	waited   time.Duration // for the ping
	// scope is what the server says against our token's listening.
	scope *refusal
}

// A refusal is an error that the server sent over a WebSocket.
type refusal struct {
	Status int    `json:"status"`
	Said   string `json:"said"`
}

// A line is an open WebSocket that is read.
type line struct {
	conn   *websocket.Conn
	base   base
	mark   string // stands in the post whose event is waited for
	opened time.Time
	took   time.Duration

	pinged   chan struct{}  // a ping came from the server
	arrived  chan time.Time // the event came, at
	refused  chan refusal
	ended    chan struct{} // the connection has ended, and its reader with it
	endedAt  time.Time     // of meaning after ended
	stop     context.CancelFunc
	wasAlive bool // the server's ping came
}

// open opens a WebSocket on the user's stream. Beside a nil line stands why it
// does not open.
func (c *check) open(ctx context.Context, b base, token checks.Secret) (*line, socket) {
	client, err := c.client(b, token)
	if err != nil {
		return nil, socket{state: rejected, outcome: outcome{err: err}}
	}
	l := &line{
		base: b, mark: newMark(),
		pinged: make(chan struct{}, 1), arrived: make(chan time.Time, 1), refused: make(chan refusal, 8), ended: make(chan struct{}),
	}
	header := http.Header{"Authorization": {"Bearer " + token.Reveal()}}
	dialing, dialled := context.WithTimeout(ctx, c.pace.answer)
	defer dialled()
	began := time.Now()
	conn, resp, err := websocket.Dial(dialing, "wss://"+b.host+b.path+"/api/v1/streaming?stream=user", &websocket.DialOptions{
		HTTPClient: client.HTTP(), HTTPHeader: header,
		OnPingReceived: func(context.Context, []byte) bool {
			select {
			case l.pinged <- struct{}{}:
			default:
			}
			return true
		},
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, socket{state: hidden, outcome: outcome{err: err}}
	case err != nil:
		return nil, unopenedBy(resp, err)
	}
	conn.SetReadLimit(frameLimit)
	l.conn, l.opened = conn, time.Now()
	l.took = l.opened.Sub(began)
	reading, stop := context.WithCancel(ctx)
	l.stop = stop
	go l.read(reading)
	return l, socket{state: open, outcome: outcome{took: l.took}}
}

// unopenedBy makes a socket of a handshake that failed.
func unopenedBy(resp *http.Response, err error) socket {
	if resp == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		o := failed(outcome{}, err)
		if o.state == unseen {
			return socket{state: hidden, outcome: o}
		}
		return socket{state: unopened, outcome: o}
	}
	o := outcome{state: ill, why: status, code: resp.StatusCode, err: err}
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusTeapot: // 418 is GoToSocial's
		return socket{state: rejected, outcome: o}
	case http.StatusTooManyRequests:
		o.why = tooMany
		return socket{state: hidden, outcome: o}
	}
	return socket{state: unopened, outcome: o}
}

// read reads until the connection ends: pings are answered on the way.
func (l *line) read(ctx context.Context) {
	defer close(l.ended)
	for {
		kind, data, err := l.conn.Read(ctx)
		if err != nil {
			l.endedAt = time.Now()
			return
		}
		if kind != websocket.MessageText {
			continue
		}
		if r, is := refusalIn(data); is {
			select {
			case l.refused <- r:
			default:
			}
			continue
		}
		if bytes.Contains(data, []byte(l.mark)) {
			select {
			case l.arrived <- time.Now():
			default:
			}
		}
	}
}

// refusalIn takes what the server has against us out of a message.
func refusalIn(data []byte) (refusal, bool) {
	const most = 4 << 10 // an error is short (own)
	if len(data) > most || !bytes.Contains(data, []byte(`"error"`)) {
		return refusal{}, false
	}
	var frame struct {
		Event  string `json:"event"`
		Error  string `json:"error"`
		Status int    `json:"status"`
	}
	if json.Unmarshal(data, &frame) != nil || frame.Event != "" || frame.Error == "" {
		return refusal{}, false
	}
	return refusal{Status: frame.Status, Said: checks.Quote(frame.Error)}, true
}

// close ends the connection and waits for its reader.
func (l *line) close() {
	l.stop()
	_ = l.conn.CloseNow()
	<-l.ended
}

// seen is how the line is when nothing is waited for any more.
func (l *line) seen(state standing) socket {
	return socket{state: state, outcome: outcome{took: l.took}, pinged: l.wasAlive}
}

// end is the line when the connection ended by itself.
func (l *line) end() socket {
	s := l.seen(closed)
	s.lived = l.endedAt.Sub(l.opened)
	return s
}

// echo sends a ping of ours and waits for its answer: quick, but something on
// the way could answer in the server's place.
func (l *line) echo(ctx context.Context, patience time.Duration) socket {
	pinging, done := context.WithTimeout(ctx, patience)
	defer done()
	err := l.conn.Ping(pinging)
	var scope *refusal
	select {
	case r := <-l.refused:
		scope = &r
	default:
	}
	select {
	case <-l.ended:
		if err != nil && pinging.Err() == nil {
			return l.end()
		}
	default:
	}
	if err != nil {
		s := l.seen(open)
		s.scope = scope
		return s
	}
	s := l.seen(alive)
	s.scope = scope
	return s
}

// wait waits for the server's ping, counted from the opening.
func (l *line) wait(ctx context.Context, p pace) socket {
	enough := time.NewTimer(max(p.ping-time.Since(l.opened), 0))
	defer enough.Stop()
	var scope *refusal
	s := socket{}
	for waiting := true; waiting; {
		select {
		case r := <-l.refused:
			scope = &r
			continue
		case <-l.pinged:
			l.wasAlive = true
			s = l.seen(alive)
		case <-l.ended:
			s = l.seen(open)
			if ctx.Err() == nil {
				s = l.end()
			}
		case <-enough.C:
			s = l.seen(deaf)
			s.waited = p.ping
		case <-ctx.Done():
			s = l.seen(open)
		}
		waiting = false
	}
	s.scope, s.listened = scope, time.Since(l.opened) >= p.settle
	return s
}

// after is the line after an own post that was heard, or not.
func (l *line) after(came arrival) socket {
	select {
	case <-l.pinged:
		l.wasAlive = true
	default:
	}
	select {
	case <-l.ended:
		if came != arrived {
			return l.end()
		}
	default:
	}
	if came == arrived || l.wasAlive {
		return l.seen(alive)
	}
	return l.seen(open)
}

// subscribe asks for a channel besides the user's own.
func (l *line) subscribe(ctx context.Context, channel string) error {
	b, err := json.Marshal(map[string]string{"type": "subscribe", "stream": channel})
	if err != nil {
		return err
	}
	return l.conn.Write(ctx, websocket.MessageText, b)
}
