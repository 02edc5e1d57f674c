package site

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sababan/sababan/checks"
)

// settingNames are what is taken from .env.production and site.env, and
// nothing else is: names, hosts and ports.
var settingNames = []string{
	"LOCAL_DOMAIN", "WEB_DOMAIN",
	"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DATABASE_URL",
	"REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_DB", "REDIS_NAMESPACE", "REDIS_SENTINELS", "REDIS_SENTINEL_MASTER",
	"SIDEKIQ_REDIS_URL", "SIDEKIQ_REDIS_HOST", "SIDEKIQ_REDIS_PORT", "SIDEKIQ_REDIS_DB", "SIDEKIQ_REDIS_SENTINELS", "SIDEKIQ_REDIS_SENTINEL_MASTER",
	"SMTP_SERVER", "SMTP_PORT", "SMTP_FROM_ADDRESS", "SMTP_DELIVERY_METHOD",
	"S3_ENABLED", "S3_BUCKET", "S3_HOSTNAME", "S3_ALIAS_HOST", "S3_REGION", "S3_ENDPOINT", "S3_PROTOCOL", "S3_CLOUDFRONT_HOST", "S3_KEY_PREFIX",
	"PAPERCLIP_ROOT_URL", "SWIFT_ENABLED", "AZURE_ENABLED", "CACHE_BUSTER_ENABLED",
	"ES_ENABLED", "ES_HOST", "ES_PORT",
	"STREAMING_API_BASE_URL", "STREAMING_CLUSTER_NUM",
	"CDN_HOST", "PAPERCLIP_ROOT_PATH", "UPDATE_CHECK_URL", "LIMITED_FEDERATION_MODE", "DISALLOW_UNAUTHENTICATED_API_ACCESS",
}

// siteEnv is what may be read instead of .env.production: a copy of those
// names, without a secret.
const siteEnv = "/etc/sababan/site.env"

const (
	envLimit  = 1 << 20  // bytes of a settings file (own)
	lineLimit = 16 << 10 // bytes of a line that is looked at (own)
	// valueLimit is how long a name, host or address may be (own: a domain name
	// has 253).
	valueLimit = 512
)

// settings reads what the installation is told about itself.
func (w *search) settings() {
	var from []checks.Text
	take := func(p string) {
		f, err := w.open(p)
		if err != nil {
			w.hide(p, err)
			return
		}
		defer func() { _ = f.Close() }()
		got, err := readEnv(io.LimitReader(f, envLimit))
		w.hide(p, err)
		added := false
		for name, value := range got {
			if _, ok := w.found.Settings[name]; !ok {
				if w.found.Settings == nil {
					w.found.Settings = map[string]string{}
				}
				w.found.Settings[name], added = value, true
			}
		}
		if added {
			from = append(from, byFile(p))
		}
	}
	if w.peek {
		for _, folder := range []string{w.found.Compose, w.found.Live} {
			if folder != "" {
				take(path.Join(folder, ".env.production"))
			}
		}
	}
	if !w.set.Anew {
		take(siteEnv)
	}
	if len(from) > 0 {
		w.found.Origins["Settings"] = checks.Join(checks.Text{En: ", ", Ja: "、"}, from...)
	}
}

// readEnv takes the listed names out of a file of NAME=value lines. Each line,
// secret or not, is in memory until the next takes its place, and the last is
// wiped.
func readEnv(r io.Reader) (map[string]string, error) {
	buf := make([]byte, lineLimit)
	defer clear(buf)
	lines := bufio.NewScanner(r)
	lines.Buffer(buf, len(buf))
	lines.Split(splitLines(len(buf)))
	got := map[string]string{}
	open := byte(0) // the quote that an earlier line has left open
	for first := true; lines.Scan(); first = false {
		line := lines.Bytes()
		if first {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if open != 0 {
			// What looks like a setting ends a quote that was never closed.
			if !looksSet(line) {
				if bytes.IndexByte(line, open) >= 0 {
					open = 0
				}
				continue
			}
			open = 0
		}
		name, value, ok := cutSetting(line)
		if !ok {
			continue
		}
		listed := slices.Index(settingNames, string(name))
		if listed < 0 {
			open = leftOpen(value)
			continue
		}
		key := settingNames[listed]
		v, ok := unquote(value, got)
		if ok && strings.HasSuffix(key, "_URL") {
			v = withoutSecrets(v)
		}
		if ok && speakable(v) {
			got[key] = v
		} else {
			delete(got, key)
			open = leftOpen(value)
		}
	}
	// An empty address of the update service switches it off, and is no absence.
	maps.DeleteFunc(got, func(name, v string) bool { return v == "" && name != "UPDATE_CHECK_URL" })
	return got, lines.Err()
}

// splitLines gives lines, and of one that is too long nothing.
func splitLines(room int) bufio.SplitFunc {
	skipping := false
	return func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line := data[:i]
			if skipping {
				line, skipping = data[:0], false
			}
			return i + 1, line, nil
		}
		switch {
		case len(data) == 0 && atEOF:
			return 0, nil, nil
		case len(data) >= room-1:
			skipping = true
			return len(data), data[:0], nil
		case atEOF && skipping:
			return len(data), data[:0], nil
		case atEOF:
			return len(data), data, nil
		}
		return 0, nil, nil
	}
}

