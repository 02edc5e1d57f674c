package media

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestContract(t *testing.T) {
	w := newWorld(t, &site.Site{Domain: "masto.test"})
	checkstest.Contract(t, w.kind, checkstest.Table(w.table))
}

func TestSignaturesAreThoseOfAmazonsOwnExamples(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	secret := checks.NewSecret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	for _, one := range []struct {
		method, url, body string
		header            http.Header
		want              string
	}{
		{
			http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", "",
			http.Header{"Range": {"bytes=0-9"}},
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		},
		{
			http.MethodPut, "https://examplebucket.s3.amazonaws.com/test$file.text", "Welcome to Amazon S3.",
			http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}},
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		{
			http.MethodGet, "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "",
			http.Header{},
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		},
	} {
		req, err := http.NewRequest(one.method, one.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = one.header
		sign(req, []byte(one.body), "us-east-1", "AKIAIOSFODNN7EXAMPLE", secret, at)
		if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+one.want) {
			t.Errorf("%s %s: %s", one.method, one.url, got)
		}
	}
}

func TestAFileIsPutShownAndDeleted(t *testing.T) {
	for name, noLists := range map[string]bool{"with access lists": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &site.Site{Domain: "masto.test"})
			w.store.noLists = noLists
			for range 2 {
				o := w.look()
				w.nothing(o)
				if checkstest.Value(t, o, putTime, "") <= 0 || checkstest.Value(t, o, getTime, "") <= 0 || checkstest.Value(t, o, deleteTime, "") <= 0 {
					t.Errorf("%+v", o.Measures)
				}
				t.Log(o.Summary)
			}
			if len(w.store.files) > 0 || w.store.tested < 4 {
				t.Errorf("left %v after %d signed questions", w.store.files, w.store.tested)
			}
		})
	}
}

func TestEveryIllnessOfTheStorageIsToldAndEnds(t *testing.T) {
	for _, one := range []struct {
		name     string
		ill      func(w *world)
		code     string
		want     string
		severity checks.Severity
		road     checks.Road
	}{
		{"the key is wrong", func(w *world) { w.store.secret = "another" }, codeKey, "SignatureDoesNotMatch", checks.Warning, checks.Morning},
		{"the clock is wrong", func(w *world) { w.now = w.now.Add(time.Hour) }, codeKey, "clock is wrong", checks.Warning, checks.Morning},
		{"the account is blocked", func(w *world) { w.store.refuse["PUT"], w.store.word = 403, "AccessDenied" }, codePut, "403 AccessDenied", checks.Critical, checks.Now},
		{"it is full", func(w *world) { w.store.refuse["PUT"], w.store.word = 507, "InsufficientStorage" }, codePut, "is full", checks.Critical, checks.Now},
		{"it is overloaded", func(w *world) { w.store.refuse["PUT"], w.store.word = 503, "SlowDown" }, codePut, "overloaded", checks.Critical, checks.Now},
		{"the bucket is gone", func(w *world) { w.store.refuse["PUT"], w.store.word = 404, "NoSuchBucket" }, codePut, "bucket is gone", checks.Critical, checks.Now},
		{"deletes are refused", func(w *world) { w.store.refuse["DELETE"], w.store.word = 403, "AccessDenied" }, codeDelete, "nothing can be deleted", checks.Warning, checks.Morning},
		{"the public name refuses", func(w *world) { w.show(answer(403, "")) }, codeGet, "403 Forbidden", checks.Critical, checks.Now},
		{"the public name knows nothing", func(w *world) { w.show(answer(404, "")) }, codeGet, "404 Not Found", checks.Critical, checks.Now},
		{"the public name fails", func(w *world) { w.show(answer(502, "")) }, codeGet, "502 Bad Gateway", checks.Critical, checks.Now},
		{"the public name leads elsewhere", func(w *world) {
			w.show(func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "https://parked.test/", http.StatusFound)
			})
		}, codeGet, "leads elsewhere", checks.Critical, checks.Now},
		{"the public name shows something else", func(w *world) { w.show(answer(200, "hello")) }, codeGet, "something else", checks.Critical, checks.Now},
		{"the connection is cut", func(w *world) { w.show(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }) }, codeGet, "is cut", checks.Critical, checks.Now},
	} {
		t.Run(one.name, func(t *testing.T) {
			w := newWorld(t, &site.Site{Domain: "masto.test"})
			w.nothing(w.look())
			was := w.now
			one.ill(w)
			f := w.find(w.look(), one.code, one.want)
			if f.Severity != one.severity || f.Road != one.road {
				t.Errorf("%v %v", f.Severity, f.Road)
			}
			if r := w.kind.Rule(one.code); r.Warning != (checks.Looks{Open: 2, Resolve: 2}) {
				t.Errorf("%+v", r)
			}
			w.look() // while it lasts, no more than one file is left behind
			if len(w.store.files) > 1 {
				t.Errorf("%d files are left", len(w.store.files))
			}
			w.now, w.store.secret, w.store.refuse = was, testSecret, map[string]int{}
			w.show(nil)
			w.nothing(w.look())
			if len(w.store.files) > 0 {
				t.Errorf("%d files are left for good", len(w.store.files))
			}
		})
	}
}

