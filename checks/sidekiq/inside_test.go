package sidekiq

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
)

// run says that a job has been worked on for so long.
func (w *world) run(t *testing.T, queue, class string, long time.Duration) {
	t.Helper()
	payload := w.job(t, queue, class, time.Now().Add(-long), nil)
	entry := map[string]any{"queue": queue, "payload": payload, "run_at": time.Now().Add(-long).Unix()}
	if strings.HasPrefix(sidekiqOf[w.version], "6") {
		entry["payload"] = json.RawMessage(payload)
	}
	text, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	w.Do(t, "HSET", w.prefix+"web1:100:aaa:work", class, string(text))
}

func TestAJobThatRunsForHoursIsFoundAndResolves(t *testing.T) {
	for _, version := range []string{"4.2", "4.3", "4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.run(t, "pull", "BackupWorker", 5*time.Hour)
			w.run(t, "scheduler", "Scheduler::VacuumScheduler", 2*time.Hour)
			w.well(t)
			w.run(t, "default", "LinkCrawlWorker", 45*time.Minute)
			w.found(t, w.deep(t), codeRunning, "LinkCrawlWorker", checks.Warning, "a job has been running for 45 min: previews of links (LinkCrawlWorker)", "ジョブが45分たっても終わりません: リンクのプレビュー")
			w.Do(t, "DEL", w.prefix+"web1:100:aaa:work")
			w.well(t)
		})
	}
}

func TestManyFailuresAreFoundAndResolve(t *testing.T) {
	for _, version := range []string{"4.2", "4.3", "4.5", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.fail(t, "retry", 60, "PostProcessMediaWorker", "Errno::ENOSPC", "No space left on device")
			w.hourAgo(t, 90000, 500, 0)
			f := w.found(t, w.deep(t), codeFailed, "", checks.Warning, "15 % of the jobs failed in the last hour", "この1時間でジョブの15%が失敗")
			says(t, f.Text, "100 % are conversion of uploaded media (PostProcessMediaWorker): no space left on the disk", "アップロードされたメディアの変換（PostProcessMediaWorker）が100%（ディスクの空きなし）")
			w.hourAgo(t, 90000, 1100, 0)
			if f, ok := checkstest.Find(w.deep(t), codeFailed, ""); !ok || !f.Holds {
				t.Errorf("9 %% hold: %+v", f)
			}
			w.hourAgo(t, 90000, 1900, 0)
			w.well(t)
		})
	}
}

func TestWithoutAnHourToCompareWithNothingResolves(t *testing.T) {
	w := dress(t, "4.6")
	w.hourAgo(t, 90000, 500, 0)
	w.found(t, w.deep(t), codeFailed, "", checks.Warning, "15 %", "15%")
	w.Do(t, "SET", "stat:processed", 5)
	w.Do(t, "SET", "stat:failed", 0)
	if f, ok := checkstest.Find(w.deep(t), codeFailed, ""); !ok || !f.Holds {
		t.Errorf("the counters begin anew: %+v", f)
	}
}

func TestJobsThatAreGivenUpAreFoundAndResolve(t *testing.T) {
	w := dress(t, "4.6")
	w.hourAgo(t, 98000, 2000, 0)
	w.fail(t, "dead", 8, "ActionMailer::MailDeliveryJob", "Net::SMTPAuthenticationError", "535 auth failed")
	w.well(t) // a few are no event
	w.fail(t, "dead", 30, "Sidekiq::ActiveJob::Wrapper", "Net::SMTPAuthenticationError", "535 auth failed")
	f := w.found(t, w.deep(t), codeDead, "", checks.Warning, "38 jobs were given up in the last hour", "この1時間でジョブ38件が再試行を打ち切られました")
	says(t, f.Text, "the mail server refuses", "メールサーバーが拒否")
	w.Do(t, "DEL", "dead")
	w.well(t)
}

func TestRetriesThatGrowBeyondTheirNormalAreFound(t *testing.T) {
	w := dress(t, "4.6")
	w.hourAgo(t, 90000, 2000, 0)
	for i := range 4 {
		w.fail(t, "retry", 180, "ActivityPub::DeliveryWorker", "OpenSSL::SSL::SSLError", fmt.Sprintf("SSL_connect returned=1 on https://h%d.example/inbox", i))
	}
	w.past.Bands = map[checkstest.Series]checks.Band{{Name: "retry_growth"}: {High: 400, Days: 9}}
	if _, ok := checkstest.Find(w.deep(t), codeRetries, ""); ok {
		t.Error("720 are less than three times the usual")
	}
	w.past.Bands = map[checkstest.Series]checks.Band{{Name: "retry_growth"}: {High: 120, Days: 9}}
	f := w.found(t, w.deep(t), codeRetries, "", checks.Warning, " more jobs wait for another try than an hour ago (usually up to 120)\n720 wait in all.", "件増えました（普段は120件まで）\n合計720件です。")
	says(t, f.Text, "delivery to other servers (ActivityPub::DeliveryWorker): certificate or TLS", "他サーバーへの配送（ActivityPub::DeliveryWorker）が100%（証明書・TLSの問題）")
	w.Do(t, "DEL", "retry")
	w.well(t)
}

func TestThousandsOfRetriesAreNothingNew(t *testing.T) {
	w := dress(t, "4.6")
	for i := range 10 {
		w.fail(t, "retry", 100, "ActivityPub::DeliveryWorker", "HTTP::TimeoutError", fmt.Sprintf("timed out on https://h%d.example/inbox", i))
	}
	w.hourAgo(t, 90000, 2000, 980)
	w.well(t)
}

