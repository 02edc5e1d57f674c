package mail

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	w := start(t)
	checkstest.Contract(t, w.kind, checkstest.Table(w.table()))
}

func TestAMessageArrivesAndIsDeletedAndNoOther(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.put(t, "probe", "", "1700000000.other:2,S", "From: a@lab.test\nSubject: not ours\nMessage-ID: <sababan.other@lab.test>\n\nkeep me\n")
	w.prepend(t, 0, "Authentication-Results: mail.lab.test; spf=pass smtp.mailfrom=lab.test; dkim=pass header.d=lab.test; dmarc=pass header.from=lab.test")
	first := w.look(t)
	healthy(t, first)
	if n := w.inMailbox(t, "probe", ""); n != 1 {
		t.Fatalf("the first look of all has sent something: %d messages", n)
	}
	says(t, first.Summary, "accepts mail up to RCPT TO in ", "はRCPT TOまで受け付け（")
	says(t, first.Summary, "no test message sent yet", "テストメールはまだ送っていません")
	if v := checkstest.Value(t, first, smtpTime, ""); v <= 0 || v > 20 {
		t.Errorf("SMTP took %v s", v)
	}
	second := w.look(t)
	healthy(t, second)
	says(t, second.Summary, "a test message has been under way since ", "に送ったテストメールの到着待ち")
	w.arrives(t, "probe", "", 2)
	third := w.look(t)
	healthy(t, third)
	says(t, third.Summary, "the last test message arrived after ", "最後のテストメールは")
	says(t, third.Summary, "SPF, DKIM, DMARC pass", "SPF・DKIM・DMARCは合格")
	readAloud(t, third)
	if v := checkstest.Value(t, third, roundTrip, inbox); v < 0 || v > 30 {
		t.Errorf("the message took %v s", v)
	}
	if n := w.inMailbox(t, "probe", ""); n != 1 {
		t.Fatalf("%d messages lie there, want the other one alone", n)
	}
	// Daily at most.
	w.look(t)
	w.pass(t, 20*time.Minute)
	w.look(t)
	if m, _ := recall(w.past); m.Boxes[inbox].pending() {
		t.Error("another was sent")
	}
}

func TestAMailboxThatCannotBeReadLosesNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	w.holdBack(t, true)
	w.look(t)
	until(t, "is deferred", func() bool { return w.deferred(t) == 1 })
	w.pass(t, 61*time.Minute)
	// Not seen is not lost, and said as ours.
	o := w.look(t)
	gone(t, o, codeLost)
	f := found(t, o, codeMailbox, inbox, checks.Warning, checks.Morning)
	says(t, f.Text, "sababan's mailbox probe@lab.test cannot be read (localhost refuses sababan)", "sababan自身のメールボックス probe@lab.test を読めません（localhostに拒否されました）")
	w.holdBack(t, false)
	w.arrives(t, "probe", "", 1)
	healthy(t, w.look(t))
}

func TestWhatIsHeldBackComesLate(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	for _, times := range []int{1, 2} {
		w.access(t, "/./ HOLD\n")
		w.look(t)
		w.pass(t, 38*time.Minute)
		gone(t, w.look(t), codeLost) // there is time left
		w.access(t, "")
		w.release(t)
		w.arrives(t, "probe", "", 1)
		o := w.look(t)
		if times == 1 {
			gone(t, o, codeLate) // once is not twice
			w.pass(t, 31*time.Minute)
			continue
		}
		f := found(t, o, codeLate, "", checks.Warning, checks.Morning)
		says(t, f.Text, "mail arrives late: after 3", "メールの到着が遅れています（probe@lab.test に届くまで3")
	}
	w.pass(t, 31*time.Minute)
	w.look(t)
	w.arrives(t, "probe", "", 1)
	healthy(t, w.look(t))
}

