package fallback

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/checks"
)

// An ntfy is a topic of an ntfy server.
type ntfy struct {
	*caller
	name, server, topic string
	user                string
	password, token     credential
}

// newNtfy takes ntfy://HOST/TOPIC, with user:password@ or ?token= where the topic
// is closed.
func newNtfy(u *url.URL, o Options) (bot.Way, error) {
	q, err := known(u, "token", "token_file", "password_file")
	if err != nil {
		return nil, err
	}
	topic := strings.Trim(u.Path, "/")
	if u.Host == "" || !hookPart.MatchString(topic) {
		return nil, errors.New("should be ntfy://HOST/TOPIC, for example \"ntfy://ntfy.sh/my-topic\"")
	}
	n := &ntfy{caller: newCaller(o), name: wayName("ntfy", u.Host, topic), server: web(u.Host), topic: topic, user: u.User.Username()}
	if n.token, err = o.credentialOf(q, "token"); err != nil {
		return nil, err
	}
	if password, has := u.User.Password(); has {
		q.Set("password", password)
	}
	if n.password, err = o.credentialOf(q, "password"); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *ntfy) Name() string            { return n.name }
func (n *ntfy) Title() checks.Text      { return checks.Same("ntfy") }
func (n *ntfy) Patience() time.Duration { return n.patience }

// Limit keeps a message below the 4096 bytes above which ntfy makes a file of it.
func (n *ntfy) Limit() int { return 1300 }

func (n *ntfy) header() (http.Header, error) {
	h := http.Header{}
	switch {
	case !n.token.empty():
		token, err := n.token.read()
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Bearer "+token.Reveal())
	case n.user != "":
		password, err := n.password.read()
		if err != nil {
			return nil, err
		}
		h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(n.user+":"+password.Reveal())))
	}
	return h, nil
}

// priorities of ntfy: 5 is the loudest.
func priority(s checks.Severity) int {
	switch s {
	case checks.Critical:
		return 5
	case checks.Warning:
		return 4
	}
	return 3
}

func (n *ntfy) Send(ctx context.Context, m bot.Message) bot.Receipt {
	header, err := n.header()
	if err != nil {
		return bot.Receipt{Outcome: bot.Refused, Why: err.Error()}
	}
	_, r := n.post(ctx, http.MethodPost, n.server, header, map[string]any{
		"topic": n.topic, "title": m.Title, "message": m.Text, "priority": priority(m.Severity),
	})
	return r
}

// Find reads what the server keeps of the topic. Where it keeps nothing, or does
// not let us read, it cannot be told.
func (n *ntfy) Find(ctx context.Context, m bot.Message) (string, bool, error) {
	header, err := n.header()
	if err != nil {
		return "", false, err
	}
	since := strconv.FormatInt(m.Since.Add(-time.Minute).Unix(), 10)
	a, err := n.call(ctx, http.MethodGet, n.server+"/"+n.topic+"/json?poll=1&since="+since, header, nil)
	switch {
	case err != nil:
		return "", false, err
	case a.code == http.StatusUnauthorized || a.code == http.StatusForbidden || a.code == http.StatusNotFound:
		return "", false, bot.ErrCannotTell
	case a.code != http.StatusOK:
		return "", false, fmt.Errorf("it answered %d", a.code)
	}
	lines := bufio.NewScanner(bytes.NewReader(a.body))
	lines.Buffer(nil, answerLimit)
	for lines.Scan() {
		var one struct{ ID, Event, Title, Message string }
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.Event == "message" && one.Title == m.Title && one.Message == m.Text {
			return one.ID, true, nil
		}
	}
	return "", false, lines.Err()
}
