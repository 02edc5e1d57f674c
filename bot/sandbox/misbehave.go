package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const streamingPath = "/api/v1/streaming"

// Keys under which a fault travels to the endpoint that it concerns.
type (
	fakeKey       struct{} // a status is to be made up
	processingKey struct{} // a time.Duration that media need
	mishapKey     struct{} // a streamMishap
)

// A streamMishap comes to a stream some time after it was opened.
type streamMishap struct {
	kind  Kind // HalfOpen, Kick or none
	after time.Duration
}

// fuse burns down when the mishap is to come; it is nil when none is.
func (m streamMishap) fuse() (burnt <-chan time.Time, stop func()) {
	if m.kind == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(m.after)
	return timer.C, func() { timer.Stop() }
}

func mishap(r *http.Request) streamMishap {
	m, _ := r.Context().Value(mishapKey{}).(streamMishap)
	return m
}

// with gives a request a value on its way.
func with(r *http.Request, key, value any) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key, value))
}

// serveWithFault answers a request truly, or as the fault wants that it meets.
func (s *Server) serveWithFault(w http.ResponseWriter, r *http.Request) {
	f, ill := s.faults.pick(r.Method, r.URL.Path)
	if !ill {
		s.mux.ServeHTTP(w, r)
		return
	}
	switch f.Kind {
	case Answer:
		f.answer(w)
	case Hang:
		swallow(r)
		select {
		case <-r.Context().Done():
		case <-s.done:
		}
		panic(http.ErrAbortHandler)
	case Slow:
		answer := s.record(r)
		if !s.pause(r.Context(), f.Delay) {
			panic(http.ErrAbortHandler)
		}
		answer.replay(w)
	case Late:
		s.serveLate(w, r, f.Delay)
	case CutBefore:
		panic(http.ErrAbortHandler)
	case CutAfter:
		s.record(r)
		panic(http.ErrAbortHandler)
	case FakeStatus:
		s.mux.ServeHTTP(w, with(r, fakeKey{}, true))
	case Garbage:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, `{"id":"1","content":"<p>`)
	case Challenge:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>One moment</title><p>Your browser is being looked at.</p>")
	case Endless:
		s.serveEndless(w, r)
	case Oversize:
		s.serveOversize(w, r, f.Bytes)
	case SlowMedia:
		s.mux.ServeHTTP(w, with(r, processingKey{}, f.Delay))
	case HalfOpen, Kick:
		s.mux.ServeHTTP(w, with(r, mishapKey{}, streamMishap{f.Kind, f.Delay}))
	}
}

// swallow reads the body to its end; only then does net/http notice that a
// client goes away.
func swallow(r *http.Request) {
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxUpload+maxBody))
}

func (f Fault) answer(w http.ResponseWriter) {
	code := f.Status
	if code == 0 {
		code = http.StatusInternalServerError
	}
	switch {
	case code == http.StatusTooManyRequests:
		const period = 5 * time.Minute
		now := time.Now()
		reset := now.Truncate(period).Add(period)
		if f.Delay > 0 {
			reset = now.Add(f.Delay)
		}
		bucket{limit: 300, count: 300, reset: reset}.tell(w.Header())
		writeJSON(w, code, map[string]string{"error": "Too many requests"})
	case code >= http.StatusInternalServerError:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head></html>\n", code, http.StatusText(code))
	default:
		writeJSON(w, code, map[string]string{"error": http.StatusText(code)})
	}
}

// serveLate reads the request now and does what it asks later, whether or not
// its client still waits.
func (s *Server) serveLate(w http.ResponseWriter, r *http.Request, delay time.Duration) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxUpload+maxBody))
	if err != nil || !s.pause(serving(r.Context()), delay) {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mux.ServeHTTP(w, r)
}

func (s *Server) serveEndless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	line := bytes.Repeat([]byte(`{"id":"1"},`), 1000)
	_, err := io.WriteString(w, "[")
	for err == nil && r.Context().Err() == nil {
		select {
		case <-s.done:
			panic(http.ErrAbortHandler)
		default:
			_, err = w.Write(line)
		}
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) serveOversize(w http.ResponseWriter, r *http.Request, size int64) {
	if size <= 0 {
		size = 64 << 20
	}
	answer := s.record(r)
	answer.replay(w)
	padding := bytes.Repeat([]byte(" "), 64<<10)
	for left := size - int64(answer.body.Len()); left > 0; left -= int64(len(padding)) {
		if _, err := w.Write(padding[:min(left, int64(len(padding)))]); err != nil {
			return
		}
	}
}

// A recording is an answer that was not sent.
type recording struct {
	code   int
	header http.Header
	body   bytes.Buffer
}

func (s *Server) record(r *http.Request) *recording {
	rec := &recording{code: http.StatusOK, header: http.Header{}}
	s.mux.ServeHTTP(rec, r)
	return rec
}

func (rec *recording) Header() http.Header         { return rec.header }
func (rec *recording) WriteHeader(code int)        { rec.code = code }
func (rec *recording) Write(b []byte) (int, error) { return rec.body.Write(b) }

func (rec *recording) replay(w http.ResponseWriter) {
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.code)
	_, _ = w.Write(rec.body.Bytes())
}
