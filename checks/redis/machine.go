package redis

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sababan/sababan/checks"
	"github.com/sababan/sababan/checks/site"
)

// A machine is what is known of the machine that Redis may be on.
type machine struct {
	found      site.Found
	proc, root string
}

// A cause is why Redis could not save, as far as it can be told from outside.
type cause int

const (
	unknownCause cause = iota
	diskFull           // Redis says so
	littleRoom         // less room than it uses
	forkRefused        // the kernel does not promise the memory for a copy
)

// cause looks on this machine, if Redis is here, for what keeps it from saving.
func (m machine) cause(r reading) (c cause, folder string, room float64) {
	if strings.Contains(r.refusal, "No space left") {
		return diskFull, "", 0
	}
	if !r.local {
		return unknownCause, "", 0
	}
	for _, d := range m.found.RedisData {
		if free, ok := freeBytes(m.root + d); ok && free < r.count("used_memory") {
			return littleRoom, d, free
		}
	}
	// A fork needs the promise of as much memory as it uses, unless the kernel
	// promises everything (vm.overcommit_memory = 1).
	if word := m.read("sys/vm/overcommit_memory", 16); word == "0" || word == "2" {
		if free := m.available(); free > 0 && free < r.count("used_memory") {
			return forkRefused, "", free
		}
	}
	return unknownCause, "", 0
}

// read is the beginning of a file of the kernel's.
func (m machine) read(name string, limit int64) string {
	f, err := os.Open(filepath.Join(m.proc, name))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// available is MemAvailable in bytes, 0 where it cannot be told.
func (m machine) available() float64 {
	for line := range strings.Lines(m.read("meminfo", 8<<10)) {
		if rest, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			if err == nil {
				return n * 1024
			}
		}
	}
	return 0
}

// compose is a command of Docker Compose's for the service of Redis.
func (m machine) compose(words ...string) checks.Shell {
	return checks.Written(append([]string{"sudo", "docker", "compose", "--project-directory", m.found.Compose}, words...)...)
}

// cli is redis-cli for one server, or nothing where it could be another.
func (m machine) cli(r reading, words ...string) checks.Shell {
	switch {
	case m.found.Compose != "" && !strings.HasPrefix(r.place, "/"):
		return m.compose(append([]string{"exec", "redis", "redis-cli"}, words...)...)
	case strings.HasPrefix(r.place, "/"):
		return checks.Written(append([]string{"redis-cli", "-s", r.place}, words...)...)
	case r.place == "localhost:6379" || r.place == "127.0.0.1:6379":
		return checks.Written(append([]string{"redis-cli"}, words...)...)
	}
	i := strings.LastIndexByte(r.place, ':')
	if i <= 0 || strings.ContainsAny(r.place, " ,()") {
		return nil
	}
	host := strings.Trim(r.place[:i], "[]")
	return checks.Written(append([]string{"redis-cli", "-h", host, "-p", r.place[i+1:]}, words...)...)
}
