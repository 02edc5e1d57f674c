package sandbox

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An Account is somebody, here or elsewhere. The values that the server hands
// out are copies.
type Account struct {
	ID          string // given by the server
	Username    string // letters, digits and _
	Domain      string // of another server; "" for one of this server
	DisplayName string
	Note        string
	Fields      []Field
	Bot         bool
	Locked      bool // followers must be accepted
	Silenced    bool // "limited" by the moderators
	Suspended   bool
	// Permissions of its role on this server, as the server writes them: "65536"
	// is anybody's, "1" an administrator's. Default "65536".
	Permissions string
	// Unseen is an account of another server that this one has not met: lookup
	// does not find it until somebody mentions it or searches for it with
	// resolve=true.
	Unseen    bool
	CreatedAt time.Time // default: now
}

// A Field is one row of the table in a profile.
type Field struct{ Name, Value string }

// Acct is "name" for an account of this server and "name@domain" for others.
func (a Account) Acct() string {
	if a.Domain == "" {
		return a.Username
	}
	return a.Username + "@" + a.Domain
}

// account is an Account with what it has to do with others, by account id.
type account struct {
	Account
	follows   map[string]time.Time
	requested map[string]bool // follows that wait to be accepted
	blocks    map[string]bool
	permitted map[string]bool // senders whose messages are never filtered
	policy    policy
	posts     int // statuses that stand
}

var usernames = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// AddAccount makes an account and answers it with its id. It panics when the
// name is not one, or is taken.
func (s *Server) AddAccount(a Account) Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.EqualFold(a.Domain, s.opts.Domain) {
		a.Domain = ""
	}
	if !usernames.MatchString(a.Username) || s.find(a.Acct()) != nil {
		panic("sandbox: " + a.Acct() + " is not a name, or is taken")
	}
	now := time.Now()
	a.ID = s.ids.next(now)
	if a.CreatedAt.IsZero() {
		a.CreatedAt = now
	}
	if a.DisplayName == "" {
		a.DisplayName = a.Username
	}
	if a.Permissions == "" {
		a.Permissions = "65536"
	}
	a.Unseen = a.Unseen && a.Domain != ""
	s.accounts = append(s.accounts, &account{
		Account:   a,
		follows:   map[string]time.Time{},
		requested: map[string]bool{},
		blocks:    map[string]bool{},
		permitted: map[string]bool{},
		policy:    defaultPolicy(),
	})
	return a
}

// Account answers the account as it is now.
func (s *Server) Account(id string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byID(id); a != nil {
		return a.Account, true
	}
	return Account{}, false
}

func (s *Server) byID(id string) *account {
	for _, a := range s.accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

func (s *Server) must(a Account) *account {
	if known := s.byID(a.ID); known != nil {
		return known
	}
	panic("sandbox: there is no account " + a.Acct() + " with id " + strconv.Quote(a.ID))
}

// find looks for "name", "name@domain", "@name@domain" or a name with this
// server's own domain.
func (s *Server) find(acct string) *account {
	name, domain, _ := strings.Cut(strings.TrimPrefix(acct, "@"), "@")
	if strings.EqualFold(domain, s.opts.Domain) {
		domain = ""
	}
	for _, a := range s.accounts {
		if strings.EqualFold(a.Username, name) && strings.EqualFold(a.Domain, domain) {
			return a
		}
	}
	return nil
}

// profile is the web page of an account.
func (s *Server) profile(a *account) string {
	domain := a.Domain
	if domain == "" {
		domain = s.opts.Domain
	}
	return "https://" + domain + "/@" + a.Username
}

type accountJSON struct {
	ID             string      `json:"id"`
	Username       string      `json:"username"`
	Acct           string      `json:"acct"`
	DisplayName    string      `json:"display_name"`
	Locked         bool        `json:"locked"`
	Bot            bool        `json:"bot"`
	Discoverable   bool        `json:"discoverable"`
	Group          bool        `json:"group"`
	CreatedAt      string      `json:"created_at"`
	Note           string      `json:"note"`
	URL            string      `json:"url"`
	URI            string      `json:"uri"`
	Avatar         string      `json:"avatar"`
	AvatarStatic   string      `json:"avatar_static"`
	Header         string      `json:"header"`
	HeaderStatic   string      `json:"header_static"`
	FollowersCount int         `json:"followers_count"`
	FollowingCount int         `json:"following_count"`
	StatusesCount  int         `json:"statuses_count"`
	LastStatusAt   *string     `json:"last_status_at"`
	Suspended      bool        `json:"suspended,omitempty"`
	Limited        bool        `json:"limited,omitempty"`
	Emojis         []any       `json:"emojis"`
	Roles          []any       `json:"roles"`
	Fields         []fieldJSON `json:"fields"`
	Source         *sourceJSON `json:"source,omitempty"`
	Role           *roleJSON   `json:"role,omitempty"`
}

type fieldJSON struct {
	Name       string  `json:"name"`
	Value      string  `json:"value"`
	VerifiedAt *string `json:"verified_at"`
}

// roleJSON is what an account may do on the server, shown to itself.
type roleJSON struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions string `json:"permissions"`
	Highlighted bool   `json:"highlighted"`
}

