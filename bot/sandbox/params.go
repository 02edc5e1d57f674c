package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// What a request may bring, in bytes.
const (
	maxBody   = 1 << 20
	maxUpload = 16 << 20 // Mastodon's limit for an image
	maxFields = 1 << 16  // of one field of a multipart body
)

// An upload is one file of a multipart body.
type upload struct {
	name string
	data []byte
}

// readParams collects the query and the body, be it a form, JSON or multipart,
// under the names that a form has: a JSON {"id": ["1"]} becomes id[]=1.
func (c *call) readParams() error {
	c.params = c.r.URL.Query()
	if c.r.Body == nil || c.r.Body == http.NoBody {
		return nil
	}
	kind, options, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return c.readMultipart(options["boundary"])
	}
	body, err := readAtMost(c.r.Body, maxBody)
	if err != nil {
		return err
	}
	switch kind {
	case "application/json":
		if len(body) == 0 {
			return nil
		}
		var top map[string]any
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.UseNumber()
		if err := decoder.Decode(&top); err != nil {
			return refuse(http.StatusBadRequest, "the body is not a JSON object")
		}
		for name, value := range top {
			flatten(c.params, name, value)
		}
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return refuse(http.StatusBadRequest, "the body is not a form")
		}
		for name, values := range form {
			c.params[name] = append(c.params[name], values...)
		}
	}
	return nil
}

func (c *call) readMultipart(boundary string) error {
	c.files = map[string]upload{}
	reader := multipart.NewReader(io.LimitReader(c.r.Body, maxUpload+maxBody), boundary)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse(http.StatusBadRequest, "the body is not multipart, or too large")
		}
		if part.FileName() == "" {
			value, err := readAtMost(part, maxFields)
			if err != nil {
				return err
			}
			c.params.Add(part.FormName(), string(value))
			continue
		}
		data, err := readAtMost(part, maxUpload)
		if err != nil {
			return err
		}
		c.files[part.FormName()] = upload{name: part.FileName(), data: data}
	}
}

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body ended early")
	}
	if int64(len(data)) > limit {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", limit)
	}
	return data, nil
}

func flatten(into url.Values, name string, value any) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for inner, value := range v {
			flatten(into, name+"["+inner+"]", value)
		}
	case []any:
		for n, value := range v {
			if _, object := value.(map[string]any); object {
				flatten(into, name+"["+strconv.Itoa(n)+"]", value)
				continue
			}
			flatten(into, name+"[]", value)
		}
	default:
		into.Add(name, fmt.Sprint(v))
	}
}

func (c *call) text(name string) string { return c.params.Get(name) }

func (c *call) given(name string) bool { return c.params.Has(name) }

func (c *call) truth(name string) bool {
	switch c.params.Get(name) {
	case "", "0", "f", "F", "false", "FALSE", "off", "OFF":
		return false
	}
	return true
}

// list reads name[]=a&name[]=b, and also name=a.
func (c *call) list(name string) []string {
	return append(append([]string(nil), c.params[name+"[]"]...), c.params[name]...)
}
