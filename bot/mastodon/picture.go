package mastodon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks/api"
)

const (
	mediaAPI = "/api/v2/media"
	// mostDescription is what Mastodon up to 4.5 takes, in characters; later
	// versions take more.
	mostDescription = 1500
	// picturesWait is how long a post waits for its pictures to be taken (own: an
	// answer is still an answer after ten minutes, and words are better than none).
	picturesWait = 10 * time.Minute
	// askAgain is how often a file is asked for that the server works on (own).
	askAgain = 500 * time.Millisecond
)

// uploading is the first part of the patience, 7 s of 15: what is left is for
// the post itself and what comes after it (own).
func (h *Mastodon) uploading() time.Duration { return h.patience * 7 / 15 }

// upload gives the pictures of a message to the server. A receipt with a reason
// means that the message is not to be sent now.
func (h *Mastodon) upload(ctx context.Context, m bot.Message) (ids []string, no bot.Receipt) {
	if len(m.Pictures) == 0 {
		return nil, bot.Receipt{}
	}
	ctx, cancel := context.WithTimeout(ctx, h.uploading())
	defer cancel()
	files := h.uploads.take(m.Key)
	for len(files) < len(m.Pictures) {
		f, err := h.uploadOne(ctx, m.Pictures[len(files)])
		if err != nil {
			h.uploads.keep(m.Key, files)
			return nil, pictureReceipt(err, time.Since(m.Since))
		}
		files = append(files, f)
	}
	for i := range files {
		if err := h.worked(ctx, &files[i]); err != nil {
			if !notFound(err) { // else it was pruned meanwhile
				h.uploads.keep(m.Key, files)
			}
			return nil, pictureReceipt(err, time.Since(m.Since))
		}
		ids = append(ids, string(files[i].ID))
	}
	return ids, bot.Receipt{}
}

// file is an upload as the server tells of it.
type file struct {
	ID    gomastodon.ID `json:"id"`
	ready bool
}

func (h *Mastodon) uploadOne(ctx context.Context, p bot.Picture) (file, error) {
	var f file
	code, err := h.api.Upload(ctx, mediaAPI,
		api.File{Field: "file", Name: "chart.png", Type: "image/png", Data: p.PNG},
		url.Values{"description": {description(p.Alt)}}, &f)
	if err != nil {
		return file{}, err
	}
	if !idForm.MatchString(string(f.ID)) {
		return file{}, &api.ShapeError{Method: http.MethodPost, Path: mediaAPI, Err: fmt.Errorf("no id in it")}
	}
	f.ready = code != http.StatusAccepted
	return f, nil
}

// worked waits until the server has done its work on a file: 206 is that it has
// not.
func (h *Mastodon) worked(ctx context.Context, f *file) error {
	for !f.ready {
		err := h.api.Get(ctx, "/api/v1/media/"+string(f.ID), nil, nil)
		if statusCode(err) != http.StatusPartialContent {
			f.ready = err == nil
			return err
		}
		if !pause(ctx, askAgain) {
			return err
		}
	}
	return nil
}

// description is an alt text, cut to what every server takes.
func description(alt string) string {
	runes := []rune(strings.TrimSpace(alt))
	if len(runes) <= mostDescription {
		return string(runes)
	}
	return string(runes[:mostDescription-1]) + "…"
}

// A fate is what becomes of a message whose picture was not taken.
type fate int

const (
	picturesLater fate = iota // it is tried again
	picturesNever             // it goes without
	nothingPasses             // no other message passes either
)

// pictureFate decides what an upload's error means for its message, which has
// waited for so long, and why.
func pictureFate(err error, waited time.Duration) (f fate, reason string) {
	var status *api.StatusError
	if errors.As(err, &status) {
		switch spoken := spokenByAPI(status); {
		case status.Code == http.StatusUnauthorized,
			status.Code == http.StatusUnprocessableEntity && strings.Contains(strings.ToLower(status.Message), "authenticated user"):
			return nothingPasses, "token"
		case status.Code == http.StatusForbidden && spoken:
			return picturesNever, "the token may lack the scope write:media"
		case status.Code == http.StatusRequestEntityTooLarge:
			return picturesNever, "the picture is too large for the server"
		case status.Code == http.StatusUnprocessableEntity, spoken && status.Code == http.StatusBadRequest:
			return picturesNever, "the server does not take the picture"
		case spoken && (status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed) && status.Method == http.MethodPost,
			status.Code == http.StatusNotImplemented:
			return picturesNever, "the server takes no pictures"
		}
	}
	if waited >= picturesWait {
		return picturesNever, "the picture could not be uploaded for " + picturesWait.String()
	}
	return picturesLater, "the picture could not be uploaded"
}

// pictureReceipt is what became of a message whose picture was not taken: it
// certainly is not there.
func pictureReceipt(err error, waited time.Duration) bot.Receipt {
	f, reason := pictureFate(err, waited)
	r := bot.Receipt{
		Outcome: bot.Refused, ForMessage: f != nothingPasses, NoPictures: f == picturesNever,
		Why: reason + ": " + err.Error(),
	}
	if limited := (*api.RateLimitError)(nil); errors.As(err, &limited) && f == picturesLater {
		r.NotBefore = limited.Reset
		if wait := picturesWait - waited; time.Until(limited.Reset) > wait {
			r.NotBefore = time.Now().Add(wait)
		}
	}
	return r
}

// pictured changes a refusal of a message with pictures that may be for their
// sake: its words are tried without them before it is given up.
func pictured(r bot.Receipt, err error, m bot.Message) bot.Receipt {
	var status *api.StatusError
	if len(m.Pictures) > 0 && r.Final && errors.As(err, &status) && len(unexpected(status)) == 0 {
		r.Final, r.NoPictures = false, true
	}
	return r
}

// uploads remembers the files of one message that could not be sent in time, so
// that a slow server need not take them again.
type uploads struct {
	mu    sync.Mutex
	key   string
	files []file
}

func (u *uploads) keep(key string, files []file) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.key, u.files = key, slices.Clone(files)
}

// take gives them out once: a file can be in one post only.
func (u *uploads) take(key string) []file {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.key != key {
		return nil
	}
	files := u.files
	u.key, u.files = "", nil
	return files
}
