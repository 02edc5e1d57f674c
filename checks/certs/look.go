package certs

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

type check struct {
	domain   string
	target   target
	roots    *x509.CertPool // nil takes the system's
	limits   Config
	root     string // what stands for "/" on disk
	find     func(context.Context) site.Found
	resolver *net.Resolver
	own      func() []netip.Addr
	user     func() string
}

func newCheck(s *site.Site, c Config) *check {
	return &check{
		domain: s.Domain, target: targetOf(s.Domain, s.Address),
		roots: s.Roots, limits: c, root: s.Root, find: s.Find, resolver: net.DefaultResolver,
		own: ownAddresses, user: userName,
	}
}

// userName is who this program runs as, as setfacl takes it.
func userName() string {
	id := strconv.Itoa(os.Geteuid())
	if u, err := user.LookupId(id); err == nil && lineageName.MatchString(u.Username) {
		return u.Username
	}
	return id
}

// memory is what one look leaves to the next.
type memory struct {
	// Ends is, per subject, the latest end of a certificate that was served, in
	// seconds since 1970.
	Ends map[string]int64 `json:"ends"`
	// IPv6 tells that something at an IPv6 address has answered before.
	IPv6 bool `json:"ipv6"`
	// Open is what was found and has not been seen well since.
	Open []checks.Key `json:"open"`
	// Waiting is, by the fingerprint of what is served, since when it has been
	// replaced on disk, in seconds since 1970.
	Waiting map[string]int64 `json:"waiting,omitempty"`
	// Disk is the fingerprint of each lineage on disk.
	Disk map[string]string `json:"disk,omitempty"`
}

const memoryKey = "seen"

// extrasTimeout bounds how long the other names are looked for (own; with the
// domain's own resolution and the connections it fits into one look).
const extrasTimeout = 3 * time.Second

// A scene is everything that one look has seen, before it is judged.
type scene struct {
	now    time.Time
	before memory
	// shown are the endpoints with their views, the domain's own first.
	shown []sight
	// unsure tells that there may be more endpoints than could be found out.
	unsure bool
	shelf  shelf
	rotas  map[manager]rota
	around around
	web    string
}

// A sight is what one endpoint showed.
type sight struct {
	endpoint
	q     question
	views []view
}

// Look opens a new connection to each address, and reads the disk.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	roots, err := c.authorities()
	if err != nil {
		return checks.Observation{}, err
	}
	s := scene{now: time.Now(), rotas: map[manager]rota{}}
	if b, ok := past.Load(memoryKey); ok {
		// What cannot be read is as if nothing had been remembered.
		_ = json.Unmarshal(b, &s.before)
	}
	found := c.find(ctx)
	s.web = found.WebServer
	main, unseen := c.main(ctx)
	if unseen == nil {
		c.endpoints(ctx, &s, main, found)
	}
	names := []string{c.domain}
	for _, e := range s.shown {
		if !slices.Contains(names, e.name) {
			names = append(names, e.name)
		}
	}
	s.shelf = readShelf(ctx, c.root, c.limits.Paths, names)
	for _, by := range []manager{byCertbot, byAcmeSh} {
		s.rotas[by] = readRota(c.root, by)
	}
	for i := range s.shown {
		s.shown[i].q = c.question(s, s.shown[i].endpoint, roots)
	}
	lookAtAll(ctx, s.shown)
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	if unseen == nil && nothingReached(s.shown[0].views) {
		unseen = &checks.Unseen{Why: textNoNetwork(), Advice: adviceNoNetwork(), Err: s.shown[0].views[0].err}
		s.shown = nil
	}
	if unseen != nil && len(s.shelf.lineages) == 0 {
		return checks.Observation{}, unseen
	}
	return c.judge(s, names, unseen)
}

// main is the domain's own web server, or why it cannot be looked at.
func (c *check) main(ctx context.Context) (endpoint, *checks.Unseen) {
	e := endpoint{name: c.domain, target: c.target}
	var err error
	e.addrs, err = c.target.resolve(ctx, c.resolver)
	if err != nil && !errors.As(err, new(*noAddress)) {
		return e, &checks.Unseen{Why: textNoDNS(c.target.host), Advice: adviceNoDNS(c.target.host), Err: err}
	}
	return e, nil
}

