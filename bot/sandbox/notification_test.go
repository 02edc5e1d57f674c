package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestPagesOfNotifications(t *testing.T) {
	w := newWorld(t, Options{})
	w.Follow(w.bot, w.admin)
	for range 12 {
		w.say(w.admin, "@saba help", SayOptions{})
	}
	all := strings.Fields(w.do("GET", "/api/v1/notifications", nil).ids(t))
	if len(all) != 12 {
		t.Fatalf("%d notifications", len(all))
	}
	at := func(n int) string { return all[len(all)-1-n] } // the nth, oldest first
	cases := []struct{ name, query, want string }{
		{"min_id gives those directly above, newest first", "min_id=" + at(0) + "&limit=2", at(2) + " " + at(1)},
		{"since_id gives the newest and skips the middle", "since_id=" + at(0) + "&limit=2", at(11) + " " + at(10)},
		{"max_id gives those directly below", "max_id=" + at(5) + "&limit=2", at(4) + " " + at(3)},
		{"min_id with max_id stays between", "min_id=" + at(2) + "&max_id=" + at(4), at(3)},
		{"min_id wins over since_id", "min_id=" + at(0) + "&since_id=" + at(9) + "&limit=1", at(1)},
		{"ids compare as numbers, not as text", "min_id=" + at(8) + "&limit=1", at(9)},
		{"nothing above the newest", "min_id=" + at(11), ""},
		{"types", "types[]=follow", ""},
		{"excluded types", "exclude_types[]=mention", ""},
		{"limit 0 is nothing", "limit=0", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := w.do("GET", "/api/v1/notifications?"+c.query, nil).ids(t); got != c.want {
				t.Errorf("%q, not %q", got, c.want)
			}
		})
	}
}

func TestTheLinkHeaderLeadsBothWaysAndIsAbsentOnAnEmptyPage(t *testing.T) {
	w := newWorld(t, Options{})
	w.Follow(w.bot, w.admin)
	for range 3 {
		w.say(w.admin, "@saba help", SayOptions{})
	}
	got := w.do("GET", "/api/v1/notifications?limit=2&types[]=mention&min_id=0", nil)
	ids := strings.Fields(got.ids(t))
	want := `<http://sandbox.example/api/v1/notifications?limit=2&max_id=` + ids[1] + `&types%5B%5D=mention>; rel="next", ` +
		`<http://sandbox.example/api/v1/notifications?limit=2&min_id=` + ids[0] + `&types%5B%5D=mention>; rel="prev"`
	if link := got.header.Get("Link"); link != want {
		t.Errorf("got  %s\nwant %s", link, want)
	}
	if link := w.do("GET", "/api/v1/notifications?min_id=99", nil).header.Get("Link"); link != "" {
		t.Errorf("an empty page has %s", link)
	}
}

func TestLimitsOfAPage(t *testing.T) {
	for text, want := range map[string]int{"": 40, "5": 5, "80": 80, "500": 80, "x": 40, "-3": 3, "-9223372036854775808": 0} {
		if got := limitOf(text, 40); got != want {
			t.Errorf("limit=%s gives %d, not %d", text, got, want)
		}
	}
}

func TestADirectMentionIsFilteredUnlessItIsExpected(t *testing.T) {
	policy := func(name, value string) func(*world) {
		return func(w *world) {
			if got := w.do("PATCH", "/api/v2/notifications/policy", url.Values{name: {value}}); got.code != 200 || got.object(t)[name] != value {
				t.Errorf("%d %s", got.code, got.body)
			}
		}
	}
	cases := []struct {
		name    string
		opts    Options
		prepare func(*world)
		say     SayOptions
		answers bool
		want    string // listed, filtered or dropped
	}{
		{name: "from a stranger", want: "filtered"},
		{name: "in public from a stranger", say: SayOptions{Visibility: Public}, want: "listed"},
		{name: "from somebody the bot follows", prepare: func(w *world) { w.Follow(w.bot, w.admin) }, want: "listed"},
		{name: "from a follower", prepare: func(w *world) { w.Follow(w.admin, w.bot) }, want: "filtered"},
		{name: "in answer to the bot's own message", answers: true, want: "listed"},
		{name: "when the bot accepts them", prepare: policy("for_private_mentions", "accept"), want: "listed"},
		{name: "when the bot drops them", prepare: policy("for_private_mentions", "drop"), want: "dropped"},
		{
			name: "in public when the bot filters whom it does not follow", prepare: policy("for_not_following", "filter"),
			say: SayOptions{Visibility: Public}, want: "filtered",
		},
		{
			name: "from a new account when the bot filters those", say: SayOptions{Visibility: Public},
			prepare: policy("for_new_accounts", "filter"), want: "filtered",
		},
		{
			name: "from a new follower when the bot wants old ones", say: SayOptions{Visibility: Public},
			prepare: func(w *world) { w.Follow(w.admin, w.bot); policy("for_not_followers", "filter")(w) }, want: "filtered",
		},
		{name: "after a request was accepted", prepare: func(w *world) { w.AcceptRequest(w.bot, w.admin) }, want: "listed"},
		{name: "on 4.2", opts: Options{Flavour: Mastodon42}, want: "listed"},
		{name: "on GoToSocial", opts: Options{Flavour: GoToSocial}, want: "listed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.opts)
			if c.prepare != nil {
				c.prepare(w)
			}
			if c.answers {
				c.say.InReplyTo = w.tell("@admin hello").object(t)["id"].(string)
			}
			st := w.say(w.admin, "@saba help", c.say)
			got := "dropped"
			if w.do("GET", "/api/v1/notifications?types[]=mention&include_filtered=true", nil).ids(t) != "" {
				got = "filtered"
			}
			if w.do("GET", "/api/v1/notifications?types[]=mention", nil).ids(t) != "" {
				got = "listed"
			}
			if got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
			if st.Visibility == Direct {
				m := w.Inbox(w.bot)[0]
				if m.Filtered != (c.want == "filtered") || m.Dropped != (c.want == "dropped") {
					t.Errorf("the inbox says filtered %v, dropped %v", m.Filtered, m.Dropped)
				}
			}
		})
	}
}

