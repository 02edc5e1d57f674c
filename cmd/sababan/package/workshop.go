package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A workshop is where the packages of one version are made.
type workshop struct {
	version string
	when    time.Time // of everything in the packages
	root    string    // the top of the tree
	build   string    // a folder for what is on the way, ours alone
	stderr  io.Writer
	pages   []string // the man pages in build
}

// A version goes into both formats as it is: rpm knows no dash in it.
var versionForm = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~]*$`)

func newWorkshop(ctx context.Context, version string, stderr io.Writer) (*workshop, error) {
	w := &workshop{stderr: stderr}
	mod, err := w.output(ctx, "", nil, "go", "env", "GOMOD")
	if err != nil {
		return nil, err
	}
	w.root = filepath.Dir(mod)
	if _, err := os.Stat(filepath.Join(w.root, "cmd", "sababan", "package", "nfpm.yaml")); err != nil {
		return nil, fmt.Errorf("this is to be run inside of sababan's own tree: %w", err)
	}
	if w.when, err = w.date(ctx); err != nil {
		return nil, err
	}
	if w.version, err = w.named(ctx, version); err != nil {
		return nil, err
	}
	if w.build, err = os.MkdirTemp("", "sababan-package-"); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *workshop) close() { _ = os.RemoveAll(w.build) }

// date is $SOURCE_DATE_EPOCH, else the time of the commit.
func (w *workshop) date(ctx context.Context) (time.Time, error) {
	words := os.Getenv("SOURCE_DATE_EPOCH")
	if words == "" {
		var err error
		if words, err = w.output(ctx, w.root, nil, "git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, fmt.Errorf("when this was written is not known; set SOURCE_DATE_EPOCH to seconds since 1970: %w", err)
		}
	}
	seconds, err := strconv.ParseInt(words, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %q is no number of seconds", words)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// named is the version: the one that was given, else one of the commit.
func (w *workshop) named(ctx context.Context, given string) (string, error) {
	given = strings.TrimPrefix(given, "v")
	if given == "" {
		commit, err := w.output(ctx, w.root, nil, "git", "log", "-1", "--format=%h")
		if err != nil {
			return "", fmt.Errorf("the commit is not known; give --version: %w", err)
		}
		given = "0.0~" + w.when.Format("20060102150405") + "." + commit
	}
	if !versionForm.MatchString(given) {
		return "", fmt.Errorf("--version: %q should be like 1.2.3, of digits, letters, dots, + and ~", given)
	}
	return given, nil
}

// prepare makes what is the same for every architecture.
func (w *workshop) prepare(ctx context.Context) error {
	err := w.run(ctx, nil, "go", "run", "-buildvcs=false", "-tags", "documents", "-ldflags", "-X main.version="+w.version,
		"./cmd/sababan", "documents", "--date", w.when.Format(time.DateOnly), w.build)
	if err != nil {
		return fmt.Errorf("man pages: %w", err)
	}
	example, err := os.ReadFile(filepath.Join(w.root, "config.example.toml"))
	if err != nil {
		return err
	}
	page := configPage(string(example), w.version, w.when)
	if err := os.WriteFile(filepath.Join(w.build, "sababan.toml.5"), []byte(page), 0o644); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(w.build, "*.[15]"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := squeeze(page); err != nil {
			return err
		}
		w.pages = append(w.pages, filepath.Base(page)+".gz")
	}
	return w.scripts()
}

// squeeze makes FILE.gz of a file, without name and time.
func squeeze(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path+".gz", b.Bytes(), 0o644)
}

// stateVersion is the version of the state that the program writes: the number
// of its migrations.
func (w *workshop) stateVersion() (int, error) {
	all, err := filepath.Glob(filepath.Join(w.root, "schedule", "state", "migrations", "[0-9]*.sql"))
	if err == nil && len(all) == 0 {
		err = errors.New("no migrations of the state were found")
	}
	return len(all), err
}

// scripts fills in those that the packages run, and notes the state's version.
func (w *workshop) scripts() error {
	here := filepath.Join(w.root, "cmd", "sababan", "package", "scripts")
	version, err := w.stateVersion()
	if err != nil {
		return err
	}
	read := func(name string, words ...string) (string, error) {
		text, err := os.ReadFile(filepath.Join(here, name))
		return strings.NewReplacer(words...).Replace(string(text)), err
	}
	form, err := read("form.sh", "@STATE_VERSION@", strconv.Itoa(version), "@VERSION@", w.version)
	if err != nil {
		return err
	}
	farewell, err := read("farewell.txt")
	if err != nil {
		return err
	}
	for _, name := range []string{"deb.preinst", "deb.postinst", "deb.prerm", "deb.postrm", "rpm.preinstall", "rpm.postinstall", "rpm.preremove", "rpm.postremove"} {
		text, err := read(name, "@FORM@", strings.TrimSpace(form), "@FAREWELL@", strings.TrimSpace(farewell))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.build, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(w.build, "state-version"), []byte(strconv.Itoa(version)+"\n"), 0o644)
}

// compile makes the program.
func (w *workshop) compile(ctx context.Context, arch string) error {
	return w.run(ctx, []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0"},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version="+w.version,
		"-o", filepath.Join(w.build, "sababan"), "./cmd/sababan")
}

// pack makes the packages of an architecture, and tells their sums.
func (w *workshop) pack(ctx context.Context, arch string, formats []string, out string, stdout io.Writer) error {
	plan, err := os.ReadFile(filepath.Join(w.root, "cmd", "sababan", "package", "nfpm.yaml"))
	if err != nil {
		return err
	}
	var pages strings.Builder
	for _, p := range w.pages {
		section := strings.TrimSuffix(p, ".gz")
		fmt.Fprintf(&pages, "  - { src: %q, dst: /usr/share/man/man%s/%s, file_info: { mode: 0644 } }\n", filepath.Join(w.build, p), section[len(section)-1:], p)
	}
	text := strings.NewReplacer(
		"@ARCH@", arch, "@VERSION@", w.version, "@TIME@", w.when.Format(time.RFC3339), "@BUILD@", w.build,
		"@HERE@", filepath.Join(w.root, "cmd", "sababan", "package"), "@ROOT@", w.root, "@PAGES@\n", pages.String(),
	).Replace(string(plan))
	file := filepath.Join(w.build, "nfpm."+arch+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	for _, format := range formats {
		name := map[string]string{
			"deb": fmt.Sprintf("sababan_%s-1_%s.deb", w.version, arch),
			"rpm": fmt.Sprintf("sababan-%s-1.%s.rpm", w.version, map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch]),
		}[format]
		if name == "" {
			return fmt.Errorf("there is no format %q; there are: deb, rpm", format)
		}
		target, err := filepath.Abs(filepath.Join(out, name))
		if err != nil {
			return err
		}
		if err := w.run(ctx, []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(w.when.Unix(), 10)},
			"go", "tool", "-modfile=.ci/package.mod", "nfpm", "package", "--config", file, "--packager", format, "--target", target); err != nil {
			return err
		}
		if err := tell(stdout, target); err != nil {
			return err
		}
	}
	return nil
}

// run runs a command in the tree; what it says is shown where it fails.
func (w *workshop) run(ctx context.Context, env []string, words ...string) error {
	_, err := w.output(ctx, w.root, env, words...)
	return err
}

// output runs a command and returns what it said on its standard output.
func (w *workshop) output(ctx context.Context, dir string, env []string, words ...string) (string, error) {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(os.Environ(), env)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(words[:min(3, len(words))], " "), err, text, trouble.String())
	}
	return strings.TrimSpace(string(text)), nil
}