// endpoints finds out what to look at.
func (c *check) endpoints(ctx context.Context, s *scene, main endpoint, found site.Found) {
	ctx, cancel := context.WithTimeout(ctx, extrasTimeout)
	defer cancel()
	s.around = around{own: c.own(), domain: main.addrs}
	names := siteNames(c.domain, found.Settings)
	mailSet := found.Settings["SMTP_SERVER"] != ""
	if main.set && len(names) > 0 { // what the name itself leads to
		public := lookUp(ctx, c.resolver, []string{c.domain})
		s.around.domain = slices.Concat(s.around.domain, public.of[c.domain])
	}
	var others, mail addresses
	var both sync.WaitGroup
	both.Go(func() { others = s.around.only(lookUp(ctx, c.resolver, names)) })
	if mailSet {
		both.Go(func() { mail = mailNames(ctx, c.resolver, s.around, c.domain, found.Settings) })
	}
	both.Wait()
	s.unsure = others.unsure || mail.unsure || len(found.Hidden) > 0
	s.shown = []sight{{endpoint: main}}
	for _, e := range plan(main, c.limits.Ports, others.of, mail.of, found.Settings) {
		s.shown = append(s.shown, sight{endpoint: e})
	}
}

// question is what the judgement of one endpoint rests on.
func (c *check) question(s scene, e endpoint, roots *x509.CertPool) question {
	q := question{
		domain: e.name, at: e.at, port: e.port, service: e.service, now: s.now, roots: roots, limits: c.limits,
		direct: c.target.set, ipv6Before: s.before.IPv6 && e.name == c.domain && e.at == "", server: s.web, optional: e.optional, lenient: e.lenient,
		stand: comparer(e.name, s.shelf.lineages, s.around, s.before.Waiting),
	}
	if e.service.mail() {
		q.server = mailServer(c.root, e.service)
	}
	for _, key := range s.before.Open {
		if slices.Contains(q.subjects(), key.Subject) && slices.Contains(order, key.Code) {
			q.open = append(q.open, key)
		}
	}
	if e.name != c.domain && e.at == "" {
		q.expand = expandFor(s.shelf, c.domain, e.name)
	}
	return q
}

// expandFor is the command that takes one more name into certbot's certificate
// of the domain; nil where there is none.
func expandFor(s shelf, domain, name string) checks.Shell {
	l, ok := s.covering(domain)
	if !ok || !lineageName.MatchString(l.name) || !hostName(name) {
		return nil
	}
	words := []string{"sudo", "certbot", "certonly", "--cert-name", l.name, "--expand"}
	names := append(slices.Clone(l.leaf().DNSNames), name)
	slices.Sort(names[:len(names)-1])
	for _, n := range slices.Compact(names) {
		if hostName(n) {
			words = append(words, "-d", n)
		}
	}
	return checks.Sh(words...)
}

// mailServers are where the usual ones keep their settings.
var mailServers = []struct {
	folder, unit string
	imap         bool
}{
	{"/etc/postfix", "postfix", false},
	{"/etc/exim4", "exim4", false},
	{"/etc/dovecot", "dovecot", true},
}

// mailServer is the unit of what serves mail on this machine, or "".
func mailServer(root string, s service) string {
	for _, m := range mailServers {
		if _, err := os.Stat(filepath.Join("/", root, m.folder)); err == nil && m.imap == (s == imap || s == imaps) {
			return m.unit
		}
	}
	return ""
}

// lookAtAll looks at all endpoints at once.
func lookAtAll(ctx context.Context, shown []sight) {
	var all sync.WaitGroup
	for i := range shown {
		e := &shown[i]
		if len(e.addrs) > 0 {
			all.Go(func() { e.views = e.look(ctx, e.name, e.addrs) })
		}
	}
	all.Wait()
}

