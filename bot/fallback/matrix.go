package fallback

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// A matrix is a room. Sending again with the same transaction is the same
// message there, by the protocol.
type matrix struct {
	*caller
	name, server, room string
	token              credential
}

// newMatrix takes matrix://HOST/!ROOM:SERVER?token_file=….
func newMatrix(u *url.URL, o Options) (bot.Way, error) {
	q, err := known(u, "token", "token_file")
	if err != nil {
		return nil, err
	}
	room := strings.Trim(u.Path, "/")
	if u.Host == "" || !strings.HasPrefix(room, "!") || strings.ContainsAny(room, "/ ") {
		return nil, errors.New("should be matrix://HOST/!ROOM:SERVER?token_file=…; the room's id stands in its settings")
	}
	m := &matrix{caller: newCaller(o), name: wayName("matrix", u.Host, room), server: web(u.Host), room: room}
	if m.token, err = o.credentialOf(q, "token"); err != nil {
		return nil, err
	}
	if m.token.empty() {
		return nil, errors.New("matrix: needs token_file=… with the access token of an account in the room")
	}
	return m, nil
}

func (m *matrix) Name() string            { return m.name }
func (m *matrix) Title() checks.Text      { return checks.Same("Matrix") }
func (m *matrix) Limit() int              { return 10000 } // of 64 KB
func (m *matrix) Patience() time.Duration { return m.patience }

func (m *matrix) Send(ctx context.Context, msg bot.Message) bot.Receipt {
	token, err := m.token.read()
	if err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: err.Error()}
	}
	address := m.server + "/_matrix/client/v3/rooms/" + url.PathEscape(m.room) + "/send/m.room.message/" + url.PathEscape(msg.Key)
	_, r := m.post(ctx, http.MethodPut, address, http.Header{"Authorization": {"Bearer " + token.Reveal()}},
		map[string]any{"msgtype": "m.text", "body": msg.Title + "\n" + msg.Text})
	return r
}

// Find never finds: what is sent again is the same transaction.
func (m *matrix) Find(context.Context, bot.Message) (string, bool, error) { return "", false, nil }
