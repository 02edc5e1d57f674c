package moderation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

// server is a real database with a check over it.
type server struct {
	db   *postgres.DB
	site *site.Site
	kind checks.Kind
	c    checks.Check
	past *checkstest.Past
}

func dress(t *testing.T, version string) *server {
	t.Helper()
	s := &server{db: postgres.Start(t).Mastodon(t, version), past: &checkstest.Past{}}
	s.site = s.db.Site(t, Kind(&site.Site{}).Reads...)
	s.kind = Kind(s.site)
	s.c = checkstest.Make(t, s.kind, "")
	return s
}

func (s *server) look(t *testing.T) checks.Observation {
	t.Helper()
	return checkstest.Look(t, s.kind, s.c, s.past)
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

func healthy(t *testing.T, o checks.Observation) {
	t.Helper()
	if len(o.Findings) > 0 || len(o.Blind) > 0 {
		t.Fatalf("findings %+v, blind %+v, want none", o.Findings, o.Blind)
	}
}

func found(t *testing.T, o checks.Observation, code string, want checks.Severity, road checks.Road) checks.Finding {
	t.Helper()
	f, ok := checkstest.Find(o, code, "*")
	if !ok || f.Severity != want || f.Road != road || f.Holds {
		t.Fatalf("%s: %+v in %+v", code, f, o.Findings)
	}
	return f
}

// join signs people up: confirmed and unapproved, or not.
func (s *server) join(t *testing.T, n int, ago, confirmed string, approved bool) {
	t.Helper()
	s.db.Exec(t, `WITH a AS (INSERT INTO accounts (id, username, actor_type) SELECT ((extract(epoch FROM now() - $2::interval) * 1000)::bigint << 16) + g + (SELECT count(*) FROM users), 'new' || g || '_' || (SELECT count(*) FROM users), 'Person' FROM generate_series(1, $1::int) g RETURNING id)
		INSERT INTO users (email, account_id, created_at, confirmed_at, approved, sign_up_ip, created_by_application_id)
		SELECT id || '@mail.test', id, now() - $2::interval, now() - $3::interval, $4, ('198.51.100.' || (id % 200))::inet, 1 FROM a`, n, ago, nullable(confirmed), approved)
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func TestContract(t *testing.T) {
	s := dress(t, "4.5")
	checkstest.Contract(t, s.kind, "")
}

func TestAServerWhoseModeratorsAreUpToDateSaysItsNumbers(t *testing.T) {
	for _, version := range postgres.Versions() {
		t.Run(version, func(t *testing.T) {
			o := dress(t, version).look(t)
			healthy(t, o)
			says(t, o.Summary, "0 sign-ups wait, 0 reports open, 0 appeals; 0 sign-ups in the last hour", "承認待ち0件、未対応の通報0件、異議申し立て0件。この1時間の登録0件")
		})
	}
}

func TestSignUpsThatWaitForAnAdminAreToldAndTheUnconfirmedAreNot(t *testing.T) {
	s := dress(t, "4.5")
	s.join(t, 40, "3 days", "", false)
	healthy(t, s.look(t))
	s.join(t, 2, "26 hours", "25 hours", false)
	s.join(t, 1, "2 hours", "1 hour", false)
	f := found(t, s.look(t), signups, checks.Warning, checks.Morning)
	says(t, f.Text, "3 sign-ups wait for approval, the oldest for 25 h", "登録申請 3件が承認待ちです（最も古いもので25時間）")
	says(t, f.Advice.Text, "https://masto.test/admin/accounts?status=pending", "https://masto.test/admin/accounts?status=pending")
	s.db.Exec(t, `UPDATE users SET approved = true WHERE confirmed_at IS NOT NULL`)
	healthy(t, s.look(t))
}

func TestReportsAreToldByAgeAndLocalOnesSooner(t *testing.T) {
	s := dress(t, "4.5")
	report := func(by, ago string) {
		s.db.Exec(t, `INSERT INTO reports (account_id, target_account_id, category, created_at) SELECT a.id, r.id, 1000, now() - $2::interval
			FROM accounts a, accounts r WHERE a.username = $1 AND r.username = 'user3' AND r.domain = 'server12.test' LIMIT 1`, by, ago)
	}
	report("user1", "13 hours")
	healthy(t, s.look(t))
	report("chie", "13 hours")
	f := found(t, s.look(t), reports, checks.Warning, checks.Morning)
	says(t, f.Text, "2 reports are open, the oldest for 13 h\n1 of them by people of this server, the oldest for 13 h.\nNobody has taken 2 of them.", "未対応の通報が2件あります（最も古いもので13時間）\nうち1件はこのサーバーの利用者から（最も古いもので13時間）です。\n担当者が決まっていないもの: 2件")
	report("user1", "8 days")
	f = found(t, s.look(t), reports, checks.Critical, checks.Morning)
	says(t, f.Text, "3 reports are open, the oldest for 8 d", "未対応の通報が3件あります（最も古いもので8日）")
	s.db.Exec(t, `UPDATE reports SET action_taken_at = now()`)
	healthy(t, s.look(t))
}

func TestAnAppealThatNobodyAnswersIsTold(t *testing.T) {
	s := dress(t, "4.3")
	s.db.Exec(t, `UPDATE appeals SET approved_at = NULL, created_at = now() - interval '4 days'`)
	f := found(t, s.look(t), appeals, checks.Warning, checks.Morning)
	says(t, f.Text, "1 appeal waits for an answer, the oldest for 4 d", "異議申し立て 1件が未回答です（最も古いもので4日）")
	s.db.Exec(t, `UPDATE appeals SET rejected_at = now()`)
	healthy(t, s.look(t))
}

func TestAWaveOfSignUpsIsToldAgainstTheUsualHour(t *testing.T) {
	s := dress(t, "4.5")
	s.join(t, 12, "20 minutes", "", true)
	healthy(t, s.look(t)) // nobody knows yet what is usual
	s.past.Bands = map[checkstest.Series]checks.Band{{Name: signupRate}: {Mid: 1.4}}
	f := found(t, s.look(t), burst, checks.Warning, checks.Now)
	says(t, f.Text, "12 sign-ups in the last hour (usually 1)\n12 of them from one network.\n12 of them made by one app.\n0 have confirmed their address.", "この1時間の新規登録が12件あります（普段1件）\nうち12件は同じネットワークからです。\nうち12件は同じアプリからです。\nメール確認済みは0件です。")
	if strings.Contains(f.Text.En+f.Text.Ja, "198.51") {
		t.Error("an address is shown")
	}
	s.join(t, 50, "10 minutes", "5 minutes", true)
	f = found(t, s.look(t), burst, checks.Critical, checks.Now)
	if f.Harm.IsZero() {
		t.Error("a great wave may wake somebody")
	}
	s.db.Exec(t, `UPDATE users SET created_at = now() - interval '2 hours' WHERE created_at > now() - interval '1 hour'`)
	healthy(t, s.look(t))
}

func TestANewAccountThatMentionsManyStrangersIsTold(t *testing.T) {
	s := dress(t, "4.6")
	s.join(t, 1, "1 day", "1 day", true)
	id := postgres.Get[int64](t, s.db, `SELECT account_id FROM users ORDER BY id DESC LIMIT 1`)
	for i := range 15 {
		s.db.Exec(t, `INSERT INTO statuses (id, account_id, text, local) VALUES ($1, $2, 'hello', true)`, postgres.ID(time.Now().Add(-time.Duration(i)*time.Minute))+int64(i), id)
	}
	healthy(t, s.look(t))
	s.db.Exec(t, `INSERT INTO mentions (status_id, account_id) SELECT s.id, r.id FROM (SELECT id, row_number() OVER () AS n FROM statuses WHERE account_id = $1) s
		JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts WHERE domain IS NOT NULL) r ON r.n = s.n`, id)
	f := found(t, s.look(t), strangers, checks.Warning, checks.Now)
	if f.Subject != fmt.Sprint(id) {
		t.Errorf("subject %q", f.Subject)
	}
	says(t, f.Text, "has mentioned 15 strangers in an hour", "が、1時間に15人の知らない相手へメンションしています")
	says(t, f.Advice.Text, fmt.Sprintf("https://masto.test/admin/accounts/%d", id), fmt.Sprintf("https://masto.test/admin/accounts/%d", id))
	s.db.Exec(t, `INSERT INTO follows (account_id, target_account_id) SELECT id, $1 FROM accounts WHERE domain IS NOT NULL`, id)
	healthy(t, s.look(t))
	s.db.Exec(t, `DELETE FROM follows WHERE target_account_id = $1`, id)
	found(t, s.look(t), strangers, checks.Warning, checks.Now)
	s.db.Exec(t, `UPDATE accounts SET suspended_at = now() WHERE id = $1`, id)
	healthy(t, s.look(t))
}

func TestRegistrationsThatFlipToApprovalAreTold(t *testing.T) {
	s := dress(t, "4.5")
	mode := func(m string) {
		s.db.Exec(t, `UPDATE settings SET value = $1 WHERE var = 'registrations_mode'`, "--- "+m+"\n")
	}
	mode("open")
	healthy(t, s.look(t))
	s.db.Exec(t, `UPDATE users SET current_sign_in_at = now() - interval '6 days'`)
	f := found(t, s.look(t), unattended, checks.Warning, checks.Now)
	says(t, f.Text, "no moderator has signed in for 6 d", "モデレーターが6日ログインしていません")
	if left := time.Until(f.Harm); left < 20*time.Hour || left > 25*time.Hour {
		t.Errorf("harm in %v", left)
	}
	s.db.Exec(t, `UPDATE users SET current_sign_in_at = now() - interval '8 days'`)
	mode("approved")
	o := s.look(t)
	f = found(t, o, flipped, checks.Warning, checks.Now)
	says(t, f.Text, "Probably Mastodon did it by itself: no moderator has signed in for 8 d.", "Mastodonが自動で切り替えたようです。")
	if _, still := checkstest.Find(o, unattended, ""); still {
		t.Error("what closes by itself is closed already")
	}
	s.db.Exec(t, `UPDATE users SET current_sign_in_at = now()`)
	mode("open")
	healthy(t, s.look(t))
}

func TestWithoutARightItSaysWhichLinesGiveIt(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.5")
	s := db.Site(t, checks.Reads{Table: "users", Columns: []string{"id"}})
	c := checkstest.Make(t, Kind(s), "")
	_, err := c.Look(t.Context(), &checkstest.Past{})
	why, advice := checks.Explain(err)
	says(t, why, "sababan's role may not read this", "sababanのロールに読み取り権限がありません")
	if advice.Look.String() != "sudo sababan check --verbose" {
		t.Errorf("%+v", advice)
	}
}

func TestNothingIsReadRowByRowThatIsBig(t *testing.T) {
	s := dress(t, "4.5")
	s.db.Exec(t, `INSERT INTO statuses (id, account_id, uri, local, text) SELECT ((extract(epoch FROM now() - interval '10 days') * 1000)::bigint << 16) + g, (SELECT min(id) FROM accounts WHERE domain IS NOT NULL), 'https://x.test/' || g, false, '' FROM generate_series(1, 60000) g`)
	s.db.Exec(t, `INSERT INTO accounts (id, username, domain, uri) SELECT 1000000 + g, 'u' || g, 'big.test', 'https://big.test/' || g FROM generate_series(1, 30000) g`)
	s.db.Exec(t, `INSERT INTO mentions (status_id, account_id) SELECT id, (SELECT max(account_id) FROM users) FROM statuses WHERE uri LIKE 'https://x.test/%'`)
	s.db.Exec(t, `INSERT INTO follows (account_id, target_account_id) SELECT id, (SELECT max(account_id) FROM users) FROM accounts WHERE domain = 'big.test'`)
	s.join(t, 30, "1 day", "1 day", true)
	s.db.Exec(t, `INSERT INTO statuses (account_id, local, text) SELECT account_id, true, '' FROM users ORDER BY id DESC LIMIT 20`)
	s.db.Exec(t, `INSERT INTO mentions (status_id, account_id) SELECT id, (SELECT min(account_id) FROM users) FROM statuses WHERE local ORDER BY id DESC LIMIT 20`)
	s.db.Analyse(t)
	before := s.scans(t)
	healthy(t, s.look(t))
	looked := s.scans(t)
	for table, n := range looked {
		if n != before[table] {
			t.Errorf("%s was read from end to end", table)
		}
	}
	// What would be seen if it were so:
	err := s.site.Database().Read(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT count(*) FROM mentions WHERE silent`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.scans(t)["mentions"]; n == looked["mentions"] {
		t.Errorf("mentions was read from end to end, and the counter is still at %s", n)
	}
}

// scans are the sequential scans of the big tables so far. The check's
// connections are closed: PostgreSQL adds up what one has done when it ends.
func (s *server) scans(t *testing.T) map[string]string {
	t.Helper()
	s.site.Close()
	for postgres.Get[bool](t, s.db, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'sababan%')`) {
		if t.Context().Err() != nil {
			t.Fatal("the check's connections stay open")
		}
	}
	got := map[string]string{}
	for _, row := range s.db.Rows(t, `SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('statuses', 'accounts', 'mentions', 'follows')`) {
		got[row[0]] = row[1]
	}
	return got
}

func TestWithoutADatabaseTheAdminAPIIsAsked(t *testing.T) {
	ca := checkstest.NewCA(t, "Root")
	n := checkstest.NewNginx(t)
	cert := ca.Issue(t, checkstest.Leaf{Names: []string{"masto.test"}})
	n.Install(t, cert.FullChain(), cert)
	var code, old atomic.Int64
	code.Store(200)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer of-an-admin" || code.Load() != 200 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(int(max(code.Load(), 401)))
			_, _ = w.Write([]byte(`{"error":"no"}`))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		at := time.Now().Add(-time.Duration(old.Load()) * time.Hour).UTC().Format(time.RFC3339)
		switch r.URL.Path {
		case "/api/v2/admin/accounts":
			_, _ = fmt.Fprintf(w, `[{"id":"2","created_at":%q,"confirmed":true,"email":"secret@mail.test","ip":{"ip":"192.0.2.1"}},{"id":"1","created_at":%q,"confirmed":false,"email":"x@mail.test"}]`, at, at)
		case "/api/v1/admin/reports":
			_, _ = fmt.Fprintf(w, `[{"id":"9","created_at":%q,"account":{"domain":null},"assigned_account":null},{"id":"8","created_at":%q,"account":{"domain":"a.test"},"assigned_account":{"id":"3"}}]`, at, at)
		case "/api/v2/instance":
			_, _ = fmt.Fprint(w, `{"domain":"masto.test","version":"4.5.2","registrations":{"enabled":true,"approval_required":true}}`)
		}
	}))
	defer backend.Close()
	n.Start(t, n.Server("location /api/ { proxy_pass "+backend.URL+"; }\n"))
	s := &site.Site{Domain: "masto.test", Address: n.Addr, Roots: ca.Roots(), Proc: "/nowhere", Root: t.TempDir()}
	if _, err := Kind(s).New(checkstest.Table("")); err == nil {
		t.Error("with neither it is set up")
	}
	s.Lend(func() (checks.Secret, error) { return checks.NewSecret("of-an-admin"), nil })
	k := Kind(s)
	c := checkstest.Make(t, k, "")
	o := checkstest.Look(t, k, c, nil)
	if len(o.Findings) > 0 || len(o.Blind) != 1 {
		t.Errorf("%+v %+v", o.Findings, o.Blind)
	}
	says(t, o.Summary, "1 sign-up waits (oldest ", "承認待ち1件")
	old.Store(25)
	o = checkstest.Look(t, k, c, nil)
	says(t, found(t, o, signups, checks.Warning, checks.Morning).Text, "1 sign-up waits for approval, the oldest for 25 h", "登録申請 1件")
	says(t, found(t, o, reports, checks.Warning, checks.Morning).Text, "2 reports are open", "未対応の通報が2件")
	for status, want := range map[int64]string{403: "may not read sign-ups and reports", 401: "does not know the token", 503: "the check of the instance API says why"} {
		code.Store(status)
		_, err := c.Look(t.Context(), &checkstest.Past{})
		why, _ := checks.Explain(err)
		if !strings.Contains(why.En, want) || why.Ja == "" {
			t.Errorf("%d: %+v", status, why)
		}
	}
	s.Lend(func() (checks.Secret, error) { return checks.Secret{}, errors.New("[server] token_file: is gone") })
	if _, err := c.Look(context.WithoutCancel(t.Context()), &checkstest.Past{}); err == nil || !strings.Contains(err.Error(), "token_file") {
		t.Error(err)
	}
}
