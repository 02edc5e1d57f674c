package mastodon

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	gomastodon "github.com/mattn/go-mastodon"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
)

// libraryError gives an error of go-mastodon the type that the same failure
// has in checks/api, and takes out of it the token, which some servers show with
// the rest of the request.
func (h *Mastodon) libraryError(method, path string, err error) error {
	var (
		status *gomastodon.APIError
		outer  *url.Error
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		e := &api.StatusError{Method: method, Path: path, Code: status.StatusCode, Message: http.StatusText(status.StatusCode)}
		if status.Message != "" {
			// Only an error of the API has words; others are pages.
			e.Message = checks.Quote(checks.NewSecret(h.library.Config.AccessToken).Hide(status.Message))
			e.Body, _ = json.Marshal(map[string]string{"error": e.Message}) // a string cannot fail
		}
		return e
	case errors.As(err, &syntax), errors.As(err, &kind):
		return &api.ShapeError{Method: method, Path: path, Err: err}
	case errors.As(err, &outer):
		return outer.Err
	}
	return err
}
