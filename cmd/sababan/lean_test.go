package main

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Who runs a template, or looks for a method by a name known only then, makes
// the linker keep every method of every library: 9 MB of program, of which two
// thirds become resident.
func TestNothingOfTheProgramRunsTemplates(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name != root && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(name, 0) // what is not for a test
		if err != nil {
			return nil // no program here
		}
		seen++
		for _, not := range []string{"text/template", "html/template"} {
			if slices.Contains(p.Imports, not) {
				t.Errorf("%s imports %s", name, not)
			}
		}
		return nil
	})
	if err != nil || seen < 30 {
		t.Fatal(err, seen)
	}
}
