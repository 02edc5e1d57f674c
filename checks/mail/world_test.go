package mail

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres/ward"
	"github.com/sababan/sababan/checks/site"
)

// A world is a real mail server and real mailboxes: Postfix and Dovecot on
// loopback, with a certificate of their own authority and a DNS of their own.
type world struct {
	ca   *checkstest.CA
	dir  string
	post *ward.Ward
	dove *ward.Ward
	// submission wants STARTTLS and a password, wrapped is within TLS, imap and
	// imaps are Dovecot's; relay takes mail from this machine without a password.
	submission, wrapped, imap, imaps, relay string

	zone *zone
	own  []string // addresses of this machine's
	site *site.Site
	kind checks.Kind
	c    checks.Check
	past *checkstest.Past
}

// patience is how long a real service may take to do what it does in
// milliseconds where nothing else runs.
const patience = 30 * time.Second

const (
	rightPassword = "s3cret with a space"
	mailUser      = "nobody"
	from          = "Mastodon <notifications@lab.test>"
	inbox         = "probe@lab.test"
)

func start(t *testing.T) *world {
	t.Helper()
	w := &world{ca: checkstest.NewCA(t, "Lab Root"), zone: serve(t), past: &checkstest.Past{}}
	ports := addresses(t, 5)
	w.submission, w.wrapped, w.imap, w.imaps, w.relay = ports[0], ports[1], ports[2], ports[3], ports[4]
	dir, err := ward.Folder("sababan-mail-", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the mailboxes' user goes through
		t.Fatal(err)
	}
	w.dir = dir
	w.certificate(t, "localhost")
	w.writePostfix(t)
	w.writeDovecot(t)
	w.password(t, "right", rightPassword)
	w.password(t, "wrong", "something else")
	for _, folder := range []string{"queue", "data", "dv/run", "dv/state", "mail"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "chown", mailUser, filepath.Join(dir, "mail"))
	run(t, "chown", "postfix", filepath.Join(dir, "data"))
	_, _ = exec.Command(tool(t, "postfix"), "-c", filepath.Join(dir, "pf"), "check").CombinedOutput() // makes the queue's folders, and grumbles
	w.post = w.keep(t, "/usr/lib/postfix/sbin/master", "-c", filepath.Join(dir, "pf"), "-d")
	// Its own folder is the first one's.
	own, err := ward.Folder("sababan-imap-", nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.dove, err = ward.Keep(own, nil, "TERM", tool(t, "dovecot"), "-F", "-c", filepath.Join(dir, "dv", "dovecot.conf")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.end(t) })
	for _, one := range []*ward.Ward{w.dove, w.post} {
		if err := one.Start(); err != nil {
			t.Fatal(err)
		}
	}
	w.listening(t)
	w.dress(t, "")
	return w
}

// addresses are so many on loopback where nobody listens, each another. They
// lie below those that a system gives to whoever connects, which would take one
// before its server does.
func addresses(t *testing.T, n int) []string {
	t.Helper()
	var held []net.Listener
	var out []string
	for len(out) < n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000)))
		if err != nil {
			continue // somebody's
		}
		held, out = append(held, l), append(out, l.Addr().String())
	}
	for _, l := range held {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// listening waits until both servers take connections.
func (w *world) listening(t *testing.T) {
	t.Helper()
	for _, addr := range []string{w.submission, w.wrapped, w.relay, w.imap, w.imaps} {
		until(t, "listens at "+addr, func() bool {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return false
			}
			return c.Close() == nil
		})
	}
}

// log is what the mail server has written down.
func (w *world) log(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, "maillog"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// empty clears a mailbox, and what its server believes of its size.
func (w *world) empty(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(w.dir, "mail", name)); err != nil {
		t.Fatal(err)
	}
}

// settings are what Mastodon's installation tells of itself.
func (w *world) settings(t *testing.T, text string) {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"etc/sababan/site.env": text, "home/mastodon/live/lib/mastodon/version.rb": "", "lib/systemd/system/postfix.service": "",
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := site.New(site.Config{Domain: "lab.test", Root: root})
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = w.ca.Roots()
	w.site = s
}

