// Package streaming looks whether what happens on a server reaches those who
// watch it: alive means that an event arrives. The levels, each told by name:
// the port answers, its health address answers under the public name, a
// WebSocket opens and the server's ping comes, and a post made for the purpose
// is heard.
package streaming

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings. They are about the whole site and have no subject;
// that of a port is its number.
const (
	codeDead    = "dead"    // no event can arrive: levels one to three
	codePort    = "port"    // one of several processes
	codeEvent   = "event"   // the own post comes late or not at all
	codeIdle    = "idle"    // a connection without traffic is cut, or goes deaf
	codeChannel = "channel" // the public channels cannot be subscribed to
	codeToken   = "token"   // our own token is not good for it
)

// Measures. The subject of each is the port, or "" for the public name.
const (
	healthTime   = "health_time"               // seconds, without the making of the connection
	eventDelay   = "event_delay"               // seconds from sending the own post to hearing of it
	idleLife     = "idle_life"                 // seconds that a connection without traffic lived, as far as it was watched
	clients      = "connected_clients"         // connections
	heardPerMin  = "redis_messages_per_minute" // messages from Redis
	eventloopLag = "eventloop_lag"             // seconds, the 99th percentile where it is told
)

// maxBody bounds an answer, in bytes; the longest is that of /metrics (own).
const maxBody = 1 << 20

// A TokenSource gives a token of an account on the watched server. Its error is
// *[checks.NotSetUp] where nobody has given one.
type TokenSource func(context.Context) (checks.Secret, error)

// Config is the written form of [checks.streaming].
type Config struct {
	// Ports of the streaming processes on this machine; nil takes what is found.
	Ports []int `toml:"ports"`
	// Post tells whether the own post may be made.
	Post bool `toml:"post"`
}

func defaultConfig() Config { return Config{Post: true} }

func (c Config) validate() error {
	for _, p := range c.Ports {
		if p < 1 || p > 65535 {
			return fmt.Errorf("ports: %d is no port", p)
		}
	}
	return nil
}

// Kind makes the check of a site's streaming; a nil source is one without a
// token.
func Kind(s *site.Site, token TokenSource) checks.Kind { return kindAt(s, token, usualPace()) }

func kindAt(s *site.Site, token TokenSource, p pace) checks.Kind {
	often := checks.Looks{Open: 3, Resolve: 2}   // defaults
	twice := checks.Looks{Open: 2, Resolve: 2}   // defaults, of the own event
	certain := checks.Looks{Open: 1, Resolve: 2} // what lasts for 15 minutes needs no second look
	both := func(l checks.Looks) checks.Rule { return checks.Rule{Warning: l, Critical: certain} }
	return checks.Kind{
		Name:  "streaming",
		Title: checks.Text{En: "streaming", Ja: "ストリーミング"},
		Graphs: []checks.Graph{
			{Measure: "event_delay", Title: checks.Text{En: "delay of an event", Ja: "通知の遅れ"}},
			{Measure: "connected_clients", Title: checks.Text{En: "connections", Ja: "接続数"}},
			{Measure: "health_time", Title: checks.Text{En: "answer time", Ja: "応答時間"}},
			{Measure: "eventloop_lag", Title: checks.Text{En: "event loop lag", Ja: "イベントループの遅れ"}},
		},
		Words: checks.Words{
			En: []string{"live updates", "websocket", "timelines do not move"},
			Ja: []string{"ストリーミング", "タイムラインが流れない", "タイムラインが更新されない"},
		},
		Scope:       checks.Site,
		After:       []string{"services", "certs", "redis", "sidekiq"},
		Cron:        "*/2 * * * *", // defaults
		AfterUpdate: true,
		// A look takes seconds, or half a minute where it waits for the server's
		// ping; the one a night that holds an idle connection takes the rest.
		Timeout: 18 * time.Minute,
		Rules: map[string]checks.Rule{
			codeDead: both(often), codeEvent: both(twice),
			codePort: {Warning: often}, codeIdle: {Warning: often}, codeToken: {Warning: often}, codeChannel: {Warning: twice},
		},
		Settings: func() any { c := defaultConfig(); return &c },
		New: func(t checks.Table) (checks.Check, error) {
			c := defaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.validate(); err != nil {
				return nil, err
			}
			if err := s.NeedDomain(); err != nil {
				return nil, err
			}
			return newCheck(s, token, c, p), nil
		},
	}
}

type check struct {
	site   *site.Site
	token  TokenSource
	config Config
	pace   pace
	wire   *api.Transport // to the public name
	away   *api.Transport // to a streaming server with another name
	near   *api.Transport // to the ports on this machine
}

func newCheck(s *site.Site, token TokenSource, config Config, p pace) *check {
	if token == nil {
		token = func(context.Context) (checks.Secret, error) {
			return checks.Secret{}, &checks.NotSetUp{Setting: "[server] token_file"}
		}
	}
	wire := func(address string, wait time.Duration) *api.Transport {
		return api.NewTransport(api.Options{
			UserAgent: "sababan", Address: address, Roots: s.Roots, MaxBody: maxBody,
			HeaderTimeout: wait, Timeout: wait + 2*time.Second, Brief: true,
		})
	}
	return &check{
		site: s, token: token, config: config, pace: p,
		wire: wire(s.Address, p.answer), away: wire("", p.answer), near: wire("", p.near),
	}
}

