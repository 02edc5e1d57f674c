package mastodon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks/api"
)

// receiptOf says what became of a message whose POST ended in an error. A 404
// needs a second look; see [Mastodon.missing].
func receiptOf(err error) bot.Receipt {
	var (
		limited *api.RateLimitError
		status  *api.StatusError
	)
	switch {
	case errors.As(err, &limited):
		return bot.Receipt{Outcome: bot.Refused, Why: limited.Error(), NotBefore: limited.Reset}
	case errors.As(err, &status):
		return statusReceipt(status)
	case !api.Sent(err):
		return bot.Receipt{Outcome: bot.Refused, Why: "not sent: " + err.Error()}
	}
	// Time ran out, the connection was cut, or the answer is none that a
	// Mastodon gives: the post may have been stored all the same.
	return bot.Receipt{Outcome: bot.Uncertain, Why: "no usable answer: " + err.Error()}
}

func statusReceipt(e *api.StatusError) bot.Receipt {
	why := e.Error()
	switch {
	case e.Code >= 500:
		// A proxy may give up on a request that the server goes on with.
		return bot.Receipt{Outcome: bot.Uncertain, Why: why}
	case e.Code == http.StatusUnauthorized:
		return bot.Receipt{Outcome: bot.Refused, Why: "token: " + why}
	case e.Code == http.StatusForbidden:
		return bot.Receipt{Outcome: bot.Refused, Why: "permission: " + why}
	case e.Code < 400 || e.Code == http.StatusMethodNotAllowed || !spokenByAPI(e):
		return bot.Receipt{Outcome: bot.Refused, Why: "no Mastodon API there: " + why}
	case e.Code == http.StatusUnprocessableEntity && strings.Contains(strings.ToLower(e.Message), "authenticated user"):
		// A token of an application, without a user behind it.
		return bot.Receipt{Outcome: bot.Refused, Why: "token: " + why}
	case e.Code == http.StatusUnprocessableEntity && len(unexpected(e)) > 0:
		return bot.Receipt{
			Outcome: bot.Refused, ForMessage: true, Final: true,
			Why: fmt.Sprintf("the text would also have reached %d other accounts: %s", len(unexpected(e)), why),
		}
	case e.Code == http.StatusUnprocessableEntity, e.Code == http.StatusBadRequest,
		e.Code == http.StatusRequestEntityTooLarge, e.Code == http.StatusNotAcceptable:
		return bot.Receipt{Outcome: bot.Refused, ForMessage: true, Final: true, Why: why}
	}
	return bot.Receipt{Outcome: bot.Refused, ForMessage: true, Why: why}
}

// spokenByAPI tells an error of the API from one of whatever stands before it.
func spokenByAPI(e *api.StatusError) bool {
	var body struct {
		Error *json.RawMessage `json:"error"`
	}
	return json.Unmarshal(e.Body, &body) == nil && body.Error != nil
}

// unexpected are the ids of the accounts that a text would have reached besides
// those in allowed_mentions[].
func unexpected(e *api.StatusError) []string {
	var body struct {
		Accounts []struct {
			ID string `json:"id"`
		} `json:"unexpected_accounts"`
	}
	if json.Unmarshal(e.Body, &body) != nil {
		return nil
	}
	ids := make([]string, 0, len(body.Accounts))
	for _, a := range body.Accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

// notFound is the API's own 404, not that of a proxy.
func notFound(err error) bool {
	var status *api.StatusError
	return errors.As(err, &status) && status.Code == http.StatusNotFound && spokenByAPI(status)
}

func statusCode(err error) int {
	var status *api.StatusError
	if errors.As(err, &status) {
		return status.Code
	}
	return 0
}
