package api

import (
	"context"
	"fmt"
	"io"
)

// A TooLargeError is an answer that was longer than allowed; what was read of
// it is not the whole.
type TooLargeError struct {
	Method, Path string
	Limit        int64 // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s %s: the answer is larger than %d bytes", e.Method, e.Path, e.Limit)
}

// A boundedBody gives out at most limit bytes, and ends the request's context
// when it is closed.
type boundedBody struct {
	body         io.ReadCloser
	left, limit  int64
	method, path string
	done         context.CancelFunc
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	// One byte more than is left tells an exact fit from too much.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, b.tooLarge()
	}
	return n, err
}

func (b *boundedBody) tooLarge() error {
	return &TooLargeError{Method: b.method, Path: b.path, Limit: b.limit}
}

func (b *boundedBody) Close() error {
	err := b.body.Close()
	b.done()
	return err
}
