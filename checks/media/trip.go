package media

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// slowAfter is from when on the storage is slow (defaults); Mastodon itself
// gives up after it.
const slowAfter = 5 * time.Second

// folder is the only one that the bot's key may write in.
const folder = "sababan/"

// A trip is a file that is put, got by its public name, deleted, and on this
// machine got again.
type trip struct{ put, get, del, again step }

// try makes the trip.
func (v *visit) try(ctx context.Context) trip {
	var t trip
	secret, err := site.ReadSecret(v.site.SecretFile(v.config.SecretKeyFile))
	if err != nil {
		t.put = step{state: unseen, why: noSecret, err: err}
		return t
	}
	if v.place.endpoint == nil || v.place.endpoint.Host == "" || v.place.bucket == "" {
		t.put = step{state: unseen, why: noBucket}
		return t
	}
	// While deletes are refused one file is written again and again, instead of
	// one more each time.
	key, again := v.memory.Left, true
	if key == "" || v.delete(ctx, key, secret).state == well {
		again = false
		key = folder + strings.ToLower(v.name()) + ".txt"
	}
	body := []byte("A test by sababan, deleted at once. " + v.name() + "\n")
	v.memory.Left = key // until it is known to be gone
	t.put = v.put(ctx, key, body, secret)
	if t.put.state != well {
		if t.put.code > 0 && !again {
			v.memory.Left = "" // it was refused; without an answer it may be there
		}
		return t
	}
	v.memory.Worked = true
	t.get = get(ctx, v.wireTo(), at(v.place.public, key))
	if t.get.state == well && !bytes.Equal(t.get.body, body) {
		t.get.state, t.get.why = ill, otherThing
	}
	if t.del = v.delete(ctx, key, secret); t.del.state == well {
		v.memory.Left = ""
	}
	return t
}

// put stores a file that everybody may read, as Mastodon does; where the storage
// knows no such lists, without.
func (v *visit) put(ctx context.Context, key string, body []byte, secret checks.Secret) step {
	for {
		req, err := http.NewRequest(http.MethodPut, at(v.place.endpoint, v.place.bucket+"/"+key).String(), bytes.NewReader(body))
		if err != nil {
			return step{state: unseen, why: noBucket, err: err}
		}
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
		req.Header.Set("Cache-Control", "no-store")
		if !v.memory.Plain {
			req.Header.Set("X-Amz-Acl", "public-read")
		}
		sign(req, body, v.place.region, v.config.AccessKey, secret, v.now)
		s := do(ctx, v.wire, req)
		lists := slices.Contains([]string{"AccessControlListNotSupported", "NotImplemented", "InvalidArgument"}, s.word) ||
			s.why == denied && !v.memory.Worked
		if s.state == ill && lists && !v.memory.Plain {
			v.memory.Plain = true
			continue
		}
		if s.state != well && !v.memory.Worked {
			v.memory.Plain = false // it was not that
		}
		return s
	}
}

func (v *visit) delete(ctx context.Context, key string, secret checks.Secret) step {
	req, err := http.NewRequest(http.MethodDelete, at(v.place.endpoint, v.place.bucket+"/"+key).String(), nil)
	if err != nil {
		return step{state: unseen, why: noBucket, err: err}
	}
	sign(req, nil, v.place.region, v.config.AccessKey, secret, v.now)
	s := do(ctx, v.wire, req)
	if s.code == http.StatusNotFound && s.why == notThere {
		s.state, s.why = well, noReason // gone is gone
	}
	return s
}
