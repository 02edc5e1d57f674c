package media

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// placeKind is where media lie.
type placeKind int

const (
	unknownKind   placeKind = iota
	bucketKind              // in a bucket
	localKind               // on a disk of Mastodon's machine
	elsewhereKind           // somewhere that cannot be looked at
)

// A place is where media lie, and the name by which they are shown.
type place struct {
	kind placeKind
	// endpoint and bucket are nil and "" where they are not known.
	endpoint       *url.URL
	region, bucket string
	// prefix stands before every file of Mastodon's in the bucket.
	prefix string
	// public is the address that files are shown below; it ends in no slash.
	public *url.URL
	// own tells that it is the site's own name.
	own bool
	// folder is where they lie on this machine; "" where that is not known.
	folder string
	// live is the folder of Mastodon's code on this machine, or "".
	live string
	// busts tells that Mastodon tells the cache what it deletes.
	busts bool
	why   checks.Text // of elsewhereKind
}

// where reads Mastodon's settings as Mastodon does.
func (c *check) where(found site.Found) place {
	settings := found.Settings
	bucket := cmp.Or(c.config.Bucket, settings["S3_BUCKET"])
	switch {
	case settings["SWIFT_ENABLED"] == "true", settings["AZURE_ENABLED"] == "true":
		if c.config.Public == "" {
			return place{kind: elsewhereKind, why: textOtherStorage()}
		}
		p := place{kind: bucketKind}
		p.public, _ = url.Parse(c.config.Public)
		return p
	case settings["S3_ENABLED"] == "true", c.config.Endpoint != "", c.config.Bucket != "":
		return c.bucket(settings, bucket)
	case len(settings) == 0 && c.config.Public == "":
		return place{kind: elsewhereKind, why: textNoSettings()} // a bucket, for all that is known
	}
	p := place{kind: localKind, folder: settings["PAPERCLIP_ROOT_PATH"], live: found.Live, busts: settings["CACHE_BUSTER_ENABLED"] == "true"}
	if p.folder == "" && found.Live != "" {
		p.folder = path.Join(found.Live, "public/system")
	}
	shown := cmp.Or(settings["PAPERCLIP_ROOT_URL"], "/system")
	switch {
	case c.config.Public != "":
		p.public, _ = url.Parse(c.config.Public)
	case strings.Contains(shown, "://"):
		p.public, _ = url.Parse(shown)
	case settings["CDN_HOST"] != "":
		p.public = address(settings["CDN_HOST"], "https")
		p.public.Path = shown
	case c.site.Domain != "":
		p.public = &url.URL{Scheme: "https", Host: c.site.Domain, Path: shown}
	}
	p.own = p.public != nil && strings.EqualFold(p.public.Host, c.site.Domain)
	return p
}

// bucket is where a bucket is: its name is part of the path, which every kind of
// storage understands.
func (c *check) bucket(settings map[string]string, bucket string) place {
	p := place{
		kind: bucketKind, bucket: bucket, prefix: strings.Trim(settings["S3_KEY_PREFIX"], "/"),
		region: cmp.Or(c.config.Region, settings["S3_REGION"], "us-east-1"),
	}
	protocol := cmp.Or(settings["S3_PROTOCOL"], "https")
	host := settings["S3_HOSTNAME"]
	switch written := cmp.Or(c.config.Endpoint, settings["S3_ENDPOINT"]); {
	case written != "":
		p.endpoint = address(written, protocol)
	case host != "":
		p.endpoint = address(host, protocol)
	default:
		p.endpoint = address("s3."+p.region+".amazonaws.com", protocol)
	}
	switch alias := cmp.Or(settings["S3_ALIAS_HOST"], settings["S3_CLOUDFRONT_HOST"]); {
	case c.config.Public != "":
		p.public, _ = url.Parse(c.config.Public)
	case alias != "":
		p.public = address(alias, protocol)
	case host != "" || p.endpoint != nil:
		p.public = address(cmp.Or(host, p.endpoint.Host), protocol)
		p.public.Path = "/" + bucket
	}
	p.own = p.public != nil && strings.EqualFold(p.public.Host, c.site.Domain)
	return p
}

// address reads a host or an address; nil for what is none.
func address(written, protocol string) *url.URL {
	if !strings.Contains(written, "://") {
		written = protocol + "://" + written
	}
	u, err := url.Parse(strings.TrimRight(written, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return &url.URL{Scheme: protocol}
	}
	u.RawQuery, u.Fragment = "", ""
	return u
}

// at is an address below another.
func at(base *url.URL, key string) *url.URL {
	u := *base
	u.Path = strings.TrimRight(u.Path, "/") + "/" + key
	u.RawPath = ""
	return &u
}

var (
	bucketName = form{regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]+$`), 255}
	keyID      = form{regexp.MustCompile(`^[A-Za-z0-9._:/+=-]+$`), 256}
	regionName = form{regexp.MustCompile(`^[A-Za-z0-9-]+$`), 64}
)

// A form is what a word is made of, and how many bytes it has at most. That is
// not said in the expression: a repetition that is counted is compiled as often
// as it counts, and the five here took 17 ms of each start, and 0.8 MB.
type form struct {
	made *regexp.Regexp
	most int
}

// MatchString tells whether a word is of that form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.made.MatchString(s) }

func (c Config) valid() error {
	var errs []error
	for _, one := range []struct{ setting, written string }{{"endpoint", c.Endpoint}, {"public", c.Public}} {
		if one.written == "" {
			continue
		}
		u, err := url.Parse(one.written)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
			errs = append(errs, fmt.Errorf("%s: %q is not an address such as %q", one.setting, checks.Quote(one.written), "https://files.example"))
		}
	}
	if c.Bucket != "" && !bucketName.MatchString(c.Bucket) {
		errs = append(errs, fmt.Errorf("bucket: %q is not the name of a bucket", checks.Quote(c.Bucket)))
	}
	if c.Region != "" && !regionName.MatchString(c.Region) {
		errs = append(errs, fmt.Errorf("region: %q is not a region such as %q", checks.Quote(c.Region), "us-east-1"))
	}
	if c.AccessKey != "" && !keyID.MatchString(c.AccessKey) {
		errs = append(errs, errors.New("access_key: it has a character in it that no key has"))
	}
	switch {
	case c.AccessKey != "" && c.SecretKeyFile == "":
		errs = append(errs, errors.New("access_key: secret_key_file belongs to it"))
	case c.SecretKeyFile != "" && c.AccessKey == "":
		errs = append(errs, errors.New("secret_key_file: access_key belongs to it"))
	case c.SecretKeyFile != "" && !path.IsAbs(c.SecretKeyFile):
		errs = append(errs, fmt.Errorf("secret_key_file: %q is not a whole path such as %q", checks.Quote(c.SecretKeyFile), "/etc/sababan/s3-secret"))
	}
	return errors.Join(errs...)
}