func TestOneHostAmongTheRetriesIsFoundAndResolves(t *testing.T) {
	for _, version := range []string{"4.2", "4.5"} {
		t.Run(version, func(t *testing.T) {
			w := dress(t, version)
			w.fail(t, "retry", 90, "ActivityPub::DeliveryWorker", "Mastodon::UnexpectedResponseError", "https://Gone.Example/inbox returned code 503")
			w.well(t) // few
			for i := range 10 {
				w.fail(t, "retry", 12, "ActivityPub::DeliveryWorker", "HTTP::TimeoutError", fmt.Sprintf("timed out on https://h%d.example/inbox", i))
			}
			f := w.found(t, w.deep(t), codeHost, "gone.example", checks.Warning, "of the jobs that fail are for gone.example", "が gone.example 宛てです")
			says(t, f.Text, "100 % are delivery to other servers (ActivityPub::DeliveryWorker): answers HTTP 503", "HTTP 503を返す")
			says(t, f.Advice.Text, "https://masto.test/admin/instances/gone.example", "https://masto.test/admin/instances/gone.example")
			w.Do(t, "DEL", w.prefix+"retry")
			w.well(t)
		})
	}
}

func TestTheSampleComesFromEverywhere(t *testing.T) {
	w := dress(t, "4.6")
	for i := range 20 {
		w.fail(t, "retry", 50, fmt.Sprintf("Worker%c", 'A'+i), "RuntimeError", "boom")
	}
	r, err := w.c.(*check).read(t.Context(), version{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	in, err := w.c.(*check).inside(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.retries) != sampleMost {
		t.Errorf("%d of 1000", len(in.retries))
	}
	w.Do(t, "DEL", "retry")
	big := strings.Repeat("x", 60<<10)
	for i := range 200 {
		w.Do(t, "ZADD", "retry", i, w.job(t, "pull", "A", time.Now(), map[string]any{"args": []string{big}, "n": i}))
	}
	r.retry = 200
	if in, err = w.c.(*check).inside(t.Context(), r); err != nil || len(in.retries) > 100 {
		t.Errorf("of large jobs fewer are read: %d, %v", len(in.retries), err)
	}
}

func TestInBetweenWhatWasFoundStays(t *testing.T) {
	w := dress(t, "4.6")
	w.run(t, "default", "LinkCrawlWorker", 45*time.Minute)
	w.found(t, w.tick(t), codeRunning, "LinkCrawlWorker", checks.Warning, "45 min", "45分") // the first look is a deep one
	w.Do(t, "DEL", "web1:100:aaa:work")
	o := w.tick(t)
	if f, ok := checkstest.Find(o, codeRunning, "LinkCrawlWorker"); !ok || f.Holds || f.Advice.Look.String() == "" {
		t.Fatalf("it ends before anybody looked: %+v", f)
	}
	m := recall(w.past)
	m.Deep.At = time.Now().Add(-16 * time.Minute)
	w.remember(t, m)
	if o = w.tick(t); len(open(o)) > 0 {
		t.Errorf("after a quarter of an hour: %+v", open(o))
	}
	// And while nothing runs, nothing resolves unseen.
	w.run(t, "default", "LinkCrawlWorker", 45*time.Minute)
	w.deep(t)
	w.Do(t, "DEL", "web1:100:aaa:work", "web1:100:aaa")
	if _, ok := checkstest.Find(w.deep(t), codeRunning, "LinkCrawlWorker"); !ok {
		t.Error("it ends with the process")
	}
}

func TestWhatErrorsMean(t *testing.T) {
	for _, tt := range []struct{ class, message, want string }{
		{"HTTP::TimeoutError", "", "no answer in time"},
		{"Timeout::Error", "", "no answer in time"},
		{"OpenSSL::SSL::SSLError", "", "certificate or TLS"},
		{"Mastodon::UnexpectedResponseError", "https://a.example/inbox returned code 410", "answers HTTP 410"},
		{"Stoplight::Error::RedLight", "https://a.example/inbox", "failed so often that Mastodon pauses"},
		{"Errno::ECONNREFUSED", "", "cannot be connected to"},
		{"PG::ConnectionBad", "", "no connection to the database"},
		{"PG::UniqueViolation", "", "an error of the database"},
		{"Redis::CannotConnectError", "", "an error of Redis"},
		{"RedisClient::ReadTimeoutError", "", "an error of Redis"},
		{"PGroongaError", "", "PGroongaError"},
		{"NoMethodError", "undefined method", "NoMethodError"},
		{"", "", "an unknown error"},
	} {
		if got := (job{failure: tt.class, message: tt.message}).why(); got.En != tt.want || got.Ja == "" {
			t.Errorf("%s: %+v", tt.class, got)
		}
	}
}

func TestTheHostOfAnError(t *testing.T) {
	for message, want := range map[string]string{
		"https://a.example/inbox returned code 503":                          "a.example",
		"failed to connect: Connection refused on https://B.example:8443/in": "b.example",
		"https://a.example":                  "a.example",
		"execution expired":                  "",
		"https://a.example@evil.example/":    "",
		"https://192.0.2.7/inbox returned x": "192.0.2.7",
		"https://x/":                         "",
		"boom \"https://q.example/inbox\"":   "q.example",
	} {
		if got := (job{message: message}).host(); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}

func FuzzReadJob(f *testing.F) {
	f.Add(`{"class":"A","enqueued_at":1795340422934,"error_message":"https://a.example/inbox"}`)
	f.Add(`{"class":1,"enqueued_at":"x","wrapped":{}}`)
	f.Add(`{"enqueued_at":1e400,"created_at":-5}`)
	f.Fuzz(func(t *testing.T, text string) {
		j := readJob(text)
		_ = j.why()
		if h := j.host(); strings.ContainsAny(h, "/@ \n") {
			t.Errorf("host %q", h)
		}
		_ = readRun(text)
	})
}