func (w *world) keep(t *testing.T, words ...string) *ward.Ward {
	t.Helper()
	if _, err := os.Stat(words[0]); err != nil {
		t.Fatal("postfix is missing; this test needs a real one: apt-get install postfix dovecot-imapd")
	}
	one, err := ward.Keep(w.dir, nil, "TERM", words...)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

func (w *world) end(t *testing.T) {
	if t.Failed() {
		log, _ := os.ReadFile(filepath.Join(w.dir, "maillog"))
		dove, _ := os.ReadFile(filepath.Join(w.dir, "dv", "log"))
		t.Logf("postfix: %s\n%s\ndovecot: %s\n%s", w.post.Output(), tail(log), w.dove.Output(), tail(dove))
	}
	if err := errors.Join(w.dove.Close(), w.post.Close()); err != nil {
		t.Log(err) // how they ended is no matter
	}
}

func tail(b []byte) []byte { return b[max(len(b)-6000, 0):] }

func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if p := filepath.Join(dir, name); exec.Command("test", "-x", p).Run() == nil {
			return p
		}
	}
	t.Fatalf("%s is missing; this test needs a real one: apt-get install postfix dovecot-imapd", name)
	return ""
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// until asks again and again until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	over := time.NewTimer(patience)
	defer over.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-over.C:
			t.Fatalf("%v passed before it %s", patience, what)
		case <-again.C:
		}
	}
}

func (w *world) write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) password(t *testing.T, name, words string) string {
	t.Helper()
	return w.write(t, name, words+"\n", 0o600)
}

// certificate gives both servers one for a name.
func (w *world) certificate(t *testing.T, name string) {
	t.Helper()
	c := w.ca.Issue(t, checkstest.Leaf{Names: []string{name, "mail.lab.test"}})
	w.write(t, "cert.pem", string(c.FullChain()), 0o644)
	w.write(t, "key.pem", string(c.KeyPEM(t)), 0o600)
	if w.post == nil {
		return
	}
	// An smtpd that waits has read the one before, and serves one connection.
	for range 10 {
		if shownBy(t, w.submission).Equal(c.Leaf) {
			return
		}
	}
	t.Fatal("Postfix does not show its new certificate")
}

// shownBy is the certificate that a mail server shows after STARTTLS.
func shownBy(t *testing.T, addr string) *x509.Certificate {
	t.Helper()
	c, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Fatal(err)
	}
	state, _ := c.TLSConnectionState()
	return state.PeerCertificates[0]
}

