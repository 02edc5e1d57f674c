// Package media looks whether pictures and videos can be stored and are shown:
// a file that is put, got by its public name and deleted; a storage that does
// not list to strangers; files from other servers that arrive, and that go when
// their time is over.
package media

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/hang"
	"github.com/sababan/sababan/checks/site"
)

// The codes of the findings; that of listing has the host as subject, the
// others none.
const (
	codePut       = "put"       // nothing can be stored
	codeGet       = "get"       // what is stored is not shown
	codeDelete    = "delete"    // nothing can be deleted
	codeKey       = "key"       // the bot's own key is refused
	codePrefix    = "prefix"    // the public name does not show the bot's own folder
	codeSlow      = "slow"      //
	codeCached    = "cached"    // what is deleted is still shown
	codeListing   = "listing"   // it lists to strangers
	codeHeaders   = "headers"   // a file may be taken for a page of the site
	codeMissing   = "missing"   // files from other servers do not arrive
	codeStuck     = "stuck"     // uploads wait for their processing
	codeRetention = "retention" // what should be deleted is still there
	codeOrphans   = "orphans"   // much of the bucket belongs to nothing
)

// The measures: times in seconds, and the share of the new files of other
// servers that have not arrived.
const (
	putTime      = "put_time"
	getTime      = "get_time"
	deleteTime   = "delete_time"
	missingShare = "remote_missing_ratio"
	remoteFiles  = "remote_files"
	// bucketSize is all that is in the bucket, in bytes, and orphanSize what of
	// it Mastodon knows nothing of.
	bucketSize = "bucket_size"
	orphanSize = "orphan_size"
)

// Config is the table [checks.media].
type Config struct {
	// AccessKey and SecretKeyFile are a key of the bot's own, limited to the
	// folder sababan/ of the bucket.
	AccessKey     string `toml:"access_key"`
	SecretKeyFile string `toml:"secret_key_file"`
	// Endpoint, Region and Bucket are those of the storage, where they are not
	// found in Mastodon's settings; Public is the address that files are shown by.
	Endpoint string `toml:"endpoint"`
	Region   string `toml:"region"`
	Bucket   string `toml:"bucket"`
	Public   string `toml:"public"`
}

// Kind makes the check of a site's media.
//
// Measures: put_time, get_time and delete_time in seconds; of the last day
// remote_missing_ratio, and remote_files, how many it is a share of; bucket_size
// and orphan_size in bytes, as the last walk through the bucket found them.
func Kind(s *site.Site) checks.Kind {
	two := checks.Rule{Warning: checks.Looks{Open: 2, Resolve: 2}} // defaults
	return checks.Kind{
		Name:  "media",
		Title: checks.Text{En: "media", Ja: "メディア"},
		Graphs: []checks.Graph{
			{Measure: "get_time", Title: checks.Text{En: "time to read a file", Ja: "読み出し時間"}},
			{Measure: "put_time", Title: checks.Text{En: "time to store a file", Ja: "保存時間"}},
			{Measure: "remote_missing_ratio", Title: checks.Text{En: "share of remote files missing", Ja: "欠けているリモートファイルの割合"}},
			{Measure: "bucket_size", Title: checks.Text{En: "size of the bucket", Ja: "バケットの容量"}},
		},
		Words: checks.Words{
			En: []string{"media", "storage", "object storage", "s3", "bucket", "pictures", "uploads"},
			Ja: []string{"メディア", "添付メディア", "オブジェクトストレージ", "ストレージ", "画像", "メディアキャッシュ"},
		},
		Scope:       checks.Site,
		After:       []string{"database", "certs", "services", "disk"},
		Cron:        "*/15 * * * *",
		Timeout:     29 * time.Second,
		AfterUpdate: true,
		Rules: map[string]checks.Rule{
			codePut: two, codeGet: two, codeDelete: two, codeKey: two, codePrefix: two, codeSlow: two, codeMissing: two, codeStuck: two,
			codeHeaders: two, codeCached: two,
		},
		Reads: []checks.Reads{
			{Table: "media_attachments", Columns: []string{
				"id", "status_id", "remote_url", "file_file_name", "thumbnail_file_name", "file_content_type", "updated_at", "processing",
			}},
			{Table: "accounts", Columns: []string{"id", "avatar_file_name", "header_file_name"}},
			{Table: "preview_cards", Columns: []string{"id", "image_file_name"}},
			{Table: "custom_emojis", Columns: []string{"id", "image_file_name"}},
			{Table: "settings", Columns: []string{"var", "value"}},
		},
		Settings: func() any { return &Config{} },
		New: func(t checks.Table) (checks.Check, error) {
			var c Config
			if err := t.Decode(&c); err != nil {
				return nil, err
			}
			if err := c.valid(); err != nil {
				return nil, err
			}
			if s.Domain == "" && c.Public == "" && s.NeedDatabase() != nil {
				return nil, s.NeedDomain()
			}
			return newCheck(s, c), nil
		},
	}
}