func TestMessagesThatNeverComeAreLostTwiceAndThenCritical(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	// The mail server takes it and never gives it away.
	w.access(t, "/./ HOLD\n")
	w.look(t)
	w.pass(t, 61*time.Minute)
	o := w.look(t)
	gone(t, o, codeLost)
	says(t, o.Summary, "the last test message has not arrived", "最後のテストメールは届いていません")
	w.look(t)
	if m, _ := recall(w.past); m.Boxes[inbox].pending() {
		t.Error("the next one did not wait for half an hour")
	}
	w.pass(t, 31*time.Minute)
	w.look(t)
	w.pass(t, 61*time.Minute)
	f := found(t, w.look(t), codeLost, "", checks.Critical, checks.Now)
	says(t, f.Text, "mail does not arrive: test messages to probe@lab.test are missing", "メールが届きません（テストメールの未着: probe@lab.test）")
	says(t, f.Text, "Reached: localhost:", "到達した段階: localhost:")
	// Healed: the next one comes.
	w.access(t, "")
	w.pass(t, 31*time.Minute)
	w.look(t)
	until(t, "has come", func() bool { return w.inMailbox(t, "probe", "") > 0 })
	o = w.look(t)
	gone(t, o, codeLost)
}

func TestWhatLandsAmongJunkIsToldTheSecondTime(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.dress(t, w.tableWith("right", w.box(inbox, "right"), w.box("junk@lab.test", "right")))
	w.prepend(t, 0, "Authentication-Results: mail.lab.test; spf=pass smtp.mailfrom=lab.test; dmarc=pass")
	w.access(t, "/^junk/ FILTER junk:dummy\n")
	w.look(t)
	w.look(t)
	w.arrives(t, "junk", ".Junk", 1)
	w.arrives(t, "probe", "", 1)
	o := w.look(t)
	gone(t, o, codeJunk)
	says(t, o.Summary, "arrived in 2 of 2 mailboxes, after ", "メールボックス2個中2個に到着（最長")
	w.pass(t, 31*time.Minute)
	w.look(t)
	w.arrives(t, "junk", ".Junk", 1)
	o = w.look(t)
	f := found(t, o, codeJunk, "", checks.Warning, checks.Morning)
	says(t, f.Text, "the server's mail ends up in the junk folder: junk@lab.test", "サーバーからのメールが迷惑メールに入ります（junk@lab.test）")
	says(t, f.Text, "mail.lab.test says: SPF pass, DMARC pass.", "mail.lab.test の判定: SPF pass、DMARC pass")
	// The other mailbox was well: it gets no more than one a day.
	if n := w.inMailbox(t, "probe", ""); n != 0 {
		t.Errorf("%d messages in the other one", n)
	}
	w.access(t, "")
	healthy(t, w.roundTrip(t, "junk", ""))
}

func TestOnlyWhatTheProviderItselfSaysCounts(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	const own, stranger = "Authentication-Results: mail.lab.test; ", "Authentication-Results: mx.evil.example; "
	// Somebody on the way says that all is well; the provider says no.
	w.prepend(t, 0, own+"spf=softfail (ip is 192.0.2.7; not allowed) smtp.mailfrom=notifications@lab.test; dkim=fail header.d=lab.test; dmarc=fail header.from=lab.test")
	w.prepend(t, 1, stranger+"spf=pass; dkim=pass; dmarc=pass")
	w.roundTrip(t, "probe", "")
	o := w.roundTrip(t, "probe", "")
	for code, en := range map[string]string{
		codeSPF: "SPF does not pass for mail from lab.test: softfail, says mail.lab.test", codeDKIM: "DKIM does not pass for mail from lab.test: fail", codeDMARC: "DMARC does not pass",
	} {
		f := found(t, o, code, "lab.test", checks.Warning, checks.Morning)
		says(t, f.Text, en, "lab.test からのメールが")
	}
	// The provider says nothing, and somebody else's word is nobody's: it stays.
	w.prepend(t, 0, stranger+"spf=pass; dkim=pass; dmarc=pass")
	w.prepend(t, 1, "")
	o = w.roundTrip(t, "probe", "")
	f := found(t, o, codeDMARC, "lab.test", checks.Warning, checks.Morning)
	says(t, f.Text, ": fail, says mail.lab.test", "（mail.lab.test の判定: fail）")
	// Nor does a forged word of the provider's count below a stranger's.
	w.prepend(t, 1, own+"spf=pass; dkim=pass; dmarc=pass")
	o = w.roundTrip(t, "probe", "")
	found(t, o, codeSPF, "lab.test", checks.Warning, checks.Morning)
	w.prepend(t, 0, own+"spf=pass smtp.mailfrom=lab.test; dkim=none; dkim=pass header.d=lab.test; dmarc=pass")
	w.prepend(t, 1, "")
	healthy(t, w.roundTrip(t, "probe", ""))
}

