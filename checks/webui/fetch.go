package webui

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/sababan/sababan/checks/api"
)

// A fetched is what asking for an asset gave.
type fetched struct {
	code    int
	kind    string // the content type
	bytes   int64  // of the file, unpacked
	html    bool   // it begins as a page does
	sum     []byte // its digest, where one was promised
	garbled bool   // it could not be unpacked
	allows  string // Access-Control-Allow-Origin
	guarded bool   // a check for browsers stands before it
	err     error
}

// fetch asks for an asset as a browser does, and reads it to its end without
// keeping it. left is what all files together may still have, in bytes.
func (c *check) fetch(ctx context.Context, a asset, left *atomic.Int64) fetched {
	ctx, cancel := context.WithTimeout(ctx, c.patience.asset)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL, nil)
	if err != nil {
		return fetched{err: err}
	}
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "gzip")
	wire := c.elsewhere
	if strings.EqualFold(req.URL.Host, c.site.Domain) {
		wire = c.wire
	} else if a.CORS {
		req.Header.Set("Origin", "https://"+c.site.Domain)
	}
	client := http.Client{Transport: wire, CheckRedirect: api.SameSite}
	resp, err := client.Do(req)
	if err != nil {
		return fetched{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	f := fetched{
		code: resp.StatusCode, kind: mediaType(resp.Header.Get("Content-Type")),
		allows:  resp.Header.Get("Access-Control-Allow-Origin"),
		guarded: resp.Header.Get("Cf-Mitigated") == "challenge",
	}
	if resp.StatusCode == http.StatusOK {
		f.read(resp, a, left)
	}
	return f
}

var (
	errTooMuch  = errors.New("more than all files of a page together may have")
	errUnpacked = errors.New("it unpacks to more than a file may have")
)

// read reads the body to its end.
func (f *fetched) read(resp *http.Response, a asset, left *atomic.Int64) {
	var body io.Reader = &metered{resp.Body, left}
	switch coding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(body)
		if errors.Is(err, io.EOF) { // an empty body is an empty file
			return
		}
		if err != nil {
			f.unpacking(err)
			return
		}
		body = unpacked
	default:
		f.garbled, f.err = true, fmt.Errorf("content encoding %q was not asked for", coding)
		return
	}
	var digest hash.Hash
	d, compare := promised(a.Integrity)
	if compare {
		digest = d.make()
	}
	head := make([]byte, 0, 64)
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		f.bytes += int64(n)
		head = append(head, buf[:min(n, cap(head)-len(head))]...)
		if compare {
			_, _ = digest.Write(buf[:n]) // a hash never fails
		}
		if f.bytes > assetUnpacked {
			err = errUnpacked
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.unpacking(err)
			return
		}
	}
	f.html = strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(head))), "<!doctype html") ||
		strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(head))), "<html")
	if compare {
		f.sum = digest.Sum(nil)
	}
}

// unpacking notes what ended the reading.
func (f *fetched) unpacking(err error) {
	f.err = err
	var wire *api.TransportError
	var network net.Error
	f.garbled = errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		strings.HasPrefix(err.Error(), "flate:") && !errors.As(err, &wire) && !errors.As(err, &network)
}

// metered takes what is read off what is left for all.
type metered struct {
	from io.Reader
	left *atomic.Int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if m.left.Add(-int64(n)) < 0 {
		return n, errTooMuch
	}
	return n, err
}