// sourceJSON is what only the owner of an account sees of it.
type sourceJSON struct {
	Privacy             string      `json:"privacy"`
	Sensitive           bool        `json:"sensitive"`
	Language            string      `json:"language"`
	Note                string      `json:"note"`
	Fields              []fieldJSON `json:"fields"`
	FollowRequestsCount int         `json:"follow_requests_count"`
}

func (s *Server) accountView(a *account) accountJSON {
	page := s.profile(a)
	view := accountJSON{
		ID: a.ID, Username: a.Username, Acct: a.Acct(), DisplayName: a.DisplayName,
		Locked: a.Locked, Bot: a.Bot, Note: a.Note, URL: page, URI: page,
		// Mastodon tells only the day.
		CreatedAt: millis(a.CreatedAt.UTC().Truncate(24 * time.Hour)),
		Avatar:    page + "/avatar.png", AvatarStatic: page + "/avatar.png",
		Header: page + "/header.png", HeaderStatic: page + "/header.png",
		FollowingCount: len(a.follows), StatusesCount: a.posts, Suspended: a.Suspended, Limited: a.Silenced,
		Emojis: []any{}, Roles: []any{}, Fields: []fieldJSON{},
	}
	for _, other := range s.accounts {
		if _, ok := other.follows[a.ID]; ok {
			view.FollowersCount++
		}
	}
	for _, f := range a.Fields {
		view.Fields = append(view.Fields, fieldJSON{Name: f.Name, Value: escape(f.Value)})
	}
	return view
}

func (s *Server) ownView(a *account) accountJSON {
	view := s.accountView(a)
	source := &sourceJSON{Privacy: "public", Language: "en", Note: a.Note, Fields: []fieldJSON{}}
	for _, f := range a.Fields {
		source.Fields = append(source.Fields, fieldJSON{Name: f.Name, Value: f.Value})
	}
	for _, other := range s.accounts {
		if other.requested[a.ID] {
			source.FollowRequestsCount++
		}
	}
	view.Source = source
	view.Role = &roleJSON{ID: "-99", Permissions: a.Permissions}
	return view
}

func (s *Server) verifyCredentials(c *call) (any, error) { return s.ownView(c.me), nil }

func (s *Server) updateCredentials(c *call) (any, error) {
	if c.given("bot") {
		c.me.Bot = c.truth("bot")
	}
	if c.given("locked") {
		c.me.Locked = c.truth("locked")
	}
	if c.given("display_name") {
		c.me.DisplayName = c.text("display_name")
	}
	if c.given("note") {
		c.me.Note = "<p>" + escape(c.text("note")) + "</p>"
	}
	var fields []Field
	for n := range 4 { // a profile has four
		prefix := "fields_attributes[" + strconv.Itoa(n) + "]"
		if name := c.text(prefix + "[name]"); name != "" {
			fields = append(fields, Field{Name: name, Value: c.text(prefix + "[value]")})
		}
	}
	if fields != nil {
		c.me.Fields = fields
	}
	return s.ownView(c.me), nil
}

func (s *Server) showAccount(c *call) (any, error) {
	if a := s.byID(c.r.PathValue("id")); a != nil && !a.Unseen {
		return s.accountView(a), nil
	}
	return nil, notFound()
}

// lookup never asks another server.
func (s *Server) lookup(c *call) (any, error) {
	if a := s.find(c.text("acct")); a != nil && !a.Unseen {
		return s.accountView(a), nil
	}
	return nil, notFound()
}

func (s *Server) searchAccounts(c *call) (any, error) { return s.matches(c), nil }

func (s *Server) search(c *call) (any, error) {
	if c.me == nil && c.truth("resolve") {
		return nil, refuse(http.StatusUnauthorized, "Only somebody who is logged in can have names resolved")
	}
	found := []accountJSON{}
	if kind := c.text("type"); kind == "" || kind == "accounts" {
		found = s.matches(c)
	}
	return map[string]any{"accounts": found, "statuses": []any{}, "hashtags": []any{}}, nil
}

// matches finds accounts whose name begins with what is asked. With
// resolve=true an exact name also finds an account that was not met before.
func (s *Server) matches(c *call) []accountJSON {
	query := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(c.text("q")), "@"))
	found := []accountJSON{}
	if query == "" {
		return found
	}
	if exact := s.find(query); exact != nil && c.truth("resolve") {
		exact.Unseen = false
	}
	local := strings.TrimSuffix(query, "@"+strings.ToLower(s.opts.Domain))
	for _, a := range s.accounts {
		acct := strings.ToLower(a.Acct())
		if !a.Unseen && (strings.HasPrefix(acct, query) || acct == local) {
			found = append(found, s.accountView(a))
		}
	}
	return found[:min(len(found), limitOf(c.text("limit"), 40))]
}
