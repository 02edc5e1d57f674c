package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks/api"
)

// RDAP is JSON over HTTPS, and of an answer three things are of use here: one
// date, the state, the registrar's name. The library that is kept for it
// (openrdap v0.10.2) would add 2 MB to a binary of 30, with a command-line
// parser in it, and reads answers of any length; what it brings besides is the
// rest of the answer.

// rdapList is IANA's list of RDAP servers (RFC 9224).
type rdapList struct {
	Services [][][]string `json:"services"` // pairs: labels, addresses
}

// rdapDomain is what of an answer is read (RFC 9083).
type rdapDomain struct {
	Name   string   `json:"ldhName"`
	Status []string `json:"status"`
	Events []struct {
		Action string `json:"eventAction"`
		Date   string `json:"eventDate"`
	} `json:"events"`
	Entities []struct {
		Roles []string        `json:"roles"`
		Card  json.RawMessage `json:"vcardArray"`
	} `json:"entities"`
}

var (
	errMissing = errors.New("it does not know the domain")
	errStrange = errors.New("its answer cannot be read")
	errOther   = errors.New("its answer is about another domain")
)

// bases are the RDAP servers of a suffix; none where it has none; with the lock
// held, so that the list is fetched once. Plain HTTP
// is not taken: WHOIS is as good.
func (r *Book) bases(ctx context.Context, suffix string) ([]string, error) {
	now := r.out.Now()
	if age := now.Sub(r.listAt); r.list == nil || age < 0 || age >= listFresh {
		body, err := r.get(ctx, r.out.Bootstrap)
		if err != nil {
			return nil, fmt.Errorf("list of RDAP servers: %w", err)
		}
		r.list, r.listAt = body, now
	}
	found, err := basesIn(r.list, suffix)
	if err != nil {
		r.list = nil // perhaps it comes whole the next time
		return nil, fmt.Errorf("list of RDAP servers: %w", err)
	}
	return found, nil
}

// basesIn are the servers of a suffix in the list, at most two.
func basesIn(body []byte, suffix string) ([]string, error) {
	var list rdapList
	if err := decodeJSON(body, &list); err != nil {
		return nil, err
	}
	var found []string
	longest := 0
	for _, service := range list.Services {
		if len(service) < 2 {
			continue
		}
		for _, label := range service[0] {
			label = strings.ToLower(label)
			if label == "" || suffix != label && !strings.HasSuffix(suffix, "."+label) || len(label) <= longest {
				continue
			}
			longest, found = len(label), nil
			for _, base := range service[1] {
				if u, err := url.Parse(base); err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(found) < 2 {
					found = append(found, strings.TrimSuffix(base, "/")+"/")
				}
			}
		}
	}
	return found, nil
}

// rdap asks one server.
func (r *Book) rdap(ctx context.Context, base, name string) (Registration, error) {
	body, err := r.get(ctx, base+"domain/"+name)
	if errors.Is(err, errMissing) {
		return Registration{By: "RDAP", Missing: true}, nil
	}
	if err != nil {
		return Registration{}, fmt.Errorf("RDAP: %w", err)
	}
	said, err := readRDAP(body, name)
	if err != nil {
		return Registration{}, fmt.Errorf("RDAP: %w", err)
	}
	return said, nil
}

// readRDAP reads an answer about a domain.
func readRDAP(body []byte, name string) (Registration, error) {
	var said rdapDomain
	if err := decodeJSON(body, &said); err != nil {
		return Registration{}, err
	}
	if said.Name != "" && PlainName(said.Name) != name {
		return Registration{}, errOther
	}
	if said.Name == "" && len(said.Events) == 0 && len(said.Status) == 0 {
		return Registration{}, errStrange
	}
	out := Registration{By: "RDAP", Held: holds(said.Status)}
	for _, e := range said.Events {
		if strings.EqualFold(e.Action, "expiration") {
			if at, ok := readDate(e.Date); ok {
				out.Expires = earlier(out.Expires, at)
			}
		}
	}
	for _, e := range said.Entities {
		if slices.Contains(e.Roles, "registrar") {
			out.Registrar = cmp.Or(out.Registrar, cardName(e.Card))
		}
	}
	return out, nil
}

// get reads what lies at an address, when it is its server's turn.
func (r *Book) get(ctx context.Context, address string) ([]byte, error) {
	leave, err := r.doors.enter(ctx, hostOf(address))
	if err != nil {
		return nil, err
	}
	body, err := r.fetch(ctx, address)
	leave(err)
	return body, err
}

func (r *Book) fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/rdap+json, application/json;q=0.9")
	resp, err := (&http.Client{Transport: r.wire, CheckRedirect: api.SameSite}).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, errMissing
	case resp.StatusCode != http.StatusOK:
		return nil, statusError(resp.StatusCode)
	}
	return io.ReadAll(resp.Body) // bounded by the transport
}

// decodeJSON reads JSON; a part of another shape leaves the rest as it is.
func decodeJSON(body []byte, into any) error {
	var shape *json.UnmarshalTypeError
	if err := json.Unmarshal(body, into); err != nil && !errors.As(err, &shape) {
		return fmt.Errorf("%w: %w", errStrange, err)
	}
	return nil
}

// cardName is the name on a jCard (RFC 7095): ["vcard", [["fn", {}, "text", "…"]]].
func cardName(raw json.RawMessage) string {
	var card []json.RawMessage
	if json.Unmarshal(raw, &card) != nil || len(card) < 2 {
		return ""
	}
	var lines [][]any
	if json.Unmarshal(card[1], &lines) != nil {
		return ""
	}
	for _, l := range lines {
		if len(l) >= 4 && l[0] == "fn" {
			if name, ok := l[3].(string); ok {
				return shortName(name)
			}
		}
	}
	return ""
}

// earlier is the first of two dates, of which one may be missing: of two that
// are told, the sooner is the safer.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
