package packages

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// A release is the distribution that is installed, and how long somebody mends
// it.
type release struct {
	// Name is how it calls itself: "Debian GNU/Linux 12 (bookworm)"; text from
	// outside.
	Name string `json:"name"`
	// Ends is the end of the last support that is on; the zero time where it is
	// not known.
	Ends time.Time `json:"ends"`
	// Term names that support: "", "LTS", "ELTS", "ESM".
	Term string `json:"term,omitempty"`
}

// known are ends of support for where distro-info-data is not installed or
// older than the release (Debian and Ubuntu: distro-info-data of November 2026;
// the others: what their makers announce).
var known = map[string]struct{ ends, term string }{
	"debian 11":    {"2026-08-31", "LTS"},
	"debian 12":    {"2028-06-30", "LTS"},
	"debian 13":    {"2030-06-30", "LTS"},
	"ubuntu 20.04": {"2025-05-29", ""},
	"ubuntu 22.04": {"2027-06-01", ""},
	"ubuntu 24.04": {"2029-05-31", ""},
	"almalinux 8":  {"2029-03-01", ""},
	"almalinux 9":  {"2032-05-31", ""},
	"almalinux 10": {"2035-05-31", ""},
	"rocky 8":      {"2029-05-31", ""},
	"rocky 9":      {"2032-05-31", ""},
	"rocky 10":     {"2035-05-31", ""},
	"centos 7":     {"2024-06-30", ""},
	"centos 8":     {"2024-05-31", ""},
}

// osLimit is how much of os-release and of distro-info's tables is read, in
// bytes (own).
const osLimit = 256 << 10

func (c *check) readSmall(path string) (string, error) {
	f, err := checks.OpenFile(c.at(path))
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, osLimit))
	return string(b), err
}

// release reads which distribution this is and until when it is supported.
func (c *check) release() release {
	text, err := c.readSmall("/etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		text, _ = c.readSmall("/usr/lib/os-release") // what is not there says nothing
	}
	os := parseOSRelease(text)
	table, _ := c.readSmall("/usr/share/distro-info/" + filepath.Base("/"+os["ID"]) + ".csv") // neither does this
	return judgeRelease(os, table, c.extended())
}

// extended tells whether apt is set up to fetch updates that are made after
// the ordinary support: Debian's ELTS, Ubuntu's ESM.
func (c *check) extended() bool {
	files, _ := filepath.Glob(c.at("/etc/apt/sources.list.d/*")) // the pattern is right
	for _, file := range append(files, c.at("/etc/apt/sources.list")) {
		f, err := checks.OpenFile(file)
		if err != nil {
			continue
		}
		b, _ := io.ReadAll(io.LimitReader(f, osLimit)) // what cannot be read is as if it were not there
		_ = f.Close()
		for _, line := range strings.Split(string(b), "\n") {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, "#") && (strings.Contains(line, "extended-lts") || strings.Contains(line, "/elts") || strings.Contains(line, "esm.ubuntu.com")) {
				return true
			}
		}
	}
	return false
}

// parseOSRelease reads os-release(5).
func parseOSRelease(text string) map[string]string {
	values := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			values[name] = strings.Trim(value, `"'`)
		}
	}
	return values
}

// judgeRelease tells the end of support: by distro-info's table, else by what
// the distribution says of itself, else by what is known here.
func judgeRelease(os map[string]string, table string, extended bool) release {
	r := release{Name: os["PRETTY_NAME"]}
	if r.Name == "" {
		r.Name = strings.TrimSpace(os["NAME"] + " " + os["VERSION_ID"])
	}
	if ends, term, ok := fromTable(table, os["VERSION_CODENAME"], extended); ok {
		r.Ends, r.Term = ends, term
		return r
	}
	if ends, ok := endOf(os["SUPPORT_END"]); ok {
		r.Ends = ends
		return r
	}
	major, _, _ := strings.Cut(os["VERSION_ID"], ".")
	for _, version := range []string{os["VERSION_ID"], major} {
		if k, ok := known[os["ID"]+" "+version]; ok {
			r.Ends, _ = endOf(k.ends)
			r.Term = k.term
			return r
		}
	}
	return r
}

// terms are the columns of distro-info's tables, those that are on by
// themselves first; the last that is there counts.
var terms = []struct {
	column, name string
	extended     bool
}{
	{"eol", "", false}, {"eol-server", "", false}, {"eol-lts", "LTS", false}, {"eol-esm", "ESM", true}, {"eol-elts", "ELTS", true},
}

// fromTable looks a release up in a table of distro-info's.
func fromTable(table, series string, extended bool) (ends time.Time, term string, ok bool) {
	if table == "" || series == "" {
		return time.Time{}, "", false
	}
	r := csv.NewReader(strings.NewReader(table))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return time.Time{}, "", false
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		field := func(name string) string {
			if i, there := column[name]; there && i < len(row) {
				return row[i]
			}
			return ""
		}
		if field("series") != series {
			continue
		}
		for _, t := range terms {
			if at, dated := endOf(field(t.column)); dated && (!t.extended || extended) && at.After(ends) {
				ends, term = at, t.name
			}
		}
	}
	return ends, term, !ends.IsZero()
}

// endOf is the end of a day.
func endOf(date string) (time.Time, bool) {
	at, err := time.Parse(time.DateOnly, date)
	return at.Add(day), err == nil
}
