// Package systemd reads what the service manager of a machine knows of its
// units: over D-Bus, and by the output of systemctl where there is no bus. It
// is no check; what it reads is judged by the checks of timers and services.
// Reading needs no right.
package systemd

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sababan/sababan/checks/child"
)

// A Host is the machine whose systemd is asked; the zero value is this one.
type Host struct {
	// Root is where its files are; "" is /.
	Root string
	// Enter are words to put before a command that is to run there.
	Enter []string
	// Bus is the address of its system bus as D-Bus writes it; "" takes the
	// usual socket below Root.
	Bus string
}

// ErrAbsent says that a machine is not run by systemd.
var ErrAbsent = errors.New("this machine is not run by systemd")

// Path is a path of the host as this process sees it.
func (h Host) Path(path string) string {
	if h.Root == "" {
		return path
	}
	return filepath.Join(h.Root, path)
}

func (h Host) bus() string {
	if h.Bus != "" {
		return h.Bus
	}
	return "unix:path=" + h.Path("/run/dbus/system_bus_socket")
}

// Running tells whether the host is run by systemd, as sd_booted does.
func (h Host) Running() bool {
	info, err := os.Lstat(h.Path("/run/systemd/system"))
	return err == nil && info.IsDir()
}

// command runs a tool on the host, with its times in UTC.
func (h Host) command(ctx context.Context, limit int, words ...string) (child.Output, error) {
	return child.Run(ctx, child.Command{
		Words: append(h.Enter[:len(h.Enter):len(h.Enter)], words...),
		Env:   []string{"TZ=UTC", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0", "SYSTEMD_URLIFY=0"},
		Limit: limit,
	})
}

// A Manager answers what systemd knows. It is used by one goroutine and closed
// by whoever opened it.
type Manager struct {
	source source
	host   Host
}

// A source is a way to ask.
type source interface {
	// list returns the loaded units that match a pattern.
	list(ctx context.Context, patterns []string) ([]Unit, error)
	// read returns everything about units by name.
	read(ctx context.Context, names []string) ([]Unit, error)
	close()
}

// Open connects to the manager. What is opened lives no longer than ctx.
// [ErrAbsent] says that there is none; every other error, that it did not
// answer.
func (h Host) Open(ctx context.Context) (*Manager, error) {
	if !h.Running() {
		return nil, ErrAbsent
	}
	bus, err := openBus(ctx, h.bus())
	if err == nil {
		return &Manager{bus, h}, nil
	}
	if ctx.Err() != nil || !noBus(err) {
		return nil, errors.Join(err, ctx.Err())
	}
	return &Manager{tool{h}, h}, nil
}

// noBus tells whether an error means that there is nobody at the address, and
// not that somebody there does not answer.
func noBus(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isRefused(err)
}

// Close ends the connection.
func (m *Manager) Close() { m.source.close() }

// Units returns what is loaded and matches one of the patterns (as
// `systemctl list-units` takes them), with name and states only. What is
// enabled or running is loaded; what is merely installed is not.
func (m *Manager) Units(ctx context.Context, patterns ...string) ([]Unit, error) {
	return m.source.list(ctx, patterns)
}

// Read returns everything about units by name, in the order of the names. One
// that does not exist has Load "not-found".
func (m *Manager) Read(ctx context.Context, names ...string) ([]Unit, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return m.source.read(ctx, names)
}

// unitFolders are where unit files lie.
var unitFolders = []string{
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
}

// Installed returns the names of the unit files that end with a suffix. The
// manager could list them, too, at forty times the cost: it looks at everything
// that is linked to each.
func (h Host) Installed(suffix string) []string {
	seen := map[string]bool{}
	for _, folder := range unitFolders {
		entries, _ := os.ReadDir(h.Path(folder)) // not every folder is there
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), suffix) {
				seen[e.Name()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