// judge puts together what is found of each endpoint and of the disk.
func (c *check) judge(s scene, names []string, unseen *checks.Unseen) (checks.Observation, error) {
	var o checks.Observation
	after := memory{Ends: map[string]int64{}, IPv6: s.before.IPv6, Waiting: map[string]int64{}}
	served := map[string]bool{}
	for _, e := range s.shown {
		one := e.q.judge(e.views)
		seen := e.q.remember(s.before, e.views)
		one.Events = e.q.renewals(s.before, seen)
		maps.Copy(after.Ends, seen.Ends)
		after.IPv6 = after.IPv6 || seen.IPv6
		waits(e.q, e.views, after.Waiting)
		for _, v := range e.views {
			if v.chain != nil {
				served[fingerprint(v.chain[0])] = true
			}
		}
		join(&o, one)
	}
	d := drawer{
		shelf: s.shelf, now: s.now, limits: c.limits, names: names, served: served, looked: unseen == nil, rotas: s.rotas,
		server: s.web, user: c.user(), open: s.before.Open, before: s.before.Disk,
	}
	join(&o, d.judge())
	c.held(&o, s, unseen)
	o.Summary = s.summary(o, d, unseen)
	after.Disk = d.prints()
	after.Open = stillOpen(s.before.Open, o)
	b, err := json.Marshal(after)
	if err != nil {
		return checks.Observation{}, fmt.Errorf("certs: %w", err)
	}
	o.Remember = map[string][]byte{memoryKey: b}
	return o, nil
}

func join(o *checks.Observation, one checks.Observation) {
	o.Findings = append(o.Findings, one.Findings...)
	o.Blind = append(o.Blind, one.Blind...)
	o.Measures = append(o.Measures, one.Measures...)
	o.Events = append(o.Events, one.Events...)
}

// held keeps what was found at endpoints that could not be looked at this time.
func (c *check) held(o *checks.Observation, s scene, unseen *checks.Unseen) {
	if unseen != nil {
		sides := question{domain: c.domain}.subjects()
		o.Blind = append(o.Blind,
			checks.Blind{Subject: sides[0], Why: unseen.Why, Mend: unseen.Advice},
			checks.Blind{Subject: sides[1], Why: unseen.Why})
	}
	if unseen == nil && !s.unsure {
		return
	}
	for _, key := range s.before.Open {
		seen := slices.ContainsFunc(s.shown, func(e sight) bool { return slices.Contains(e.q.subjects(), key.Subject) })
		told := slices.ContainsFunc(o.Blind, func(b checks.Blind) bool { return b.Hides(key) })
		if !seen && !told && slices.Contains(order, key.Code) {
			o.Blind = append(o.Blind, checks.Blind{Code: key.Code, Subject: key.Subject, Why: textBlind(key.Subject)})
		}
	}
}

// summary is the one line: the worst where something is wrong, else the
// domain's certificate, the disk, and how many more were seen.
func (s scene) summary(o checks.Observation, d drawer, unseen *checks.Unseen) checks.Text {
	if worst, ok := (checks.Result{Observation: o}).Worst(); ok {
		return worst.Text.Headline()
	}
	if unseen != nil {
		return unseen.Why
	}
	semicolon := checks.Text{En: "; ", Ja: "。"}
	main := s.shown[0]
	t := main.q.summary(o, main.views)
	for _, v := range main.views {
		if v.chain != nil {
			t = checks.Join(semicolon, t, textOnDisk(main.q.standing(v)))
			break
		}
	}
	var more []string
	for _, e := range s.shown[1:] {
		if slices.ContainsFunc(e.views, func(v view) bool { return v.chain != nil }) {
			more = append(more, shorten(e.q.about()))
		}
	}
	if len(more) > 0 {
		list := more[:min(len(more), shownNames)]
		well := checks.Text{En: "also well: " + strings.Join(list, ", "), Ja: "ほかも正常: " + strings.Join(list, "、")}
		if rest := len(more) - shownNames; rest > 0 {
			well.En += " and " + strconv.Itoa(rest) + " more"
			well.Ja += "、ほか" + strconv.Itoa(rest) + "件"
		}
		t = checks.Join(semicolon, t, well)
	}
	return t
}

// authorities is who is trusted; an empty list of the system's is told as what
// it is, since against it every certificate would be bad.
func (c *check) authorities() (*x509.CertPool, error) {
	if c.roots != nil {
		return c.roots, nil
	}
	pool, err := x509.SystemCertPool()
	if err == nil && pool.Equal(x509.NewCertPool()) {
		err = errors.New("the system's list of authorities is empty")
	}
	if err != nil {
		return nil, &checks.Unseen{Why: textNoAuthorities(), Advice: adviceNoAuthorities(), Err: err}
	}
	return pool, nil
}
