package media

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A walk goes through the whole bucket, a page at a time, and asks the database
// of each file whether it knows it. It is exact where an estimate of either side
// would not be: the database counts originals only, and what it counts is read
// from end to end.
//
// A list has up to a thousand files and costs half a thousandth of a cent to a
// hundredth where it costs anything: two with each look are six thousand a
// month, and two hundred thousand files a day.
const (
	pagesALook = 2 // (own)
	pageKeys   = 1000
	// pageLimit bounds one list, in bytes (own: they have some 500 kB).
	pageLimit = 2 << 20
	// walkEvery is how far apart the beginnings of two walks are at least (own).
	walkEvery = 7 * 24 * time.Hour
	// settled is how old a file must be before its being unknown means anything:
	// it may just have been put, or be about to go (own).
	settled = 24 * time.Hour
	// pageTime is how much time a page must have (own).
	pageTime = stepTime + limitsTime
)

// A walk is what was found on one.
type walk struct {
	// Of is the bucket, as host/bucket/prefix.
	Of    string    `json:"of,omitempty"`
	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
	// After is where to go on. It names a folder and no file: the name of a file
	// may be all that keeps it private.
	After string `json:"after,omitempty"`
	// Files and Bytes are all, Known those that a row of the database has, Lost
	// and LostBytes those that none has, and Areas the latter by folder.
	Files     int64            `json:"files,omitempty"`
	Bytes     int64            `json:"bytes,omitempty"`
	Known     int64            `json:"known,omitempty"`
	Lost      int64            `json:"lost,omitempty"`
	LostBytes int64            `json:"lost_bytes,omitempty"`
	Areas     map[string]int64 `json:"areas,omitempty"`
}

// An area is a folder of Mastodon's, and the column that knows its files.
type area struct{ path, table, column string }

// areas are all whose files are known by one column of one table.
var areas = []area{
	{"media_attachments/files", "media_attachments", "file_file_name"},
	{"media_attachments/thumbnails", "media_attachments", "thumbnail_file_name"},
	{"accounts/avatars", "accounts", "avatar_file_name"},
	{"accounts/headers", "accounts", "header_file_name"},
	{"preview_cards/images", "preview_cards", "image_file_name"},
	{"custom_emojis/images", "custom_emojis", "image_file_name"},
}

// mastodonKey is a file in one of them: what is of other servers may lie in
// cache/; the number is cut into threes.
var mastodonKey = regexp.MustCompile(`^((?:cache/)?([a-z_]+/[a-z]+)/)((?:[0-9]{3}/){3,6})[a-z]+/([^/]+)$`)

// An object is one file of a list.
type object struct {
	key     string
	size    int64
	changed time.Time
	// area is nil where Mastodon has no such place; the others are empty then.
	area         *area
	folder, stem string // folder is all up to the number
	id           int64
}

// readObject takes a key apart.
func readObject(prefix, key string, size int64, changed time.Time) object {
	o := object{key: key, size: size, changed: changed}
	m := mastodonKey.FindStringSubmatch(strings.TrimPrefix(key, prefix))
	if m == nil {
		return o
	}
	for i := range areas {
		if areas[i].path == m[2] {
			o.area = &areas[i]
		}
	}
	if o.area == nil {
		return o
	}
	for _, digit := range strings.ReplaceAll(m[3], "/", "") { // eighteen at most
		o.id = o.id*10 + int64(digit-'0')
	}
	o.folder, o.stem = prefix+m[1]+m[3], stemOf(m[4])
	return o
}