func (w *world) writePostfix(t *testing.T) {
	t.Helper()
	w.access(t, "")
	w.write(t, "prepend0", "", 0o644)
	w.write(t, "prepend1", "", 0o644)
	w.write(t, "pf/main.cf", strings.ReplaceAll(`compatibility_level = 3.6
queue_directory = @/queue
data_directory = @/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.lab.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
max_use = 1
minimal_backoff_time = 1s
maillog_file = @/maillog
maillog_file_prefixes = @
virtual_mailbox_domains = lab.test
virtual_mailbox_maps = static:any
virtual_transport = inbox
smtpd_tls_cert_file = @/cert.pem
smtpd_tls_key_file = @/key.pem
smtpd_tls_security_level = encrypt
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_auth_enable = yes
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:@/access, check_recipient_access regexp:@/prepend0, check_recipient_access regexp:@/prepend1, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
default_transport = error:no relay in lab
relay_transport = error:no relay in lab
alias_maps =
local_recipient_maps =
inbox_destination_recipient_limit = 1
junk_destination_recipient_limit = 1
`, "@", w.dir), 0o644)
	lda := fmt.Sprintf("pipe\n  flags=DRhu user=%s argv=/usr/lib/dovecot/dovecot-lda -c %s -o log_path=/dev/stderr -o stats_writer_socket_path= -e -f ${sender} -d ${recipient}", mailUser, filepath.Join(w.dir, "dv", "dovecot.conf"))
	w.write(t, "pf/master.cf", fmt.Sprintf(`%s inet n - n - - smtpd
%s inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
%s inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=no -o smtpd_tls_security_level=may -o smtpd_client_restrictions= -o mynetworks=127.0.0.0/8
  -o smtpd_relay_restrictions=permit_mynetworks,reject -o smtpd_recipient_restrictions=check_recipient_access,regexp:%s,permit_mynetworks,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
inbox unix - n n - - %s
junk unix - n n - - %s -m Junk
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
`, w.submission, w.wrapped, w.relay, filepath.Join(w.dir, "access"), lda, lda), 0o644)
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

func (w *world) writeDovecot(t *testing.T) {
	t.Helper()
	w.accounts(t, rightPassword)
	w.write(t, "dv/dovecot.conf", strings.NewReplacer("@", w.dir, "IMAPS", port(w.imaps), "IMAP0", port(w.imap), "USER", mailUser).Replace(`base_dir = @/dv/run
state_dir = @/dv/state
protocols = imap
listen = 127.0.0.1
log_path = @/dv/log
ssl = required
ssl_cert = <@/cert.pem
ssl_key = <@/key.pem
mail_location = maildir:@/mail/%n
first_valid_uid = 100
default_internal_user = dovecot
mail_plugins = quota
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = username_format=%n @/users
}
userdb {
  driver = static
  args = uid=USER gid=nogroup home=@/mail/%n allow_all_users=yes
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    auto = create
    special_use = \Junk
  }
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
}
protocol imap {
  mail_plugins = quota imap_quota
}
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=1M
}
service imap-login {
  inet_listener imap {
    port = IMAP0
  }
  inet_listener imaps {
    port = IMAPS
    ssl = yes
  }
}
service auth {
  unix_listener auth-userdb {
    mode = 0666
  }
  unix_listener @/queue/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
`), 0o644)
}

// accounts are those that exist, with their password.
func (w *world) accounts(t *testing.T, password string) {
	t.Helper()
	lines := ""
	for _, name := range []string{"probe", "junk", "other"} {
		lines += name + ":{PLAIN}" + password + "\n"
	}
	w.write(t, "users", lines, 0o644)
}

// access is what the mail server does with recipients: lines such as
// "/^probe/ REJECT words".
func (w *world) access(t *testing.T, lines string) {
	t.Helper()
	w.write(t, "access", lines, 0o644)
}

// prepend lets the mail server put a header on top of messages, as a provider
// does with its verdict; place 0 is above 1. "" lets it be.
func (w *world) prepend(t *testing.T, place int, header string) {
	t.Helper()
	if header != "" {
		header = "/./ PREPEND " + header + "\n"
	}
	w.write(t, fmt.Sprintf("prepend%d", place), header, 0o644)
}

// defer holds all mail back, and releases it.
func (w *world) holdBack(t *testing.T, yes bool) {
	t.Helper()
	mode := os.FileMode(0o700)
	if yes {
		mode = 0
	}
	if err := os.Chmod(filepath.Join(w.dir, "mail"), mode); err != nil {
		t.Fatal(err)
	}
	if !yes {
		run(t, "postqueue", "-c", filepath.Join(w.dir, "pf"), "-f")
	}
}

// release lets go what was held.
func (w *world) release(t *testing.T) {
	t.Helper()
	run(t, "postsuper", "-c", filepath.Join(w.dir, "pf"), "-H", "ALL")
	run(t, "postqueue", "-c", filepath.Join(w.dir, "pf"), "-f")
}

// deferred are the messages that the mail server could not get rid of.
func (w *world) deferred(t *testing.T) int {
	t.Helper()
	return strings.Count(run(t, "postqueue", "-c", filepath.Join(w.dir, "pf"), "-j"), `"queue_name": "deferred"`)
}

// inMailbox counts the messages that lie in a mailbox, in a folder of it.
func (w *world) inMailbox(t *testing.T, name, folder string) int {
	t.Helper()
	n := 0
	for _, part := range []string{"new", "cur"} {
		all, err := os.ReadDir(filepath.Join(w.dir, "mail", name, folder, part))
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
			t.Fatal(err)
		}
		n += len(all)
	}
	return n
}

// arrives waits until so many messages lie in a mailbox.
func (w *world) arrives(t *testing.T, name, folder string, n int) {
	t.Helper()
	until(t, fmt.Sprintf("arrived in %s (%d in %q)", name, n, folder), func() bool { return w.inMailbox(t, name, folder) == n })
}

