package media

import (
	"strings"
	"testing"
)

// FuzzRefusal: a storage's word is a plain one, or none, however the XML nests.
func FuzzRefusal(f *testing.F) {
	for _, s := range []string{
		`<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`, `<Error><Code>@evil</Code></Error>`, `<Error><Code>a</Code><Code>b</Code></Error>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><Error><Code>&a;</Code></Error>`, `<Code>` + strings.Repeat("<a>", 12000), `<Error xmlns="x"><Code>NoSuchBucket</Code>`, `<Code><Code>`,
	} {
		f.Add([]byte(s), 403)
	}
	f.Fuzz(func(t *testing.T, body []byte, code int) {
		word := wordOf(body)
		if word != "" && !plainWord.MatchString(word) {
			t.Errorf("%q", word)
		}
		if whyRefused(code, word) == noReason {
			t.Errorf("no reason for %d %q", code, word)
		}
	})
}

// FuzzList: whatever a storage lists, its files come in order and each once, a
// file is counted, and going on begins behind what was counted.
func FuzzList(f *testing.F) {
	const one = `<Contents><Key>media_attachments/files/112/345/678/901/234/567/original/a.png</Key><LastModified>2026-11-22T10:00:00.000Z</LastModified><Size>7</Size></Contents>`
	for _, s := range []string{
		`<ListBucketResult xmlns="x"><IsTruncated>true</IsTruncated>` + one + strings.ReplaceAll(one, "/original/", "/small/") + `<Contents><Key>z</Key></Contents></ListBucketResult>`,
		`<ListBucketResult>` + one + one + `</ListBucketResult>`, `<ListBucketResult><Contents><Key>a</Key><Size>-9223372036854775808</Size></Contents>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>`, `<ListBucketResult>` + strings.Repeat("<a>", 12000),
	} {
		f.Add([]byte(s), "")
		f.Add([]byte(s), "media_attachments/files/112/~")
	}
	f.Fuzz(func(t *testing.T, body []byte, after string) {
		list, more, ok := readPage(body, "", after)
		if !ok || len(list) == 0 {
			return
		}
		before := after
		for _, o := range list {
			if o.key <= before || o.size < 0 || o.area != nil && (o.folder == "" || o.id < 0) {
				t.Fatalf("%+v after %q", o, before)
			}
			before = o.key
		}
		kept, next := whole(list, more)
		if len(kept) == 0 || more && next <= after || !more && next != "" {
			t.Fatalf("%d of %d, then %q", len(kept), len(list), next)
		}
		if more && len(kept) < len(list) && list[len(kept)].key <= next {
			t.Fatalf("%q is passed over by %q", list[len(kept)].key, next)
		}
	})
}
