package backups

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// What should be in some backup besides the database: the settings, and the
// media where they lie on this machine.
const (
	envFile = ".env.production"
	// mediaFolder is where Mastodon keeps media without object storage, and
	// attachedFolder the part of it that no server but this one has.
	mediaFolder, attachedFolder = "public/system", "media_attachments"
)

// home is the folder that both are in; "" where no Mastodon was found.
func home(f site.Found) string { return cmp.Or(f.Live, f.Compose) }

// judgeEnv tells where .env.production is in no backup.
func (r *round) judgeEnv() {
	live := home(r.installed)
	if live == "" || r.c.config.EnvKept {
		return
	}
	lacking := 0
	for i := range r.seen {
		s := &r.seen[i]
		switch envIn(s, live) {
		case holdsIt:
			return
		case lacksIt:
			lacking++
		}
		if s.Status.Tool == "borg" && !s.Status.PathsKnown {
			r.out.Blind = append(r.out.Blind, checks.Blind{Code: codeNoEnv, Why: blindPaths(*s), Mend: mendPaths(*s)})
			return
		}
	}
	if lacking == len(r.seen) {
		r.finding(nil, codeNoEnv, verdict{checks.Warning, "in none"}, noEnvText(), noEnvAdvice(live)).Road = checks.Week
	}
}

// judgeMedia tells where the media are in no backup.
func (r *round) judgeMedia() {
	live := home(r.installed)
	if live == "" || r.c.config.MediaKept {
		return
	}
	if _, err := os.Stat(filepath.Join(live, mediaFolder, attachedFolder)); err != nil {
		return // object storage, or a folder that may not be seen: then nothing is claimed
	}
	lacking := 0
	for i := range r.seen {
		switch mediaIn(&r.seen[i], live) {
		case holdsIt:
			return
		case lacksIt:
			lacking++
		}
	}
	v := judgeMedia(r.installed.Settings, lacking == len(r.seen))
	switch {
	case v.found():
		r.finding(nil, codeNoMedia, v, noMediaText(), noMediaAdvice(filepath.Join(live, mediaFolder))).Road = checks.Week
	case v.Why == mediaUnknown:
		r.out.Blind = append(r.out.Blind, checks.Blind{Code: codeNoMedia, Why: blindMedia(), Mend: mendMedia()})
	}
}

// Why media may be in no backup.
const (
	mediaElsewhere = "in object storage"
	mediaUnknown   = "whether there is object storage is not known"
)

// judgeMedia decides whether media that lie on this machine are missed; none
// tells that no backup holds them.
func judgeMedia(settings map[string]string, none bool) verdict {
	switch {
	case settings["S3_ENABLED"] == "true":
		return verdict{Why: mediaElsewhere}
	case !none:
		return verdict{Why: "in some, or not known"}
	case len(settings) == 0:
		return verdict{Why: mediaUnknown}
	}
	return verdict{checks.Warning, "in none"}
}

// covers tells whether one of the paths is a folder or a file, or above it.
func covers(paths []string, file string) bool {
	for _, p := range paths {
		p = filepath.Clean(p)
		if p == "/" || file == p || strings.HasPrefix(file, p+"/") {
			return true
		}
	}
	return false
}

// envIn tells whether .env.production is in a source's newest backup; "" is
// that it is not known.
func envIn(s *seen, live string) string {
	switch {
	case s.Newest == nil:
		return ""
	case s.StatusFile != "":
		if !s.Status.PathsKnown {
			return ""
		}
		return held(covers(s.Status.Paths, filepath.Join(live, envFile)))
	case strings.Contains(filepath.Base(s.Newest.Path), envFile):
		return holdsIt
	case s.plainFolder():
		return s.anyBelow(live, "", envFile)
	case s.Newest.Header.isDump():
		return lacksIt
	}
	return s.Tested.Env
}

// mediaName is what copies of the media are called.
var mediaName = regexp.MustCompile(`(?i)(^|[^a-z])(media|public|attachments?)([^a-z]|$)`)

// mediaIn tells whether the media are in a source's newest backup; "" is that
// it is not known.
func mediaIn(s *seen, live string) string {
	switch {
	case s.Newest == nil:
		return ""
	case s.StatusFile != "":
		if !s.Status.PathsKnown {
			return ""
		}
		return held(covers(s.Status.Paths, filepath.Join(live, mediaFolder, attachedFolder)))
	case s.plainFolder():
		for _, inner := range []string{"", "system", mediaFolder} {
			if s.anyBelow(live, inner, attachedFolder) == holdsIt {
				return holdsIt
			}
		}
		return ""
	case s.Newest.Header.isDump():
		return lacksIt
	case mediaName.MatchString(filepath.Base(s.Newest.Path)):
		return holdsIt
	}
	return s.Tested.Media
}

// isMedia tells whether a name in a tar is one of the media.
func isMedia(name string) bool {
	return strings.Contains("/"+name, "/"+attachedFolder+"/") || strings.Contains("/"+name, "/"+mediaFolder+"/")
}

// plainFolder tells whether the newest is a copied folder.
func (s *seen) plainFolder() bool { return s.Newest.Folder && s.Newest.Header.Form == formOther }

// anyBelow looks for a name where a copy of the server's folder may have it.
func (s *seen) anyBelow(live, inner, name string) string {
	for _, below := range []string{"", filepath.Base(live), strings.TrimPrefix(live, "/")} {
		if _, err := os.Lstat(filepath.Join(s.Newest.Path, below, inner, name)); err == nil {
			return holdsIt
		}
	}
	return ""
}

// isDump tells whether it can hold nothing but a database.
func (h header) isDump() bool {
	return h.Form == formCustom || h.Form == formFolder || h.Form == formPlain
}
