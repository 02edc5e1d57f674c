package usage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// walkPlain is the walk with what every system has: one thread, the same
// answer.
func walkPlain(ctx context.Context, root string, p *plan) (*tree, error) {
	w := &plainWalk{ledger: newLedger(root), root: root, plan: p, places: map[string]place{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return w.entry(path, d, err)
	})
	if err != nil {
		return nil, fmt.Errorf("walk %s: %w", root, err)
	}
	return w.tree([]tally{w.tally}), nil
}

type plainWalk struct {
	*ledger
	root   string
	plan   *plan
	device uint64
	tally  tally
	// places are the folders that a plan reaches, or that are an area's own.
	places map[string]place
}

// A place is a folder with what the plan says of it.
type place struct {
	area int32
	plan *plan
}

func (w *plainWalk) of(folder string) place {
	for {
		if p, ok := w.places[folder]; ok {
			return p
		}
		up := filepath.Dir(folder)
		if up == folder || !strings.HasPrefix(folder, w.root) {
			return place{}
		}
		// Below what the plan names there is only the area.
		if p, ok := w.places[up]; ok {
			return place{area: p.area}
		}
		folder = up
	}
}

func (w *plainWalk) entry(path string, d fs.DirEntry, err error) error {
	if err != nil {
		switch {
		case path == w.root && d == nil:
			return err
		case errors.Is(err, fs.ErrNotExist):
			return nil
		}
		w.couldNotRead(path, w.of(path).area, plainError(err))
		return nil
	}
	info, err := d.Info()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			w.couldNotRead(path, w.of(filepath.Dir(path)).area, plainError(err))
		}
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no inode is told", path)
	}
	if path == w.root {
		w.device = uint64(st.Dev)
		w.places[path] = place{0, w.plan}
		w.tally.entries++
		w.tally.add(0, st.Blocks*block)
		return nil
	}
	up, name := w.of(filepath.Dir(path)), filepath.Base(path)
	var part *plan
	if up.plan != nil {
		part = up.plan.sub[name]
	}
	if part != nil && part.skip || uint64(st.Dev) != w.device {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	in := up.area
	if d.IsDir() {
		if up.plan != nil && up.plan.each || part != nil && part.named {
			in = w.area(path, in)
		}
		if part != nil || in != up.area {
			w.places[path] = place{in, part}
		}
		w.tally.entries++
		w.tally.add(in, st.Blocks*block)
		return nil
	}
	if up.plan != nil && up.plan.group != nil {
		if group := up.plan.group(name); group != "" {
			in = w.area(filepath.Join(filepath.Dir(path), group), in)
		}
	}
	w.file(&w.tally, in, file{
		blocks: st.Blocks, inode: st.Ino, links: uint64(st.Nlink), changed: info.ModTime().Unix(),
		regular: d.Type().IsRegular(),
	}, []byte(name), func() string { return path })
	return nil
}

// plainError is the kernel's own answer, without the path.
func plainError(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
