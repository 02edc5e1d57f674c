package mail

import (
	"fmt"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/checkstest/redis"
	"github.com/sababan/sababan/checks/site"
)

// queued is a world whose Redis is real, and where nothing else is asked.
func queued(t *testing.T, version string) (*world, *redis.Server, *redis.Sidekiq) {
	t.Helper()
	r := redis.Start(t)
	w := &world{zone: serve(t), past: &checkstest.Past{}, site: r.SiteWith(t, site.Config{Domain: "lab.test"})}
	w.dressInside(t)
	return w, r, r.Sidekiq(t, version, time.Now())
}

func (w *world) dressInside(t *testing.T) { w.dress(t, "block_lists = []") }

func TestMailsThatWaitInsideMastodonAreToldAndTheirEnd(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.3", "4.6"} {
		w, r, q := queued(t, version)
		w.dressInside(t)
		o := w.look(t)
		healthy(t, o)
		says(t, o.Summary, "no mail waits inside Mastodon", "Mastodon内の送信待ちなし")
		q.Push(t, "mailers", "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", time.Now().Add(-2*time.Minute))
		o = w.look(t)
		healthy(t, o)
		says(t, o.Summary, "1 mail waiting inside Mastodon", "Mastodon内で送信待ち1通")
		r.Do(t, "DEL", "queue:mailers")
		q.Push(t, "mailers", "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", time.Now().Add(-14*time.Minute))
		q.Push(t, "mailers", "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", time.Now().Add(-time.Minute))
		f := found(t, w.look(t), codeQueue, "", checks.Warning, checks.Morning)
		says(t, f.Text, "2 mails wait inside Mastodon, the oldest for 14 min", "メール2通がMastodonから出ていません（最も古いもので14分待ち）")
		r.Do(t, "DEL", "queue:mailers")
		healthy(t, w.look(t))
	}
}

func fail(t *testing.T, q *redis.Sidekiq, n int, class, message string, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago)
	for i := range n {
		q.Retry(t, redis.Failure{
			Queue: "mailers", Class: "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", Error: class, Message: message,
			Created: at, Failed: at, Retried: at, Args: []any{fmt.Sprintf("%s-%d", class, i)},
		}, time.Now().Add(time.Hour))
	}
}

func TestMailsThatFailAreToldByTheirReasonAndNeverByTheirRecipient(t *testing.T) {
	t.Parallel()
	w, r, q := queued(t, "4.6")
	w.dressInside(t)
	fail(t, q, 4, "Net::SMTPFatalError", "550 5.1.1 <someone@people.test>: Recipient address rejected: User unknown", time.Minute)
	fail(t, q, 40, "Net::SMTPAuthenticationError", "535 5.7.8 old", 3*time.Hour) // no news
	for range 20 {
		q.Retry(t, redis.Failure{Error: "Mastodon::UnexpectedResponseError", Message: "https://remote.test/inbox returned code 503"}, time.Now().Add(time.Hour))
	}
	o := w.look(t)
	healthy(t, o)
	says(t, o.Summary, "4 mails failed in the last hour", "この1時間の失敗4通")
	fail(t, q, 3, "Net::SMTPFatalError", "550 5.1.1 <another@people.test>: Recipient address rejected: User unknown", 2*time.Minute)
	f := found(t, w.look(t), codeRetries, "", checks.Warning, checks.Morning)
	says(t, f.Text, "7 mails of Mastodon failed in the last hour\nMost often (7): the mail server refuses them. \"550 5.1.1 … Recipient address rejected: User unknown\"", "メール7通が送信に失敗しました\n最も多い理由（7通）: メールサーバーが受け付けない（「550 5.1.1 … Recipient")
	fail(t, q, 9, "Net::SMTPAuthenticationError", "535 5.7.8 Error: authentication failed", time.Minute)
	f = found(t, w.look(t), codeRetries, "", checks.Critical, checks.Now)
	says(t, f.Text, "Most often (9): the mail server does not let Mastodon in.", "最も多い理由（9通）: メールサーバーがMastodonのログインを拒否")
	says(t, f.Advice.Text, "bin/rails runner 'ActionMailer::Base", "bin/rails runner 'ActionMailer::Base")
	// What is usual is no news.
	w.past.Bands = map[checkstest.Series]checks.Band{{Name: mailersFailing}: {Mid: 10, Days: 20}}
	gone(t, w.look(t), codeRetries)
	w.past.Bands = nil
	r.Do(t, "DEL", "retry")
	healthy(t, w.look(t))
}

func TestTheLimitOfTheProviderIsHeardOfFromMastodonsOwnFailures(t *testing.T) {
	t.Parallel()
	w, r, q := queued(t, "4.5")
	w.dressInside(t)
	fail(t, q, 30, "Net::SMTPServerBusy", "454 4.7.0 Throttling failure: Daily message quota exceeded.", time.Minute)
	o := w.look(t)
	f := found(t, o, codeLimit, "", checks.Warning, checks.Now)
	says(t, f.Text, "the mail provider's sending limit is reached: 30 mails held back in the last hour", "メールサービスの送信上限に達しました（この1時間で30通が保留）")
	gone(t, o, codeRetries)
	r.Do(t, "DEL", "retry")
	healthy(t, w.look(t))
}

