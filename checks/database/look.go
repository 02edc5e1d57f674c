package database

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A look is one look on its way from what is read to what is told.
type look struct {
	checks.Observation
	check   *check
	limits  limits
	db      *site.Database
	past    checks.Past
	now     time.Time
	memory  memory // what was remembered, and becomes what is
	nightly night
	// changed are the keys besides memoryKey that have to be kept anew.
	changed map[string]any

	server   server
	activity []session
	seen     bool // activity is known
	wal      wal
	idleSlot slot // of those that nobody reads, the one that holds most
	trouble  bool // something quick was found: no night
}

func newLook(c *check, past checks.Past, now time.Time) *look {
	l := &look{
		check: c, limits: c.limits, db: c.site.Database(), past: past, now: now,
		memory: recall[memory](past, memoryKey), nightly: recall[night](past, nightKey), changed: map[string]any{},
	}
	return l
}

// server is what PostgreSQL says of itself.
type server struct {
	Name    string // of the database
	Version int    // 150018
	Port    int
	Started time.Time
	Replica bool
	// Monitor says that we may see what others do.
	Monitor bool
	// Here says that it runs on this machine.
	Here bool
	Took time.Duration
}

var errNoMastodon = errors.New("there is no table accounts")

// greet asks a first real question; over says that there is nothing to look at
// any more, and then what comes of the look.
func (l *look) greet(ctx context.Context) (o checks.Observation, over bool, err error) {
	first, cancel := context.WithTimeout(ctx, l.limits.quick)
	defer cancel()
	for range 2 {
		began := time.Now()
		err = l.db.Read(first, l.readServer)
		l.server.Took = time.Since(began)
		if err == nil {
			return checks.Observation{}, false, nil
		}
		// The connection may be one that was open before a restart: once more.
		if f := site.FaultOf(err); f != site.NotThere && f != site.Starting {
			break
		}
	}
	var notSetUp *checks.NotSetUp
	fault := site.FaultOf(err)
	if (fault == site.Locked || fault == site.Cancelled) && l.server.Name != "" && ctx.Err() == nil {
		// It answers; who holds the table is told below.
		return checks.Observation{}, false, nil
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return checks.Observation{}, true, &checks.Unseen{Why: noTime(), Err: err}
	case errors.Is(err, errNoMastodon):
		return checks.Observation{}, true, &checks.Unseen{Why: noMastodon(l.server.Name), Advice: mendURL(), Err: err}
	case errors.As(err, &notSetUp), !judgeSilence(fault, !l.memory.Answered.IsZero(), l.brokenTable(err), l.ownSocket(ctx, err)).down:
		return checks.Observation{}, true, err
	}
	why, _ := checks.Explain(err)
	l.find(checks.Finding{
		Code: codeAnswer, Severity: checks.Critical, Road: checks.Now, Harm: l.now,
		Text: answerText(why, l.memory.Answered), Advice: answerAdvice(fault, l.check.site.Find(ctx)),
	})
	for _, k := range l.memory.Open {
		if k.Code != codeAnswer {
			l.Blind = append(l.Blind, checks.Blind{Code: k.Code, Subject: k.Subject, Why: why})
		}
	}
	l.Summary = answerHead(why)
	l.Remember = map[string][]byte{}
	if raw, err := json.Marshal(l.memory); err == nil { // strings and times always can be
		l.Remember[memoryKey] = raw
	}
	return l.Observation, true, nil
}

// brokenTable tells whether PostgreSQL spoke to us and could not read a table
// that it has.
func (l *look) brokenTable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && isDamage(pg.Code)
}

// ownSocket tells whether the place where nothing listens is the socket of a
// PostgreSQL whose data is on this machine.
func (l *look) ownSocket(ctx context.Context, err error) bool {
	found := l.check.site.Find(ctx)
	var op *net.OpError
	return errors.As(err, &op) && op.Net == "unix" && found.Compose == "" && len(found.PostgresData) > 0
}

