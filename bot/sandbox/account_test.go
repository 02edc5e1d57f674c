package sandbox

import (
	"net/url"
	"testing"
)

func TestTokensOpenWhatTheirScopesSay(t *testing.T) {
	w := newWorld(t, Options{})
	revoked := w.Token(w.bot)
	w.Revoke(revoked)
	cases := []struct {
		name, method, path, token string
		code                      int
	}{
		{"no token", "GET", "/api/v1/accounts/verify_credentials", "", 401},
		{"a wrong token", "GET", "/api/v1/accounts/verify_credentials", "x", 401},
		{"a revoked token", "GET", "/api/v1/accounts/verify_credentials", revoked, 401},
		{"a narrow scope", "GET", "/api/v1/accounts/verify_credentials", w.Token(w.bot, "read:accounts"), 200},
		{"a wide scope", "GET", "/api/v1/notifications", w.Token(w.bot, "read"), 200},
		{"another scope", "GET", "/api/v1/notifications", w.Token(w.bot, "read:accounts", "write"), 403},
		{"reading is not writing", "POST", "/api/v1/statuses", w.Token(w.bot, "read"), 403},
		{"the old scope of following", "GET", "/api/v1/accounts/relationships", w.Token(w.bot, "follow"), 200},
		{"an open path without a token", "GET", "/api/v1/accounts/lookup?acct=admin", "", 200},
		{"an open path with a wrong token", "GET", "/api/v1/accounts/lookup?acct=admin", "x", 401},
		{"the instance with a wrong token", "GET", "/api/v2/instance", "x", 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			auth := "Authorization: "
			if c.token != "" {
				auth += "Bearer " + c.token
			}
			got := w.do(c.method, c.path, nil, auth)
			if got.code != c.code || c.code >= 400 && got.object(t)["error"] == "" {
				t.Errorf("%d %s", got.code, got.body)
			}
		})
	}
}

func TestLookupNeverAsksAnotherServer(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.AddAccount(Account{Username: "far", Domain: "other.example", Unseen: true})
	const lookup = "/api/v1/accounts/lookup?acct=far@other.example"
	if got := w.do("GET", lookup, nil); got.code != 404 {
		t.Errorf("before it was met: %d", got.code)
	}
	if got := w.do("GET", "/api/v1/accounts/search?q=far@other.example", nil).ids(t); got != "" {
		t.Errorf("a search that resolves nothing found %s", got)
	}
	found := w.do("GET", "/api/v2/search?type=accounts&resolve=true&q=@far@other.example", nil).object(t)["accounts"].([]any)
	if len(found) != 1 || found[0].(map[string]any)["acct"] != "far@other.example" {
		t.Errorf("%v", found)
	}
	if got := w.do("GET", lookup, nil).object(t)["id"]; got != far.ID {
		t.Errorf("after it was met: %v", got)
	}
	for _, acct := range []string{"admin", "ADMIN", "@admin", "admin@sandbox.example"} {
		if got := w.do("GET", "/api/v1/accounts/lookup?acct="+acct, nil).object(t); got["id"] != w.admin.ID || got["acct"] != "admin" {
			t.Errorf("%s leads to %v", acct, got["acct"])
		}
	}
}

func TestFollowingShowsOnBothSides(t *testing.T) {
	w := newWorld(t, Options{})
	path := "/api/v1/accounts/relationships?id[]=" + w.admin.ID
	if got := w.do("GET", path, nil).list(t)[0]; got["following"] != false || got["followed_by"] != false {
		t.Errorf("%v", got)
	}
	w.Follow(w.admin, w.bot)
	w.do("POST", "/api/v1/accounts/"+w.admin.ID+"/follow", url.Values{})
	if got := w.do("GET", path, nil).list(t)[0]; got["following"] != true || got["followed_by"] != true {
		t.Errorf("%v", got)
	}
	w.do("POST", "/api/v1/accounts/"+w.admin.ID+"/unfollow", url.Values{})
	w.Unfollow(w.admin, w.bot)
	if got := w.do("GET", path, nil).list(t)[0]; got["following"] != false || got["followed_by"] != false {
		t.Errorf("%v", got)
	}
	if got := w.do("GET", "/api/v1/notifications", nil).list(t)[0]["type"]; got != "follow" {
		t.Errorf("the bot was told of a %v", got)
	}
}

func TestALockedAccountIsAskedFirst(t *testing.T) {
	w := newWorld(t, Options{})
	shy := w.AddAccount(Account{Username: "shy", Locked: true})
	got := w.do("POST", "/api/v1/accounts/"+shy.ID+"/follow", url.Values{}).object(t)
	if got["following"] != false || got["requested"] != true {
		t.Errorf("%v", got)
	}
	w.Follow(w.bot, shy)
	got = w.do("GET", "/api/v1/accounts/relationships?id[]="+shy.ID, nil).list(t)[0]
	if got["following"] != true || got["requested"] != false {
		t.Errorf("%v", got)
	}
}

func TestAnAccountIsShownByItsIdOnceItWasMet(t *testing.T) {
	w := newWorld(t, Options{})
	far := w.AddAccount(Account{Username: "far", Domain: "other.example", Unseen: true})
	if got := w.do("GET", "/api/v1/accounts/"+far.ID, nil); got.code != 404 {
		t.Errorf("before: %d", got.code)
	}
	w.say(far, "@saba@sandbox.example hello", SayOptions{})
	if got := w.do("GET", "/api/v1/accounts/"+far.ID, nil); got.code != 200 || got.object(t)["acct"] != "far@other.example" {
		t.Errorf("after it wrote: %d %s", got.code, got.body)
	}
}

func TestNamesThatAreNoneOrTakenAreAMistake(t *testing.T) {
	w := newWorld(t, Options{})
	for _, name := range []string{"admin", "Admin", "", "a b", "管理者"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", name)
				}
			}()
			w.AddAccount(Account{Username: name})
		}()
	}
}

func TestAProfileCanBeChanged(t *testing.T) {
	w := newWorld(t, Options{})
	person := w.Token(w.admin)
	got := w.do("PATCH", "/api/v1/accounts/update_credentials", url.Values{
		"bot": {"true"}, "fields_attributes[0][name]": {"Source"}, "fields_attributes[0][value]": {"<here>"},
	}, "Authorization: Bearer "+person)
	a, _ := w.Account(w.admin.ID)
	if got.object(t)["bot"] != true || !a.Bot || len(a.Fields) != 1 || a.Fields[0].Value != "<here>" {
		t.Errorf("%d %s", got.code, got.body)
	}
	if me := w.do("GET", "/api/v1/accounts/verify_credentials", nil).object(t); me["acct"] != "saba" || me["source"] == nil {
		t.Errorf("%v", me)
	}
}
