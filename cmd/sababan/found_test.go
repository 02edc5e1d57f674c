package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestACheckWithoutConfigurationFindsTheMastodonOfThisMachine(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("/home/mastodon/live/lib/mastodon/version.rb", "")
	write("/home/mastodon/live/.env.production", "LOCAL_DOMAIN=example.social\nDB_PASS=hunter2\n")
	var out, errs bytes.Buffer
	env := environment{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
		getenv: func(string) string { return "" }, columns: func() (int, bool) { return 0, false },
		checklist: testKinds("fine", "needy"), config: filepath.Join(root, "none.toml"), root: root, patience: 29 * time.Second,
	}
	if status := run(t.Context(), env, []string{"check", "--verbose"}); status != exitOK {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{
		"example.social ", "2 fine\n", "Found: domain: example.social (by /home/mastodon/live/.env.production)\n",
		"Found: Mastodon's code: /home/mastodon/live (its code lies there)\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s%s", want, out.String(), errs.String())
		}
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Error("a secret is shown")
	}
}
