package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/bot"
	"github.com/sababan/sababan/bot/fallback"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres/ward"
)

// relay is a real mail server: Postfix that asks Dovecot about passwords and
// hands everything to its mailboxes.
type relay struct {
	dir  string
	ca   *checkstest.CA
	post *ward.Ward
	dove *ward.Ward
	// submission wants STARTTLS and a password, wrapped is within TLS, plain offers
	// neither.
	submission, wrapped, plain string
}

const relayPassword = "s3cret with a space"

func startRelay(t *testing.T) *relay {
	t.Helper()
	dir, err := ward.Folder("sababan-relay-", nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ward.Folder("sababan-sasl-", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{dir: dir, ca: checkstest.NewCA(t, "Lab Root")}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, at := range []*string{&r.submission, &r.wrapped, &r.plain} {
		*at = free(t)
	}
	c := r.ca.Issue(t, checkstest.Leaf{Names: []string{"relay.lab.test"}})
	r.write(t, "cert.pem", string(c.FullChain()), 0o644)
	r.write(t, "key.pem", string(c.KeyPEM(t)), 0o600)
	r.write(t, "users", "saba:{PLAIN}"+relayPassword+"\n", 0o644)
	r.write(t, "pf/main.cf", strings.ReplaceAll(`compatibility_level = 3.6
queue_directory = @/queue
data_directory = @/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.lab.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
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
smtpd_recipient_restrictions = check_recipient_access regexp:@/access, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
default_transport = error:no relay in lab
relay_transport = error:no relay in lab
alias_maps =
local_recipient_maps =
inbox_destination_recipient_limit = 1
`, "@", dir), 0o644)
	r.write(t, "access", "/^nobody@/ REJECT no such mailbox\n", 0o644)
	r.write(t, "pf/master.cf", fmt.Sprintf(`%s inet n - n - - smtpd
%s inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
%s inet n - n - - smtpd
  -o smtpd_tls_security_level=none
  -o smtpd_recipient_restrictions=permit_auth_destination,reject
  -o smtpd_relay_restrictions=permit_auth_destination,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
inbox unix - n n - - pipe
  flags=DRhu user=nobody argv=/usr/lib/dovecot/dovecot-lda -c %s/dv/dovecot.conf -o log_path=/dev/stderr -o stats_writer_socket_path= -e -f ${sender} -d ${recipient}
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
`, r.submission, r.wrapped, r.plain, dir), 0o644)
	r.write(t, "dv/dovecot.conf", strings.ReplaceAll(`base_dir = @/dv/run
state_dir = @/dv/state
protocols =
log_path = @/dv/log
ssl = no
mail_location = maildir:@/mail/%n
first_valid_uid = 100
default_internal_user = dovecot
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = username_format=%n @/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=@/mail/%n allow_all_users=yes
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
`, "@", dir), 0o644)
	for _, folder := range []string{"queue", "data", "dv/run", "dv/state", "mail"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command(t, "chown", "nobody", filepath.Join(dir, "mail"))
	command(t, "chown", "postfix", filepath.Join(dir, "data"))
	_, _ = exec.Command("/usr/sbin/postfix", "-c", filepath.Join(dir, "pf"), "check").CombinedOutput() // makes the queue's folders, and grumbles
	if _, err := os.Stat("/usr/lib/postfix/sbin/master"); err != nil {
		t.Fatal("postfix is missing; this test needs a real one: apt-get install postfix dovecot-core")
	}
	if r.post, err = ward.Keep(dir, nil, "TERM", "/usr/lib/postfix/sbin/master", "-c", filepath.Join(dir, "pf"), "-d"); err != nil {
		t.Fatal(err)
	}
	if r.dove, err = ward.Keep(own, nil, "TERM", "/usr/sbin/dovecot", "-F", "-c", filepath.Join(dir, "dv", "dovecot.conf")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "maillog"))
			dove, _ := os.ReadFile(filepath.Join(dir, "dv", "log"))
			t.Logf("%s\n%s\n%s\n%s", r.post.Output(), log, r.dove.Output(), dove)
		}
		_ = errors.Join(r.dove.Close(), r.post.Close()) // how they ended is no matter
	})
	for _, one := range []*ward.Ward{r.dove, r.post} {
		if err := one.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []string{r.submission, r.wrapped, r.plain} {
		until(t, "listens at "+at, func() bool {
			c, err := net.Dial("tcp", at)
			return err == nil && c.Close() == nil
		})
	}
	until(t, "asks about passwords", func() bool {
		c, err := net.Dial("unix", filepath.Join(dir, "queue", "private", "auth"))
		return err == nil && c.Close() == nil
	})
	return r
}

// free is an address on loopback where nobody listens, below those that a system
// gives to whoever connects.
func free(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000)))
		if err != nil {
			continue // somebody's
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
}

