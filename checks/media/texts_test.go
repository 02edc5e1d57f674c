package media

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/checkstest"
	"github.com/sababan/sababan/checks/site"
)

func TestTexts(t *testing.T) {
	const host = "files.example.social"
	is := func(why reason, code int, word string) step {
		return step{state: ill, why: why, code: code, word: word, err: errors.New("no such file")}
	}
	good := func(took time.Duration) step { return step{state: well, took: took} }
	public := &url.URL{Scheme: "https", Host: host}
	bucket, local := place{kind: bucketKind, public: public}, place{kind: localKind, public: public, folder: "/srv/mastodon/public/system", live: "/srv/mastodon"}
	here := place{kind: localKind, public: public, folder: "/home/mastodon/live/public/system"}
	stock := walk{
		Began: checkstest.TextsNow.AddDate(0, 0, -17), Ended: checkstest.TextsNow, Files: 1_203_441, Bytes: 136 << 30, Lost: 402_118, LostBytes: 66 << 30,
		Areas: map[string]int64{"cache/preview_cards/images/": 41 << 30, "media_attachments/files/": 25 << 30},
	}
	usual := checks.Band{Low: 0.001, Mid: 0.004, High: 0.02, Days: 20}
	key := &check{config: Config{AccessKey: "GK1"}}
	line := func(c *check, set func(*visit)) checks.Text {
		v := &visit{check: c, place: bucket}
		set(v)
		return v.summary()
	}

	say := checkstest.Say
	var said []checkstest.Said
	for _, s := range []step{
		is(full, 507, "InsufficientStorage"), is(busy, 503, "SlowDown"), is(noBucket, 404, "NoSuchBucket"), is(denied, 403, "AccessDenied"), is(status, 500, ""),
		is(mute, 0, ""), is(refused, 0, ""), is(certificate, 0, ""), is(noName, 0, ""), is(cut, 0, ""),
	} {
		said = append(said, say("put: "+string(s.why), textPut(s), advicePut(s)))
	}
	checkstest.Texts(
		t, "media",
		append(
			said,
			say("get: of the test file", textGet(host, is(otherThing, 200, ""), true), adviceGet(bucket, is(otherThing, 200, ""))),
			say("get: of an upload, denied, local", textGet("example.social", is(denied, 403, ""), false), adviceGet(local, is(denied, 403, ""))),
			say("get: of an upload, not there, local", textGet("example.social", is(notThere, 404, ""), false), adviceGet(local, is(notThere, 404, ""))),
			say("get: of an upload, it leads elsewhere", textGet(host, is(redirected, 302, ""), false), adviceGet(bucket, is(redirected, 302, ""))),
			say("delete", textDelete(is(denied, 403, "AccessDenied")), adviceKey(is(denied, 403, "AccessDenied"))),
			say("key: refused", textKey(is(badKey, 403, "InvalidAccessKeyId")), adviceKey(is(badKey, 403, "InvalidAccessKeyId"))),
			say("key: the clock", textKey(is(skewed, 403, "RequestTimeTooSkewed")), adviceKey(is(skewed, 403, "RequestTimeTooSkewed"))),
			say("the test file alone", textPrefix(host, is(notThere, 404, ""))),
			say("slow", textSlow(4200*time.Millisecond, 900*time.Millisecond)),
			say("slow, shown only", textSlow(0, 3900*time.Millisecond)),
			say("listing, a bucket", textListing(host), adviceListing(bucket)),
			say("listing, local", textListing("example.social"), adviceListing(local)),
			say("headers, both", textHeaders("/system", false, false), adviceHeaders(local)),
			say("headers, nosniff", textHeaders("/system", false, true)),
			say("headers, policy", textHeaders("/system", true, false)),
			say("have not arrived", textMissing(412, 1020, usual, true), adviceMissing()),
			say("have not arrived, no usual number", textMissing(412, 1020, checks.Band{}, false)),
			say("waiting to be processed", textStuck(tally{stuck: 14}), adviceStuck()),
			say("processing fails", textStuck(tally{failed: 6, uploads: 40}), adviceStuck()),
			say("not deleted", textKept(kept{Days: 7, Older: 21, Still: 18, Of: 20}), adviceKept()),
			say("orphans", textOrphans(stock), adviceOrphans(stock)),
			say("orphans, all in one folder", textOrphans(walk{Began: stock.Began, Ended: stock.Ended, Files: 2000, Bytes: 9 << 30, Lost: 9, LostBytes: 6 << 30, Areas: map[string]int64{"media_attachments/files/": 6 << 30}})),
			say("put, local: full", textPutHere(is(full, 0, "")), advicePutHere(here)),
			say("put, local: no answer", textPutHere(is(mute, 0, "")), advicePutHere(here)),
			say("put, local: a fault", textPutHere(is(broken, 0, ""))),
			say("still shown", textCached("example.social"), adviceCached()),
			say("unseen: no right to write", textUnseen(is(noRight, 0, "")), adviceFolder(here.folder+"/sababan/")),
			say("unseen: the folder is gone", textUnseen(is(noFolder, 0, "")), adviceGone(here.folder+"/sababan/")),
			say("unseen: of another server", textForeign()),
			say("unseen: compared long ago", textOldList(stock)),
			say("kept for ever", textNoRetention(kept{Older: 200, Still: 20, Of: 20}), adviceNoRetention()),
			say("unseen: the key's file", textNoSecret("/etc/sababan/s3-secret", site.SecretOpen), site.SecretOpen.Advice("/etc/sababan/s3-secret")),
			say("unseen: no bucket known", textUnseen(is(noBucket, 0, ""))),
			say("unseen: no resolver", textUnseen(is(noResolver, 0, ""))),
			say("unseen: too often", textUnseen(is(tooMany, 429, ""))),
			say("unseen: no way", textUnseen(is(noRoute, 0, ""))),
			say("unseen: nothing usable", textUnseen(is(noReason, 0, ""))),
			say("unseen: no time", textNoTime()),
			say("unseen: offline", textOffline()),
			say("unseen: another storage", textOtherStorage()),
			say("unseen: no settings", textNoSettings()),
			say("unseen: no example", textNoExample()),
			say("unseen: the key hides it", textKeyHides()),
			say("unseen: not tried", textNotTried()),
			say("summary", line(key, func(v *visit) {
				v.trip = trip{put: good(84 * time.Millisecond), get: good(40 * time.Millisecond)}
				v.day = tally{seen: true, remote: 4812, absent: 20}
			})),
			say("summary, with the bucket", line(key, func(v *visit) { v.file, v.memory.Stock = good(40*time.Millisecond), stock })),
			say("summary, the key may not list", line(key, func(v *visit) { v.file, v.memory.Closed = good(40*time.Millisecond), checkstest.TextsNow })),
			say("summary, local, no folder", line(&check{}, func(v *visit) { v.file, v.place = good(40*time.Millisecond), here })),
			say("summary, no key", line(&check{}, func(v *visit) { v.file = good(40 * time.Millisecond) })),
			say("summary, nothing could be looked at", line(&check{}, func(*visit) {})),
		)...,
	)
}
