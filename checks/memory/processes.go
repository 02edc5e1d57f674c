package memory

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// processLimit bounds how many processes are read (own).
	processLimit = 5000
	// processWorth is the least that a process must hold to be named (own):
	// reading names costs more than reading sizes.
	processWorth = 4 << 20
	// topGroups is how many of the biggest are kept (the checklist: look at
	// free and top before you restart).
	topGroups = 5
	// workerLimit bounds the workers that are measured (own).
	workerLimit = 16
)

// A process is what is read of one process.
type process struct {
	// Name is the program: "puma", "sidekiq", "postgres".
	Name string
	// Worker is the title of a process of Mastodon's without the numbers that
	// move ("puma worker 0", "sidekiq"), or "".
	Worker string
	// Unit is the systemd unit it runs in, of workers only, or "".
	Unit string
	// Resident is all that it holds in memory, Shared the part of it that
	// others may hold as well, in bytes.
	Resident, Shared int64
}

// A group is all processes of one program.
type group struct {
	Name  string `json:"name"`
	Unit  string `json:"unit,omitempty"`
	Count int    `json:"count"`
	// Bytes is what they hold, shared parts counted once: near to what the
	// kernel calls PSS, at a hundredth of its cost.
	Bytes int64 `json:"bytes"`
}

// readProcesses reads the processes below a process file system; all is false
// where those of other users are hidden (hidepid, ProtectProc).
func readProcesses(ctx context.Context, proc string) (list []process, all bool) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, false
	}
	names, _ := dir.Readdirnames(-1) // whatever could be listed
	_ = dir.Close()
	seen := 0
	for _, pid := range names {
		if pid[0] < '0' || pid[0] > '9' {
			continue
		}
		if seen++; seen > processLimit || ctx.Err() != nil {
			break
		}
		folder := filepath.Join(proc, pid)
		if pid == "1" {
			// It is never ours: with hidepid=1 it is listed and cannot be read.
			all = len(head(filepath.Join(folder, "statm"), 256)) > 0
		}
		p, ok := readProcess(folder)
		if ok {
			list = append(list, p)
		}
	}
	return list, all
}

func readProcess(folder string) (process, bool) {
	resident, shared, ok := parseStatm(string(head(filepath.Join(folder, "statm"), 256)))
	if !ok || resident < processWorth {
		return process{}, false
	}
	comm := strings.TrimSuffix(string(head(filepath.Join(folder, "comm"), 256)), "\n")
	var command string
	if interpreter(comm) {
		command = string(bytes.ReplaceAll(head(filepath.Join(folder, "cmdline"), 4096), []byte{0}, []byte{' '}))
	}
	p := process{Resident: resident, Shared: shared}
	p.Name, p.Worker = title(comm, command)
	if p.Worker != "" {
		p.Unit = unitOf(string(head(filepath.Join(folder, "cgroup"), 4096)))
	}
	return p, true
}

// head reads the beginning of a file; nothing of one that cannot be read.
func head(path string, limit int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil
	}
	return b
}

// parseStatm reads /proc/PID/statm: sizes in pages; resident is the second,
// shared the third.
func parseStatm(text string) (resident, shared int64, ok bool) {
	f := strings.Fields(text)
	if len(f) < 3 {
		return 0, 0, false
	}
	r, err := strconv.ParseInt(f[1], 10, 44)
	if err != nil || r < 0 {
		return 0, 0, false
	}
	s, err := strconv.ParseInt(f[2], 10, 44)
	if err != nil || s < 0 {
		return 0, 0, false
	}
	page := int64(os.Getpagesize())
	return r * page, min(s, r) * page, true
}

// interpreter tells whether the name of a process says less than its command
// line does.
func interpreter(comm string) bool {
	for _, prefix := range []string{"ruby", "bundle", "puma", "sidekiq", "node", "MainThread", "java"} {
		if strings.HasPrefix(comm, prefix) {
			return true
		}
	}
	return false
}

var pumaWorker = regexp.MustCompile(`^puma: cluster worker ([0-9]{1,4}):`)

// title tells what a process is: the program, and the title of a worker of
// Mastodon's without its version, its pid and how busy it is.
func title(comm, command string) (name, worker string) {
	command = strings.TrimSpace(command)
	if m := pumaWorker.FindStringSubmatch(command); m != nil {
		return "puma", "puma worker " + m[1]
	}
	if !interpreter(comm) {
		return comm, ""
	}
	first, _, _ := strings.Cut(command, " ")
	words := strings.Fields(command)
	has := func(program string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return filepath.Base(w) == program })
	}
	switch {
	case first == "sidekiq", has("sidekiq"):
		return "sidekiq", "sidekiq"
	case first == "puma", has("puma"):
		return "puma", "puma"
	case (strings.HasPrefix(comm, "node") || comm == "MainThread") && strings.Contains(command, "streaming"):
		return "streaming (node)", ""
	case comm == "java" && strings.Contains(command, "elasticsearch"):
		return "elasticsearch", ""
	case comm == "java" && strings.Contains(command, "opensearch"):
		return "opensearch", ""
	case comm == "MainThread" && first != "":
		return filepath.Base(first), ""
	}
	return comm, ""
}

var serviceName = regexp.MustCompile(`/([A-Za-z0-9:_.@-]+\.service)(?:/|$)`)

// unitOf finds the systemd service in the text of /proc/PID/cgroup.
func unitOf(text string) string {
	for line := range strings.Lines(text) {
		if m := serviceName.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			return m[1]
		}
	}
	return ""
}

// biggest groups processes by program and returns the biggest groups.
func biggest(list []process) []group {
	type sum struct {
		group
		shared int64
	}
	byName := map[string]*sum{}
	for _, p := range list {
		g, ok := byName[p.Name]
		if !ok {
			g = &sum{group: group{Name: p.Name}}
			byName[p.Name] = g
		}
		g.Count++
		g.Bytes += p.Resident - p.Shared
		g.shared = max(g.shared, p.Shared)
		g.Unit = cmp.Or(g.Unit, p.Unit)
	}
	groups := make([]group, 0, len(byName))
	for _, g := range byName {
		g.Bytes += g.shared
		groups = append(groups, g.group)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	return groups[:min(len(groups), topGroups)]
}

// workers returns Mastodon's workers, the biggest of each title, biggest first.
func workers(list []process) []process {
	byTitle := map[string]process{}
	for _, p := range list {
		if p.Worker != "" && p.Resident > byTitle[p.Worker].Resident {
			byTitle[p.Worker] = p
		}
	}
	out := make([]process, 0, len(byTitle))
	for _, p := range byTitle {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b process) int {
		return cmp.Or(cmp.Compare(b.Resident, a.Resident), strings.Compare(a.Worker, b.Worker))
	})
	return out[:min(len(out), workerLimit)]
}