func TestOurOwnWrongPasswordsAreOurs(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.dress(t, w.tableWith("wrong", w.box(inbox, "right")))
	w.look(t)
	o := w.look(t)
	f := found(t, o, codePassword, "smtp", checks.Warning, checks.Morning)
	says(t, f.Text, "sababan's own password for the mail server localhost:", "sababan自身のパスワードが、メールサーバー localhost:")
	gone(t, o, codeSMTP)
	w.dress(t, w.tableWith("right", w.box(inbox, "wrong")))
	w.pass(t, time.Hour)
	w.look(t)
	o = w.look(t)
	f = found(t, o, codePassword, inbox, checks.Warning, checks.Morning)
	says(t, f.Text, "sababan's own password for the mailbox probe@lab.test is refused", "sababan自身のメールボックス probe@lab.test にログインできません")
	gone(t, o, codeLost)
	w.pass(t, time.Hour)
	w.look(t)
	if m, _ := recall(w.past); len(m.Boxes[inbox].Probes) != 1 {
		t.Errorf("%v were sent that nobody could look for", m.Boxes[inbox].Probes)
	}
	// The file is read anew each time.
	w.password(t, "wrong", rightPassword)
	w.pass(t, time.Hour)
	healthy(t, w.look(t))
	// A file that others may read is not used.
	w.write(t, "wrong", rightPassword, 0o644)
	w.pass(t, 25*time.Hour)
	o = w.look(t)
	if len(o.Blind) != 2 || o.Blind[0].Subject != inbox || len(o.Findings) > 0 {
		t.Fatalf("findings %v, blind %v", o.Findings, o.Blind)
	}
	readAloud(t, o)
	says(t, o.Blind[0].Why, "/wrong can be read by others", "/wrong: ほかのユーザーからも読めます")
	if len(o.Blind[0].Mend.Mend) != 1 || !strings.HasPrefix(o.Blind[0].Mend.Mend[0].String(), "sudo chmod 600 ") {
		t.Errorf("mend %v", o.Blind[0].Mend)
	}
}

func TestEachRefusalOfTheMailServerIsNamedWithItsStep(t *testing.T) {
	t.Parallel()
	w := start(t)
	healthy(t, w.look(t))
	place := "localhost:" + port(w.submission)
	bad := func(lines, code, subject string, severity checks.Severity, road checks.Road, en, ja string) {
		t.Helper()
		w.access(t, lines)
		w.pass(t, 7*time.Hour)
		f := found(t, w.look(t), code, subject, severity, road)
		says(t, f.Text, en, ja)
		w.access(t, "")
		o := w.look(t) // at the very next look
		for _, c := range []string{codeSMTP, codeLimit, codeMailbox} {
			gone(t, o, c)
		}
	}
	bad("/./ 554 5.7.1 Your account is suspended, @admin\n", codeSMTP, place, checks.Critical, checks.Now,
		"refuses mail at the recipient (RCPT TO, 554)\nReached: connected, encrypted, signed in.\nIt says: \"5.7.1 <probe@lab.test>: Recipient address rejected: Your account is suspended, (at)admin\"",
		"がメールを受け付けません（宛先 RCPT TO 554）\n到達した段階: 接続、暗号化、ログインまで")
	bad("/./ 450 4.7.0 Daily message quota exceeded\n", codeLimit, "", checks.Warning, checks.Now,
		"the mail provider's sending limit is reached", "メールサービスの送信上限に達しました")
	bad("/./ 452 4.2.2 Mailbox full\n", codeMailbox, inbox, checks.Warning, checks.Morning,
		"sababan's mailbox probe@lab.test is full", "メールボックス probe@lab.test がいっぱいです")
}