var (
	setting   = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*=|:\s)\s*`)
	upperName = regexp.MustCompile(`^\s*(?:export\s+)?[A-Z][A-Z0-9_]*=`)
	reference = regexp.MustCompile(`^\$(?:\{([A-Z0-9_]+)\}|([A-Z0-9_]+))$`)
)

func looksSet(line []byte) bool { return upperName.Match(line) }

// cutSetting parts NAME=value; false for anything else, comments among it.
func cutSetting(line []byte) (name, value []byte, ok bool) {
	m := setting.FindSubmatchIndex(line)
	if m == nil {
		return nil, nil, false
	}
	return line[m[2]:m[3]], bytes.TrimRight(line[m[1]:], " \t\r"), true
}

// leftOpen is the quote that begins a value and does not end in its line.
func leftOpen(value []byte) byte {
	if len(value) == 0 || value[0] != '"' && value[0] != '\'' {
		return 0
	}
	if closing(value) < 0 {
		return value[0]
	}
	return 0
}

// closing is where the quote that begins a value ends, or -1.
func closing(value []byte) int {
	for i := 1; i < len(value); i++ {
		switch {
		case value[i] == '\\' && value[0] == '"':
			i++
		case value[i] == value[0]:
			return i
		}
	}
	return -1
}

// unquote reads a value as Mastodon's own reader does; false where it would
// take more than this file, or one line of it, to know it.
func unquote(value []byte, known map[string]string) (string, bool) {
	if len(value) == 0 {
		return "", true
	}
	text := ""
	switch value[0] {
	case '\'', '"':
		end := closing(value)
		if end < 0 {
			return "", false
		}
		if rest := bytes.TrimSpace(value[end+1:]); len(rest) > 0 && rest[0] != '#' {
			return "", false
		}
		text = string(value[1:end])
		if value[0] == '\'' {
			return text, true
		}
	default:
		if value[0] == '#' {
			return "", true
		}
		if i := bytes.IndexAny(value, " \t"); i >= 0 && bytes.HasPrefix(bytes.TrimLeft(value[i:], " \t"), []byte("#")) {
			value = value[:i]
		}
		text = string(value)
	}
	if m := reference.FindStringSubmatch(text); m != nil {
		v, ok := known[m[1]+m[2]]
		return v, ok
	}
	if strings.ContainsAny(text, "$`") {
		return "", false
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text), true
}

// withoutSecrets takes user, password and everything behind "?" out of an
// address: what is left tells where it leads. "" for what is no address.
func withoutSecrets(v string) string {
	u, err := url.Parse(v)
	if err != nil || v == "" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// speakable tells whether a value may be a name, a host or an address: short,
// printable, and without a password inside a URL.
func speakable(v string) bool {
	if len(v) > valueLimit || !utf8.ValidString(v) || v != "" && checks.Sh(v).String() == "" {
		return false
	}
	return !strings.Contains(v, "://") || !strings.Contains(v, "@")
}

// peekSettings reads a few names out of a settings file, secrets too: for the
// moment of use, and never kept.
func peekSettings(r io.Reader, names ...string) map[string]string {
	buf := make([]byte, lineLimit)
	defer clear(buf)
	lines := bufio.NewScanner(io.LimitReader(r, envLimit))
	lines.Buffer(buf, len(buf))
	lines.Split(splitLines(len(buf)))
	got := map[string]string{}
	for lines.Scan() {
		name, value, ok := cutSetting(lines.Bytes())
		if !ok || !slices.Contains(names, string(name)) {
			continue
		}
		if v, ok := unquote(value, got); ok {
			got[string(name)] = v
		}
	}
	return got
}
