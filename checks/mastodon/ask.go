package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// userAgent is the honest one: Mastodon itself calls itself otherwise there.
const userAgent = "sababan"

// maxAnswer bounds an answer, in bytes (own: thirty releases with their notes
// are half a megabyte).
const maxAnswer = 4 << 20

// An offer is a version that somebody says is out. Times are seconds since
// 1970, 0 where they are not known.
type offer struct {
	Version string `json:"version"`
	Urgent  bool   `json:"urgent,omitempty"`
	// Security tells that its notes speak of security; who lists them says
	// nothing of urgency.
	Security bool   `json:"security,omitempty"`
	Notes    string `json:"notes,omitempty"`
	Since    int64  `json:"since,omitempty"`
	// Ends is when the support of its branch ends.
	Ends int64 `json:"ends,omitempty"`
}

func (o offer) version() version { return offered(o.Version) }

// An answer is what one of the places on the network said.
type answer struct {
	err       error
	unchanged bool // what it said before still holds
	offers    []offer
	etag      string
	// branch and ends are when the support of the branch that was asked for ends.
	branch string
	ends   int64
}

// A statusError is an answer that is none.
type statusError struct{ code int }

func (e *statusError) Error() string { return "status " + strconv.Itoa(e.code) }

// errShape is an answer of another make than expected.
var errShape = errors.New("the answer is not of the kind that was expected")

// get asks an address. The tag is that of an answer which is known already.
func (c *check) get(ctx context.Context, address, accept, tag string) (body []byte, etag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", accept)
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	client := http.Client{Transport: c.far, CheckRedirect: api.SameSite}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, "", &statusError{resp.StatusCode}
	}
	body, err = io.ReadAll(resp.Body) // the transport bounds it
	return body, resp.Header.Get("ETag"), err
}

// askService asks as Mastodon itself does: its version, without what a fork
// adds, and nothing else.
func (c *check) askService(ctx context.Context, address string, v version) answer {
	at, err := url.Parse(address)
	if err != nil {
		return answer{err: err}
	}
	query := at.Query()
	query.Set("version", v.String())
	at.RawQuery = query.Encode()
	body, _, err := c.get(ctx, at.String(), "application/json", "")
	if err != nil {
		return answer{err: fmt.Errorf("update service: %w", err)}
	}
	a := readService(body)
	a.branch = v.branch()
	return a
}

// A day is a date as the service writes it; what is none is not known.
type day int64

func (d *day) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil && len(s) >= len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)]); err == nil {
			*d = day(t.Unix())
		}
	}
	return nil
}

// readService reads its answer. An entry of another make is passed over.
func readService(body []byte) answer {
	var whole struct {
		Updates *[]json.RawMessage `json:"updatesAvailable"`
		Current json.RawMessage    `json:"currentVersion"`
	}
	if err := json.Unmarshal(body, &whole); err != nil || whole.Updates == nil {
		return answer{err: fmt.Errorf("update service: %w", errors.Join(errShape, err))}
	}
	var a answer
	for _, raw := range *whole.Updates {
		var one struct {
			Version string `json:"version"`
			Urgent  bool   `json:"urgent"`
			Notes   string `json:"releaseNotes"`
			Ends    day    `json:"endOfSupport"`
		}
		if json.Unmarshal(raw, &one) != nil || len(a.offers) == offerLimit {
			continue
		}
		if v := offered(one.Version); v.known() {
			a.offers = append(a.offers, offer{Version: v.String(), Urgent: one.Urgent, Notes: link(one.Notes), Ends: int64(one.Ends)})
		}
	}
	var current struct {
		Ends day `json:"endOfSupport"`
	}
	if len(whole.Current) > 0 && json.Unmarshal(whole.Current, &current) == nil {
		a.ends = int64(current.Ends)
	}
	return a
}

// tagLimit is how long an ETag may be that is kept, in bytes (own).
const tagLimit = 200

// askReleases asks for the list of releases, if it has changed.
func (c *check) askReleases(ctx context.Context, address string, before source) answer {
	at, err := url.Parse(address)
	if err != nil {
		return answer{err: err}
	}
	query := at.Query()
	if !query.Has("per_page") {
		query.Set("per_page", "30")
	}
	at.RawQuery = query.Encode()
	tag := before.ETag
	if before.Answered == 0 {
		tag = ""
	}
	body, etag, err := c.get(ctx, at.String(), "application/vnd.github+json", tag)
	var status *statusError
	switch {
	case errors.As(err, &status) && status.code == http.StatusNotModified && tag != "":
		return answer{unchanged: true}
	case err != nil:
		return answer{err: fmt.Errorf("releases: %w", err)}
	}
	a := readReleases(body)
	if len(etag) <= tagLimit {
		a.etag = etag
	}
	return a
}

// aboutSecurity is the headline in the notes of a release that mends holes.
var aboutSecurity = regexp.MustCompile(`(?mi)^#{1,6}\s*(?:[^\s\w]+\s*)?security\b`)

// readReleases reads a list as GitHub gives it; drafts and pre-releases are
// none.
func readReleases(body []byte) answer {
	var all []json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return answer{err: fmt.Errorf("releases: %w", errors.Join(errShape, err))}
	}
	var a answer
	for _, raw := range all {
		var one struct {
			Tag       string    `json:"tag_name"`
			Page      string    `json:"html_url"`
			Early     bool      `json:"prerelease"`
			Draft     bool      `json:"draft"`
			Published time.Time `json:"published_at"`
			Notes     string    `json:"body"`
		}
		if json.Unmarshal(raw, &one) != nil || one.Early || one.Draft || len(a.offers) == offerLimit {
			continue
		}
		if v := offered(one.Tag); v.known() && !v.early() {
			a.offers = append(a.offers, offer{
				Version: v.String(), Notes: link(one.Page), Since: max(one.Published.Unix(), 0), Security: aboutSecurity.MatchString(one.Notes),
			})
		}
	}
	if len(a.offers) == 0 {
		return answer{err: fmt.Errorf("releases: %w", errShape)}
	}
	return a
}