// put lays a message of somebody else's into a mailbox.
func (w *world) put(t *testing.T, name, folder, file, text string) {
	t.Helper()
	path := w.write(t, filepath.Join("mail", name, folder, "cur", file), strings.ReplaceAll(text, "\n", "\r\n"), 0o644)
	run(t, "chown", "-R", mailUser, filepath.Join(w.dir, "mail", name))
	// What the server believes of the size is reckoned anew.
	if err := os.Remove(filepath.Join(w.dir, "mail", name, "maildirsize")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}

// table is the usual configuration, with one mailbox.
func (w *world) table() string { return w.tableWith("right", w.box(inbox, "right")) }

func (w *world) tableWith(password string, boxes ...string) string {
	return fmt.Sprintf("smtp = \"smtp://probe@localhost:%s\"\nsmtp_password_file = %q\nfrom = %q\n%s",
		port(w.submission), filepath.Join(w.dir, password), from, strings.Join(boxes, ""))
}

func (w *world) box(address, password string) string {
	return fmt.Sprintf("[[mailbox]]\naddress = %q\nimap = \"imaps://localhost:%s\"\npassword_file = %q\n", address, port(w.imaps), filepath.Join(w.dir, password))
}

// dress makes the check from a table; "" takes the usual one.
func (w *world) dress(t *testing.T, table string) {
	t.Helper()
	if table == "" {
		table = w.table()
	}
	if w.site == nil {
		s, err := site.New(site.Config{Domain: "lab.test", Root: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		s.Roots = w.ca.Roots()
		w.site = s
	}
	p := usualPace()
	// Twelve hours from now, so that what a test lets pass leads over it or not,
	// whatever the hour.
	now := time.Now()
	p.dailyAt = (time.Duration(now.Hour()+12)*time.Hour + time.Duration(now.Minute())*time.Minute) % (24 * time.Hour)
	p.patience = patience
	w.kind = kindAt(w.site, surroundings{names: w.zone.resolver(), addresses: func() []string { return w.own }}, p)
	w.c = checkstest.Make(t, w.kind, checkstest.Table(table))
}

func (w *world) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, w.kind, w.c, w.past)
}

var instant = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]+"`)

// pass lets time pass: everything that is remembered lies so much longer ago.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	b, ok := w.past.Load(memoryKey)
	if !ok {
		t.Fatal("nothing is remembered")
	}
	w.past.Memory[memoryKey] = instant.ReplaceAllFunc(b, func(s []byte) []byte {
		at, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(s))
		if err != nil {
			t.Fatal(err)
		}
		if at.IsZero() {
			return s
		}
		return []byte(at.Add(-d).Format(`"` + time.RFC3339Nano + `"`))
	})
}

// roundTrip sends a message and looks for it when it has arrived; the state of
// the mailbox says that another is due.
func (w *world) roundTrip(t *testing.T, name, folder string) checks.Observation {
	t.Helper()
	w.pass(t, 25*time.Hour)
	before := w.inMailbox(t, name, folder)
	w.look(t)
	w.arrives(t, name, folder, before+1)
	o := w.look(t)
	if n := w.inMailbox(t, name, folder); n != before {
		t.Fatalf("%d messages lie in %s, %d before the test message", n, name, before)
	}
	return o
}

func healthy(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %s, blind %s, want none", aloud(o), o.Blind)
	}
}

func found(t *testing.T, o checks.Observation, code, subject string, want checks.Severity, road checks.Road) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, subject)
	if !ok || f.Severity != want || f.Road != road || f.Holds {
		t.Fatalf("%s %q: %+v in %s; blind %v", code, subject, f, aloud(o), o.Blind)
	}
	readAloud(t, o)
	return f
}

func gone(t *testing.T, o checks.Observation, code string) {
	t.Helper()
	if f, ok := checkstest.Find(o, code, "*"); ok {
		t.Fatalf("%s is there still: %+v", code, f)
	}
}

func says(t *testing.T, text checks.Text, en, ja string) {
	t.Helper()
	if !strings.Contains(text.En, en) {
		t.Errorf("English is %q, want it to say %q", text.En, en)
	}
	if !strings.Contains(text.Ja, ja) {
		t.Errorf("Japanese is %q, want it to say %q", text.Ja, ja)
	}
}

func aloud(o checks.Observation) string {
	var b bytes.Buffer
	for _, f := range o.Findings {
		fmt.Fprintf(&b, "\n%s %q %v %v: %s", f.Code, f.Subject, f.Severity, f.Road, f.Text.En)
	}
	return b.String()
}

// readAloud writes out what a person would read.
func readAloud(t *testing.T, o checks.Observation) {
	t.Helper()
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		r := checks.Reader{Lang: l, Now: time.Now()}
		t.Logf("= %s", o.Summary.Read(r))
		for _, f := range o.Findings {
			t.Logf("[%s %s] %s\n%s\n%v\n%v", f.Code, f.Severity, f.Text.Read(r), f.Advice.Text.Read(r), f.Advice.Look, f.Advice.Mend)
		}
		for _, b := range o.Blind {
			t.Logf("(%s %s) %s / %s", b.Code, b.Subject, b.Why.Read(r), b.Mend.Text.Read(r))
		}
	}
}
