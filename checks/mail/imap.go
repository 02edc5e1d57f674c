package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/sababan/sababan/checks/site"
)

const (
	// imapBytes bounds what a mailbox's server may say in one visit, headerBytes
	// the header of one message (own; one has under 20 kB).
	imapBytes, headerBytes = 4 << 20, 64 << 10
	// foldersMost bounds the folders that are looked through (own).
	foldersMost = 30
	// hitsMost bounds the messages that a search may name for one that is alone.
	hitsMost = 4
	// fullFrom is the share of its room from which a mailbox counts as full: a
	// message may be larger than what is left (own).
	fullFrom = 0.98
)

// A visit is one look into a mailbox.
type visit struct {
	At    time.Time `json:"at"`
	Fault fault     `json:"fault,omitempty"`
	// Words are the server's, or tell more of the fault.
	Words string `json:"words,omitempty"`
	// seen are the messages of ours that were there; they are deleted.
	seen []sight
}

// A sight is one message of ours in a mailbox.
type sight struct {
	id, folder string
	junk       bool
	at         time.Time // when the mailbox took it; zero where that is not told
	header     textproto.MIMEHeader
}

// visit looks for messages by their names, in all folders, and deletes those
// and no other.
func (b mailbox) visit(ctx context.Context, roots *x509.CertPool, ids []string) (v visit) {
	defer func() {
		// What a server says may be more than the library can bear.
		if p := recover(); p != nil {
			v.Fault, v.Words = silent, ""
		}
		v.At = time.Now()
	}()
	password, err := site.ReadSecret(b.server.secret)
	if err != nil {
		return visit{Fault: unread, Words: string(site.SecretFaultOf(err))}
	}
	defer func() { v.Words = password.Hide(v.Words) }() // some repeat the line that they do not take
	s := session{reached: began}
	if err := s.open(ctx, b.server, roots); err != nil {
		return s.failed(err)
	}
	defer s.close()
	if err := s.client.Login(b.server.user, password.Reveal()).Wait(); err != nil {
		s.reached = encrypted
		return s.failed(err)
	}
	s.reached = signedIn
	isFull, err := s.full()
	if err != nil {
		return s.failed(err)
	}
	seen, err := s.search(ids)
	v = visit{seen: seen}
	if err != nil {
		v = s.failed(err)
		v.seen = seen
	}
	if v.Fault == "" && isFull {
		v.Fault = full
	}
	return v
}

// A session is one conversation with a mailbox's server.
type session struct {
	client   *imapclient.Client
	conn     io.Closer
	reached  step
	brackets brackets
}

func (s *session) failed(err error) visit {
	var answer *imap.Error
	if !errors.As(err, &answer) {
		v := visit{Fault: wireFault(err, s.reached)}
		if v.Fault == untrusted {
			v.Words = certWords(err)
		}
		return v
	}
	v := visit{Fault: refused, Words: few(answer.Text)}
	switch {
	case answer.Code == imap.ResponseCodeOverQuota:
		v.Fault = full
	case s.reached == encrypted && wrongLogin(answer):
		v.Fault = wrong
	}
	return v
}

// wrongLogin tells whether a server refused the password, and not the hour: it
// says so by a code, or by none.
func wrongLogin(e *imap.Error) bool {
	switch e.Code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeServerBug, imap.ResponseCodeLimit, imap.ResponseCodeInUse, imap.ResponseCodeContactAdmin:
		return false
	}
	return e.Type == imap.StatusResponseTypeNo
}

func (s *session) open(ctx context.Context, at server, roots *x509.CertPool) error {
	conn, err := at.dial(ctx, imapBytes)
	if err != nil {
		return err
	}
	s.conn = conn
	trust := at.trust(roots)
	if at.within {
		within := tls.Client(conn, trust)
		if err := within.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return err
		}
		s.client = imapclient.New(within, &imapclient.Options{DebugWriter: &s.brackets})
	} else if s.client, err = imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: trust, DebugWriter: &s.brackets}); err != nil {
		// It closes the connection, and a server that knows no STARTTLS is told
		// apart by its answer.
		_ = conn.Close()
		var answer *imap.Error
		if errors.As(err, &answer) {
			return &noWay{fault: plain}
		}
		return err
	}
	s.reached = connected
	return s.client.WaitGreeting()
}

// close says good-bye and waits until nothing reads any more.
func (s *session) close() {
	if s.client.State() != imap.ConnStateLogout {
		_ = s.client.Logout().Wait()
	}
	_ = s.conn.Close()
	_ = s.client.Close()
}

// full tells whether the mailbox has no more room, where its server tells.
func (s *session) full() (bool, error) {
	if !s.client.Caps().Has(imap.CapQuota) {
		return false, nil
	}
	roots, err := s.client.GetQuotaRoot("INBOX").Wait()
	var answer *imap.Error
	if errors.As(err, &answer) {
		return false, nil // it knows the word, and not for this mailbox
	}
	for _, root := range roots {
		for _, r := range root.Resources {
			if r.Limit > 0 && float64(r.Usage) >= fullFrom*float64(r.Limit) {
				return true, err
			}
		}
	}
	return false, err
}

// A folder is one that can hold what we look for.
type folder struct {
	name string
	junk bool
}