func TestTLSThatFailsIsToldWithItsReason(t *testing.T) {
	t.Parallel()
	w := start(t)
	healthy(t, w.look(t))
	place := "localhost:" + port(w.submission)
	w.certificate(t, "mail.other.test")
	w.pass(t, 7*time.Hour)
	f := found(t, w.look(t), codeSMTP, place, checks.Critical, checks.Now)
	says(t, f.Text, "is not good: it is for another name\nReached: connected.", "の証明書に問題があります（別の名前のもの）\n到達した段階: 接続まで")
	good := w.ca
	w.ca = checkstest.NewCA(t, "Nobody's")
	w.certificate(t, "localhost")
	f = found(t, w.look(t), codeSMTP, place, checks.Critical, checks.Now)
	says(t, f.Text, "is not good: no known authority vouches for it", "（信頼できる認証局のものではない）")
	w.ca = good
	w.certificate(t, "localhost")
	healthyAfter(t, w)
	// Within TLS from the first byte on, and to a port that speaks TLS alone.
	w.dress(t, strings.ReplaceAll(w.table(), "smtp://probe@localhost:"+port(w.submission), "smtps://probe@localhost:"+port(w.wrapped)))
	w.pass(t, 7*time.Hour)
	o := w.look(t)
	healthy(t, o)
	says(t, o.Summary, "accepts mail up to RCPT TO", "はRCPT TOまで受け付け")
	w.dress(t, strings.ReplaceAll(w.table(), "smtp://probe@localhost:"+port(w.submission), "smtps://probe@localhost:"+port(w.submission)))
	w.look(t)
	f = found(t, w.look(t), codeSMTP, place, checks.Critical, checks.Now)
	says(t, f.Text, "encryption with the mail server "+place+" fails (TLS)", "との暗号化（TLS）に失敗します")
}

// healthyAfter looks half an hour later, when what was bad is tried again.
func healthyAfter(t *testing.T, w *world) {
	t.Helper()
	w.pass(t, 31*time.Minute)
	healthy(t, w.look(t))
}

func TestAMailServerThatIsGoneIsToldAndItsReturnToo(t *testing.T) {
	t.Parallel()
	w := start(t)
	healthy(t, w.look(t))
	place := "localhost:" + port(w.submission)
	if err := w.post.Stop("TERM"); err != nil {
		t.Fatal(err)
	}
	w.pass(t, 7*time.Hour)
	f := found(t, w.look(t), codeSMTP, place, checks.Critical, checks.Now)
	says(t, f.Text, "the mail server "+place+" cannot be reached\nReached: nothing.", "につながりません\n到達した段階: なし")
	if err := w.post.Start(); err != nil {
		t.Fatal(err)
	}
	w.listening(t)
	healthy(t, w.look(t))
	w.dress(t, strings.ReplaceAll(w.table(), ":"+port(w.imaps), ":"+port(checkstest.FreeAddr(t))))
	w.pass(t, 25*time.Hour)
	w.look(t)
	f = found(t, w.look(t), codeMailbox, inbox, checks.Warning, checks.Morning)
	says(t, f.Text, "(localhost cannot be reached)", "（localhostにつながりません）")
	w.dress(t, "")
	healthyAfter(t, w)
}

