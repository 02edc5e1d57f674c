package site

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// bounded is the dialler of a client whose answers are bounded before the
// library reads them.
func bounded(o *redis.Options) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(o)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if raw, ok := c.(syscall.Conn); ok {
			return &rawRedisConn{redisConn: redisConn{Conn: c}, raw: raw}, nil
		}
		return &redisConn{Conn: c}, nil
	}
}

// redisConn is a connection to Redis that ends where an answer is more than
// one may be. It is read by one goroutine at a time.
type redisConn struct {
	net.Conn
	asked   atomic.Bool // something was written since the last read
	replies replies
	err     error // why nothing more is read
}

func (c *redisConn) Write(b []byte) (int, error) {
	c.asked.Store(true)
	return c.Conn.Write(b)
}

func (c *redisConn) Read(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.asked.Swap(false) {
		c.replies.asked()
	}
	n, err := c.Conn.Read(b)
	if c.err = c.replies.take(b[:n]); c.err != nil {
		return 0, c.err // the library never sees what would harm it
	}
	return n, err
}

// rawRedisConn is one whose socket can be asked whether the other end is
// still there, which the library does before it uses a connection again.
type rawRedisConn struct {
	redisConn
	raw syscall.Conn
}

func (c *rawRedisConn) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }
