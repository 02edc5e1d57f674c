package mastodon

import (
	"context"
	"errors"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// How long a server that does not tell where its stream is is left alone (own).
const (
	listenFirst = 5 * time.Second
	listenLast  = 5 * time.Minute
)

// Listen calls wake on every connection of the stream and on every
// notification, until ctx ends. There is never more than one connection: a
// second call waits for the first to end. What is said while there is none is
// told by nobody, so that mentions are asked for by the clock as well.
func (h *Mastodon) Listen(ctx context.Context, wake func()) {
	select {
	case h.listening <- struct{}{}:
		defer func() { <-h.listening }()
	case <-ctx.Done():
		return
	}
	base, ok := h.streamBase(ctx)
	if !ok {
		return
	}
	stream := &api.Stream{Client: h.api, URL: base, Wake: wake, Log: h.log}
	h.setStream(stream)
	defer h.setStream(nil)
	if err := stream.Run(ctx); err != nil {
		h.log.Error("stream ended", "error", err)
	}
}

func (h *Mastodon) setStream(s *api.Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stream = s
}

// streamBase asks where the stream is until the server tells; "" is the server
// itself. False when ctx ended first.
func (h *Mastodon) streamBase(ctx context.Context) (string, bool) {
	for wait := listenFirst; ; wait = min(2*wait, listenLast) {
		in, err := h.knownInstance(ctx)
		if err == nil {
			return in.Streaming, true
		}
		var shape *api.ShapeError
		if notFound(err) || errors.As(err, &shape) {
			return "", true
		}
		h.log.Info("where the stream is could not be told", "error", err)
		if !pause(ctx, wait) {
			return "", false
		}
	}
}
