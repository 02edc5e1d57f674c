package media

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/checkstest/postgres"
	"github.com/sababan/sababan/checks/site"
)

const (
	megabyte = int64(1) << 20
	some     = 100 * megabyte
)

// stockWorld is a world with a database, and a key that may list.
func stockWorld(t *testing.T, version string) (*world, *postgres.DB) {
	t.Helper()
	db := postgres.Start(t).Mastodon(t, version)
	w := newWorld(t, db.Site(t, Kind(&site.Site{}).Reads...))
	w.showUploads()
	w.store.stock, w.store.pageSize, w.store.mayList, w.store.anyTime = map[string]stocked{}, 7, true, true
	return w, db
}

// showUploads shows what people of the database's have uploaded.
func (w *world) showUploads() {
	w.show(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/media_attachments/") {
			_, _ = rw.Write([]byte("\x89PNG"))
			return
		}
		r.URL.Path = "/bucket" + r.URL.Path
		w.store.ServeHTTP(rw, r)
	})
}

// put puts a file into the bucket that has been there for long.
func (w *world) put(key string, size int64) {
	w.store.stock[key] = stocked{size, w.now.AddDate(0, -2, 0)}
}

// walk looks until the bucket has been gone through.
func (w *world) walk() checks.Observation {
	w.t.Helper()
	for range 50 {
		if o := w.look(); w.memory().Walk.Of == "" {
			return o
		}
		w.now = w.now.Add(15 * time.Minute)
	}
	w.t.Fatal("no end of the bucket in fifty looks")
	return checks.Observation{}
}

func (w *world) memory() memory { return recall(w.past) }

// key is where a file of Mastodon's lies.
func key(area string, id int64, style, name string) string {
	return strings.Replace(strings.Replace(filePath("", id, name), "media_attachments/files", area, 1), "/original/", "/"+style+"/", 1)
}