// silence is what is to be thought of a question without an answer.
type silence struct {
	down bool
	why  string
}

// judgeSilence decides whether no answer means that the database is down, or
// that nobody can tell. here says that its data is on this machine and its
// socket is not.
func judgeSilence(f site.Fault, worked, broken, here bool) silence {
	switch {
	case broken:
		return silence{true, "a table cannot be read"}
	case f == site.NotLetIn, f == site.NoGrant, f == site.OtherSchema:
		return silence{false, "not let in"}
	case f == site.Locked, f == site.Cancelled:
		return silence{false, "it answers, and something holds that table"}
	case f == site.Full, f == site.Starting:
		return silence{true, "it says so itself"}
	case worked:
		return silence{true, "it used to answer"}
	case f == site.NotThere && here:
		return silence{true, "its data is here and it is not"}
	}
	return silence{false, "it never answered: it may be elsewhere"}
}

// readServer asks the first questions.
func (l *look) readServer(ctx context.Context, tx pgx.Tx) error {
	s := &l.server
	var there bool
	err := tx.QueryRow(ctx, `select current_database()::text, current_setting('server_version_num')::int, current_setting('port')::int,
		pg_postmaster_start_time(), pg_is_in_recovery(), pg_has_role(current_user, 'pg_monitor', 'usage'),
		coalesce(inet_server_addr() <<= any ('{127.0.0.0/8,::1/128}'), true), to_regclass('public.accounts') is not null`).
		Scan(&s.Name, &s.Version, &s.Port, &s.Started, &s.Replica, &s.Monitor, &s.Here, &there)
	if err != nil {
		return err
	}
	if !there {
		return errNoMastodon
	}
	columns, err := site.Columns(ctx, tx, "accounts")
	if err != nil || !columns["username"] {
		return err
	}
	// A port that is open and a server that is up can still not read a thing.
	return tx.QueryRow(ctx, `select count(*) from (select username from public.accounts limit 1) as one`).Scan(new(int64))
}

// part asks for one part; what cannot be seen is a blind spot of its codes.
func (l *look) part(ctx context.Context, codes []string, f func(context.Context, pgx.Tx) error) bool {
	blind, err := ask(ctx, l.db, codes, f)
	l.Blind = append(l.Blind, blind...)
	return err == nil
}

func ask(ctx context.Context, db *site.Database, codes []string, f func(context.Context, pgx.Tx) error) ([]checks.Blind, error) {
	err := db.Read(ctx, f)
	if err == nil {
		return nil, nil
	}
	why, mend := checks.Explain(err)
	if ctx.Err() != nil {
		why, mend = noTime(), checks.Advice{}
	}
	var blind []checks.Blind
	for _, code := range codes {
		blind = append(blind, checks.Blind{Code: code, Why: why, Mend: mend})
	}
	return blind, err
}

func (l *look) find(f checks.Finding) {
	l.Findings = append(l.Findings, f)
	l.trouble = l.trouble || !f.Holds
}

func (l *look) measure(name, subject string, value float64, unit string) {
	l.Measures = append(l.Measures, checks.Measure{Name: name, Subject: subject, Value: value, Unit: unit})
}

// finish writes the summary and what is remembered.
func (l *look) finish() checks.Observation {
	l.Summary = summary(l)
	l.memory.Answered, l.memory.Primary = l.now, !l.server.Replica
	l.memory.Open = nil
	for _, f := range l.Findings {
		l.memory.Open = append(l.memory.Open, f.Key())
	}
	l.changed[memoryKey] = l.memory
	l.Remember = map[string][]byte{}
	for key, value := range l.changed {
		if raw, err := json.Marshal(value); err == nil { // strings, numbers and times always can be
			l.Remember[key] = raw
		}
	}
	return l.Observation
}

// isDamage tells whether a SQLSTATE means that what is on disk is damaged:
// data or index corrupted, or the disk does not give it (PostgreSQL's manual,
// appendix A).
func isDamage(state string) bool {
	return state == "XX001" || state == "XX002" || state == "58030"
}