// Look looks at every level that can be reached. The first look of all makes no
// post and does not wait for the server's ping: it may be one on the command
// line that nobody asked for by name.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly makes the post now.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, thorough bool) (checks.Observation, error) {
	defer c.wire.CloseIdle()
	defer c.away.CloseIdle()
	defer c.near.CloseIdle()
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	m, known := recall(past)
	s := c.levels(ctx, &m, mode{known: known, thorough: thorough})
	if c.idleDue(ctx, s, m, thorough, known) {
		if c.hold(ctx, s, &m) {
			s = c.levels(ctx, &m, mode{known: true, ping: true})
		}
		s.held = true
	}
	if err := ctx.Err(); err != nil && s.public.state == unasked {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	if s.public.state == unseen && len(s.ports) == 0 {
		return checks.Observation{}, &checks.Unseen{Why: textUnseen(s.public), Advice: adviceUnseen(s.public, s.domain), Err: s.public.err}
	}
	now := time.Now()
	s.now, s.found = now, c.site.Find(ctx)
	s.usual = func(name string) (checks.Band, bool) { return past.Normal(name, "", now) }
	o, m := judge(s, m)
	b, err := json.Marshal(m)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("streaming: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

// mode is how deep a look goes.
type mode struct {
	known    bool // there was a look before
	thorough bool // somebody asked for it by name
	ping     bool // wait for no more than the ping, as the last word after a long look
}

// levels goes up level by level, as far as it can.
func (c *check) levels(ctx context.Context, m *memory, how mode) sight {
	ctx, cancel := context.WithTimeout(ctx, c.pace.brief)
	defer cancel()
	s := sight{domain: c.site.Domain, pace: c.pace, posts: c.config.Post}
	m.About = c.about(ctx, m.About)
	s.about = m.About
	s.base = baseOf(c.site.Domain, m.About.Streaming)
	ports := c.config.Ports
	if ports == nil {
		ports = c.site.Find(ctx).Streaming
	}
	s.ports = make([]process, len(ports))
	var all sync.WaitGroup
	for i, port := range ports {
		all.Go(func() { s.ports[i] = c.askPort(ctx, port) })
	}
	all.Go(func() { s.public = c.askPublic(ctx, s.base) })
	all.Wait()
	if s.public.state == ill || s.public.state == unseen {
		return s
	}
	token, err := c.token(ctx)
	if err == nil && token.Empty() {
		err = &checks.NotSetUp{Setting: "[server] token_file"}
	}
	if err != nil {
		s.socket.state, s.socket.err = tokenless, err
		return s
	}
	c.listen(ctx, token, &s, m, how)
	return s
}

// listen opens a WebSocket and waits for what proves that it is alive.
func (c *check) listen(ctx context.Context, token checks.Secret, s *sight, m *memory, how mode) {
	l, opened := c.open(ctx, s.base, token)
	s.socket = opened
	if l == nil {
		if opened.state == rejected {
			m.Token = revoked
			if opened.code == 0 {
				m.Token = malformed
			}
		}
		return
	}
	defer l.close()
	now := time.Now()
	// What is dead need not be proven so by a post every time.
	due := how.thorough && m.Event.old(now, c.pace.gap) || how.known && m.Dead.IsZero() && m.Event.due(now, c.pace)
	due = due && c.config.Post && !how.ping
	switch {
	case due:
		s.socket = c.testEvent(ctx, l, token, s, m)
	case !how.known && !how.thorough:
		s.socket = l.echo(ctx, c.pace.near)
	default:
		s.socket = l.wait(ctx, c.pace)
	}
	m.Token = s.socket.fault(m.Token)
	switch {
	case m.Idle.State != idleWell && !m.Idle.Early: // found by a look that knows better
	case s.socket.state == closed && s.socket.lived >= c.pace.atOnce:
		m.Idle = idleMemo{At: time.Now(), State: idleCut, Lived: s.socket.lived, Early: true}
	case s.socket.pinged && m.Idle.Early:
		m.Idle = idleMemo{}
	}
}

// testEvent makes the own post and tells how the line was meanwhile.
func (c *check) testEvent(ctx context.Context, l *line, token checks.Secret, s *sight, m *memory) socket {
	before, told := heard(s.ports)
	seen := c.cause(ctx, l, token, m)
	if told && seen.State == missing {
		seen.Heard = c.heardSince(ctx, s.ports, before)
	}
	now := l.after(seen.State)
	if seen.State == missing && now.state == open {
		now = l.wait(ctx, c.pace)
	}
	// A connection that ended meanwhile, or was mute, says nothing about the event.
	if now.state != closed && now.state != deaf {
		m.Event, s.tested = m.Event.then(seen), true
	}
	return now
}

// fault is what is wrong with our token after a connection that opened.
func (s socket) fault(before fault) fault {
	switch {
	case s.scope != nil && forToken(*s.scope):
		return noRead
	case before == revoked, before == malformed, before == noRead && s.state == alive && s.listened:
		return noFault
	}
	return before
}

// newMark is a word that is in one post and nowhere else.
func newMark() string { return rand.Text() }

// tokenError turns what kept a token from us into words.
func tokenError(err error) checks.Text {
	var missing *checks.NotSetUp
	if errors.As(err, &missing) {
		return textNoToken(missing.Setting)
	}
	var told *checks.Unseen
	if errors.As(err, &told) {
		return textTokenUnread(told.Why)
	}
	return textTokenUnread(checks.Said(err.Error()))
}