func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = w.Write([]byte(body)) }
}

func TestASlowStorageIsTold(t *testing.T) {
	w := newWorld(t, &site.Site{Domain: "masto.test"})
	w.nothing(w.look())
	w.show(func(rw http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(slowAfter + 100*time.Millisecond)
		defer timer.Stop()
		<-timer.C
		r.URL.Path = "/bucket" + r.URL.Path
		w.store.ServeHTTP(rw, r)
	})
	w.find(w.look(), codeSlow, "is slow: 5.")
	w.show(nil)
	w.nothing(w.look())
}

func TestAStorageThatListsToStrangersIsToldAtOnceAndLookedAtUntilItDoesNot(t *testing.T) {
	for name, set := range map[string]func(w *world, open bool){
		"the bucket": func(w *world, open bool) { w.store.lists = open },
		"the public name": func(w *world, open bool) {
			w.show(nil)
			if open {
				w.show(answer(200, "<html><head><title>Index of /</title>"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &site.Site{Domain: "masto.test"})
			w.make(w.table) // without a key
			w.nothing(w.look())
			set(w, true)
			w.nothing(w.look()) // it is looked at once a day
			w.now = w.now.Add(24 * time.Hour)
			if f := w.find(w.look(), codeListing, "anybody can list"); f.Severity != checks.Critical || f.Road != checks.Now {
				t.Errorf("%v %v", f.Severity, f.Road)
			}
			if r := w.kind.Rule(codeListing); r.Critical != (checks.Looks{Open: 1, Resolve: 1}) {
				t.Errorf("%+v", r)
			}
			w.find(w.look(), codeListing, "anybody can list")
			set(w, false)
			w.nothing(w.look())
		})
	}
}

func TestWithoutAKeyOnlyWhatAnybodyCanSeeIsLookedAtAndThatIsSaid(t *testing.T) {
	w := newWorld(t, &site.Site{Domain: "masto.test"})
	w.make(w.table)
	o := w.look()
	w.nothing(o)
	if w.store.tested > 0 || !strings.Contains(o.Summary.En, "no key of the bot's own") || !strings.Contains(o.Summary.Ja, "キーが未設定") {
		t.Errorf("%d signed questions; %+v", w.store.tested, o.Summary)
	}
}

func TestAKeyFileThatCannotBeUsedIsSaidWithoutTheKey(t *testing.T) {
	w := newWorld(t, &site.Site{Domain: "masto.test"})
	path := filepath.Join(t.TempDir(), "secret")
	w.make(w.table + "access_key = \"BOTKEY\"\nsecret_key_file = \"" + path + "\"\n")
	for _, one := range []struct {
		name, ja string
		write    func() error
	}{
		{"absent", "ファイルがありません", func() error { return nil }},
		{"open to others", "ほかのユーザーからも読めます", func() error { return os.WriteFile(path, []byte(testSecret), 0o644) }},
		{"empty", "空です", func() error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) }},
	} {
		if err := one.write(); err != nil {
			t.Fatal(err)
		}
		o := w.look()
		found := false
		for _, b := range o.Blind {
			found = found || b.Code == codePut && strings.Contains(b.Why.En, "cannot be used") && strings.Contains(b.Why.Ja, one.ja) && !strings.Contains(b.Why.En, testSecret)
		}
		if !found || w.store.tested > 0 {
			t.Errorf("%s: %+v", one.name, o.Blind)
		}
	}
}

