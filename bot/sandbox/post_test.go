package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestADirectPostReachesThoseItsTextMentions(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"one", "@admin look", "admin"},
		{"with the server's own name", "look @admin@sandbox.example", "admin"},
		{"whatever the case", "@ADMIN", "admin"},
		{"each once", "@admin @admin", "admin"},
		{"somebody elsewhere", "@far@other.example", "far@other.example"},
		{"somebody elsewhere who was not met", "@new@other.example", "new@other.example"},
		{"nobody for a name that does not exist", "@nobody and @admin@nowhere.example", ""},
		{"nobody for a suspended account", "@banned", ""},
		{"nobody for an account that blocks", "@grumpy", ""},
		{"everybody who is named in passing", "@admin unit @other failed", "admin other"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.AddAccount(Account{Username: "other"})
			w.AddAccount(Account{Username: "far", Domain: "other.example"})
			w.AddAccount(Account{Username: "new", Domain: "other.example", Unseen: true})
			w.AddAccount(Account{Username: "banned", Suspended: true})
			w.Block(w.AddAccount(Account{Username: "grumpy"}), w.bot)
			got := w.tell(c.text)
			if got.code != http.StatusOK {
				t.Fatalf("%d %s", got.code, got.body)
			}
			var accts []string
			for _, m := range got.object(t)["mentions"].([]any) {
				accts = append(accts, m.(map[string]any)["acct"].(string))
			}
			if strings.Join(accts, " ") != c.want {
				t.Errorf("reached %q, not %q", accts, c.want)
			}
		})
	}
}

func TestAPersonElsewhereMustNameTheServer(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.AddAccount(Account{Username: "far", Domain: "other.example"})
	if st := w.say(far, "@saba status", SayOptions{}); len(st.Mentions) != 0 {
		t.Errorf("reached %v", st.Mentions)
	}
	st := w.say(far, "@saba@sandbox.example status", SayOptions{})
	if len(st.Mentions) != 1 || st.Mentions[0].ID != w.bot.ID || st.Text != "@saba status" {
		t.Errorf("%+v", st)
	}
}

func TestOnlyTheAuthorAndTheMentionedSeeADirectPost(t *testing.T) {
	w := newWorld(t, Options{})
	stranger := w.AddAccount(Account{Username: "stranger"})
	w.Follow(stranger, w.bot)
	id := w.tell("@admin secret").object(t)["id"].(string)
	cases := []struct {
		name  string
		token string
		code  int
	}{
		{"the author", w.token, 200},
		{"the one who is mentioned", w.Token(w.admin), 200},
		{"a follower", w.Token(stranger), 404},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			auth := "Authorization: Bearer " + c.token
			if got := w.do("GET", "/api/v1/statuses/"+id, nil, auth); got.code != c.code {
				t.Errorf("%d %s", got.code, got.body)
			}
			listed := w.do("GET", "/api/v1/accounts/"+w.bot.ID+"/statuses", nil, auth).ids(t) == id
			if listed != (c.code == 200) {
				t.Errorf("listed: %v", listed)
			}
			if got := w.do("GET", "/api/v1/statuses/"+id+"/context", nil, auth); got.code != c.code {
				t.Errorf("context: %d", got.code)
			}
		})
	}
	if got := w.do("GET", "/api/v1/statuses/"+id, nil, "Authorization: "); got.code != 404 {
		t.Errorf("a stranger without a token sees %d", got.code)
	}
}

func TestAllowedMentionsGuardAPost(t *testing.T) {
	cases := []struct {
		name    string
		opts    Options
		text    string
		allowed bool
		code    int
	}{
		{"everybody in the text is allowed", Options{}, "@admin hi", true, 200},
		{"nobody in the text", Options{}, "hi", true, 200},
		{"somebody else in the text", Options{}, "@admin and @other", true, 422},
		{"no guard when none is given", Options{}, "@admin and @other", false, 200},
		{"no guard on GoToSocial", Options{Flavour: GoToSocial}, "@admin and @other", true, 200},
		{"no guard when it is switched off", Options{IgnoreAllowedMentions: true}, "@admin and @other", true, 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opts)
			other := w.AddAccount(Account{Username: "other"})
			form := url.Values{"status": {c.text}, "visibility": {"direct"}}
			if c.allowed {
				form["allowed_mentions[]"] = []string{w.admin.ID}
			}
			got := w.do("POST", "/api/v1/statuses", form)
			if got.code != c.code {
				t.Fatalf("%d %s", got.code, got.body)
			}
			if c.code == 422 {
				unexpected := got.object(t)["unexpected_accounts"].([]any)
				if len(unexpected) != 1 || unexpected[0].(map[string]any)["id"] != other.ID {
					t.Errorf("unexpected: %v", unexpected)
				}
				if len(w.Statuses()) != 0 {
					t.Error("it was stored all the same")
				}
			}
		})
	}
}

