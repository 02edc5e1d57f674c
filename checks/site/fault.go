package site

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sababan/sababan/checks"
)

// Fault is why a question to the database or to Redis had no answer.
type Fault int

// The faults.
const (
	// NoFault is no error, or none of theirs.
	NoFault Fault = iota
	// NotThere: nothing listens at that place.
	NotThere
	// Silent: no answer in time.
	Silent
	// NotLetIn: the role, user or password is refused.
	NotLetIn
	// NoGrant: it may not read this.
	NoGrant
	// Full: it has no connection left.
	Full
	// Starting: it starts, stops or recovers.
	Starting
	// Cancelled: the statement took longer than it may.
	Cancelled
	// Locked: somebody holds a lock on what was asked for.
	Locked
	// OtherSchema: a table or column that is not there.
	OtherSchema
	// Odd is everything else.
	Odd
	// Foreign: something else answers there.
	Foreign
	// TooMuch: more came back than any answer holds, and was not read.
	TooMuch
)

// FaultOf tells the kind of an error that came from the database.
func FaultOf(err error) Fault {
	if err == nil {
		return NoFault
	}
	var pg *pgconn.PgError
	var netErr net.Error
	switch {
	case errors.As(err, &pg):
		return faultOfState(pg.Code)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EACCES):
		return NotLetIn
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), isDNS(err):
		return NotThere
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return Silent
	}
	var c *connecting
	if errors.As(err, &c) {
		return NotThere
	}
	return Odd
}

func isDNS(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && !dns.IsTimeout
}

// faultOfState sorts SQLSTATEs (PostgreSQL's manual, appendix A).
func faultOfState(code string) Fault {
	switch code {
	case "42501":
		return NoGrant
	case "53300":
		return Full
	case "57P01", "57P02", "57P03":
		return Starting
	case "57014":
		return Cancelled
	case "55P03":
		return Locked
	case "42P01", "42703", "42883":
		return OtherSchema
	case "3D000":
		return NotLetIn
	}
	if strings.HasPrefix(code, "28") {
		return NotLetIn
	}
	return Odd
}

// grantAdvice leads to the lines that give the rights.
func grantAdvice() checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "This prints the lines that give the right:", Ja: "権限を与える設定は、次のコマンドで表示されます。"},
		Look: checks.Sh("sudo", "sababan", "check", "--verbose"),
	}
}

// asRootAdvice is for who is not the system user that is let in.
func asRootAdvice() checks.Advice {
	return checks.Advice{
		Text: checks.Text{En: "Only root and the system user " + Role + " can see this:", Ja: "確認できるのは、rootかシステムユーザー" + Role + "だけです。"},
		Look: checks.Sh("sudo", "sababan", "check"),
	}
}

// databaseUnseen turns an error of reading into words. Errors of other makes
// come back as they are.
func databaseUnseen(err error, where target) error {
	var unseen *checks.Unseen
	var notSetUp *checks.NotSetUp
	if err == nil || errors.As(err, &unseen) || errors.As(err, &notSetUp) {
		return err
	}
	var pg *pgconn.PgError
	words := ""
	if errors.As(err, &pg) {
		words = checks.Quote(where.password().Hide(pg.Message)) // never Detail, which may hold rows
	}
	why, advice, known := databaseWords(FaultOf(err), where.place(), words)
	if FaultOf(err) == NotLetIn && where.foreign() {
		advice = asRootAdvice()
	}
	err = checks.Hush(err, where.password())
	if !known {
		var c *connecting
		if pg == nil && !errors.As(err, &c) {
			return err
		}
	}
	return &checks.Unseen{Why: why, Advice: advice, Err: err}
}