// search looks through the folders until every message is found.
func (s *session) search(ids []string) ([]sight, error) {
	var seen []sight
	if len(ids) == 0 {
		return nil, nil
	}
	folders, err := s.folders()
	if err != nil {
		return nil, err
	}
	left := slices.Clone(ids)
	for _, f := range folders {
		if len(left) == 0 {
			break
		}
		selected, err := s.client.Select(f.name, nil).Wait()
		var answer *imap.Error
		if errors.As(err, &answer) && f.name != "INBOX" {
			continue // listed, and cannot be opened
		}
		if err != nil {
			return seen, err
		}
		if selected.NumMessages == 0 {
			continue
		}
		for _, id := range slices.Clone(left) {
			one, err := s.take(f, id)
			if err != nil {
				return seen, err
			}
			if one != nil {
				seen = append(seen, *one)
				left = slices.DeleteFunc(left, func(s string) bool { return s == id })
			}
		}
	}
	return seen, nil
}

// junkNames and ownNames are what folders are called whose server does not tell
// what they are for: for junk mail, and for what one has written oneself.
var (
	junkNames = []string{"junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk", "bulk mail", "迷惑メール"}
	ownNames  = []string{"sent", "sent items", "sent mail", "sent messages", "drafts", "outbox", "templates", "送信済み", "送信済みメール", "下書き"}
)

// folders are those that mail can be put into: the inbox, those for junk mail,
// the others. A copy that the sender keeps has not arrived.
func (s *session) folders() ([]folder, error) {
	var options *imap.ListOptions
	if caps := s.client.Caps(); caps.Has(imap.CapListExtended) && caps.Has(imap.CapSpecialUse) {
		options = &imap.ListOptions{ReturnSpecialUse: true}
	}
	list := s.client.List("", "*", options)
	out := []folder{{name: "INBOX"}}
	var others []folder
	for data := list.Next(); data != nil; data = list.Next() {
		has := func(attrs ...imap.MailboxAttr) bool {
			return slices.ContainsFunc(data.Attrs, func(a imap.MailboxAttr) bool {
				return slices.ContainsFunc(attrs, func(b imap.MailboxAttr) bool { return strings.EqualFold(string(a), string(b)) })
			})
		}
		base := data.Mailbox
		if data.Delim != 0 {
			base = base[strings.LastIndex(base, string(data.Delim))+1:]
		}
		base = strings.ToLower(base)
		switch {
		case strings.EqualFold(data.Mailbox, "INBOX"), len(out)+len(others) >= foldersMost,
			has(imap.MailboxAttrNoSelect, imap.MailboxAttrNonExistent, imap.MailboxAttrSent, imap.MailboxAttrDrafts, imap.MailboxAttrAll, imap.MailboxAttrFlagged),
			slices.Contains(ownNames, base):
		case has(imap.MailboxAttrJunk), slices.Contains(junkNames, base):
			out = append(out, folder{data.Mailbox, true})
		default:
			others = append(others, folder{data.Mailbox, false})
		}
	}
	return append(out, others...), list.Close()
}

// take finds the message of a name in the folder that is open, reads its header,
// and deletes it; nil where it is not there.
func (s *session) take(f folder, id string) (*sight, error) {
	found, err := s.client.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: id}}}, nil).Wait()
	if err != nil {
		return nil, err
	}
	for _, uid := range uids(found) {
		one, err := s.read(uid)
		if err != nil {
			return nil, err
		}
		// A search finds what contains the words; only the very name is ours.
		if one == nil || one.header.Get("Message-Id") != id {
			continue
		}
		one.id, one.folder, one.junk = id, f.name, f.junk
		return one, s.remove(uid)
	}
	return nil, nil
}

// uids are the first messages that a search has named; a range is as long as
// the server likes.
func uids(found *imap.SearchData) []imap.UID {
	set, ok := found.All.(imap.UIDSet)
	if !ok {
		return nil
	}
	var out []imap.UID
	for _, r := range set {
		for u := r.Start; u != 0 && u <= r.Stop && len(out) < hitsMost; u++ {
			out = append(out, u)
		}
	}
	return out
}

func (s *session) read(uid imap.UID) (*sight, error) {
	section := &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, Peek: true, Partial: &imap.SectionPartial{Size: headerBytes}}
	got, err := s.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{
		UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section},
	}).Collect()
	if err != nil {
		return nil, err
	}
	for _, m := range got {
		if m.UID != uid {
			continue
		}
		for _, part := range m.BodySection {
			// As much as was asked for, whatever was sent.
			return &sight{at: m.InternalDate, header: parseHeader(part.Bytes[:min(len(part.Bytes), headerBytes)])}, nil
		}
	}
	return nil, nil
}

// remove deletes one message. Where the server cannot clear away one alone it
// is only marked as deleted: clearing would take others that are marked, too.
func (s *session) remove(uid imap.UID) error {
	one := imap.UIDSetNum(uid)
	err := s.client.Store(one, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close()
	if err != nil {
		return fmt.Errorf("mark as deleted: %w", err)
	}
	if caps := s.client.Caps(); caps.Has(imap.CapUIDPlus) || caps.Has(imap.CapIMAP4rev2) {
		if err := s.client.UIDExpunge(one).Close(); err != nil {
			return fmt.Errorf("clear away: %w", err)
		}
	}
	return nil
}
