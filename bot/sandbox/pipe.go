package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeBuffer is how many bytes one direction holds before a writer waits; near
// to what a kernel keeps for a socket.
const pipeBuffer = 64 << 10

// newPipe makes two ends of a connection in memory. Unlike those of net.Pipe
// they have a buffer, so that a writer need not wait for its reader.
func newPipe() (client, server net.Conn) {
	up, down := newHalf(), newHalf()
	return &pipeEnd{in: down, out: up, name: "client"}, &pipeEnd{in: up, out: down, name: "server"}
}

// A pipeEnd is one end: it reads from one half and writes to the other.
type pipeEnd struct {
	in, out *half
	name    string
}

func (p *pipeEnd) Read(b []byte) (int, error) {
	n, err := p.in.read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Net: "pipe", Addr: p.LocalAddr(), Err: err}
	}
	return n, err
}

func (p *pipeEnd) Write(b []byte) (int, error) {
	n, err := p.out.write(b)
	if err != nil {
		err = &net.OpError{Op: "write", Net: "pipe", Addr: p.LocalAddr(), Err: err}
	}
	return n, err
}

func (p *pipeEnd) Close() error {
	p.in.leave(&p.in.readerGone)
	p.out.leave(&p.out.writerGone)
	return nil
}

func (p *pipeEnd) LocalAddr() net.Addr  { return pipeAddr(p.name) }
func (p *pipeEnd) RemoteAddr() net.Addr { return pipeAddr("peer of " + p.name) }

func (p *pipeEnd) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

func (p *pipeEnd) SetReadDeadline(t time.Time) error  { return p.in.setDeadline(&p.in.readBy, t) }
func (p *pipeEnd) SetWriteDeadline(t time.Time) error { return p.out.setDeadline(&p.out.writeBy, t) }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

// A half is one direction: bytes wait in a buffer between a writer and a
// reader.
type half struct {
	mu         sync.Mutex
	changed    *sync.Cond
	buf        []byte
	readerGone bool
	writerGone bool
	readBy     deadline
	writeBy    deadline
}

func newHalf() *half {
	h := &half{}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readerGone:
			return 0, net.ErrClosed
		case h.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(h.buf) > 0:
			n := copy(b, h.buf)
			h.buf = h.buf[n:]
			if len(h.buf) == 0 {
				h.buf = nil
			}
			h.changed.Broadcast()
			return n, nil
		case h.writerGone:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := 0
	for {
		switch {
		case h.writerGone:
			return written, net.ErrClosed
		case h.writeBy.passed():
			return written, os.ErrDeadlineExceeded
		case h.readerGone:
			return written, syscall.EPIPE
		case written == len(b):
			return written, nil
		}
		if room := pipeBuffer - len(h.buf); room > 0 {
			n := min(room, len(b)-written)
			h.buf = append(h.buf, b[written:written+n]...)
			written += n
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

// leave notes that the reader or the writer is gone and wakes the other one.
func (h *half) leave(gone *bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*gone = true
	if gone == &h.readerGone {
		h.readBy.stop()
		h.buf = nil
	} else {
		h.writeBy.stop()
	}
	h.changed.Broadcast()
}

func (h *half) setDeadline(d *deadline, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if (d == &h.readBy && h.readerGone) || (d == &h.writeBy && h.writerGone) {
		return net.ErrClosed
	}
	d.stop()
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.changed.Broadcast()
		})
	}
	h.changed.Broadcast()
	return nil
}

// A deadline is the instant after which nobody waits any more; zero is never.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// A pipeListener hands the far ends of pipes to a server.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr("sandbox") }

// dial answers as a closed port does when the listener is gone.
func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := newPipe()
	select {
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: l.Addr(), Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: l.Addr(), Err: ctx.Err()}
	case l.conns <- server:
		return client, nil
	}
}