type check struct {
	site   *site.Site
	config Config
	calls  hang.Calls // to a folder that may be on a dead mount
	wire   *api.Transport
	own    *api.Transport // to the site's own name, by its set address
	pages  *api.Transport // to lists of files
	now    func() time.Time
	name   func() string // of a test file
}

func newCheck(s *site.Site, c Config) *check {
	options := api.Options{
		UserAgent: "sababan", Roots: s.Roots, MaxBody: bodyLimit, HeaderTimeout: stepTime, Timeout: stepTime, Fresh: true,
	}
	m := &check{site: s, config: c, wire: api.NewTransport(options), now: time.Now, name: rand.Text}
	options.MaxBody = pageLimit
	m.pages = api.NewTransport(options)
	options.MaxBody, options.Address = bodyLimit, s.Address
	m.own = api.NewTransport(options)
	return m
}

// A visit is one look on its way.
type visit struct {
	*check
	checks.Observation
	past   checks.Past
	now    time.Time
	place  place
	memory memory

	files []string // paths of files that should be shown, the newest first
	day   tally
	trip  trip
	file  step // an existing file by its public name
}

// Look tries the storage, and does what is due once a day.
func (c *check) Look(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, false)
}

// LookThoroughly does all of it.
func (c *check) LookThoroughly(ctx context.Context, past checks.Past) (checks.Observation, error) {
	return c.look(ctx, past, true)
}

func (c *check) look(ctx context.Context, past checks.Past, all bool) (checks.Observation, error) {
	if err := ctx.Err(); err != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: err}
	}
	v := &visit{check: c, past: past, now: c.now(), memory: recall(past)}
	v.place = c.where(v.site.Find(ctx))
	day := all || v.now.Sub(v.memory.Day) >= dayLength || v.now.Before(v.memory.Day)
	v.rows(ctx, all)
	switch {
	case v.place.kind == elsewhereKind:
		v.unseen(v.place.why, outsideCodes...)
	case c.site.Offline && !v.place.own:
		v.unseen(textOffline(), outsideCodes...)
	case v.place.public != nil:
		v.outside(ctx, day)
		if _, once := past.(checks.NoPast); !once { // nobody would go on with what is begun
			v.compare(ctx)
		}
	}
	v.judgeStock()
	if ctx.Err() != nil {
		return checks.Observation{}, &checks.Unseen{Why: textNoTime(), Err: ctx.Err()}
	}
	if day {
		v.memory.Day = v.now
	}
	v.Summary = v.summary()
	raw, err := json.Marshal(v.memory)
	if err != nil {
		return checks.Observation{}, err
	}
	v.Remember = map[string][]byte{memoryKey: raw}
	return v.Observation, nil
}

// outsideCodes are what is found out by asking for files.
var outsideCodes = []string{codePut, codeGet, codeDelete, codeKey, codePrefix, codeSlow, codeListing, codeHeaders, codeCached}

// unseen says why some things could not be seen.
func (v *visit) unseen(why checks.Text, codes ...string) { v.blind(why, checks.Advice{}, codes...) }

func (v *visit) blind(why checks.Text, mend checks.Advice, codes ...string) {
	for _, code := range codes {
		v.Blind = append(v.Blind, checks.Blind{Code: code, Why: why, Mend: mend})
	}
}

func (v *visit) measure(name string, d time.Duration) {
	v.Measures = append(v.Measures, checks.Measure{Name: name, Value: d.Seconds(), Unit: checks.Seconds})
}

// dayLength is how far apart the daily levels are, wherever the ticks fall.
const dayLength = 24*time.Hour - 10*time.Minute

// memory is what one look tells the next.
type memory struct {
	// Day is when strangers' listings were looked at last.
	Day time.Time `json:"day,omitzero"`
	// Left is a test file that could not be deleted.
	Left string `json:"left,omitempty"`
	// Plain tells that the storage takes no access lists with a file.
	Plain bool `json:"plain,omitempty"`
	// Worked tells that the key has been accepted before.
	Worked bool `json:"worked,omitempty"`
	// Stood tells that the bot's own folder on this machine has been there.
	Stood bool `json:"stood,omitempty"`
	// Open are the hosts that list to strangers.
	Open []string `json:"open,omitempty"`
	// Kept is what the look at the retention found.
	Kept kept `json:"kept,omitzero"`
	// Walk is the one through the bucket that is under way, Stock what the last
	// whole one came to, and Closed when the bot's key was not let to list.
	Walk   walk      `json:"walk,omitzero"`
	Stock  walk      `json:"stock,omitzero"`
	Closed time.Time `json:"closed,omitzero"`
}

const memoryKey = "media"

func recall(past checks.Past) memory {
	var m memory
	if raw, ok := past.Load(memoryKey); ok && json.Unmarshal(raw, &m) != nil {
		return memory{} // what cannot be read is as if nothing had been remembered
	}
	return m
}