func TestAFullMailboxOfOursIsOurs(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	w.put(t, "probe", "", "1700000000.big:2,S", "From: a@lab.test\nSubject: big\n\n"+strings.Repeat(strings.Repeat("x", 70)+"\n", 1<<20/60))
	w.look(t) // sends, and it does not fit
	until(t, "was refused", func() bool { return strings.Contains(w.log(t), "uota exceeded") })
	w.pass(t, 61*time.Minute)
	o := w.look(t)
	f := found(t, o, codeMailbox, inbox, checks.Warning, checks.Morning)
	says(t, f.Text, "sababan's mailbox probe@lab.test is full", "メールボックス probe@lab.test がいっぱいです")
	gone(t, o, codeLost)
	w.empty(t, "probe")
	w.pass(t, 31*time.Minute)
	o = w.look(t)
	gone(t, o, codeMailbox)
}

func TestWithoutACredentialTheServerOfMastodonIsAskedForTLSOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.settings(t, "SMTP_SERVER=localhost\nSMTP_PORT="+port(w.submission)+"\nSMTP_FROM_ADDRESS='Mastodon <notifications@lab.test>'\n")
	w.dress(t, "block_lists = []")
	o := w.look(t)
	if len(o.Findings) > 0 {
		t.Fatal(aloud(o))
	}
	says(t, o.Summary, "answers, encrypted, in ", "は暗号化つきで応答（")
	says(t, o.Summary, "; whether mail arrives is not checked: that needs [checks.mail] smtp, [[checks.mail.mailbox]]", "。届くかどうかは未確認（[checks.mail] smtp、[[checks.mail.mailbox]] が必要）")
	says(t, o.Summary, "SPF, DMARC in the DNS", "SPF・DMARCはDNSにあり")
	readAloud(t, o)
	if strings.Contains(w.log(t), "rcpt=1") {
		t.Error("it has gone further")
	}
}

func TestTheRelayOfThisMachineIsAskedUpToRCPTTO(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.settings(t, "SMTP_SERVER=localhost\nSMTP_PORT="+port(w.relay)+"\nSMTP_FROM_ADDRESS='Mastodon <notifications@lab.test>'\n")
	w.dress(t, "block_lists = []")
	place := "localhost:" + port(w.relay)
	o := w.look(t)
	nothing(t, o)
	says(t, o.Summary, place+" accepts mail up to RCPT TO in ", place+" はRCPT TOまで受け付け（")
	readAloud(t, o)
	// Nobody need read at Mastodon's own address.
	w.access(t, "/./ 550 5.1.1 User unknown in virtual mailbox table\n")
	w.pass(t, 7*time.Hour)
	nothing(t, w.look(t))
	w.access(t, "/./ 554 5.7.1 Relay access denied\n")
	w.pass(t, 7*time.Hour)
	f := found(t, w.look(t), codeSMTP, place, checks.Critical, checks.Now)
	says(t, f.Text, "refuses mail at the recipient (RCPT TO, 554)\nReached: connected, encrypted.", "がメールを受け付けません（宛先 RCPT TO 554）\n到達した段階: 接続、暗号化まで")
	w.access(t, "")
	if err := w.post.Stop("TERM"); err != nil {
		t.Fatal(err)
	}
	f = found(t, w.look(t), codeSMTP, place, checks.Critical, checks.Now)
	says(t, f.Advice.Text, "It is postfix on this machine", "このマシンのpostfixです")
	if len(f.Advice.Mend) != 1 || f.Advice.Mend[0].String() != "sudo systemctl restart postfix" || !strings.Contains(f.Advice.Look.String(), "site_contact_email") {
		t.Errorf("look %v, mend %v", f.Advice.Look, f.Advice.Mend)
	}
	if err := w.post.Start(); err != nil {
		t.Fatal(err)
	}
	w.listening(t)
	w.pass(t, 31*time.Minute)
	nothing(t, w.look(t))
	if n := w.inMailbox(t, "notifications", ""); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

// nothing is found; Redis and PostgreSQL, which are not there, are not seen.
func nothing(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 {
		t.Fatal(aloud(o))
	}
}

func TestOfflineSendsNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	healthy(t, w.look(t))
	before, asked := strings.Count(w.log(t), "disconnect from"), w.zone.asked()
	w.site.Offline = true
	w.pass(t, 25*time.Hour)
	for _, look := range []func(context.Context, checks.Past) (checks.Observation, error){w.c.Look, w.c.(checks.Thorough).LookThoroughly} {
		_, err := look(t.Context(), w.past)
		if why, _ := checks.Explain(err); why != textOffline() {
			t.Errorf("%v", err)
		}
	}
	if n := strings.Count(w.log(t), "disconnect from"); n != before || w.zone.asked() != asked {
		t.Errorf("%d conversations, %d before", n, before)
	}
}

