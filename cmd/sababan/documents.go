//go:build documents

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// packaging are the commands that only the making of a package needs.
func packaging() []*cobra.Command {
	var date string
	cmd := &cobra.Command{
		Use:    "documents FOLDER",
		Short:  "Write the man pages and the completions of the shells",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := time.Parse(time.DateOnly, date)
			if err != nil {
				return err
			}
			return documents(cmd.Root(), args[0], day)
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "the `DAY` of the pages, as 2006-01-02")
	return []*cobra.Command{cmd}
}

func documents(root *cobra.Command, folder string, day time.Time) error {
	root.DisableAutoGenTag = true
	header := doc.GenManHeader{Section: "1", Source: "sababan " + programVersion(), Manual: "sababan", Date: &day}
	if err := doc.GenManTree(root, &header, folder); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{
		"sababan.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"_sababan":     root.GenZshCompletion,
		"sababan.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
