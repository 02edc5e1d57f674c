package webui

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/sababan/sababan/checks"
)

// place is what lies on this machine's disk where a file should be.
type place string

const (
	notKnown   place = ""
	onDisk     place = "there"  // and, where a digest is promised, the right file
	shut       place = "shut"   // there, but other users may not pass to it
	spoilt     place = "spoilt" // there, with another digest
	offDisk    place = "gone"   // named by the build, or there is no build
	otherBuild place = "other"  // the build on disk is whole and has other files
)

// onDisk finds out, for each file of the site's own that is wrong, what lies on
// disk in its place.
func (l *looked) onDisk(root string) {
	if l.build.state == noBuild || l.build.state == unread {
		return
	}
	wrong := map[string]asset{}
	for _, a := range l.views.fresh.page.assets {
		wrong[a.URL] = a
		if _, bad := l.after.Ill[a.URL]; !bad && a.built() && !there(root, l.found.Live, a) {
			// What is served comes from somewhere else than this disk.
			l.otherDisk = true
			return
		}
	}
	for url, f := range l.after.Ill {
		a, ok := wrong[url]
		if !ok || a.below() == "" {
			continue
		}
		f.Disk = placeOf(root, l.found.Live, a, l.build)
		if f.Disk == shut && l.shut == "" {
			l.shut = shutAt(root, path.Join(l.found.Live, packs, a.below()))
		}
		l.after.Ill[url] = f
	}
}

func there(root, live string, a asset) bool {
	_, err := os.Stat(filepath.Join("/", root, live, packs, filepath.FromSlash(a.below())))
	return err == nil
}

func placeOf(root, live string, a asset, b build) place {
	p := path.Join(live, packs, a.below())
	sum, err := digestOf(filepath.Join("/", root, p), a.Integrity)
	switch {
	case err == nil && !sum:
		return spoilt
	case err == nil && shutAt(root, p) != "":
		return shut
	case err == nil:
		return onDisk
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return notKnown
	case b.state == complete:
		if _, named := b.files[a.below()]; !named {
			return otherBuild
		}
	}
	return offDisk
}

// shutAt is the first folder on the way to a path that is closed to other
// users, or the path itself; "" where there is none.
func shutAt(root, p string) string {
	at := "/"
	if info, err := os.Stat(filepath.Join("/", root, p)); err == nil && info.Mode().Perm()&0o004 == 0 {
		at = p
	}
	for dir := path.Dir(p); dir != "/" && dir != "."; dir = path.Dir(dir) {
		info, err := os.Stat(filepath.Join("/", root, dir))
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			at = dir
		}
	}
	if at == "/" {
		return ""
	}
	return at
}

// digestOf tells whether a file has one of the digests that are promised, or is
// there where none is.
func digestOf(p, integrity string) (bool, error) {
	f, err := checks.OpenFile(p)
	if err != nil {
		if info, statErr := os.Stat(p); statErr == nil && info.Mode().IsRegular() {
			return true, nil // it is there; what is in it is not for this user
		}
		return false, err
	}
	defer func() { _ = f.Close() }()
	d, ok := promised(integrity)
	if !ok {
		return true, nil
	}
	h := d.make()
	if _, err := io.Copy(h, io.LimitReader(f, assetUnpacked)); err != nil {
		return false, err
	}
	return d.keeps(h.Sum(nil)), nil
}