func (r *relay) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	over := time.After(30 * time.Second)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-over:
			t.Fatalf("30 s passed before it %s", what)
		case <-again.C:
		}
	}
}

// letters are the messages that lie in a mailbox.
func (r *relay) letters(t *testing.T, name string) (all []*netmail.Message) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.dir, "mail", name, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := netmail.ReadMessage(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
		t.Cleanup(func() { _ = f.Close() })
	}
	return all
}

func TestMailThroughARealMailServer(t *testing.T) {
	r := startRelay(t)
	// relay.lab.test is that server, whatever the port; strangers' names are loopback's.
	to := func(addr string) fallback.Options {
		return fallback.Options{Roots: r.ca.Roots(), Host: "web1.lab.test", Patience: 10 * time.Second, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}}
	}
	password := filepath.Join(r.dir, "secret")
	r.write(t, "secret", relayPassword+"\n", 0o600)
	signedIn := "saba:" + url.PathEscape(relayPassword) + "@relay.lab.test"
	rest := "?from=saba@lab.test&to=alice@lab.test"

	t.Run("STARTTLS and a password, twice the same message", func(t *testing.T) {
		w := way(t, "smtp://"+signedIn+"/"+rest+"&to=bob@lab.test", to(r.submission))
		for range 2 {
			if got := w.Send(t.Context(), message()); got.Outcome != bot.Delivered || got.Why != "" {
				t.Fatalf("%+v", got)
			}
		}
		for _, name := range []string{"alice", "bob"} {
			until(t, "arrived at "+name, func() bool { return len(r.letters(t, name)) == 2 })
			for _, m := range r.letters(t, name) {
				body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
				subject, err2 := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
				if err := errors.Join(err, err2); err != nil {
					t.Fatal(err)
				}
				if got := strings.ReplaceAll(string(body), "\r\n", "\n"); strings.TrimSpace(got) != message().Text {
					t.Errorf("%q", got)
				}
				if subject != "example.social: 【要対応】12番 <web> & *UI*: 502" || m.Header.Get("Message-ID") != "<sababan-ab-cd@lab.test>" ||
					m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("From") != "sababan <saba@lab.test>" {
					t.Errorf("%q %v", subject, m.Header)
				}
			}
		}
	})
	for _, c := range []struct {
		name, address, at string
		want              bot.Outcome
		why               string
	}{
		{"TLS from the first byte, the password in a file", "smtps://saba@relay.lab.test/" + rest + "&password_file=" + password, r.wrapped, bot.Delivered, ""},
		{"one of two recipients", "smtps://" + signedIn + "/" + rest + "&to=nobody@lab.test", r.wrapped, bot.Delivered, "recipient: the mail server answered 554"},
		{"no recipient", "smtps://" + signedIn + "/?from=saba@lab.test&to=nobody@lab.test", r.wrapped, bot.Refused, "recipient: the mail server answered 554"},
		{"a wrong password", "smtp://saba:hunter2@relay.lab.test/" + rest, r.submission, bot.Refused, "the mail server answered 535"},
		{"another's name", "smtp://saba:hunter2@other.lab.test/" + rest, r.submission, bot.Refused, "certificate is valid for relay.lab.test, not other.lab.test"},
		{"no STARTTLS, elsewhere", "smtp://saba:hunter2@relay.lab.test/" + rest, r.plain, bot.Refused, "it offers no STARTTLS, so nothing is said to it"},
		{"the mail server of this machine", "mailto:alice@lab.test?from=saba@lab.test", r.plain, bot.Delivered, ""},
		{"nobody there", "mailto:alice@lab.test?from=saba@lab.test", free(t), bot.Refused, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := way(t, c.address, to(c.at)).Send(t.Context(), message())
			if got.Outcome != c.want || !strings.Contains(got.Why, c.why) || strings.Contains(got.Why, "hunter2") || c.why == "" && got.Why != "" {
				t.Errorf("%v: %s", got.Outcome, got.Why)
			}
		})
	}
	t.Run("the answer to the last line is lost", func(t *testing.T) {
		o := to(r.plain)
		dial := o.Dial
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return &deafAtTheEnd{Conn: c}, err
		}
		if got := way(t, "mailto:alice@lab.test?from=saba@lab.test", o).Send(t.Context(), message()); got.Outcome != bot.Uncertain {
			t.Errorf("%+v", got)
		}
	})
}

// deafAtTheEnd hears nothing any more once the message has ended.
type deafAtTheEnd struct {
	net.Conn
	ended bool
}

func (d *deafAtTheEnd) Write(p []byte) (int, error) {
	d.ended = d.ended || strings.HasSuffix(string(p), "\r\n.\r\n")
	return d.Conn.Write(p)
}

func (d *deafAtTheEnd) Read(p []byte) (int, error) {
	if d.ended {
		return 0, io.ErrUnexpectedEOF
	}
	return d.Conn.Read(p)
}
