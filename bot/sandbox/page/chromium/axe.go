package chromium

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rules of accessibility that pages are held against, as npm packs them.
// They are MPL-licensed and not part of this tree.
const (
	axePackage = "axe-core-4.14.1"
	axeSum     = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745" // SHA-256 of the .tgz
	axeLimit   = 8 << 20                                                            // bytes of the script
)

// axeFolder names the folder that holds the package; default: "sababan" in the
// user's cache folder, which .ci/test fills.
const axeFolder = "SABABAN_AXE"

// Axe is the script of axe-core.
func Axe(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(axeFolder)
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "sababan")
	}
	script, err := axe(filepath.Join(dir, axePackage+".tgz"))
	if err != nil {
		t.Fatalf("axe-core: %v; get it by: mkdir -p %s && npm pack %s --pack-destination %s", err, dir, strings.Replace(axePackage, "core-", "core@", 1), dir)
	}
	return script
}

func axe(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != axeSum {
		return "", fmt.Errorf("%s is not what it should be: its SHA-256 is %x", path, sum)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	files := tar.NewReader(unzipped)
	for {
		head, err := files.Next()
		if err != nil {
			return "", err
		}
		if head.Name == "package/axe.min.js" {
			script, err := io.ReadAll(io.LimitReader(files, axeLimit))
			return string(script), err
		}
	}
}

// A violation is a rule that a page breaks.
type violation struct {
	ID    string
	Help  string
	Nodes []struct {
		HTML           string
		FailureSummary string
	}
}

// Accessible holds the page against every rule of axe-core, the advice of good
// practice included. The error lists what is broken.
func (tab *Tab) Accessible(script string) error {
	tab.t.Helper()
	tab.Eval(`typeof axe === 'object' ? 0 : (() => {` + script + `; return 0; })()`)
	text, ok := tab.Eval(`axe.run(document, {resultTypes: ['violations', 'incomplete']}).then((r) => JSON.stringify(r))`).(string)
	if !ok {
		return errors.New("axe-core gave no answer")
	}
	var result struct {
		Violations []violation
		Passes     []struct{}
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		return err
	}
	if len(result.Passes) < 20 { // a page of this kind meets over thirty of them
		return fmt.Errorf("only %d rules could be held against it", len(result.Passes))
	}
	var all []error
	for _, v := range result.Violations {
		for _, n := range v.Nodes {
			all = append(all, fmt.Errorf("%s: %s\n%s\n%s", v.ID, v.Help, n.HTML, n.FailureSummary))
		}
	}
	return errors.Join(all...)
}
