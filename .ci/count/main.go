// Count reads the events of `go test -json`, shows what failed, and ends in one
// line: "tests: N passed, 0 failed, 0 skipped". It exits 1 when anything failed
// or was skipped, and when nothing ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output, ImportPath, FailedBuild string
	Elapsed                                                float64
}

func main() {
	type name struct{ pkg, test string }
	said := map[name][]string{}
	var passed, failed, skipped int
	broken := false
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text())
			continue
		}
		key := name{e.Package, e.Test}
		show := func(word string) {
			fmt.Printf("%s %s %s\n%s", word, e.Package, e.Test, strings.Join(said[key], ""))
		}
		switch e.Action {
		case "output":
			said[key] = append(said[key], e.Output)
		case "build-output":
			fmt.Print(e.Output)
		case "build-fail":
			broken = true
		case "pass":
			if e.Test != "" {
				passed++
			} else {
				fmt.Printf("ok   %s %.1fs\n", e.Package, e.Elapsed)
			}
			delete(said, key)
		case "fail":
			broken = true
			if e.Test != "" {
				failed++
			}
			show("FAIL")
		case "skip":
			if e.Test != "" {
				skipped++
				show("SKIP")
			}
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Println("count:", err)
		broken = true
	}
	fmt.Printf("tests: %d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if broken || failed > 0 || skipped > 0 || passed == 0 {
		os.Exit(1)
	}
}