func TestABucketThatHoldsMuchMoreThanTheDatabaseKnowsIsToldOnEveryVersion(t *testing.T) {
	for _, version := range []string{"4.2", "4.6"} {
		t.Run(version, func(t *testing.T) {
			w, db := stockWorld(t, version)
			for i := range int64(10) {
				id := postgres.ID(w.now.AddDate(0, 0, -10)) + i
				db.Exec(t, "INSERT INTO media_attachments (id, account_id, file_file_name, thumbnail_file_name) VALUES ($1, 1, $2, 'cover.png')", id, fmt.Sprintf("m%d.mp4", i))
				w.put(key("media_attachments/files", id, "original", fmt.Sprintf("m%d.mp4", i)), some)
				w.put(key("media_attachments/files", id, "small", fmt.Sprintf("m%d.png", i)), megabyte)
				w.put(key("media_attachments/thumbnails", id, "original", "cover.png"), megabyte)
			}
			db.Exec(t, "UPDATE accounts SET avatar_file_name = 'face.png', header_file_name = 'sea.jpg' WHERE id = (SELECT min(id) FROM accounts)")
			account, err := strconv.ParseInt(db.Rows(t, "SELECT min(id)::text FROM accounts")[0][0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			const card = 777
			db.Exec(t, "INSERT INTO preview_cards (id, url, image_file_name) VALUES (777, 'https://x.test/777', 'card.jpg')")
			w.put(key("cache/accounts/avatars", account, "static", "face.png"), megabyte)
			w.put(key("accounts/headers", account, "original", "sea.jpg"), megabyte)
			w.put(key("cache/preview_cards/images", card, "original", "card.jpg"), megabyte)
			w.put("backups/dumps/000/000/001/original/archive.zip", 5*some) // of another column
			w.put("dump.sql.gz", 3*some)                                    // of somebody else
			o := w.walk()
			w.nothing(o)
			if got := checkstest.Value(t, o, orphanSize, ""); got != 0 {
				t.Errorf("%v bytes are lost", got)
			}
			t.Log(o.Summary)

			// A row that is gone, one without a file, one with another file, and one
			// that never was; what has only just been put is left alone.
			db.Exec(t, "INSERT INTO media_attachments (id, account_id, file_file_name) VALUES (5, 1, NULL), (6, 1, 'new.png')")
			w.put(key("cache/media_attachments/files", 5, "original", "five.png"), 2*some)
			w.put(key("media_attachments/files", 6, "original", "old.png"), 2*some)
			w.put(key("cache/preview_cards/images", 778, "original", "a.jpg"), 7*some)
			w.put(key("cache/preview_cards/images", 779, "original", "b.jpg"), 7*some)
			w.store.stock[key("media_attachments/files", 7, "original", "fresh.png")] = stocked{9 * some, w.now.Add(walkEvery)}
			w.nothing(w.look()) // the next walk is a week later
			w.now = w.now.Add(walkEvery)
			f := w.find(w.walk(), codeOrphans, "1.8 GB of the ")
			if f.Severity != checks.Warning || f.Road != checks.Week || !strings.Contains(f.Text.En, "Most of it lies in cache/preview_cards/images/ (1.4 GB)") || !strings.Contains(f.Text.Ja, "ファイルをデータベースと照合") {
				t.Errorf("%v %v %s %s", f.Severity, f.Road, f.Text.En, f.Text.Ja)
			}
			w.find(w.look(), codeOrphans, "1.8 GB of the ")
			if raw := string(w.past.Memory[memoryKey]); strings.Contains(raw, ".png") || strings.Contains(raw, ".jpg") {
				t.Errorf("names of files are remembered: %s", raw)
			}

			for k := range w.store.stock {
				if strings.Contains(k, "/a.jpg") || strings.Contains(k, "/b.jpg") || strings.Contains(k, "/fresh.png") {
					delete(w.store.stock, k)
				}
			}
			w.now = w.now.Add(walkEvery)
			w.nothing(w.walk())
			// What a key may not see any more is not known for ever.
			w.store.mayList = false
			w.now = w.now.Add(stockFresh + time.Hour)
			o = w.look()
			if b := blindOf(o, codeOrphans); b.Code == "" || strings.Contains(o.Summary.En, "known to Mastodon") {
				t.Errorf("%+v %+v", o.Blind, o.Summary)
			}
		})
	}
}

func TestAPageAtATimeIsReadAndEachFileOnce(t *testing.T) {
	w, db := stockWorld(t, "4.6")
	for i := range int64(40) {
		db.Exec(t, "INSERT INTO media_attachments (id, account_id, file_file_name) VALUES ($1, 1, 'a.png')", 1000+i)
		for _, style := range []string{"original", "small"} {
			w.put(key("media_attachments/files", 1000+i, style, "a.png"), 1)
		}
	}
	w.look()
	if n := len(w.store.pages); n != pagesALook {
		t.Errorf("%d pages at one look", n)
	}
	began := w.memory().Walk
	for _, after := range w.store.pages[1:] {
		if !strings.HasSuffix(after, "/~") {
			t.Errorf("a page begins after %q", after)
		}
	}
	w.walk()
	got := w.memory().Stock
	if got.Files != 80 || got.Bytes != 80 || got.Known != 80 || got.Lost != 0 || !got.Began.Equal(began.Began) || got.Ended.Before(got.Began) {
		t.Errorf("%+v", got)
	}
	// A page of one file's folder alone goes on inside of it.
	w.store.pageSize = 1
	w.now = w.now.Add(walkEvery)
	w.walk()
	if got = w.memory().Stock; got.Files != 80 {
		t.Errorf("%+v", got)
	}
}

func TestAKeyThatMayNotListIsNoFaultAndAskedAgainTheNextDay(t *testing.T) {
	w, db := stockWorld(t, "4.6")
	asked := func() int { return len(w.store.pages) }
	w.store.mayList = false
	for range 5 {
		o := w.look()
		w.nothing(o)
		if len(o.Blind) > 0 && o.Blind[0].Code == codeOrphans || !strings.Contains(o.Summary.En, "may not list") || !strings.Contains(o.Summary.Ja, "一覧の権限なし") {
			t.Errorf("%+v %+v", o.Blind, o.Summary)
		}
	}
	if w.memory().Closed.IsZero() || asked() > 0 {
		t.Errorf("%+v", w.memory())
	}
	w.store.mayList = true
	db.Exec(t, "INSERT INTO media_attachments (id, account_id, file_file_name) VALUES (5, 1, 'a.png')")
	w.put(key("media_attachments/files", 5, "original", "a.png"), 3)
	w.look()
	if asked() > 0 {
		t.Error("asked again at once")
	}
	w.now = w.now.Add(24 * time.Hour)
	if o := w.look(); asked() != 1 || !strings.Contains(o.Summary.En, "the bucket holds 3 B, 100 % of it known") {
		t.Errorf("%d, %+v", asked(), o.Summary)
	}
}

func TestAListThatIsNoneOrDoesNotEndIsLeftAlone(t *testing.T) {
	w, _ := stockWorld(t, "4.6")
	for i := range int64(30) {
		w.put(key("media_attachments/files", 1000+i, "original", "a.png"), some)
	}
	w.store.jumble = true
	w.nothing(w.look())
	if n := len(w.store.pages); n != 2 || w.memory().Closed.IsZero() {
		t.Errorf("%d pages, %+v", n, w.memory())
	}
	w.nothing(w.look())
	if n := len(w.store.pages); n != 2 {
		t.Errorf("%d pages", n)
	}
	for name, body := range map[string]string{
		"a page":           "<html></html>",
		"more of nothing":  "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"not in order":     "<ListBucketResult><Contents><Key>b</Key></Contents><Contents><Key>a</Key></Contents></ListBucketResult>",
		"of another place": "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
		"less than none":   "<ListBucketResult><Contents><Key>pre/a</Key><Size>-1</Size></Contents></ListBucketResult>",
		"too many":         "<ListBucketResult>" + strings.Repeat("<Contents/>", pageKeys+1) + "</ListBucketResult>",
	} {
		prefix := map[bool]string{true: "pre/"}[strings.Contains(name, "place") || strings.Contains(name, "none")]
		if list, more, ok := readPage([]byte(body), prefix, ""); ok {
			t.Errorf("%s: %v %v", name, list, more)
		}
	}
}

func TestWithoutRightsInTheDatabaseTheBucketIsNotGoneThrough(t *testing.T) {
	db := postgres.Start(t).Mastodon(t, "4.6")
	var reads []checks.Reads
	for _, r := range Kind(&site.Site{}).Reads {
		if r.Table != "preview_cards" {
			reads = append(reads, r)
		}
	}
	w := newWorld(t, db.Site(t, reads...))
	w.showUploads()
	w.store.stock, w.store.pageSize, w.store.mayList = map[string]stocked{}, 7, true
	w.put(key("cache/preview_cards/images", 5, "original", "a.png"), 20*some)
	for range 3 {
		o := w.look()
		w.nothing(o)
		if len(o.Blind) == 0 || o.Blind[len(o.Blind)-1].Code != codeOrphans || o.Blind[len(o.Blind)-1].Mend.Look.String() == "" {
			t.Errorf("%+v", o.Blind)
		}
	}
	if got := w.memory(); got.Stock.Of != "" || got.Walk.Files != 0 || got.Walk.After != "" {
		t.Errorf("%+v", got)
	}
}

func TestWithoutAPastTheBucketIsNotGoneThrough(t *testing.T) {
	w, _ := stockWorld(t, "4.6")
	if _, err := w.check.Look(t.Context(), checks.NoPast{}); err != nil || len(w.store.pages) > 0 {
		t.Errorf("%d pages, %v", len(w.store.pages), err)
	}
}

func TestABucketOfAnotherServersIsNotCalledLost(t *testing.T) {
	w, _ := stockWorld(t, "4.6")
	for i := range int64(20) {
		w.put(key("media_attachments/files", postgres.ID(w.now)+i, "original", "a.png"), some)
	}
	o := w.walk()
	w.nothing(o)
	if n := len(o.Blind); n == 0 || o.Blind[n-1].Code != codeOrphans || !strings.Contains(o.Blind[n-1].Why.En, "different servers") {
		t.Errorf("%+v", o.Blind)
	}
}

func TestKeysAreTakenApartAsMastodonMakesThem(t *testing.T) {
	for in, want := range map[string]string{
		"media_attachments/files/112/345/678/901/234/567/original/a1b2.png": "media_attachments.file_file_name 112345678901234567 a1b2 media_attachments/files/112/345/678/901/234/567/",
		"cache/media_attachments/files/000/001/234/small/a.b.png":           "media_attachments.file_file_name 1234 a.b cache/media_attachments/files/000/001/234/",
		"cache/custom_emojis/images/000/000/009/static/x.png":               "custom_emojis.image_file_name 9 x cache/custom_emojis/images/000/000/009/",
		"site_uploads/files/000/000/001/original/x.png":                     "",
		"media_attachments/files/112/345/a.png":                             "",
		"media_attachments/files/112/345/678/901/234/567/890/original/a":    "",
		"sababan/x.txt": "",
		"../media_attachments/files/000/000/001/original/x": "",
	} {
		o, got := readObject("pre/", "pre/"+in, 1, time.Time{}), ""
		if o.area != nil {
			got = fmt.Sprintf("%s.%s %d %s %s", o.area.table, o.area.column, o.id, o.stem, strings.TrimPrefix(o.folder, "pre/"))
		}
		if got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}
