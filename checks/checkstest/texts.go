package checkstest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sababan/sababan/checks"
)

// Updating tells whether golden files are to be written anew.
func Updating() bool { return *updateTexts }

var updateTexts = flag.Bool("update", false, "write the golden texts anew; read what has changed before it is kept")

// TextsNow is when the golden texts are read: a Wednesday morning in Europe.
var TextsNow = time.Date(2026, time.November, 25, 9, 0, 0, 0, time.UTC)

// Said is one thing that sababan says: what it is about, in a few words for
// whoever reads the golden files, the text, and what to do.
//
// What begins with "summary" or "answer" where the first line is no headline:
// the line in which a check tells all at once, or an answer to a command.
type Said struct {
	What   string
	Text   checks.Text
	Advice checks.Advice
}

// Say is a finding's text, or any other, with its advice.
func Say(what string, text checks.Text, advice ...checks.Advice) Said {
	s := Said{What: what, Text: text}
	if len(advice) > 0 {
		s.Advice = advice[0]
	}
	return s
}

// SayFinding is a finding as it is told.
func SayFinding(what string, f checks.Finding) Said { return Say(what, f.Text, f.Advice) }

// SayBlind is something that could not be seen.
func SayBlind(what string, b checks.Blind) Said { return Say(what, b.Why, b.Mend) }

// SayError is why nothing at all could be seen.
func SayError(what string, err error) Said {
	why, advice := checks.Explain(err)
	return Say(what, why, advice)
}

// TextReader reads the golden texts of a language.
func TextReader(l checks.Lang) checks.Reader {
	zone, name := time.FixedZone("CET", 3600), "Europe/Berlin"
	if l == checks.Japanese {
		zone, name = time.FixedZone("JST", 9*3600), "Asia/Tokyo"
	}
	if z, err := time.LoadLocation(name); err == nil {
		zone = z // the fixed one is the same on that day
	}
	return checks.Reader{Lang: l, Zone: zone, Now: TextsNow}
}

// TextsFile is the golden file of a language, found from the folder that a
// test runs in.
func TextsFile(l checks.Lang) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("golden texts: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "cmd/sababan/testdata", "texts."+string(l)+".golden"), nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("golden texts: no go.mod above this folder")
		}
		dir = up
	}
}

// Texts renders what is said in both languages, as an admin reads it, and
// compares it with one section of the golden files, cmd/sababan/testdata/
// texts.en.golden and texts.ja.golden; -update rewrites that section alone:
//
//	go test ./checks/disk -run TestTexts -update
func Texts(t *testing.T, section string, said ...Said) {
	t.Helper()
	for _, l := range []checks.Lang{checks.English, checks.Japanese} {
		path, err := TextsFile(l)
		if err != nil {
			t.Fatal(err)
		}
		body := render(said, TextReader(l))
		if *updateTexts {
			if err := rewriteSection(path, section, body); err != nil {
				t.Fatal(err)
			}
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := TextSections(string(raw))[section]
		if !ok {
			t.Errorf("%s has no section %s: write it with -update and read it", filepath.Base(path), section)
			continue
		}
		if want != body {
			t.Errorf("%s, section %s: is now otherwise; -update writes it anew, to be read\n%s", filepath.Base(path), section, firstDifference(want, body))
		}
	}
}

func render(said []Said, r checks.Reader) string {
	var b strings.Builder
	for i, s := range said {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "# %s\n", s.What)
		for _, line := range []string{s.Text.Read(r), adviceLines(s.Advice).Read(r)} {
			if line != "" {
				b.WriteString(line + "\n")
			}
		}
	}
	return b.String()
}

// adviceLines is what to do, as a message has it below the text.
func adviceLines(a checks.Advice) checks.Text {
	lines := []checks.Text{a.Text}
	add := func(en, ja string, sh checks.Shell) {
		// A command that would mention somebody is left out of a message.
		if cmd := sh.String(); cmd != "" && !checks.Live(cmd) {
			lines = append(lines, checks.Text{En: en + cmd, Ja: ja + cmd})
		}
	}
	add("Look: ", "確認: ", a.Look)
	for _, sh := range a.Mend {
		add("Fix: ", "対処: ", sh)
	}
	return checks.Lines(lines...)
}

const sectionMark = "== "

// TextSections parts a golden file: section → what stands in it.
func TextSections(file string) map[string]string {
	sections := map[string]string{}
	name := ""
	var b strings.Builder
	end := func() {
		if name != "" {
			sections[name] = strings.Trim(b.String(), "\n") + "\n"
		}
		b.Reset()
	}
	for line := range strings.Lines(file) {
		if rest, ok := strings.CutPrefix(line, sectionMark); ok {
			end()
			name = strings.TrimSpace(rest)
			continue
		}
		b.WriteString(line)
	}
	end()
	return sections
}

// rewriteSection replaces one section, under a lock: the tests of several
// packages run at the same time.
func rewriteSection(path, section, body string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("golden texts: %w", err)
	}
	defer dir.Close() // and with it the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("golden texts: lock: %w", err)
	}
	raw, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("golden texts: %w", err)
	}
	sections := TextSections(string(raw))
	sections[section] = body
	names := make([]string, 0, len(sections))
	for name := range sections {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(sectionMark + name + "\n\n" + sections[name])
	}
	if err := os.WriteFile(path+".new", []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("golden texts: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("golden texts: %w", err)
	}
	return nil
}

// firstDifference shows where two texts part.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "(nothing)", "(nothing)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\nwas: %s\nis:  %s", i+1, a, b)
		}
	}
	return ""
}
