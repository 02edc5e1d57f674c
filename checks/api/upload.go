package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// A File is what [Client.Upload] sends beside the form.
type File struct {
	Field string // of the form
	Name  string // what the server may call it; without quotes and line breaks
	Type  string // media type
	Data  []byte
}

// Upload posts a form with one file. The code is that of a success, 202 where
// the server has yet to work on the file.
func (c *Client) Upload(ctx context.Context, path string, f File, form url.Values, into any) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	body, kind, err := multipartBody(f, form)
	if err != nil {
		return 0, fmt.Errorf("POST %s: %w", path, &TransportError{Err: err})
	}
	req, err := c.request(ctx, http.MethodPost, path, nil, nil)
	if err != nil {
		return 0, fmt.Errorf("POST %s: %w", path, &TransportError{Err: err})
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	req.Header.Set("Content-Type", kind)
	resp, err := c.HTTP().Do(req)
	if err != nil {
		return 0, callError(http.MethodPost, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	a, err := c.answer(http.MethodPost, path, resp)
	if err != nil {
		return 0, err
	}
	return a.Code, a.decode(into)
}

func multipartBody(f File, form url.Values) (body []byte, kind string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, values := range form {
		for _, v := range values {
			if err := w.WriteField(name, v); err != nil {
				return nil, "", err
			}
		}
	}
	h := textproto.MIMEHeader{}
	plain := strings.NewReplacer(`"`, "", `\`, "", "\r", "", "\n", "")
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, plain.Replace(f.Field), plain.Replace(f.Name)))
	h.Set("Content-Type", f.Type)
	part, err := w.CreatePart(h)
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(f.Data); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}
