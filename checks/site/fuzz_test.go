package site

import (
	"path"
	"strings"
	"testing"
)

// FuzzUnitFile: of a unit's file a whole path, a plain name and a port are
// taken, or nothing.
func FuzzUnitFile(f *testing.F) {
	f.Add("[Service]\nWorkingDirectory=-/home/mastodon/live\nUser=mastodon\nEnvironment=\"PORT=3000\"\nExecStart=/usr/bin/docker compose up\n")
	f.Add("[Service]\nWorkingDirectory=/a/../b\\\n c\nUser=$(id)\nEnvironment=PORT=99999\n[Install]\nUser=root")
	f.Fuzz(func(t *testing.T, text string) {
		var u unit
		u.read(text)
		if d := u.directory; d != "" && (!path.IsAbs(d) || strings.ContainsAny(d, "\n\x00")) || u.user != "" && !userName.MatchString(u.user) || u.port < 0 || u.port > 65535 {
			t.Errorf("%+v", u)
		}
		for _, d := range []string{postgresSetting(text, "data_directory"), redisDir(text)} {
			if d != "" && (!path.IsAbs(d) || strings.Contains(d, "\n")) {
				t.Errorf("%q", d)
			}
		}
	})
}
