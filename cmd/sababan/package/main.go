// Package makes the packages of sababan: .deb and .rpm, with a static program
// for each architecture, its unit, man pages and completions. The same commit
// makes the same bytes.
//
//	go run ./cmd/sababan/package [--version X] [--arch amd64,arm64] [--format deb,rpm] [--out FOLDER]
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "package: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	flags.SetOutput(stderr)
	version := flags.String("version", "", "the `VERSION`, as 1.2.3; else one that sorts before 0.1 and names the commit")
	architectures := flags.String("arch", "amd64,arm64", "`LIST` of architectures")
	formats := flags.String("format", "deb,rpm", "`LIST` of formats")
	out := flags.String("out", "dist", "`FOLDER` for the packages")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is one word too many", flags.Arg(0))
	}
	w, err := newWorkshop(ctx, *version, stderr)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for _, arch := range strings.Split(*architectures, ",") {
		for _, made := range []func() error{
			func() error { return w.compile(ctx, arch) },
			func() error { return w.pack(ctx, arch, strings.Split(*formats, ","), *out, stdout) },
		} {
			if err := made(); err != nil {
				return fmt.Errorf("%s: %w", arch, err)
			}
		}
	}
	return nil
}

// tell writes a file's size and sum, as sha256sum does.
func tell(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%x  %s\n", sum.Sum(nil), filepath.Base(path))
	return err
}
