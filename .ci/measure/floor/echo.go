// Echo is the floor of an answer: it hears of a mention by the stream and posts
// a reply at once. It reads nothing else, keeps nothing and checks nothing.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coder/websocket"
)

func main() {
	server, token := os.Getenv("SERVER"), os.Getenv("TOKEN")
	if err := echo(context.Background(), server, token); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func echo(ctx context.Context, server, token string) error {
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(server, "http")+"/api/v1/streaming?stream=user:notification",
		&websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var frame struct{ Event, Payload string }
		var told struct {
			Account struct{ Acct string }
			Status  struct{ ID string }
		}
		if err := json.Unmarshal(text, &frame); err != nil {
			return err
		}
		if frame.Event != "notification" {
			continue
		}
		if err := json.Unmarshal([]byte(frame.Payload), &told); err != nil {
			return err
		}
		if told.Status.ID == "" {
			continue
		}
		form := url.Values{"status": {"here @" + told.Account.Acct}, "visibility": {"direct"}, "in_reply_to_id": {told.Status.ID}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/api/v1/statuses", strings.NewReader(form.Encode()))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