func TestACopyThatTheSenderKeepsHasNotArrived(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	w.access(t, "/./ HOLD\n")
	w.look(t)
	m, _ := recall(w.past)
	id := m.Boxes[inbox].Probes[0].ID
	w.put(t, "probe", ".Sent", "1700000000.copy:2,S", "From: a@lab.test\nMessage-ID: "+id+"\n\ncopy\n")
	w.look(t)
	if m, _ := recall(w.past); !m.Boxes[inbox].pending() {
		t.Error("a copy among what was sent counts as arrived")
	}
	// One that a filter of the mailbox has put elsewhere has.
	w.put(t, "probe", ".Lists", "1700000001.moved:2,", "From: a@lab.test\nMessage-ID: "+id+"\n\nmoved\n")
	healthy(t, w.look(t))
	if m, _ := recall(w.past); m.Boxes[inbox].pending() || m.Boxes[inbox].Last.Folder != "Lists" {
		t.Errorf("%+v", m.Boxes[inbox])
	}
	if n := w.inMailbox(t, "probe", ".Sent"); n != 1 {
		t.Errorf("%d copies are left", n)
	}
}

func TestTheDNSTellsWhyASignatureDoesNotPass(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	w.prepend(t, 0, "Authentication-Results: mail.lab.test; spf=pass smtp.mailfrom=lab.test; dkim=neutral header.d=lab.test; dmarc=pass")
	w.prepend(t, 1, "DKIM-Signature: v=1; a=ed25519-sha256; d=lab.test; s=main; h=from; bh=x; b=y")
	w.roundTrip(t, "probe", "")
	o := w.roundTrip(t, "probe", "")
	f := found(t, o, codeDKIM, "lab.test", checks.Warning, checks.Morning)
	says(t, f.Text, "DKIM does not pass for mail from lab.test: neutral, says mail.lab.test\nIn the DNS: there is no record at main._domainkey.lab.test.", "（mail.lab.test の判定: neutral）\nDNS: main._domainkey.lab.test にレコードがありません")
	// The key is set, and the provider is content.
	w.zone.set(func(z *zone) {
		z.txt["main._domainkey.lab.test"] = []string{"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}
	})
	w.prepend(t, 0, "Authentication-Results: mail.lab.test; spf=pass smtp.mailfrom=lab.test; dkim=pass header.d=lab.test; dmarc=pass")
	healthy(t, w.roundTrip(t, "probe", ""))
	// It is taken away again: the next mail will fail, and the DNS says so first.
	w.zone.set(func(z *zone) { z.txt["main._domainkey.lab.test"] = []string{"v=DKIM1; p="} })
	w.pass(t, 25*time.Hour)
	f = found(t, w.look(t), codeDKIM, "lab.test", checks.Warning, checks.Morning)
	says(t, f.Text, "DKIM of lab.test: the key at main._domainkey.lab.test is withdrawn (empty)", "lab.test のDKIM: main._domainkey.lab.test の鍵が取り消されています（空）")
}

func TestWhoeverAsksGetsAMessageOnItsWay(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.look(t)
	w.look(t)
	w.arrives(t, "probe", "", 1)
	w.look(t)
	w.pass(t, 11*time.Minute)
	o, err := w.c.(checks.Thorough).LookThoroughly(t.Context(), w.past)
	if err != nil {
		t.Fatal(err)
	}
	checkstest.AssertObservation(t, w.kind, o)
	w.past.Record(o, time.Now())
	w.arrives(t, "probe", "", 1)
	healthy(t, w.look(t))
}