func TestWithoutRedisTheQueueIsNotSeen(t *testing.T) {
	t.Parallel()
	w, r, _ := queued(t, "4.6")
	w.dress(t, "from = \"notifications@lab.test\"")
	healthy(t, w.look(t))
	r.Stop(t)
	o := w.look(t)
	if len(o.Blind) != 3 || len(o.Findings) > 0 {
		t.Errorf("blind %v, found %s", o.Blind, aloud(o))
	}
	r.StartAgain(t)
	until(t, "answers again", func() bool { return len(w.look(t).Blind) == 0 })
	healthy(t, w.look(t))
}

// people is a world whose database is real.
func people(t *testing.T, version string) (*world, *postgres.DB) {
	t.Helper()
	db := postgres.Start(t).Mastodon(t, version)
	w := &world{zone: serve(t), past: &checkstest.Past{}}
	w.site = db.Site(t, Kind(&site.Site{}).Reads...)
	w.dressInside(t)
	db.Exec(t, "UPDATE users SET created_at = now() - interval '90 days', confirmed_at = now() - interval '90 days'")
	return w, db
}

func join(t *testing.T, db *postgres.DB, n int, ago string, confirmed bool) {
	t.Helper()
	db.Exec(t, `WITH a AS (INSERT INTO accounts (id, username, actor_type) SELECT ((extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16) + g, 'new' || g || '_' || (SELECT count(*) FROM users), 'Person' FROM generate_series(1, $1::int) g RETURNING id)
		INSERT INTO users (email, account_id, created_at, confirmed_at) SELECT id || '@mail.test', id, now() - $2::interval, CASE WHEN $3 THEN now() - $2::interval END FROM a`, n, ago, confirmed)
}

func TestSignUpsThatNeverConfirmAreToldAgainstTheirNormalShare(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.2", "4.6"} {
		w, db := people(t, version)
		join(t, db, 20, "5 hours", true)
		join(t, db, 5, "5 hours", false)
		o := w.look(t)
		gone(t, o, codeSignups)
		says(t, o.Summary, "5 of the last 25 sign-ups not confirmed", "直近の登録25件のうちメール未確認5件")
		if v := checkstest.Value(t, o, unconfirmed, ""); v != 0.2 {
			t.Errorf("share %v", v)
		}
		// A fortnight in which it was so.
		var history []checks.Sample
		for at := time.Now().Add(-14 * 24 * time.Hour); at.Before(time.Now()); at = at.Add(6 * time.Hour) {
			history = append(history, checks.Sample{At: at, Value: 0.2})
		}
		w.past.Samples[checkstest.Series{Name: unconfirmed}] = history
		// The mail stops: nobody who comes confirms. The newest have had no time.
		join(t, db, 40, "2 hours", false)
		join(t, db, 30, "10 minutes", false)
		w.pass(t, 2*time.Hour)
		f := found(t, w.look(t), codeSignups, "", checks.Warning, checks.Morning)
		says(t, f.Text, "of the last 50 sign-ups have not confirmed their address: ", "直近の新規登録50件のうち")
		says(t, f.Text, " (usually 20 %)", "、普段20%）")
		// They confirm at last.
		db.Exec(t, "UPDATE users SET confirmed_at = now() WHERE confirmed_at IS NULL")
		w.pass(t, 2*time.Hour)
		gone(t, w.look(t), codeSignups)
	}
}

func TestAShareIsTooLargeOnlyBeyondChance(t *testing.T) {
	for _, tt := range []struct {
		name      string
		open, all int
		usual     float64
		want      bool
	}{
		{"four of ten where two are usual can be chance", 4, 10, 0.2, false},
		{"eight of ten cannot", 8, 10, 0.2, true},
		{"twenty of fifty are just twice as many", 20, 50, 0.2, false},
		{"twenty-one are more", 21, 50, 0.2, true},
		{"one where none is usual is one", 1, 50, 0, false},
		{"four where none is usual are many", 4, 50, 0, true},
		{"all where half is usual are not twice as many", 50, 50, 0.5, false},
	} {
		if got := tooMany(tt.open, tt.all, tt.usual); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestWhyAMailFails(t *testing.T) {
	for _, tt := range []struct{ class, message, want string }{
		{"Net::SMTPAuthenticationError", "535 5.7.8 Username and Password not accepted", reasonSignIn},
		{"Net::SMTPFatalError", "530 5.7.0 Must issue a STARTTLS command first", reasonSignIn},
		{"Net::SMTPAuthenticationError", "451 Authentication failed: Maximum credits exceeded", string(limited)},
		{"Net::SMTPFatalError", "550 5.4.5 Daily user sending limit exceeded.", string(limited)},
		{"Net::SMTPServerBusy", "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents", reasonRecipient},
		{"Net::SMTPFatalError", "550 5.1.1 no such user", reasonRecipient},
		{"OpenSSL::SSL::SSLError", "SSL_connect returned=1 errno=0 state=error: certificate verify failed", reasonTLS},
		{"Errno::ECONNREFUSED", "Connection refused - connect(2)", reasonConnect},
		{"Net::OpenTimeout", "execution expired", reasonConnect},
		{"SocketError", "getaddrinfo: Name or service not known", reasonConnect},
		{"ActionView::Template::Error", "undefined method", reasonOther},
	} {
		if got := (job{class: tt.class, message: tt.message}).reason(); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.class, tt.message, got, tt.want)
		}
	}
	if got := withoutAddresses("550 <someone@people.test>, x@y.z gone"); got != "550 … … gone" {
		t.Errorf("got %q", got)
	}
}
