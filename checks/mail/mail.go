// Package mail looks whether the server's mails really arrive, level by level:
// they leave Mastodon's queue, a mail server takes them, a message from
// Mastodon's own address arrives in mailboxes at others, and the DNS vouches for
// it. What the log of a mail server says proves nothing; a message that was
// received does.
package mail

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings, and what their subjects are.
const (
	codeQueue    = "queue"    // mails wait inside Mastodon
	codeRetries  = "retries"  // mails fail to leave Mastodon
	codeLimit    = "limit"    // of the provider
	codeSignups  = "signups"  // that never confirm
	codeSMTP     = "smtp"     // host:port
	codePassword = "password" // of our own: "smtp", or the address of a mailbox
	codeMailbox  = "mailbox"  // of our own, by its address
	codeLost     = "lost"
	codeLate     = "late"
	codeJunk     = "junk"
	codeSPF      = "spf"       // the domain
	codeDKIM     = "dkim"      // the domain
	codeDMARC    = "dmarc"     // the domain
	codeMX       = "mx"        // the domain
	codeReverse  = "reverse"   // an address that sends
	codeBlocked  = "blocklist" // a list
)

// Measures.
const (
	mailersWaiting = "mailers_waiting"   // mails in Mastodon's queue
	mailersFailing = "mailers_failing"   // that failed first within the last hour
	smtpTime       = "smtp_time"         // seconds from the connection to the answer to RCPT TO
	roundTrip      = "round_trip"        // seconds until a message arrived, by mailbox
	unconfirmed    = "unconfirmed_share" // of the latest sign-ups
)

// Kind makes the check of a site's mail.
func Kind(s *site.Site) checks.Kind {
	return kindAt(s, surroundings{names: net.DefaultResolver, addresses: publicAddresses}, usualPace())
}

// surroundings are what is asked besides the servers.
type surroundings struct {
	names resolver
	// addresses are those of this machine that are in the Internet.
	addresses func() []string
}

func kindAt(s *site.Site, around surroundings, p pace) checks.Kind {
	twice := checks.Rule{
		Warning:  checks.Looks{Open: 2, Resolve: 1}, // defaults
		Critical: checks.Looks{Open: 2, Resolve: 1},
	}
	rules := map[string]checks.Rule{
		// These flicker with every mail that waits.
		codeQueue: {Warning: checks.Looks{Open: 2, Resolve: 2}}, codeRetries: {Warning: checks.Looks{Open: 2, Resolve: 2}},
	}
	// What is known by a message that was sent is bad twice before it is told;
	// the others are asked again at the next look after a bad one.
	for _, code := range []string{
		codeLimit, codeSignups, codeSMTP, codePassword, codeMailbox,
		codeSPF, codeDKIM, codeDMARC, codeMX, codeReverse, codeBlocked,
	} {
		rules[code] = twice
	}
	return checks.Kind{
		Name:  "mail",
		Title: checks.Text{En: "mail", Ja: "メール"},
		Words: checks.Words{
			En: []string{"e-mail", "email", "mails", "smtp", "confirmation mail", "spf", "dkim", "dmarc"},
			Ja: []string{"メール", "メール配送", "確認メール", "メールが届かない"},
		},
		Scope:       checks.Site,
		After:       []string{"redis", "services", "sidekiq", "database"},
		AfterUpdate: true,
		// Every tick looks whether a message has arrived; what is sent and asked
		// at others is due more seldom (due.go).
		Cron:    "*/10 * * * *",
		Timeout: time.Minute,
		Rules:   rules,
		Reads:   []checks.Reads{{Table: "users", Columns: []string{"id", "created_at", "confirmed_at"}}},
		Settings: func() any {
			c := defaultConfig()
			return &c
		},
		New: func(t checks.Table) (checks.Check, error) {
			c := defaultConfig()
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			set, err := c.parse()
			if err != nil {
				return nil, err
			}
			known := s.Find(context.Background()).Settings
			if set.nothing() && known["SMTP_SERVER"]+known["SMTP_FROM_ADDRESS"] == "" && s.NeedRedis() != nil && s.NeedDatabase() != nil {
				return nil, &checks.NotSetUp{Setting: "[checks.mail] smtp"}
			}
			return &check{site: s, set: set, around: around, pace: p}, nil
		},
	}
}

type check struct {
	site   *site.Site
	set    settings
	around surroundings
	pace   pace
}

