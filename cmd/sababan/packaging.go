//go:build !documents

package main

import "github.com/spf13/cobra"

// packaging are the commands that only the making of a package needs; what
// they need is not linked into the program.
func packaging() []*cobra.Command { return nil }
