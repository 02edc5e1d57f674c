// Walk prints what a folder occupies, in bytes, as `du -sx -B1` does: the
// walk of the check "usage" and nothing else.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sababan/sababan/checks/usage"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "walk: one folder")
		os.Exit(2)
	}
	sum, err := usage.Total(context.Background(), os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "walk:", err)
		os.Exit(1)
	}
	fmt.Println(sum.Bytes)
}
