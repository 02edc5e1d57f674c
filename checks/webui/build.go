package webui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sababan/sababan/checks"
)

// A build is what assets:precompile has left on this machine's disk.
type build struct {
	state built
	// vite: the build is of Mastodon 4.4 or later.
	vite bool
	// manifest is the path of the list of its files; err why it cannot be read.
	manifest string
	err      error
	// denied is the folder or file that may not be looked into; "" where that is
	// not the reason.
	denied string
	// files are the paths below public/packs that are named; those that are
	// begun with have true.
	files map[string]bool
	gone  []string // named and not there, those that are begun with first
	at    time.Time
}

// built is how a build is.
type built int

const (
	noBuild  built = iota // Mastodon's code does not lie on this machine
	unread                // it could not be looked at
	noList                // there is no manifest
	badList               // it is empty, or cut off
	lacking               // files that it names are not there
	complete              // it is as it should be
)

// Bounds of a build (own; a manifest has some 500 kB and 2,000 files).
const (
	manifestLimit = 16 << 20
	fileLimit     = 20_000
)

const packs = "public/packs"

// Mastodon up to 4.3 builds with webpacker, later ones with Vite; the second
// list of Vite's need not be there.
const (
	webpackerList = "manifest.json"
	viteList      = ".vite/manifest.json"
	viteAssets    = ".vite/manifest-assets.json"
)

var errEmptyList = errors.New("it names no file")

// usesVite tells how the code in a folder is built: by its own configuration,
// since the list of an earlier version may have been left behind.
func usesVite(live string) bool {
	for _, name := range []string{"vite.config.mts", "vite.config.ts", "config/vite.json"} {
		if _, err := os.Stat(filepath.Join(live, name)); err == nil {
			return true
		}
	}
	if _, err := os.Stat(filepath.Join(live, "config/webpacker.yml")); err == nil {
		return false
	}
	_, err := os.Stat(filepath.Join(live, packs, viteList))
	return err == nil
}

// stampOf tells one build from the next without reading it; "" where there is
// none to be seen.
func stampOf(root, live string) string {
	if live == "" {
		return ""
	}
	stamp := ""
	for _, name := range []string{webpackerList, viteList} {
		if info, err := os.Stat(filepath.Join("/", root, live, packs, name)); err == nil {
			stamp += fmt.Sprintf("%s %d %d;", name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return stamp
}

// readBuild reads the list of the build's files and looks whether they are
// there. Live is the folder of the code below root, "" where it is not on this
// machine.
func readBuild(ctx context.Context, root, live string) build {
	if live == "" {
		return build{}
	}
	folder := filepath.Join("/", root, live)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return build{}
	}
	b := build{vite: usesVite(folder), files: map[string]bool{}}
	lists := []string{webpackerList}
	if b.vite {
		lists = []string{viteList, viteAssets}
	}
	b.manifest = path.Join(live, packs, lists[0])
	for i, name := range lists {
		list, at, err := readList(filepath.Join(folder, packs, name))
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = b.name(list)
		}
		if err != nil {
			b.manifest = path.Join(live, packs, name)
			return b.failed(err, root, live)
		}
		if len(b.files) == 0 {
			return b.failed(errEmptyList, root, live)
		}
		if at.After(b.at) {
			b.at = at
		}
	}
	return b.lookFor(ctx, filepath.Join(folder, packs), root, live)
}

func readList(p string) (list map[string]any, at time.Time, err error) {
	f, err := checks.OpenFile(p)
	if err != nil {
		return nil, at, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, at, err
	}
	text, err := io.ReadAll(io.LimitReader(f, manifestLimit+1))
	if err != nil {
		return nil, at, err
	}
	if len(text) > manifestLimit {
		return nil, at, errors.New("it is larger than such a list ever is")
	}
	if len(text) == 0 {
		return nil, at, errEmptyList
	}
	return list, info.ModTime(), json.Unmarshal(text, &list)
}

// failed makes of an error what it says of the build.
func (b build) failed(err error, root, live string) build {
	b.err = err
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		b.state = noList
	case errors.As(err, &syntax), errors.As(err, &shape), errors.Is(err, errEmptyList):
		b.state = badList
	default:
		b.state = unread
		if errors.Is(err, fs.ErrPermission) {
			b.denied = closedAt(root, b.manifest)
		}
	}
	return b
}

// closedAt is the first part of a path that this user may not look into: the
// parent of the first that cannot be asked for, or the file itself.
func closedAt(root, p string) string {
	last := "/"
	for part := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		next := path.Join(last, part)
		if _, err := os.Stat(filepath.Join("/", root, next)); errors.Is(err, fs.ErrPermission) {
			return last
		}
		last = next
	}
	return p
}

// name takes the files out of a list.
func (b *build) name(list map[string]any) error {
	for key, value := range list {
		if len(b.files) > fileLimit {
			return errors.New("it names more files than a build ever has")
		}
		entry, isEntry := value.(map[string]any)
		switch {
		case b.vite && !isEntry:
			continue
		case b.vite:
			starts, _ := entry["isEntry"].(bool)
			file, _ := entry["file"].(string)
			b.add(file, starts)
			for _, many := range []string{"css", "assets"} {
				some, _ := entry[many].([]any)
				for _, one := range some {
					file, _ := one.(string)
					b.add(file, false)
				}
			}
		case key == "entrypoints":
			b.webpacked(value, true, 0)
		default:
			b.webpacked(value, false, 0)
		}
	}
	return nil
}

// webpacked takes the addresses out of a value of webpacker's list: a text, or
// one inside of objects and arrays. A CDN stands before some.
func (b *build) webpacked(value any, starts bool, depth int) {
	const deep = 8
	switch v := value.(type) {
	case string:
		if _, below, ok := strings.Cut(v, "/packs/"); ok {
			b.add(below, starts)
		}
	case []any:
		for _, one := range v {
			if depth < deep {
				b.webpacked(one, starts, depth+1)
			}
		}
	case map[string]any:
		for _, one := range v {
			if depth < deep {
				b.webpacked(one, starts, depth+1)
			}
		}
	}
}

// add notes a file; maps of the sources are for developers and may be deleted.
func (b *build) add(file string, starts bool) {
	file = before(file, "?")
	if file == "" || path.Clean("/"+file) != "/"+file || strings.HasSuffix(file, ".map") || strings.ContainsRune(file, 0) {
		return
	}
	b.files[file] = b.files[file] || starts && strings.HasSuffix(file, ".js")
}

// lookFor looks for the files that are named.
func (b build) lookFor(ctx context.Context, folder, root, live string) build {
	b.state = complete
	for file := range b.files {
		if err := ctx.Err(); err != nil {
			b.state, b.err = unread, err
			return b
		}
		info, err := os.Stat(filepath.Join(folder, filepath.FromSlash(file)))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR),
			err == nil && info.Size() == 0 && strings.HasSuffix(file, ".js"):
			b.gone = append(b.gone, file)
		case errors.Is(err, fs.ErrPermission):
			b.state, b.err, b.denied = unread, err, closedAt(root, path.Join(live, packs, file))
			return b
		case err != nil:
			b.state, b.err = unread, err
			return b
		}
	}
	if len(b.gone) > 0 {
		b.state = lacking
		slices.Sort(b.gone)
		slices.SortStableFunc(b.gone, func(x, y string) int {
			switch {
			case b.files[x] && !b.files[y]:
				return -1
			case b.files[y] && !b.files[x]:
				return 1
			}
			return 0
		})
	}
	return b
}