func TestAKeyLeadsToTheFirstStatusForOneHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{})
		first := w.tell("@admin one", "Idempotency-Key: k").object(t)
		pass(time.Hour - time.Second)
		again := w.tell("@admin two", "Idempotency-Key: k").object(t)
		if again["id"] != first["id"] || again["content"] != first["content"] {
			t.Error("the same key made another status within the hour")
		}
		if other := w.tell("@admin three", "Idempotency-Key: l").object(t); other["id"] == first["id"] {
			t.Error("another key led to the same status")
		}
		elsewhere := w.do("POST", "/api/v1/statuses", url.Values{"status": {"mine"}}, "Idempotency-Key: k",
			"Authorization: Bearer "+w.Token(w.admin)).object(t)
		if elsewhere["id"] == first["id"] {
			t.Error("another account's key led to the same status")
		}
		pass(2 * time.Second)
		if late := w.tell("@admin four", "Idempotency-Key: k").object(t); late["id"] == first["id"] {
			t.Error("the key is still known after the hour")
		}
	})
}

func TestAKeyWhoseStatusIsGoneIs404(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.tell("@admin one", "Idempotency-Key: k").object(t)["id"].(string)
	if got := w.do("DELETE", "/api/v1/statuses/"+id, nil); got.code != 200 || got.object(t)["text"] != "@admin one" {
		t.Fatalf("%d %s", got.code, got.body)
	}
	if got := w.tell("@admin one", "Idempotency-Key: k"); got.code != 404 {
		t.Errorf("%d %s", got.code, got.body)
	}
}

func TestAServerThatIgnoresKeysPostsTwice(t *testing.T) {
	for name, opts := range map[string]Options{
		"GoToSocial": {Flavour: GoToSocial}, "switched off": {IgnoreIdempotency: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, opts)
			w.tell("@admin one", "Idempotency-Key: k")
			w.tell("@admin one", "Idempotency-Key: k")
			all := w.Inbox(w.admin)
			if len(all) != 2 || all[0].Key != "k" {
				t.Errorf("%+v", all)
			}
		})
	}
}

func TestWhatCannotBePostedIsRefused(t *testing.T) {
	cases := []struct {
		name string
		opts Options
		form url.Values
		code int
	}{
		{"no text", Options{}, url.Values{"status": {" \n"}}, 422},
		{"too long", Options{}, url.Values{"status": {strings.Repeat("x", 501)}}, 422},
		{"just not too long", Options{}, url.Values{"status": {strings.Repeat("鯖", 500)}}, 200},
		{"too long with the warning", Options{}, url.Values{"status": {strings.Repeat("x", 490)}, "spoiler_text": {"eleven char"}}, 422},
		{"too long for GoToSocial", Options{Flavour: GoToSocial}, url.Values{"status": {strings.Repeat("x", 5001)}}, 400},
		{"an answer to nothing", Options{}, url.Values{"status": {"x"}, "in_reply_to_id": {"17"}}, 404},
		{"no such visibility", Options{}, url.Values{"status": {"x"}, "visibility": {"secret"}}, 422},
		{"a file that is not there", Options{}, url.Values{"status": {"x"}, "media_ids[]": {"17"}}, 422},
		{"later", Options{}, url.Values{"status": {"x"}, "scheduled_at": {"2040-01-01T00:00:00Z"}}, 422},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opts)
			got := w.do("POST", "/api/v1/statuses", c.form)
			if got.code != c.code || c.code != 200 && got.object(t)["error"] == "" {
				t.Errorf("%d %s", got.code, got.body)
			}
			if stored := len(w.Statuses()); (stored == 1) != (c.code == 200) {
				t.Errorf("%d stored", stored)
			}
		})
	}
}

func TestAnAnswerToADirectPostOfOthersIs404(t *testing.T) {
	w := newWorld(t, Options{})
	other := w.AddAccount(Account{Username: "other"})
	secret := w.say(w.admin, "@other psst", SayOptions{})
	if got := w.do("POST", "/api/v1/statuses", url.Values{"status": {"x"}, "in_reply_to_id": {secret.ID}}); got.code != 404 {
		t.Errorf("%d %s", got.code, got.body)
	}
	if _, err := w.Say(w.bot, "x", SayOptions{InReplyTo: secret.ID}); err == nil {
		t.Error("in process it was allowed")
	}
	w.say(other, "@admin yes", SayOptions{InReplyTo: secret.ID})
}

