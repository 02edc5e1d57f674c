package mastodon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks/api"
)

func TestWhatAFailedPostMeans(t *testing.T) {
	answered := func(code int, body string) error {
		return fmt.Errorf("POST: %w", &api.StatusError{Code: code, Message: "words", Body: []byte(body)})
	}
	const said = `{"error":"words"}`
	reset := time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)
	limited := wide()
	limited.NotBefore = reset
	for name, c := range map[string]struct {
		err  error
		want bot.Receipt
		why  string
	}{
		"no connection":               {&api.TransportError{Err: errors.New("connection refused")}, wide(), "not sent"},
		"a connection that was cut":   {&api.TransportError{Err: errors.New("EOF"), Wrote: true}, uncertain(), "no usable answer"},
		"no answer in time":           {&api.TransportError{Err: context.DeadlineExceeded, Wrote: true}, uncertain(), "deadline"},
		"no connection in time":       {&api.TransportError{Err: context.DeadlineExceeded}, wide(), "not sent"},
		"a page with 200":             {&api.NotJSONError{Code: 200, ContentType: "text/html"}, uncertain(), "not JSON"},
		"JSON of another shape":       {&api.ShapeError{Err: errors.New("no object")}, uncertain(), "unexpected JSON"},
		"an answer that is too large": {&api.TooLargeError{Limit: 5}, uncertain(), "larger"},
		"something unknown":           {errors.New("what?"), uncertain(), "what?"},
		"too many requests":           {&api.RateLimitError{Reset: reset}, limited, "too many"},
		"500":                         {answered(500, said), uncertain(), "500"},
		"503, the lock on the key":    {answered(503, said), uncertain(), "503"},
		"401":                         {answered(401, said), wide(), "token: "},
		"403":                         {answered(403, said), wide(), "permission: "},
		"403 by a proxy":              {answered(403, "<html>"), wide(), "permission: "},
		"a redirect":                  {answered(302, ""), wide(), "no Mastodon API"},
		"a page that is not found":    {answered(404, "<html>"), wide(), "no Mastodon API"},
		"405":                         {answered(405, said), wide(), "no Mastodon API"},
		"408 by a proxy":              {answered(408, "<html>"), wide(), "no Mastodon API"},
		"400, as GoToSocial says of a text too long": {answered(400, said), final(), "400"},
		"413":                                  {answered(413, said), final(), "413"},
		"422":                                  {answered(422, said), final(), "422"},
		"422 with others who would be reached": {answered(422, `{"error":"words","unexpected_accounts":[{"id":"9"},{"id":"8"}]}`), final(), "2 other accounts"},
		"422 with nobody else":                 {answered(422, `{"error":"words","unexpected_accounts":[]}`), final(), "422"},
		"422 for the token of an application": {
			&api.StatusError{Code: 422, Message: "This method requires an authenticated user", Body: []byte(said)}, wide(), "token: ",
		},
		"409": {answered(409, said), forMessage(), "409"},
		"410": {answered(410, said), forMessage(), "410"},
	} {
		t.Run(name, func(t *testing.T) {
			got := receiptOf(c.err)
			if !strings.Contains(got.Why, c.why) {
				t.Errorf("why is %q, want %q in it", got.Why, c.why)
			}
			if got.Why = ""; got != c.want {
				t.Errorf("receipt %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAKeyIsSpentForTwoHoursAndTheNextIsDerivedFromIt(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var k keyring
	for n, want := range []string{"a", "a/1", "a/2"} {
		if got := k.current("a"); got != want {
			t.Errorf("after %d spendings the key is %q, want %q", n, got, want)
		}
		k.spend("a", now)
	}
	if got := k.current("b"); got != "b" {
		t.Errorf("another key is %q", got)
	}
	k.spend("b", now.Add(2*keyLife+time.Second))
	if got := k.current("a"); got != "a" {
		t.Errorf("after its time the key is %q", got)
	}
}
