package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/maphash"
	"net/http"
	"net/url"
	"strings"

	"github.com/sababan/sababan/checks/api"
)

// Where a server says what it is; the first since Mastodon 4.0.
const (
	pathV2 = "/api/v2/instance"
	pathV1 = "/api/v1/instance"
)

// depthLimit bounds how deep JSON may nest (own).
const depthLimit = 64

// instance is what is read of it.
type instance struct {
	Version string `json:"version"`
	// of v2
	Configuration struct {
		URLs struct {
			Streaming string `json:"streaming"`
		} `json:"urls"`
	} `json:"configuration"`
	// of v1
	URLs struct {
		Streaming string `json:"streaming_api"`
	} `json:"urls"`
}

// api asks what the server is; software that has only the older place is asked
// there, and such that has neither is not asked again for a while.
func (p *prober) api(ctx context.Context, v *visit, t *target) place {
	if t.noAPI > 0 {
		t.noAPI--
		return place{absent, noReason, http.StatusNotFound}
	}
	for {
		path := pathV2
		if t.old {
			path = pathV1
		}
		r, err := v.get(ctx, path, "application/json", &t.api)
		switch {
		case err != nil:
			return failed(err)
		case r.code == http.StatusNotModified:
			return place{well, noReason, r.code}
		case r.code == http.StatusNotFound && !t.old:
			t.old, t.api = true, known{}
			continue
		case r.code == http.StatusNotFound && t.mastodon:
			t.old, t.api = false, known{}
			return place{ill, status, r.code}
		case r.code == http.StatusNotFound, r.code == http.StatusMovedPermanently, r.code == http.StatusFound:
			t.old, t.noAPI = false, noAPIFor
			return place{absent, noReason, r.code}
		case r.code == http.StatusUnauthorized:
			return place{absent, noReason, r.code} // it answers those who are signed in
		case r.code != http.StatusOK:
			return readStatus(r.code)
		}
		return p.instance(r, t)
	}
}

// noAPIFor is at how many looks a place that was not there is not asked for
// (own: about an hour).
const noAPIFor = 15

func (p *prober) instance(r reply, t *target) place {
	sum := maphash.Bytes(p.seed, r.body)
	if sum == t.api.sum {
		return place{well, noReason, r.code}
	}
	var in instance
	if !bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("{")) || api.Depth(r.body) > depthLimit || json.Unmarshal(r.body, &in) != nil || in.Version == "" {
		t.api = known{}
		return place{ill, notJSON, r.code}
	}
	t.api.sum = sum
	t.mastodon = api.Software(in.Version).Name == api.Mastodon
	announced := in.Configuration.URLs.Streaming
	if announced == "" {
		announced = in.URLs.Streaming
	}
	t.elsewhere = elsewhere(announced, t.host, t.elsewhere)
	return place{well, noReason, r.code}
}

// elsewhere is the door of the host where a server says that it streams, nil
// where that is its own.
func elsewhere(announced, own string, before *door) *door {
	u, err := url.Parse(announced)
	if err != nil || u.Port() != "" && u.Port() != "443" || u.Scheme != "wss" && u.Scheme != "https" {
		return nil
	}
	host, ok := hostName(u.Hostname())
	switch {
	case !ok || strings.EqualFold(host, own):
		return nil
	case before != nil && before.host == host:
		return before
	}
	return &door{host: host}
}