func TestAThreadIsSeenFromEachOfItsPosts(t *testing.T) {
	w := newWorld(t, Options{})
	question := w.say(w.admin, "@saba status", SayOptions{})
	first := w.do("POST", "/api/v1/statuses", url.Values{
		"status": {"@admin one"}, "visibility": {"direct"}, "in_reply_to_id": {question.ID},
	}).object(t)
	w.do("POST", "/api/v1/statuses", url.Values{
		"status": {"@admin two"}, "visibility": {"direct"}, "in_reply_to_id": {first["id"].(string)},
	})
	if first["in_reply_to_id"] != question.ID || first["in_reply_to_account_id"] != w.admin.ID {
		t.Errorf("the parent is %v", first["in_reply_to_id"])
	}
	context := w.do("GET", "/api/v1/statuses/"+first["id"].(string)+"/context", nil).object(t)
	if len(context["ancestors"].([]any)) != 1 || len(context["descendants"].([]any)) != 1 {
		t.Errorf("%v", context)
	}
	all := w.Inbox(w.admin)
	if len(all) != 2 || all[0].InReplyTo != question.ID || all[0].Text != "@admin one" || all[0].Author.ID != w.bot.ID {
		t.Errorf("%+v", all)
	}
}

func TestAPostMayComeAsJSON(t *testing.T) {
	w := newWorld(t, Options{})
	body := fmt.Sprintf(`{"status":"@admin hi","visibility":"direct","allowed_mentions":[%q],"sensitive":true,"language":"ja"}`, w.admin.ID)
	req, _ := http.NewRequestWithContext(t.Context(), "POST", w.URL()+"/api/v1/statuses", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	all := w.Inbox(w.admin)
	if res.StatusCode != 200 || len(all) != 1 || all[0].Language != "ja" {
		t.Errorf("%d %+v", res.StatusCode, all)
	}
}

func TestAPostMayComeAsMultipart(t *testing.T) {
	w := newWorld(t, Options{})
	body := "--b\r\nContent-Disposition: form-data; name=\"status\"\r\n\r\n@admin hi\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"visibility\"\r\n\r\ndirect\r\n--b--\r\n"
	req, _ := http.NewRequestWithContext(t.Context(), "POST", w.URL()+"/api/v1/statuses", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	res, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if all := w.Inbox(w.admin); res.StatusCode != 200 || len(all) != 1 || all[0].Text != "@admin hi" {
		t.Errorf("%d %+v", res.StatusCode, all)
	}
}

func TestABodyThatIsNoneIsRefused(t *testing.T) {
	w := newWorld(t, Options{})
	cases := []struct {
		name, kind, body string
		code             int
	}{
		{"broken JSON", "application/json", `{"status":`, 400},
		{"JSON that is no object", "application/json", `[1]`, 400},
		{"a broken form", "application/x-www-form-urlencoded", "status=%zz", 400},
		{"a multipart body without its end", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=x\r\n\r\nx", 400},
		{"more than a megabyte", "application/json", strings.Repeat(" ", maxBody+1), 413},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", w.URL()+"/api/v1/statuses", strings.NewReader(c.body))
			req.Header.Set("Authorization", "Bearer "+w.token)
			req.Header.Set("Content-Type", c.kind)
			res, err := w.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != c.code {
				t.Errorf("%d", res.StatusCode)
			}
		})
	}
}

func TestOneKeyFromManyAtOnceIsOneStatus(t *testing.T) {
	w := newWorld(t, Options{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := w.try("POST", "/api/v1/statuses", url.Values{"status": {"@admin x"}, "visibility": {"direct"}}, "Idempotency-Key: k")
			if err != nil || got.code != 200 {
				t.Errorf("%d, %v", got.code, err)
			}
		})
	}
	all.Wait()
	if n := len(w.Inbox(w.admin)); n != 1 {
		t.Errorf("%d stored", n)
	}
}

func TestTheSourceOfAStatusIsItsText(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.tell("@admin@sandbox.example <b>").object(t)["id"].(string)
	if got := w.do("GET", "/api/v1/statuses/"+id+"/source", nil).object(t); got["text"] != "@admin <b>" {
		t.Errorf("%v", got)
	}
}

func TestStatusIdsOnlyGrow(t *testing.T) {
	for name, opts := range map[string]Options{"Mastodon": {}, "GoToSocial": {Flavour: GoToSocial}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, opts)
			last := ""
			for range 100 {
				st := w.say(w.admin, "x", SayOptions{})
				if compareIDs(st.ID, last) <= 0 {
					t.Fatalf("%s after %s", st.ID, last)
				}
				last = st.ID
			}
			if opts.Flavour == GoToSocial && len(last) != 26 {
				t.Errorf("%s is no ULID", last)
			}
		})
	}
}

func TestPagesOfAnAccountsStatusesAreNewestFirst(t *testing.T) {
	w := newWorld(t, Options{})
	var ids []string
	for range 5 {
		ids = append(ids, w.tell("@admin x").object(t)["id"].(string))
	}
	path := "/api/v1/accounts/" + w.bot.ID + "/statuses?limit=2"
	cases := []struct{ name, query, want string }{
		{"the newest", "", ids[4] + " " + ids[3]},
		{"those below max_id", "&max_id=" + ids[3], ids[2] + " " + ids[1]},
		{"the newest above since_id", "&since_id=" + ids[0], ids[4] + " " + ids[3]},
		{"the next above min_id", "&min_id=" + ids[0], ids[2] + " " + ids[1]},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := w.do("GET", path+c.query, nil).ids(t); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}
