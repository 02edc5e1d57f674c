package site

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sababan/sababan/checks"
)

// Bounds of the search (own): far more than honest machines have.
const (
	fileLimit    = 256 << 10 // bytes of one file that is read whole
	nameLimit    = 1000      // entries of one folder
	hiddenLimit  = 20        // places told as hidden
	pathLimit    = 1024      // bytes of a path
	homesLimit   = 50        // folders below /home
	clusterLimit = 20        // database clusters
)

// A search is one walk over the places where an installation leaves its marks.
type search struct {
	root, proc string
	peek       bool
	set        Config
	domain     string
	found      Found
}

// search begins one, with what was set.
func (s *Site) search() *search {
	w := &search{root: s.Root, proc: s.Proc, peek: s.set.Peek, set: s.set, domain: s.set.Domain}
	w.found.Origins = map[string]checks.Text{}
	for _, one := range []struct {
		into                 *string
		field, setting, text string
	}{
		{&w.found.Live, "Live", "live", s.set.Live},
		{&w.found.Compose, "Compose", "compose", s.set.Compose},
		{&w.found.WebServer, "WebServer", "web_server", s.set.WebServer},
	} {
		if one.text != "" {
			*one.into, w.found.Origins[one.field] = one.text, bySetting(one.setting)
		}
	}
	if len(s.set.PostgresData) > 0 {
		w.found.PostgresData, w.found.Origins["PostgresData"] = slices.Clone(s.set.PostgresData), bySetting("postgres_data")
	}
	if s.set.RedisData != "" {
		w.found.RedisData, w.found.Origins["RedisData"] = []string{s.set.RedisData}, bySetting("redis_data")
	}
	if s.set.Domain != "" {
		w.found.Origins["Domain"] = bySetting("domain")
	}
	return w
}

// all looks everywhere.
func (w *search) all() {
	units := w.mastodonUnits()
	w.installation(units)
	w.owner(units)
	w.settings()
	running := w.processes()
	w.postgres(running)
	w.redis()
	w.web(running)
	w.streaming(units)
	if _, by := w.found.domain(); w.set.Domain == "" && !by.Empty() {
		w.found.Origins["Domain"] = by
	}
}

// at is a path of the machine as this process reaches it.
func (w *search) at(p string) string { return filepath.Join("/", w.root, p) }

// hide notes a place that could not be read. What is not there hides nothing.
func (w *search) hide(p string, err error) {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || len(w.found.Hidden) >= hiddenLimit ||
		slices.ContainsFunc(w.found.Hidden, func(h Hidden) bool { return h.Path == p }) {
		return
	}
	h := Hidden{Path: p, Err: err}
	if errors.Is(err, fs.ErrPermission) && w.peek {
		h.Mend = checks.Sh("sudo", "sababan", "check")
	}
	w.found.Hidden = append(w.found.Hidden, h)
}

// errTooLarge says of a place that it is not what it should be.
var errTooLarge = errors.New("it is larger than such a file ever is")

// open opens an ordinary file, and never waits for somebody at the other end.
func (w *search) open(p string) (*os.File, error) {
	f, err := checks.OpenFile(w.at(p))
	if errors.Is(err, checks.ErrNoFile) {
		err = checks.ErrNoFile // the path is told with it
	}
	return f, err
}

// text is a whole file; "" where it is not there or could not be read, which
// is noted.
func (w *search) text(p string) string {
	f, err := w.open(p)
	if err != nil {
		w.hide(p, err)
		return ""
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err == nil && len(b) > fileLimit {
		err = errTooLarge
	}
	if err != nil {
		w.hide(p, err)
		return ""
	}
	return string(b)
}

// names lists a folder, sorted.
func (w *search) names(p string) []string {
	d, err := checks.OpenFolder(w.at(p))
	if err != nil {
		w.hide(p, err)
		return nil
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(nameLimit)
	if err != nil && !errors.Is(err, io.EOF) {
		w.hide(p, err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !plainPath(n) })
	slices.Sort(names)
	return names
}

// below are the entries of a folder that match a shell pattern, as paths.
func (w *search) below(folder, pattern string) []string {
	var all []string
	for _, n := range w.names(folder) {
		if ok, err := path.Match(pattern, n); err == nil && ok {
			all = append(all, path.Join(folder, n))
		}
	}
	return all
}

// presence says whether something is at a place.
type presence int

const (
	absent presence = iota
	present
	unknown // it may not be looked at
)

// folder tells whether a folder is at a path.
func (w *search) folder(p string) presence {
	info, err := os.Stat(w.at(p))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unknown
	case err != nil || !info.IsDir():
		return absent
	}
	return present
}

// file tells whether anything is at a path, or a link with that name.
func (w *search) file(p string) presence {
	_, err := os.Lstat(w.at(p))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unknown
	case err != nil:
		return absent
	}
	return present
}

// wholePath cleans a path that somebody wrote; "" if it is no whole one.
func wholePath(p string) string {
	if !strings.HasPrefix(p, "/") || !plainPath(p) {
		return ""
	}
	return path.Clean(p)
}

// plainPath tells whether a path can be said and typed: not longer than any,
// and without a character that no line can carry.
func plainPath(p string) bool {
	return p != "" && len(p) <= pathLimit && checks.Sh(p).String() != ""
}