// Look looks at the levels that are due. The first look of all sends no
// message: it may be one on the command line, which would not come back for it.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly looks at every level now.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, thorough bool) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	m, known := recall(past)
	now := time.Now()
	a := c.about(ctx)
	d := plan(m, a, occasion{now: now, known: known, thorough: thorough, offline: c.site.Offline}, c.pace)
	var inner inside
	var outer outside
	var all sync.WaitGroup
	all.Go(func() { inner = c.lookInside(ctx, d, now) })
	all.Go(func() { outer = c.lookOutside(ctx, a, m, d) })
	all.Wait()
	m = m.after(outer, inner, a, now, c.pace)
	v := view{
		about: a, memory: m, inside: inner, offline: c.site.Offline, now: now, pace: c.pace,
		usual:  func(name, subject string) (checks.Band, bool) { return past.Normal(name, subject, now) },
		shares: func() ([]checks.Sample, error) { return past.Series(unconfirmed, "", now.Add(-shareHistory)) },
	}
	o := v.judge()
	if o.Summary.Empty() {
		if ctx.Err() != nil {
			return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: ctx.Err()}
		}
		if c.site.Offline {
			return checks.Observation{}, &checks.Unseen{Why: textOffline()}
		}
		return checks.Observation{}, &checks.Unseen{Why: textNothingSeen(), Advice: adviceSetUp()}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("mail: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

// about is what is known of the server's mail before anything is asked.
type about struct {
	set     settings
	found   site.Found
	domain  string // of the Mastodon
	server  *server
	from    sender // zero where it is not known
	sendsBy []string
	// relay is the service of the mail server on this machine, where mail is
	// handed to it.
	relay string
}

func (c *check) about(ctx context.Context) about {
	a := about{set: c.set, found: c.site.Find(ctx), domain: c.site.Domain, server: c.set.server, from: c.set.from}
	if a.from.address == "" {
		if from, err := parseSender(a.found.Settings["SMTP_FROM_ADDRESS"]); err == nil {
			a.from = from
		}
	}
	theirs := mastodonServer(a.found)
	if a.server == nil {
		a.server = theirs
	}
	a.sendsBy = c.set.addresses
	if len(a.sendsBy) == 0 && theirs != nil && theirs.local() {
		a.sendsBy = c.around.addresses()
	}
	if a.server != nil && a.server.local() {
		a.relay = relayOn(c.site.Root)
	}
	return a
}

// helo is what we call ourselves to a mail server.
func (a about) helo() string { return cmp.Or(a.domain, a.from.domain, "localhost") }

// to is who is named in RCPT TO where no message is sent.
func (a about) to() string {
	if len(a.set.boxes) > 0 {
		return a.set.boxes[0].address
	}
	return a.from.address
}

// An outside is what was asked at others in one look; nil where it was not.
type outside struct {
	talk    *talk
	sent    []sentTo
	visits  map[string]visit
	records *records
}

// sentTo is one message that a mail server has taken.
type sentTo struct {
	box, id string
	at      time.Time
}

// lookOutside asks everybody who is due at the same time.
func (c *check) lookOutside(ctx context.Context, a about, m memory, d duties) outside {
	ctx, cancel := context.WithTimeout(ctx, c.pace.patience)
	defer cancel()
	o := outside{visits: map[string]visit{}}
	var all sync.WaitGroup
	if d.talk {
		all.Go(func() { o.talk, o.sent = c.converse(ctx, a, d.send) })
	}
	if d.records {
		all.Go(func() { r := c.lookUp(ctx, a, m); o.records = &r })
	}
	var mu sync.Mutex
	for _, b := range a.set.boxes {
		if !d.visit[b.address] {
			continue
		}
		all.Go(func() {
			b.server.secret = c.site.SecretFile(b.server.secret)
			v := b.visit(ctx, c.site.Roots, m.Boxes[b.address].outstanding())
			mu.Lock()
			defer mu.Unlock()
			o.visits[b.address] = v
		})
	}
	all.Wait()
	return o
}

// converse speaks with the mail server: up to RCPT TO, or with a message for
// each of the mailboxes that are due.
func (c *check) converse(ctx context.Context, a about, boxes []string) (*talk, []sentTo) {
	p := post{server: *a.server, roots: c.site.Roots, helo: a.helo(), from: a.from.address}
	if a.server.user != "" {
		password, err := site.ReadSecret(c.site.SecretFile(a.server.secret))
		if err != nil {
			return &talk{At: time.Now(), Place: a.server.at(), Fault: unread, Words: string(site.SecretFaultOf(err))}, nil
		}
		p.password = password
	}
	var letters []letter
	for _, to := range boxes {
		letters = append(letters, newLetter(a.from, to, a.helo(), time.Now()))
	}
	if len(letters) == 0 && a.from.address != "" {
		letters = []letter{{to: a.to(), perhaps: len(a.set.boxes) == 0}}
	}
	t, taken := p.deliver(ctx, letters)
	var sent []sentTo
	for _, l := range taken {
		sent = append(sent, sentTo{box: l.to, id: l.id, at: l.at})
	}
	return &t, sent
}