func TestAnAdminWhoDoesNotFollowTheBotHasItsMessagesFiltered(t *testing.T) {
	w := newWorld(t, Options{})
	w.tell("@admin one")
	w.Follow(w.admin, w.bot)
	w.tell("@admin two")
	all := w.Inbox(w.admin)
	if len(all) != 2 || !all[0].Filtered || all[1].Filtered {
		t.Errorf("%+v", all)
	}
}

func TestARequestGathersWhatIsFilteredAndFreesIt(t *testing.T) {
	w := newWorld(t, Options{})
	w.say(w.admin, "@saba one", SayOptions{})
	w.say(w.admin, "@saba two", SayOptions{})
	requests := w.do("GET", "/api/v1/notifications/requests", nil).list(t)
	if len(requests) != 1 || requests[0]["notifications_count"] != "2" {
		t.Fatalf("%v", requests)
	}
	summary := w.do("GET", "/api/v2/notifications/policy", nil).object(t)["summary"].(map[string]any)
	if summary["pending_requests_count"] != 1.0 || summary["pending_notifications_count"] != 2.0 {
		t.Errorf("%v", summary)
	}
	id := requests[0]["id"].(string)
	if got := w.do("GET", "/api/v1/notifications/requests/"+id, nil).object(t)["account"].(map[string]any)["acct"]; got != "admin" {
		t.Errorf("one request alone is from %v", got)
	}
	if got := w.do("GET", "/api/v1/notifications/requests/merged", nil).object(t)["merged"]; got != true {
		t.Errorf("merged: %v", got)
	}
	if got := w.do("POST", "/api/v1/notifications/requests/"+id+"/accept", url.Values{}); got.code != 200 {
		t.Fatalf("%d %s", got.code, got.body)
	}
	w.say(w.admin, "@saba three", SayOptions{})
	if got := len(w.do("GET", "/api/v1/notifications", nil).list(t)); got != 3 {
		t.Errorf("%d of 3 are listed", got)
	}
	if got := w.do("POST", "/api/v1/notifications/requests/accept", url.Values{"id[]": {id}}); got.code != 404 {
		t.Errorf("accepted twice: %d", got.code)
	}
	if w.Policy(w.bot)["for_private_mentions"] != "filter" {
		t.Error("the policy was changed")
	}
}

func TestAnUnknownPolicyIsRefusedAndChangesNothing(t *testing.T) {
	w := newWorld(t, Options{})
	got := w.do("PATCH", "/api/v2/notifications/policy", url.Values{"for_private_mentions": {"maybe"}})
	if got.code != http.StatusUnprocessableEntity || w.Policy(w.bot)["for_private_mentions"] != "filter" {
		t.Errorf("%d %s", got.code, got.body)
	}
}

func TestTheNotificationOfADeletedStatusVanishes(t *testing.T) {
	w := newWorld(t, Options{})
	w.Follow(w.bot, w.admin)
	st := w.say(w.admin, "@saba help", SayOptions{})
	if err := w.Delete(st.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.do("GET", "/api/v1/notifications", nil).ids(t); got != "" {
		t.Errorf("%q is left", got)
	}
	if err := w.Delete(st.ID); err == nil {
		t.Error("it was deleted twice")
	}
}
