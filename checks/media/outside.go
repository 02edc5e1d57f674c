package media

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/api"
	"github.com/sababan/sababan/checks/hang"
)

// wireTo is the way to the address that files are shown by: the site's own name
// may be asked at an address that is set.
func (v *visit) wireTo() *api.Transport {
	if v.place.own {
		return v.own
	}
	return v.wire
}

// outside asks for files as anybody can, and makes the trip where there is a
// key.
func (v *visit) outside(ctx context.Context, day bool) {
	var both sync.WaitGroup
	switch {
	case v.place.kind == bucketKind && v.config.AccessKey != "":
		both.Go(func() { v.trip = v.try(ctx) })
	case v.place.kind == localKind:
		both.Go(func() { v.trip = v.tryHere(ctx) })
	}
	var lists []listing
	both.Go(func() {
		v.file = v.show(ctx)
		if day || len(v.memory.Open) > 0 {
			lists = v.listings(ctx)
		}
	})
	both.Wait()
	v.judgeTrip()
	v.judgeAgain()
	v.judgeHeaders()
	v.judgeListings(lists)
}

// show asks for files that should be shown, until one is: the newest may have
// been deleted a moment ago.
func (v *visit) show(ctx context.Context) step {
	if len(v.files) == 0 && v.place.kind == localKind {
		if p := v.newestFile(ctx); p != "" {
			v.files = []string{p}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	var s step
	for _, f := range v.files {
		s = get(ctx, v.wireTo(), at(v.place.public, f))
		if s.state == well && s.looksLikePage() {
			s.state, s.why = ill, otherThing
		}
		if s.state == well || s.why != notThere && s.why != denied {
			break
		}
	}
	return s
}

// folderLimit bounds what is read of one folder (own: Mastodon's have a thousand
// at most).
const folderLimit = 2000

// newestFile finds a file in Mastodon's folder: names are numbers that grow.
func (v *visit) newestFile(ctx context.Context) string {
	if v.place.folder == "" {
		return ""
	}
	root := path.Join("/", v.site.Root, v.place.folder)
	found, err := hang.Ask(ctx, &v.calls, root, 2*time.Second, func() (string, error) {
		below := "media_attachments/files"
		for range 8 {
			f, err := checks.OpenFolder(path.Join(root, below))
			if err != nil {
				return "", err
			}
			names, err := f.Readdirnames(folderLimit)
			_ = f.Close() // it was only read
			if len(names) == 0 {
				return "", err
			}
			next := slices.Max(names)
			if slices.Contains(names, "original") {
				next = "original"
			}
			below = path.Join(below, next)
			if info, err := os.Stat(path.Join(root, below)); err != nil || info.Mode().IsRegular() {
				if err != nil || !fileName.MatchString(next) {
					return "", err
				}
				return below, nil
			}
		}
		return "", nil
	})
	if err != nil {
		return ""
	}
	return found
}

// A listing is one address that should not show what lies below it.
type listing struct {
	host string
	step
	open bool
}

// listings asks as a stranger for a list of all files.
func (v *visit) listings(ctx context.Context) []listing {
	ctx, cancel := context.WithTimeout(ctx, 2*stepTime)
	defer cancel()
	var asked []*url.URL
	if p := v.place; p.kind == localKind {
		asked = append(asked, at(p.public, "media_attachments/files/"))
	} else {
		asked = append(asked, at(p.public, ""))
		if p.endpoint != nil && p.endpoint.Host != "" && p.bucket != "" {
			direct := at(p.endpoint, p.bucket)
			direct.RawQuery = url.Values{"list-type": {"2"}, "max-keys": {"1"}}.Encode()
			asked = append(asked, direct)
		}
	}
	var list []listing
	for i, u := range asked {
		wire := v.wire
		if i == 0 {
			wire = v.wireTo()
		}
		if slices.ContainsFunc(list, func(l listing) bool { return l.host == u.Host && l.open }) {
			continue
		}
		req, err := http.NewRequest(http.MethodGet, u.String(), nil)
		if err != nil {
			continue
		}
		s := do(ctx, wire, req)
		list = append(list, listing{u.Host, s, s.state == well && lists(s.body)})
	}
	return list
}

// lists tells whether an answer is a list of files: that of a bucket, or that of
// a web server.
func lists(body []byte) bool {
	low := strings.ToLower(string(body[:min(len(body), 8<<10)]))
	return bytes.Contains(body, []byte("<ListBucketResult")) || strings.Contains(low, "<title>index of ") || strings.Contains(low, "directory listing")
}