// stemOf is a name without its ending: a small picture of a video has the name
// of the video and another ending.
func stemOf(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// place is where a file lies: a folder with its number, or for what is not
// Mastodon's the file itself.
func (o object) place() string {
	if o.area == nil {
		return o.key
	}
	return o.folder
}

// compare goes on with the walk, where there is a key, a database and time.
func (v *visit) compare(ctx context.Context) {
	p, m := v.place, &v.memory
	if p.kind != bucketKind || v.trip.put.state != well || !v.day.seen {
		return
	}
	of := strings.Join([]string{p.endpoint.Host, p.bucket, p.prefix}, "/")
	if m.Walk.Of != of && m.Walk.Of != "" || m.Stock.Of != of && m.Stock.Of != "" {
		m.Walk, m.Stock, m.Closed = walk{}, walk{}, time.Time{}
	}
	if since := v.now.Sub(m.Closed); since >= 0 && since < dayLength {
		return
	}
	if m.Walk.Of == "" {
		if since := v.now.Sub(m.Stock.Began); since >= 0 && since < walkEvery {
			return
		}
		m.Walk = walk{Of: of, Began: v.now}
	}
	secret, err := site.ReadSecret(v.site.SecretFile(v.config.SecretKeyFile))
	if err != nil {
		return // it was read a moment ago, and what is wrong is said at the next look
	}
	for range pagesALook {
		if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < pageTime {
			return
		}
		list, more, s := v.page(ctx, m.Walk.After, secret)
		if s.state != well {
			if s.state == ill && s.code > 0 && s.why != busy {
				m.Closed = v.now // it may not list, or cannot as it should
			}
			return
		}
		m.Closed = time.Time{}
		after := m.Walk.After
		list, m.Walk.After = whole(list, more)
		lost, err := v.unknown(ctx, list)
		if err != nil {
			why, mend := checks.Explain(err)
			v.Blind = append(v.Blind, checks.Blind{Code: codeOrphans, Why: why, Mend: mend})
			m.Walk.After = after // it is looked at again
			return
		}
		m.Walk.add(list, lost, len(v.filesPrefix()))
		if !more {
			m.Walk.Ended, m.Walk.After = v.now, ""
			m.Stock, m.Walk = m.Walk, walk{}
			return
		}
	}
}

// filesPrefix is what stands before every file of Mastodon's.
func (v *visit) filesPrefix() string {
	if v.place.prefix == "" {
		return ""
	}
	return v.place.prefix + "/"
}

// page is one list of files, in the order of their names, and whether there are
// more.
func (v *visit) page(ctx context.Context, after string, secret checks.Secret) ([]object, bool, step) {
	query := url.Values{"list-type": {"2"}, "max-keys": {"1000"}}
	prefix := v.filesPrefix()
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	if after != "" {
		query.Set("start-after", after)
	}
	u := at(v.place.endpoint, v.place.bucket)
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	req, err := http.NewRequest(http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, false, step{state: unseen, why: noBucket, err: err}
	}
	sign(req, nil, v.place.region, v.config.AccessKey, secret, v.now)
	s := doTo(ctx, v.pages, req, pageLimit)
	if s.state != well {
		return nil, false, s
	}
	list, more, ok := readPage(s.body, prefix, after)
	if !ok {
		s.state, s.why = ill, otherThing
	}
	return list, more, s
}

// readPage reads a list; false for what is none, is out of order, or would not
// end.
func readPage(body []byte, prefix, after string) (list []object, more, ok bool) {
	var said struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		More     bool     `xml:"IsTruncated"`
		Contents []struct {
			Key     string `xml:"Key"`
			Changed string `xml:"LastModified"`
			Size    int64  `xml:"Size"`
		} `xml:"Contents"`
	}
	if xml.Unmarshal(body, &said) != nil || len(said.Contents) > pageKeys || said.More && len(said.Contents) == 0 {
		return nil, false, false
	}
	list = make([]object, 0, len(said.Contents))
	for _, c := range said.Contents {
		if c.Key <= after || !strings.HasPrefix(c.Key, prefix) || c.Size < 0 {
			return nil, false, false
		}
		after = c.Key
		changed, _ := time.Parse(time.RFC3339, c.Changed) // unknown is long ago
		list = append(list, readObject(prefix, c.Key, c.Size, changed))
	}
	return list, said.More, true
}

// whole leaves out the last place of a list that goes on, for the rest of it may
// be on the next one, and tells after what that begins.
func whole(list []object, more bool) (kept []object, after string) {
	if !more {
		return list, ""
	}
	n := len(list) - 1
	for n > 0 && list[n-1].place() == list[len(list)-1].place() {
		n--
	}
	if n == 0 { // all of it is one place
		return list, list[len(list)-1].key
	}
	last := list[n-1]
	if last.area == nil || strings.HasPrefix(list[n].key, last.folder) {
		return list[:n], last.key
	}
	return list[:n], last.folder + "~" // behind all that lies there
}

// add counts a page; prefix is how long the bucket's is.
func (w *walk) add(list []object, lost map[string]bool, prefix int) {
	for _, o := range list {
		w.Files++
		w.Bytes += o.size
		if !lost[o.key] {
			if o.area != nil {
				w.Known++
			}
			continue
		}
		w.Lost++
		w.LostBytes += o.size
		if w.Areas == nil {
			w.Areas = map[string]int64{}
		}
		w.Areas[mastodonKey.FindStringSubmatch(o.key[prefix:])[1]] += o.size
	}
}