func TestOfflineTheStorageIsNotAsked(t *testing.T) {
	w := newWorld(t, &site.Site{Domain: "masto.test"})
	w.site.Offline = true
	o := w.look()
	if w.store.tested > 0 || len(o.Blind) != len(outsideCodes) {
		t.Errorf("%d, %+v", w.store.tested, o.Blind)
	}
}

func TestSettingsAreReadAsMastodonReadsThem(t *testing.T) {
	for _, one := range []struct {
		settings         map[string]string
		endpoint, public string
		kind             placeKind
	}{
		{map[string]string{"S3_ENABLED": "true", "S3_BUCKET": "b", "S3_REGION": "eu-1"}, "https://s3.eu-1.amazonaws.com", "https://s3.eu-1.amazonaws.com/b", bucketKind},
		{map[string]string{"S3_ENABLED": "true", "S3_BUCKET": "b", "S3_HOSTNAME": "s3.wasabi.test", "S3_ALIAS_HOST": "files.test"}, "https://s3.wasabi.test", "https://files.test", bucketKind},
		{map[string]string{"S3_ENABLED": "true", "S3_BUCKET": "b", "S3_ALIAS_HOST": "files.test/b"}, "https://s3.us-east-1.amazonaws.com", "https://files.test/b", bucketKind},
		{map[string]string{"S3_ENABLED": "true", "S3_BUCKET": "b", "S3_PROTOCOL": "http", "S3_HOSTNAME": "10.0.0.1:9000", "S3_ENDPOINT": "http://10.0.0.1:9000/"}, "http://10.0.0.1:9000", "http://10.0.0.1:9000/b", bucketKind},
		{map[string]string{"S3_ENABLED": "false", "S3_BUCKET": "b"}, "", "https://masto.test/system", localKind},
		{map[string]string{"CDN_HOST": "https://cdn.test"}, "", "https://cdn.test/system", localKind},
		{nil, "", "", elsewhereKind},
		{map[string]string{"SWIFT_ENABLED": "true"}, "", "", elsewhereKind},
	} {
		c := newCheck(&site.Site{Domain: "masto.test"}, Config{})
		p := c.where(site.Found{Settings: one.settings})
		endpoint, public := "", ""
		if p.endpoint != nil {
			endpoint = p.endpoint.String()
		}
		if p.public != nil {
			public = p.public.String()
		}
		if p.kind != one.kind || endpoint != one.endpoint || public != one.public {
			t.Errorf("%v: %v %q %q", one.settings, p.kind, endpoint, public)
		}
	}
	if got := filePath("", 112345678901234567, "a1b2.png"); got != "media_attachments/files/112/345/678/901/234/567/original/a1b2.png" {
		t.Error(got)
	}
	if got := filePath("pre", 1234567, "a.png"); got != "pre/media_attachments/files/001/234/567/original/a.png" {
		t.Error(got)
	}
}

func TestMistakesInTheTableAreNamed(t *testing.T) {
	for table, want := range map[string]string{
		`endpoint = "s3.example"`:                     "endpoint",
		`public = "ftp://x"`:                          "public",
		`access_key = "A"`:                            "secret_key_file",
		`secret_key_file = "/x"`:                      "access_key",
		"access_key = \"A\"\nsecret_key_file = \"x\"": "whole path",
		`bucket = "../x"`:                             "bucket",
		`region = "a b"`:                              "region",
		"access_key = \"A B\"\nsecret_key_file = \"/etc/sababan/x\"": "access_key",
	} {
		if _, err := Kind(&site.Site{Domain: "masto.test"}).New(checkstest.Table(table)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", table, err)
		}
	}
	var missing *checks.NotSetUp
	if _, err := Kind(&site.Site{Root: t.TempDir()}).New(checkstest.Table("")); !errors.As(err, &missing) {
		t.Errorf("%v", err)
	}
}
